//! [`Contacts`]: e-mail addresses, UPI ids, links to chats and profiles, and handles.
//!
//! This module contains their patterns. Phone numbers outside of links must not be handled here. To
//! add a platform, add its host to [`CONTACT_LINK`] and its name to the tables in `cue/`. To add a
//! bank, add it to [`UPI`].

use std::ops::Range;

use once_cell::sync::Lazy;
use regex::Regex;

use super::cue::Sense;
use super::prefilter;
use super::profile_path::leads_to_person;
use super::rule::{Finding, Rule};
use super::scene::Scene;
use super::shadow::{Class, Glyph, MarkSet, Shadow};

static EMAIL: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"[a-z0-9._%+\u{80}-\u{10ffff}-]{1,64}@[a-z0-9\u{80}-\u{10ffff}-]+",
        r"(?:\.[a-z0-9\u{80}-\u{10ffff}-]+)*\.[a-z\u{80}-\u{10ffff}]{2,24}",
        // Spelled out: name (at) gmail dot com.
        r"|[a-z0-9._-]{2,64} {0,2}(?:\(at\)|\[at\]|\{at\}| at |@) {0,2}",
        r"(?:gmail|yahoo|hotmail|outlook|icloud|rediffmail|protonmail|proton|live|yandex|gmx)",
        r" {0,2}(?:\(dot\)|\[dot\]|\{dot\}|\.| dot ) {0,2}(?:com|in|co\.in|net|org|ru|de|fr|me|uk)(?-u:\b)",
    ))
});

static UPI: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"[a-z0-9._-]{2,64}@(?:ok(?:hdfcbank|icici|sbi|axis)|paytm|pt(?:yes|axis|sbi|hdfc)|ybl|ibl",
        r"|axl|upi|apl|yapl|rapl|wa(?:icici|sbi|axis|hdfcbank)|jio|airtel|freecharge|fbl|sbi",
        r"|hdfc(?:bank)?|icici|axis(?:bank|b)?|kotak(?:811|bank)?|indus|boi|cnrb|pnb|barodampay",
        r"|idfc(?:bank|first)?|federal|yesbank|yes[gp]|ikwik|jupiteraxis|naviaxis|slice|superyes",
        r"|timecosmos|tapicici|pingpay|dbs|hsbc|citi|rbl|aubank|equitas|idbi|mahb|uco|unionbank",
        r"|dlb|kbl|kvb|nsdl|postbank|phonepe|gpay|amazonpay|cred)(?-u:\b)",
    ))
});

/// Beginnings of links that open a chat, dial a number or show a profile. [`find`] reads the rest
/// of the link.
static CONTACT_LINK: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"(?:tel|sms|callto|facetime|whatsapp|viber|skype|sgnl|tg):(?://|[+0-9])",
        r"|(?:https?://)?(?:[a-z0-9-]{1,20}\.)?(?:wa\.me|whatsapp\.com|t\.me|telegram\.(?:me|dog)",
        r"|instagram\.com|instagr\.am|ig\.me|snapchat\.com/(?:add|t)|facebook\.com|fb\.(?:com|me)",
        r"|m\.me|twitter\.com|x\.com|linkedin\.com/in|pinterest\.com",
        r"|discord\.gg|discord\.com/(?:users|invite)|signal\.(?:me|group)|kik\.me",
        r"|line\.me|viber\.me|linktr\.ee|onlyfans\.com|reddit\.com/u(?:ser)?|vk\.com|ok\.ru",
        r"|bsky\.app/profile|join\.skype\.com|zalo\.me|imo\.im)/",
        // Platforms on which the path of a profile starts with an at sign.
        r"|(?:https?://)?(?:[a-z0-9-]{1,20}\.)?(?:tiktok\.com|threads\.(?:net|com)|youtube\.com)/@",
    ))
});

/// Links of any kind; their digits are not phone numbers.
static ANY_LINK: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"(?:https?|ftp|file|git|ssh|magnet|upi)://[^\s]+|www\.[^\s]+",
        r"|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,12}/[^\s]+",
    ))
});

/// A phone number that a link passes to a site.
static PHONE_PARAMETER: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"[?&](?:phone|tel|mobile|mob|whatsapp|msisdn|contact|number|phonenumber|recipient)",
        r"=((?:\+|%2b)?[0-9]{7,15})",
        // A plus marks a phone number anywhere in the path.
        r"|[/=#:]((?:\+|%2b)[0-9]{8,15})",
    ))
});

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that the tests compile")
}

/// Compiles the patterns now, so that the first text does not wait for it.
pub(super) fn warm_up() {
    for pattern in [&EMAIL, &UPI, &CONTACT_LINK, &ANY_LINK, &PHONE_PARAMETER] {
        Lazy::force(pattern);
    }
}

/// The matches of the patterns in one text.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    pub(super) found: Vec<Finding>,
    /// Links that stay visible, as byte ranges of the text.
    pub(super) links: Vec<Range<usize>>,
}

impl Contacts {
    /// Returns the byte ranges of all findings and links, in order.
    pub(super) fn ranges(&self) -> Vec<Range<usize>> {
        if self.found.is_empty() && self.links.is_empty() {
            return Vec::new();
        }
        let found = self.found.iter().map(|finding| finding.range.clone());
        let mut ranges: Vec<_> = found.chain(self.links.iter().cloned()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges
    }
}

/// Finds the addresses and links in `shadow`.
pub(super) fn find(shadow: &Shadow) -> Contacts {
    let mut contacts = Contacts::default();
    let has_at = shadow.marks.has(MarkSet::AT_SIGN)
        || has_spelled_at(shadow) && prefilter::names_mailbox(shadow.text);
    let has_link = shadow.marks.has(MarkSet::LINK) && has_link(shadow);
    if !has_at && !has_link {
        return contacts;
    }
    let plain: String = shadow
        .glyphs
        .iter()
        .map(|glyph| if glyph.class == Class::Space { ' ' } else { glyph.plain })
        .collect();
    // Maps bytes of the plain text to glyphs.
    let mut glyph_indexes = Vec::with_capacity(plain.len() + 1);
    for (index, c) in plain.chars().enumerate() {
        glyph_indexes.extend(std::iter::repeat_n(index, c.len_utf8()));
    }
    glyph_indexes.push(shadow.glyphs.len());
    let bytes =
        |range: Range<usize>| shadow.bytes(glyph_indexes[range.start], glyph_indexes[range.end]);
    if has_link {
        let mut end = 0;
        for link in CONTACT_LINK.find_iter(&plain) {
            // A link inside another link is part of it.
            if link.start() < end {
                continue;
            }
            let whole = &plain[link.start()..];
            let whole = whole.find(char::is_whitespace).map_or(whole, |space| &whole[..space]);
            end = link.start() + whole.len();
            let range = link.start()..link.start() + trimmed(whole);
            if is_standalone(&plain, range.start) && leads_to_person(&plain[range.clone()]) {
                contacts.found.push(Finding { range: bytes(range), rule: Rule::Link });
            }
        }
        let profiles = contacts.ranges();
        for link in ANY_LINK.find_iter(&plain) {
            let range = bytes(link.start()..link.start() + trimmed(link.as_str()));
            if !overlaps(&profiles, &range) {
                for number in PHONE_PARAMETER
                    .captures_iter(link.as_str())
                    .filter_map(|c| c.get(1).or(c.get(2)))
                {
                    let range = bytes(link.start() + number.start()..link.start() + number.end());
                    contacts.found.push(Finding { range, rule: Rule::Link });
                }
                contacts.links.push(range);
            }
        }
    }
    if has_at {
        for (pattern, rule) in [(&EMAIL, Rule::Email), (&UPI, Rule::Upi)] {
            let taken = contacts.ranges();
            for found in pattern.find_iter(&plain) {
                let range = bytes(found.range());
                if !overlaps(&taken, &range) {
                    contacts.found.push(Finding { range, rule });
                }
            }
        }
    }
    contacts
}

/// Returns `glyphs` without the first and without the last `last`.
fn trim_ends(glyphs: &[Glyph], last: usize) -> &[Glyph] {
    glyphs.get(1..glyphs.len().saturating_sub(last)).unwrap_or_default()
}

/// Returns `true` if "at" is a separate word, as in a spelled-out address.
fn has_spelled_at(shadow: &Shadow) -> bool {
    let glyphs = &shadow.glyphs;
    // The letter comes first, because it rules out most glyphs.
    trim_ends(glyphs, 2).iter().enumerate().any(|(index, glyph)| {
        glyph.plain == 'a'
            && glyphs[index + 2].plain == 't'
            && glyphs[index].class != Class::Letter
            && glyphs[index + 3].class != Class::Letter
    })
}

/// Returns `true` if a slash may belong to a link, or if a colon joins letters and a number as in
/// `tel:+91…`.
fn has_link(shadow: &Shadow) -> bool {
    let glyphs = &shadow.glyphs;
    let (mut has_slash, mut has_www) = (false, false);
    for (index, glyph) in trim_ends(glyphs, 1).iter().enumerate() {
        let (previous, next) = (&glyphs[index], &glyphs[index + 2]);
        match glyph.plain {
            // After a digit it divides a date or a score, unless the text also contains `www.`
            '/' if previous.plain.is_ascii_digit() => has_slash = true,
            '/' => return true,
            '.' => has_www |= previous.plain == 'w',
            ':' if previous.plain.is_ascii_lowercase()
                && (next.plain.is_ascii_digit() || next.plain == '+') =>
            {
                return true;
            }
            _ => {}
        }
    }
    has_slash && has_www
}

/// Returns `true` if `range` overlaps one of `taken`, which are in order.
fn overlaps(taken: &[Range<usize>], range: &Range<usize>) -> bool {
    let next = taken.partition_point(|other| other.end <= range.start);
    taken.get(next).is_some_and(|other| other.start < range.end)
}

/// Returns the length of a link without the punctuation of the sentence around it.
fn trimmed(link: &str) -> usize {
    link.trim_end_matches(|c: char| {
        matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | '\'' | '"' | ')' | ']' | '>')
    })
    .len()
}

/// Returns `true` if a link that starts at the byte `start` is not the end of a longer host name.
fn is_standalone(plain: &str, start: usize) -> bool {
    !plain[..start]
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '@'))
}

/// Finds handles next to the name of their platform: insta @some.one.
pub(super) fn handles(scene: &Scene) -> Vec<Finding> {
    let glyphs = &scene.shadow.glyphs;
    let mut found: Vec<Finding> = Vec::new();
    if !scene.shadow.marks.has(MarkSet::AT_SIGN) {
        return found;
    }
    for (index, token) in scene.tokens.iter().enumerate() {
        let has_sign = scene.shadow.before(token.from).is_some_and(|glyph| glyph.plain == '@');
        let is_separate = token.from < 2 || !is_handle_char(glyphs[token.from - 2].plain);
        if !has_sign || !is_separate {
            continue;
        }
        let nearby = index.saturating_sub(6)..(index + 4).min(scene.tokens.len());
        if !scene.tokens[nearby].iter().any(|token| token.sense.has(Sense::PLATFORM)) {
            continue;
        }
        let handle =
            glyphs[token.from..].iter().take(40).take_while(|glyph| is_handle_char(glyph.plain));
        let mut to = token.from + handle.count();
        while to > token.to && matches!(glyphs[to - 1].plain, '.' | '-') {
            to -= 1;
        }
        if to - token.from >= 3 {
            let range = scene.shadow.bytes(token.from - 1, to);
            found.push(Finding { range, rule: Rule::Handle });
        }
    }
    found
}

/// Returns `true` if a handle may contain `plain`.
fn is_handle_char(plain: char) -> bool {
    plain.is_alphanumeric() || matches!(plain, '_' | '.' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{explain, mask};

    #[test]
    fn contact_profile_is_hidden_but_not_the_home_page() {
        for host in [
            "wa.me/",
            "t.me/",
            "telegram.me/",
            "instagram.com/",
            "instagr.am/",
            "ig.me/",
            "snapchat.com/add/",
            "facebook.com/",
            "fb.com/",
            "fb.me/",
            "m.me/",
            "twitter.com/",
            "x.com/",
            "tiktok.com/@",
            "threads.net/@",
            "linkedin.com/in/",
            "discord.gg/",
            "discord.com/users/",
            "youtube.com/@",
            "pinterest.com/",
            "line.me/",
            "linktr.ee/",
            "reddit.com/user/",
            "vk.com/",
            "bsky.app/profile/",
            "zalo.me/",
        ] {
            let masked = mask(&format!("see https://www.{host}johndoe99 ok"));
            assert_eq!(masked.as_str(), "see [hidden] ok", "{host}");
            let home = format!("see https://{} ok", host.split('/').next().unwrap_or_default());
            assert_eq!(mask(&home).as_str(), home);
        }
    }

    fn rules(text: &str) -> Vec<Rule> {
        explain(text).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn contact_email_is_hidden_even_spelled_out() {
        assert_eq!(mask("write me: a.b+c@mail.example.org!").as_str(), "write me: [hidden]!");
        assert_eq!(rules("some.one (at) gmail (dot) com"), [Rule::Email]);
        assert_eq!(rules("someone at gmail dot com"), [Rule::Email]);
        assert_eq!(rules("look at gmail"), []);
    }

    #[test]
    fn contact_upi_id_is_hidden() {
        assert_eq!(mask("pay ravi.k@okhdfcbank pls").as_str(), "pay [hidden] pls");
        assert_eq!(rules("9517061705@paytm"), [Rule::Upi]);
    }

    #[test]
    fn contact_chat_link_is_hidden() {
        for text in [
            "https://wa.me/917722401360",
            "https://api.whatsapp.com/send?phone=919406969531&text=hi",
            "t.me/some_one",
            "http://t.me/+917338330056",
            "instagram.com/some.one",
            "www.snapchat.com/add/some-one",
            "tel:+91-81239-64812",
            "whatsapp://send?phone=+447400460395",
            "discord.gg/abc123",
            "https://signal.me/#p/+447400460395",
        ] {
            assert_eq!(mask(&format!("see {text}, ok")).as_str(), "see [hidden], ok", "{text}");
            assert_eq!(rules(text), [Rule::Link], "{text}");
        }
    }

    #[test]
    fn contact_ordinary_link_stays() {
        for text in [
            "https://news.example.com/2023/11/04/8812345678",
            "https://www.instagram.com/p/C9876543210/",
            "https://x.com/nasa/status/1234567890123456789",
            "https://www.youtube.com/watch?v=dQ4w9W51x0Q",
            "netflix.com/title/9876543210",
        ] {
            assert_eq!(rules(text), [], "{text}");
        }
    }

    #[test]
    fn contact_phone_parameter_is_hidden_inside_a_link() {
        let text = "https://shop.example.com/?a=1&phone=919876543210&b=2";
        assert_eq!(mask(text).as_str(), "https://shop.example.com/?a=1&phone=[hidden]&b=2");
        let text = "https://shop.example.com/#/call/+917722401360";
        assert_eq!(mask(text).as_str(), "https://shop.example.com/#/call/[hidden]");
    }

    #[test]
    fn contact_handle_is_hidden_next_to_its_platform() {
        assert_eq!(mask("insta @some.one_1 ok").as_str(), "insta [hidden] ok");
        assert_eq!(mask("find @some_one on telegram").as_str(), "find [hidden] on telegram");
        assert_eq!(rules("hello @everyone"), []);
    }
}
