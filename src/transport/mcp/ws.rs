//! [`connect`] serves a live session over a WebSocket, with one MCP message per text frame.
//!
//! A client answers pings in order. The pong to a ping that follows an answer therefore proves that
//! the client has read the answer.

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
use tokio_tungstenite::tungstenite;

use super::endpoint::draining_response;
use super::session_pipe::{ClientHalf, InboundSender};
use super::state::McpState;
use crate::kernel::receipt::Receipt;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::limits::MAX_BODY_BYTES;

/// Interval of the pings to the client. After two intervals without a frame the connection is
/// closed.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Size of the read buffer, in bytes. Every connection holds one for its lifetime. The default of
/// 128 KiB is also overwritten at each read. A larger message grows the buffer temporarily.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Answers a request to `/mcp/ws`.
pub async fn connect(
    State(state): State<Arc<McpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Some(rejection) = draining_response(&state, &headers) {
        return rejection;
    }
    let network = state.client_network(&connection, &headers);
    // A frame has its own limit, because its announced size is reserved before its bytes arrive.
    let upgrade = upgrade
        .max_message_size(MAX_BODY_BYTES)
        .max_frame_size(MAX_BODY_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES);
    upgrade.protocols(["mcp"]).on_upgrade(async move |socket| {
        let pipe = state.session_pipes.open(network);
        WsSession { socket, unconfirmed: VecDeque::new(), ping_seq: 0 }.run(pipe).await;
    })
}

/// The close code that tells a client which limit or rule its frame has broken.
fn close_code_of(error: axum::Error) -> u16 {
    match error.into_inner().downcast_ref() {
        Some(tungstenite::Error::Capacity(_)) => close_code::SIZE,
        Some(tungstenite::Error::Utf8(_)) => close_code::INVALID,
        _ => close_code::PROTOCOL,
    }
}

struct WsSession {
    socket: WebSocket,
    /// Receipts of the answers that no pong confirms yet, by the sequence number of the ping after
    /// them.
    unconfirmed: VecDeque<(u64, Vec<Receipt>)>,
    /// Sequence number of the last ping.
    ping_seq: u64,
}

impl WsSession {
    /// Moves messages until the client or the server ends the session.
    async fn run(mut self, pipe: ClientHalf) {
        let ClientHalf { inbound, mut outbound, guard: _guard } = pipe;
        let mut ticks = interval(PING_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_ticks = 0;
        loop {
            let result = tokio::select! {
                frame = self.socket.recv() => {
                    silent_ticks = 0;
                    match frame {
                        Some(Ok(frame)) => self.on_frame(frame, &inbound).await,
                        Some(Err(error)) => return self.close(close_code_of(error)).await,
                        None => Err(()),
                    }
                }
                message = outbound.recv() => {
                    let Some(message) = message else {
                        return self.close(close_code::NORMAL).await;
                    };
                    let receipts = inbound.pending().take_receipts(&message);
                    match serde_json::to_string(&message) {
                        Ok(text) => self.write(text, receipts).await,
                        Err(_) => Err(()),
                    }
                }
                _ = ticks.tick() => {
                    silent_ticks += 1;
                    if silent_ticks > 2 { Err(()) } else { self.ping().await }
                }
            };
            if result.is_err() {
                return;
            }
        }
    }

    async fn on_frame(&mut self, frame: Message, inbound: &InboundSender) -> Result<(), ()> {
        match frame {
            Message::Text(text) => {
                // Written here and not sent to the pipe, because only this task empties the pipe.
                for error in inbound.receive(text.as_bytes()).await.map_err(drop)? {
                    self.socket.send(Message::Text(error.to_text().into())).await.map_err(drop)?;
                }
                Ok(())
            }
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

    /// Confirms the receipts of all answers before the ping that `payload` belongs to.
    fn confirm(&mut self, payload: &[u8]) {
        let Ok(acknowledged) = payload.try_into().map(u64::from_be_bytes) else { return };
        let count = self.unconfirmed.partition_point(|(ping, _)| *ping <= acknowledged);
        let receipts = self.unconfirmed.drain(..count).flat_map(|(_, receipts)| receipts);
        receipts.for_each(Receipt::confirm);
    }

    async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code, reason: "".into() };
        // The error only means that the client has already disconnected.
        let _ = self.socket.send(Message::Close(Some(frame))).await;
    }
}
