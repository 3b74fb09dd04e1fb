//! How requests arrive, and how answers leave.
//!
//! `server.rs` accepts connections, `front.rs` hands requests for `/mcp`, once `auth.rs` has let them in, to
//! `endpoint.rs`, and all others to the routes of `http.rs`, which ask `auth.rs` themselves where a token is
//! needed; `endpoint.rs` reads what is posted and hands it to `mcp.rs` (the protocol, by rmcp or past it by `direct.rs`) or `plain.rs` (the short
//! form), `delivery.rs` watches answers out of the door, `metrics.rs` counts, `stdio.rs` is the
//! same server over standard input and output. Open live sessions come to `/mcp/session`, or
//! by `ws.rs` (WebSocket) or `sse.rs` (the way of protocol 2024-11-05), which share `pipe.rs`.
//!
//! People on WhatsApp come in through `hook.rs`, the webhook, to `whatsapp/`, which also brings them
//! what is theirs. `callback.rs` posts it to a bridge instead. Both send requests of their own, by
//! `outbound.rs`, and sign or are signed to (`signature.rs`).
//!
//! `admin/` is the operator's office; `drain.rs` takes an instance out of service, for which `sessions.rs` knows
//! the sessions there are.
//!
//! People who come with a browser find `pages/`: the playground and the dashboard.
//!
//! What a chat is, is not known here; only the service that knows is named. To add a way in, add a
//! file and a line to `app.rs`.

pub mod channels;
pub mod dispatcher;
pub mod http;
pub mod mcp;
pub mod ops;
pub mod pages;
pub mod routes;
pub mod state;
