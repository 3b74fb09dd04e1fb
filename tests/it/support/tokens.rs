//! Signed tokens, also such as no library makes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

/// Encodes one part of a token.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns a token of these JSON texts with the signature that `sign` makes.
pub fn token(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let signature = base64url(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Signs by HS256, whatever the header of the token says.
pub fn hmac_sha256(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

/// Returns a JWT.
pub fn jwt(secret: &str, claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" }).to_string();
    token(&header, &claims.to_string(), hmac_sha256(secret.as_bytes()))
}
