//! [`end_leases`](SqliteGatewayLedger::end_leases): holds of processes that have ended, when a server starts.

use sqlx::query;

use super::SqliteGatewayLedger;
use crate::kernel::clock::Timestamp;
use crate::kernel::sql::columns::millis;
use crate::kernel::store::StoreError;

const END_NODES: &str = "UPDATE gateway_nodes SET lease_until = 0 WHERE node IN \
     (SELECT node FROM gateway_requests WHERE settled_at IS NULL AND started_at < $1)";

const END_HOLDS: &str =
    "UPDATE gateway_requests SET lease_until = 0 WHERE settled_at IS NULL AND started_at < $1";

/// Deductions that a process had taken when it ended.
const END_TAKEN: &str = "UPDATE gateway_requests SET deduct_at = 0 WHERE payer IS NOT NULL";

impl SqliteGatewayLedger {
    /// Ends the leases of all open holds from before `start`, if no other process had the file open when this one
    /// opened it: their nodes have ended. They can then be recovered, and deductions be taken, without a wait.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the database fails. The leases then end by themselves.
    pub async fn end_leases(&self, start: Timestamp) -> Result<(), StoreError> {
        if !self.database.opened_alone() {
            return Ok(());
        }
        let end = self.database.write(move |connection| {
            Box::pin(async move {
                query(END_NODES).bind(millis(start)).execute(&mut *connection).await?;
                query(END_TAKEN).execute(&mut *connection).await?;
                query(END_HOLDS).bind(millis(start)).execute(&mut *connection).await?;
                Ok(())
            })
        });
        end.await
    }
}
