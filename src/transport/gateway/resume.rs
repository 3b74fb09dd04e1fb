//! [`ResumableAnswers`]: the answers that a client may read on with another connection.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::time::sleep;

use crate::gateway::service::StartedAnswer;
use crate::gateway::service::buffer::AnswerEventReader;
use crate::gateway::wire::RequestId;
use crate::kernel::id::UserId;

/// The time that a client has to come back, and that an answer stays after its end.
pub const RESUME_WINDOW: Duration = Duration::from_secs(30);

/// The answers of all sockets of this instance. Clones share them.
#[derive(Clone, Default)]
pub struct ResumableAnswers(Arc<Mutex<FxHashMap<AnswerKey, ResumableAnswer>>>);

/// The session that the request came from, and its id there.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    pub session: Arc<str>,
    pub id: RequestId,
}

#[derive(Clone)]
struct ResumableAnswer {
    user: UserId,
    started: StartedAnswer,
}

impl ResumableAnswers {
    /// Adds an answer, and keeps it until [`RESUME_WINDOW`] after its end. Call it inside a tokio runtime.
    pub fn add(&self, key: AnswerKey, user: UserId, started: &StartedAnswer) {
        let resumable = ResumableAnswer { user, started: started.clone() };
        self.0.lock().insert(key.clone(), resumable);
        let (all, answer) = (self.clone(), started.events.clone());
        tokio::spawn(async move {
            answer.completed().await;
            sleep(RESUME_WINDOW).await;
            // A later request may have the same id.
            let mut answers = all.0.lock();
            if answers.get(&key).is_some_and(|other| other.started.events.is_same(&answer)) {
                answers.remove(&key);
            }
        });
    }

    /// The answer to a request of `user`.
    #[must_use]
    pub fn find(&self, key: &AnswerKey, user: UserId) -> Option<StartedAnswer> {
        let answers = self.0.lock();
        answers.get(key).filter(|found| found.user == user).map(|found| found.started.clone())
    }
}

/// Keeps answers from being abandoned for [`RESUME_WINDOW`]. Call it inside a tokio runtime.
pub fn hold_for_resumption(readers: Vec<AnswerEventReader>) {
    if !readers.is_empty() {
        tokio::spawn(async move {
            sleep(RESUME_WINDOW).await;
            drop(readers);
        });
    }
}
