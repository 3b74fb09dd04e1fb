//! Words that say what a number beside them is: a phone number, an order, a price, a measure.
//!
//! What lives here: the kinds of cue and their tables by kind. What must not: number words (see
//! `words/`) or code that reads text. To teach a word: add it to the table of its kind, in plain
//! lower case or as people write it; tables are folded as the text is.

mod label;
mod phone;

/// What a word says about the numbers near it; a set of bits, as one word may say several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sense(u32);

impl Sense {
    pub(super) const NONE: Self = Self(0);
    /// A phone or a call: a number in the same message is one to be called.
    pub(super) const PHONE: Self = Self(1);
    /// Words with which people hand over a number, and much else.
    pub(super) const HANDOVER: Self = Self(1 << 1);
    /// What the number beside it names is no person: an order, a code, a page.
    pub(super) const LABEL: Self = Self(1 << 2);
    /// A currency or an amount in words.
    pub(super) const MONEY: Self = Self(1 << 3);
    /// A unit that follows a measure.
    pub(super) const UNIT: Self = Self(1 << 4);
    /// Joins the pieces of one number: then, and, second half.
    pub(super) const CONNECTOR: Self = Self(1 << 5);
    /// A platform on which people have handles.
    pub(super) const PLATFORM: Self = Self(1 << 6);
    /// The name of a month.
    pub(super) const MONTH: Self = Self(1 << 7);
    /// Says nothing: is, my, the, number. A cue may stand before it.
    pub(super) const FILLER: Self = Self(1 << 8);
    /// A payment card.
    pub(super) const CARD: Self = Self(1 << 9);
    /// A number that a government gave to a person.
    pub(super) const GOVERNMENT: Self = Self(1 << 10);
    /// My, mine: beside the word "number" it speaks of a phone.
    pub(super) const MINE: Self = Self(1 << 11);
    /// The word "number" itself.
    pub(super) const NUMBER: Self = Self(1 << 12);
    /// A label of what has few digits: a page, a room, a postcode.
    pub(super) const SHORT: Self = Self(1 << 13);
    /// What the code of a phone number is of: area, city, country.
    pub(super) const AREA: Self = Self(1 << 14);
    /// The word "code".
    pub(super) const CODE: Self = Self(1 << 15);
    /// Links digits that are said one by one: nine and eight, nine then eight.
    pub(super) const DIGIT_CONNECTOR: Self = Self(1 << 16);
    /// Announces numbers that are no phone number's: of a password, of a game.
    pub(super) const NOT_PHONE: Self = Self(1 << 17);
    /// Says which piece of a number comes: first, the last half.
    pub(super) const PART_ORDER: Self = Self(1 << 18);

    /// Whether it has any of the senses of `other`.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whole words by sense; each string is a list of words.
pub(super) const WORDS: &[(Sense, &str)] = &[
    (Sense::PHONE, phone::PHONE),
    (Sense::HANDOVER, phone::HANDOVER),
    (Sense::CONNECTOR, phone::CONNECTOR),
    (Sense::CONNECTOR.with(Sense::DIGIT_CONNECTOR), phone::DIGIT_CONNECTOR),
    (Sense::PLATFORM, phone::PLATFORM),
    (Sense::FILLER, label::FILLER),
    (Sense::LABEL, label::LABEL),
    (Sense::LABEL.with(Sense::SHORT), label::SHORT),
    (Sense::NOT_PHONE, label::NOT_PHONE),
    (Sense::CONNECTOR.with(Sense::PART_ORDER), phone::PART_ORDER),
    (Sense::NONE, label::NEUTRAL),
    (Sense::MINE, phone::MINE),
    (Sense::HANDOVER.with(Sense::NUMBER), phone::NUMBER),
    (Sense::CODE, phone::CODE),
    (Sense::AREA, phone::AREA),
    (Sense::MONEY, label::MONEY),
    (Sense::UNIT, label::UNIT),
    (Sense::MONTH, label::MONTH),
    (Sense::CARD, label::CARD),
    (Sense::GOVERNMENT, label::GOVERNMENT),
];

/// Parts of words by sense, for languages that inflect, glue words or write none apart.
pub(super) const STEMS: &[(Sense, &str)] =
    &[(Sense::PHONE, phone::STEMS), (Sense::LABEL, label::STEMS), (Sense::UNIT, label::UNIT_STEMS)];
