//! Letters and signs that people put in the place of digits.
//!
//! What lives here: the table, and the test whether a run of characters is a number in disguise.
//! What must not: characters that are digits (see `digit.rs`). To add one: its plain form here.

use super::shadow::{Class, Glyph};

/// The digit that a plain character may be read as.
pub(super) const fn digit(plain: char) -> Option<u8> {
    Some(match plain {
        'o' | 'q' | 'о' | 'ο' => 0,
        'i' | 'l' | '|' | '!' | 'і' => 1,
        'z' => 2,
        'з' => 3,
        's' | '$' => 5,
        'б' => 6,
        'b' | 'в' => 8,
        'g' => 9,
        _ => return None,
    })
}

/// Whether `run` is a few digits and otherwise only letters that look like digits.
pub(super) fn is_disguised(run: &[Glyph]) -> bool {
    let digits = run.iter().filter(|glyph| matches!(glyph.class, Class::Digit(_))).count();
    run.len() >= 3
        && digits * 5 >= run.len()
        && run
            .iter()
            .all(|glyph| matches!(glyph.class, Class::Digit(_)) || digit(glyph.plain).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::shadow::Shadow;
    use super::*;

    fn disguised(text: &str) -> bool {
        is_disguised(&Shadow::of(text).glyphs)
    }

    #[test]
    fn digits_among_lookalikes_are_a_number_in_disguise() {
        assert!(disguised("86IOl"));
        assert!(disguised("7s6O6l2769"));
        assert!(disguised("9В8О7"));
    }

    #[test]
    fn shorthand_and_shouting_are_none() {
        assert!(["B8", "gr8", "l8r", "IIIlllII", "SOS", "9f86d0"].iter().all(|t| !disguised(t)));
    }
}
