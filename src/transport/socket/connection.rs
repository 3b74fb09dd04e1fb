//! [`ServerSocket`]: moves messages between a client and a [`SocketSession`].

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::frames::FrameObserver;
use super::{SocketClose, SocketMessage, SocketSession};
use crate::kernel::receipt::Receipt;

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

/// The server's end of a WebSocket.
pub struct ServerSocket<S> {
    stream: WebSocketStream<FrameObserver<S>>,
    /// Receipts of the messages that no pong confirms yet, by the sequence number of the ping after
    /// them.
    unconfirmed: VecDeque<(u64, Vec<Receipt>)>,
    /// Sequence number of the last ping.
    ping_seq: u64,
}

/// Why a socket stops.
enum SocketEnd {
    /// The server closes the connection, and the client is to acknowledge that.
    Close(SocketClose),
    /// The client has broken a rule of the protocol, so that its next bytes mean nothing.
    Fail(SocketClose),
    /// The client closes the connection, and the server acknowledges that.
    Closed,
    /// The connection is broken.
    Lost,
}

impl From<SocketClose> for SocketEnd {
    fn from(close: SocketClose) -> Self {
        Self::Close(close)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ServerSocket<S> {
    /// Starts the server's end on a connection after the opening handshake.
    pub(super) async fn new(stream: S, max_message_bytes: usize) -> Self {
        // A frame has its own limit, because its announced size is reserved before its bytes arrive.
        let config = WebSocketConfig::default()
            .max_message_size(Some(max_message_bytes))
            .max_frame_size(Some(max_message_bytes))
            .read_buffer_size(READ_BUFFER_BYTES);
        let stream = FrameObserver::new(stream);
        let stream = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        Self { stream, unconfirmed: VecDeque::new(), ping_seq: 0 }
    }

    /// Moves messages until the client or the session ends, and closes the connection.
    pub async fn serve(self, session: impl SocketSession) {
        let ended = session.ended();
        let is_stuck = async {
            ended.cancelled().await;
            sleep(END_TIMEOUT).await;
        };
        tokio::select! {
            () = self.run(session) => {}
            () = is_stuck => {}
        }
    }

    async fn run(mut self, mut session: impl SocketSession) {
        let mut ticks = interval(PING_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_ticks = 0;
        let end = loop {
            let result = tokio::select! {
                frame = self.stream.next() => {
                    silent_ticks = 0;
                    match frame {
                        Some(Ok(frame)) => self.on_frame(frame, &mut session).await,
                        Some(Err(WsError::Io(_))) | None => Err(SocketEnd::Lost),
                        Some(Err(error)) => {
                            let is_control_frame = self.stream.get_ref().is_in_control_frame();
                            Err(SocketEnd::Fail(close_of(&error, is_control_frame)))
                        }
                    }
                }
                message = session.next() => match message {
                    Ok(message) => self.write(message).await,
                    Err(close) => Err(close.into()),
                },
                _ = ticks.tick() => {
                    silent_ticks += 1;
                    if silent_ticks > 2 { Err(SocketEnd::Lost) } else { self.ping().await }
                }
            };
            if let Err(end) = result {
                break end;
            }
        };
        // Ends the session before the handshake, which may take a while.
        drop(session);
        if !matches!(end, SocketEnd::Close(_)) {
            self.unconfirmed.clear();
        }
        let _ = timeout(CLOSE_TIMEOUT, self.end(end)).await;
    }

    /// Closes the connection as RFC 6455 demands. An error only means that the client has already
    /// disconnected.
    async fn end(&mut self, end: SocketEnd) {
        match end {
            SocketEnd::Lost => return,
            // Reading sends the acknowledgment.
            SocketEnd::Closed => while let Some(Ok(_)) = self.stream.next().await {},
            SocketEnd::Close(close) => {
                let _ = self.stream.send(close_frame(close)).await;
                // The client still acknowledges the messages before the close frame.
                while let Some(Ok(frame)) = self.stream.next().await {
                    if let Message::Pong(payload) = frame {
                        self.confirm(&payload);
                    }
                }
                self.unconfirmed.clear();
            }
            SocketEnd::Fail(close) => {
                let _ = self.stream.send(close_frame(close)).await;
            }
        }
        // A socket that is dropped with unread bytes resets the connection, and the client may lose
        // the close frame.
        let stream = self.stream.get_mut();
        let _ = stream.shutdown().await;
        let mut discarded = [0; 1024];
        while stream.read(&mut discarded).await.is_ok_and(|bytes| bytes > 0) {}
    }

    async fn on_frame(
        &mut self,
        frame: Message,
        session: &mut impl SocketSession,
    ) -> Result<(), SocketEnd> {
        match frame {
            Message::Text(text) => {
                for answer in session.receive(text.as_str()).await? {
                    self.send(Message::Text(answer.into())).await?;
                }
                Ok(())
            }
            Message::Pong(payload) => {
                self.confirm(&payload);
                Ok(())
            }
            Message::Ping(_) | Message::Frame(_) => Ok(()),
            Message::Binary(_) => Err(close_with(CloseCode::Unsupported).into()),
            Message::Close(_) => Err(SocketEnd::Closed),
        }
    }

    async fn write(&mut self, message: SocketMessage) -> Result<(), SocketEnd> {
        let SocketMessage { text, receipts } = message;
        self.send(Message::Text(text.into())).await?;
        if receipts.is_empty() {
            return Ok(());
        }
        self.ping().await?;
        self.unconfirmed.push_back((self.ping_seq, receipts));
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), SocketEnd> {
        self.ping_seq += 1;
        let payload = Bytes::copy_from_slice(&self.ping_seq.to_be_bytes());
        self.send(Message::Ping(payload)).await
    }

    async fn send(&mut self, frame: Message) -> Result<(), SocketEnd> {
        self.stream.send(frame).await.map_err(|_| SocketEnd::Lost)
    }

    /// Confirms the receipts of all messages before the ping that `payload` belongs to.
    fn confirm(&mut self, payload: &[u8]) {
        let Ok(acknowledged) = payload.try_into().map(u64::from_be_bytes) else { return };
        let count = self.unconfirmed.partition_point(|(ping, _)| *ping <= acknowledged);
        let receipts = self.unconfirmed.drain(..count).flat_map(|(_, receipts)| receipts);
        receipts.for_each(Receipt::confirm);
    }
}

/// The close that tells a client which limit or rule its frame has broken.
fn close_of(error: &WsError, is_control_frame: bool) -> SocketClose {
    close_with(match error {
        // RFC 6455 itself limits control frames.
        WsError::Capacity(_) if is_control_frame => CloseCode::Protocol,
        WsError::Capacity(_) => CloseCode::Size,
        WsError::Utf8(_) => CloseCode::Invalid,
        _ => CloseCode::Protocol,
    })
}

fn close_with(code: CloseCode) -> SocketClose {
    SocketClose::code(code.into())
}

fn close_frame(close: SocketClose) -> Message {
    let SocketClose { code, reason } = close;
    Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))
}
