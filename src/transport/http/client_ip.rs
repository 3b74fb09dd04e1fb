//! Tells where a request comes from: as the socket sees it, or as a proxy says that the operator trusts.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::kernel::client_network::{ClientNetwork, TrustedProxy};

/// Fly.io's proxy names the caller here, whatever the caller sent.
const FLY_CLIENT_IP: &str = "fly-client-ip";
/// Each proxy adds whom it saw to the end of this.
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Where a request comes from; `peer` is whom the socket is connected to. Of its headers only the one
/// is believed that the operator's proxy sets: what is in others a caller may have written.
pub fn client_network(peer: IpAddr, headers: &HeaderMap, proxy: TrustedProxy) -> ClientNetwork {
    let told = match proxy {
        TrustedProxy::None => None,
        TrustedProxy::XForwardedFor => last_forwarded(headers, X_FORWARDED_FOR),
        TrustedProxy::FlyClientIp => last_forwarded(headers, FLY_CLIENT_IP),
    };
    ClientNetwork::from_ip(told.unwrap_or(peer))
}

/// Whom the proxy saw: it adds to the end.
fn last_forwarded(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let told = last.rsplit(',').next()?.trim();
    told.parse().ok().or_else(|| told.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn is_from(headers: &[(&str, &str)], proxy: TrustedProxy, address: &str) -> bool {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            sent.append(name, value.parse().expect("a value"));
        }
        client_network(ip("10.0.0.1"), &sent, proxy) == ClientNetwork::from_ip(ip(address))
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
        let lied = [("x-forwarded-for", "1.1.1.1, 2.2.2.2"), ("x-forwarded-for", "192.0.2.1:99")];
        assert!(is_from(&lied, TrustedProxy::XForwardedFor, "192.0.2.1"));
    }

    #[test]
    fn client_ip_ignores_headers_of_other_proxies() {
        let both = [("x-forwarded-for", "192.0.2.1"), ("fly-client-ip", "2001:db8::1")];
        assert!(is_from(&both, TrustedProxy::XForwardedFor, "192.0.2.1"));
        assert!(is_from(&both, TrustedProxy::FlyClientIp, "2001:db8::1"));
        assert!(is_from(&both[..1], TrustedProxy::FlyClientIp, "10.0.0.1"));
    }
}
