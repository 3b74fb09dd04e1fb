//! [`ClientNetwork`]: the network that a call came from.
//!
//! An address can identify a person, so it stays in the transports. It is never logged; the layers
//! below receive its keyed hash, [`IdHasher::network_key`](super::id::IdHasher::network_key).

use std::net::{IpAddr, Ipv6Addr};

use rmcp::model::Extensions;

/// The source of a request's client address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustedProxy {
    /// The address of the socket's peer.
    #[default]
    None,
    /// The address that a proxy appended to `X-Forwarded-For`.
    XForwardedFor,
    /// The address that Fly.io's proxy wrote to `Fly-Client-IP`. Only for Fly.io, because any other
    /// proxy passes on the value that the caller sent.
    FlyClientIp,
}

/// The network of a client: an IPv4 address, or the /64 prefix of an IPv6 address, because one
/// customer owns all addresses of a /64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    #[must_use]
    pub fn from_ip(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            address @ IpAddr::V4(_) => address,
        })
    }

    /// The network in the extensions of a request. `None` if the transport does not know it.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        let http_request = extensions.get::<http::request::Parts>();
        let from_http = http_request.and_then(|parts| parts.extensions.get::<Self>());
        from_http.or_else(|| extensions.get::<Self>()).copied()
    }

    /// The text that [`IdHasher::network_key`](super::id::IdHasher::network_key) hashes.
    pub(super) fn hash_input(self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> String {
        ClientNetwork::from_ip(address.parse().expect("the address is valid")).hash_input()
    }

    #[test]
    fn client_network_groups_an_ipv6_64_prefix() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
    }
}
