//! [`SqliteDatabase`]: writes per second with group commit, compared with a commit for each write.
//!
//! Both write the same rows to a file in the build folder, and wait for the disk before a write is answered. The
//! measurements alternate, so that a disk that is slower for a while affects both.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use random_connect::kernel::clock::Stopwatch;
use random_connect::kernel::sql::sqlite::SqliteDatabase;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, query};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use common::{BenchResult, Latencies, float, grouped, latencies, machine, median, micros, record};

// The allocator of the binary, so that the results apply to it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers of callers that write at the same time.
const WRITERS: [u64; 3] = [1, 16, 64];
/// Number of measurements of each kind.
const ROUNDS: usize = 7;
/// Duration of a measurement.
const ROUND: Duration = Duration::from_secs(1);
const TEXT: &str =
    "A row of about a hundred bytes, as blocks, keys and entries of the audit log are.";
const CREATE: &str = "CREATE TABLE notes (id INTEGER PRIMARY KEY, writer INTEGER, text TEXT)";
const INSERT: &str = "INSERT INTO notes (writer, text) VALUES (?, ?)";

/// How a write is committed.
#[derive(Clone)]
enum Commits {
    /// With all writes that wait.
    Grouped(SqliteDatabase),
    /// Alone.
    Single(Arc<Mutex<SqliteConnection>>),
}

impl Commits {
    async fn grouped(file: &Path) -> BenchResult<Self> {
        let database = SqliteDatabase::open(file).await?;
        let created = database.write(|connection| {
            Box::pin(async move {
                query(CREATE).execute(connection).await?;
                Ok(())
            })
        });
        created.await?;
        Ok(Self::Grouped(database))
    }

    async fn single(file: &Path) -> BenchResult<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        query(CREATE).execute(&mut connection).await?;
        Ok(Self::Single(Arc::new(Mutex::new(connection))))
    }

    async fn write(&self, writer: i64) -> BenchResult<()> {
        match self {
            Self::Grouped(database) => {
                let write = database.write(move |connection| {
                    Box::pin(async move {
                        query(INSERT).bind(writer).bind(TEXT).execute(connection).await?;
                        Ok(())
                    })
                });
                write.await?;
            }
            Self::Single(connection) => {
                let mut connection = connection.lock().await;
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                query(INSERT).bind(writer).bind(TEXT).execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
        }
        Ok(())
    }

    /// Writes for [`ROUND`]; returns the writes per second and their latencies.
    async fn measure(&self, writers: u64) -> BenchResult<(f64, Latencies)> {
        let (mut tasks, start) = (JoinSet::new(), Stopwatch::start());
        for writer in 0..writers {
            let (commits, writer) = (self.clone(), i64::try_from(writer)?);
            tasks.spawn(async move {
                let (mut own, total) = (latencies(), Stopwatch::start());
                while total.elapsed() < ROUND {
                    let stopwatch = Stopwatch::start();
                    commits.write(writer).await.map_err(|error| error.to_string())?;
                    record(&mut own, stopwatch.elapsed());
                }
                Ok::<_, String>(own)
            });
        }
        let mut all = latencies();
        while let Some(own) = tasks.join_next().await {
            all.add(own??)?;
        }
        Ok((float(all.len()) / start.elapsed().as_secs_f64(), all))
    }
}

async fn compare() -> BenchResult<()> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let grouped_commits = Commits::grouped(&folder.path().join("grouped.db")).await?;
    let single_commits = Commits::single(&folder.path().join("single.db")).await?;
    println!("\n| Writers | group commit | p99 | a commit for each write | p99 | ratio |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for writers in WRITERS {
        let [mut group_rates, mut single_rates, mut ratios] = [vec![], vec![], vec![]];
        let [mut group, mut single] = [latencies(), latencies()];
        for _ in 0..ROUNDS {
            let (group_rate, latencies) = grouped_commits.measure(writers).await?;
            group.add(latencies)?;
            let (single_rate, latencies) = single_commits.measure(writers).await?;
            single.add(latencies)?;
            group_rates.push(group_rate);
            single_rates.push(single_rate);
            ratios.push(group_rate / single_rate);
        }
        println!(
            "| {writers} | {}/s | {:.1} ms | {}/s | {:.1} ms | {:.1} |",
            grouped(median(group_rates)),
            micros(&group, 0.99) / 1e3,
            grouped(median(single_rates)),
            micros(&single, 0.99) / 1e3,
            median(ratios),
        );
    }
    println!("\n{}", machine());
    Ok(())
}

fn main() -> BenchResult<()> {
    Builder::new_multi_thread().enable_all().build()?.block_on(compare())
}
