//! [`signed`]: a JWT of a user.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use random_connect::kernel::clock::{Clock, SystemClock};
use serde_json::json;
use sha2::Sha256;

/// Returns a token of `user` for a day.
pub fn signed(secret: &str, user: &str) -> String {
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = encode(json!({ "alg": "HS256", "typ": "JWT" }));
    let expires_at = SystemClock::new().now().as_millis() / 1_000 + 24 * 3_600;
    let claims = encode(json!({ "sub": user, "exp": expires_at, "role": "admin" }));
    let signed = format!("{head}.{claims}");
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
