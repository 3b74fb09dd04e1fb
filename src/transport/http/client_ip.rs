//! [`client_network`]: a caller's network, from the socket or from the header of a trusted proxy.
//!
//! To support another proxy, add a variant to [`TrustedProxy`] and its header here.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::kernel::client_network::{ClientNetwork, TrustedProxy};

/// Fly.io's proxy overwrites this header with the address of the caller.
const FLY_CLIENT_IP: &str = "fly-client-ip";
/// Each proxy appends the address it received the request from.
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The network of the caller; `peer` is the other end of the socket.
///
/// Only the header of the operator's proxy is trusted, because callers can write all others.
pub fn client_network(peer: IpAddr, headers: &HeaderMap, proxy: TrustedProxy) -> ClientNetwork {
    let forwarded = match proxy {
        TrustedProxy::None => None,
        TrustedProxy::XForwardedFor => last_forwarded(headers, X_FORWARDED_FOR),
        TrustedProxy::FlyClientIp => last_forwarded(headers, FLY_CLIENT_IP),
    };
    ClientNetwork::from_ip(forwarded.unwrap_or(peer))
}

/// The last address of a header: the one that the trusted proxy appended.
fn last_forwarded(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let address = last.rsplit(',').next()?.trim();
    address.parse().ok().or_else(|| address.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn is_from(headers: &[(&str, &str)], proxy: TrustedProxy, address: &str) -> bool {
        let ip = |text: &str| text.parse::<IpAddr>().expect("valid address");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("valid header name");
            map.append(name, value.parse().expect("valid header value"));
        }
        client_network(ip("10.0.0.1"), &map, proxy) == ClientNetwork::from_ip(ip(address))
    }

    #[test]
    fn client_ip_header_is_trusted_only_behind_a_proxy() {
        let forwarded = [("x-forwarded-for", "192.0.2.1")];
        assert!(is_from(&forwarded, TrustedProxy::None, "10.0.0.1"));
        assert!(is_from(&forwarded, TrustedProxy::XForwardedFor, "192.0.2.1"));
        assert!(is_from(&[], TrustedProxy::XForwardedFor, "10.0.0.1"));
        assert!(is_from(
            &[("x-forwarded-for", "unknown")],
            TrustedProxy::XForwardedFor,
            "10.0.0.1"
        ));
    }

    #[test]
    fn client_ip_is_the_last_forwarded_address() {
        let spoofed =
            [("x-forwarded-for", "1.1.1.1, 2.2.2.2"), ("x-forwarded-for", "192.0.2.1:99")];
        assert!(is_from(&spoofed, TrustedProxy::XForwardedFor, "192.0.2.1"));
    }

    #[test]
    fn client_ip_ignores_headers_of_other_proxies() {
        let both = [("x-forwarded-for", "192.0.2.1"), ("fly-client-ip", "2001:db8::1")];
        assert!(is_from(&both, TrustedProxy::XForwardedFor, "192.0.2.1"));
        assert!(is_from(&both, TrustedProxy::FlyClientIp, "2001:db8::1"));
        assert!(is_from(&both[..1], TrustedProxy::FlyClientIp, "10.0.0.1"));
    }
}
