//! Access tokens of an OpenID provider.

use random_connect::kernel::permissions::AccessClass;
use random_connect::kernel::principal::{Credential, CredentialVerifier, Rejected};
use serde_json::{Value, json};

use super::{
    NOW, PUBLIC_URL, classes, clock, openid_claims, openid_verifier, owner, rejection, with,
};
use crate::support::openid_provider::{OpenIdProvider, SigningKey};
use crate::support::tokens::{hmac_sha256, token};

#[tokio::test]
async fn openid_token_proves_owner_and_scopes() {
    use AccessClass::{Destroy, Read, Write};
    let keys =
        [SigningKey::rsa("r", 0), SigningKey::elliptic_curve("e"), SigningKey::edwards("ed")];
    let provider = OpenIdProvider::start(&keys.each_ref()).await;
    let verifier = openid_verifier(&provider.url, &clock());
    for key in &keys {
        let token = key.sign(&openid_claims(&provider.url, &json!({ "scope": "goals:write" })));
        let principal = verifier.verify(token.as_bytes()).await.expect("valid");
        assert_eq!(owner(&principal), format!("oidc:{}|ann", provider.url));
        assert_eq!(*principal.credential(), Credential::Oidc);
        assert_eq!(classes(&principal), [Read, Write, Destroy]);
    }
    for (claims, expected) in [
        (json!({ "scope": "goals:read" }), vec![AccessClass::Read]),
        (json!({ "scope": "", "scp": "goals:read" }), vec![]),
        (json!({ "scope": "openid email" }), vec![]),
    ] {
        let token = keys[0].sign(&openid_claims(&provider.url, &claims));
        let principal = verifier.verify(token.as_bytes()).await.expect("valid");
        assert_eq!(classes(&principal), expected, "{claims}");
    }
    let mut claims = openid_claims(&provider.url, &json!({ "scp": ["goals:read"] }));
    claims.as_object_mut().expect("an object").remove("scope");
    let principal = verifier.verify(keys[1].sign(&claims).as_bytes()).await.expect("valid");
    assert_eq!(classes(&principal), [AccessClass::Read]);
    claims.as_object_mut().expect("an object").remove("scp");
    let principal = verifier.verify(keys[1].sign(&claims).as_bytes()).await.expect("valid");
    assert_eq!(classes(&principal), [], "no scope is given by default");
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn openid_token_is_for_this_server() {
    let key = SigningKey::rsa("a", 0);
    let provider = OpenIdProvider::start(&[&key]).await;
    let verifier = openid_verifier(&provider.url, &clock());
    let verify = |more: Value| {
        let token = key.sign(&openid_claims(&provider.url, &more));
        let verifier = &verifier;
        async move { rejection(verifier, &token).await }
    };
    for own in ["", "/", "/mcp"] {
        let own = format!("{PUBLIC_URL}{own}");
        assert_eq!(verify(json!({ "aud": own })).await, None, "{own}");
        assert_eq!(verify(json!({ "aud": ["account", own] })).await, None, "{own}");
    }
    let invalid = Some(Rejected::Invalid);
    for other in [
        json!(null),
        json!([]),
        json!("https://chat.example.evil/mcp"),
        json!("https://chat.example/mcp/"),
        json!("https://chat.example/other"),
        json!("http://chat.example/mcp"),
        json!("account"),
        json!(["account", 5]),
    ] {
        assert_eq!(verify(json!({ "aud": other })).await, invalid, "{other}");
    }
    let slash = format!("{}/", provider.url);
    for issuer in [json!(slash), json!("https://id.example"), json!(null), json!([provider.url])] {
        assert_eq!(verify(json!({ "iss": issuer })).await, invalid, "{issuer}");
    }
    let long = "a".repeat(1_024);
    for sub in ["", " ann", "ann\n", &long] {
        assert_eq!(verify(json!({ "sub": sub })).await, invalid, "{sub}");
    }
    assert_eq!(verify(json!({ "exp": NOW - 1 })).await, Some(Rejected::Expired));
    assert_eq!(verify(json!({ "nbf": NOW + 31 })).await, invalid);
    assert_eq!(verify(json!({ "exp": null })).await, invalid);
}

#[tokio::test]
async fn openid_key_verifies_its_own_algorithm_only() {
    let (rsa, curve) = (SigningKey::rsa("r", 0), SigningKey::elliptic_curve("e"));
    let provider = OpenIdProvider::start(&[&rsa, &curve]).await;
    let verifier = openid_verifier(&provider.url, &clock());
    let claims = openid_claims(&provider.url, &json!({}));
    let valid = json!({ "alg": "RS256", "kid": "r" });
    assert_eq!(rejection(&verifier, &rsa.sign_with(&valid, &claims)).await, None);
    for algorithm in
        ["none", "HS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "rs256"]
    {
        let header = json!({ "alg": algorithm, "kid": "r" });
        let signed = rsa.sign_with(&header, &claims);
        assert_eq!(rejection(&verifier, &signed).await, Some(Rejected::Invalid), "{algorithm}");
        let unsigned = token(&header.to_string(), &claims.to_string(), |_| Vec::new());
        assert_eq!(rejection(&verifier, &unsigned).await, Some(Rejected::Invalid), "{algorithm}");
    }
    // The public key is no secret, so a token that it signs by HMAC proves nothing.
    let public = rsa.public();
    let modulus = public["n"].as_str().expect("a modulus");
    for secret in [modulus.as_bytes(), public.to_string().as_bytes()] {
        for algorithm in ["HS256", "RS256"] {
            let header = json!({ "alg": algorithm, "kid": "r" }).to_string();
            let forged = token(&header, &claims.to_string(), hmac_sha256(secret));
            assert_eq!(rejection(&verifier, &forged).await, Some(Rejected::Invalid));
        }
    }
    // A key of the caller in the header is not used.
    let own = SigningKey::rsa("r", 1);
    let header = json!({ "alg": "RS256", "kid": "r", "jwk": own.public(), "jku": provider.url });
    assert_eq!(
        rejection(&verifier, &own.sign_with(&header, &claims)).await,
        Some(Rejected::Invalid)
    );
    let swapped = json!({ "alg": "ES256", "kid": "e" });
    assert_eq!(
        rejection(&verifier, &rsa.sign_with(&swapped, &claims)).await,
        Some(Rejected::Invalid)
    );
}

#[tokio::test]
async fn openid_token_of_another_type_is_rejected() {
    let key = SigningKey::edwards("a");
    let provider = OpenIdProvider::start(&[&key]).await;
    let verifier = openid_verifier(&provider.url, &clock());
    let claims = openid_claims(&provider.url, &json!({}));
    let header = json!({ "alg": "EdDSA", "kid": "a" });
    for (typ, is_valid) in [
        (json!({}), true),
        (json!({ "typ": "JWT" }), true),
        (json!({ "typ": "application/at+jwt" }), true),
        (json!({ "typ": "logout+jwt" }), false),
        (json!({ "typ": "dpop+jwt" }), false),
        (json!({ "typ": "application/" }), false),
        (json!({ "crit": ["exp"] }), false),
    ] {
        let token = key.sign_with(&with(header.clone(), &typ), &claims);
        assert_eq!(rejection(&verifier, &token).await.is_none(), is_valid, "{typ}");
    }
    // Without an id, the only key of the algorithm.
    let token = key.sign_with(&json!({ "alg": "EdDSA" }), &claims);
    assert_eq!(rejection(&verifier, &token).await, None);
}
