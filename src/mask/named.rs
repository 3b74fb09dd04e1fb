//! [`opening_digits`]: the digits of a sender's name that may begin a phone number.
//!
//! The reader of a message sees `98345: 12607`, so the digits of the name precede those of every
//! message. [`mask_named`](super::mask_named) adds them to the fragments of earlier messages.

use super::find;
use super::scene::Scene;
use super::shadow::Class;
use super::speech::Speech;
use super::token::{Kind, Token};

/// Minimum digits of a name that has other words: fewer are an age or a lucky number.
const MIN_DIGITS: usize = 3;
/// Minimum digits of a name without other words.
const MIN_DIGITS_ALONE: usize = 2;

/// Minimum digits of a name whose first digit begins neither a mobile number nor a trunk call.
const MIN_DIGITS_UNDIALLED: usize = 5;
/// Returns the digits of `name` if they may begin a phone number, otherwise none.
pub(super) fn opening_digits(name: &str) -> Vec<u8> {
    let (scene, _) = find::scene(name);
    let (digits, groups) = digits(&scene);
    let is_alone = scene.tokens.iter().all(Token::says_digits);
    let min_digits = if is_alone { MIN_DIGITS_ALONE } else { MIN_DIGITS };
    let value = digits.iter().take(5).fold(0, |value, digit| 10 * value + u32::from(*digit));
    // The year of birth is the most frequent number in a name.
    let is_year = groups == 1 && (1900..=2029).contains(&value);
    let is_dialled = digits.first().is_some_and(|first| *first == 0 || *first >= 6);
    let is_opening = digits.len() >= if is_dialled { min_digits } else { MIN_DIGITS_UNDIALLED };
    if is_opening && !is_year { digits } else { Vec::new() }
}

/// Returns all digits of `scene` and the number of groups they are in.
fn digits(scene: &Scene) -> (Vec<u8>, usize) {
    let (mut digits, mut groups, mut index) = (Vec::new(), 0, 0);
    while let Some(token) = scene.tokens.get(index) {
        let before = digits.len();
        let run = scene.tokens[index..].iter().take_while(|token| token.says_digits()).count();
        if run > 0 {
            digits.extend(Speech::of(scene, &(index..index + run)).digits);
        } else if token.kind == Kind::Code {
            let glyphs = &scene.shadow.glyphs[token.from..token.to];
            digits.extend(glyphs.iter().filter_map(|glyph| match glyph.class {
                Class::Digit(value) => Some(value),
                _ => None,
            }));
        }
        groups += usize::from(digits.len() > before);
        index += run.max(1);
    }
    (digits, groups)
}

#[cfg(test)]
mod tests {
    use crate::mask::{Memory, mask_named, name_digits};

    /// Masks the messages of a sender with this name in one chat.
    fn chat<const N: usize>(name: &str, messages: [&str; N]) -> [String; N] {
        let mut memory = Memory::default();
        messages.map(|text| {
            let (masked, next) = mask_named(text, name, &memory);
            memory = next;
            masked.as_str().to_owned()
        })
    }

    #[test]
    fn mask_name_opens_the_number() {
        for (name, text) in [
            ("98345", "12607"),
            ("98345", "one two six zero seven"),
            ("nine eight three four five", "12607"),
            ("Ravi 98345", "12607"),
            ("Ravi98345", "12607"),
            ("९८३४५", "12607"),
            ("98", "345 12607"),
        ] {
            assert_eq!(chat(name, [text]), ["[hidden]"], "{name}: {text}");
        }
        assert_eq!(chat("982", ["014", "375", "6"])[2], "[hidden]");
    }

    #[test]
    fn mask_name_stands_before_every_message() {
        let mut memory = Memory::default();
        for text in ["hi", "how are you?", "24", "lol"].iter().cycle().take(40) {
            memory = mask_named(text, "98345", &memory).1;
        }
        assert_eq!(mask_named("12607", "98345", &memory).0.as_str(), "[hidden]");
    }

    #[test]
    fn mask_name_without_a_number_changes_nothing() {
        for name in ["User_ABCD", "Ravi", "Ravi 1998", "Leo07", "Ann 99", "आशा", "Agent 7"] {
            assert_eq!(name_digits(name), 0, "{name}");
            assert_eq!(chat(name, ["12607", "24"]), ["12607", "24"], "{name}");
        }
        let talk = ["hi", "24 m", "i have 2 cats", "room 4", "see you at 10:30", "15000"];
        assert_eq!(chat("Leo 4711", talk), talk);
    }
}
