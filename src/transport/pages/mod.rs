//! The pages: the playground at `/`, where phones side by side chat with each other, and the
//! dashboard. Plain HTML, CSS and small modules, kept in the binary as they stand in `assets/`.
//!
//! They have no way in of their own. The playground's phones are clients of the protocol over
//! `/mcp/ws` (tool `say`), and the dashboard's figures need the token. `board.rs` keeps the figures of
//! the last hour, `alert.rs` puts into words what is wrong with them.
//!
//! **Invariant:** a page runs only what this server serves, is never framed and not indexed; a token is
//! in it only when it was made for this run, by a server that only this machine can reach, for a
//! caller who names this machine.

mod alerts;
pub mod dashboard;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::unfold;
use rust_embed::{Embed, EmbeddedFile};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::dashboard::{Dashboard, FIELDS};
use super::state::HttpState;
use crate::kernel::token::AuthTokens;

/// Where the dashboard's figures are.
pub const LIVE_PATH: &str = "/dashboard/live";

/// What the pages may do: nothing but run what comes from here and talk to it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What stands in the playground's page where the token may come.
const TOKEN_PLACEHOLDER: &str = "{{token}}";

/// Headers by which somebody in between tells that they passed a request on.
const FORWARDING_HEADERS: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "via"];

#[derive(Embed)]
#[folder = "src/transport/pages/assets"]
struct Assets;

/// What the pages work with.
pub struct Pages {
    /// Whether there is a playground.
    pub playground: bool,
    /// The token for whoever comes from this machine, if the server made one for this run and no
    /// other machine can come.
    pub token: Option<AuthTokens>,
    pub dashboard: Arc<Dashboard>,
    /// Ends the dashboard's streams.
    pub shutdown: CancellationToken,
}

/// The pages and what they are made of.
pub fn routes() -> Router<Arc<HttpState>> {
    Router::new()
        .route("/", get(playground))
        .route(
            "/dashboard",
            get(|headers: HeaderMap| async move { serve_asset(&headers, "dashboard.html") }),
        )
        .route("/assets/{name}", get(asset))
}

async fn playground(State(core): State<Arc<HttpState>>, headers: HeaderMap) -> Response {
    let pages = &core.pages;
    if !pages.playground {
        return not_found();
    }
    let token = pages.token.as_ref().filter(|_| is_local(&headers)).map_or("", AuthTokens::current);
    let Some(page) = Assets::get("playground.html") else { return not_found() };
    let page = String::from_utf8_lossy(&page.data).replace(TOKEN_PLACEHOLDER, token);
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    // A copy would outlive the token.
    (security_headers("no-store"), kind, page).into_response()
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    if content_type(&name).starts_with("text/html") {
        not_found()
    } else {
        serve_asset(&headers, &name)
    }
}

/// A file as it is, or that the caller's copy is still right.
fn serve_asset(headers: &HeaderMap, name: &str) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Assets::get(name) else { return not_found() };
    let hash: String = metadata.sha256_hash()[..16].iter().map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let about = [(header::ETAG, tag), (header::CONTENT_TYPE, content_type(name).to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, security_headers("no-cache"), about).into_response();
    }
    (security_headers("no-cache"), about, data.into_owned()).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, security_headers("no-store"), "Not found\n").into_response()
}

fn security_headers(cache: &'static str) -> [(HeaderName, &'static str); 7] {
    [
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ]
}

/// Whether a caller names this machine and nobody passed the request on: a name of somebody else's
/// that leads here (DNS rebinding), or a tunnel, is not this machine.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let ours = ["localhost", "127.0.0.1", "[::1]"];
    ours.iter().any(|own| own.eq_ignore_ascii_case(name))
        && FORWARDING_HEADERS.iter().all(|header| !headers.contains_key(*header))
}

/// The dashboard's figures as a stream of events: first those of the last hour, then each as it is
/// taken.
pub async fn live_stream(State(core): State<Arc<HttpState>>) -> Response {
    let news = core.pages.dashboard.subscribe();
    let first = json!({
        "fields": FIELDS,
        "rows": core.pages.dashboard.rows(),
        "alerts": core.pages.dashboard.alerts(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    let first = Some(Event::default().event("hour").data(first.to_string()));
    let events = unfold((core, news, first), async |(core, mut news, first)| {
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(first), (core, news, None)));
        }
        tokio::select! {
            changed = news.changed() => changed.ok()?,
            () = core.pages.shutdown.cancelled() => return None,
        }
        news.mark_unchanged();
        let board = &core.pages.dashboard;
        let sample = json!({ "row": board.last(), "alerts": board.alerts() });
        let event = Event::default().event("sample").data(sample.to_string());
        Some((Ok(event), (core, news, None)))
    });
    let stream = Sse::new(events).keep_alive(KeepAlive::default());
    ([(header::CACHE_CONTROL, "no-store")], stream).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All the pages together, in bytes.
    const BUDGET: usize = 150_000;

    #[test]
    fn page_assets_are_small_and_self_contained() {
        let mut size = 0;
        for name in Assets::iter() {
            let data = Assets::get(&name).expect("it was listed").data;
            size += data.len();
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
            let text = String::from_utf8_lossy(&data).replace("http://www.w3.org/2000/svg", "");
            for outside in ["http://", "https://", "//cdn", "innerHTML", "eval(", "document.write"]
            {
                assert!(!text.contains(outside), "{name} contains {outside}");
            }
        }
        assert!(size > 0 && size < BUDGET, "{size} bytes");
    }

    #[test]
    fn page_local_request_must_name_this_host() {
        let from = |host: &'static str| {
            HeaderMap::from_iter([(header::HOST, host.parse().expect("a header value"))])
        };
        for host in ["localhost:8086", "127.0.0.1", "127.0.0.1:1", "[::1]:8086", "LOCALHOST"] {
            assert!(is_local(&from(host)), "{host}");
        }
        for host in ["", "evil.example:8086", "localhost.evil.example", "127.0.0.1.nip.io", "[::2]"]
        {
            assert!(!is_local(&from(host)), "{host}");
        }
        for header in FORWARDING_HEADERS {
            let mut passed_on = from("localhost");
            passed_on.insert(header, "x".parse().expect("a header value"));
            assert!(!is_local(&passed_on), "{header}");
        }
    }
}
