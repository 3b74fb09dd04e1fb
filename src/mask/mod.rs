//! The phone masker: text in, [`Masked`] out, pure.
//!
//! What lives here: finding numbers and what else identifies a person, and the type that proves
//! it was done. What must not: anything about chats, people or transports.
//!
//! How a text is read, file by file: `gate` lets most texts pass at once; `shadow` folds the
//! characters (with `digit` for digits of all scripts); `token` cuts them into digits, number
//! words (`lexicon`, `glued`, `slip`, `linker`, `lookalike`; tables in `words/` and `cue/`) and other words;
//! `chain` joins tokens over separators; `number` tries windows of a chain, which `verdict` judges
//! by `shape`, `context`, `list` and `plan`; `spoken` and `chunk` take what is said in words or in pieces;
//! `identity` and `contact` (with `post`) find what is no phone number but no less private; `memory` carries
//! pieces from message to message; `find` runs it all until nothing more is found. To teach it a
//! new form: the file whose header speaks of it, with an example of it and of what merely looks
//! like it in the tests.
//!
//! **Invariants:** only this module makes a [`Masked`]; text outside of findings is not touched;
//! masking twice hides nothing more; the time is linear in the text.

mod chain;
mod chunk;
mod connector;
mod contact;
mod context;
mod cue;
mod digit;
pub mod filter;
mod find;
mod id_number;
mod lexicon;
mod list;
mod lookalike;
mod masked;
mod memory;
mod number_words;
mod numbering_plan;
mod phone;
mod prefilter;
mod profile_path;
mod rule;
mod run_together;
mod shadow;
mod shape;
mod spoken;
mod token;
mod typo;
mod verdict;

pub use masked::{HIDDEN, Masked};
pub use memory::Memory;
pub use rule::{Finding, Rule};

/// Hides every phone number, and what else leads to a person, in `text`.
#[must_use]
pub fn mask(text: &str) -> Masked {
    Masked::with_hidden(text, &explain(text))
}

/// Hides like [`mask`], and also what completes a number that the same sender's last messages
/// began. Returns what to pass with the sender's next message.
#[must_use]
pub fn mask_next(text: &str, memory: &Memory) -> (Masked, Memory) {
    let (found, memory) = explain_next(text, memory);
    (Masked::with_hidden(text, &found), memory)
}

/// What [`mask`] hides and by which rule: in order, not overlapping.
#[must_use]
pub fn explain(text: &str) -> Vec<Finding> {
    find::all(text)
}

/// What [`mask_next`] hides and by which rule, and what to pass with the next message.
#[must_use]
pub fn explain_next(text: &str, memory: &Memory) -> (Vec<Finding>, Memory) {
    let (mut found, scene) = find::all_and_scene(text);
    let known = found.len();
    let memory = memory::after_message(&scene, &mut found, memory);
    if found.len() > known {
        found = find::until_stable(text, found);
    }
    (found, memory)
}

/// Loads the numbering plans and builds all tables, so that the first message waits for nothing.
/// Call it at start; later calls cost next to nothing.
pub fn warm_up() {
    numbering_plan::warm_up();
    shadow::warm_up();
    prefilter::warm_up();
    run_together::warm_up();
    typo::warm_up();
    lookalike::warm_up();
    shape::warm_up();
    phone::warm_up();
    contact::warm_up();
}

/// How much work masking `text` is, in tokens read and windows judged. Deterministic, so that a
/// test can tell linear from quadratic without a clock.
#[must_use]
pub fn work(text: &str) -> usize {
    find::once(text).1
}
