//! The gateway's own port, with the real binary.

use std::net::TcpListener as StdListener;

use random_connect::transport::channels::outbound;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::key_commands::ADMIN;
use crate::support::server_process::{ServerProcess, TIMEOUT, TOKEN};
use crate::support::temp_database::TempDatabase;

const MONITOR_TOKEN: &str = "a-token-for-monitoring";
const OWNER_TOKEN: &str = "the-token-of-the-owner-for-tests";

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = StdListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

#[tokio::test]
async fn gateway_port_serves_the_socket_at_the_root_and_its_state_beside_it() {
    let (port, database) = (free_port(), TempDatabase::new());
    let url = format!("sqlite:{}", database.file().display());
    let process = ServerProcess::start(
        0,
        &[
            ("TOOLSETS", "gateway"),
            ("OWNER", "ann"),
            ("OWNER_TOKEN", OWNER_TOKEN),
            ("DATABASE_URL", &url),
            ("GATEWAY_PORT", &port.to_string()),
            ("ADMIN_TOKEN", ADMIN),
            ("MONITOR_TOKEN", MONITOR_TOKEN),
        ],
    )
    .await;
    let address = format!("127.0.0.1:{port}");
    let is_bound = async { while TcpStream::connect(&address).await.is_err() {} };
    timeout(TIMEOUT, is_bound).await.expect("the port is bound");
    let http = outbound::http_client(None).expect("a client");
    let get = async |path: &str, token: &str| {
        let request = http.get(format!("http://{address}{path}")).bearer_auth(token);
        let response = request.send().await.expect("a response");
        (response.status().as_u16(), response.json::<Value>().await.expect("JSON"))
    };
    let (status, health) = get("/health", "").await;
    assert_eq!((status, health["status"].as_str()), (200, Some("OK")));
    assert_eq!(health["connections"]["totalConnections"], 0);
    let on_main_port = async |token: &str| {
        let request =
            http.get(format!("http://127.0.0.1:{}/gateway/stats", process.port)).bearer_auth(token);
        request.send().await.expect("a response").status().as_u16()
    };
    for (token, expected) in
        [("wrong", 401), (TOKEN, 200), (OWNER_TOKEN, 200), (ADMIN, 200), (MONITOR_TOKEN, 200)]
    {
        assert_eq!((get("/stats", token).await.0, on_main_port(token).await), (expected, expected));
    }
    assert_eq!(get("/stats", TOKEN).await.1["totalUsers"], 0);
    for path in ["/mcp", "/gateway", "/nothing"] {
        assert_eq!(get(path, TOKEN).await.0, 404, "{path}");
    }
    let mut request = format!("ws://{address}/").into_client_request().expect("a request");
    let authorization = format!("Bearer {OWNER_TOKEN}").parse().expect("a value");
    request.headers_mut().insert("authorization", authorization);
    let (_socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
    assert_eq!(get("/health", "").await.1["connections"]["totalConnections"], 1);
    let anonymous = tokio_tungstenite::connect_async(format!("ws://{address}/")).await;
    let Err(WsError::Http(refusal)) = anonymous else { panic!("a socket without a token") };
    assert_eq!(refusal.status(), 401);
}
