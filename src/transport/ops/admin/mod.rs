//! The operator's office, for whoever bears `ADMIN_TOKEN`: what can be done there, reached below `/admin`
//! (`routes.rs`) and as MCP tools at `/admin/mcp` (`tools.rs`). Without a token there is neither.
//!
//! To people and agents nothing of this is visible: no tool and no answer of theirs names it.

mod routes;
mod tools;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use routes::routes;
pub use tools::{ADMIN_INSTRUCTIONS, AdminTools};

use super::drain::Drain;
use crate::connect::broadcast_all;
use crate::connect::lobby::Lobby;
use crate::connect::lobby::broadcast::{Broadcast, BroadcastProgress, BroadcastText, Presence};
use crate::connect::moderated::ModeratedLobby;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, UserId};
use crate::kernel::store::StoreError;
use crate::moderation::admin::{AdminError, AdminService, ReportView, UserRecord};
use crate::moderation::report::Verdict;
use crate::transport::mcp::sessions::HttpSessions;

/// What an operator can do.
pub struct AdminApi {
    pub admin: AdminService,
    pub lobby: Arc<ModeratedLobby>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdHasher,
    pub drain: Drain,
    pub sessions: HttpSessions,
    /// One notice goes out after the other, so that everybody's last one is the last.
    pub broadcast_lock: Arc<Mutex<()>>,
}

/// What is known of somebody.
#[derive(Serialize)]
pub struct UserLookup {
    #[serde(flatten)]
    record: UserRecord,
    /// How they stand in the lobby, never with whom; null where they are not known there.
    standing: Option<Presence>,
}

/// What came of a notice to everybody.
#[derive(Serialize)]
pub struct BroadcastReport {
    /// Whether everybody was reached. If not, the same notice again reaches the rest.
    pub complete: bool,
    told: usize,
    /// Who had it from an earlier attempt.
    told_before: usize,
    /// Whose inbox is full.
    inbox_full: usize,
}

/// A step of an operator as its log shows it.
#[derive(Serialize)]
pub struct AuditLine {
    /// Milliseconds since the Unix epoch.
    at: u64,
    what: String,
}

/// What was decided about a report, as an operator writes it.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictArg {
    /// The report is justified.
    Upheld,
    /// The report no longer counts.
    Dismissed,
}

impl AdminApi {
    async fn reports(&self) -> Result<Vec<ReportView>, AdminError> {
        self.admin.reports(self.clock.now()).await
    }

    async fn resolve(&self, id: &str, verdict: VerdictArg) -> Result<(), AdminError> {
        let verdict = match verdict {
            VerdictArg::Upheld => Verdict::Upheld,
            VerdictArg::Dismissed => Verdict::Dismissed,
        };
        self.admin.resolve(id, verdict, self.clock.now()).await
    }

    /// Who is meant by the first digits of a code, among those in the ledger and in the lobby.
    async fn find_user(&self, digits: &str) -> Result<UserId, AdminError> {
        let digits = AdminService::normalize_prefix(digits)?;
        let present = self.lobby.find_by_prefix(&digits).await.map_err(|_| unavailable())?;
        self.admin.find_user(&digits, present).await
    }

    async fn look_up(&self, digits: &str) -> Result<UserLookup, AdminError> {
        let who = self.find_user(digits).await?;
        let profile = self.admin.user_record(who, self.clock.now()).await?;
        let standing = self.lobby.presence(who).await.map_err(|_| unavailable())?;
        Ok(UserLookup { record: profile, standing })
    }

    /// Bars somebody, and ends what they are in.
    async fn ban(&self, digits: &str) -> Result<(), AdminError> {
        let (who, now) = (self.find_user(digits).await?, self.clock.now());
        self.admin.ban(who, now).await?;
        self.lobby.expel(who, now).await.map_err(|_| unavailable())
    }

    async fn unban(&self, digits: &str) -> Result<(), AdminError> {
        self.admin.unban(self.find_user(digits).await?, self.clock.now()).await
    }

    /// Tells everybody who is known. `id` is the operator's own name for the notice: who was told of it
    /// last is not told again. Without one the text is its name.
    async fn broadcast(&self, text: &str, id: Option<&str>) -> Result<BroadcastReport, AdminError> {
        let notice = BroadcastText::parse(text).ok_or(AdminError::InvalidBroadcast)?;
        let key = self.ids.broadcast_key(id.unwrap_or(notice.as_str()));
        let (lobby, telling) = (Arc::clone(&self.lobby), Arc::clone(&self.broadcast_lock));
        let now = self.clock.now();
        self.admin.audit(&format!("sent broadcast {:.8}", key.to_hex()), now).await?;
        let announcement = Broadcast { key, text: notice };
        // In a task of its own: it goes on when whoever asked for it hangs up.
        let told = tokio::spawn(async move {
            let _one_at_a_time = telling.lock().await;
            broadcast_all(&*lobby, &announcement, now).await
        });
        let told = told.await.map_err(|_| unavailable())?;
        let complete = told.is_ok();
        let BroadcastProgress {
            delivered: told, already_delivered: before, inbox_full: full, ..
        } = told.unwrap_or_else(|until_then| until_then);
        Ok(BroadcastReport { complete, told, told_before: before, inbox_full: full })
    }

    /// Takes this instance out of service, or puts it back.
    async fn drain(&self, on: bool) -> Result<(), AdminError> {
        let what = if on { "started draining" } else { "stopped draining" };
        self.admin.audit(what, self.clock.now()).await?;
        self.drain.set(on);
        if on {
            self.sessions.close_all().await;
        }
        tracing::info!(on, "drain");
        Ok(())
    }

    async fn audit_log(&self) -> Result<Vec<AuditLine>, AdminError> {
        let notes = self.admin.audit_log().await?.into_iter();
        Ok(notes.map(|note| AuditLine { at: note.at.as_millis(), what: note.action }).collect())
    }
}

fn unavailable() -> AdminError {
    AdminError::Unavailable(StoreError)
}
