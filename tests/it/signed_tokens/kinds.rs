//! Kinds of credentials beside each other: none proves the owner of another.

use proptest::prelude::*;
use random_connect::credentials::signed_tokens::SignedTokenSettings;
use random_connect::credentials::signed_tokens::firebase::FirebaseSettings;
use random_connect::kernel::principal::{CredentialVerifier, Owner};
use serde_json::{Value, json};

use super::{NOW, PUBLIC_URL, clock, jwt_settings, openid_settings, owner, verifier};
use crate::support::openid_provider::{OpenIdProvider, SigningKey};
use crate::support::tokens::{hmac_sha256, token};

const SECRET: &str = "a-secret-that-has-at-least-32-bytes";
const FIREBASE: &str = "https://securetoken.google.com/chat-4711";

/// Signs claims under a header.
type Signer<'a> = (&'a str, Box<dyn Fn(&Value, &Value) -> String + 'a>);

#[tokio::test]
async fn credential_of_one_kind_never_proves_the_owner_of_another() {
    // Both providers use the same key id, and the keys of both are RSA.
    let (openid_key, firebase_key) = (SigningKey::rsa("a", 0), SigningKey::rsa("a", 1));
    let openid = OpenIdProvider::start(&[&openid_key]).await;
    let firebase = OpenIdProvider::start(&[&firebase_key]).await;
    let settings = SignedTokenSettings {
        jwt: Some(jwt_settings(SECRET, [None, None])),
        openid: Some(openid_settings(&openid.url)),
        firebase: FirebaseSettings::new("chat-4711", &firebase.keys_url()),
    };
    let verifier = verifier(&settings, &clock());
    let shared = |header: &Value, claims: &Value| {
        token(&header.to_string(), &claims.to_string(), hmac_sha256(SECRET.as_bytes()))
    };
    let signers: [Signer<'_>; 3] = [
        ("jwt", Box::new(shared)),
        ("openid", Box::new(|header, claims| openid_key.sign_with(header, claims))),
        ("firebase", Box::new(|header, claims| firebase_key.sign_with(header, claims))),
    ];
    let openid_owner = format!("oidc:{}|ann", openid.url);
    let mut accepted = Vec::new();
    for (signer, sign) in &signers {
        for algorithm in ["HS256", "RS256"] {
            for issuer in [None, Some(&*openid.url), Some(FIREBASE), Some("https://id.example")] {
                for sub in ["ann", &openid_owner, "firebase:chat-4711|ann"] {
                    let header = json!({ "alg": algorithm, "kid": "a" });
                    let mcp = format!("{PUBLIC_URL}/mcp");
                    let claims = json!({
                        "iss": issuer, "aud": ["chat-4711", mcp], "sub": sub, "exp": NOW + 60,
                    });
                    let verified = verifier.verify(sign(&header, &claims).as_bytes()).await;
                    if let Ok(principal) = verified {
                        let kind = match owner(&principal) {
                            "ann" => "jwt",
                            name if name.starts_with(&format!("oidc:{}|", openid.url)) => "openid",
                            name if name.starts_with("firebase:chat-4711|") => "firebase",
                            other => panic!("{signer} proved {other}"),
                        };
                        assert_eq!(kind, *signer, "{claims}");
                        accepted.push(kind);
                    }
                }
            }
        }
    }
    // The issuer is not checked in a JWT without JWT_ISSUER; a provider accepts every subject.
    let count = |kind| accepted.iter().filter(|accepted| **accepted == kind).count();
    assert_eq!([count("jwt"), count("openid"), count("firebase")], [4, 3, 3]);
}

proptest! {
    #[test]
    fn credential_owners_of_two_kinds_are_never_equal(
        name in "(oidc:|firebase:|OIDC:)?(https://id\\.example|chat)?[|a-c ]{0,4}",
        subject in "[|a-c:]{1,6}",
    ) {
        let issuers = ["https://id.example", "https://id.example/a", "https://id"];
        let openid = issuers.map(|issuer| Owner::oidc(issuer, &subject));
        let firebase = ["chat", "chat-a"].map(|project| Owner::firebase(project, &subject));
        let all: Vec<_> = openid.into_iter().chain(firebase).chain([Owner::named(&name)]).collect();
        let valid: Vec<_> = all.into_iter().filter_map(Result::ok).collect();
        for (index, owner) in valid.iter().enumerate() {
            prop_assert!(!valid[..index].contains(owner), "{}", owner.as_str());
        }
    }
}
