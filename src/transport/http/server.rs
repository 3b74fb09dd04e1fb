//! Accepts connections and serves HTTP/1.1 on them, within limits, until told to stop.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::receipts::{ConnectionReceipts, ReceiptStream};
use super::timer::SharedTimer;
use crate::transport::dispatcher::Dispatcher;
use crate::transport::state::ConnectionLimits;

/// What is known of the connection that a request came on.
#[derive(Clone)]
pub struct ConnectionInfo {
    /// Whom the socket is connected to.
    pub peer: IpAddr,
    /// Where receipts of answers on it are confirmed.
    pub(crate) receipts: ConnectionReceipts,
    pub(crate) timer: SharedTimer,
}

/// How long to wait when the system has no resources for one more connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests with `front` on `listener` until `shutdown`, then lets calls in flight finish for the time
/// that `limits` grants them.
pub async fn serve(
    listener: TcpListener,
    front: Arc<Dispatcher>,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let connections = TaskTracker::new();
    // Tells the first failure of a row and keeps quiet about the rest.
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                failing = false;
                let front = Arc::clone(&front);
                // A token of its own: all connections would else wait for one another to look at it.
                let shutdown = shutdown.child_token();
                connections.spawn(serve_connection(stream, peer, place, front, limits, shutdown));
            }
            // The caller gave up before they were accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Out of file descriptors, most likely: those in use will be given back.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(code = error.raw_os_error(), "failed to accept a connection");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.shutdown_grace, connections.wait()).await.is_err() {
        tracing::warn!("shutdown timed out with connections still open");
    }
}

/// Waits for a free place first: callers beyond the limit stay in the system's backlog.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    // Answers are small and written at once: waiting to fill a packet would only delay them. It
    // fails on a connection that is broken already, which will show soon enough.
    let _ = stream.set_nodelay(true);
    Ok((stream, address.ip(), place))
}

/// Serves one connection until its caller ends it, or the call in flight when told to stop.
async fn serve_connection(
    stream: TcpStream,
    peer: IpAddr,
    place: OwnedSemaphorePermit,
    front: Arc<Dispatcher>,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    let receipts = ConnectionReceipts::default();
    let mut stream = TimeoutWriter::new(ReceiptStream::new(stream, receipts.clone()));
    stream.set_timeout(Some(limits.write_timeout));
    let alarm = SharedTimer::default();
    // Shared by the requests of this connection and by no others, which would have the threads that
    // count who shares it wait for one another.
    let shared = Arc::new((front, ConnectionInfo { peer, receipts, timer: alarm.clone() }));
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        // Boxed, as what is being answered would else take its room in every connection for good.
        Box::pin(async move { Ok::<_, Infallible>(shared.0.dispatch(request, &shared.1).await) })
    });
    let connection = http1::Builder::new()
        .timer(alarm)
        .header_read_timeout(limits.head_timeout)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Errors here are the caller's: a broken request head, a reset, a timeout. What they sent may be
    // in the message, so it is not logged.
    if ended.is_err() {
        tracing::debug!("connection closed with an error");
    }
    drop(place);
}
