//! [`find`]: user names next to the name of their platform: insta @some.one, snap some_one99.
//!
//! This module decides which words are user names. Links to profiles must not be handled here, but
//! in `contact.rs`. To add a platform, add its name to the tables in `cue/`.

use super::cue::Sense;
use super::rule::{Finding, Rule};
use super::scene::Scene;
use super::shadow::{Class, Glyph, MarkSet};
use super::token::{Kind, Token};

/// Maximum tokens between a platform and a handle after it, and between a handle with an at sign
/// and its platform.
const TOKENS_BEFORE: usize = 6;
/// Maximum tokens between a handle and a platform after it.
const TOKENS_AFTER: usize = 4;
/// Maximum tokens between an offer and a handle with an at sign.
const MAX_OFFER_TOKENS: usize = 3;
/// Maximum length of a handle, in characters.
const MAX_CHARS: usize = 40;
/// Number of digits after the hash of a Discord name.
const DISCRIMINATOR_DIGITS: usize = 4;

/// Finds the handles in `scene`.
pub(super) fn find(scene: &Scene) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let has_at_sign = scene.shadow.marks.has(MarkSet::AT_SIGN);
    let may_offer = has_at_sign && scene.senses.has(Sense::INVITE.with(Sense::MINE));
    if !scene.senses.has(Sense::PLATFORM) && !may_offer {
        return found;
    }
    let glyphs = &scene.shadow.glyphs;
    let mut end = 0;
    for (index, token) in scene.tokens.iter().enumerate() {
        if token.from < end || !is_start(scene, token) {
            continue;
        }
        // Most words have no mark, so that only an at sign can make them a handle.
        let is_marked = token.kind == Kind::Code
            || has_at_sign
            || glyphs.get(token.to).is_some_and(|glyph| {
                matches!(glyph.plain, '_' | '.' | '-' | '#') || glyph.plain.is_alphanumeric()
            });
        if !is_marked {
            continue;
        }
        let to = handle_end(scene, token);
        if let Some(from) = handle(scene, index, to) {
            found.push(Finding { range: scene.shadow.bytes(from, to), rule: Rule::Handle });
        }
        end = to;
    }
    found
}

/// Returns `true` if a handle may start with the token.
fn is_start(scene: &Scene, token: &Token) -> bool {
    scene.shadow.before(token.from).is_none_or(|glyph| !is_handle_char(glyph.plain))
}

/// Returns the end of the handle that starts with `token`, without the marks at its end.
fn handle_end(scene: &Scene, token: &Token) -> usize {
    let glyphs = &scene.shadow.glyphs;
    let chars = glyphs[token.from..].iter().take(MAX_CHARS);
    let mut to = token.from + chars.take_while(|glyph| is_handle_char(glyph.plain)).count();
    while to > token.from + 1 && matches!(glyphs[to - 1].plain, '.' | '-') {
        to -= 1;
    }
    let is_digit = |glyph: &Glyph| matches!(glyph.class, Class::Digit(_));
    if glyphs.get(to).is_some_and(|glyph| glyph.plain == '#') {
        let digits = glyphs[to + 1..].iter().take_while(|glyph| is_digit(glyph)).count();
        if digits == DISCRIMINATOR_DIGITS {
            to += 1 + digits;
        }
    }
    to
}

/// Returns the start of the handle in the glyphs from the token `index` to `to`; `None` if they are
/// no handle.
fn handle(scene: &Scene, index: usize, to: usize) -> Option<usize> {
    let from = scene.tokens[index].from;
    let end = scene.tokens[index..].iter().take_while(|token| token.from < to).count() + index;
    let has_sign = scene.shadow.marks.has(MarkSet::AT_SIGN)
        && scene.shadow.before(from).is_some_and(|glyph| glyph.plain == '@')
        && from
            .checked_sub(2)
            .and_then(|before| scene.shadow.get(before))
            .is_none_or(|glyph| !is_handle_char(glyph.plain));
    if has_sign {
        let nearby =
            index.saturating_sub(TOKENS_BEFORE)..(index + TOKENS_AFTER).min(scene.tokens.len());
        let has_platform =
            scene.tokens[nearby].iter().any(|token| token.sense.has(Sense::PLATFORM));
        let is_handle = to - from >= 3
            && (has_platform
                || is_offered(scene, index) && Mark::of(&scene.shadow.glyphs[from..to]).is_some());
        return is_handle.then_some(from - 1);
    }
    let glyphs = &scene.shadow.glyphs[from..to];
    let is_named = match Mark::of(glyphs)? {
        Mark::Discriminator => true,
        Mark::Certain => is_introduced(scene, index, false) || is_placed(scene, end),
        Mark::Dots => is_introduced(scene, index, true),
    };
    is_named.then_some(from)
}

/// The marks that distinguish a handle from a word.
enum Mark {
    /// A hash and four digits.
    Discriminator,
    /// An underscore, letters and digits, or a name with an initial.
    Certain,
    /// Only dots, which a missing space after a sentence may be too.
    Dots,
}

impl Mark {
    fn of(glyphs: &[Glyph]) -> Option<Self> {
        let count = |is: fn(&Glyph) -> bool| glyphs.iter().filter(|glyph| is(glyph)).count();
        let letters = count(|glyph| glyph.class == Class::Letter);
        let digits = count(|glyph| matches!(glyph.class, Class::Digit(_)));
        let has = |plain: char| glyphs.iter().any(|glyph| glyph.plain == plain);
        if letters < 2 || glyphs.len() < 3 {
            None
        } else if has('#') {
            Some(Self::Discriminator)
        } else if has('_') || digits > 0 && letters >= 3 {
            Some(Self::Certain)
        } else if has('.') && glyphs.iter().all(|glyph| glyph.plain.is_ascii()) {
            Some(if has_initial(glyphs) { Self::Certain } else { Self::Dots })
        } else {
            None
        }
    }
}

/// Returns `true` if dots separate a name and a letter that is no word: sam.x.
fn has_initial(glyphs: &[Glyph]) -> bool {
    let parts = || glyphs.split(|glyph| glyph.plain == '.');
    let is_initial = |part: &[Glyph]| {
        matches!(part, [glyph] if glyph.class == Class::Letter
            && !matches!(glyph.plain, 'a' | 'i' | 'k' | 'n' | 'u'))
    };
    parts().any(is_initial) && parts().any(|part| part.len() >= 3)
}

/// Returns `true` if the sender offers the name at the token `index`, which follows an at sign:
/// follow me @…, my id is @….
fn is_offered(scene: &Scene, index: usize) -> bool {
    let named = Sense::ID.with(Sense::USER_NAME);
    for before in (index.saturating_sub(MAX_OFFER_TOKENS)..index).rev() {
        let token = &scene.tokens[before];
        let is_mine = before > 0 && scene.tokens[before - 1].sense.has(Sense::MINE);
        if token.sense.has(Sense::INVITE) || token.sense.has(named) && is_mine {
            return true;
        }
        if token.len() > 2 && !token.sense.has(Sense::FILLER) {
            return false;
        }
    }
    false
}

/// Returns `true` if the token is the word `word`.
fn is_word(scene: &Scene, index: usize, word: &str) -> bool {
    let token = &scene.tokens[index];
    let glyphs = &scene.shadow.glyphs[token.from..token.to];
    glyphs.iter().map(|glyph| glyph.plain).eq(word.chars())
}

/// Returns `true` if a platform introduces the handle at the token `index`: my insta is ….
///
/// With `needs_owner`, only if the platform belongs to a user: my ig, insta id, ig: ….
fn is_introduced(scene: &Scene, index: usize, needs_owner: bool) -> bool {
    let filler = Sense::FILLER
        .with(Sense::CONNECTOR)
        .with(Sense::ID)
        .with(Sense::MINE)
        .with(Sense::USER_NAME);
    let mut is_owned = false;
    // "On ig as …".
    let mut is_known_as = false;
    for before in (index.saturating_sub(TOKENS_BEFORE)..index).rev() {
        let token = &scene.tokens[before];
        let gap = scene.gap(before);
        if gap.iter().any(|glyph| matches!(glyph.plain, '?' | '!' | ',' | ';')) {
            return false;
        }
        if is_platform(scene, token) {
            let has_owner = is_owned
                || gap.iter().any(|glyph| glyph.plain == ':')
                || before > 0 && scene.tokens[before - 1].sense.has(Sense::MINE)
                || is_known_as && before > 0 && is_word(scene, before - 1, "on");
            return has_owner || !needs_owner;
        }
        is_owned |= token.sense.has(Sense::ID.with(Sense::USER_NAME));
        is_known_as |= ["as", "im", "by"].iter().any(|word| is_word(scene, before, word));
        if !token.sense.has(filler) && token.len() > 2 {
            return false;
        }
    }
    false
}

/// Returns `true` if a platform follows the handle that ends before the token `end`: … on discord.
fn is_placed(scene: &Scene, end: usize) -> bool {
    let filler = Sense::FILLER.with(Sense::CONNECTOR).with(Sense::MINE);
    for after in end..scene.tokens.len().min(end + TOKENS_AFTER) {
        let token = &scene.tokens[after];
        if is_platform(scene, token) {
            return true;
        }
        if !token.sense.has(filler) && token.len() > 2 {
            return false;
        }
    }
    false
}

/// Returns `true` if the token is a platform and not rather another word.
fn is_platform(scene: &Scene, token: &Token) -> bool {
    let mut word = String::new();
    token.kind == Kind::Word
        && token.sense.has(Sense::PLATFORM)
        && !matches!(
            scene.shadow.word(&scene.shadow.glyphs[token.from..token.to], &mut word),
            "x" | "line" | "signal" | "koo" | "moj" | "sc" | "dc"
        )
}

/// Returns `true` if a handle may contain `plain`.
fn is_handle_char(plain: char) -> bool {
    plain.is_alphanumeric() || matches!(plain, '_' | '.' | '-')
}

#[cfg(test)]
mod tests {
    use crate::mask::mask;

    #[test]
    fn handle_with_an_at_sign_is_hidden_next_to_its_platform() {
        assert_eq!(mask("insta @some.one_1 ok").as_str(), "insta [hidden] ok");
        assert_eq!(mask("find @some_one on telegram").as_str(), "find [hidden] on telegram");
        assert_eq!(mask("hello @everyone").as_str(), "hello @everyone");
    }

    #[test]
    fn handle_in_words_is_hidden_next_to_its_platform() {
        for (text, expected) in [
            ("my insta is ravi_k99", "my insta is [hidden]"),
            ("snap ravik99", "snap [hidden]"),
            ("ig - ravi.07", "ig - [hidden]"),
            ("ravik#1234 on discord", "[hidden] on discord"),
            ("my ig is ravi.k ok", "my ig is [hidden] ok"),
            ("mera snap ravi_k99 hai", "mera snap [hidden] hai"),
            ("telegram username: ravi_k99", "telegram username: [hidden]"),
            ("ravi_k99 insta pe", "[hidden] insta pe"),
            ("find me on ig as sam.x", "find me on ig as [hidden]"),
            ("im on insta as priya.sharma", "im on insta as [hidden]"),
            ("snap neha.x", "snap [hidden]"),
            ("follow me @ravik12", "follow me [hidden]"),
            ("my id is @neha_07", "my id is [hidden]"),
            ("dm me at @priya.k ok", "dm me at [hidden] ok"),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
        for text in [
            "my insta is private",
            "snap streak is 200 days",
            "twitter is down 24x7",
            "insta is boring.ok then",
            "x is 5 and y is 7",
            "insta as usual.lol",
            "e.g. on insta",
            "snap neha.ok bye",
            "follow me @ the mall at 6",
            "dm me @night",
            "meet @5pm, my treat",
        ] {
            assert_eq!(mask(text).as_str(), text);
        }
    }
}
