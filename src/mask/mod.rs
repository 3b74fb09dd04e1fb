//! The masker: [`mask`] takes text and returns [`Masked`], as a pure function.
//!
//! This folder finds phone numbers and other contact details, and contains the type that proves it.
//! Code about chats, users or transports must not be here.
//!
//! The steps for one text, by file:
//!
//! 1. `prefilter` lets most texts pass without further work; it finds words with `word_table`.
//! 2. `shadow` folds the characters, with `digit` for digits of all scripts.
//! 3. `tokenizer` splits them into tokens: digits, number words and other words. It uses `lexicon`
//!    (tables in `number_words/` and `cue/`), `run_together`, `spaced_row`, `glued`, `lookalike`
//!    and `leet`.
//! 4. `find` corrects the tokens with `lookalike`, `typo`, `connector` and `context`, and builds
//!    the `scene`.
//! 5. `id_number`, `handle` and `contact` (with `profile_path`) find contact details that are not
//!    phone numbers.
//! 6. `chain` joins tokens over separators, and `row` over any marks; `digits` reads them. `phone`
//!    tries the windows of a chain, and `verdict` judges each `window` by `shape`, `figure`,
//!    `context`, `plain_name`, `list` and `numbering_plan`.
//! 7. `spoken` finds numbers in words, by their `speech`, and `chunk` finds numbers in parts.
//! 8. `find` repeats the steps until it finds no more. `fragment` completes numbers with the
//!    fragments of earlier messages, which are stored in `memory`. `named` adds the digits of the
//!    sender's name.
//!
//! To support a new form of number, edit the file whose header mentions it. Add an example of the
//! form, and one of text that only looks like it, to the tests.
//!
//! **Invariants:** Only this module creates a [`Masked`]. Text outside of findings is unchanged.
//! Masking a text twice hides nothing more. The time is linear in the length of the text.

mod chain;
mod chunk;
mod connector;
mod contact;
mod context;
mod cue;
mod digit;
mod digits;
mod figure;
pub mod filter;
mod find;
mod fragment;
mod glued;
mod handle;
mod id_number;
mod leet;
mod lexicon;
mod list;
mod lookalike;
mod masked;
mod memory;
mod named;
mod number_words;
mod numbering_plan;
mod phone;
mod plain_name;
mod prefilter;
mod profile_path;
mod row;
mod rule;
mod run_together;
mod scene;
mod shadow;
mod shape;
mod spaced_row;
mod speech;
mod spoken;
mod token;
mod tokenizer;
mod typo;
mod verdict;
mod window;
mod word_table;

pub use masked::{HIDDEN, Masked};
pub use memory::Memory;
pub use rule::{Finding, Rule};

/// Minimum digits of a number that begins in a name: many names have a few digits.
const MIN_NAMED_DIGITS: usize = 10;

/// Hides every phone number and other contact detail in `text`.
#[must_use]
pub fn mask(text: &str) -> Masked {
    Masked::with_hidden(text, &explain(text))
}

/// Hides like [`mask`], and also the rest of a number that began in the sender's last messages.
///
/// Returns the memory to pass with the same sender's next message.
#[must_use]
pub fn mask_next(text: &str, memory: &Memory) -> (Masked, Memory) {
    let (found, memory) = explain_next(text, memory);
    (Masked::with_hidden(text, &found), memory)
}

/// Hides like [`mask_next`], and also the rest of a number that begins in the sender's `name`.
///
/// Returns the memory to pass with the same sender's next message. It contains no digit of the
/// name.
#[must_use]
pub fn mask_named(text: &str, name: &str, memory: &Memory) -> (Masked, Memory) {
    let (masked, next) = mask_next(text, memory);
    let digits = if name.is_empty() { Vec::new() } else { named::opening_digits(name) };
    if !digits.is_empty() {
        // The name precedes this message and also the first of the earlier ones.
        for earlier in [memory, &Memory::default()] {
            let (behind_name, whole) = mask_next(text, &earlier.with_opening(&digits));
            let is_number = whole.digit_count() >= MIN_NAMED_DIGITS;
            if is_number && behind_name.hidden() > masked.hidden() {
                return (behind_name, next);
            }
        }
    }
    (masked, next)
}

/// Returns `text` unchanged, because its sender switched the masker off.
///
/// Only `content/` calls it, where the sender's choice arrives; `tests/it/architecture.rs` checks that.
pub(crate) fn waive(text: &str) -> Masked {
    Masked::unchanged(text)
}

/// Returns the number of digits in `name` that may begin a phone number, in digits or in words.
#[must_use]
pub fn name_digits(name: &str) -> usize {
    named::opening_digits(name).len()
}

/// Returns the ranges that [`mask`] hides, with their rules, in order and without overlaps.
#[must_use]
pub fn explain(text: &str) -> Vec<Finding> {
    find::all(text)
}

/// Returns the ranges that [`mask_next`] hides, with their rules, and the memory to pass with the
/// next message.
#[must_use]
pub fn explain_next(text: &str, memory: &Memory) -> (Vec<Finding>, Memory) {
    let (mut found, scene) = find::all_and_scene(text);
    let count = found.len();
    let memory = fragment::after_message(&scene, &mut found, memory);
    if found.len() > count {
        found = find::until_stable(text, found);
    }
    (found, memory)
}

/// Loads the numbering plans and builds all tables, so that the first message does not wait for it.
///
/// Call it at start; later calls are cheap.
pub fn warm_up() {
    numbering_plan::warm_up();
    shadow::warm_up();
    prefilter::warm_up();
    run_together::warm_up();
    typo::warm_up();
    leet::warm_up();
    figure::warm_up();
    phone::warm_up();
    contact::warm_up();
}

/// Returns the work of masking `text`: the number of tokens read plus windows judged.
///
/// It is deterministic, so that a test can distinguish linear from quadratic time without a clock.
#[must_use]
pub fn work(text: &str) -> usize {
    find::once(text).1
}
