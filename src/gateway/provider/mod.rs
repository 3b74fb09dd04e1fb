//! The seam to the providers of language models, and its adapters over HTTP.
//!
//! Reading order: [`request`] is a question to one provider, [`frame`] a piece of its answer, [`error`] the reason for
//! no answer. [`client`] sends, with the limits of [`limits`]. Around it are pure parts: [`upstream`] makes the
//! provider's request, with [`convert`] if the body of the caller has the other format; [`sse`] reads events,
//! [`decode`] turns them into frames, [`fault`] and [`retry_after`] classify errors; [`mod@write`] turns
//! frames into the format of a caller.
//!
//! Prices, retries, failover and accounts must not appear here.
//!
//! # Contract
//!
//! - Nothing is sent before the stream is polled. Dropping it closes the connection, which cancels the request.
//! - [`Finished`](frame::ProviderEvent::Finished) is the last event, and comes only after the provider's own finish.
//!   Any other end is an error, and nothing follows an error.
//! - A usage comes as soon as the provider says it. Its counts are totals: they replace the earlier ones.
//! - Text has whole characters, wherever the network cuts the bytes.
//! - `Debug`, `Display` and logs have no text of a request, an answer or an error, and no credential.
//!
//! To add a format, add a variant of [`request::WireFormat`], a decoder, a writer, and the conversions.

pub mod client;
pub mod convert;
pub mod decode;
pub mod error;
pub mod fault;
pub mod frame;
pub mod limits;
pub mod request;
pub mod retry_after;
pub mod sse;
mod tool_input;
pub mod upstream;
pub mod write;
