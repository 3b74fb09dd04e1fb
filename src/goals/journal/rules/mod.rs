//! [`execute`]: the rules of a write, the same for all backends.
//!
//! Rules read items and change them in a `WorkingSet`; nothing is written before all have passed. To add an action, add
//! a variant to [`GoalsAction`] and a file here.

mod complete;
mod create;
mod delete;
mod references;
mod undo;
mod update;

use std::time::Duration;

use super::action::GoalsAction;
use super::change::GoalsChange;
use super::refusal::GoalsRefusal;
use super::rows::GoalsRows;
use super::working_set::{RuleStop, Ruled, WorkingSet};
use super::write::{GoalsWrite, StoredWrite, WriteOutcome};

/// Maximum age of the id of a write.
pub const REQUEST_ID_TTL: Duration = Duration::from_secs(24 * 3_600);

/// Executes a write inside a transaction. The backend must undo all changes of the rows after a refusal or an error.
///
/// # Errors
/// Returns the error of the rows.
pub async fn execute<R: GoalsRows>(
    rows: &mut R,
    write: &GoalsWrite,
) -> Result<Result<WriteOutcome, GoalsRefusal>, R::Error> {
    match run(rows, write).await {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(RuleStop::Refused(refusal)) => Ok(Err(refusal)),
        Err(RuleStop::Failed(error)) => Err(error),
    }
}

async fn run<R: GoalsRows>(rows: &mut R, write: &GoalsWrite) -> Ruled<WriteOutcome, R> {
    let revision = rows.lock().await.map_err(RuleStop::Failed)? + 1;
    if let Some(request) = &write.request {
        let since = write.at.shifted(-millis(REQUEST_ID_TTL));
        let stored = rows.stored_answer(&request.id, since).await.map_err(RuleStop::Failed)?;
        if let Some(stored) = stored {
            if stored.fingerprint != request.fingerprint {
                return Err(GoalsRefusal::RequestIdUsed.into());
            }
            return Ok(stored.outcome);
        }
    }
    let mut set = WorkingSet::new(rows, write.at, write.seed, revision);
    let mut undoes = None;
    match write.action.clone() {
        GoalsAction::Create(items) => create::create(&mut set, items).await?,
        GoalsAction::Update(updates) => update::update(&mut set, updates).await?,
        GoalsAction::Complete(completion) => complete::complete_task(&mut set, completion).await?,
        GoalsAction::Delete(deletion) => delete::delete(&mut set, deletion).await?,
        GoalsAction::Undo(number) => {
            undoes = Some(undo::undo(&mut set, &write.actor, number).await?);
        }
    }
    let items = set.into_changes();
    let revision = (!items.is_empty() && !write.dry_run).then_some(revision);
    let outcome = WriteOutcome { revision, at: write.at, items, undoes };
    if !write.dry_run {
        store(rows, write, &outcome).await.map_err(RuleStop::Failed)?;
    }
    Ok(outcome)
}

async fn store<R: GoalsRows>(
    rows: &mut R,
    write: &GoalsWrite,
    outcome: &WriteOutcome,
) -> Result<(), R::Error> {
    if let Some(revision) = outcome.revision {
        for change in &outcome.items {
            rows.put(change.before.as_ref(), &change.after).await?;
        }
        let change = GoalsChange {
            revision,
            at: write.at,
            actor: write.actor.clone(),
            tool: write.tool.to_owned(),
            undoes: outcome.undoes,
            undone_by: None,
            items: outcome.items.clone(),
        };
        rows.append(&change).await?;
    }
    if let Some(request) = &write.request {
        let fingerprint = request.fingerprint.clone();
        let answer = StoredWrite { fingerprint, at: write.at, outcome: outcome.clone() };
        rows.store_answer(&request.id, &answer).await?;
    }
    Ok(())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
