//! [`NumberWords`]: the table of one language.
//!
//! This module contains only the type. The words must not be here, but in the file of their script.
//! To support another kind of number word, add a field here and read it in `lexicon.rs`.

/// The number words of one language. Each string is a list of spellings, separated by spaces.
pub(in crate::mask) struct NumberWords {
    /// 0 to 9.
    pub(in crate::mask) units: [&'static str; 10],
    /// 10 to 19; empty if people do not use them in phone numbers.
    pub(in crate::mask) teens: [&'static str; 10],
    /// 20, 30 … 90; a unit may follow.
    pub(in crate::mask) tens: [&'static str; 8],
    /// Other words with their values: 25, 84 and so on, or 300.
    pub(in crate::mask) compounds: &'static [(u16, &'static str)],
    /// Words that repeat the next digit: double, triple.
    pub(in crate::mask) repeats: [&'static str; 2],
    /// Ten, hundred and thousand, if they follow the number that they multiply.
    pub(in crate::mask) scales: [&'static str; 3],
    /// The syllable that joins a unit to the tens after it in one word: ein-und-zwanzig.
    pub(in crate::mask) joint: &'static str,
}

/// A table without words, for the fields that a language does not need.
pub(super) const EMPTY: NumberWords = NumberWords {
    units: [""; 10],
    teens: [""; 10],
    tens: [""; 8],
    compounds: &[],
    repeats: [""; 2],
    scales: [""; 3],
    joint: "",
};

/// Returns the table of a language with only the ten digits.
pub(super) const fn digits_only(units: [&'static str; 10]) -> NumberWords {
    NumberWords { units, ..EMPTY }
}
