//! [`contains_link`] and [`defang`]: find links as readers and phones recognize them, and make them
//! not clickable.
//!
//! To recognize a bare domain under a further top-level domain, add the domain to [`TLDS`].

use std::borrow::Cow;
use std::ops::Range;

use linkify::{LinkFinder, LinkKind};

use super::folded::FoldedText;

/// Top-level domains that make two words with a dot between them an address, even without
/// `https://` or a path. Excludes those that are also words, because users omit the space after a
/// full stop.
const TLDS: &str = " com net org edu gov mil info biz xyz app dev io gg ly gl ru su cn uk eu br pl jp \
    kr nl ua pk ng za mx top site online icu vip shop store tech рф укр भारत 中国 ";

/// Second-level domains under which countries register names.
const SECOND_LEVEL_DOMAINS: &str = " co com net org ac gov edu go web or ";

/// Returns `true` if the text contains a link.
pub fn contains_link(text: &str) -> bool {
    may_contain_link(text) && !find(text).is_empty()
}

/// Makes links readable but not clickable: `https://example.com/a` becomes `example[.]com/a`.
pub fn defang(text: &str) -> Cow<'_, str> {
    let links = if may_contain_link(text) { find(text) } else { Vec::new() };
    if links.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut defanged = String::with_capacity(text.len() + 8 * links.len());
    let mut copied_to = 0;
    for link in links {
        defanged.push_str(&text[copied_to..link.start]);
        let address = &text[link.clone()];
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        if !matches!(scheme.to_ascii_lowercase().as_str(), "" | "http" | "https") {
            defanged.extend([scheme, "[:]//"]);
        }
        for c in rest.chars() {
            match c {
                '.' | '．' | '。' | '｡' | '․' => defanged.push_str("[.]"),
                c => defanged.push(c),
            }
        }
        copied_to = link.end;
    }
    defanged.push_str(&text[copied_to..]);
    Cow::Owned(defanged)
}

fn may_contain_link(text: &str) -> bool {
    text.contains(['.', '．', '。', '｡', '․']) || text.contains("://")
}

/// The ranges of links, in order.
fn find(text: &str) -> Vec<Range<usize>> {
    let folded = FoldedText::of(text);
    let mut finder = LinkFinder::new();
    // Email addresses are found too, so that no half of one counts as a link.
    finder.kinds(&[LinkKind::Url, LinkKind::Email]).url_must_have_scheme(false);
    // `x` replaces each byte of other letters: `LinkFinder` accepts ASCII top-level domains only.
    let to_ascii = |c: char| match c {
        c if c.is_ascii() || !c.is_alphabetic() => c.to_string(),
        c => "x".repeat(c.len_utf8()),
    };
    let ascii: String = folded.text.chars().map(to_ascii).collect();
    let links = finder.links(&ascii).filter(|link| *link.kind() == LinkKind::Url);
    let ranges =
        links.map(|link| folded.original_offset(link.start())..folded.original_offset(link.end()));
    ranges.filter(|range| is_address(&text[range.clone()])).collect()
}

/// Returns `true` if a text with dots is meant as an address.
fn is_address(link: &str) -> bool {
    if link.contains("://") {
        return true;
    }
    let link = link.to_lowercase().replace(['．', '。', '｡', '․'], ".");
    let end = link.find(['/', '?', '#', ':']).unwrap_or(link.len());
    let (host, path) = link.split_at(end);
    let mut labels = host.rsplit('.');
    let (tld, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let is_word =
        |label: &str| label.chars().count() >= 2 && label.chars().all(char::is_alphabetic);
    let is_listed = |list: &str, label: &str| list.contains(&format!(" {label} "));
    is_word(tld)
        && (host.starts_with("www.")
            || path.len() > 1
            || is_listed(TLDS, tld)
            || labels.next().is_some() && is_listed(SECOND_LEVEL_DOMAINS, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_defanged_is_readable_and_inert() {
        for (text, defanged) in [
            ("see https://example.com/a?b=c.d now", "see example[.]com/a?b=c[.]d now"),
            ("HTTP://Example.Com.", "Example[.]Com."),
            ("www.example.in", "www[.]example[.]in"),
            ("example.com, or example.co.in!", "example[.]com, or example[.]co[.]in!"),
            ("bit.ly/x and chat.me/y", "bit[.]ly/x and chat[.]me/y"),
            ("(https://en.wikipedia.org/wiki/Go_(game))", "(en[.]wikipedia[.]org/wiki/Go_(game))"),
            ("ftp://files.example/x", "ftp[:]//files[.]example/x"),
            ("http://10.0.0.1:80/", "10[.]0[.]0[.]1:80/"),
            ("example。com", "example[.]com"),
            ("ｗｗｗ．example．com", "ｗｗｗ[.]example[.]com"),
            ("http://кремль.рф", "кремль[.]рф"),
            ("см. почта.рф", "см. почта[.]рф"),
        ] {
            assert!(contains_link(text), "{text}");
            assert_eq!(defang(text), defanged);
            assert!(!contains_link(defanged), "{defanged}");
        }
    }

    #[test]
    fn link_ignores_text_with_dots() {
        for text in [
            "ok.so what",
            "Hello.How are you",
            "yes.it is... no.in fact",
            "e.g. 3.5/4 and i.e. v1.2.3",
            "main.rs, readme.md, Mr.Smith",
            "¿qué?.no",
            "me@example.com",
            "привет.как дела",
            "你好。我很好",
            "...",
            "12.05.2024 10:30",
            "example[.]com",
        ] {
            assert_eq!(defang(text), text);
        }
    }
}
