//! [`GoalsCaller`]: the owner of the items of a call, and its actor.

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;

use crate::kernel::principal::{Owner, Principal};

/// The owner of the items of a call, and its actor.
#[derive(Clone, Debug)]
pub struct GoalsCaller {
    pub owner: Owner,
    /// The owner, or an administrator who acts for the owner.
    pub actor: String,
}

/// A call names another user than its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerProblem {
    #[error(
        "this token belongs to no user, so it owns no goals: use an owner token, an API key or a JWT"
    )]
    NoOwner,
    #[error("user_id names another user: omit it, because your token says who you are")]
    OtherUser,
    #[error("user_id is no name of a user")]
    InvalidUser,
}

impl GoalsCaller {
    /// The caller of a principal. `user_id` must be its own, or `me`; an administrator may name another user.
    ///
    /// # Errors
    /// Returns [`CallerProblem`] if the principal may not act for the user.
    pub fn of(
        principal: &Principal,
        user_id: Option<&str>,
        is_admin: bool,
    ) -> Result<Self, CallerProblem> {
        let own = principal.owner().ok_or(CallerProblem::NoOwner)?;
        let actor = own.as_str().to_owned();
        let named = user_id.map(str::trim).filter(|name| !name.is_empty() && *name != "me");
        let owner = match named {
            None => own.clone(),
            Some(name) if name == own.as_str() => own.clone(),
            Some(name) if is_admin => Owner::named(name).map_err(|_| CallerProblem::InvalidUser)?,
            Some(_) => return Err(CallerProblem::OtherUser),
        };
        Ok(Self { owner, actor })
    }
}

/// The time of a call in the zone of its owner.
#[derive(Clone, Debug)]
pub struct OwnerTime {
    pub now: ZonedDateTime,
    pub zone: TimeZone,
}

impl OwnerTime {
    /// The name of the zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}
