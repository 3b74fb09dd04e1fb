//! ID tokens of Firebase.

use random_connect::credentials::signed_tokens::firebase::FirebaseSettings;
use random_connect::credentials::signed_tokens::{SignedTokenSettings, SignedTokens};
use random_connect::kernel::permissions::AccessClass;
use random_connect::kernel::principal::{Credential, CredentialVerifier, Rejected};
use serde_json::{Value, json};

use super::{NOW, classes, clock, owner, rejection, verifier, with};
use crate::support::openid_provider::{OpenIdProvider, SigningKey};

fn claims(more: &Value) -> Value {
    let claims = json!({
        "iss": "https://securetoken.google.com/chat-4711",
        "aud": "chat-4711",
        "sub": "uid-1",
        "user_id": "uid-1",
        "iat": NOW,
        "auth_time": NOW,
        "exp": NOW + 3_600,
    });
    with(claims, more)
}

fn firebase(provider: &OpenIdProvider) -> SignedTokens {
    let firebase = FirebaseSettings::new("chat-4711", &provider.keys_url());
    verifier(&SignedTokenSettings { firebase, ..SignedTokenSettings::default() }, &clock())
}

#[tokio::test]
async fn firebase_token_proves_a_user_of_the_project() {
    let key = SigningKey::rsa("a", 0);
    let provider = OpenIdProvider::start(&[&key]).await;
    let verifier = firebase(&provider);
    let token =
        key.sign_with(&json!({ "alg": "RS256", "kid": "a", "typ": "JWT" }), &claims(&json!({})));
    let principal = verifier.verify(token.as_bytes()).await.expect("valid");
    assert_eq!(owner(&principal), "firebase:chat-4711|uid-1");
    assert_eq!(*principal.credential(), Credential::Firebase);
    assert!(!classes(&principal).contains(&AccessClass::Admin));
    assert!(classes(&principal).contains(&AccessClass::Write));
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn firebase_token_of_another_project_is_rejected() {
    let (key, curve) = (SigningKey::rsa("a", 0), SigningKey::elliptic_curve("e"));
    let provider = OpenIdProvider::start(&[&key, &curve]).await;
    let verifier = firebase(&provider);
    for wrong in [
        json!({ "aud": "chat-4712" }),
        json!({ "aud": null }),
        json!({ "iss": "https://securetoken.google.com/chat-4712" }),
        json!({ "iss": "https://securetoken.google.com/" }),
        json!({ "iss": provider.url }),
        json!({ "sub": "" }),
        json!({ "sub": null }),
        json!({ "iat": NOW + 31 }),
        json!({ "auth_time": NOW + 31 }),
    ] {
        let token = key.sign(&claims(&wrong));
        assert_eq!(rejection(&verifier, &token).await, Some(Rejected::Invalid), "{wrong}");
    }
    let expired = key.sign(&claims(&json!({ "exp": NOW })));
    assert_eq!(rejection(&verifier, &expired).await, Some(Rejected::Expired));
    let other_algorithm = curve.sign(&claims(&json!({})));
    assert_eq!(rejection(&verifier, &other_algorithm).await, Some(Rejected::Invalid));
    let other_key = SigningKey::rsa("a", 1).sign(&claims(&json!({})));
    assert_eq!(rejection(&verifier, &other_key).await, Some(Rejected::Invalid));
}
