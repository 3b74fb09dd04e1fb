//! The keys of a provider: when they are fetched, and what happens while they can't be.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use random_connect::credentials::signed_tokens::SignedTokens;
use random_connect::kernel::principal::{CredentialVerifier, Rejected};
use serde_json::{Value, json};

use super::{NOW, clock, openid_claims, openid_verifier, rejection};
use crate::support::openid_provider::{OpenIdProvider, ProviderFailure, SigningKey};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// A minute less than a day.
const NEARLY_A_DAY: Duration = Duration::from_secs(86_340);

/// Returns a token that no verifier has seen, valid for a month.
fn fresh(key: &SigningKey, issuer: &str, number: u32) -> String {
    let month = NOW + 30 * 86_400;
    key.sign(&openid_claims(issuer, &json!({ "jti": number, "exp": month })))
}

/// Verifies a token that the verifier has not seen.
async fn verify(
    verifier: &SignedTokens,
    key: &SigningKey,
    provider: &OpenIdProvider,
    number: u32,
) -> Option<Rejected> {
    rejection(verifier, &fresh(key, &provider.url, number)).await
}

#[tokio::test]
async fn openid_rotation_accepts_the_new_key_and_ends_the_old_one() {
    let (old, new, clock) = (SigningKey::rsa("old", 0), SigningKey::rsa("new", 1), clock());
    let provider = OpenIdProvider::start(&[&old]).await;
    let verifier = openid_verifier(&provider.url, &clock);
    assert_eq!(verify(&verifier, &old, &provider, 0).await, None);
    provider.publish(&[&new, &old]);
    clock.advance(MINUTE);
    assert_eq!(verify(&verifier, &new, &provider, 1).await, None, "fetched for the unknown key");
    assert_eq!(verify(&verifier, &old, &provider, 2).await, None);
    assert_eq!(provider.requests(), 2);
    provider.publish(&[&new]);
    clock.advance(HOUR);
    assert_eq!(verify(&verifier, &new, &provider, 3).await, None);
    // Also a token that was verified before.
    assert_eq!(verify(&verifier, &old, &provider, 0).await, Some(Rejected::Invalid));
}

#[tokio::test]
async fn openid_key_that_changes_under_its_id_ends_the_tokens_of_the_old_one() {
    let (old, new, clock) = (SigningKey::rsa("a", 0), SigningKey::rsa("a", 1), clock());
    let provider = OpenIdProvider::start(&[&old]).await;
    let verifier = openid_verifier(&provider.url, &clock);
    assert_eq!(verify(&verifier, &old, &provider, 0).await, None);
    provider.publish(&[&new]);
    clock.advance(HOUR);
    assert_eq!(verify(&verifier, &new, &provider, 1).await, None);
    assert_eq!(verify(&verifier, &old, &provider, 0).await, Some(Rejected::Invalid));
}

#[tokio::test]
async fn openid_keys_are_fetched_once_for_all_who_wait() {
    let key = SigningKey::elliptic_curve("a");
    let provider = OpenIdProvider::start(&[&key]).await;
    let verifier = openid_verifier(&provider.url, &clock());
    let all = join_all((0..50).map(|number| verify(&verifier, &key, &provider, number))).await;
    assert!(all.iter().all(Option::is_none), "{all:?}");
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn openid_unknown_key_is_asked_for_once_a_minute() {
    let (key, foreign, clock) = (SigningKey::rsa("a", 0), SigningKey::rsa("b", 1), clock());
    let provider = OpenIdProvider::start(&[&key]).await;
    let verifier = openid_verifier(&provider.url, &clock);
    for round in 1..4 {
        for number in 0..10 {
            let rejected = verify(&verifier, &foreign, &provider, number).await;
            assert_eq!(rejected, Some(Rejected::Invalid));
        }
        assert_eq!(provider.requests(), round);
        clock.advance(MINUTE);
    }
    let other_issuer = fresh(&foreign, "https://id.example", 0);
    assert_eq!(rejection(&verifier, &other_issuer).await, Some(Rejected::Invalid));
    assert_eq!(provider.requests(), 3, "tokens of other issuers cause no request");
}

#[tokio::test]
async fn openid_keys_are_fresh_for_the_time_that_the_provider_says() {
    let (key, clock) = (SigningKey::elliptic_curve("a"), clock());
    let provider = OpenIdProvider::start(&[&key]).await;
    provider.set_cache_control("public, max-age=600");
    let verifier = openid_verifier(&provider.url, &clock);
    for (number, (passed, requests)) in (0..).zip([(0, 1), (599, 1), (1, 2), (300, 2), (300, 3)]) {
        clock.advance(Duration::from_secs(passed));
        assert_eq!(verify(&verifier, &key, &provider, number).await, None);
        assert_eq!(provider.requests(), requests, "after {passed} seconds more");
    }
}

#[tokio::test]
async fn openid_keys_are_used_for_a_day_while_the_provider_is_down() {
    let (key, foreign, clock) = (SigningKey::rsa("a", 0), SigningKey::rsa("b", 1), clock());
    let provider = OpenIdProvider::start(&[&key]).await;
    let verifier = openid_verifier(&provider.url, &clock);
    assert_eq!(verify(&verifier, &key, &provider, 0).await, None);
    provider.go_down();
    clock.advance(HOUR);
    assert_eq!(verify(&verifier, &key, &provider, 1).await, None);
    assert_eq!(verify(&verifier, &foreign, &provider, 2).await, Some(Rejected::Unavailable));
    clock.advance(NEARLY_A_DAY);
    assert_eq!(verify(&verifier, &key, &provider, 3).await, None);
    clock.advance(MINUTE);
    assert_eq!(verify(&verifier, &key, &provider, 4).await, Some(Rejected::Unavailable));
    assert_eq!(verify(&verifier, &key, &provider, 0).await, Some(Rejected::Unavailable));
    provider.fail(None);
    clock.advance(MINUTE);
    assert_eq!(verify(&verifier, &key, &provider, 5).await, None);
    assert_eq!(verify(&verifier, &foreign, &provider, 6).await, Some(Rejected::Invalid));
}

#[tokio::test]
async fn openid_provider_that_is_down_at_the_start_is_asked_again() {
    let (key, clock) = (SigningKey::edwards("a"), clock());
    let provider = OpenIdProvider::start(&[&key]).await;
    provider.go_down();
    let verifier = openid_verifier(&provider.url, &clock);
    for _ in 0..5 {
        assert_eq!(verify(&verifier, &key, &provider, 0).await, Some(Rejected::Unavailable));
    }
    assert_eq!(provider.requests(), 1, "requests do not repeat faster than every 5 seconds");
    provider.fail(None);
    clock.advance(Duration::from_secs(5));
    assert_eq!(verify(&verifier, &key, &provider, 0).await, None);
    // A port without a server.
    let verifier = openid_verifier("http://127.0.0.1:1", &clock);
    let token = fresh(&key, "http://127.0.0.1:1", 0);
    assert_eq!(rejection(&verifier, &token).await, Some(Rejected::Unavailable));
}

#[tokio::test]
async fn openid_answers_that_are_no_keys_are_not_believed() {
    let (key, clock) = (SigningKey::edwards("a"), clock());
    let elsewhere = OpenIdProvider::start(&[&key]).await;
    let redirect = ProviderFailure::Status(StatusCode::FOUND, elsewhere.keys_url());
    let huge = format!("{{\"keys\":[], \"padding\":\"{}\"}}", "x".repeat(300_000));
    let text = |text: &str| ProviderFailure::Text(text.to_owned());
    for failure in [redirect, text(&huge), text("<html>"), text("[]")] {
        let provider = OpenIdProvider::start(&[&key]).await;
        provider.fail(Some(failure));
        let verifier = openid_verifier(&provider.url, &clock);
        assert_eq!(verify(&verifier, &key, &provider, 0).await, Some(Rejected::Unavailable));
    }
    assert_eq!(elsewhere.requests(), 0, "no redirect is followed");
}

#[tokio::test]
async fn openid_discovery_must_be_that_of_the_issuer() {
    let (key, clock) = (SigningKey::edwards("a"), clock());
    let provider = OpenIdProvider::start(&[&key]).await;
    let (issuer, keys) = (json!(provider.url), json!(provider.keys_url()));
    let document = |issuer: &Value, keys: &Value| json!({ "issuer": issuer, "jwks_uri": keys });
    for wrong in [
        document(&json!("https://id.example"), &keys),
        document(&json!(format!("{}/", provider.url)), &keys),
        document(&json!(null), &keys),
        document(&issuer, &json!(null)),
        document(&issuer, &json!("file:///etc/passwd")),
        document(&issuer, &json!("http://10.0.0.1/keys")),
        json!([]),
    ] {
        provider.set_discovery(wrong.clone());
        let verifier = openid_verifier(&provider.url, &clock);
        let rejected = verify(&verifier, &key, &provider, 0).await;
        assert_eq!(rejected, Some(Rejected::Unavailable), "{wrong}");
    }
    assert_eq!(provider.requests(), 0);
    provider.set_discovery(document(&issuer, &keys));
    let verifier = openid_verifier(&provider.url, &clock);
    assert!(verifier.verify(fresh(&key, &provider.url, 0).as_bytes()).await.is_ok());
}
