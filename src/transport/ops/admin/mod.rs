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
pub use tools::{AdminTools, INSTRUCTIONS};

use super::drain::Drain;
use crate::connect::announce_all;
use crate::connect::lobby::Lobby;
use crate::connect::lobby::broadcast::{Announced, Announcement, Notice, Presence};
use crate::connect::moderated::GuardedLobby;
use crate::kernel::clock::Clock;
use crate::kernel::id::{IdHasher, UserId};
use crate::moderation::admin::{Admin, Filed, Profile, Refusal};
use crate::moderation::store::{LedgerError, Verdict};
use crate::transport::mcp::sessions::Sessions;

/// What an operator can do.
pub struct Office {
    pub admin: Admin,
    pub lobby: Arc<GuardedLobby>,
    pub clock: Arc<dyn Clock>,
    pub ids: IdHasher,
    pub drain: Drain,
    pub sessions: Sessions,
    /// One notice goes out after the other, so that everybody's last one is the last.
    pub telling: Arc<Mutex<()>>,
}

/// What is known of somebody.
#[derive(Serialize)]
pub struct Known {
    #[serde(flatten)]
    profile: Profile,
    /// How they stand in the lobby, never with whom; null where they are not known there.
    standing: Option<Presence>,
}

/// What came of a notice to everybody.
#[derive(Serialize)]
pub struct Reached {
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
pub struct Step {
    /// Milliseconds since the Unix epoch.
    at: u64,
    what: String,
}

/// What was decided about a report, as an operator writes it.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// It stands.
    Upheld,
    /// It counts no more.
    Dismissed,
}

impl Office {
    async fn reports(&self) -> Result<Vec<Filed>, Refusal> {
        self.admin.reports(self.clock.now()).await
    }

    async fn resolve(&self, id: &str, verdict: Word) -> Result<(), Refusal> {
        let verdict = match verdict {
            Word::Upheld => Verdict::Upheld,
            Word::Dismissed => Verdict::Dismissed,
        };
        self.admin.resolve(id, verdict, self.clock.now()).await
    }

    /// Who is meant by the first digits of a code, among those in the ledger and in the lobby.
    async fn person(&self, digits: &str) -> Result<UserId, Refusal> {
        let digits = Admin::digits(digits)?;
        let present = self.lobby.find(&digits).await.map_err(|_| unavailable())?;
        self.admin.person(&digits, present).await
    }

    async fn look_up(&self, digits: &str) -> Result<Known, Refusal> {
        let who = self.person(digits).await?;
        let profile = self.admin.profile(who, self.clock.now()).await?;
        let standing = self.lobby.presence(who).await.map_err(|_| unavailable())?;
        Ok(Known { profile, standing })
    }

    /// Bars somebody, and ends what they are in.
    async fn ban(&self, digits: &str) -> Result<(), Refusal> {
        let (who, now) = (self.person(digits).await?, self.clock.now());
        self.admin.ban(who, now).await?;
        self.lobby.expel(who, now).await.map_err(|_| unavailable())
    }

    async fn unban(&self, digits: &str) -> Result<(), Refusal> {
        self.admin.unban(self.person(digits).await?, self.clock.now()).await
    }

    /// Tells everybody who is known. `id` is the operator's own name for the notice: who was told of it
    /// last is not told again. Without one the text is its name.
    async fn broadcast(&self, text: &str, id: Option<&str>) -> Result<Reached, Refusal> {
        let notice = Notice::parse(text).ok_or(Refusal::BadNotice)?;
        let key = self.ids.notice(id.unwrap_or(notice.as_str()));
        let (lobby, telling) = (Arc::clone(&self.lobby), Arc::clone(&self.telling));
        let now = self.clock.now();
        self.admin.note(&format!("told everybody a notice ({:.8})", key.code()), now).await?;
        let announcement = Announcement { key, notice };
        // In a task of its own: it goes on when whoever asked for it hangs up.
        let told = tokio::spawn(async move {
            let _one_at_a_time = telling.lock().await;
            announce_all(&*lobby, &announcement, now).await
        });
        let told = told.await.map_err(|_| unavailable())?;
        let complete = told.is_ok();
        let Announced { told, before, full, .. } = told.unwrap_or_else(|until_then| until_then);
        Ok(Reached { complete, told, told_before: before, inbox_full: full })
    }

    /// Takes this instance out of service, or puts it back.
    async fn drain(&self, on: bool) -> Result<(), Refusal> {
        let what = if on { "drained an instance" } else { "put an instance back into service" };
        self.admin.note(what, self.clock.now()).await?;
        self.drain.set(on);
        if on {
            self.sessions.close_all().await;
        }
        tracing::info!(on, "drain");
        Ok(())
    }

    async fn log(&self) -> Result<Vec<Step>, Refusal> {
        let notes = self.admin.logged().await?.into_iter();
        Ok(notes.map(|note| Step { at: note.at.as_millis(), what: note.what }).collect())
    }
}

fn unavailable() -> Refusal {
    Refusal::Unavailable(LedgerError)
}
