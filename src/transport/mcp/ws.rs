//! Live sessions over a WebSocket: one message of the protocol per text frame.
//!
//! A WebSocket's pings are answered in order, so the answer to a ping behind an answer tells that the
//! client has read it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use tokio::time::{MissedTickBehavior, interval};

use super::endpoint::{MAX_BODY_BYTES, draining_response};
use super::session_pipe::{ClientHalf, InboundSender};
use super::short_form::{PARSE_ERROR, RpcError};
use crate::kernel::receipt::Receipt;
use crate::transport::http::server;
use crate::transport::state::HttpState;

/// How often the client is asked whether it is still there. After two times without a word from it
/// the connection is given up.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How much of a socket is read at once, in bytes. Each connection keeps as much memory for as long as
/// it lasts, and what would be usual (128 KiB) is also overwritten at each read. Larger messages grow it
/// for as long as they take.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Answers a request to `/mcp/ws`.
pub async fn connect(
    State(core): State<Arc<HttpState>>,
    Extension(connection): Extension<server::ConnectionInfo>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Some(refused) = draining_response(&core, &headers) {
        return refused;
    }
    let origin = core.client_network(&connection, &headers);
    let upgrade = upgrade.max_message_size(MAX_BODY_BYTES).read_buffer_size(READ_BUFFER_BYTES);
    upgrade.protocols(["mcp"]).on_upgrade(async move |socket| {
        let ends = core.session_pipes.open(origin);
        WsSession { socket, unconfirmed: VecDeque::new(), ping_seq: 0 }.run(ends).await;
    })
}

struct WsSession {
    socket: WebSocket,
    /// Receipts of answers that the client has not been heard to have read, by the ping behind them.
    unconfirmed: VecDeque<(u64, Vec<Receipt>)>,
    ping_seq: u64,
}

impl WsSession {
    /// Moves messages until either side is gone.
    async fn run(mut self, ends: ClientHalf) {
        let ClientHalf { inbound: inlet, outbound: mut outgoing, guard: _guard } = ends;
        let mut ticks = interval(PING_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = 0;
        loop {
            let done = tokio::select! {
                frame = self.socket.recv() => {
                    silent = 0;
                    match frame {
                        Some(Ok(frame)) => self.on_frame(frame, &inlet).await,
                        Some(Err(_)) | None => Err(()),
                    }
                }
                message = outgoing.recv() => {
                    let Some(message) = message else {
                        return self.close(close_code::NORMAL).await;
                    };
                    let receipts = inlet.take_receipts(&message);
                    match serde_json::to_string(&message) {
                        Ok(text) => self.write(text, receipts).await,
                        Err(_) => Err(()),
                    }
                }
                _ = ticks.tick() => {
                    silent += 1;
                    if silent > 2 { Err(()) } else { self.ping().await }
                }
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn on_frame(&mut self, frame: Message, inlet: &InboundSender) -> Result<(), ()> {
        match frame {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(message) => inlet.send(message).await.map_err(drop),
                Err(_) => self.reject_frame().await,
            },
            Message::Pong(payload) => {
                self.confirm(&payload);
                Ok(())
            }
            Message::Ping(_) => Ok(()),
            Message::Binary(_) => {
                self.close(close_code::UNSUPPORTED).await;
                Err(())
            }
            Message::Close(_) => Err(()),
        }
    }

    async fn write(&mut self, text: String, receipts: Vec<Receipt>) -> Result<(), ()> {
        self.socket.send(Message::Text(text.into())).await.map_err(drop)?;
        if receipts.is_empty() {
            return Ok(());
        }
        self.ping().await?;
        self.unconfirmed.push_back((self.ping_seq, receipts));
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), ()> {
        self.ping_seq += 1;
        let payload = Bytes::copy_from_slice(&self.ping_seq.to_be_bytes());
        self.socket.send(Message::Ping(payload)).await.map_err(drop)
    }

    /// Whoever answers a ping has read what came before it.
    fn confirm(&mut self, payload: &[u8]) {
        let Ok(answered) = payload.try_into().map(u64::from_be_bytes) else { return };
        let read = self.unconfirmed.partition_point(|(ping, _)| *ping <= answered);
        let receipts = self.unconfirmed.drain(..read).flat_map(|(_, receipts)| receipts);
        receipts.for_each(Receipt::confirm);
    }

    /// Tells a client that its frame was no message of the protocol.
    async fn reject_frame(&mut self) -> Result<(), ()> {
        let error = RpcError::framed(PARSE_ERROR, "Parse error: not an MCP message.");
        self.socket.send(Message::Text(error.to_text().into())).await.map_err(drop)
    }

    async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code, reason: "".into() };
        // A client who is gone does not need to be told.
        let _ = self.socket.send(Message::Close(Some(frame))).await;
    }
}
