//! [`connect`] serves a live session over a WebSocket, with one MCP message per text frame.
//!
//! A client answers pings in order. The pong to a ping that follows an answer therefore proves that
//! the client has read the answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::endpoint::draining_response;
use super::session_pipe::{ClientHalf, InboundSender};
use super::state::McpState;
use super::ws_frames::FrameObserver;
use crate::kernel::principal::Principal;
use crate::kernel::receipt::Receipt;
use crate::transport::http::connection::ConnectionInfo;
use crate::transport::http::limits::MAX_BODY_BYTES;

/// Interval of the pings to the client. After two intervals without a frame the connection is
/// closed.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Time for the closing handshake, and for a client to stop sending after it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Time for the end of a session, after which the connection of a client that reads nothing is dropped.
const END_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Size of the read buffer, in bytes. Every connection holds one for its lifetime. The default of
/// 128 KiB is also overwritten at each read. A larger message grows the buffer temporarily.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// The subprotocol that the server selects if the client offers it.
const SUBPROTOCOL: &str = "mcp";

/// Answers a request to `/mcp/ws`.
pub async fn connect(
    State(state): State<Arc<McpState>>,
    Extension(connection): Extension<ConnectionInfo>,
    Extension(principal): Extension<Arc<Principal>>,
    mut request: Request,
) -> Response {
    if let Some(rejection) = draining_response(&state, request.headers()) {
        return rejection;
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let mut response = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => return handshake_rejection(&error),
    };
    if offers_subprotocol(request.headers()) {
        let name = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    let network = state.client_network(&connection, request.headers());
    let sockets = state.sockets.clone();
    sockets.spawn(async move {
        let Some(socket) = open(upgrade).await else { return };
        let pipe = state.session_pipes.open(network, principal);
        let ended = pipe.ended.clone();
        let is_stuck = async {
            ended.cancelled().await;
            sleep(END_TIMEOUT).await;
        };
        let session = WsSession { socket, unconfirmed: VecDeque::new(), ping_seq: 0 };
        tokio::select! {
            () = session.run(pipe) => {}
            () = is_stuck => {}
        }
    });
    response
}

/// Waits until the connection carries frames. `None` if it closes before.
async fn open(upgrade: OnUpgrade) -> Option<ServerSocket> {
    let stream = FrameObserver::new(TokioIo::new(upgrade.await.ok()?));
    // A frame has its own limit, because its announced size is reserved before its bytes arrive.
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_BODY_BYTES))
        .max_frame_size(Some(MAX_BODY_BYTES))
        .read_buffer_size(READ_BUFFER_BYTES);
    Some(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await)
}

/// The response to a request that is no valid upgrade to a WebSocket.
fn handshake_rejection(error: &WsError) -> Response {
    let upgrade = [
        (header::CONNECTION, "upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
    ];
    match error {
        WsError::Protocol(ProtocolError::WrongHttpMethod) => {
            (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response()
        }
        WsError::Protocol(
            ProtocolError::MissingConnectionUpgradeHeader
            | ProtocolError::MissingUpgradeWebSocketHeader
            | ProtocolError::MissingSecWebSocketVersionHeader,
        ) => {
            let message = "This path needs an upgrade to version 13 of the WebSocket protocol\n";
            (StatusCode::UPGRADE_REQUIRED, upgrade, message).into_response()
        }
        _ => (StatusCode::BAD_REQUEST, "The WebSocket handshake is invalid\n").into_response(),
    }
}

fn offers_subprotocol(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let names = lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(','));
    names.into_iter().any(|name| name.trim() == SUBPROTOCOL)
}

/// The close code that tells a client which limit or rule its frame has broken.
fn close_code_of(error: &WsError, is_control_frame: bool) -> CloseCode {
    match error {
        // RFC 6455 itself limits control frames.
        WsError::Capacity(_) if is_control_frame => CloseCode::Protocol,
        WsError::Capacity(_) => CloseCode::Size,
        WsError::Utf8(_) => CloseCode::Invalid,
        _ => CloseCode::Protocol,
    }
}

type ServerSocket = WebSocketStream<FrameObserver<TokioIo<Upgraded>>>;

struct WsSession {
    socket: ServerSocket,
    /// Receipts of the answers that no pong confirms yet, by the sequence number of the ping after
    /// them.
    unconfirmed: VecDeque<(u64, Vec<Receipt>)>,
    /// Sequence number of the last ping.
    ping_seq: u64,
}

/// Why a session ends.
enum End {
    /// The server closes the connection, and the client is to acknowledge that.
    Close(CloseCode),
    /// The client has broken a rule of the protocol, so that its next bytes mean nothing.
    Fail(CloseCode),
    /// The client closes the connection, and the server acknowledges that.
    Closed,
    /// The connection is broken.
    Lost,
    /// The server has ended the session.
    Ended,
}

impl WsSession {
    /// Moves messages until the client or the server ends the session.
    async fn run(mut self, pipe: ClientHalf) {
        let ClientHalf { inbound, mut outbound, guard, ending, .. } = pipe;
        let mut ticks = interval(PING_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_ticks = 0;
        let end = loop {
            let result = tokio::select! {
                frame = self.socket.next() => {
                    silent_ticks = 0;
                    match frame {
                        Some(Ok(frame)) => self.on_frame(frame, &inbound).await,
                        Some(Err(WsError::Io(_))) | None => Err(End::Lost),
                        Some(Err(error)) => {
                            let is_control_frame = self.socket.get_ref().is_in_control_frame();
                            Err(End::Fail(close_code_of(&error, is_control_frame)))
                        }
                    }
                }
                message = outbound.recv() => match message {
                    Some(message) => {
                        let receipts = inbound.pending().take_receipts(&message);
                        match serde_json::to_string(&message) {
                            Ok(text) => self.write(text, receipts).await,
                            Err(_) => Err(End::Close(CloseCode::Error)),
                        }
                    }
                    None => Err(End::Ended),
                },
                _ = ticks.tick() => {
                    silent_ticks += 1;
                    if silent_ticks > 2 { Err(End::Lost) } else { self.ping().await }
                }
            };
            if let Err(end) = result {
                break match end {
                    // The instance stops or drains, or the session did not begin.
                    End::Ended if ending.is_cancelled() => End::Close(CloseCode::Away),
                    End::Ended => End::Close(CloseCode::Normal),
                    end => end,
                };
            }
        };
        // Ends the session before the handshake, which may take a while.
        drop((guard, outbound));
        if !matches!(end, End::Close(_)) {
            self.unconfirmed.clear();
        }
        let _ = timeout(CLOSE_TIMEOUT, self.end(end)).await;
    }

    /// Closes the connection as RFC 6455 demands. An error only means that the client has already
    /// disconnected.
    async fn end(&mut self, end: End) {
        match end {
            End::Lost | End::Ended => return,
            // Reading sends the acknowledgment.
            End::Closed => while let Some(Ok(_)) = self.socket.next().await {},
            End::Close(code) => {
                let _ = self.socket.send(close_frame(code)).await;
                // The client still acknowledges the answers before the close frame.
                while let Some(Ok(frame)) = self.socket.next().await {
                    if let Message::Pong(payload) = frame {
                        self.confirm(&payload);
                    }
                }
                self.unconfirmed.clear();
            }
            End::Fail(code) => {
                let _ = self.socket.send(close_frame(code)).await;
            }
        }
        // A socket that is dropped with unread bytes resets the connection, and the client may lose
        // the close frame.
        let stream = self.socket.get_mut();
        let _ = stream.shutdown().await;
        let mut discarded = [0; 1024];
        while stream.read(&mut discarded).await.is_ok_and(|bytes| bytes > 0) {}
    }

    async fn on_frame(&mut self, frame: Message, inbound: &InboundSender) -> Result<(), End> {
        match frame {
            Message::Text(text) => {
                // Written here and not sent to the pipe, because only this task empties the pipe.
                let errors = inbound.receive(text.as_bytes()).await.map_err(|_| End::Ended)?;
                for error in errors {
                    self.send(Message::Text(error.to_text().into())).await?;
                }
                Ok(())
            }
            Message::Pong(payload) => {
                self.confirm(&payload);
                Ok(())
            }
            Message::Ping(_) | Message::Frame(_) => Ok(()),
            Message::Binary(_) => Err(End::Close(CloseCode::Unsupported)),
            Message::Close(_) => Err(End::Closed),
        }
    }

    async fn write(&mut self, text: String, receipts: Vec<Receipt>) -> Result<(), End> {
        self.send(Message::Text(text.into())).await?;
        if receipts.is_empty() {
            return Ok(());
        }
        self.ping().await?;
        self.unconfirmed.push_back((self.ping_seq, receipts));
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.ping_seq += 1;
        let payload = Bytes::copy_from_slice(&self.ping_seq.to_be_bytes());
        self.send(Message::Ping(payload)).await
    }

    async fn send(&mut self, frame: Message) -> Result<(), End> {
        self.socket.send(frame).await.map_err(|_| End::Lost)
    }

    /// Confirms the receipts of all answers before the ping that `payload` belongs to.
    fn confirm(&mut self, payload: &[u8]) {
        let Ok(acknowledged) = payload.try_into().map(u64::from_be_bytes) else { return };
        let count = self.unconfirmed.partition_point(|(ping, _)| *ping <= acknowledged);
        let receipts = self.unconfirmed.drain(..count).flat_map(|(_, receipts)| receipts);
        receipts.for_each(Receipt::confirm);
    }
}

fn close_frame(code: CloseCode) -> Message {
    Message::Close(Some(CloseFrame { code, reason: "".into() }))
}
