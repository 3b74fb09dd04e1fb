//! [`Sense`]: the meaning of a word for the numbers near it: a phone number, an order, a price.
//!
//! This folder contains the kinds of cue, with a table of words for each. Number words must not be
//! here, but in `number_words/`, and neither must code that reads text. To add a word, add it to
//! the table of its kind, in any spelling: the lexicon folds the tables like the text.

mod label;
mod phone;

/// The senses of a word for the numbers near it, as bits, because a word may have several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sense(u32);

impl Sense {
    pub(super) const NONE: Self = Self(0);
    /// A phone or a call: a number in the same message is a phone number.
    pub(super) const PHONE: Self = Self(1);
    /// A word with which people hand over a number, among other things.
    pub(super) const HANDOVER: Self = Self(1 << 1);
    /// A name for a number that is not a phone number: an order, a code, a page.
    pub(super) const LABEL: Self = Self(1 << 2);
    /// A currency or an amount in words.
    pub(super) const MONEY: Self = Self(1 << 3);
    /// A unit after a measure.
    pub(super) const UNIT: Self = Self(1 << 4);
    /// A word that joins the parts of one number: then, and, second half.
    pub(super) const CONNECTOR: Self = Self(1 << 5);
    /// A platform on which people have handles.
    pub(super) const PLATFORM: Self = Self(1 << 6);
    /// The name of a month.
    pub(super) const MONTH: Self = Self(1 << 7);
    /// A word without meaning for numbers: is, my, the, number. A cue may precede it.
    pub(super) const FILLER: Self = Self(1 << 8);
    /// A payment card.
    pub(super) const CARD: Self = Self(1 << 9);
    /// A number that a government assigned to a person.
    pub(super) const GOVERNMENT: Self = Self(1 << 10);
    /// My, mine: next to the word "number" it means a phone.
    pub(super) const MINE: Self = Self(1 << 11);
    /// The word "number" itself.
    pub(super) const NUMBER: Self = Self(1 << 12);
    /// A label for numbers with few digits: a page, a room, a postcode.
    pub(super) const SHORT: Self = Self(1 << 13);
    /// A word that makes "code" mean a calling code: area, city, country.
    pub(super) const AREA: Self = Self(1 << 14);
    /// The word "code".
    pub(super) const CODE: Self = Self(1 << 15);
    /// A word that connects single digits: nine and eight, nine then eight.
    pub(super) const DIGIT_CONNECTOR: Self = Self(1 << 16);
    /// A word that announces numbers that are not a phone number: of a password, of a game.
    pub(super) const NOT_PHONE: Self = Self(1 << 17);
    /// A word that says which part of a number follows: first, the last half.
    pub(super) const PART_ORDER: Self = Self(1 << 18);
    /// A name of numbers that people use for nothing else: PNR, UTR.
    pub(super) const PLAIN: Self = Self(1 << 19);
    /// A thing that has a number, so that the two words together are a plain name: order number.
    pub(super) const NUMBERED: Self = Self(1 << 20);
    /// The word "id".
    pub(super) const ID: Self = Self(1 << 21);
    /// A word for the name of a user on a platform: username, handle.
    pub(super) const USER_NAME: Self = Self(1 << 22);
    /// A word that asks to find a user on a platform: follow, dm.
    pub(super) const INVITE: Self = Self(1 << 23);

    /// Returns `true` if `self` contains any of the senses of `other`.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the senses of `self` and `other`.
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Returns the names of all platforms on which people have handles.
pub(super) fn platforms() -> impl Iterator<Item = &'static str> {
    phone::PLATFORM.split_whitespace()
}

/// Whole words by sense; each string is a list of words.
pub(super) const WORDS: &[(Sense, &str)] = &[
    (Sense::PHONE, phone::PHONE),
    (Sense::HANDOVER, phone::HANDOVER),
    (Sense::CONNECTOR, phone::CONNECTOR),
    (Sense::CONNECTOR.with(Sense::DIGIT_CONNECTOR), phone::DIGIT_CONNECTOR),
    (Sense::PLATFORM, phone::PLATFORM),
    (Sense::USER_NAME, phone::USER_NAME),
    (Sense::INVITE, phone::INVITE),
    (Sense::FILLER, label::FILLER),
    (Sense::LABEL, label::LABEL),
    (Sense::LABEL.with(Sense::SHORT), label::SHORT),
    (Sense::LABEL.with(Sense::PLAIN), label::PLAIN),
    (Sense::NUMBERED, label::NUMBERED),
    (Sense::ID, label::ID),
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

/// Parts of words by sense, for languages that inflect, compound or do not separate words.
pub(super) const STEMS: &[(Sense, &str)] =
    &[(Sense::PHONE, phone::STEMS), (Sense::LABEL, label::STEMS), (Sense::UNIT, label::UNIT_STEMS)];
