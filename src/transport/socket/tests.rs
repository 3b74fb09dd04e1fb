//! A [`ServerSocket`] with a session that echoes, over a stream in memory on a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};
use tokio_util::sync::CancellationToken;

use super::connection::ServerSocket;
use super::{SocketClose, SocketMessage, SocketSession};
use crate::kernel::receipt::Receipt;

/// Size limit of a message in these tests.
const LIMIT: usize = 300;
/// Size of the buffer between the ends: a client that reads nothing blocks the server soon.
const BUFFER: usize = 256;
const SLOW_READER: SocketClose = SocketClose { code: 4408, reason: "slow reader" };

/// Answers each text with itself, and sends what the test passes to it.
struct EchoSession {
    outgoing: mpsc::UnboundedReceiver<Result<SocketMessage, SocketClose>>,
    ended: CancellationToken,
    is_dropped: Arc<AtomicBool>,
}

impl SocketSession for EchoSession {
    async fn receive(&mut self, text: &str) -> Result<Vec<String>, SocketClose> {
        if text == "bye" { Err(SocketClose::NORMAL) } else { Ok(vec![text.to_owned()]) }
    }

    async fn next(&mut self) -> Result<SocketMessage, SocketClose> {
        self.outgoing.recv().await.unwrap_or(Err(SocketClose::AWAY))
    }

    fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl Drop for EchoSession {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Relaxed);
    }
}

struct SocketFixture {
    client: WebSocketStream<DuplexStream>,
    outgoing: mpsc::UnboundedSender<Result<SocketMessage, SocketClose>>,
    ended: CancellationToken,
    is_dropped: Arc<AtomicBool>,
    server: JoinHandle<()>,
}

impl SocketFixture {
    async fn new() -> Self {
        let (near, far) = duplex(BUFFER);
        let (outgoing, received) = mpsc::unbounded_channel();
        let (ended, is_dropped) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let session = EchoSession {
            outgoing: received,
            ended: ended.clone(),
            is_dropped: Arc::clone(&is_dropped),
        };
        let server =
            tokio::spawn(async move { ServerSocket::new(far, LIMIT).await.serve(session).await });
        let client = WebSocketStream::from_raw_socket(near, Role::Client, None).await;
        Self { client, outgoing, ended, is_dropped, server }
    }

    /// Sends a text with a receipt; the returned list gets the fate of the receipt.
    fn push(&self, text: &str) -> Arc<Mutex<Vec<bool>>> {
        let fates = Arc::new(Mutex::new(Vec::new()));
        let reported = Arc::clone(&fates);
        let receipts = vec![Receipt::new(move |delivered| reported.lock().push(delivered))];
        let message = SocketMessage { text: text.to_owned(), receipts };
        assert!(self.outgoing.send(Ok(message)).is_ok(), "the session is open");
        fates
    }

    /// The next text of the server.
    async fn text(&mut self) -> String {
        loop {
            match self.client.next().await.expect("a frame").expect("a valid frame") {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads until the server closes: the code and the reason of its close frame.
    async fn close(&mut self) -> Option<(u16, String)> {
        let mut close = None;
        while let Some(Ok(frame)) = self.client.next().await {
            if let Message::Close(Some(frame)) = frame {
                close = Some((frame.code.into(), frame.reason.to_string()));
            }
        }
        close
    }
}

fn code(close: Option<(u16, String)>) -> Option<u16> {
    close.map(|(code, _)| code)
}

#[tokio::test(start_paused = true)]
async fn socket_carries_texts_of_any_protocol_in_both_directions() {
    let mut fixture = SocketFixture::new().await;
    fixture.client.send("not JSON".into()).await.expect("sent");
    assert_eq!(fixture.text().await, "not JSON");
    let fates = fixture.push("pushed");
    assert_eq!(fixture.text().await, "pushed");
    assert!(fates.lock().is_empty(), "a written message is not a read one");
    // The pong precedes the next text.
    fixture.client.send("after".into()).await.expect("sent");
    while fixture.text().await != "after" {}
    fixture.client.send("again".into()).await.expect("sent");
    assert_eq!(fixture.text().await, "again");
    assert_eq!(*fates.lock(), [true]);
}

#[tokio::test(start_paused = true)]
async fn socket_closes_with_the_code_and_reason_of_the_session() {
    let mut fixture = SocketFixture::new().await;
    assert!(fixture.outgoing.send(Err(SLOW_READER)).is_ok());
    assert_eq!(fixture.close().await, Some((4408, "slow reader".to_owned())));
    let mut fixture = SocketFixture::new().await;
    fixture.client.send("bye".into()).await.expect("sent");
    assert_eq!(fixture.close().await, Some((1000, String::new())));
}

#[tokio::test(start_paused = true)]
async fn socket_ends_the_session_before_the_closing_handshake() {
    let fixture = SocketFixture::new().await;
    assert!(fixture.outgoing.send(Err(SocketClose::AWAY)).is_ok());
    // The client reads and acknowledges nothing.
    while !fixture.is_dropped.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    assert!(!fixture.server.is_finished());
    timeout(Duration::from_secs(2), fixture.server).await.expect("in time").expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn socket_enforces_the_limit_of_its_user() {
    let mut fixture = SocketFixture::new().await;
    let largest = "x".repeat(LIMIT);
    fixture.client.send(largest.clone().into()).await.expect("sent");
    assert_eq!(fixture.text().await, largest);
    fixture.client.send("x".repeat(LIMIT + 1).into()).await.expect("sent");
    assert_eq!(code(fixture.close().await), Some(1009));
}

#[tokio::test(start_paused = true)]
async fn socket_rejects_binary_messages_and_large_control_frames() {
    let mut fixture = SocketFixture::new().await;
    fixture.client.send(Message::Binary("x".into())).await.expect("sent");
    assert_eq!(code(fixture.close().await), Some(1003));
    let mut fixture = SocketFixture::new().await;
    let ping = [0x89, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4];
    fixture.client.get_mut().write_all(&ping).await.expect("sent");
    assert_eq!(code(fixture.close().await), Some(1002), "not 1009");
}

#[tokio::test(start_paused = true)]
async fn socket_drops_a_silent_client_after_two_pings() {
    let fixture = SocketFixture::new().await;
    // This client answers no ping, because it does not read.
    let fates = fixture.push("lost");
    let SocketFixture { server, client: _client, .. } = fixture;
    tokio::pin!(server);
    assert!(timeout(Duration::from_secs(59), &mut server).await.is_err());
    timeout(Duration::from_secs(2), &mut server).await.expect("in time").expect("no panic");
    assert_eq!(*fates.lock(), [false]);
}

#[tokio::test(start_paused = true)]
async fn socket_of_a_client_that_reads_nothing_ends_with_the_session() {
    let fixture = SocketFixture::new().await;
    let fates = fixture.push(&"x".repeat(2 * BUFFER));
    tokio::task::yield_now().await;
    fixture.ended.cancel();
    timeout(Duration::from_secs(2), fixture.server).await.expect("in time").expect("no panic");
    assert_eq!(*fates.lock(), [false]);
}
