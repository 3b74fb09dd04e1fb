//! [`serve`] accepts connections and serves HTTP/1.1 on them, within [`ConnectionLimits`], until
//! shutdown.
//!
//! Which response a request gets is the [`RequestHandler`]'s decision and must not be made here.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::evicted_response;
use super::body_budget::BodyBudget;
use super::connection::ConnectionInfo;
use super::connection_table::{BusyGuard, ConnectionSlot, ConnectionTable};
use super::limits::{ConnectionLimits, MAX_HEAD_BYTES, UNREAD_GRACE};
use super::receipts::{ConnectionReceipts, ReceiptBody, ReceiptStream};
use super::timer::SharedTimer;
use crate::kernel::client_network::ClientNetwork;
use crate::kernel::clock::Stopwatch;
use crate::kernel::failure_log::RepeatCounter;

/// Header that disables the response buffer of nginx.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Pause before the next `accept` when the system is out of resources for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Number of connections that may wait to be accepted. The system drops the first packet of others,
/// which delays them by a second, and limits this number itself.
const BACKLOG: u32 = 4_096;

/// Listens on `address`.
///
/// # Errors
/// Returns an error if the address can't be bound.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers the requests of all connections.
pub trait RequestHandler: Send + Sync + 'static {
    /// Answers a request that arrived on `connection`.
    fn handle(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> impl Future<Output = Response<ReceiptBody>> + Send;
}

/// Answers requests on `listener` with `handler` until `shutdown`, then waits up to
/// `limits.shutdown_grace` for calls in flight, and up to [`UNREAD_GRACE`] for a request that has
/// not arrived whole.
pub async fn serve<H: RequestHandler>(
    listener: TcpListener,
    handler: Arc<H>,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    let table = ConnectionTable::new(&limits);
    let bodies = BodyBudget::new(limits.max_bodies_bytes);
    let connections = TaskTracker::new();
    let (since_start, mut failures) = (Stopwatch::start(), RepeatCounter::default());
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &table, &shutdown) => accepted,
        };
        match accepted {
            Ok(accepted) => {
                let (handler, bodies) = (Arc::clone(&handler), Arc::clone(&bodies));
                connections.spawn(serve_connection(accepted, bodies, handler, limits));
            }
            // The caller gave up before the connection was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // The process is probably out of file descriptors; closing connections free some.
                if let Some(failures) = failures.record(since_start.elapsed()) {
                    let code = error.raw_os_error();
                    tracing::warn!(code, failures, "failed to accept a connection");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if timeout(limits.shutdown_grace, connections.wait()).await.is_err() {
        tracing::warn!("shutdown timed out with connections still open");
    }
}

/// Returns `true` if a response is a stream of events.
pub(in crate::transport) fn is_event_stream<B>(response: &Response<B>) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|value| value.starts_with(b"text/event-stream"))
}

/// A connection that has been accepted.
struct Accepted {
    stream: TcpStream,
    peer: IpAddr,
    slot: ConnectionSlot,
    /// Cancelled by shutdown and when the connection is evicted.
    stop: CancellationToken,
}

/// Accepts a connection, and returns it once it may open. Callers beyond the limit stay in the
/// backlog.
async fn accept(
    listener: &TcpListener,
    table: &Arc<ConnectionTable>,
    shutdown: &CancellationToken,
) -> io::Result<Accepted> {
    let (stream, address) = listener.accept().await?;
    // Connections are evicted only for one that exists.
    let permit = table.permit().await;
    // Answers are small and written in one go, so that waiting to fill a packet would only delay
    // them. Setting the option fails on a broken connection, which the next read reports anyway.
    let _ = stream.set_nodelay(true);
    let peer = address.ip();
    // Each connection has a child token, because polling one shared token would make all
    // connections contend for its lock.
    let stop = shutdown.child_token();
    let slot = table.add(ClientNetwork::from_ip(peer), permit, stop.clone());
    Ok(Accepted { stream, peer, slot, stop })
}

/// Serves one connection until the caller closes it or it is evicted, or finishes the call in
/// flight at shutdown.
async fn serve_connection<H: RequestHandler>(
    accepted: Accepted,
    bodies: Arc<BodyBudget>,
    handler: Arc<H>,
    limits: ConnectionLimits,
) {
    let (timer, mut first_byte) = (SharedTimer::default(), [0]);
    // Peeks, because a new socket may be reported as readable before it is.
    let has_data = tokio::select! {
        biased;
        () = accepted.stop.cancelled() => false,
        peeked = accepted.stream.peek(&mut first_byte) => peeked.is_ok(),
        () = timer.deadline_after(limits.first_byte_timeout) => false,
    };
    if has_data {
        // Boxed, because a silent connection must take as little memory as possible.
        Box::pin(serve_requests(accepted, timer, bodies, handler, limits)).await;
    }
}

/// Serves the requests of a connection that has sent its first byte.
async fn serve_requests<H: RequestHandler>(
    accepted: Accepted,
    timer: SharedTimer,
    bodies: Arc<BodyBudget>,
    handler: Arc<H>,
    limits: ConnectionLimits,
) {
    let Accepted { stream, peer, slot, stop } = accepted;
    let (receipts, state) = (ConnectionReceipts::default(), Arc::clone(slot.state()));
    let mut stream = TimeoutWriter::new(ReceiptStream::new(stream, receipts.clone(), slot));
    stream.set_timeout(Some(limits.write_timeout));
    let calls = TaskTracker::new();
    let info = ConnectionInfo {
        peer,
        receipts,
        calls: calls.clone(),
        timer: timer.clone(),
        shutdown: stop.clone(),
        state: Arc::clone(&state),
        bodies,
    };
    // One `Arc` per connection, because counting references in an `Arc` shared by all connections
    // would make their threads contend.
    let shared = Arc::new((handler, info));
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        // Boxed, because an unboxed future would reserve its size in every connection, idle or not.
        Box::pin(async move {
            let (handler, info) = &*shared;
            let Some(busy) = BusyGuard::new(&info.state) else {
                return Ok::<_, Infallible>(evicted_response().map(ReceiptBody::from));
            };
            let (in_flight, is_get) = (info.calls.token(), request.method() == Method::GET);
            let mut response = handler.handle(request, info).await;
            let streams = is_event_stream(&response);
            if streams {
                // Makes nginx pass each event on, where its buffer would hold events back.
                let unbuffered = HeaderValue::from_static("no");
                response.headers_mut().insert(ACCEL_BUFFERING, unbuffered);
            }
            // A stream that a client opens has no end that shutdown could wait for.
            let in_flight = (!streams || !is_get).then_some(in_flight);
            Ok(response.map(|body| body.holding((busy, in_flight))))
        })
    });
    let connection = http1::Builder::new()
        .timer(timer)
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            if state.is_evicted() {
                return;
            }
            connection.as_mut().graceful_shutdown();
            match timeout(UNREAD_GRACE, connection.as_mut()).await {
                Ok(result) => result,
                // The head of a request is unfinished, or a client does not read its stream.
                Err(_) if calls.is_empty() => Ok(()),
                Err(_) => connection.await,
            }
        }
    };
    // The caller causes these errors: a broken request head, a reset, a timeout. The message may
    // quote the request, so it is not logged.
    if result.is_err() {
        tracing::debug!("connection closed with an error");
    }
    // A WebSocket continues.
    state.set_busy();
}
