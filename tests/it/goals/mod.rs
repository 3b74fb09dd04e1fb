//! Goals: dates, the journal on every backend, and its rules.

mod backends;
mod concurrency;
mod differential;
mod journal;
mod listing;
mod progress;
mod recurrence;
mod recurrence_completion;
mod recurrence_differential;
mod recurrence_properties;
mod recurring;
mod undo;
mod when;
mod when_echo;
mod when_properties;
