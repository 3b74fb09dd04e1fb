//! Links: found as readers and their phones would find them, and made so that nobody can tap them.

use std::borrow::Cow;
use std::ops::Range;

use linkify::{LinkFinder, LinkKind};

use super::folded::FoldedText;

/// Endings after which two words with a dot between are an address also without `https://` or a
/// path. Those that are words as well are not here: people leave out the space behind a full stop.
const TLDS: &str = " com net org edu gov mil info biz xyz app dev io gg ly gl ru su cn uk eu br pl jp \
    kr nl ua pk ng za mx top site online icu vip shop store tech рф укр भारत 中国 ";

/// Second names below the ending of a country.
const SECOND_LEVEL_DOMAINS: &str = " co com net org ac gov edu go web or ";

/// Whether there is a link in a text.
pub fn contains_link(text: &str) -> bool {
    may_contain_link(text) && !find(text).is_empty()
}

/// The text with its links still readable, and no links any more: `https://example.com/a` becomes
/// `example[.]com/a`.
pub fn defang(text: &str) -> Cow<'_, str> {
    let links = if may_contain_link(text) { find(text) } else { Vec::new() };
    if links.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut defanged = String::with_capacity(text.len() + 8 * links.len());
    let mut from = 0;
    for link in links {
        defanged.push_str(&text[from..link.start]);
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
        from = link.end;
    }
    defanged.push_str(&text[from..]);
    Cow::Owned(defanged)
}

fn may_contain_link(text: &str) -> bool {
    text.contains(['.', '．', '。', '｡', '․']) || text.contains("://")
}

/// The places of links, in order.
fn find(text: &str) -> Vec<Range<usize>> {
    let shadow = FoldedText::of(text);
    let mut finder = LinkFinder::new();
    // Addresses of mail are looked for so that no half of one is taken for a link.
    finder.kinds(&[LinkKind::Url, LinkKind::Email]).url_must_have_scheme(false);
    // The finder knows endings in ASCII only, so other letters are replaced by as many bytes of one.
    let letters = |c: char| match c {
        c if c.is_ascii() || !c.is_alphabetic() => c.to_string(),
        c => "x".repeat(c.len_utf8()),
    };
    let plain: String = shadow.text.chars().map(letters).collect();
    let links = finder.links(&plain).filter(|link| *link.kind() == LinkKind::Url);
    let places =
        links.map(|link| shadow.original_offset(link.start())..shadow.original_offset(link.end()));
    places.filter(|place| is_address(&text[place.clone()])).collect()
}

/// Whether what has dots in it is meant as an address.
fn is_address(link: &str) -> bool {
    if link.contains("://") {
        return true;
    }
    let link = link.to_lowercase().replace(['．', '。', '｡', '․'], ".");
    let end = link.find(['/', '?', '#', ':']).unwrap_or(link.len());
    let (host, path) = link.split_at(end);
    let mut labels = host.rsplit('.');
    let (ending, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let is_word =
        |label: &str| label.chars().count() >= 2 && label.chars().all(char::is_alphabetic);
    let listed = |list: &str, label: &str| list.contains(&format!(" {label} "));
    is_word(ending)
        && (host.starts_with("www.")
            || path.len() > 1
            || listed(TLDS, ending)
            || labels.next().is_some() && listed(SECOND_LEVEL_DOMAINS, second))
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
