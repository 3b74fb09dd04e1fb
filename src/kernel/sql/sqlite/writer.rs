//! [`Writer`]: the one connection that writes, with group commit.
//!
//! SQLite admits one writer at a time, and with `synchronous=FULL` each commit waits for the disk. The
//! writer therefore executes all operations that are queued in one transaction, each in a savepoint unless it is the only
//! one, and answers them after the commit. A failed operation is undone alone.
//!
//! A caller that is canceled while it waits does not undo its operation.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{ConnectOptions, Connection, SqliteConnection, query};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::file::connect_options;
use super::lock::FileLock;
use crate::kernel::sql::failure::record;
use crate::kernel::store::{StoreError, StoreErrorKind};

/// Maximum number of operations in a transaction.
const MAX_BATCH: usize = 64;

/// Maximum number of operations that wait; further callers wait for a place.
const QUEUE: usize = 1_024;

/// Maximum time that a caller waits for the answer, with the time in the queue.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of an operation: `Ok(Err(_))` refuses and undoes what it wrote.
pub(super) type Executed<T, R> = Result<Result<T, R>, sqlx::Error>;

/// Sends operations to the task that writes. Cheap to clone; the task ends with the last one.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
    stop: CancellationToken,
    /// Never sent to: closed when the task has ended.
    ended: Arc<tokio::sync::Mutex<oneshot::Receiver<Infallible>>>,
}

impl Writer {
    /// Starts the task. It opens the database again after a failure.
    pub(super) fn start(file: PathBuf, connection: SqliteConnection, lock: Arc<FileLock>) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (alive, ended) = oneshot::channel();
        let stop = CancellationToken::new();
        let task = WriterTask { file, connection: Some(connection), jobs, stop: stop.clone() };
        tokio::spawn(async move {
            let (_alive, _lock) = (alive, lock);
            task.run().await;
        });
        Self { queue, stop, ended: Arc::new(tokio::sync::Mutex::new(ended)) }
    }

    /// Executes an operation and returns once it is on the disk.
    pub(super) async fn write<T, R, F>(&self, operation: F) -> Result<Result<T, R>, StoreError>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Executed<T, R>>
            + Send
            + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = QueuedWrite { operation: Some(operation), result: None, answer };
        let wait = async {
            self.queue.send(Box::new(job)).await.ok()?;
            answered.await.ok()
        };
        match timeout(ANSWER_TIMEOUT, wait).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(record(StoreErrorKind::Connection, "closed")),
            Err(_) => Err(record(StoreErrorKind::Timeout, "queue")),
        }
    }

    /// Executes what is queued, and ends the task. Later writes fail.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        // An error is the end of the task.
        let _ = (&mut *self.ended.lock().await).await;
    }
}

/// An operation with the place for its result.
#[async_trait]
trait Job: Send {
    /// Executes the operation. Returns `true` to keep what it wrote.
    async fn execute(&mut self, connection: &mut SqliteConnection) -> Result<bool, StoreError>;

    /// Answers the caller, once the transaction has ended with `committed`.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct QueuedWrite<T, R, F> {
    /// `None` once executed.
    operation: Option<F>,
    /// `None` until executed.
    result: Option<Result<Result<T, R>, StoreError>>,
    answer: oneshot::Sender<Result<Result<T, R>, StoreError>>,
}

#[async_trait]
impl<T, R, F> Job for QueuedWrite<T, R, F>
where
    T: Send,
    R: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Executed<T, R>> + Send,
{
    async fn execute(&mut self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let Some(operation) = self.operation.take() else { return Ok(false) };
        // A panic must not end the writer, which others need.
        let executed = AssertUnwindSafe(async { operation(connection).await }).catch_unwind().await;
        let result = match executed {
            Ok(result) => result.map_err(StoreError::from),
            Err(_) => Err(record(StoreErrorKind::Script, "panic")),
        };
        let outcome = match &result {
            Ok(done) => Ok(done.is_ok()),
            Err(error) => Err(*error),
        };
        self.result = Some(result);
        outcome
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (self.result, committed) {
            (Some(result), Ok(())) => result,
            // Its own failure says more than that of the transaction.
            (Some(Err(error)), Err(_)) | (_, Err(error)) => Err(error),
            (None, Ok(())) => return,
        };
        // The caller may be gone.
        let _ = self.answer.send(result);
    }
}

struct WriterTask {
    file: PathBuf,
    /// `None` after a failure, until the next batch.
    connection: Option<SqliteConnection>,
    jobs: mpsc::Receiver<Box<dyn Job>>,
    stop: CancellationToken,
}

impl WriterTask {
    async fn run(mut self) {
        while let Some(first) = self.next().await {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && let Ok(job) = self.jobs.try_recv()
            {
                batch.push(job);
            }
            let committed = self.execute(&mut batch).await;
            batch.into_iter().for_each(|job| job.answer(committed));
        }
        if let Some(connection) = self.connection {
            // The log then stays beside the database and is complete.
            let _ = connection.close().await;
        }
    }

    /// Returns the next operation. `None` once the writer is closed and all are executed.
    async fn next(&mut self) -> Option<Box<dyn Job>> {
        tokio::select! {
            biased;
            () = self.stop.cancelled(), if !self.jobs.is_closed() => self.jobs.close(),
            job = self.jobs.recv() => return job,
        }
        self.jobs.recv().await
    }

    /// Executes and commits a batch. After a failure, nothing of it has taken effect, unless the commit failed.
    async fn execute(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect_options(&self.file).connect().await?,
        };
        let result = execute_batch(&mut connection, batch).await;
        if result.is_ok() {
            self.connection = Some(connection);
        } else {
            // SQLite may have ended the transaction by itself, so the state is unknown.
            let _ = connection.close_hard().await;
        }
        result
    }
}

/// Statements around the operations of a batch. Those between two operations are one text, because each text is a round
/// trip to the connection's thread, which takes longer than they do.
const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
const BEGIN_FIRST: &str = "BEGIN IMMEDIATE; SAVEPOINT operation";
const KEEP_AND_NEXT: &str = "RELEASE operation; SAVEPOINT operation";
const UNDO_AND_NEXT: &str = "ROLLBACK TO operation; RELEASE operation; SAVEPOINT operation";
const KEEP_AND_COMMIT: &str = "RELEASE operation; COMMIT";
const UNDO_AND_COMMIT: &str = "ROLLBACK TO operation; RELEASE operation; COMMIT";

async fn execute_batch(
    connection: &mut SqliteConnection,
    batch: &mut [Box<dyn Job>],
) -> Result<(), StoreError> {
    if let [job] = batch {
        query(BEGIN).execute(&mut *connection).await?;
        let end = match job.execute(&mut *connection).await {
            Ok(true) => return Ok(query(COMMIT).execute(connection).await.map(|_| ())?),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        // A full disk ends the transaction by itself: the rollback then fails, too.
        let undone = query(ROLLBACK).execute(connection).await;
        return undone.map(|_| ()).map_err(|undone| end.err().unwrap_or_else(|| undone.into()));
    }
    query(BEGIN_FIRST).execute(&mut *connection).await?;
    let last = batch.len() - 1;
    for (index, job) in batch.iter_mut().enumerate() {
        let executed = job.execute(&mut *connection).await;
        let statements = match (executed, index == last) {
            (Ok(true), false) => KEEP_AND_NEXT,
            (Ok(true), true) => KEEP_AND_COMMIT,
            (_, false) => UNDO_AND_NEXT,
            (_, true) => UNDO_AND_COMMIT,
        };
        // As above, the error of the operation says more.
        let ended = query(statements).execute(&mut *connection).await;
        ended.map_err(|ended| executed.err().unwrap_or_else(|| ended.into()))?;
    }
    Ok(())
}
