//! A TLS client can be built in every place that connects to another server.
//!
//! Each test lets a client connect to a listener that reads one byte and hangs up. The client fails,
//! but only after it has sent the first record of a handshake.

use std::future::Future;
use std::net::SocketAddr;

use random_connect::kernel::clock::seeded_rng;
use random_connect::kernel::redis::RedisConnection;
use random_connect::moderation::store::ModerationStore;
use random_connect::moderation::store_redis::RedisModerationStore;
use random_connect::terminal::chat;
use random_connect::terminal::target::ServerTarget;
use random_connect::transport::channels::outbound;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// The type of the TLS record that opens a handshake.
const HANDSHAKE: u8 = 0x16;

/// Lets `connect` connect, and returns the first byte that it sends.
async fn first_byte<F: Future>(connect: impl FnOnce(SocketAddr) -> F) -> u8 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let accept = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.read_u8().await.expect("a byte")
    };
    tokio::select! {
        byte = accept => byte,
        () = async { drop(connect(address).await) } => panic!("the client did not connect"),
    }
}

#[tokio::test]
async fn outbound_client_opens_a_tls_handshake() {
    let client = outbound::http_client(None).expect("certificates");
    let byte = first_byte(|address| client.get(format!("https://{address}")).send()).await;
    assert_eq!(byte, HANDSHAKE);
}

#[tokio::test]
async fn redis_store_opens_a_tls_handshake() {
    let connect = |address| async move {
        let connection = RedisConnection::open(&format!("rediss://{address}")).expect("an address");
        let store = RedisModerationStore::new(connection);
        store.check().await
    };
    assert_eq!(first_byte(connect).await, HANDSHAKE);
}

#[tokio::test]
async fn terminal_client_opens_a_tls_handshake() {
    let connect = |address| async move {
        let server =
            ServerTarget::new(&format!("https://{address}/mcp"), "token").expect("an address");
        chat(&server, seeded_rng()).await
    };
    assert_eq!(first_byte(connect).await, HANDSHAKE);
}
