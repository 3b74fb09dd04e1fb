//! Words between number words that link them: nine and eight then seven, cincuenta y cinco.
//!
//! What lives here: which words say nothing of their own because digits stand on both sides. What
//! must not: the words (see `cue/`), or words between pieces of several digits (see `chunk.rs`).

use super::cue::Sense;
use super::lexicon::{Number, Role};
use super::token::{Kind, Token};

/// How many linking words may stand between two number words: "and then".
const MAX_CONNECTORS: usize = 2;

/// What a linking word is among number words. It is everyday in all languages, so that at the ends
/// of a number it is no part of it.
const CONNECTOR: Number =
    Number { value: 0, role: Role::Link, languages: 0, everyday: true, common: false };

/// Makes links of linking words between two number words.
pub(super) fn correct(tokens: &mut [Token]) {
    let says =
        |token: &Token| matches!(token.kind, Kind::Number(number) if number.role != Role::Link);
    for at in 1..tokens.len() {
        if !says(&tokens[at - 1]) {
            continue;
        }
        let links = tokens[at..]
            .iter()
            .take(MAX_CONNECTORS)
            .take_while(|token| token.kind == Kind::Word && token.sense.has(Sense::DIGIT_CONNECTOR))
            .count();
        if links > 0 && tokens.get(at + links).is_some_and(says) {
            for token in &mut tokens[at..at + links] {
                token.kind = Kind::Number(CONNECTOR);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::mask;

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
