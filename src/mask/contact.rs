//! What else leads to a person: e-mail addresses, UPI ids, links to chats and profiles, handles.
//!
//! What lives here: which of the places that the patterns of `address.rs` fit are meant. What must not:
//! phone numbers outside of links. To add a platform: its host in [`LINK`] and its name in the tables of
//! `cue/`; a bank: in [`UPI`].

use std::ops::Range;

use super::address::{EMAIL, LINK, ORDINARY, PARAMETER, POSTS, UPI};
use super::chain::Scene;
use super::cue::Sense;
use super::gate;
use super::rule::{Finding, Rule};
use super::shadow::{Class, Glyph, Seen, Shadow};

/// What patterns find.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    pub(super) found: Vec<Finding>,
    /// Links that stay, in bytes of the text.
    pub(super) links: Vec<Range<usize>>,
}

impl Contacts {
    /// What is found and what stays, in order.
    pub(super) fn taken(&self) -> Vec<Range<usize>> {
        if self.found.is_empty() && self.links.is_empty() {
            return Vec::new();
        }
        let found = self.found.iter().map(|finding| finding.range.clone());
        let mut taken: Vec<_> = found.chain(self.links.iter().cloned()).collect();
        taken.sort_unstable_by_key(|range| range.start);
        taken
    }
}

/// Addresses and links in `shadow`.
pub(super) fn find(shadow: &Shadow) -> Contacts {
    let mut contacts = Contacts::default();
    let at = shadow.seen.has(Seen::AT_SIGN) || says_at(shadow) && gate::names_mailbox(shadow.text);
    let link = shadow.seen.has(Seen::LINK) && has_link(shadow);
    if !at && !link {
        return contacts;
    }
    let plain: String = shadow
        .glyphs
        .iter()
        .map(|glyph| if glyph.class == Class::Space { ' ' } else { glyph.plain })
        .collect();
    // From bytes of the plain text to glyphs.
    let mut glyph_at = Vec::with_capacity(plain.len() + 1);
    for (at, c) in plain.chars().enumerate() {
        glyph_at.extend(std::iter::repeat_n(at, c.len_utf8()));
    }
    glyph_at.push(shadow.glyphs.len());
    let bytes = |range: Range<usize>| shadow.bytes(glyph_at[range.start], glyph_at[range.end]);
    if link {
        let mut end = 0;
        for link in LINK.find_iter(&plain) {
            // What stands within another link is part of it.
            if link.start() < end {
                continue;
            }
            let whole = &plain[link.start()..];
            let whole = whole.find(char::is_whitespace).map_or(whole, |space| &whole[..space]);
            end = link.start() + whole.len();
            let range = link.start()..link.start() + trimmed(whole);
            if stands_apart(&plain, range.start) && leads_to_person(&plain[range.clone()]) {
                contacts.found.push(Finding { range: bytes(range), rule: Rule::Link });
            }
        }
        let people = contacts.taken();
        for link in ORDINARY.find_iter(&plain) {
            let range = bytes(link.start()..link.start() + trimmed(link.as_str()));
            if !touches(&people, &range) {
                for number in
                    PARAMETER.captures_iter(link.as_str()).filter_map(|c| c.get(1).or(c.get(2)))
                {
                    let range = bytes(link.start() + number.start()..link.start() + number.end());
                    contacts.found.push(Finding { range, rule: Rule::Link });
                }
                contacts.links.push(range);
            }
        }
    }
    if at {
        for (pattern, rule) in [(&EMAIL, Rule::Email), (&UPI, Rule::Upi)] {
            let taken = contacts.taken();
            for found in pattern.find_iter(&plain) {
                let range = bytes(found.range());
                if !touches(&taken, &range) {
                    contacts.found.push(Finding { range, rule });
                }
            }
        }
    }
    contacts
}

/// `glyphs` without the first and so many of the last.
fn inner(glyphs: &[Glyph], last: usize) -> &[Glyph] {
    glyphs.get(1..glyphs.len().saturating_sub(last)).unwrap_or_default()
}

/// Whether the word "at" stands by itself, as it does in an address that is spelt out.
fn says_at(shadow: &Shadow) -> bool {
    let glyphs = &shadow.glyphs;
    // Most glyphs are asked one thing only.
    inner(glyphs, 2).iter().enumerate().any(|(before, glyph)| {
        glyph.plain == 'a'
            && glyphs[before + 2].plain == 't'
            && glyphs[before].class != Class::Letter
            && glyphs[before + 3].class != Class::Letter
    })
}

/// Whether there is a slash, or a colon between letters and a number as in `tel:+91…`.
fn has_link(shadow: &Shadow) -> bool {
    let glyphs = &shadow.glyphs;
    let is_digit = |glyph: &Glyph| matches!(glyph.class, Class::Digit(_));
    inner(glyphs, 1).iter().enumerate().any(|(before, glyph)| match glyph.plain {
        '/' => true,
        ':' => {
            let after = &glyphs[before + 2];
            glyphs[before].class == Class::Letter && (is_digit(after) || after.plain == '+')
        }
        _ => false,
    })
}

/// Whether `range` has anything in common with one of `taken`, which are in order.
fn touches(taken: &[Range<usize>], range: &Range<usize>) -> bool {
    let next = taken.partition_point(|other| other.end <= range.start);
    taken.get(next).is_some_and(|other| other.start < range.end)
}

/// The length of a link without the punctuation of the sentence around it.
fn trimmed(link: &str) -> usize {
    link.trim_end_matches(|c: char| {
        matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | '\'' | '"' | ')' | ']' | '>')
    })
    .len()
}

/// Whether a link that starts at `at` is not the end of a longer host name.
fn stands_apart(plain: &str, at: usize) -> bool {
    !plain[..at]
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '@'))
}

/// Whether the link names somebody: it has a path, and the path is no post.
fn leads_to_person(link: &str) -> bool {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let Some((host, path)) = rest.split_once('/') else { return link.contains(':') };
    // Behind a hash no page of the platform follows, but what its app is to open.
    if path.starts_with('#') {
        return path.len() > 1;
    }
    let mut parts = path.split(['/', '?', '#']).filter(|part| !part.is_empty());
    let Some(first) = parts.next() else { return path.starts_with('?') };
    let post = POSTS.contains(&first)
        || parts.any(|part| matches!(part, "status" | "posts" | "photos" | "videos" | "video"));
    !post || host.contains("whatsapp") && link.contains("phone=")
}

/// Handles beside the platform they are on: insta @some.one.
pub(super) fn handles(scene: &Scene) -> Vec<Finding> {
    let glyphs = &scene.shadow.glyphs;
    let mut found: Vec<Finding> = Vec::new();
    if !scene.shadow.seen.has(Seen::AT_SIGN) {
        return found;
    }
    for (at, token) in scene.tokens.iter().enumerate() {
        let signed = scene.shadow.before(token.from).is_some_and(|glyph| glyph.plain == '@');
        let alone = token.from < 2 || !is_handle(glyphs[token.from - 2].plain);
        if !signed || !alone {
            continue;
        }
        let near = at.saturating_sub(6)..(at + 4).min(scene.tokens.len());
        if !scene.tokens[near].iter().any(|token| token.sense.has(Sense::PLATFORM)) {
            continue;
        }
        let own = glyphs[token.from..].iter().take(40).take_while(|glyph| is_handle(glyph.plain));
        let mut to = token.from + own.count();
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

fn is_handle(plain: char) -> bool {
    plain.is_alphanumeric() || matches!(plain, '_' | '.' | '-')
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_profile_on_every_platform_is_hidden_and_its_home_page_is_not() {
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
            let shown = crate::mask::mask(&format!("see https://www.{host}johndoe99 ok"));
            assert_eq!(shown.as_str(), "see [hidden] ok", "{host}");
            let home = format!("see https://{} ok", host.split('/').next().unwrap_or_default());
            assert_eq!(crate::mask::mask(&home).as_str(), home);
        }
    }

    use super::*;
    use crate::mask::{explain, mask};

    fn rules(text: &str) -> Vec<Rule> {
        explain(text).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn email_addresses_are_hidden_also_spelt_out() {
        assert_eq!(mask("write me: a.b+c@mail.example.org!").as_str(), "write me: [hidden]!");
        assert_eq!(rules("some.one (at) gmail (dot) com"), [Rule::Email]);
        assert_eq!(rules("someone at gmail dot com"), [Rule::Email]);
        assert_eq!(rules("look at gmail"), []);
    }

    #[test]
    fn upi_ids_are_hidden() {
        assert_eq!(mask("pay ravi.k@okhdfcbank pls").as_str(), "pay [hidden] pls");
        assert_eq!(rules("9517061705@paytm"), [Rule::Upi]);
    }

    #[test]
    fn links_to_chats_and_profiles_are_hidden() {
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
    fn ordinary_links_stay() {
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
    fn a_phone_number_in_an_ordinary_link_is_hidden_alone() {
        let text = "https://shop.example.com/?a=1&phone=919876543210&b=2";
        assert_eq!(mask(text).as_str(), "https://shop.example.com/?a=1&phone=[hidden]&b=2");
        let text = "https://shop.example.com/#/call/+917722401360";
        assert_eq!(mask(text).as_str(), "https://shop.example.com/#/call/[hidden]");
    }

    #[test]
    fn handles_are_hidden_beside_their_platform_only() {
        assert_eq!(mask("insta @some.one_1 ok").as_str(), "insta [hidden] ok");
        assert_eq!(mask("find @some_one on telegram").as_str(), "find [hidden] on telegram");
        assert_eq!(rules("hello @everyone"), []);
    }
}
