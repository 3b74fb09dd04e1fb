//! [`Contacts`]: e-mail addresses, UPI ids, and links to chats and profiles.
//!
//! This module contains their patterns. Phone numbers outside of links must not be handled here, and
//! handles are in `handle.rs`. To add a platform, add its host to [`CONTACT_LINK`]. To add a
//! bank, add it to [`UPI`].

use std::ops::Range;

use once_cell::sync::Lazy;
use regex::Regex;

use super::prefilter;
use super::profile_path::leads_to_person;
use super::rule::{Finding, Rule};
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
        r"[a-z0-9._-]{2,64}@(?:",
        // Names that contain that of a bank or a payment service.
        r"[a-z0-9]{0,12}(?:bank|upi|pay|axis|icici|sbi|hdfc|yes|idfc|federal|kotak|indus|airtel|idbi|boi)",
        r"[a-z0-9]{0,8}",
        r"|paytm|ybl|ibl|axl|apl|yapl|rapl|jio|freecharge|fbl|fbpe|cnrb|pnb|ikwik|slice|timecosmos|dbs|hsbc",
        r"|citi|rbl|equitas|mahb|uco|dlb|kbl|kvb|nsdl|phonepe|cred|fam|purz|lime|payzapp|pockets|apb|ubi",
        r"|utbi|tjsb|sib|scb|scbl|srcb|psb|karb|jkb|iob|dcb|cub|cboi|andb|albk|kmb|kmbl|lvb|obc|synd|vjb",
        r"|vijb|imobile|birla|bandhan|jsb|jsbp|csbcash|ezeepay|trans|allbank|oksbi|okbiz",
        r")(?-u:\b)",
    ))
});

/// Beginnings of links that open a chat, dial a number or show a profile. [`find`] reads the rest
/// of the link.
static CONTACT_LINK: Lazy<Regex> = Lazy::new(|| {
    compiled(concat!(
        r"(?:tel|sms|callto|facetime|whatsapp|viber|skype|sgnl|tg):(?://|[+0-9])",
        r"|(?:https?://)?(?:[a-z0-9-]{1,20}\.){0,3}(?:wa\.me|whatsapp\.com|t\.me|telegram\.(?:me|dog)",
        r"|instagram\.com|instagr\.am|ig\.me|snapchat\.com/(?:add|t)|facebook\.com|fb\.(?:com|me)",
        r"|m\.me|twitter\.com|x\.com|linkedin\.com/in|pinterest\.com",
        r"|discord\.gg|discord\.com/(?:users|invite)|signal\.(?:me|group)|kik\.me",
        r"|line\.me|viber\.me|linktr\.ee|onlyfans\.com|reddit\.com/u(?:ser)?|vk\.com|ok\.ru",
        r"|bsky\.app/profile|join\.skype\.com|zalo\.me|imo\.im)/",
        // Platforms on which the path of a profile starts with an at sign.
        r"|(?:https?://)?(?:[a-z0-9-]{1,20}\.)?(?:tiktok\.com|threads\.(?:net|com)|youtube\.com)/@",
    ))
});

/// Minimum digits of a link that may pass a phone number.
const MIN_PHONE_DIGITS: usize = 7;

/// Hosts that are part of no other host's name, so that a dash before them is one of the sentence.
const AMONG_WORDS: [&str; 6] =
    ["wa.me", "t.me", "instagram.com", "api.whatsapp.com", "snapchat.com", "telegram.me"];

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
        // A mobile number as the whole path, or after a word for contact.
        r"|^(?:[a-z]+://)?(?:[^/\s]+/(?:[^\s]*/)?(?:call|contact|phone|tel|wa|whatsapp|chat|msg|sms|dial|me|u|user|add)|[^/\s]+)",
        r"/@?((?:91|0)?[6-9][0-9]{9})(?:$|[/?&#.,!)])",
        // The payee of a payment link.
        r"|[?&]pa=([^&\s\[]{3,})",
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
                let whole = link.as_str();
                let digits = whole.bytes().filter(u8::is_ascii_digit).count();
                let may_pass_number = digits >= MIN_PHONE_DIGITS || whole.contains("pa=");
                let whole = if may_pass_number { whole } else { "" };
                for number in PHONE_PARAMETER
                    .captures_iter(whole)
                    .filter_map(|c| (1..=4).find_map(|group| c.get(group)))
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
    let mut before = plain[..start].chars().rev();
    match before.next() {
        Some('@') => false,
        // "mail-x.com" is another host, but "-wa.me" follows a dash.
        Some('.' | '-') => {
            let is_name = before.next().is_some_and(char::is_alphanumeric);
            !is_name || AMONG_WORDS.iter().any(|host| plain[start..].starts_with(host))
        }
        c => !c.is_some_and(char::is_alphanumeric),
    }
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
        for bank in ["okbank", "ptyes", "indianbank", "tjsb", "fam", "yesbankltd", "axisbank"] {
            assert_eq!(rules(&format!("send to ravi@{bank}")), [Rule::Upi], "{bank}");
        }
        assert_eq!(rules("root@server, 2 apples@30, meet@noon"), []);
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
        for (text, expected) in [
            ("https://bit.ly/9833412506", "https://bit.ly/[hidden]"),
            ("site.in/contact/919833412506 ok", "site.in/contact/[hidden] ok"),
            ("upi://pay?pa=ravi@okhdfcbank&pn=R", "upi://pay?pa=[hidden]&pn=R"),
            ("..wa.me/919833412506", "..[hidden]"),
            ("chat-t.me/some_one", "chat-[hidden]"),
            ("mail-x.com/some_one", "mail-x.com/some_one"),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
        let text = "https://shop.example.com/#/call/+917722401360";
        assert_eq!(mask(text).as_str(), "https://shop.example.com/#/call/[hidden]");
    }
}
