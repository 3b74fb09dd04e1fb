//! Frames of a WebSocket: the closing handshake, fragments, sizes and every rule of RFC 6455 that a
//! client can break.

use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::json;

use super::penpal::server;
use crate::support::live_client::{LiveClient, LiveTransport};
use crate::support::raw_websocket::{
    BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RawWebSocket, Received, TEXT, close_payload,
    frame, header,
};
use crate::support::server::TestServer;

/// Maximum size of a message, in bytes.
const MAX_BYTES: usize = 64 * 1024;
const PING_REQUEST: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

/// The code that the server closes with after these bytes.
async fn close_code_after(server: &TestServer, bytes: &[u8]) -> Option<u16> {
    let mut socket = RawWebSocket::initialized(server).await;
    socket.send_bytes(bytes).await;
    socket.close_code().await
}

#[tokio::test]
async fn ws_close_of_the_client_is_acknowledged() {
    let server = server().await;
    for (payload, code) in [
        (close_payload(1000, b""), Some(1000)),
        (close_payload(1001, b"going away"), Some(1001)),
        (close_payload(3000, b""), Some(3000)),
        (close_payload(4999, "\u{1F44B}".as_bytes()), Some(4999)),
        (Vec::new(), None),
    ] {
        let close = frame(FIN | CLOSE, &payload);
        assert_eq!(close_code_after(&server, &close).await, code, "{payload:?}");
    }
}

#[tokio::test]
async fn ws_close_is_acknowledged_before_and_within_a_message() {
    let server = server().await;
    let mut before_initialize = RawWebSocket::connect(&server).await;
    before_initialize.send(FIN | CLOSE, &close_payload(1000, b"")).await;
    assert_eq!(before_initialize.close_code().await, Some(1000));
    let bytes = [frame(TEXT, b"{"), frame(FIN | CLOSE, &close_payload(1000, b""))].concat();
    assert_eq!(close_code_after(&server, &bytes).await, Some(1000));
    let bytes = [
        frame(FIN | CLOSE, &close_payload(1000, b"")),
        frame(FIN | TEXT, PING_REQUEST.as_bytes()),
        vec![0xFF; 4_000],
    ];
    assert_eq!(close_code_after(&server, &bytes.concat()).await, Some(1000), "more follows");
}

#[tokio::test]
async fn ws_invalid_close_is_a_protocol_error() {
    let server = server().await;
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        let close = frame(FIN | CLOSE, &close_payload(code, b""));
        assert_eq!(close_code_after(&server, &close).await, Some(1002), "{code}");
    }
    let one_byte = frame(FIN | CLOSE, &[3]);
    assert_eq!(close_code_after(&server, &one_byte).await, Some(1002));
    let too_long = frame(FIN | CLOSE, &close_payload(1000, &[b'x'; 124]));
    assert_eq!(close_code_after(&server, &too_long).await, Some(1002));
    let reason = frame(FIN | CLOSE, &close_payload(1000, &[0xFF, 0xFE]));
    assert_eq!(close_code_after(&server, &reason).await, Some(1007));
}

#[tokio::test]
async fn ws_protocol_errors_close_with_1002() {
    let server = server().await;
    let text = PING_REQUEST.as_bytes();
    let mut cases = vec![
        ("an unmasked text", [header(FIN | TEXT, 0, text.len()), text.to_vec()].concat()),
        ("an unmasked ping", header(FIN | PING, 0, 0)),
        ("an unmasked close", [header(FIN | CLOSE, 0, 2), vec![3, 232]].concat()),
        ("a fragmented ping", frame(PING, b"half")),
        ("a fragmented close", frame(CLOSE, &close_payload(1000, b""))),
        ("a ping of 126 bytes", frame(FIN | PING, &[0; 126])),
        ("a pong of 200 bytes", frame(FIN | PONG, &[0; 200])),
        ("a continuation of nothing", frame(FIN | CONTINUATION, b"{}")),
        ("an unfinished continuation of nothing", frame(CONTINUATION, b"{}")),
        ("a text within a message", [frame(TEXT, b"{"), frame(FIN | TEXT, text)].concat()),
        ("a binary within a message", [frame(TEXT, b"{"), frame(FIN | BINARY, b"x")].concat()),
    ];
    for bit in [0x40, 0x20, 0x10] {
        cases.push(("a reserved bit", frame(FIN | bit | TEXT, text)));
        cases.push(("a reserved bit of a ping", frame(FIN | bit | PING, b"")));
    }
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        cases.push(("a reserved opcode", frame(FIN | opcode, b"")));
    }
    for (name, bytes) in cases {
        assert_eq!(close_code_after(&server, &bytes).await, Some(1002), "{name}: {bytes:?}");
    }
}

#[tokio::test]
async fn ws_close_frame_arrives_although_the_client_goes_on_sending() {
    let server = server().await;
    for first in [FIN | 0x40 | TEXT, FIN | BINARY] {
        let bytes = [frame(first, b"bad"), vec![0xFF; 200_000]].concat();
        let code = if first == FIN | BINARY { 1003 } else { 1002 };
        assert_eq!(close_code_after(&server, &bytes).await, Some(code));
    }
}

#[tokio::test]
async fn ws_binary_messages_close_with_1003() {
    let server = server().await;
    for bytes in [
        frame(FIN | BINARY, PING_REQUEST.as_bytes()),
        frame(FIN | BINARY, b""),
        [frame(BINARY, b"a"), frame(FIN | CONTINUATION, b"b")].concat(),
    ] {
        assert_eq!(close_code_after(&server, &bytes).await, Some(1003));
    }
}

#[tokio::test]
async fn ws_invalid_utf8_closes_with_1007() {
    let server = server().await;
    let fragments = |parts: &[&[u8]]| -> Vec<u8> {
        let last = parts.len() - 1;
        let frames = parts.iter().enumerate().flat_map(|(index, part)| {
            let opcode = if index == 0 { TEXT } else { CONTINUATION };
            frame(if index == last { FIN | opcode } else { opcode }, part)
        });
        frames.collect()
    };
    for (name, bytes) in [
        ("a lone byte", fragments(&[&[0xFF]])),
        ("an overlong slash", fragments(&[&[0xC0, 0xAF]])),
        ("a surrogate", fragments(&[&[0xED, 0xA0, 0x80]])),
        ("a point above U+10FFFF", fragments(&[&[0xF4, 0x90, 0x80, 0x80]])),
        ("an unfinished character", fragments(&[&[b'"', 0xE2, 0x82]])),
        ("an unfinished character in the last fragment", fragments(&[b"\"", &[0xE2, 0x82]])),
        ("a broken character across fragments", fragments(&[&[0xE2], &[0x28, 0xA1]])),
        ("a fragment before the message ends", frame(TEXT, &[0xFF])),
    ] {
        assert_eq!(close_code_after(&server, &bytes).await, Some(1007), "{name}");
    }
}

#[tokio::test]
async fn ws_too_large_messages_close_with_1009() {
    let server = server().await;
    let too_large = vec![b' '; MAX_BYTES + 1];
    let announced = |length| [header(FIN | TEXT, 0x80, length), vec![0; 4]].concat();
    let half = vec![b' '; MAX_BYTES / 2 + 1];
    for (name, bytes) in [
        ("one frame", frame(FIN | TEXT, &too_large)),
        ("an announced frame", announced(MAX_BYTES + 1)),
        ("an announced frame of 2^62 bytes", announced(1 << 62)),
        ("fragments", [frame(TEXT, &half), frame(CONTINUATION, &half)].concat()),
        ("a binary frame", frame(FIN | BINARY, &too_large)),
    ] {
        assert_eq!(close_code_after(&server, &bytes).await, Some(1009), "{name}");
    }
    let mut socket = RawWebSocket::initialized(&server).await;
    let mut largest = PING_REQUEST.as_bytes().to_vec();
    largest.resize(MAX_BYTES, b' ');
    socket.send(FIN | TEXT, &largest).await;
    assert_eq!(socket.message().await["id"], 7, "the largest message is accepted");
}

#[tokio::test]
async fn ws_control_frames_over_64_kib_are_protocol_errors() {
    let server = server().await;
    let valid = frame(FIN | TEXT, PING_REQUEST.as_bytes());
    for opcode in [PING, PONG, CLOSE] {
        let announced = |length| [header(FIN | opcode, 0x80, length), vec![0; 4]].concat();
        for (name, bytes) in [
            ("a whole frame", frame(FIN | opcode, &vec![0; MAX_BYTES + 1])),
            ("an announced frame", announced(MAX_BYTES + 1)),
            ("an announced frame of 2^62 bytes", announced(1 << 62)),
            ("behind a message", [valid.clone(), announced(MAX_BYTES + 1)].concat()),
            ("within a message", [frame(TEXT, b"{"), announced(MAX_BYTES + 1)].concat()),
        ] {
            assert_eq!(close_code_after(&server, &bytes).await, Some(1002), "{name}, {opcode}");
        }
    }
    let message = [frame(FIN | PING, b""), frame(FIN | TEXT, &vec![b' '; MAX_BYTES + 1])].concat();
    assert_eq!(close_code_after(&server, &message).await, Some(1009), "a message behind a ping");
}

#[tokio::test]
async fn ws_fragments_are_one_message() {
    let server = server().await;
    let mut socket = RawWebSocket::initialized(&server).await;
    let (first, rest) = PING_REQUEST.split_at(10);
    socket.send(TEXT, first.as_bytes()).await;
    for byte in rest.as_bytes() {
        socket.send(CONTINUATION, &[*byte]).await;
        socket.send(CONTINUATION, b"").await;
    }
    socket.send(FIN | CONTINUATION, b"").await;
    assert_eq!(socket.message().await["id"], 7);
}

#[tokio::test]
async fn ws_character_may_be_split_across_fragments() {
    let server = server().await;
    let mut socket = RawWebSocket::initialized(&server).await;
    let request = json!({ "jsonrpc": "2.0", "id": "h\u{20AC}llo", "method": "ping" }).to_string();
    for (index, byte) in request.bytes().enumerate() {
        socket.send(if index == 0 { TEXT } else { CONTINUATION }, &[byte]).await;
    }
    socket.send(FIN | CONTINUATION, b"").await;
    assert_eq!(socket.message().await["id"], "h\u{20AC}llo");
}

#[tokio::test]
async fn ws_frame_may_arrive_byte_by_byte() {
    let server = server().await;
    let mut socket = RawWebSocket::initialized(&server).await;
    for byte in frame(FIN | TEXT, PING_REQUEST.as_bytes()) {
        socket.send_bytes(&[byte]).await;
    }
    assert_eq!(socket.message().await["id"], 7);
}

#[tokio::test]
async fn ws_pings_are_answered_within_a_message() {
    let server = server().await;
    let mut socket = RawWebSocket::initialized(&server).await;
    let (first, rest) = PING_REQUEST.split_at(10);
    socket.send(TEXT, first.as_bytes()).await;
    let longest = [7; 125];
    for payload in [&b""[..], b"between", &longest] {
        socket.send(FIN | PING, payload).await;
        assert_eq!(socket.receive_pong().await, payload);
    }
    socket.send(FIN | PONG, b"unsolicited").await;
    socket.send(FIN | CONTINUATION, rest.as_bytes()).await;
    assert_eq!(socket.message().await["id"], 7);
    socket.assert_alive().await;
}

#[tokio::test]
async fn ws_close_has_code_1001_when_the_instance_stops() {
    let mut server = server().await;
    let mut sockets =
        [RawWebSocket::initialized(&server).await, RawWebSocket::initialized(&server).await];
    server.stop();
    for socket in &mut sockets {
        loop {
            match socket.receive().await {
                Received::Frame(CLOSE, payload) => {
                    assert_eq!(payload, close_payload(1001, b""));
                    break;
                }
                Received::Frame(..) => {}
                Received::Eof => panic!("no close frame"),
            }
        }
    }
    let [acknowledging, silent] = &mut sockets;
    acknowledging.send(FIN | CLOSE, &close_payload(1001, b"")).await;
    assert_eq!(acknowledging.receive().await, Received::Eof);
    assert_eq!(silent.receive().await, Received::Eof, "a client that does not acknowledge");
}

#[tokio::test]
async fn ws_session_ends_when_the_connection_breaks() {
    let server = TestServer::with(
        &[("TOOLSETS", "penpal"), ("MAX_SESSIONS", "1")],
        ConnectionLimits::default(),
    );
    let server = server.await;
    for first in [FIN | TEXT, TEXT] {
        let mut socket = RawWebSocket::initialized(&server).await;
        socket.send_bytes(&frame(first, b"{\"half")[..5]).await;
        socket.finish().await;
        while socket.receive().await != Received::Eof {}
        drop(socket);
        while LiveClient::try_connect(&server, LiveTransport::WebSocket).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn ws_handshake_follows_the_protocol() {
    let server = server().await;
    let version = "Sec-WebSocket-Version: 13\r\n";
    let offered = format!("{version}Sec-WebSocket-Protocol: chat, mcp\r\n");
    let (_socket, response) = RawWebSocket::handshake(&server, &offered).await;
    let response = response.to_ascii_lowercase();
    assert!(response.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{response}");
    assert!(response.contains("sec-websocket-protocol: mcp\r\n"), "{response}");
    let offered = format!("{version}Sec-WebSocket-Protocol: chat\r\n");
    let (_socket, response) = RawWebSocket::handshake(&server, &offered).await;
    assert!(!response.to_ascii_lowercase().contains("sec-websocket-protocol"), "{response}");
    let (_socket, response) =
        RawWebSocket::handshake(&server, "Sec-WebSocket-Version: 8\r\n").await;
    assert!(response.starts_with("HTTP/1.1 426 "), "{response}");
    assert!(response.to_ascii_lowercase().contains("sec-websocket-version: 13"), "{response}");
}
