//! [`DocumentFetcher`]: fetches the small JSON documents of a provider, within limits.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, Url};
use thiserror::Error;

/// Time limit of a request, with its body. The caller whose token needs the keys waits as long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum size of a document, in bytes. The largest, with certificates, have about 20 KiB.
const MAX_BYTES: usize = 256 * 1024;

/// Why a document could not be fetched. It holds no part of an address and of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum FetchError {
    #[error("no connection")]
    Connection,
    #[error("time limit exceeded")]
    Timeout,
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is larger than 256 KiB")]
    TooLarge,
    #[error("{0}")]
    Content(&'static str),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::Timeout } else { Self::Connection }
    }
}

/// A document, and how long it is fresh. `None` if its server does not say so.
pub(super) struct Document {
    pub body: Vec<u8>,
    pub max_age: Option<Duration>,
}

/// Sends requests with a client that must follow no redirects, because they could lead to any host.
#[derive(Clone)]
pub(super) struct DocumentFetcher(pub Client);

impl DocumentFetcher {
    pub async fn fetch(&self, url: Url) -> Result<Document, FetchError> {
        let request = self.0.get(url).header(header::ACCEPT, "application/json").timeout(TIMEOUT);
        let mut response = request.send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let max_age = max_age(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Document { body, max_age })
    }
}

/// The rest of the freshness by `Cache-Control` and `Age` (RFC 9111, section 4.2).
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(header::CACHE_CONTROL);
    let directives = || {
        let texts = values.iter().filter_map(|value| value.to_str().ok());
        texts.flat_map(|text| text.split(',')).map(str::trim)
    };
    let is = |name: &'static str| directives().any(|own| own.eq_ignore_ascii_case(name));
    if is("no-store") || is("no-cache") {
        return Some(Duration::ZERO);
    }
    let age = headers.get(header::AGE).and_then(|age| age.to_str().ok()?.parse().ok());
    let seconds = directives().find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let value = value.trim_matches('"').parse::<u64>().ok()?;
        name.eq_ignore_ascii_case("max-age").then_some(value)
    });
    Some(Duration::from_secs(seconds?.saturating_sub(age.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_freshness_is_that_of_the_headers() {
        let of = |cache_control: &str, age: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, cache_control.parse().expect("a value"));
            age.map(|age| headers.insert(header::AGE, age.parse().expect("a value")));
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(of("public, max-age=21600, must-revalidate", None), Some(21_600));
        assert_eq!(of("Max-Age=\"60\"", None), Some(60));
        assert_eq!(of("max-age=600", Some("100")), Some(500));
        assert_eq!(of("max-age=600", Some("1000")), Some(0));
        assert_eq!(of("no-store, max-age=600", None), Some(0));
        assert_eq!(of("max-age=-1", None), None);
        assert_eq!(of("s-maxage=5", None), None);
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
