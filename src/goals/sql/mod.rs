//! The parts that the SQL backends share: most statements are the same text on both engines.
//!
//! `rows.rs` has the rows of a write, `lists.rs` the statement of a list, `statements.rs` the other ones. The search
//! differs, and is beside each store.

pub(super) mod lists;
pub(super) mod rows;
pub(super) mod statements;
pub(super) mod values;
