//! Watches an answer out of the door: its receipts are confirmed when its last byte went to the
//! socket of a caller who is still there.
//!
//! An answer passes two points. [`Watched`], its body, sees it handed to hyper; [`Tracked`], the
//! connection, sees whether the caller is still there and hyper's buffer flushed. Only then are the
//! receipts confirmed. Whatever goes wrong before drops them, which counts as lost. What happens to
//! bytes after the kernel has them nobody can see; a caller who repeats the call with its `message_id` gets the answer again.

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

use crate::kernel::receipt::{Receipt, ReceiptCollector};

/// Receipts of answers that are in a connection's write buffer. Clones share the same list.
#[derive(Clone, Default)]
pub struct ConnectionReceipts(Arc<Mutex<Vec<Receipt>>>);

impl ConnectionReceipts {
    /// Has receipts confirmed with the next flush: their answer is about to be written.
    pub fn confirm_on_flush(&self, receipts: Vec<Receipt>) {
        self.0.lock().extend(receipts);
    }

    /// Takes all out, so that none is confirmed or dropped while the list is locked.
    fn take_all(&self) -> Vec<Receipt> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// An answer's body that passes its receipts on to the connection with its last frame.
///
/// A streamed answer ends with its tool's, so receipts may still come until then.
pub struct ReceiptBody {
    body: Body,
    /// With where they go.
    receipts: Option<(ReceiptCollector, ConnectionReceipts)>,
}

impl ReceiptBody {
    pub fn new(body: Body, receipts: ReceiptCollector, connection: ConnectionReceipts) -> Self {
        Self { body, receipts: Some((receipts, connection)) }
    }
}

/// An answer that nobody waits for a receipt of, or that is watched already.
impl From<Body> for ReceiptBody {
    fn from(body: Body) -> Self {
        Self { body, receipts: None }
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
        // hyper does not poll again once the body says that it has ended.
        if (frame.is_none() || http_body::Body::is_end_stream(&self.body))
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

/// A connection that confirms receipts when it is flushed.
pub struct ReceiptStream<S> {
    stream: S,
    receipts: ConnectionReceipts,
}

/// A stream that can tell whether the other side has closed it.
pub trait PeerStatus {
    /// Whether the peer is known to be gone. Consumes nothing.
    fn is_closed(&self) -> bool;
}

impl PeerStatus for TcpStream {
    /// Asks the system: tokio only knows what the last poll told it.
    fn is_closed(&self) -> bool {
        match SockRef::from(self).peek(&mut [MaybeUninit::uninit()]) {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

impl<S: PeerStatus> ReceiptStream<S> {
    pub fn new(stream: S, receipts: ConnectionReceipts) -> Self {
        Self { stream, receipts }
    }

    /// Gives up the answer that is about to be written if its caller has already hung up.
    ///
    /// Looked at before writing: a caller may well close the connection as soon as they have read
    /// the answer.
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
