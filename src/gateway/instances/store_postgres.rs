//! [`PostgresInstances`]: what instances share, in PostgreSQL. The schema is in `gateway/migrations/postgres/`.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{Row, query};

use super::store::{InstanceExchange, SocketId, StoredBreakerChange};
use crate::gateway::ledger::ids::NodeId;
use crate::gateway::routing::change::{BreakerChange, BreakerName};
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::sql::columns::{millis, timestamp};
use crate::kernel::sql::postgres::{Isolation, PostgresDatabase};
use crate::kernel::store::StoreError;

/// Lets no other socket of an account be opened until the end of the transaction. The number separates these locks
/// from others.
const LOCK_SOCKETS: &str = "SELECT pg_advisory_xact_lock(271828, hashtext(encode($1, 'hex')))";

const DELETE_ENDED: &str = "DELETE FROM gateway_sockets WHERE account = $1 AND lease_until <= $2";

const INSERT_SOCKET: &str = "INSERT INTO gateway_sockets (socket, account, lease_until) \
     SELECT $1, $2, $3 \
     WHERE (SELECT count(*) FROM gateway_sockets WHERE account = $2 AND socket <> $1) < $4 \
     ON CONFLICT (socket) DO UPDATE SET lease_until = excluded.lease_until";

const RENEW_SOCKETS: &str = "INSERT INTO gateway_sockets (socket, account, lease_until) \
     SELECT s.socket, s.account, $3 FROM unnest($1::bytea[], $2::bytea[]) AS s (socket, account) \
     ON CONFLICT (socket) DO UPDATE \
     SET lease_until = greatest(gateway_sockets.lease_until, excluded.lease_until)";

const STORE_CHANGES: &str = "INSERT INTO gateway_breakers AS b \
     (provider, variable, model, node, version, open_until) \
     SELECT n.provider, n.variable, n.model, $1, 1, n.open_until \
     FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) \
         AS n (provider, variable, model, open_until) \
     ON CONFLICT (provider, variable, model) DO UPDATE SET \
         node = excluded.node, \
         version = b.version + 1, \
         open_until = CASE WHEN excluded.open_until = 0 THEN 0 \
             ELSE greatest(b.open_until, excluded.open_until) END";

const READ_CHANGES: &str = "SELECT provider, variable, model, version, open_until \
     FROM gateway_breakers WHERE node <> $1";

/// The backend in PostgreSQL.
pub struct PostgresInstances {
    database: PostgresDatabase,
}

impl PostgresInstances {
    /// Uses a database that has the tables of [`MIGRATIONS`](crate::gateway::migrations::MIGRATIONS).
    #[must_use]
    pub const fn new(database: PostgresDatabase) -> Self {
        Self { database }
    }
}

#[async_trait]
impl InstanceExchange for PostgresInstances {
    async fn open_socket(
        &self,
        socket: SocketId,
        account: UserId,
        limit: usize,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let opened = self.database.write(Isolation::ReadCommitted, |connection| {
            Box::pin(async move {
                let account = account.as_bytes().to_vec();
                query(LOCK_SOCKETS).bind(account.clone()).execute(&mut *connection).await?;
                query(DELETE_ENDED)
                    .bind(account.clone())
                    .bind(millis(now))
                    .execute(&mut *connection)
                    .await?;
                let inserted = query(INSERT_SOCKET)
                    .bind(socket.as_bytes().to_vec())
                    .bind(account)
                    .bind(millis(lease_until))
                    .bind(limit)
                    .execute(connection)
                    .await?;
                Ok(inserted.rows_affected() > 0)
            })
        });
        opened.await
    }

    async fn renew_sockets(
        &self,
        sockets: Vec<(SocketId, UserId)>,
        lease_until: Timestamp,
    ) -> Result<(), StoreError> {
        let (sockets, accounts): (Vec<_>, Vec<_>) = sockets
            .into_iter()
            .map(|(socket, account)| (socket.as_bytes().to_vec(), account.as_bytes().to_vec()))
            .unzip();
        let statement = || {
            let renew = query(RENEW_SOCKETS).bind(sockets.clone()).bind(accounts.clone());
            renew.bind(millis(lease_until))
        };
        self.database.execute(statement).await?;
        Ok(())
    }

    async fn close_sockets(&self, sockets: Vec<SocketId>) -> Result<(), StoreError> {
        let sockets: Vec<_> = sockets.iter().map(|socket| socket.as_bytes().to_vec()).collect();
        let statement = || {
            query("DELETE FROM gateway_sockets WHERE socket = ANY($1::bytea[])")
                .bind(sockets.clone())
        };
        self.database.execute(statement).await?;
        Ok(())
    }

    async fn store_changes(
        &self,
        node: NodeId,
        changes: Vec<BreakerChange>,
    ) -> Result<(), StoreError> {
        let column =
            |value: fn(&BreakerChange) -> String| changes.iter().map(value).collect::<Vec<_>>();
        let providers = column(|change| change.breaker.provider.clone());
        let variables = column(|change| change.breaker.variable.clone());
        let models = column(|change| change.breaker.model.clone().unwrap_or_default());
        let open: Vec<_> =
            changes.iter().map(|change| change.open_until.map_or(0, millis)).collect();
        let statement = || {
            query(STORE_CHANGES)
                .bind(node.as_bytes().to_vec())
                .bind(providers.clone())
                .bind(variables.clone())
                .bind(models.clone())
                .bind(open.clone())
        };
        self.database.execute(statement).await?;
        Ok(())
    }

    async fn changes(&self, node: NodeId) -> Result<Vec<StoredBreakerChange>, StoreError> {
        let read =
            query(READ_CHANGES).bind(node.as_bytes().to_vec()).fetch_all(self.database.pool());
        let rows = self.database.in_time(read).await?;
        rows.iter().map(|row| change(row).map_err(StoreError::from)).collect()
    }
}

fn change(row: &PgRow) -> Result<StoredBreakerChange, sqlx::Error> {
    let model: String = row.try_get("model")?;
    let (version, open_until): (i64, i64) = (row.try_get("version")?, row.try_get("open_until")?);
    let breaker = BreakerName {
        provider: row.try_get("provider")?,
        variable: row.try_get("variable")?,
        model: Some(model).filter(|model| !model.is_empty()),
    };
    let open_until = (open_until > 0).then(|| timestamp(open_until));
    let change = BreakerChange { breaker, open_until };
    Ok(StoredBreakerChange { change, version: version.unsigned_abs() })
}
