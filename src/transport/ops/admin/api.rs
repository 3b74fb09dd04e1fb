//! [`AdminApi`]: the actions of an operator, independent of HTTP and MCP.
//!
//! Every action that changes something is written to the audit log before it runs.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::connect::lobby::Directory;
use crate::connect::lobby::broadcast::{Broadcast, BroadcastProgress, BroadcastText, Presence};
use crate::connect::lobby::steps::broadcast_all;
use crate::connect::moderated::ModeratedLobby;
use crate::credentials::api_keys::service::ApiKeys;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, UserId};
use crate::moderation::admin::{AdminError, AdminService, Operator};
use crate::moderation::report::Verdict;
use crate::moderation::store::AuditEntry;
use crate::moderation::views::{CaseView, Page, ReportView, SuspendedUser, UserRecord};
use crate::transport::ops::drain::{Drain, DrainTarget};

/// The actions of an operator.
pub struct AdminApi {
    pub admin: AdminService,
    pub lobby: Arc<ModeratedLobby>,
    pub directory: Arc<dyn Directory>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdHasher,
    pub drain: Drain,
    /// `None` without a database.
    pub keys: Option<Arc<ApiKeys>>,
    pub sessions: Arc<dyn DrainTarget>,
    /// Held during a broadcast, so that the last broadcast of every user is the newest one.
    pub broadcast_lock: Arc<Mutex<()>>,
}

/// The moderation record of a user, and their presence in the lobby.
#[derive(Serialize)]
pub struct UserLookup {
    #[serde(flatten)]
    record: UserRecord,
    /// Status in the lobby, never the partner. `None` if the lobby does not know the user.
    #[serde(rename = "standing")]
    presence: Option<Presence>,
}

/// The result of a broadcast.
#[derive(Serialize)]
pub struct BroadcastReport {
    /// Whether every user was reached. If not, repeating the broadcast reaches the rest.
    pub complete: bool,
    /// Number of users that received it now.
    #[serde(rename = "told")]
    delivered: usize,
    /// Number of users that received it from an earlier attempt.
    #[serde(rename = "told_before")]
    already_delivered: usize,
    /// Number of users that were skipped because their inbox is full.
    inbox_full: usize,
}

/// An entry of the audit log, as an operator sees it.
#[derive(Serialize)]
pub struct AuditLine {
    /// Milliseconds since the Unix epoch.
    at: u64,
    /// The fingerprint of the token that acted. Empty for an action under version 0.1.0.
    by: String,
    #[serde(rename = "what")]
    action: String,
}

/// The decision about a report, as an operator writes it.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictArg {
    /// The report is justified.
    Upheld,
    /// The report no longer counts.
    Dismissed,
}

impl AdminApi {
    /// Unresolved reports: of all users, or of the one with the code `digits`.
    pub(super) async fn reports(
        &self,
        digits: Option<&str>,
        cursor: Option<&str>,
        by: &Operator,
    ) -> Result<Page<ReportView>, AdminError> {
        let user = match digits {
            Some(digits) => Some(self.find_user(digits).await?),
            None => None,
        };
        self.admin.reports(user, cursor, by, self.clock.now()).await
    }

    /// The users with unresolved reports.
    pub(super) async fn cases(
        &self,
        cursor: Option<&str>,
        by: &Operator,
    ) -> Result<Page<CaseView>, AdminError> {
        self.admin.cases(cursor, by, self.clock.now()).await
    }

    pub(super) async fn suspended(
        &self,
        cursor: Option<&str>,
        by: &Operator,
    ) -> Result<Page<SuspendedUser>, AdminError> {
        self.admin.suspended(cursor, by, self.clock.now()).await
    }

    pub(super) async fn resolve(
        &self,
        id: &str,
        verdict: VerdictArg,
        by: &Operator,
    ) -> Result<(), AdminError> {
        let verdict = match verdict {
            VerdictArg::Upheld => Verdict::Upheld,
            VerdictArg::Dismissed => Verdict::Dismissed,
        };
        self.admin.resolve(id, verdict, by, self.clock.now()).await
    }

    /// Finds the user whose code starts with `digits`, in the moderation store and in the lobby.
    async fn find_user(&self, digits: &str) -> Result<UserId, AdminError> {
        let digits = AdminService::normalize_prefix(digits)?;
        let present = self.directory.find_by_prefix(&digits).await?;
        self.admin.find_user(&digits, present).await
    }

    pub(super) async fn look_up(
        &self,
        digits: &str,
        by: &Operator,
    ) -> Result<UserLookup, AdminError> {
        let user = self.find_user(digits).await?;
        let record = self.admin.user_record(user, by, self.clock.now()).await?;
        let presence = self.directory.presence(user).await?;
        Ok(UserLookup { record, presence })
    }

    /// Bans a user, for `hours` or until unbanned, and ends their chat or search.
    pub(super) async fn ban(
        &self,
        digits: &str,
        reason: Option<&str>,
        hours: Option<u64>,
        by: &Operator,
    ) -> Result<(), AdminError> {
        let (user, now) = (self.find_user(digits).await?, self.clock.now());
        self.admin.ban(user, reason, hours, by, now).await?;
        Ok(self.lobby.expel(user, now).await?)
    }

    pub(super) async fn unban(&self, digits: &str, by: &Operator) -> Result<(), AdminError> {
        self.admin.unban(self.find_user(digits).await?, by, self.clock.now()).await
    }

    /// Sends `text` to all known users.
    ///
    /// `id` is the operator's idempotency key; the text serves as the key without it. Users whose
    /// last broadcast has the same key are skipped.
    pub(super) async fn broadcast(
        &self,
        text: &str,
        id: Option<&str>,
        by: &Operator,
    ) -> Result<BroadcastReport, AdminError> {
        let text = BroadcastText::parse(text).ok_or(AdminError::InvalidBroadcast)?;
        let key = self.ids.broadcast_key(id.unwrap_or(text.as_str()));
        let (directory, lock) = (Arc::clone(&self.directory), Arc::clone(&self.broadcast_lock));
        let now = self.clock.now();
        self.admin.audit(&format!("sent broadcast {:.8}", key.to_hex()), by, now).await?;
        let broadcast = Broadcast { key, text };
        // Spawned, so that the broadcast continues if the operator's client disconnects.
        let task = tokio::spawn(async move {
            let _guard = lock.lock().await;
            broadcast_all(&*directory, &broadcast, now).await
        });
        let result = task.await.map_err(AdminError::Interrupted)?;
        let complete = result.is_ok();
        let BroadcastProgress { delivered, already_delivered, inbox_full, .. } =
            result.unwrap_or_else(|interrupted| interrupted.progress);
        Ok(BroadcastReport { complete, delivered, already_delivered, inbox_full })
    }

    /// Takes this instance out of service, or puts it back.
    pub(super) async fn drain(&self, on: bool, by: &Operator) -> Result<(), AdminError> {
        let action = if on { "started draining" } else { "stopped draining" };
        self.admin.audit(action, by, self.clock.now()).await?;
        self.drain.set(on);
        if on {
            self.sessions.close_all().await;
        }
        tracing::info!(on, "drain");
        Ok(())
    }

    pub(super) async fn audit_log(&self) -> Result<Vec<AuditLine>, AdminError> {
        let entries = self.admin.audit_log().await?.into_iter();
        let line = |AuditEntry { at, by, action }| AuditLine { at: at.as_millis(), by, action };
        Ok(entries.map(line).collect())
    }
}
