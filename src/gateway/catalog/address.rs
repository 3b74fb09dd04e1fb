//! [`ServiceUrl`]: the address of a provider or of another service that this server calls.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use serde::Deserialize;
use url::{Host, Url};

/// The format of an address, for errors.
pub const SERVICE_URL_FORMAT: &str = "an https:// URL without credentials, query and fragment (http:// only for this machine and private networks)";

/// Endings of names that only a private network resolves (RFC 6761, RFC 6762, RFC 9476 and the reserved
/// `.internal`).
const PRIVATE_SUFFIXES: [&str; 4] = [".localhost", ".local", ".internal", ".home.arpa"];

/// An `https://` URL, or an `http://` URL of this machine or a private network. Has no credentials, no query and
/// no slash at the end.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl(String);

impl ServiceUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// Returns [`SERVICE_URL_FORMAT`].
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| SERVICE_URL_FORMAT)?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let is_safe = match url.scheme() {
            "https" => url.has_host(),
            "http" => url.host().is_some_and(|host| is_private(&host)),
            _ => false,
        };
        let url = Self(url.as_str().trim_end_matches('/').to_owned());
        if is_plain && is_safe { Ok(url) } else { Err(SERVICE_URL_FORMAT) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A URL without credentials, so that it may be shown.
impl fmt::Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ServiceUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer).unwrap_or_default();
        let expected = |format| serde::de::Error::custom(format!("expected {format}"));
        Self::parse(&text).map_err(expected)
    }
}

/// Whether only this machine or its network has the host.
fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.') || PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        }
        Host::Ipv4(address) => is_private_address((*address).into()),
        Host::Ipv6(address) => is_private_address((*address).into()),
    }
}

/// Link-local addresses are not private here, because clouds serve credentials on one.
fn is_private_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST || address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_address_is_https_or_private() {
        for (text, address) in [
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("HTTPS://API.example", "https://api.example"),
            ("http://localhost:4010/v1", "http://localhost:4010/v1"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1"),
            ("http://[::1]:1", "http://[::1]:1"),
            ("http://10.1.2.3", "http://10.1.2.3"),
            ("http://172.16.0.1", "http://172.16.0.1"),
            ("http://192.168.0.1", "http://192.168.0.1"),
            ("http://[fd00::1]", "http://[fd00::1]"),
            ("http://llama:8080", "http://llama:8080"),
            ("http://llama.internal", "http://llama.internal"),
        ] {
            assert_eq!(ServiceUrl::parse(text).expect(text).as_str(), address);
        }
        for text in [
            "",
            "api.openai.com",
            "http://api.openai.com/v1",
            "http://8.8.8.8",
            "http://172.32.0.1",
            "http://169.254.169.254",
            "http://[2001:db8::1]",
            "http://[fe80::1]",
            "http://0.0.0.0",
            "http://localhost.example",
            "http://internal.example",
            "ftp://localhost",
            "https://key@api.example",
            "https://:key@api.example",
            "https://api.example?key=a",
            "https://api.example#a",
        ] {
            assert!(ServiceUrl::parse(text).is_err(), "{text}");
        }
    }
}
