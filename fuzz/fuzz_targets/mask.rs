//! Fuzzes the masker: `cargo +nightly fuzz run mask`.
//!
//! What lives here: the properties that any text must keep, split into messages at line ends. What
//! must not: examples. To add a property: an assertion below.

#![no_main]

use libfuzzer_sys::fuzz_target;
use random_connect::mask::{Memory, mask, mask_next};

fuzz_target!(|text: &str| {
    let masked = mask(text);
    assert_eq!(mask(masked.as_str()).as_str(), masked.as_str());
    let mut memory = Memory::default();
    for message in text.lines() {
        let (masked, next) = mask_next(message, &memory);
        assert_eq!(mask(masked.as_str()).as_str(), masked.as_str());
        memory = next;
    }
});
