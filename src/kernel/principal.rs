//! [`Principal`]: the caller of a request, as its credential proves it.
//!
//! The gate resolves a request's principal once and puts it into the request's extensions. Transports
//! pass it on, and [`access`](super::access) decides by it. To add a kind of credential, add a variant
//! to [`Credential`] and a constructor that fixes the form of its owners.
//!
//! **Invariant:** no kind of credential can name the owner of another kind, except [`OWNER`, API keys
//! and JWTs](Owner::named), which share one namespace.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use rmcp::model::Extensions;
use thiserror::Error;

use super::id::{IdHasher, Realm, UserId};
use super::permissions::AccessPermissions;
use super::validity::Validity;

/// Maximum length of the name of an owner, in bytes. An OIDC subject has at most 255 (OpenID Connect Core 1.0,
/// section 2); the rest is for the issuer.
const MAX_OWNER_BYTES: usize = 1024;

/// Prefixes that name the kind of an owner, and that no name of the shared namespace may have.
const OIDC_PREFIX: &str = "oidc:";
const FIREBASE_PREFIX: &str = "firebase:";

/// The owner of data: a person or an agent. `Debug` hides the name, which may be an address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(Arc<str>);

/// A name can't be that of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the name of an owner has 1 to {MAX_OWNER_BYTES} bytes, no control characters, no spaces at its ends, and begins neither with oidc: nor with firebase:"
)]
pub struct InvalidOwner;

impl Owner {
    /// The owner that `OWNER`, an API key or the subject of a JWT names.
    ///
    /// # Errors
    /// Returns [`InvalidOwner`] if `name` is empty or too long, has control characters or surrounding
    /// spaces, or has the form of an owner of another kind.
    pub fn named(name: &str) -> Result<Self, InvalidOwner> {
        let has_prefix = |prefix: &str| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if has_prefix(OIDC_PREFIX) || has_prefix(FIREBASE_PREFIX) {
            return Err(InvalidOwner);
        }
        Self::checked(name)
    }

    /// The owner of a token from the OpenID provider `issuer`.
    ///
    /// # Errors
    /// Returns [`InvalidOwner`] if `subject` is no valid name.
    pub fn oidc(issuer: &str, subject: &str) -> Result<Self, InvalidOwner> {
        Self::checked(subject)?;
        // An issuer is a URL, which contains no `|`.
        Self::checked(&format!("{OIDC_PREFIX}{issuer}|{subject}"))
    }

    /// The owner of a token from the Firebase project `project`.
    ///
    /// # Errors
    /// Returns [`InvalidOwner`] if `user` is no valid name.
    pub fn firebase(project: &str, user: &str) -> Result<Self, InvalidOwner> {
        Self::checked(user)?;
        Self::checked(&format!("{FIREBASE_PREFIX}{project}|{user}"))
    }

    fn checked(name: &str) -> Result<Self, InvalidOwner> {
        let is_valid = (1..=MAX_OWNER_BYTES).contains(&name.len())
            && name.trim() == name
            && !name.chars().any(char::is_control);
        if is_valid { Ok(Self(name.into())) } else { Err(InvalidOwner) }
    }

    /// The name, for stores and for the owner. Not for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(..)")
    }
}

/// The role that a credential gives to its user, lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalRole {
    #[default]
    Trial,
    User,
    Pro,
    Premium,
    Admin,
    Superadmin,
}

impl PrincipalRole {
    /// All roles, lowest first.
    pub const ALL: [Self; 6] =
        [Self::Trial, Self::User, Self::Pro, Self::Premium, Self::Admin, Self::Superadmin];

    /// The role with this name. An unknown name is the lowest role.
    #[must_use]
    pub fn from_claim(name: &str) -> Self {
        Self::ALL.into_iter().find(|role| role.name() == name).unwrap_or_default()
    }

    /// The name in claims and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::User => "user",
            Self::Pro => "pro",
            Self::Premium => "premium",
            Self::Admin => "admin",
            Self::Superadmin => "superadmin",
        }
    }
}

/// The kind of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `AUTH_TOKEN`, which also acts for the owner of a single-user server without `OWNER_TOKEN`.
    Connector,
    /// `ADMIN_TOKEN`, for the operator's routes.
    Operator,
    /// The process's environment, for a client that started the process.
    Environment,
    /// `OWNER_TOKEN`.
    OwnerToken,
    /// An API key, by its public id.
    ApiKey(Arc<str>),
    /// A JWT that is signed with `JWT_SECRET`.
    Jwt,
    /// A token of the OpenID provider.
    Oidc,
    /// An ID token of Firebase.
    Firebase,
}

/// The caller of a request, and its permissions.
#[derive(Clone, Debug)]
pub struct Principal {
    owner: Option<Owner>,
    /// The chat user of a principal that is a user. `None` for one that names the users of its calls.
    user: Option<UserId>,
    role: PrincipalRole,
    permissions: AccessPermissions,
    credential: Credential,
    validity: Validity,
    /// `None` if the credential proves enough.
    confirmation: Option<Arc<dyn PrincipalConfirmation>>,
}

impl Principal {
    /// The caller with `AUTH_TOKEN`, who names the users of its calls and owns nothing.
    #[must_use]
    pub fn connector() -> Self {
        Self::naming_users(None, AccessPermissions::connector(), Credential::Connector)
    }

    /// The caller with `AUTH_TOKEN` on a server for one owner, who also acts for that owner.
    #[must_use]
    pub fn connector_of(owner: Owner) -> Self {
        Self::naming_users(Some(owner), AccessPermissions::all(), Credential::Connector)
    }

    /// The client that started the process with its environment.
    #[must_use]
    pub fn environment(owner: Owner) -> Self {
        Self::naming_users(Some(owner), AccessPermissions::all(), Credential::Environment)
    }

    /// The operator with `ADMIN_TOKEN`.
    #[must_use]
    pub fn operator() -> Self {
        Self::naming_users(None, AccessPermissions::all(), Credential::Operator)
    }

    fn naming_users(
        owner: Option<Owner>,
        permissions: AccessPermissions,
        credential: Credential,
    ) -> Self {
        let (user, role, validity) = (None, PrincipalRole::Admin, Validity::default());
        let confirmation = None;
        Self { owner, user, role, permissions, credential, validity, confirmation }
    }

    /// The caller with `OWNER_TOKEN`.
    #[must_use]
    pub fn owner_token(owner: Owner, ids: &IdHasher) -> Self {
        let (permissions, credential) = (AccessPermissions::all(), Credential::OwnerToken);
        Self::user(owner, ids, PrincipalRole::Admin, permissions, credential, Validity::default())
    }

    /// A user with a credential of `owner`.
    #[must_use]
    pub fn user(
        owner: Owner,
        ids: &IdHasher,
        role: PrincipalRole,
        permissions: AccessPermissions,
        credential: Credential,
        validity: Validity,
    ) -> Self {
        let user = Some(ids.user_id(Realm::Owner, owner.as_str()));
        let (owner, confirmation) = (Some(owner), None);
        Self { owner, user, role, permissions, credential, validity, confirmation }
    }

    /// The same principal, whose credential `confirmation` confirms.
    #[must_use]
    pub fn confirmed_by(self, confirmation: Arc<dyn PrincipalConfirmation>) -> Self {
        Self { confirmation: Some(confirmation), ..self }
    }

    /// Confirms the credential, for a toolset that asks for it. `None` if that needs no one.
    #[must_use]
    pub const fn confirmation(&self) -> Option<&Arc<dyn PrincipalConfirmation>> {
        self.confirmation.as_ref()
    }

    /// The owner of data that belongs to a principal. `None` for one that owns nothing.
    #[must_use]
    pub const fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// The chat user that the principal is. `None` if it names the users of its calls.
    #[must_use]
    pub const fn chat_user(&self) -> Option<UserId> {
        self.user
    }

    #[must_use]
    pub const fn role(&self) -> PrincipalRole {
        self.role
    }

    #[must_use]
    pub const fn permissions(&self) -> &AccessPermissions {
        &self.permissions
    }

    #[must_use]
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    #[must_use]
    pub const fn validity(&self) -> &Validity {
        &self.validity
    }

    /// Whether another request with this session's id may be part of the session that `self` opened.
    #[must_use]
    pub fn shares_sessions_with(&self, other: &Self) -> bool {
        self.owner == other.owner && self.user == other.user
    }

    /// The principal in the extensions of a request. `None` if the transport has none, which means no
    /// access.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<&Arc<Self>> {
        let http_request = extensions.get::<http::request::Parts>();
        let from_http = http_request.and_then(|parts| parts.extensions.get::<Arc<Self>>());
        from_http.or_else(|| extensions.get::<Arc<Self>>())
    }
}

/// Why a credential is rejected, in the words of the answer. No variant holds a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejected {
    #[error("Send a valid bearer token")]
    Missing,
    #[error("The token is not valid for this path")]
    Invalid,
    #[error("The token has expired")]
    Expired,
    #[error("The token was revoked or has expired during the call")]
    Ended,
    #[error("The token is not accepted any more")]
    Refused,
    /// The request may be repeated: the credential may be valid.
    #[error("The token can't be verified right now: try again shortly")]
    Unavailable,
}

/// Confirms that a credential which is valid here is still accepted elsewhere.
#[async_trait]
pub trait PrincipalConfirmation: fmt::Debug + Send + Sync {
    /// Asks, unless the answer is known.
    ///
    /// # Errors
    /// Returns [`Rejected::Refused`], or [`Rejected::Unavailable`] without an answer.
    async fn confirm(&self) -> Result<(), Rejected>;
}

/// Verifies the credentials that are not fixed tokens of the configuration.
#[async_trait]
pub trait CredentialVerifier: Send + Sync {
    /// The principal of a bearer token, which is not empty.
    async fn verify(&self, token: &[u8]) -> Result<Arc<Principal>, Rejected>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::clock::seeded_rng;

    #[test]
    fn principal_owner_of_one_kind_is_never_of_another() {
        let issuer = "https://id.example";
        let oidc = Owner::oidc(issuer, "ann").expect("valid");
        let firebase = Owner::firebase("project", "ann").expect("valid");
        for name in [oidc.as_str(), firebase.as_str(), "OIDC:x", "Firebase:x", "oidc:"] {
            assert_eq!(Owner::named(name), Err(InvalidOwner), "{name}");
        }
        let named = Owner::named("ann").expect("valid");
        assert!(named != oidc && named != firebase && oidc != firebase);
        // The subject of one provider can't complete the issuer of another.
        assert_ne!(Owner::oidc(issuer, "a|b"), Owner::oidc(&format!("{issuer}|a"), "c"));
    }

    #[test]
    fn principal_owner_refuses_names_that_look_alike() {
        for name in ["", " ann", "ann ", "an\nn", "ann\u{0}", &"a".repeat(MAX_OWNER_BYTES + 1)] {
            assert_eq!(Owner::named(name), Err(InvalidOwner));
            assert_eq!(Owner::oidc("https://id.example", name), Err(InvalidOwner));
            assert_eq!(Owner::firebase("project", name), Err(InvalidOwner));
        }
        let ann = Owner::named("Ann Lee").expect("valid");
        assert_eq!(format!("{ann:?}"), "Owner(..)");
    }

    #[test]
    fn principal_role_of_an_unknown_name_is_the_lowest() {
        for name in ["", "root", "Admin", "user "] {
            assert_eq!(PrincipalRole::from_claim(name), PrincipalRole::Trial);
        }
        assert!(PrincipalRole::from_claim("superadmin") > PrincipalRole::from_claim("user"));
        assert!(PrincipalRole::from_claim("user") > PrincipalRole::Trial);
    }

    #[test]
    fn principal_user_is_no_user_that_a_connector_can_name() {
        let ids = IdHasher::random(&mut seeded_rng());
        let owner = Owner::named("ann").expect("valid");
        let principal = Principal::owner_token(owner, &ids);
        for realm in [Realm::Puch, Realm::PenPal, Realm::WhatsApp] {
            assert_ne!(principal.chat_user(), Some(ids.user_id(realm, "ann")));
        }
        assert_eq!(Principal::connector().chat_user(), None);
    }
}
