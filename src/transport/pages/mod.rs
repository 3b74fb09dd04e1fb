//! [`Pages`]: the playground at `/`, the dashboard and the page to try the gateway, as plain HTML, CSS and
//! JavaScript modules.
//!
//! The files in `assets/` are embedded into the binary unchanged. Pages get no special access. The
//! playground's phones are MCP clients over `/mcp/ws` (tool `say`), the dashboard's statistics
//! need the token, and the page to try the gateway is a client of its WebSocket. [`dashboard`] takes [`sample`]s, and [`alerts`] describes problems in words.
//!
//! To add a page, add its files to `assets/` and a route to [`routes`].
//!
//! **Invariant:** a page runs only what this server serves, is never framed and never indexed, and
//! contains no token: every caller gets the same bytes. The browser reads the token from the
//! fragment of the address that the server prints (`/#token=…`), or from the user.

mod alerts;
pub mod dashboard;
pub mod sample;

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

use self::dashboard::Dashboard;
use self::sample::FIELDS;

/// Path of the dashboard's event stream.
pub const LIVE_PATH: &str = "/dashboard/live";

/// Restricts pages to resources and connections of this server.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Embed)]
#[folder = "src/transport/pages/assets"]
struct Assets;

/// State of the pages.
pub struct Pages {
    /// Whether the playground is enabled.
    pub playground: bool,
    pub dashboard: Arc<Dashboard>,
    /// Ends the dashboard's event streams.
    pub shutdown: CancellationToken,
}

/// The public routes: pages and their assets.
pub fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/", get(playground))
        .route(
            "/dashboard",
            get(|headers: HeaderMap| async move { serve_asset(&headers, "dashboard.html") }),
        )
        .route("/gateway/try", get(try_gateway))
        .route("/assets/{name}", get(asset))
}

async fn playground(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response {
    if !pages.playground {
        return not_found();
    }
    serve_asset(&headers, "playground.html")
}

async fn try_gateway(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response {
    if !pages.dashboard.has_gateway() {
        return not_found();
    }
    serve_asset(&headers, "try.html")
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    if content_type(&name).starts_with("text/html") {
        not_found()
    } else {
        serve_asset(&headers, &name)
    }
}

/// Answers with an asset, or with 304 if the client's cached copy is current.
fn serve_asset(headers: &HeaderMap, name: &str) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Assets::get(name) else { return not_found() };
    let hash: String = metadata.sha256_hash()[..16].iter().map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let cached = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let asset_headers =
        [(header::ETAG, tag), (header::CONTENT_TYPE, content_type(name).to_owned())];
    if cached {
        return (StatusCode::NOT_MODIFIED, security_headers("no-cache"), asset_headers)
            .into_response();
    }
    (security_headers("no-cache"), asset_headers, data.into_owned()).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
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

/// The dashboard's event stream: one event with the samples of the last hour, then one per sample.
pub async fn live_stream(State(pages): State<Arc<Pages>>) -> Response {
    let samples = pages.dashboard.subscribe();
    let first = json!({
        "fields": FIELDS,
        "rows": pages.dashboard.rows(),
        "alerts": pages.dashboard.alerts(),
        "providers": pages.dashboard.providers(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    let first = Some(Event::default().event("hour").data(first.to_string()));
    let events = unfold((pages, samples, first), async |(pages, mut samples, first)| {
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(first), (pages, samples, None)));
        }
        tokio::select! {
            changed = samples.changed() => changed.ok()?,
            () = pages.shutdown.cancelled() => return None,
        }
        samples.mark_unchanged();
        let dashboard = &pages.dashboard;
        let sample = json!({
            "row": dashboard.last(),
            "alerts": dashboard.alerts(),
            "providers": dashboard.providers(),
        });
        let event = Event::default().event("sample").data(sample.to_string());
        Some((Ok(event), (pages, samples, None)))
    });
    let stream = Sse::new(events).keep_alive(KeepAlive::default());
    ([(header::CACHE_CONTROL, "no-store")], stream).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Maximum size of all assets, in bytes.
    const BUDGET: usize = 150_000;

    #[test]
    fn page_assets_are_small_and_self_contained() {
        let mut size = 0;
        for name in Assets::iter() {
            let data = Assets::get(&name).expect("a listed asset exists").data;
            size += data.len();
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
            let text = String::from_utf8_lossy(&data).replace("http://www.w3.org/2000/svg", "");
            for forbidden in
                ["http://", "https://", "//cdn", "innerHTML", "eval(", "document.write"]
            {
                assert!(!text.contains(forbidden), "{name} contains {forbidden}");
            }
        }
        assert!(size > 0 && size < BUDGET, "{size} bytes");
    }
}
