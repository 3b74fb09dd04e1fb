//! [`ReceiptBody`] and [`ReceiptStream`] confirm the receipts of an answer once its last byte is
//! written to the socket of a caller that is still connected.
//!
//! An answer passes two points. The body, [`ReceiptBody`], sees when hyper has taken all of it. In a
//! stream of events, the answer is one event, and a caller may close the connection behind it. The
//! connection, [`ReceiptStream`], sees whether the caller has closed the connection and when
//! hyper's buffer is flushed. Only the flush confirms the receipts. Any earlier failure drops them,
//! which reports the answer as lost.
//!
//! The fate of bytes that the kernel has taken is unknown. A caller that repeats the call with its
//! `message_id` gets the answer again.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::connection_table::{BusyGuard, ConnectionSlot};
use crate::kernel::receipt::{Receipt, ReceiptCollector};

/// Receipts of the answers in a connection's write buffer. Clones share one list.
#[derive(Clone, Default)]
pub struct ConnectionReceipts(Arc<Mutex<Vec<Receipt>>>);

impl ConnectionReceipts {
    /// Adds the receipts of an answer that is about to be written. The next flush confirms them.
    pub fn confirm_on_flush(&self, receipts: Vec<Receipt>) {
        self.0.lock().extend(receipts);
    }

    /// Removes all receipts, so that none is confirmed or dropped while the list is locked.
    fn take_all(&self) -> Vec<Receipt> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Keeps a connection from being evicted, and a call in flight from being cut off at shutdown. A
/// stream has no second guard, because it has no end that shutdown could wait for.
pub(super) type AnswerGuards = (BusyGuard, Option<TaskTrackerToken>);

/// Returns `true` if an event of a stream is the answer to the request.
pub type IsAnswer = fn(&[u8]) -> bool;

/// The body of an answer. With its last frame it passes its receipts on to the connection, in a
/// stream of events with the event that is the answer.
///
/// The tool may add receipts until then. A stream that ends without an answer drops them.
pub struct ReceiptBody {
    body: Body,
    /// `None` if the whole body is the answer.
    is_answer: Option<IsAnswer>,
    /// The receipts and the connection that confirms them.
    receipts: Option<(ReceiptCollector, ConnectionReceipts)>,
    /// Dropped when hyper has taken all of the answer.
    _guards: Option<AnswerGuards>,
}

impl ReceiptBody {
    pub fn new(body: Body, receipts: ReceiptCollector, connection: ConnectionReceipts) -> Self {
        Self { body, is_answer: None, receipts: Some((receipts, connection)), _guards: None }
    }

    /// Looks for the answer among the events of the body. Each frame has one event.
    #[must_use]
    pub fn answered_by(self, is_answer: IsAnswer) -> Self {
        Self { is_answer: Some(is_answer), ..self }
    }

    /// Holds `guards` until hyper has taken all of the body.
    pub(super) fn holding(self, guards: AnswerGuards) -> Self {
        Self { _guards: Some(guards), ..self }
    }
}

/// The body of an answer without content.
impl Default for ReceiptBody {
    fn default() -> Self {
        Body::empty().into()
    }
}

/// The body of an answer without receipts, or one that already contains a [`ReceiptBody`].
impl From<Body> for ReceiptBody {
    fn from(body: Body) -> Self {
        Self { body, is_answer: None, receipts: None, _guards: None }
    }
}

impl ReceiptBody {
    /// Returns `true` if the answer is complete with `frame`.
    fn is_answered(&self, frame: Option<&Result<Frame<Bytes>, axum::Error>>) -> bool {
        match (self.is_answer, frame) {
            // hyper does not poll a body again once `is_end_stream` returns `true`.
            (None, frame) => frame.is_none() || http_body::Body::is_end_stream(&self.body),
            (Some(is_answer), Some(Ok(frame))) => {
                let has_receipts = self.receipts.as_ref().is_some_and(|(list, _)| !list.is_empty());
                has_receipts && frame.data_ref().is_some_and(|event| is_answer(event))
            }
            (Some(_), _) => false,
        }
    }
}

impl http_body::Body for ReceiptBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if self.is_answered(frame.as_ref())
            && let Some((receipts, connection)) = self.receipts.take()
        {
            connection.confirm_on_flush(receipts.close());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

/// A connection that confirms receipts when a flush completes.
pub struct ReceiptStream<S> {
    stream: S,
    receipts: ConnectionReceipts,
    /// Held here, because a WebSocket outlives the HTTP connection.
    _slot: ConnectionSlot,
}

/// A stream that knows whether the peer has closed it.
pub trait PeerStatus {
    /// Returns `true` if the peer is known to have closed the stream. Consumes no data.
    fn is_closed(&self) -> bool;
}

impl PeerStatus for TcpStream {
    /// Peeks into the socket, because tokio only knows the state of the last poll.
    fn is_closed(&self) -> bool {
        match SockRef::from(self).peek(&mut [MaybeUninit::uninit()]) {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

impl<S: PeerStatus> ReceiptStream<S> {
    pub fn new(stream: S, receipts: ConnectionReceipts, slot: ConnectionSlot) -> Self {
        Self { stream, receipts, _slot: slot }
    }

    /// Drops the receipts of the answer that is about to be written if the caller has disconnected.
    ///
    /// The check precedes the write, because a caller may close the connection as soon as it has
    /// read the answer.
    fn drop_receipts_if_closed(&self) {
        if !self.receipts.0.lock().is_empty() && self.stream.is_closed() {
            drop(self.receipts.take_all());
        }
    }
}

impl<S: AsyncWrite + PeerStatus + Unpin> AsyncWrite for ReceiptStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.drop_receipts_if_closed();
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.receipts.take_all().into_iter().for_each(Receipt::confirm);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.drop_receipts_if_closed();
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReceiptStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream::iter;
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn receipt_of_a_stream_is_passed_on_with_the_answer_only() {
        let events = ["progress", "answer", "later"];
        for (count, is_passed_on) in [(1, false), (2, true)] {
            let (collector, connection) = (ReceiptCollector::new(), ConnectionReceipts::default());
            let lost = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&lost);
            collector.handle().put(Receipt::new(move |delivered| {
                counter.fetch_add(usize::from(!delivered), Ordering::Relaxed);
            }));
            let frames = iter(events.map(|event| Ok::<_, Infallible>(Bytes::from(event))));
            let body = ReceiptBody::new(Body::from_stream(frames), collector, connection.clone());
            let mut body = body.answered_by(|event| event == b"answer");
            for _ in 0..count {
                body.frame().await.expect("an event").expect("readable");
            }
            assert_eq!(connection.0.lock().len(), usize::from(is_passed_on));
            drop(body);
            assert_eq!(lost.load(Ordering::Relaxed), usize::from(!is_passed_on));
        }
    }

    #[tokio::test]
    async fn receipt_of_a_stream_that_ends_without_an_answer_is_lost() {
        let (collector, connection) = (ReceiptCollector::new(), ConnectionReceipts::default());
        collector.handle().put(Receipt::none());
        let body = ReceiptBody::new(Body::from("progress"), collector, connection.clone());
        body.answered_by(|_| false).collect().await.expect("readable");
        assert!(connection.0.lock().is_empty());
    }
}
