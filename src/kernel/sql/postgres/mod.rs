//! [`PostgresDatabase`]: a database on a server, which several instances share.
//!
//! Limits of time are set per connection, so that a lock or a network without answers delays a call by
//! seconds. They are options of the connection's start, so a pooler in front of the server must pass them on.

pub mod dump;
pub mod load;

use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, query};
use tokio::time::{sleep, timeout};

use super::failure::{is_conflict, record};
use super::migration::MigrationChain;
use super::problem::DatabaseProblem;
use super::{secrets, versions};
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::store::{StoreError, StoreErrorKind};

/// Maximum number of connections of an instance.
const MAX_CONNECTIONS: u32 = 10;

/// Maximum time that a call waits for a connection. At the start, a server that refuses connections is
/// tried again for this long.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time of an operation with all its attempts, also when the network does not answer.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// Limits of a connection: of a statement, of a wait for a lock, and of an idle transaction.
const SESSION_LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "5s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
];

/// Maximum number of attempts of an operation that is in conflict with others.
const ATTEMPTS: u32 = 8;

/// Pause after the first conflict. It doubles with each further conflict.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// The advisory lock that instances hold while they change the schema; an arbitrary number.
const SCHEMA_LOCK: i64 = 0x7261_6e64_6f6d_0001;

/// The isolation of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it. Enough for one statement, and for rows that the
    /// operation has locked.
    ReadCommitted,
    /// As if operations were executed one after the other, as on SQLite.
    Serializable,
}

/// A pool of connections to a PostgreSQL server. Cheap to clone.
#[derive(Clone)]
pub struct PostgresDatabase {
    pool: PgPool,
}

impl PostgresDatabase {
    /// Connects to the server. Call this within a tokio runtime.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem`] if the server can't be used.
    pub async fn open(url: &SecretString) -> Result<Self, DatabaseProblem> {
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(connect_options(url)?);
        match timeout(2 * ACQUIRE_TIMEOUT, pool).await {
            Ok(pool) => Ok(Self { pool: pool? }),
            Err(_) => Err(DatabaseProblem::Timeout),
        }
    }

    /// Checks the server as [`open`](Self::open) does, the versions of the tables, and the secrets. Changes nothing.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem`] if the server can't be used.
    pub async fn inspect(
        url: &SecretString,
        chains: &[&MigrationChain],
        fingerprints: Option<&SecretFingerprints>,
    ) -> Result<(), DatabaseProblem> {
        let inspect = async {
            let mut connection = connect_options(url)?.connect().await?;
            versions::applied_postgres(&mut connection, chains).await?;
            secrets::inspect_postgres(&mut connection, fingerprints).await?;
            connection.close().await?;
            Ok(())
        };
        timeout(2 * ACQUIRE_TIMEOUT, inspect).await.unwrap_or(Err(DatabaseProblem::Timeout))
    }

    /// Applies the migrations of a toolset: all, or after a failure none. Instances that start at the same
    /// time wait for each other.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem`] if one fails, or if a newer version has written the database.
    pub async fn migrate(&self, chain: &MigrationChain) -> Result<(), DatabaseProblem> {
        let mut transaction = self.pool.begin().await?;
        lock_schema(&mut transaction).await?;
        chain
            .postgres_migrator()
            .run_direct(None, &mut *transaction, false)
            .await
            .map_err(|error| DatabaseProblem::of_migration(error, chain.toolset))?;
        transaction.commit().await?;
        Ok(())
    }

    /// Compares the secrets with those that the database was written with, and stores them.
    ///
    /// # Errors
    /// Returns [`DatabaseProblem::Secrets`] if they differ.
    pub async fn check_secrets(
        &self,
        fingerprints: &SecretFingerprints,
    ) -> Result<(), DatabaseProblem> {
        let mut transaction = self.pool.begin().await?;
        lock_schema(&mut transaction).await?;
        secrets::check_postgres(&mut transaction, fingerprints).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The connections. Use them for reading; writing goes through [`write`](Self::write).
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Executes an operation in one transaction, and again if it is in conflict with others. It may be
    /// executed several times, of which one takes effect. If it fails, it changes nothing.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the operation or its commit fails. After
    /// [`StoreErrorKind::Connection`] it may have taken effect.
    pub async fn write<T, F>(&self, isolation: Isolation, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, sqlx::Error>> + Send + Sync,
    {
        let written = self
            .try_write(isolation, |connection| {
                let executing = operation(connection);
                Box::pin(async move { executing.await.map(Ok::<T, Infallible>) })
            })
            .await?;
        let Ok(value) = written;
        Ok(value)
    }

    /// Executes an operation that may refuse: with `Ok(Err(refusal))` it changes nothing, and the caller
    /// gets the refusal. Otherwise like [`write`](Self::write).
    ///
    /// # Errors
    /// See [`write`](Self::write).
    pub async fn try_write<T, R, F>(
        &self,
        isolation: Isolation,
        operation: F,
    ) -> Result<Result<T, R>, StoreError>
    where
        T: Send,
        R: Send,
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<Result<T, R>, sqlx::Error>>
            + Send
            + Sync,
    {
        self.retry(|| self.attempt(isolation, &operation)).await
    }

    /// Executes one statement, and again if it is in conflict with others. Returns the number of
    /// affected rows. Takes one round trip, where [`write`](Self::write) takes three.
    ///
    /// # Errors
    /// See [`write`](Self::write).
    pub async fn execute(
        &self,
        statement: impl Fn() -> Query<'static, Postgres, PgArguments> + Send + Sync,
    ) -> Result<u64, StoreError> {
        let done = self.retry(|| statement().execute(&self.pool)).await?;
        Ok(done.rows_affected())
    }

    /// Executes one statement that returns at most one row, and again if it is in conflict with others. Returns
    /// `None` without a row, and if the statement violates a unique key; it then changes nothing. Takes one round trip.
    ///
    /// # Errors
    /// See [`write`](Self::write).
    pub async fn fetch_unless_duplicate(
        &self,
        statement: impl Fn() -> Query<'static, Postgres, PgArguments> + Send + Sync,
    ) -> Result<Option<PgRow>, StoreError> {
        let attempt = || async {
            match statement().fetch_optional(&self.pool).await {
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
                result => result,
            }
        };
        self.retry(attempt).await
    }

    /// Waits for a query that only reads, for as long as a call may take.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the query fails or does not end in time.
    pub async fn in_time<T>(
        &self,
        query: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, StoreError> {
        match timeout(OPERATION_TIMEOUT, query).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(record(StoreErrorKind::Timeout, "")),
        }
    }

    /// Repeats `attempt` after conflicts, within the time of a call.
    async fn retry<T, A>(&self, attempt: impl Fn() -> A + Send + Sync) -> Result<T, StoreError>
    where
        A: Future<Output = Result<T, sqlx::Error>> + Send,
    {
        let attempts = async {
            let mut pause = FIRST_PAUSE;
            for _ in 1..ATTEMPTS {
                match attempt().await {
                    Err(error) if is_conflict(&error) => {}
                    result => return result,
                }
                sleep(pause).await;
                pause *= 2;
            }
            attempt().await
        };
        self.in_time(attempts).await
    }

    async fn attempt<T, R, F>(
        &self,
        isolation: Isolation,
        operation: &F,
    ) -> Result<Result<T, R>, sqlx::Error>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<Result<T, R>, sqlx::Error>>,
    {
        let begin = match isolation {
            Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        let mut transaction = self.pool.begin_with(begin).await?;
        let result = operation(&mut transaction).await?;
        if result.is_ok() {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        Ok(result)
    }

    /// Checks that the server answers.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it does not.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.in_time(query("SELECT 1").execute(&self.pool)).await?;
        Ok(())
    }

    /// Ends the connections. Later calls fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn connect_options(url: &SecretString) -> Result<PgConnectOptions, DatabaseProblem> {
    let options = PgConnectOptions::from_str(url.expose_secret())?;
    Ok(options
        .application_name("random-connect")
        .options(SESSION_LIMITS)
        .disable_statement_logging())
}

/// Waits for other instances that change the schema. The lock ends with the transaction.
async fn lock_schema(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // A migration of a large table takes longer than a call may.
    for statement in ["SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = '60s'"] {
        query(statement).execute(&mut *connection).await?;
    }
    query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(connection).await?;
    Ok(())
}
