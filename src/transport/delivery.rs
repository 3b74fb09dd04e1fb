//! Watches an answer out of the door: its receipts are confirmed when its last byte went to the
//! socket of a caller who is still there.
//!
//! An answer passes two points. [`Watched`], its body, sees it handed to hyper; [`Tracked`], the
//! connection, sees hyper's buffer flushed. Only then are the receipts confirmed. Whatever goes
//! wrong before drops them, which counts as lost. What happens to bytes after the kernel has them
//! nobody can see; a caller who repeats the call with its `message_id` gets the answer again.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::kernel::delivery::{Receipt, ReceiptSlot};

/// Receipts of answers that are in a connection's write buffer. Clones share the same list.
#[derive(Clone, Default)]
pub struct ConnectionReceipts(Arc<Mutex<Vec<Receipt>>>);

/// An answer's body that passes its receipts on to the connection with its last frame.
pub struct Watched {
    body: Body,
    slot: ReceiptSlot,
    connection: ConnectionReceipts,
}

impl Watched {
    pub fn new(body: Body, slot: ReceiptSlot, connection: ConnectionReceipts) -> Self {
        Self { body, slot, connection }
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // hyper does not poll again once the body says that it has ended.
        if frame.is_none() || http_body::Body::is_end_stream(&self.body) {
            self.connection.0.lock().append(&mut self.slot.take());
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
pub struct Tracked<S> {
    stream: S,
    receipts: ConnectionReceipts,
}

/// A stream that can tell whether the other side has closed it.
pub trait Peer {
    /// Whether the peer is known to be gone. Consumes nothing.
    fn is_gone(&self, cx: &mut Context<'_>) -> bool;
}

impl Peer for TcpStream {
    fn is_gone(&self, cx: &mut Context<'_>) -> bool {
        let mut byte = [0];
        let mut peeked = ReadBuf::new(&mut byte);
        matches!(self.poll_peek(cx, &mut peeked), Poll::Ready(Ok(0) | Err(_)))
    }
}

impl<S> Tracked<S> {
    pub fn new(stream: S, receipts: ConnectionReceipts) -> Self {
        Self { stream, receipts }
    }
}

impl<S: AsyncWrite + Peer + Unpin> AsyncWrite for Tracked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        let written = std::mem::take(&mut *self.receipts.0.lock());
        if !written.is_empty() && !self.stream.is_gone(cx) {
            written.into_iter().for_each(Receipt::confirm);
        }
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
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tracked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}
