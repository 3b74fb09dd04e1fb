//! [`announcement`]: the lines that `serve` prints at its start. It is pure.
//!
//! A token appears here only if the server generated it for this run. In the address of a page it is
//! the fragment, which browsers do not send.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A call in the short form, as a JSON body.
const EXAMPLE_CALL: &str = r##"{"method": "handle_message", "params": {"message": "#meet", "puch_user_id": "test_user_1"}}"##;

/// Returns how to reach a server that listens on `address`. `generated_token` is `None` if
/// `AUTH_TOKEN` is set.
#[must_use]
pub fn announcement(
    address: SocketAddr,
    playground: bool,
    generated_token: Option<&str>,
) -> String {
    let url = format!("http://{}", connectable(address));
    let first = if address.ip().is_unspecified() {
        format!("Random Connect listens on all interfaces; on this machine, {url}/mcp\n")
    } else {
        format!("Random Connect listens on {url}/mcp\n")
    };
    let Some(token) = generated_token else {
        let page = format!("Open {url}/ in a browser, and enter AUTH_TOKEN there.\n");
        return if playground { first + &page } else { first };
    };
    let reach =
        if address.ip().is_loopback() { "this machine" } else { "any machine that can reach it" };
    let open = if playground {
        format!("Open {url}/#token={token} in a browser")
    } else {
        format!("Open the dashboard, {url}/dashboard#token={token}, in a browser")
    };
    format!(
        "{first}AUTH_TOKEN is not set, so {reach} can connect with this run's token:\n\n  {token}\n\n\
         {open}, or try it here:\n\n  curl -s {url}/mcp -H 'Authorization: Bearer {token}' \
         -H 'Content-Type: application/json' -d '{EXAMPLE_CALL}'\n\n"
    )
}

/// The address that a client on this machine can connect to, for a server that listens on `address`.
fn connectable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(address: &str, playground: bool, token: Option<&str>) -> String {
        announcement(address.parse().expect("an address"), playground, token)
    }

    #[test]
    fn announcement_links_the_playground_only_if_it_is_on() {
        let on = announced("127.0.0.1:8086", true, Some("t0"));
        assert!(on.contains("Open http://127.0.0.1:8086/#token=t0 in"), "{on}");
        let off = announced("127.0.0.1:8086", false, Some("t0"));
        assert!(off.contains("http://127.0.0.1:8086/dashboard#token=t0"), "{off}");
        assert!(!off.contains("8086/#") && !off.contains("8086/ "), "{off}");
        let own = announced("127.0.0.1:8086", true, None);
        assert!(own.contains("Open http://127.0.0.1:8086/ in") && !own.contains("#token"), "{own}");
        assert!(!announced("127.0.0.1:8086", false, None).contains("Open"));
    }

    #[test]
    fn announcement_names_no_address_that_can_not_be_opened() {
        for (listens, opens) in
            [("0.0.0.0:1", "http://127.0.0.1:1/mcp"), ("[::]:1", "http://[::1]:1/mcp")]
        {
            for token in [None, Some("t0")] {
                let text = announced(listens, true, token);
                assert!(text.contains(opens) && !text.contains(listens), "{text}");
                assert!(text.contains("all interfaces"), "{text}");
            }
        }
        assert!(announced("192.0.2.1:80", false, None).contains("http://192.0.2.1:80/mcp"));
    }
}
