//! [`Endpoint`]: connects to the server at a URL, and notices that its name has moved.
//!
//! When to connect is decided in `connection.rs`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisResult,
};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::failure::Failure;
use super::resolver::OneAddress;
use super::secrets::check_secrets;
use crate::kernel::secrets::SecretFingerprints;

/// Time limit of a connection attempt, of a name's resolution, and of one response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of concurrent commands; others wait, at most for the time limit of an operation.
const MAX_IN_FLIGHT: usize = 1_024;

/// The address of a server, and what is needed to connect to it.
pub(super) struct Endpoint {
    client: Client,
    /// Host and port. `None` for the path of a socket.
    name: Option<(String, u16)>,
    /// The secrets that a connection compares with those of the other instances.
    secrets: Option<SecretFingerprints>,
}

/// One connection to one server.
pub(super) struct Link {
    pub connection: MultiplexedConnection,
    /// The address in use. `None` for the path of a socket.
    peer: Option<SocketAddr>,
    alive: Arc<AtomicBool>,
    pub subscribed: AtomicBool,
}

impl Link {
    /// Returns `false` once the connection is known to be closed.
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }
}

impl Endpoint {
    /// # Errors
    /// Returns an error if `url` is malformed.
    pub fn new(url: &str, secrets: Option<SecretFingerprints>) -> RedisResult<Self> {
        let info = url.into_connection_info()?;
        // Version 3 of the protocol reports a closed connection at once, and delivers messages on
        // the connection that also carries commands.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(settings);
        let name = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some((host.clone(), *port))
            }
            _ => None,
        };
        Ok(Self { client: Client::open(info)?, name, secrets })
    }

    /// Connects to the first address of the server that accepts. `handler` makes the receiver of
    /// the server's messages; it gets the flag that a closed connection must clear.
    pub async fn connect<H: AsyncPushSender>(
        &self,
        handler: impl Fn(Arc<AtomicBool>) -> H,
    ) -> Result<Link, Failure> {
        let Some(name) = &self.name else { return self.connect_to(None, &handler).await };
        let mut last = Err(Failure::not_connected());
        for address in resolve(name).await? {
            last = self.connect_to(Some(address), &handler).await;
            if last.is_ok() {
                break;
            }
        }
        last
    }

    async fn connect_to<H: AsyncPushSender>(
        &self,
        peer: Option<SocketAddr>,
        handler: &impl Fn(Arc<AtomicBool>) -> H,
    ) -> Result<Link, Failure> {
        let alive = Arc::new(AtomicBool::new(true));
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_concurrency_limit(MAX_IN_FLIGHT)
            .set_push_sender(handler(Arc::clone(&alive)));
        if let Some(address) = peer {
            config = config.set_dns_resolver(OneAddress(address));
        }
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await?;
        if let Some(secrets) = &self.secrets {
            check_secrets(&mut connection, secrets).await?;
        }
        Ok(Link { connection, peer, alive, subscribed: AtomicBool::new(false) })
    }

    /// Returns `true` if the name of the server has other addresses than the one in use.
    pub async fn has_moved(&self, link: &Link) -> bool {
        let (Some(name), Some(peer)) = (&self.name, link.peer) else { return false };
        resolve(name).await.is_ok_and(|addresses| !addresses.contains(&peer))
    }
}

async fn resolve((host, port): &(String, u16)) -> Result<Vec<SocketAddr>, Failure> {
    match timeout(RESPONSE_TIMEOUT, lookup_host((host.as_str(), *port))).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        _ => Err(Failure { detail: "name not resolved".to_owned(), ..Failure::not_connected() }),
    }
}
