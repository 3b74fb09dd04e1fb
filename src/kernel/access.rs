//! [`AccessPolicy`]: the one function that decides which tools and resources a principal has.
//!
//! Listing, calling, reading and listening ask it on every path, so that a principal can call exactly the
//! tools in its list. Without a rule that allows, the answer is no.

use super::permissions::AccessClass;
use super::principal::{Credential, Principal};

/// A tool or a resource, as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct AccessTarget<'a> {
    /// The toolset that offers it.
    pub toolset: &'a str,
    /// Whether callers of the toolset name users.
    pub names_users: bool,
    pub class: AccessClass,
    /// The name of a tool or the URI of a resource. `None` if globs don't apply.
    pub name: Option<&'a str>,
    /// Another URI of the same resource.
    pub alias: Option<&'a str>,
}

/// The answer of [`AccessPolicy::decide`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessDecision {
    Allowed,
    /// For the principal there is no such tool or resource.
    Hidden,
    /// The answer names the scope that is missing, because the provider of the token can give it.
    InsufficientScope,
}

/// The rules of a server.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessPolicy {
    /// `READ_ONLY`, which wins over all permissions.
    pub read_only: bool,
}

impl AccessPolicy {
    /// Decides whether `principal` has `target`.
    #[must_use]
    pub fn decide(self, principal: &Principal, target: &AccessTarget) -> AccessDecision {
        if !self.has_class(target.class) {
            return AccessDecision::Hidden;
        }
        let permissions = principal.permissions();
        if target.name.is_some_and(|name| !permissions.admit_name(name, target.alias)) {
            return AccessDecision::Hidden;
        }
        let AccessTarget { toolset, names_users, class, .. } = *target;
        let is_granted = permissions.include(toolset, names_users, class);
        match principal.credential() {
            _ if is_granted => AccessDecision::Allowed,
            Credential::Oidc => AccessDecision::InsufficientScope,
            _ => AccessDecision::Hidden,
        }
    }

    /// Returns `true` if the server has a tool or a resource of `class`, for any principal.
    #[must_use]
    pub fn has_class(self, class: AccessClass) -> bool {
        !self.read_only || class == AccessClass::Read
    }

    /// Returns `true` if `principal` has `target`.
    #[must_use]
    pub fn allows(self, principal: &Principal, target: &AccessTarget) -> bool {
        self.decide(principal, target) == AccessDecision::Allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;
    use crate::kernel::id::IdHasher;
    use crate::kernel::permissions::{
        AccessLevel, AccessPermissions, Glob, Globs, InvalidPolicy, Scopes, required_scope,
    };
    use crate::kernel::principal::{Owner, PrincipalRole};
    use crate::kernel::validity::Validity;

    const CLASSES: [AccessClass; 5] = [
        AccessClass::Read,
        AccessClass::Write,
        AccessClass::Destroy,
        AccessClass::Admin,
        AccessClass::Spend,
    ];

    fn principal(permissions: AccessPermissions, credential: Credential) -> Principal {
        let (owner, ids) = (Owner::named("ann"), IdHasher::random(&mut seeded_rng()));
        let owner = owner.expect("valid");
        Principal::user(
            owner,
            &ids,
            PrincipalRole::User,
            permissions,
            credential,
            Validity::default(),
        )
    }

    fn target(class: AccessClass) -> AccessTarget<'static> {
        let name = Some("create_goal");
        AccessTarget { toolset: "goals", names_users: false, class, name, alias: None }
    }

    /// The classes that `permissions` give in the toolset `goals`.
    fn classes(permissions: &AccessPermissions) -> Vec<AccessClass> {
        let ann = principal(permissions.clone(), Credential::Jwt);
        let has = |class: &AccessClass| AccessPolicy::default().allows(&ann, &target(*class));
        CLASSES.into_iter().filter(has).collect()
    }

    #[test]
    fn access_levels_include_their_classes() {
        use AccessClass::{Admin, Destroy, Read, Spend, Write};
        let level = |name: &str| AccessPermissions::level(name.parse().expect("a level"));
        assert_eq!(classes(&level("read_only")), [Read]);
        assert_eq!(classes(&level("read_write")), [Read, Write, Destroy, Spend]);
        assert_eq!(classes(&level("admin")), [Read, Write, Destroy, Admin, Spend]);
        for unknown in ["", "Admin", "root", "read_write "] {
            assert_eq!(unknown.parse::<AccessLevel>(), Err(InvalidPolicy::Level));
        }
        assert_eq!(classes(&AccessPermissions::default()), []);
        assert_eq!(classes(&AccessPermissions::connector()), []);
    }

    #[test]
    fn access_scopes_belong_to_their_toolset() {
        use AccessClass::{Admin, Destroy, Read, Spend, Write};
        let scopes = |scope| classes(&AccessPermissions::scopes(Scopes::parse(scope)));
        assert_eq!(scopes("goals:read"), [Read]);
        assert_eq!(scopes("openid goals:write"), [Read, Write, Destroy]);
        assert_eq!(scopes("goals:admin"), [Read, Write, Destroy, Admin]);
        assert_eq!(scopes("gateway:use"), [Spend]);
        for other in
            ["", "openid", "gateway:read", "goals", "goals:", ":read", "GOALS:read", "goals:use"]
        {
            assert_eq!(scopes(other), [], "{other}");
        }
    }

    #[test]
    fn access_globs_narrow_and_deny_wins() {
        let glob = |pattern: &str| pattern.parse::<Glob>().expect("a glob");
        let globs = |allow: &[&str], deny: &[&str]| Globs {
            allow: allow.iter().copied().map(glob).collect(),
            deny: deny.iter().copied().map(glob).collect(),
        };
        let has = |globs, level| {
            let permissions = AccessPermissions::level(level).narrowed(globs);
            classes(&permissions).contains(&AccessClass::Write)
        };
        assert!(has(globs(&["*_goal"], &[]), AccessLevel::ReadWrite));
        assert!(!has(globs(&["*_goal"], &["create_*"]), AccessLevel::ReadWrite));
        assert!(!has(globs(&["list_*"], &[]), AccessLevel::ReadWrite));
        assert!(!has(globs(&["*"], &[]), AccessLevel::ReadOnly), "a glob gives nothing");
        for bad in ["", "a?", "[a]", "{a}", "a b", "ä", &"a".repeat(201)] {
            assert_eq!(bad.parse::<Glob>(), Err(InvalidPolicy::Glob), "{bad}");
        }
    }

    #[test]
    fn access_read_only_server_wins_over_every_principal() {
        let policy = AccessPolicy { read_only: true };
        for principal in [
            Principal::connector(),
            Principal::operator(),
            principal(AccessPermissions::all(), Credential::OwnerToken),
        ] {
            for class in CLASSES {
                let target = AccessTarget { names_users: true, ..target(class) };
                assert_eq!(policy.allows(&principal, &target), class == AccessClass::Read);
            }
        }
    }

    #[test]
    fn access_names_the_missing_scope_to_oidc_callers_only() {
        let decide = |credential, globs: Option<Globs>| {
            let permissions = AccessPermissions::scopes(Scopes::parse("goals:read"));
            let permissions = globs.into_iter().fold(permissions, AccessPermissions::narrowed);
            let caller = principal(permissions, credential);
            AccessPolicy::default().decide(&caller, &target(AccessClass::Write))
        };
        assert_eq!(decide(Credential::Oidc, None), AccessDecision::InsufficientScope);
        assert_eq!(decide(Credential::Jwt, None), AccessDecision::Hidden);
        assert_eq!(required_scope("goals", AccessClass::Destroy), "goals:write");
        assert_eq!(required_scope("gateway", AccessClass::Spend), "gateway:use");
    }
}
