//! Views of reports, reported and suspended users, as JSON for an operator.
//!
//! Every text in a view passes [`untrusted`](super::text::untrusted), because a stranger may have
//! written it.

use serde::Serialize;

use super::evidence::Evidence;

/// A report as an operator reads it.
#[derive(Debug, Serialize)]
pub struct ReportView {
    /// The hex ids of the reported user and the reporter, concatenated.
    pub id: String,
    /// The reported user, in the eight hex digits that logs show.
    pub person: String,
    /// The reporter, in the eight hex digits that logs show.
    pub reporter: String,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    pub topic: &'static str,
    /// Whether the reporter had a history: a day, and three mutual chats.
    pub established: bool,
    /// Whether both wrote in the chat.
    pub both_wrote: bool,
    /// Weight of the report: 60 for a full one, 0 for one without automatic effect.
    pub weight: u32,
    /// Number of unresolved reports of the user.
    pub open_reports: usize,
    /// Null once it is deleted, or if no key opens it.
    pub evidence: Option<Evidence>,
}

/// A page of an operator's list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The cursor of the next page. Null on the last one.
    pub next: Option<String>,
}

/// A reported user and the shape of the reports.
#[derive(Debug, Serialize)]
pub struct CaseView {
    /// The user's id, as 32 hex digits.
    pub code: String,
    /// The gravest topic.
    pub topic: &'static str,
    /// Number of unresolved reports.
    pub reports: usize,
    /// Number of these by reporters without a history.
    pub without_history: usize,
    /// Number of these after mutual chats.
    pub both_wrote: usize,
    /// Number of networks of the reporters. Null if none is known, as for calls through Puch.
    pub networks: Option<usize>,
    /// Number of the user's mutual chats, with anyone.
    pub chats: u32,
    /// Times of the first and the last report, in milliseconds since the Unix epoch.
    pub first_at: u64,
    pub last_at: u64,
    /// End of the suspension, in milliseconds since the Unix epoch; 0 means until reviewed. Null if
    /// the user is not suspended.
    pub barred_until: Option<u64>,
}

/// A suspended user.
#[derive(Debug, Serialize)]
pub struct SuspendedUser {
    /// The user's id, as 32 hex digits.
    pub code: String,
    /// End of the suspension, in milliseconds since the Unix epoch; 0 means until reviewed.
    pub barred_until: u64,
    /// Whether an operator banned the user; otherwise reports suspended them.
    pub banned: bool,
    /// The operator's reason. Null if there is none, or if no key opens it.
    pub reason: Option<String>,
}

/// The stored moderation data of a user, as numbers.
#[derive(Debug, Serialize)]
pub struct UserRecord {
    /// The user's id, as 32 hex digits.
    pub code: String,
    /// Number of reports of the user.
    pub reports: usize,
    /// Number of these reports that were dismissed.
    pub dismissed: usize,
    /// Number of users that blocked this user or that this user blocked.
    pub apart: usize,
    /// Number of the user's mutual chats.
    pub chats: u32,
    /// Number of reports that the user made.
    pub made: u32,
    /// Number of these that were dismissed.
    pub made_dismissed: u32,
    /// End of the suspension, in milliseconds since the Unix epoch; 0 means until reviewed. Null if
    /// the user is not suspended.
    pub barred_until: Option<u64>,
    pub banned: bool,
    /// The operator's reason for the ban.
    pub reason: Option<String>,
}
