//! [`GatewaySocket`]: a client of the gateway's WebSocket, and [`GatewayScene`]: a gateway with two providers.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use random_connect::gateway::money::MicroCredits;
use random_connect::kernel::clock::{Clock, Timestamp};
use random_connect::kernel::toolset::row::ToolsetRow;
use random_connect::transport::http::limits::ConnectionLimits;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::provider_stand_in::ProviderStandIn;
use super::server::{TEST_TIMEOUT, TestServer};
use super::temp_database::TempDatabase;
use super::tokens::jwt;

/// The `JWT_SECRET` of every [`GatewayScene`].
pub const JWT_SECRET: &str = "a-secret-that-has-at-least-32-bytes";

/// Returns a token of `user`, valid until `expires_at`.
pub fn gateway_token(user: &str, expires_at: Timestamp) -> String {
    let seconds = Duration::from_millis(expires_at.as_millis()).as_secs_f64();
    jwt(JWT_SECRET, &json!({ "sub": user, "exp": seconds, "role": "admin" }))
}

/// A gateway whose users have one credit each, and its providers.
pub struct GatewayScene {
    /// The provider of `gpt-6-luna`.
    pub openai: ProviderStandIn,
    /// The provider of its equivalent `claude-haiku-5-5`.
    pub claude: ProviderStandIn,
    pub server: TestServer,
    _database: TempDatabase,
}

impl GatewayScene {
    pub async fn start() -> Self {
        Self::with(&[], ConnectionLimits::default()).await
    }

    /// Starts a gateway with these environment variables on top of the defaults.
    pub async fn with(variables: &[(&str, &str)], limits: ConnectionLimits) -> Self {
        Self::with_server(variables, async |settings| TestServer::with(settings, limits).await)
            .await
    }

    /// Starts a gateway with these environment variables on top of the defaults, on a server with the toolsets of
    /// `table`.
    pub async fn with_table(variables: &[(&str, &str)], table: &[ToolsetRow]) -> Self {
        Self::with_server(variables, async |settings| TestServer::with_table(settings, table).await)
            .await
    }

    async fn with_server(
        variables: &[(&str, &str)],
        start: impl AsyncFnOnce(&[(&str, &str)]) -> TestServer,
    ) -> Self {
        let (openai, claude) = (ProviderStandIn::start().await, ProviderStandIn::start().await);
        let database = TempDatabase::new();
        let url = format!("sqlite:{}", database.file().display());
        let key = "ab".repeat(32);
        let mut settings = vec![
            ("TOOLSETS", "gateway"),
            ("JWT_SECRET", JWT_SECRET),
            ("DATABASE_URL", &url),
            ("ID_SALT", "a salt of some length"),
            ("INBOX_KEY", &key),
            ("OPENAI_BASE_URL", &openai.url),
            ("OPENAI_API_KEY", "sk-openai"),
            ("CLAUDE_BASE_URL", &claude.url),
            ("CLAUDE_API_KEY", "sk-claude"),
            ("GATEWAY_START_CREDITS", "1"),
        ];
        settings.extend(variables);
        let server = start(&settings).await;
        Self { openai, claude, server, _database: database }
    }

    /// A token of `user` for an hour.
    pub fn token(&self, user: &str) -> String {
        self.token_for(user, Duration::from_secs(3_600))
    }

    pub fn token_for(&self, user: &str, lifetime: Duration) -> String {
        gateway_token(user, self.server.clock.now() + lifetime)
    }

    /// Opens a socket of `user`.
    pub async fn socket(&self, user: &str) -> GatewaySocket {
        GatewaySocket::open(self.server.address(), &self.token(user)).await
    }

    /// The time of all messages, as they write it.
    pub fn timestamp(&self) -> String {
        self.server.clock.now().to_iso_8601()
    }
}

/// A request to `gpt-6-luna`, with the fields of `more`.
pub fn gateway_request(id: impl Into<Value>, more: Value) -> Value {
    let messages = json!([{ "role": "user", "content": "Why is the sky blue?" }]);
    let mut request = json!({
        "id": id.into(), "type": "chat", "provider": "auto", "model": "gpt-6-luna",
        "messages": messages, "stream": true, "maxTokens": 200,
    });
    if let (Some(request), Value::Object(more)) = (request.as_object_mut(), more) {
        request.extend(more);
    }
    request
}

/// A client of the gateway's WebSocket.
pub struct GatewaySocket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The first message.
    pub ready: Value,
}

/// All messages of one request.
#[derive(Debug, Default)]
pub struct SocketReply {
    pub messages: Vec<Value>,
    /// The texts of all chunks.
    pub text: String,
    /// The `done` or `error`.
    pub end: Value,
}

impl SocketReply {
    /// The number of the last message.
    pub fn seq(&self) -> u64 {
        self.messages.last().and_then(|message| message["seq"].as_u64()).unwrap_or_default()
    }

    /// The charge, in millionths of a credit.
    pub fn charged(&self) -> i64 {
        micros(&self.end["credits"]["charged"])
    }

    pub fn code(&self) -> &str {
        self.end["error"]["code"].as_str().unwrap_or_default()
    }

    /// Adds a message. Returns `true` if it is the end.
    pub fn add(&mut self, message: Value) -> bool {
        self.text.push_str(
            message["data"].as_str().filter(|_| message["type"] == "chunk").unwrap_or_default(),
        );
        let is_end = message["type"] == "done" || message["type"] == "error";
        if is_end {
            assert!(self.end.is_null(), "a second end: {message}");
            self.end = message.clone();
        }
        self.messages.push(message);
        is_end
    }
}

impl GatewaySocket {
    /// Opens a socket with a token in the header, and reads its first message.
    pub async fn open(address: &str, token: &str) -> Self {
        let token = format!("Bearer {token}");
        Self::try_open(address, "/gateway", &[("authorization", &token)]).await.expect("a socket").0
    }

    /// Opens a socket of a server that may be down or overloaded: then `None`. Another refusal fails the test.
    pub async fn connect(address: &str, token: &str) -> Option<Self> {
        let mut request =
            format!("ws://{address}/gateway").into_client_request().expect("a request");
        let token = format!("Bearer {token}").parse().expect("a header");
        request.headers_mut().insert("authorization", token);
        let stream = match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => stream,
            Err(WsError::Http(response)) if response.status() != 503 => panic!("{response:?}"),
            Err(_) => return None,
        };
        let mut socket = Self { stream, ready: Value::Null };
        socket.ready = serde_json::from_str(&socket.receive().await.ok()?).expect("JSON");
        Some(socket)
    }

    /// Sends a message. `false` if the connection is lost.
    pub async fn try_send(&mut self, message: &Value) -> bool {
        self.stream.send(Message::text(message.to_string())).await.is_ok()
    }

    /// Opens a socket. Returns also the subprotocol that the server selects, or the status and text of a refusal.
    pub async fn try_open(
        address: &str,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Option<String>), (u16, String)> {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        let (stream, response) = match tokio_tungstenite::connect_async(request).await {
            Ok(opened) => opened,
            Err(WsError::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                return Err((
                    response.status().as_u16(),
                    String::from_utf8_lossy(body).into_owned(),
                ));
            }
            Err(error) => panic!("{error}"),
        };
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol.map(|name| name.to_str().expect("text").to_owned());
        let mut socket = Self { stream, ready: Value::Null };
        socket.ready = socket.next().await;
        assert_eq!(socket.ready["type"], "ready", "{}", socket.ready);
        Ok((socket, protocol))
    }

    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("the message is sent");
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        serde_json::from_str(&self.next_text().await).expect("JSON")
    }

    pub async fn next_text(&mut self) -> String {
        match self.receive().await {
            Ok(text) => text,
            Err(close) => panic!("the socket is closed: {close:?}"),
        }
    }

    /// The next message, or the end of the connection with its close frame.
    pub async fn receive(&mut self) -> Result<String, Option<CloseFrame>> {
        self.receive_within(TEST_TIMEOUT).await
    }

    pub async fn receive_within(&mut self, limit: Duration) -> Result<String, Option<CloseFrame>> {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                    Some(Ok(Message::Close(frame))) => return Err(frame),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(None),
                }
            }
        };
        timeout(limit, next).await.expect("a message in time")
    }

    /// The next message of this type. Skips others.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The code of the close frame, after any messages. `None` for an end without one.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Err(close) = self.receive().await {
                return close.map(|frame| frame.code.into());
            }
        }
    }

    /// Closes the socket, and waits for the end of the connection.
    pub async fn close(&mut self) {
        self.stream.close(None).await.expect("the close frame is sent");
        while timeout(TEST_TIMEOUT, self.stream.next()).await.expect("in time").is_some() {}
    }

    /// Reads the answer to `id` to its end. Skips messages of other requests.
    pub async fn reply(&mut self, id: impl Into<Value>) -> SocketReply {
        let (id, mut reply) = (id.into(), SocketReply::default());
        loop {
            let message = self.next().await;
            if message["id"] == id && reply.add(message) {
                return reply;
            }
        }
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: &Value) -> SocketReply {
        self.send(request).await;
        self.reply(request["id"].clone()).await
    }

    /// Balance and held credits, in millionths.
    pub async fn credits(&mut self) -> (i64, i64) {
        self.send(&json!({ "type": "balance" })).await;
        let balance = self.next_of("balance").await;
        (micros(&balance["balance"]), micros(&balance["held"]))
    }
}

/// An amount of a message, in millionths of a credit. 0 without one.
pub fn micros(amount: &Value) -> i64 {
    let amount = format!("{:.6}", amount.as_f64().unwrap_or_default()).parse::<MicroCredits>();
    amount.expect("an amount").as_micros()
}
