//! [`OpenIdProvider`]: an OpenID provider on this machine, whose keys a test changes, and [`SigningKey`],
//! which signs its tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::tokens::{base64url, token};

/// RSA keys of 2,048 bits, which ring can't generate.
const RSA_KEYS: [&[u8]; 2] = [
    include_bytes!("../../fixtures/keys/rsa_1.der"),
    include_bytes!("../../fixtures/keys/rsa_2.der"),
];

enum KeyKind {
    Rsa(Box<RsaKeyPair>),
    EllipticCurve(EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
}

/// A private key of a provider.
pub struct SigningKey {
    pub id: &'static str,
    kind: KeyKind,
}

impl SigningKey {
    /// One of two keys for RS256.
    pub fn rsa(id: &'static str, number: usize) -> Self {
        let pair = RsaKeyPair::from_pkcs8(RSA_KEYS[number]).expect("a key");
        Self { id, kind: KeyKind::Rsa(Box::new(pair)) }
    }

    /// A new key for ES256.
    pub fn elliptic_curve(id: &'static str) -> Self {
        let (algorithm, rng) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &rng).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &rng).expect("a key");
        Self { id, kind: KeyKind::EllipticCurve(pair) }
    }

    /// A new key for EdDSA.
    pub fn edwards(id: &'static str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let pair = Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key");
        Self { id, kind: KeyKind::Edwards(pair) }
    }

    pub const fn algorithm(&self) -> &'static str {
        match self.kind {
            KeyKind::Rsa(_) => "RS256",
            KeyKind::EllipticCurve(_) => "ES256",
            KeyKind::Edwards(_) => "EdDSA",
        }
    }

    /// The public key, as in a key set.
    pub fn public(&self) -> Value {
        let mut key = match &self.kind {
            KeyKind::Rsa(pair) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": base64url(public.n), "e": base64url(public.e) })
            }
            KeyKind::EllipticCurve(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) })
            }
            KeyKind::Edwards(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key()) })
            }
        };
        key["kid"] = json!(self.id);
        key["use"] = json!("sig");
        key["alg"] = json!(self.algorithm());
        key
    }

    /// Signs a message.
    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match &self.kind {
            KeyKind::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature).expect("a signature");
                signature
            }
            KeyKind::EllipticCurve(pair) => {
                pair.sign(&rng, message).expect("a signature").as_ref().to_vec()
            }
            KeyKind::Edwards(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// Returns a token that names this key.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": self.algorithm(), "typ": "at+jwt", "kid": self.id });
        self.sign_with(&header, claims)
    }

    /// Returns a token with this header.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        token(&header.to_string(), &claims.to_string(), |message| self.signature(message))
    }
}

/// Reaction to the requests for keys, instead of the keys.
#[derive(Clone)]
pub enum ProviderFailure {
    /// This status, with a `Location` header of this value.
    Status(StatusCode, String),
    /// This text.
    Text(String),
}

#[derive(Default)]
struct ProviderState {
    url: String,
    keys: Mutex<Vec<Value>>,
    cache_control: Mutex<Option<String>>,
    failure: Mutex<Option<ProviderFailure>>,
    /// The discovery document. `None` for the correct one.
    discovery: Mutex<Option<Value>>,
    requests: AtomicUsize,
}

/// A provider on a free loopback port. Dropping it stops it.
pub struct OpenIdProvider {
    /// The issuer.
    pub url: String,
    state: Arc<ProviderState>,
    running: AbortHandle,
}

impl OpenIdProvider {
    /// Starts a provider with these keys.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(ProviderState { url: url.clone(), ..ProviderState::default() });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(key_set))
            .with_state(Arc::clone(&state));
        let running = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("the provider serves");
        });
        let provider = Self { url, state, running: running.abort_handle() };
        provider.publish(keys);
        provider
    }

    /// The address of the keys.
    pub fn keys_url(&self) -> String {
        format!("{}/keys", self.url)
    }

    /// Replaces the published keys.
    pub fn publish(&self, keys: &[&SigningKey]) {
        *self.state.keys.lock() = keys.iter().map(|key| key.public()).collect();
    }

    /// Sets the `Cache-Control` header of the keys.
    pub fn set_cache_control(&self, value: &str) {
        *self.state.cache_control.lock() = Some(value.to_owned());
    }

    /// Fails all requests for keys with `failure`, or none.
    pub fn fail(&self, failure: Option<ProviderFailure>) {
        *self.state.failure.lock() = failure;
    }

    /// Answers all requests for keys with status 503.
    pub fn go_down(&self) {
        self.fail(Some(ProviderFailure::Status(StatusCode::SERVICE_UNAVAILABLE, String::new())));
    }

    /// Replaces the discovery document.
    pub fn set_discovery(&self, document: Value) {
        *self.state.discovery.lock() = Some(document);
    }

    /// The number of requests for keys.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn discovery(State(state): State<Arc<ProviderState>>) -> Response {
    let correct = json!({ "issuer": state.url, "jwks_uri": format!("{}/keys", state.url) });
    let document = state.discovery.lock().clone().unwrap_or(correct);
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

async fn key_set(State(state): State<Arc<ProviderState>>) -> Response {
    state.requests.fetch_add(1, Ordering::SeqCst);
    match state.failure.lock().clone() {
        Some(ProviderFailure::Status(status, location)) => {
            return (status, [(header::LOCATION, location)]).into_response();
        }
        Some(ProviderFailure::Text(text)) => return text.into_response(),
        None => {}
    }
    let keys = json!({ "keys": *state.keys.lock() }).to_string();
    let cache_control = state.cache_control.lock().clone();
    let headers = cache_control.map(|value| [(header::CACHE_CONTROL, value)]);
    headers.map_or_else(
        || keys.clone().into_response(),
        |headers| (headers, keys.clone()).into_response(),
    )
}
