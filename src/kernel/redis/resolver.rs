//! [`OneAddress`]: makes the client connect to a known address of a name.
//!
//! The client itself tries all addresses of a name at once and does not tell which one it took.

use std::net::SocketAddr;

use redis::RedisFuture;
use redis::io::AsyncDNSResolver;

/// Resolves every name to one address.
pub(super) struct OneAddress(pub SocketAddr);

impl AsyncDNSResolver for OneAddress {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        _host: &'b str,
        _port: u16,
    ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        let address = self.0;
        Box::pin(async move {
            Ok(Box::new(std::iter::once(address)) as Box<dyn Iterator<Item = SocketAddr> + Send>)
        })
    }
}
