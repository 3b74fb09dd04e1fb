//! [`KeySet`]: the public keys of a provider, from a JSON Web Key Set (RFC 7517).
//!
//! A key verifies one algorithm. Keys of other kinds, and those for encryption, are left out, so that a
//! provider may add a kind before this server knows it.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Maximum number of keys. Providers have two to ten.
const MAX_KEYS: usize = 100;

/// A public key, with the only algorithm that it verifies.
#[derive(Clone)]
pub(super) struct VerificationKey {
    id: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
    parameters: AlgorithmParameters,
}

impl VerificationKey {
    /// Reads a key. `None` if the server does not verify by its algorithm.
    fn read(key: &Value) -> Option<Self> {
        let Jwk { common, algorithm: parameters } = Jwk::deserialize(key).ok()?;
        let algorithm = match &parameters {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            _ => return None,
        };
        let names_another = common.key_algorithm.is_some_and(|name| name != algorithm.into());
        let usage = common.public_key_use.as_ref();
        let operations = common.key_operations.as_ref();
        if names_another
            || usage.is_some_and(|usage| *usage != PublicKeyUse::Signature)
            || operations.is_some_and(|all| !all.contains(&KeyOperations::Verify))
        {
            return None;
        }
        let id = common.key_id.clone();
        let key = DecodingKey::from_jwk(&Jwk { common, algorithm: parameters.clone() }).ok()?;
        Some(Self { id, algorithm, key, parameters })
    }
}

/// The keys of a provider.
#[derive(Clone, Default)]
pub(super) struct KeySet(Vec<VerificationKey>);

#[derive(Deserialize)]
struct KeySetDocument {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads the document of a provider.
    ///
    /// # Errors
    /// Returns an error if it is no key set, or has too many keys.
    pub fn read(document: &[u8]) -> Result<Self, &'static str> {
        let KeySetDocument { keys } =
            serde_json::from_slice(document).map_err(|_| "the keys are no JSON Web Key Set")?;
        if keys.len() > MAX_KEYS {
            return Err("there are more than 100 keys");
        }
        Ok(Self(keys.iter().filter_map(VerificationKey::read).collect()))
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The key for a token whose header has this `id` and `algorithm`. A header without an id selects the
    /// only key of its algorithm.
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&VerificationKey> {
        let mut keys = self.0.iter().filter(|key| key.algorithm == algorithm);
        match id {
            Some(id) => keys.find(|key| key.id.as_deref() == Some(id)),
            None => keys.next().filter(|_| keys.next().is_none()),
        }
    }

    /// Returns `true` if a key of this set is not in `other`.
    pub fn has_more_than(&self, other: &Self) -> bool {
        let is_same = |own: &VerificationKey, other: &VerificationKey| {
            own.id == other.id && own.parameters == other.parameters
        };
        !self.0.iter().all(|own| other.0.iter().any(|other| is_same(own, other)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa(more: &Value) -> Value {
        let mut key = json!({ "kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB" });
        let fields = more.as_object().expect("an object").clone();
        key.as_object_mut().expect("an object").extend(fields);
        key
    }

    fn set(keys: &[Value]) -> KeySet {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).expect("a key set")
    }

    #[test]
    fn openid_key_set_has_keys_for_signatures_of_its_algorithms_only() {
        for usable in [
            json!({}),
            json!({ "use": "sig", "alg": "RS256" }),
            json!({ "key_ops": ["verify"], "x5c": ["a"], "unknown": 5 }),
        ] {
            assert_eq!(set(&[rsa(&usable)]).len(), 1, "{usable}");
        }
        for unusable in [
            json!({ "use": "enc" }),
            json!({ "alg": "RS512" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "RSA-OAEP" }),
            json!({ "key_ops": ["encrypt"] }),
            json!({ "n": "!" }),
            json!({ "kty": "oct", "k": "AQAB" }),
            json!({ "kty": "EC", "crv": "secp256k1", "x": "AQAB", "y": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB" }),
            json!({ "kty": "OKP", "crv": "X25519", "x": "AQAB" }),
        ] {
            assert_eq!(set(&[rsa(&unusable), rsa(&json!({}))]).len(), 1, "{unusable}");
        }
        for document in ["", "[]", "{}", r#"{"keys":{}}"#] {
            assert!(KeySet::read(document.as_bytes()).is_err(), "{document}");
        }
        let many = json!({ "keys": vec![rsa(&json!({})); MAX_KEYS + 1] });
        assert!(KeySet::read(many.to_string().as_bytes()).is_err());
    }

    #[test]
    fn openid_key_is_found_by_id_and_algorithm() {
        let keys = set(&[rsa(&json!({})), rsa(&json!({ "kid": "b" }))]);
        assert!(keys.find(Some("b"), Algorithm::RS256).is_some());
        assert!(keys.find(Some("c"), Algorithm::RS256).is_none());
        assert!(keys.find(Some("a"), Algorithm::ES256).is_none());
        assert!(keys.find(None, Algorithm::RS256).is_none(), "two could be meant");
        assert!(set(&[rsa(&json!({}))]).find(None, Algorithm::RS256).is_some());
        let renamed = set(&[rsa(&json!({}))]);
        assert!(keys.has_more_than(&renamed) && !renamed.has_more_than(&keys));
        let changed = set(&[rsa(&json!({ "n": "AQAC" }))]);
        assert!(renamed.has_more_than(&changed));
    }
}
