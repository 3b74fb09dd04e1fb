//! [`RoleTable`]: the limits of each role. The numbers are those of the original gateway, where it had them.

use std::collections::BTreeSet;

use crate::kernel::principal::PrincipalRole;

/// Tokens a minute for each request a minute.
const TOKENS_PER_REQUEST: u64 = 1_000;

/// Sockets that a user may have open, whatever the role.
const SOCKETS: u32 = 8;

/// The roles in the order of their names in `gateway.toml`, highest first.
pub const ROLES: [(PrincipalRole, &str); 6] = [
    (PrincipalRole::Superadmin, "superadmin"),
    (PrincipalRole::Admin, "admin"),
    (PrincipalRole::Premium, "premium"),
    (PrincipalRole::Pro, "pro"),
    (PrincipalRole::User, "user"),
    (PrincipalRole::Trial, "trial"),
];

/// The models that a role may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedModels {
    #[default]
    All,
    /// The names of these models.
    Only(BTreeSet<String>),
}

impl AllowedModels {
    /// Whether the role may use the model with this name, which is no alias.
    #[must_use]
    pub fn allows(&self, model: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(model),
        }
    }
}

/// The limits of each user with a role, over all sockets and instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleLimits {
    pub requests_per_minute: u32,
    /// Input and output tokens.
    pub tokens_per_minute: u64,
    /// The longest answer, in tokens.
    pub max_output_tokens: u32,
    /// Requests that run at the same time.
    pub concurrent_requests: u32,
    pub sockets: u32,
    pub models: AllowedModels,
}

impl RoleLimits {
    /// The tokens a minute of a role with this number of requests a minute, unless they are configured.
    pub(super) fn tokens_for(requests_per_minute: u32) -> u64 {
        u64::from(requests_per_minute) * TOKENS_PER_REQUEST
    }
}

/// The limits of every role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleTable([RoleLimits; ROLES.len()]);

impl RoleTable {
    #[must_use]
    pub fn limits(&self, role: PrincipalRole) -> &RoleLimits {
        &self.0[position(role)]
    }

    pub(super) fn limits_mut(&mut self, role: PrincipalRole) -> &mut RoleLimits {
        &mut self.0[position(role)]
    }
}

impl Default for RoleTable {
    fn default() -> Self {
        Self(ROLES.map(|(role, _)| shipped(role)))
    }
}

const fn position(role: PrincipalRole) -> usize {
    match role {
        PrincipalRole::Superadmin => 0,
        PrincipalRole::Admin => 1,
        PrincipalRole::Premium => 2,
        PrincipalRole::Pro => 3,
        PrincipalRole::User => 4,
        PrincipalRole::Trial => 5,
    }
}

fn shipped(role: PrincipalRole) -> RoleLimits {
    let (requests_per_minute, max_output_tokens, concurrent_requests) = match role {
        PrincipalRole::Superadmin => (1_000, 32_768, 64),
        PrincipalRole::Admin => (500, 16_384, 48),
        PrincipalRole::Premium => (200, 8_192, 32),
        PrincipalRole::Pro => (100, 4_096, 16),
        PrincipalRole::User => (60, 2_048, 8),
        PrincipalRole::Trial => (20, 1_024, 4),
    };
    RoleLimits {
        requests_per_minute,
        tokens_per_minute: RoleLimits::tokens_for(requests_per_minute),
        max_output_tokens,
        concurrent_requests,
        sockets: SOCKETS,
        models: AllowedModels::All,
    }
}
