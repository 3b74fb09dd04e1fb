//! Tokens that are signed with `JWT_SECRET`.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use random_connect::credentials::signed_tokens::MAX_LIFETIME;
use random_connect::credentials::signed_tokens::jwt::JwtRequest;
use random_connect::kernel::clock::{Clock, Timestamp};
use random_connect::kernel::permissions::AccessClass;
use random_connect::kernel::principal::{
    Credential, CredentialVerifier, Principal, PrincipalRole, Rejected,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{NOW, classes, clock, jwt_settings, jwt_verifier, owner, with};
use crate::support::tokens::{base64url, hmac_sha256, jwt, token};

const SECRET: &str = "a-secret-that-has-at-least-32-bytes";
const OLD_SECRET: &str = "the-earlier-secret-of-32-bytes-and-more";

/// Claims that are valid for an hour, with the fields of `more`.
fn claims(more: &Value) -> Value {
    with(json!({ "sub": "ann", "exp": NOW + 3_600 }), more)
}

/// Verifies `token` with a new verifier without rules for issuer and audience.
async fn verify(token: &str) -> Result<Arc<Principal>, Rejected> {
    jwt_verifier(SECRET, [None, None], &clock()).verify(token.as_bytes()).await
}

async fn rejection(token: &str) -> Rejected {
    verify(token).await.expect_err("an invalid token")
}

#[tokio::test]
async fn jwt_proves_owner_role_and_expiry() {
    let principal = verify(&jwt(SECRET, &claims(&json!({ "role": "pro" })))).await.expect("valid");
    assert_eq!(owner(&principal), "ann");
    assert_eq!(*principal.credential(), Credential::Jwt);
    assert_eq!(principal.role(), PrincipalRole::Pro);
    let expiry = principal.validity().expires_at();
    assert_eq!(expiry, Some(Timestamp::from_millis((NOW + 3_600) * 1_000)));
    for role in [json!("root"), json!("Admin"), json!(["admin"]), json!(null), json!(5)] {
        let principal = verify(&jwt(SECRET, &claims(&json!({ "role": role })))).await;
        assert_eq!(principal.expect("valid").role(), PrincipalRole::Trial, "{role}");
    }
}

#[tokio::test]
async fn jwt_without_scope_has_everything_except_administration() {
    use AccessClass::{Destroy, Read, Spend, Write};
    let of = |more: Value| async move {
        let principal = verify(&jwt(SECRET, &claims(&more))).await.expect("valid");
        classes(&principal)
    };
    assert_eq!(of(json!({})).await, [Read, Write, Destroy, Spend]);
    assert_eq!(of(json!({ "role": "superadmin" })).await, [Read, Write, Destroy, Spend]);
    assert_eq!(of(json!({ "scope": "goals:read" })).await, [Read]);
    assert_eq!(of(json!({ "scope": ["goals:read", "gateway:use"] })).await, [Read, Spend]);
    assert!(of(json!({ "scope": "goals:admin" })).await.contains(&AccessClass::Admin));
    for nothing in [json!(""), json!([]), json!("goals"), json!("other:write")] {
        assert_eq!(of(json!({ "scope": nothing })).await, [], "{nothing}");
    }
    for malformed in [json!(null), json!(1), json!([1]), json!({})] {
        let token = jwt(SECRET, &claims(&json!({ "scope": malformed })));
        assert_eq!(rejection(&token).await, Rejected::Invalid, "{malformed}");
    }
}

#[tokio::test]
async fn jwt_of_another_algorithm_is_rejected() {
    let claims = claims(&json!({})).to_string();
    let secret = hmac_sha256(SECRET.as_bytes());
    for algorithm in ["none", "None", "", "RS256", "ES256", "EdDSA", "HS384", "HS512", "hs256"] {
        let header = json!({ "alg": algorithm, "typ": "JWT" }).to_string();
        let signed = token(&header, &claims, &secret);
        assert_eq!(rejection(&signed).await, Rejected::Invalid, "{algorithm}");
        let unsigned = token(&header, &claims, |_| Vec::new());
        assert_eq!(rejection(&unsigned).await, Rejected::Invalid, "{algorithm}");
    }
    let hs256 = r#"{"alg":"HS256"}"#;
    assert!(verify(&token(hs256, &claims, &secret)).await.is_ok());
    assert!(verify(&token(hs256, &claims, |_| Vec::new())).await.is_err());
    let critical = r#"{"alg":"HS256","crit":["b64"],"b64":false}"#;
    assert!(verify(&token(critical, &claims, &secret)).await.is_err());
    let twice = r#"{"alg":"none","alg":"HS256"}"#;
    assert!(verify(&token(twice, &claims, &secret)).await.is_err());
}

#[tokio::test]
async fn jwt_dates_are_required_and_checked() {
    let with = |more: Value| jwt(SECRET, &claims(&more));
    for exp in [json!(null), json!("soon"), json!(-1), json!(true), json!(1e300)] {
        assert_eq!(rejection(&with(json!({ "exp": exp }))).await, Rejected::Invalid, "{exp}");
    }
    assert_eq!(rejection(&jwt(SECRET, &json!({ "sub": "ann" }))).await, Rejected::Invalid);
    for exp in [0, NOW - 1, NOW] {
        assert_eq!(rejection(&with(json!({ "exp": exp }))).await, Rejected::Expired, "{exp}");
    }
    assert!(verify(&with(json!({ "exp": NOW + 1 }))).await.is_ok());
    assert!(verify(&with(json!({ "exp": 1_800_000_000.5 }))).await.is_ok());
    let year = MAX_LIFETIME.as_secs();
    assert!(verify(&with(json!({ "exp": NOW + year }))).await.is_ok());
    for far in [NOW + year + 60, (NOW + 60) * 1_000, u64::MAX] {
        assert_eq!(rejection(&with(json!({ "exp": far }))).await, Rejected::Invalid, "{far}");
    }
    for date in ["nbf", "iat"] {
        for (start, is_valid) in [(NOW, true), (NOW + 30, true), (NOW + 31, false)] {
            let verified = verify(&with(json!({ date: start }))).await;
            assert_eq!(verified.is_ok(), is_valid, "{date}={start}");
        }
        assert!(verify(&with(json!({ date: "now" }))).await.is_err());
    }
}

#[tokio::test]
async fn jwt_issuer_and_audience_are_required_if_set() {
    let rules = [Some("https://users.example"), Some("random-connect")];
    let verifier = jwt_verifier(SECRET, rules, &clock());
    let verify = |more: Value| {
        let (verifier, token) = (&verifier, jwt(SECRET, &claims(&more)));
        async move { verifier.verify(token.as_bytes()).await }
    };
    let both = |iss: Value, aud: Value| json!({ "iss": iss, "aud": aud });
    let (iss, aud) = (json!("https://users.example"), json!("random-connect"));
    assert!(verify(both(iss.clone(), aud.clone())).await.is_ok());
    assert!(verify(both(iss.clone(), json!(["other", "random-connect"]))).await.is_ok());
    for wrong in [json!("https://users.example/"), json!(null), json!(["https://users.example"])] {
        assert!(verify(both(wrong.clone(), aud.clone())).await.is_err(), "{wrong}");
    }
    for wrong in [json!("other"), json!([]), json!(null), json!("random-connect "), json!({})] {
        assert!(verify(both(iss.clone(), wrong.clone())).await.is_err(), "{wrong}");
    }
    assert!(verify(json!({ "iss": iss })).await.is_err());
    assert!(verify(json!({ "aud": aud })).await.is_err());
}

#[tokio::test]
async fn jwt_subject_is_a_name_of_the_shared_namespace() {
    let long = "a".repeat(1_025);
    for sub in ["", " ann", "ann\n", "oidc:https://id.example|ann", "OIDC:x", "firebase:p|u", &long]
    {
        let token = jwt(SECRET, &claims(&json!({ "sub": sub })));
        assert_eq!(rejection(&token).await, Rejected::Invalid, "{sub}");
    }
    for sub in [json!(null), json!(7), json!(["ann"])] {
        assert!(verify(&jwt(SECRET, &claims(&json!({ "sub": sub })))).await.is_err(), "{sub}");
    }
    assert!(verify(&jwt(SECRET, &json!({ "exp": NOW + 60 }))).await.is_err());
}

#[tokio::test]
async fn jwt_with_a_claim_that_occurs_twice_is_rejected() {
    let header = r#"{"alg":"HS256"}"#;
    for claim in [r#""sub":"ben""#, r#""exp":1800000060"#, r#""scope":"a:admin""#] {
        let claims = format!(r#"{{"sub":"ann","exp":1800000060,"scope":"a:read",{claim}}}"#);
        let token = token(header, &claims, hmac_sha256(SECRET.as_bytes()));
        assert_eq!(rejection(&token).await, Rejected::Invalid, "{claim}");
    }
}

#[tokio::test]
async fn jwt_of_other_form_is_rejected() {
    let valid = jwt(SECRET, &claims(&json!({})));
    let (message, signature) = valid.rsplit_once('.').expect("three parts");
    let other = jwt(SECRET, &claims(&json!({ "sub": "ben" })));
    let swapped = format!("{}.{signature}", other.rsplit_once('.').expect("three parts").0);
    let oversized = jwt(SECRET, &claims(&json!({ "note": "x".repeat(8_192) })));
    for invalid in [
        "",
        ".",
        "..",
        "a.b.c",
        message,
        &swapped,
        &format!("{valid}."),
        &format!("{valid}="),
        &format!(".{valid}"),
        &format!("{message}.{}", base64url("x")),
        &jwt(OLD_SECRET, &claims(&json!({}))),
        &oversized,
    ] {
        assert_eq!(rejection(invalid).await, Rejected::Invalid, "{invalid}");
    }
}

proptest! {
    #[test]
    fn jwt_with_a_changed_byte_is_rejected(at in 0..200_usize, byte in any::<u8>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let valid = jwt(SECRET, &claims(&json!({ "role": "user", "scope": "goals:read" })));
        let mut changed = valid.clone().into_bytes();
        let at = at % changed.len();
        changed[at] = byte;
        let verifier = jwt_verifier(SECRET, [None, None], &clock());
        let verified = runtime.block_on(verifier.verify(&changed));
        prop_assert_eq!(verified.is_ok(), changed == valid.as_bytes());
    }
}

#[tokio::test]
async fn jwt_rotation_accepts_both_secrets() {
    let verifier = jwt_verifier(&format!("{SECRET},{OLD_SECRET}"), [None, None], &clock());
    for secret in [SECRET, OLD_SECRET] {
        assert!(verifier.verify(jwt(secret, &claims(&json!({}))).as_bytes()).await.is_ok());
    }
    let third = jwt("another-secret-of-at-least-32-bytes", &claims(&json!({})));
    assert_eq!(verifier.verify(third.as_bytes()).await.err(), Some(Rejected::Invalid));
}

#[tokio::test]
async fn jwt_that_was_verified_is_known_until_it_expires() {
    let clock = clock();
    let verifier = jwt_verifier(SECRET, [None, None], &clock);
    let token = jwt(SECRET, &claims(&json!({})));
    let first = verifier.verify(token.as_bytes()).await.expect("valid");
    clock.advance(Duration::from_secs(3_599));
    let second = verifier.verify(token.as_bytes()).await.expect("valid");
    assert!(Arc::ptr_eq(&first, &second), "verified once");
    clock.advance(Duration::from_secs(1));
    assert_eq!(verifier.verify(token.as_bytes()).await.err(), Some(Rejected::Expired));
}

#[tokio::test]
async fn jwt_for_a_trial_is_accepted_by_its_server() {
    let rules = [Some("https://users.example"), Some("random-connect")];
    let (secrets, clock) = (format!("{SECRET},{OLD_SECRET}"), clock());
    let settings = jwt_settings(&secrets, rules);
    let mut request = JwtRequest {
        subject: "ann".to_owned(),
        role: Some("user".to_owned()),
        scope: Some("goals:read".to_owned()),
        lifetime: MAX_LIFETIME,
    };
    let token = request.sign(&settings, clock.now()).expect("a token");
    // Also once the old secret is removed.
    let verifier = jwt_verifier(SECRET, rules, &clock);
    let principal = verifier.verify(token.expose_secret().as_bytes()).await.expect("valid");
    assert_eq!(owner(&principal), "ann");
    assert_eq!(principal.role(), PrincipalRole::User);
    assert_eq!(classes(&principal), [AccessClass::Read]);
    request.subject = "oidc:x|ann".to_owned();
    assert!(request.sign(&settings, clock.now()).is_err());
}
