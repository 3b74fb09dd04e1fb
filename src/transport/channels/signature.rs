//! [`sign`] and [`verify`]: body signatures in Meta's format, `sha256=` and an HMAC-SHA-256 in hex.
//!
//! Both sides share the secret. Requests from Meta are verified, and requests to the operator's
//! bridge are signed.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

const SCHEME: &str = "sha256=";

/// The signature of a body, as a header value.
#[must_use]
pub fn sign(secret: &SecretString, body: &[u8]) -> String {
    let digest = mac(secret, body).finalize().into_bytes();
    digest.iter().fold(SCHEME.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Returns `true` if `header` is the signature of `body`. Compares in constant time.
#[must_use]
pub fn verify(secret: &SecretString, body: &[u8], header: &[u8]) -> bool {
    let Some(digest) = header.strip_prefix(SCHEME.as_bytes()).and_then(decode_hex) else {
        return false;
    };
    mac(secret, body).verify_slice(&digest).is_ok()
}

/// Returns `true` if `header` has the form of a signature, which costs less than to read its body.
#[must_use]
pub fn is_well_formed(header: &[u8]) -> bool {
    header
        .strip_prefix(SCHEME.as_bytes())
        .and_then(decode_hex)
        .is_some_and(|digest| digest.len() == 32)
}

fn mac(secret: &SecretString, body: &[u8]) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts a key of any length");
    mac.update(body);
    mac
}

fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    const RFC: &str = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    #[test]
    fn signature_matches_rfc_4231() {
        let secret = SecretString::from("Jefe");
        assert_eq!(sign(&secret, b"what do ya want for nothing?"), RFC);
        assert!(verify(&secret, b"what do ya want for nothing?", RFC.as_bytes()));
        let upper = RFC.to_ascii_uppercase().replace("SHA256", "sha256");
        assert!(verify(&secret, b"what do ya want for nothing?", upper.as_bytes()));
    }

    #[test]
    fn signature_rejects_other_bodies_secrets_and_formats() {
        let secret = SecretString::from("Jefe");
        let body = b"what do ya want for nothing?";
        assert!(!verify(&secret, b"what do ya want for nothing!", RFC.as_bytes()));
        assert!(!verify(&SecretString::from("jefe"), body, RFC.as_bytes()));
        let bare = RFC.trim_start_matches(SCHEME);
        for header in ["", "sha256=", bare, &RFC[..RFC.len() - 1], &RFC[..RFC.len() - 2]] {
            assert!(!verify(&secret, body, header.as_bytes()), "{header}");
            assert!(!is_well_formed(header.as_bytes()), "{header}");
        }
        assert!(is_well_formed(RFC.as_bytes()));
        assert!(!verify(&secret, body, "sha256=éé".as_bytes()));
    }
}
