//! [`correct`] for connectors between number words: nine and eight then seven, cincuenta y cinco.
//!
//! This module decides which words only connect the digits on both sides. The words themselves
//! must not be listed here, but in `cue/`; `chunk.rs` handles words between parts of several
//! digits. To support another connector, add it to the table in `cue/phone.rs`.

use super::cue::Sense;
use super::lexicon::{Number, Role};
use super::token::{Kind, Token};

/// Maximum connectors between two number words: "and then".
const MAX_CONNECTORS: usize = 2;

/// The number that a connector becomes among number words.
///
/// It is an everyday word of no particular language, so that a connector at the end of a number is
/// not part of it.
const CONNECTOR: Number =
    Number { value: 0, role: Role::Link, languages: 0, everyday: true, common: false };

/// Turns words between two number words into connectors.
pub(super) fn correct(tokens: &mut [Token]) {
    let says_digits =
        |token: &Token| matches!(token.kind, Kind::Number(number) if number.role != Role::Link);
    for index in 1..tokens.len() {
        if !says_digits(&tokens[index - 1]) {
            continue;
        }
        let count = tokens[index..]
            .iter()
            .take(MAX_CONNECTORS)
            .take_while(|token| token.kind == Kind::Word && token.sense.has(Sense::DIGIT_CONNECTOR))
            .count();
        if count > 0 && tokens.get(index + count).is_some_and(says_digits) {
            for token in &mut tokens[index..index + count] {
                token.kind = Kind::Number(CONNECTOR);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mask::mask;

    #[test]
    fn connector_words_join_digits() {
        for text in [
            "nine then eight then seven then six and one and two then four then zero, five, three",
            "noventa e oito, quarenta e um, setenta e quatro, sessenta e dois, dezessete",
            "cincuenta y cinco veintitrés cuarenta y ocho diecinueve cero uno",
            "nine and then eight seven one two four zero five eight seven",
        ] {
            assert_eq!(mask(text).as_str(), "[hidden]", "{text}");
        }
    }

    #[test]
    fn connector_words_in_prose_stay_words() {
        for text in ["one and two, or three and four", "vinte e três anos e quarenta e cinco dias"]
        {
            assert_eq!(mask(text).as_str(), text);
        }
    }
}
