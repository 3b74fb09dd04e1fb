//! [`TestCaller`]: a random credential, and the principal that it must give.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use random_connect::kernel::clock::{Clock, seeded_rng};
use random_connect::kernel::id::IdHasher;
use random_connect::kernel::permissions::{AccessPermissions, Glob, Globs, Scopes};
use random_connect::kernel::principal::{Credential, Owner, Principal, PrincipalRole};
use random_connect::kernel::validity::Validity;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::oracle::Oracle;
use super::{AccessServer, JWT_SECRET, OWNER_TOKEN, PUBLIC_URL};
use crate::support::key_commands::admin;
use crate::support::server::TOKEN;
use crate::support::tokens::jwt;

const LEVELS: [&str; 3] = ["read_only", "read_write", "admin"];

#[derive(Debug)]
pub struct TestCaller {
    pub token: String,
    pub principal: Principal,
}

impl TestCaller {
    pub fn is_oidc(&self) -> bool {
        *self.principal.credential() == Credential::Oidc
    }
}

/// Generates callers.
pub struct CallerGenerator<'a> {
    server: &'a AccessServer,
    ids: IdHasher,
    rng: StdRng,
    /// Names for globs: tools, resources, and templates up to their variable.
    names: Vec<&'static str>,
    /// The number of callers, for the names of their owners.
    count: usize,
}

impl<'a> CallerGenerator<'a> {
    pub fn new(server: &'a AccessServer, oracle: &Oracle, seed: u64) -> Self {
        let parts = oracle.tools.iter().chain(&oracle.resources).map(|(_, _, name)| *name);
        let templates = oracle.templates.iter().filter_map(|template| {
            let (_, _, name) = template.uri_template;
            Some(name.split_once('{')?.0)
        });
        let names = parts.chain(templates).collect();
        let (ids, rng) = (IdHasher::random(&mut seeded_rng()), StdRng::seed_from_u64(seed));
        Self { server, ids, rng, names, count: 0 }
    }

    /// The connector, the owner, and this many API keys, JWTs and tokens of the provider each.
    pub async fn callers(&mut self, each: usize) -> Vec<TestCaller> {
        let owner = Owner::named("ann").expect("valid");
        let mut callers = vec![
            TestCaller { token: TOKEN.to_owned(), principal: Principal::connector() },
            TestCaller {
                token: OWNER_TOKEN.to_owned(),
                principal: Principal::owner_token(owner, &self.ids),
            },
        ];
        for number in 0..each {
            // The first key of each level has no globs.
            let globs = if number < LEVELS.len() { (Vec::new(), Vec::new()) } else { self.globs() };
            callers.push(self.api_key(LEVELS[number % LEVELS.len()], globs).await);
            callers.push(self.jwt());
            callers.push(self.oidc());
        }
        callers
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("caller-{}", self.count)
    }

    fn principal(
        &self,
        owner: Owner,
        permissions: AccessPermissions,
        credential: Credential,
    ) -> Principal {
        let (role, validity) = (PrincipalRole::User, Validity::default());
        Principal::user(owner, &self.ids, role, permissions, credential, validity)
    }

    /// Patterns to allow and to deny.
    fn globs(&mut self) -> (Vec<String>, Vec<String>) {
        let (allow, deny) = (self.rng.random_range(0..5), self.rng.random_range(0..3));
        let mut patterns = |count: i32| (0..count).map(|_| self.pattern()).collect();
        (patterns(allow), patterns(deny))
    }

    /// A pattern for a tool or for resources. One for a template matches the template and all of its resources, or
    /// none of them.
    fn pattern(&mut self) -> String {
        let name = *self.names.choose(&mut self.rng).expect("a name");
        let is_template = name.ends_with('/');
        match self.rng.random_range(0..4) {
            0 if !is_template => name.to_owned(),
            1 if !is_template => {
                format!("*{}", &name[name.rfind(['_', '/']).unwrap_or_default()..])
            }
            2 => "*".to_owned(),
            _ => format!("{}*", &name[..self.rng.random_range(1..=name.len())]),
        }
    }

    async fn api_key(
        &mut self,
        level: &str,
        (allow, deny): (Vec<String>, Vec<String>),
    ) -> TestCaller {
        let owner = self.name();
        let body = json!({
            "name": "a key", "owner": owner, "level": level, "allow": allow, "deny": deny, "days": 1,
        });
        let (status, issued) = admin(&self.server.server, Method::POST, "keys", Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{issued}");
        let globs = |patterns: Vec<String>| -> Vec<Glob> {
            patterns.iter().map(|pattern| pattern.parse().expect("a glob")).collect()
        };
        let permissions = AccessPermissions::level(level.parse().expect("a level"));
        let permissions = permissions.narrowed(Globs { allow: globs(allow), deny: globs(deny) });
        let owner = Owner::named(&owner).expect("valid");
        let credential = Credential::ApiKey(Arc::from("0123456789ab"));
        let token = issued["key"].as_str().expect("a key").to_owned();
        TestCaller { token, principal: self.principal(owner, permissions, credential) }
    }

    /// Some scopes, of toolsets and of none.
    fn scopes(&mut self) -> String {
        let all: Vec<_> = ["connect", "penpal", "tally", "vault", "other"]
            .iter()
            .flat_map(|toolset| {
                ["read", "write", "admin", "use"].map(|action| format!("{toolset}:{action}"))
            })
            .chain(["gateway:use", "openid"].map(str::to_owned))
            .collect();
        let chosen = all.into_iter().filter(|_| self.rng.random_bool(0.25));
        chosen.collect::<Vec<_>>().join(" ")
    }

    fn expiry(&self) -> u64 {
        let now = Duration::from_millis(self.server.server.clock.now().as_millis());
        now.as_secs() + 3_600
    }

    fn jwt(&mut self) -> TestCaller {
        let (subject, scope) = (self.name(), self.scopes());
        let claims = json!({ "sub": subject, "exp": self.expiry(), "scope": scope });
        let owner = Owner::named(&subject).expect("valid");
        let permissions = AccessPermissions::scopes(Scopes::parse(&scope));
        let principal = self.principal(owner, permissions, Credential::Jwt);
        TestCaller { token: jwt(JWT_SECRET, &claims), principal }
    }

    fn oidc(&mut self) -> TestCaller {
        let (subject, scope) = (self.name(), self.scopes());
        let issuer = &self.server.provider.url;
        let token = self.server.key.sign(&json!({
            "iss": issuer,
            "aud": format!("{PUBLIC_URL}/mcp"),
            "sub": subject,
            "exp": self.expiry(),
            "scope": scope,
        }));
        let owner = Owner::oidc(issuer, &subject).expect("valid");
        let permissions = AccessPermissions::scopes(Scopes::parse(&scope));
        TestCaller { token, principal: self.principal(owner, permissions, Credential::Oidc) }
    }
}
