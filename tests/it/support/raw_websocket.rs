//! [`RawWebSocket`]: a WebSocket client that sends any bytes, so that a test can break the protocol.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::{TEST_TIMEOUT, TOKEN, TestServer};

/// Opcodes of RFC 6455, section 5.2.
pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;
/// The bit of the last fragment, in the first byte of a frame.
pub const FIN: u8 = 0x80;

/// The key that masks every frame.
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A frame that the server sent, or the end of the connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// Opcode and payload.
    Frame(u8, Vec<u8>),
    Eof,
}

/// A client that has completed the handshake.
pub struct RawWebSocket(TcpStream);

impl RawWebSocket {
    pub async fn connect(server: &TestServer) -> Self {
        let (socket, response) = Self::handshake(server, "Sec-WebSocket-Version: 13\r\n").await;
        assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
        socket
    }

    /// Sends an upgrade with `headers`, which are whole lines; returns the head of the response.
    pub async fn handshake(server: &TestServer, headers: &str) -> (Self, String) {
        let address = server.url.trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        let head = format!(
            "GET /mcp/ws HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            let byte = timeout(TEST_TIMEOUT, stream.read_u8()).await.expect("in time");
            response.push(byte.expect("a response"));
        }
        (Self(stream), String::from_utf8(response).expect("text"))
    }

    /// Connects and completes MCP's `initialize`.
    pub async fn initialized(server: &TestServer) -> Self {
        let mut socket = Self::connect(server).await;
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "raw", "version": "1" } });
        let initialize =
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        socket.send(FIN | TEXT, initialize.to_string().as_bytes()).await;
        assert!(socket.message().await["result"].is_object());
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        socket.send(FIN | TEXT, initialized.as_bytes()).await;
        socket
    }

    /// Sends a masked frame. `first` has the flags and the opcode.
    pub async fn send(&mut self, first: u8, payload: &[u8]) {
        self.send_bytes(&frame(first, payload)).await;
    }

    /// Sends bytes as they are. The server may have closed the connection.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Closes the sending half of the connection.
    pub async fn finish(&mut self) {
        let _ = self.0.shutdown().await;
    }

    pub async fn receive(&mut self) -> Received {
        let received = timeout(TEST_TIMEOUT, self.read_frame()).await.expect("a frame in time");
        received.unwrap_or(Received::Eof)
    }

    async fn read_frame(&mut self) -> Option<Received> {
        let first = self.0.read_u8().await.ok()?;
        let length = match self.0.read_u8().await.ok()? {
            126 => self.0.read_u16().await.ok()?.into(),
            127 => self.0.read_u64().await.ok()?,
            length => length.into(),
        };
        assert_eq!(first & 0x70, 0, "the server sets a reserved bit");
        assert_ne!(first & FIN, 0, "the server fragments a message");
        let mut payload = vec![0; usize::try_from(length).expect("an unmasked length")];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Received::Frame(first & 0x0F, payload))
    }

    /// The next message, after any control frames.
    pub async fn message(&mut self) -> Value {
        loop {
            match self.receive().await {
                Received::Frame(TEXT, text) => return serde_json::from_slice(&text).expect("JSON"),
                Received::Frame(PING | PONG, _) => {}
                other => panic!("no message but {other:?}"),
            }
        }
    }

    /// The code of the next close frame, which must be the last frame. Skips messages and pings.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.receive().await {
                Received::Frame(CLOSE, payload) => {
                    assert_eq!(
                        self.receive().await,
                        Received::Eof,
                        "a frame after the close frame"
                    );
                    return payload.first_chunk().copied().map(u16::from_be_bytes);
                }
                Received::Frame(..) => {}
                Received::Eof => panic!("the connection ends without a close frame"),
            }
        }
    }

    /// The payload of the next pong, after any messages and pings.
    pub async fn receive_pong(&mut self) -> Vec<u8> {
        loop {
            match self.receive().await {
                Received::Frame(PONG, payload) => return payload,
                Received::Frame(TEXT | PING, _) => {}
                other => panic!("no pong but {other:?}"),
            }
        }
    }

    /// Sends a ping and checks that the server still answers.
    pub async fn assert_alive(&mut self) {
        self.send(FIN | PING, b"alive?").await;
        assert_eq!(self.receive_pong().await, b"alive?");
    }
}

/// A masked frame.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, 0x80, payload.len());
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The header of a frame without the mask. `mask_bit` is 0x80 or 0.
pub fn header(first: u8, mask_bit: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match u16::try_from(length) {
        Ok(short @ 0..126) => bytes.push(mask_bit | u8::try_from(short).expect("below 126")),
        Ok(medium) => {
            bytes.push(mask_bit | 0x7E);
            bytes.extend(medium.to_be_bytes());
        }
        Err(_) => {
            bytes.push(mask_bit | 0x7F);
            bytes.extend(u64::try_from(length).expect("a length").to_be_bytes());
        }
    }
    bytes
}

/// The payload of a close frame.
pub fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}
