//! [`PushStreams`]: the stream of each session at `/mcp/session` that carries messages which answer no
//! request.
//!
//! A client opens it with GET, and again after a change of the network, while its old connection may
//! look open for minutes. rmcp would keep sending to the old one, so the newest stream replaces the
//! others here. Framing and replay are rmcp's.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;
use parking_lot::Mutex;
use rmcp::transport::streamable_http_server::session::SessionId;
use tokio::sync::watch;

use crate::kernel::session::PushStream;

/// Number of slots above which those of ended sessions are removed.
const SPARE_SLOTS: usize = 64;

/// The push streams of all sessions.
#[derive(Default)]
pub struct PushStreams(Mutex<HashMap<SessionId, Arc<StreamSlot>>>);

/// The push stream of one session.
pub struct StreamSlot {
    /// Held while a stream replaces another one, so that two do not replace each other.
    pub replacing: tokio::sync::Mutex<()>,
    current: Mutex<CurrentStream>,
    /// Sends the number of the open stream.
    number: watch::Sender<Option<u64>>,
    stream: PushStream,
}

#[derive(Default)]
struct CurrentStream {
    number: u64,
    /// `None` after another stream has replaced it, and while none is open.
    body: Option<Body>,
    /// Wakes the connection that reads the body.
    reader: Option<Waker>,
}

impl PushStreams {
    /// The slot of a session. `is_open` returns `true` for those that exist.
    pub fn slot(&self, id: &SessionId, is_open: impl Fn(&SessionId) -> bool) -> Arc<StreamSlot> {
        let mut slots = self.0.lock();
        if slots.len() > SPARE_SLOTS && !slots.contains_key(id) {
            slots.retain(|id, _| is_open(id));
        }
        Arc::clone(slots.entry(Arc::clone(id)).or_default())
    }

    /// Ends the open stream of a session.
    pub fn close(&self, id: &SessionId) {
        let slot = self.0.lock().get(id).cloned();
        slot.inspect(|slot| slot.close());
    }
}

impl Default for StreamSlot {
    fn default() -> Self {
        let (number, stream) = PushStream::new();
        Self { replacing: tokio::sync::Mutex::default(), current: Mutex::default(), number, stream }
    }
}

impl StreamSlot {
    pub const fn stream(&self) -> &PushStream {
        &self.stream
    }

    /// Ends the open stream, also if its connection no longer takes any data.
    pub fn close(&self) {
        let mut current = self.current.lock();
        let (body, reader) = (current.body.take(), current.reader.take());
        self.number.send_replace(None);
        drop(current);
        drop(body);
        reader.into_iter().for_each(Waker::wake);
    }

    /// Makes `response` the push stream.
    pub fn open(self: &Arc<Self>, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let mut current = self.current.lock();
        current.number += 1;
        current.body = Some(body);
        let number = current.number;
        self.number.send_replace(Some(number));
        drop(current);
        let body = PushBody { number, slot: Arc::clone(self) };
        Response::from_parts(parts, Body::new(body))
    }
}

/// Returns `true` if a GET with these headers opens the push stream, and does not resume the answer to
/// a request, whose event ids name it behind a slash.
pub fn opens_push_stream(headers: &HeaderMap) -> bool {
    let last_event = headers.get("last-event-id").map_or(&[][..], HeaderValue::as_bytes);
    !last_event.contains(&b'/')
}

/// The body of a push stream. Dropping it closes the stream.
struct PushBody {
    number: u64,
    slot: Arc<StreamSlot>,
}

impl http_body::Body for PushBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut current = self.slot.current.lock();
        let current = &mut *current;
        match &mut current.body {
            Some(body) if current.number == self.number => {
                current.reader = Some(cx.waker().clone());
                Pin::new(body).poll_frame(cx)
            }
            _ => Poll::Ready(None),
        }
    }
}

impl Drop for PushBody {
    fn drop(&mut self) {
        if self.slot.current.lock().number == self.number {
            self.slot.close();
        }
    }
}
