//! The addresses of the settings for providers: [`issuer`] and [`public_url`].

use reqwest::Url;
use url::Host;

/// Maximum length of an issuer, in bytes. The owner of a token has it and the subject in its name.
const MAX_ISSUER_BYTES: usize = 512;

/// Checks the issuer of a provider, which tokens repeat byte for byte.
///
/// # Errors
/// Returns the expected format.
pub(super) fn issuer(text: &str) -> Result<String, &'static str> {
    let url = parse(text).filter(is_safe);
    // The owner of a token is the issuer, this sign and the subject.
    let is_valid = url.is_some() && text.len() <= MAX_ISSUER_BYTES && !text.contains('|');
    is_valid.then(|| text.to_owned()).ok_or(
        "the issuer of a provider exactly as its tokens have it: an https:// URL (http:// only for this machine)",
    )
}

/// Checks the address that callers use for this server. Returns it without a slash at the end.
///
/// # Errors
/// Returns the expected format.
pub(super) fn public_url(text: &str) -> Result<String, &'static str> {
    let url = parse(text).filter(is_safe).filter(|url| url.path() == "/");
    let url = url.map(|url| url.as_str().trim_end_matches('/').to_owned());
    url.ok_or("the https:// URL of this server, without a path (http:// only for this machine)")
}

/// Parses a URL with a host and without credentials, query and fragment.
fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (is_plain && url.has_host()).then_some(url)
}

/// Returns `true` for an address whose answers others on the network can't replace.
pub(super) fn is_safe(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_addresses_are_https_except_on_this_machine() {
        for valid in ["https://id.example", "https://id.example/", "https://id.example/realms/a"] {
            assert_eq!(issuer(valid).as_deref(), Ok(valid));
        }
        for local in ["http://localhost:80", "http://127.0.0.1:9000/x", "http://[::1]:1"] {
            assert!(issuer(local).is_ok(), "{local}");
        }
        for invalid in [
            "",
            "id.example",
            "http://id.example",
            "http://localhost.example",
            "http://10.0.0.1",
            "ftp://localhost",
            "https://user@id.example",
            "https://id.example?a",
            "https://id.example#a",
            "https://id.example/a|b",
        ] {
            assert!(issuer(invalid).is_err(), "{invalid}");
        }
        assert!(issuer(&format!("https://id.example/{}", "a".repeat(500))).is_err());
        assert_eq!(public_url("https://Chat.example/").as_deref(), Ok("https://chat.example"));
        assert_eq!(public_url("http://127.0.0.1:8086").as_deref(), Ok("http://127.0.0.1:8086"));
        for invalid in ["https://chat.example/mcp", "http://chat.example", "chat.example"] {
            assert!(public_url(invalid).is_err(), "{invalid}");
        }
    }
}
