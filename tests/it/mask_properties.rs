//! Properties of [`mask`] and [`mask_next`] for any text, on generated texts.
//!
//! Examples belong beside the rules in `src/mask/`. To add a property, assert it in [`check_mask`],
//! [`check_unchanged_outside`] or [`check_memory`].

use proptest::prelude::*;
use random_connect::mask::{
    Finding, HIDDEN, Masked, Memory, explain, explain_next, mask, mask_next,
};

/// Parts of hostile texts that random characters would rarely form.
const PIECES: &[&str] = &[
    "9876543210",
    "98765",
    "43210",
    "+91",
    "0044",
    "7",
    "12",
    "2024",
    "08",
    "१२३",
    "٤٥٦",
    "６７",
    "⑧",
    "𝟗",
    "3\u{fe0f}\u{20e3}",
    "nine",
    "double",
    "twenty",
    "ek",
    "teen",
    "शून्य",
    "семь",
    "七",
    "сто",
    "oh",
    " ",
    " ",
    "-",
    ".",
    ",",
    "\n",
    "\r\n",
    ":",
    "/",
    "(",
    ")",
    "|",
    "=",
    "@",
    "#",
    "*",
    "₹",
    "%",
    "[hidden]",
    "\u{200b}",
    "\u{ad}",
    "\u{301}",
    "😊",
    "call",
    "order",
    "rs",
    "kg",
    "then",
    "and",
    "ext",
    "insta",
    "a.b@c.org",
    "x@ybl",
    "https://wa.me/",
    "t.me/abc",
    "tel:",
    "ABCDE1234F",
    "7oIl8",
    "é",
    "ह",
    "\u{0}",
];

/// Generates texts of [`PIECES`].
fn hostile() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

/// Asserts all properties of one text.
fn check_mask(text: &str) {
    check_unchanged_outside(text, &explain(text), &mask(text));
}

/// Asserts that only the findings are replaced, and that a second pass finds no more.
fn check_unchanged_outside(text: &str, findings: &[Finding], masked: &Masked) {
    let mut from = 0;
    let mut shown = String::new();
    for finding in findings {
        assert!(from <= finding.range.start && finding.range.start < finding.range.end, "{text:?}");
        // Slicing panics unless a finding ends on a character boundary.
        shown.push_str(&text[from..finding.range.start]);
        shown.push_str(HIDDEN);
        from = finding.range.end;
    }
    shown.push_str(&text[from..]);
    assert_eq!(masked.as_str(), shown, "visible text is untouched: {text:?}");
    assert_eq!(masked.hidden() as usize, findings.len());
    assert_eq!(mask(&shown).as_str(), shown, "masking twice hides nothing more: {text:?}");
}

/// Asserts the properties of a conversation, which shares one mask memory.
fn check_memory(messages: &[String]) {
    let mut memory = Memory::default();
    for text in messages {
        let (masked, next) = mask_next(text, &memory);
        check_unchanged_outside(text, &explain_next(text, &memory).0, &masked);
        assert!(masked.hidden() >= mask(text).hidden().min(1), "a memory only adds: {text:?}");
        let stored = serde_json::to_string(&next).expect("serialized");
        assert!(stored.len() < 200, "the memory is bounded: {stored}");
        assert_eq!(serde_json::from_str::<Memory>(&stored).expect("read back"), next);
        memory = next;
    }
}

#[test]
fn mask_address_that_touches_hidden_digits_is_found_in_the_first_pass() {
    for text in ["2024१२३tel:６７", "9876543210tel:67", "9876543210wa.me/67", "67@9876543210"]
    {
        check_mask(text);
    }
}

proptest! {
    #[test]
    fn mask_property_any_unicode(text in any::<String>()) {
        check_mask(&text);
    }

    #[test]
    fn mask_property_letters_digits_marks(text in r"[\p{Nd}\p{L}\p{M}\p{P}\p{S}\p{Z}\p{Cf}]{0,60}") {
        check_mask(&text);
    }

    #[test]
    fn mask_property_digits_of_all_scripts(text in r"\+?[\p{Nd}\p{No} .()-]{1,40}") {
        check_mask(&text);
    }

    #[test]
    fn mask_property_hostile_texts(text in hostile()) {
        check_mask(&text);
    }

    #[test]
    fn mask_property_conversations(messages in prop::collection::vec(hostile(), 0..20)) {
        check_memory(&messages);
    }

    #[test]
    fn mask_property_short_fragments(messages in prop::collection::vec(r"[0-9]{0,5}|[a-z ]{0,9}", 0..20)) {
        check_memory(&messages);
    }
}
