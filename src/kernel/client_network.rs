//! Where on the network a call came from. It may lead to a person, so it stays at the edge: what goes
//! deeper is a keyed hash, and nothing of it is logged.

use std::net::{IpAddr, Ipv6Addr};

use rmcp::model::Extensions;

/// Who says where requests come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustedProxy {
    /// Nobody does: as the socket sees it.
    #[default]
    None,
    /// A proxy that adds whom it saw to `X-Forwarded-For`.
    XForwardedFor,
    /// Fly.io's, in `Fly-Client-IP`. Any other would pass on what a caller wrote there.
    FlyClientIp,
}

/// The network that a call came from: an address, or of IPv6 the 64 bits that one customer has.
#[derive(Clone, Copy, PartialEq, Eq)]
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

    /// That of the request that these are the extensions of, where its way in can tell.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        let parts = extensions.get::<http::request::Parts>();
        let of_http = parts.and_then(|parts| parts.extensions.get::<Self>());
        of_http.or_else(|| extensions.get::<Self>()).copied()
    }

    /// What is hashed of it.
    pub(super) fn hash_input(self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> String {
        ClientNetwork::from_ip(address.parse().expect("an address")).hash_input()
    }

    #[test]
    fn client_network_groups_an_ipv6_64_prefix() {
        assert_eq!(origin("2001:db8:1:2:3:4:5:6"), origin("2001:db8:1:2:ffff::1"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
        assert_eq!(origin("::ffff:192.0.2.7"), origin("192.0.2.7"));
        assert_ne!(origin("192.0.2.7"), origin("192.0.2.8"));
    }
}
