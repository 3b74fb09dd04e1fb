//! The places of a token in the handshake of the gateway's WebSocket.

use random_connect::transport::http::limits::ConnectionLimits;

use crate::support::gateway_socket::{GatewayScene, GatewaySocket};

/// Opens a socket with these headers. Returns the selected subprotocol, or the status and text of the refusal.
async fn open(
    scene: &GatewayScene,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Option<String>, (u16, String)> {
    let opened = GatewaySocket::try_open(scene.server.address(), path, headers).await;
    opened.map(|(_, protocol)| protocol)
}

#[tokio::test]
async fn gateway_socket_takes_the_token_from_the_header_or_a_subprotocol() {
    let scene = GatewayScene::start().await;
    let token = scene.token("ann");
    let header = [("authorization", &*format!("Bearer {token}"))];
    assert_eq!(open(&scene, "/gateway", &header).await, Ok(None));
    for (protocols, selected) in [
        (format!("gateway.v1, bearer.{token}"), "gateway.v1"),
        (format!("bearer.{token}, gateway.v1"), "gateway.v1"),
        (format!("Bearer, {token}"), "Bearer"),
    ] {
        let offered = [("sec-websocket-protocol", &*protocols)];
        assert_eq!(open(&scene, "/gateway", &offered).await, Ok(Some(selected.to_owned())));
    }
}

#[tokio::test]
async fn gateway_socket_refuses_a_missing_foreign_or_expired_token() {
    let scene = GatewayScene::start().await;
    let (status, _) = open(&scene, "/gateway", &[]).await.expect_err("refused");
    assert_eq!(status, 401);
    let foreign = format!("Bearer {}x", scene.token("ann"));
    let old = format!("Bearer {}", scene.token("ann"));
    scene.server.clock.advance(std::time::Duration::from_secs(3_601));
    for token in [foreign, old] {
        let refused = open(&scene, "/gateway", &[("authorization", &token)]).await;
        let (status, text) = refused.expect_err("refused");
        assert_eq!(status, 401);
        assert!(!text.contains(token.trim_start_matches("Bearer ")));
    }
}

#[tokio::test]
async fn gateway_socket_takes_a_token_from_the_query_with_the_setting_only() {
    for (setting, is_admitted) in [("off", false), ("on", true)] {
        let limits = ConnectionLimits::default();
        let scene = GatewayScene::with(&[("GATEWAY_QUERY_TOKEN", setting)], limits).await;
        let path = format!("/gateway?token={}", scene.token("ann"));
        match open(&scene, &path, &[]).await {
            Ok(_) => assert!(is_admitted),
            Err((status, text)) => {
                assert!(!is_admitted && status == 401);
                assert!(text.contains("GATEWAY_QUERY_TOKEN"), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn gateway_socket_of_the_shared_token_is_refused_with_a_reason() {
    let scene = GatewayScene::start().await;
    let token = format!("Bearer {}", scene.server.token);
    let refused = open(&scene, "/gateway", &[("authorization", &token)]).await;
    let (status, text) = refused.expect_err("refused");
    assert_eq!(status, 403);
    assert!(text.contains("belongs to no user"), "{text}");
}

#[tokio::test]
async fn gateway_sockets_of_a_user_are_limited_and_free_when_they_close() {
    let limits = ConnectionLimits::default();
    let scene = GatewayScene::with(&[("RATE_LIMITS", "on")], limits).await;
    let mut sockets = Vec::new();
    let limit = loop {
        assert!(sockets.len() < 100, "a user has no limit");
        let token = format!("Bearer {}", scene.token("ann"));
        let header = [("authorization", &*token)];
        let opened = GatewaySocket::try_open(scene.server.address(), "/gateway", &header).await;
        match opened {
            Ok((socket, _)) => sockets.push(socket),
            Err((status, _)) => {
                assert_eq!(status, 429);
                break sockets.len();
            }
        }
    };
    assert!(limit > 1, "{limit}");
    scene.socket("ben").await;
    let mut last = sockets.pop().expect("a socket");
    last.close().await;
    scene.socket("ann").await;
}
