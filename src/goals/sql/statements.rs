//! Statements that are the same on both engines.

use crate::goals::journal::store::GoalsAges;
use crate::kernel::clock::Timestamp;

pub(in crate::goals) const REVISION: &str = "SELECT revision FROM goals_owners WHERE owner = $1";

pub(in crate::goals) const READ_COUNTS: &str =
    "SELECT kind, state, count FROM goals_counts WHERE owner = $1 AND count > 0";

/// The writes of an owner before the number `$2`, if it is not NULL, of the item `$4`, if it is not NULL.
pub(in crate::goals) const CHANGES: &str = "SELECT revision, at, actor, tool, undoes, undone_by, items \
     FROM goals_changes WHERE owner = $1 AND revision < coalesce($2, 9223372036854775807) \
     AND ($4 IS NULL OR revision IN \
     (SELECT revision FROM goals_changed_items WHERE owner = $1 AND id = $4)) \
     ORDER BY revision DESC LIMIT $3";

const PURGE_ITEMS: &str = "DELETE FROM goals_items WHERE (owner, id) IN \
     (SELECT owner, id FROM goals_items WHERE deleted_at IS NOT NULL AND deleted_at < $1 LIMIT $2)";

/// The same changes as those of the next statement, which must follow in the same transaction.
const PURGE_CHANGED_ITEMS: &str = "DELETE FROM goals_changed_items WHERE (owner, revision) IN \
     (SELECT owner, revision FROM goals_changes WHERE at < $1 ORDER BY at, owner, revision LIMIT $2)";

const PURGE_CHANGES: &str = "DELETE FROM goals_changes WHERE (owner, revision) IN \
     (SELECT owner, revision FROM goals_changes WHERE at < $1 ORDER BY at, owner, revision LIMIT $2)";

const PURGE_REQUESTS: &str = "DELETE FROM goals_requests WHERE (owner, request_id) IN \
     (SELECT owner, request_id FROM goals_requests WHERE at < $1 LIMIT $2)";

/// Statements that delete what is older than `$1`, at most `$2` rows, each with its `$1`.
pub(in crate::goals) const fn purges(ages: GoalsAges) -> [(&'static str, Timestamp); 4] {
    [
        (PURGE_ITEMS, ages.bin),
        (PURGE_CHANGED_ITEMS, ages.log),
        (PURGE_CHANGES, ages.log),
        (PURGE_REQUESTS, ages.requests),
    ]
}
