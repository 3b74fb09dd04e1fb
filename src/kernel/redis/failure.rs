//! [`Failure`]: an error of Redis, as the connection and the caller need it.
//!
//! Only pure classification lives here. The text of an error is never stored, because it may quote
//! a command.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::kernel::store::StoreErrorKind;

/// Codes of a server that refuses every command of this connection, or every write, before it runs.
/// Another server at the same name may accept it.
const REFUSALS: [&str; 5] = ["READONLY", "MASTERDOWN", "LOADING", "NOAUTH", "WRONGPASS"];

/// Knowledge of a command that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Redis answered with an error. The connection works.
    Answered,
    /// The server refuses commands: this one had no effect.
    Refused,
    /// No answer, or one that can't be read: the command may have taken effect.
    Unanswered,
}

/// An error without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: StoreErrorKind,
    pub progress: Progress,
    /// Redis's error code, or the category of the client's error. Never a part of a command.
    pub detail: String,
}

impl Failure {
    /// No connection, so that nothing was sent.
    pub fn not_connected() -> Self {
        Self {
            kind: StoreErrorKind::Connection,
            progress: Progress::Refused,
            detail: "no connection".to_owned(),
        }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        let detail = error.code().unwrap_or_else(|| error.category()).to_owned();
        let mut codes = vec![detail.clone()];
        // Of a transaction, the code only says that a command in it failed.
        let errors = error.clone().into_server_errors();
        codes
            .extend(errors.iter().flat_map(|all| all.iter()).map(|(_, error)| error.code().into()));
        let has = |wanted: &[&str]| codes.iter().any(|code| wanted.contains(&code.as_str()));
        let progress = match error.kind() {
            _ if has(&REFUSALS) => Progress::Refused,
            ErrorKind::AuthenticationFailed => Progress::Refused,
            // A reply of another type may belong to another command, so the connection is replaced.
            ErrorKind::Io | ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
                Progress::Unanswered
            }
            _ => Progress::Answered,
        };
        let kind = match error.kind() {
            _ if has(&["READONLY", "NOREPLICAS", "OOM"]) => StoreErrorKind::ReadOnly,
            _ if has(&["MISCONF"]) => StoreErrorKind::Disk,
            _ if has(&REFUSALS) => StoreErrorKind::Connection,
            ErrorKind::Server(ServerErrorKind::ClusterDown) | ErrorKind::AuthenticationFailed => {
                StoreErrorKind::Connection
            }
            ErrorKind::Io if error.is_timeout() => StoreErrorKind::Timeout,
            ErrorKind::Io => StoreErrorKind::Connection,
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreErrorKind::Decode,
            _ => StoreErrorKind::Script,
        };
        let detail = codes.pop().unwrap_or(detail);
        Self { kind, progress, detail }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn of_code(code: &str) -> (StoreErrorKind, Progress) {
        let error = redis::make_extension_error(code.to_owned(), Some("'a key'".to_owned()));
        let failure = Failure::from(error);
        assert!(!failure.detail.contains("key"), "{failure:?}");
        (failure.kind, failure.progress)
    }

    #[test]
    fn redis_failure_of_a_server_that_refuses_has_no_effect() {
        for (code, kind) in [
            ("READONLY", StoreErrorKind::ReadOnly),
            ("LOADING", StoreErrorKind::Connection),
            ("MASTERDOWN", StoreErrorKind::Connection),
            ("NOAUTH", StoreErrorKind::Connection),
        ] {
            assert_eq!(of_code(code), (kind, Progress::Refused), "{code}");
        }
    }

    #[test]
    fn redis_failure_of_one_command_leaves_the_connection() {
        for (code, kind) in [
            ("NOREPLICAS", StoreErrorKind::ReadOnly),
            ("OOM", StoreErrorKind::ReadOnly),
            ("MISCONF", StoreErrorKind::Disk),
            ("NOPERM", StoreErrorKind::Script),
            ("ERR", StoreErrorKind::Script),
        ] {
            assert_eq!(of_code(code), (kind, Progress::Answered), "{code}");
        }
    }

    #[test]
    fn redis_failure_without_an_answer_may_have_had_an_effect() {
        for (error, kind) in [
            (io::ErrorKind::TimedOut, StoreErrorKind::Timeout),
            (io::ErrorKind::BrokenPipe, StoreErrorKind::Connection),
            (io::ErrorKind::ConnectionReset, StoreErrorKind::Connection),
        ] {
            let failure = Failure::from(RedisError::from(io::Error::from(error)));
            assert_eq!((failure.kind, failure.progress), (kind, Progress::Unanswered));
        }
    }
}
