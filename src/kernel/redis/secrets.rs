//! [`check_secrets`]: compares the secrets of an instance with those of the others, at each new
//! connection.
//!
//! With several instances, a rotation of `INBOX_KEY` must never let one seal what another can't
//! open: first all get `old,new`, then all `new,old`, then all `new`.

use std::time::Duration;

use once_cell::sync::Lazy;
use redis::Script;
use redis::aio::MultiplexedConnection;

use super::failure::{Failure, Progress};
use crate::kernel::secrets::SecretFingerprints;
use crate::kernel::store::StoreErrorKind;

static CHECK: Lazy<Script> = Lazy::new(|| Script::new(include_str!("lua/check_secrets.lua")));

/// The key of the secrets. It has the hash tag of all keys.
const KEY: &str = "{random-connect}:safety:secrets";

/// TTL of the fingerprints: as long as a block, the data that lasts longest.
const TTL: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// # Errors
/// Returns [`StoreErrorKind::Secrets`], and the name of the secret as detail, if one differs.
pub(super) async fn check_secrets(
    connection: &mut MultiplexedConnection,
    secrets: &SecretFingerprints,
) -> Result<(), Failure> {
    let keys = secrets.inbox_key.split_once(',');
    let (seal_key, other_key) = keys.unwrap_or((&secrets.inbox_key, ""));
    let mut check = CHECK.key(KEY);
    check.arg(&secrets.id_salt).arg(seal_key).arg(other_key).arg(TTL.as_secs());
    let differing: String = check.invoke_async(connection).await?;
    if differing.is_empty() {
        return Ok(());
    }
    Err(Failure { kind: StoreErrorKind::Secrets, progress: Progress::Answered, detail: differing })
}
