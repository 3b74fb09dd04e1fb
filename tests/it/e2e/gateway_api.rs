//! The gateway's HTTP APIs, with the wire of OpenAI's and Anthropic's clients, in front of a provider on loopback.

use random_connect::transport::http::limits::ConnectionLimits;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::provider_stand_in::{
    AnswerScript, ProviderStandIn, ScriptedUsage, StandInFault,
};
use crate::support::server::{TEST_TIMEOUT, TestServer, fetch_json, http_client};

const OWNER_TOKEN: &str = "the-token-of-the-owner-for-tests";

/// A gateway in front of a provider.
struct GatewayFixture {
    server: TestServer,
    provider: ProviderStandIn,
    _folder: TempDir,
}

impl GatewayFixture {
    async fn start(credits: &str, scripts: impl IntoIterator<Item = AnswerScript>) -> Self {
        let provider = ProviderStandIn::with(scripts).await;
        let folder = TempDir::new().expect("a folder");
        let database = format!("sqlite:{}", folder.path().join("gateway.db").display());
        let variables = [
            ("TOOLSETS", "gateway"),
            ("OWNER", "ann"),
            ("OWNER_TOKEN", OWNER_TOKEN),
            ("DATABASE_URL", &database),
            ("OPENAI_API_KEY", "sk-test"),
            ("OPENAI_BASE_URL", &provider.url),
            ("GATEWAY_START_CREDITS", credits),
        ];
        let mut server = TestServer::with(&variables, ConnectionLimits::default()).await;
        OWNER_TOKEN.clone_into(&mut server.token);
        Self { server, provider, _folder: folder }
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.server.post(path).bearer_auth(OWNER_TOKEN).json(body)
    }

    /// Waits until this number of requests is in progress.
    async fn wait_for_pending(&self, count: usize) {
        let is_reached = async {
            loop {
                let (_, health) = fetch_json(self.server.get("/gateway/health")).await;
                if health["connections"]["totalPendingRequests"] == json!(count) {
                    return;
                }
            }
        };
        timeout(TEST_TIMEOUT, is_reached).await.expect("in time");
    }

    async fn balance(&self) -> f64 {
        let (_, answer) = fetch_json(self.post(
            "/mcp",
            &json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "balance", "arguments": {} },
            }),
        ))
        .await;
        let text = answer["result"]["content"][0]["text"].as_str().expect("a text");
        let balance: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(balance["held"], json!(0), "nothing is held after an answer");
        balance["balance"].as_f64().expect("a number")
    }
}

fn chat(fields: &Value) -> Value {
    let mut body = json!({ "model": "gpt-4", "messages": [{ "role": "user", "content": "Hi" }] });
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// The data of the events in a stream.
fn data(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

#[tokio::test]
async fn gateway_chat_answer_is_the_providers_and_its_charge_is_stored() {
    let gateway = GatewayFixture::start("1", []).await;
    let request = gateway.post("/v1/chat/completions", &chat(&json!({ "seed": 7 })));
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let charged: f64 =
        response.headers()["x-gateway-charged"].to_str().expect("text").parse().expect("a number");
    let answer: Value = response.json().await.expect("JSON");
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello, world.");
    assert_eq!(answer["model"], "gpt-5.6", "an alias is answered with the name of the model");
    let usage = |name: &str| answer["usage"][name].as_f64().expect("a count");
    // The shipped prices of gpt-5.6 are 4 and 20 credits per million tokens.
    let price = (usage("prompt_tokens") * 4.0 + usage("completion_tokens") * 20.0) / 1e6;
    assert!((charged - price).abs() < 1e-6, "{charged} {price}");
    assert!((gateway.balance().await - (1.0 - charged)).abs() < 1e-9);
    let sent = gateway.provider.state.requests();
    assert_eq!(sent[0].body["seed"], 7, "unknown fields pass through");
    assert_eq!(sent[0].headers["authorization"], "Bearer sk-test");
}

#[tokio::test]
async fn gateway_chat_stream_has_usage_only_if_it_is_asked_for() {
    let gateway = GatewayFixture::start("1", []).await;
    for asks in [false, true] {
        let options = json!({ "stream": true, "stream_options": { "include_usage": asks } });
        let request = gateway.post("/v1/chat/completions", &chat(&options));
        let stream = request.send().await.expect("an answer").text().await.expect("text");
        let data = data(&stream);
        assert_eq!(data.last(), Some(&"[DONE]"));
        let chunks = data[..data.len() - 1].iter();
        let chunks: Vec<Value> =
            chunks.map(|chunk| serde_json::from_str(chunk).expect("JSON")).collect();
        let text: String = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert_eq!(text, "Hello, world.");
        assert_eq!(chunks.iter().any(|chunk| chunk["usage"].is_object()), asks);
    }
    assert!(gateway.balance().await < 1.0, "a stream is charged, with or without its usage");
}

#[tokio::test]
async fn gateway_messages_answer_comes_from_a_provider_of_chat() {
    let gateway = GatewayFixture::start("1", []).await;
    let body = json!({
        "model": "gpt-4", "max_tokens": 50, "system": "Be brief.",
        "messages": [{ "role": "user", "content": "Hi" }],
    });
    let url = format!("{}/v1/messages", gateway.server.url);
    let request = http_client().post(url).header("x-api-key", OWNER_TOKEN).json(&body);
    let (_, answer) = fetch_json(request).await;
    assert_eq!(answer["content"][0]["text"], "Hello, world.");
    assert_eq!(answer["stop_reason"], "end_turn");
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let request = gateway.post("/v1/messages", &streamed);
    let stream = request.send().await.expect("an answer").text().await.expect("text");
    let events: Vec<_> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(events.first(), Some(&"message_start"));
    assert_eq!(events.last(), Some(&"message_stop"));
}

#[tokio::test]
async fn gateway_messages_answer_without_a_count_has_the_estimate_that_is_charged() {
    let scripts = [false, true].map(|_| AnswerScript::of(["Hello"]).usage(ScriptedUsage::Nulls));
    let gateway = GatewayFixture::start("1", scripts).await;
    let mut body = json!({
        "model": "gpt-4", "max_tokens": 50, "messages": [{ "role": "user", "content": "Hi" }],
    });
    let response = gateway.post("/v1/messages", &body).send().await.expect("an answer");
    let charged: f64 =
        response.headers()["x-gateway-charged"].to_str().expect("text").parse().expect("a number");
    let answer: Value = response.json().await.expect("JSON");
    let usage = |name: &str| answer["usage"][name].as_f64().expect("a count");
    let (input, output) = (usage("input_tokens"), usage("output_tokens"));
    assert!(input > 0.0 && output > 0.0, "{answer}");
    // The shipped prices of gpt-5.6 are 4 and 20 credits per million tokens.
    let price = input.mul_add(4.0, output * 20.0) / 1e6;
    assert!((charged - price).abs() < 1.5e-6, "{charged} {price}");
    body["stream"] = json!(true);
    let request = gateway.post("/v1/messages", &body);
    let stream = request.send().await.expect("an answer").text().await.expect("text");
    let events: Vec<Value> =
        data(&stream).into_iter().map(|data| serde_json::from_str(data).expect("JSON")).collect();
    let [.., delta, stop] = &events[..] else { panic!("{stream}") };
    assert_eq!(delta["usage"]["output_tokens"], answer["usage"]["output_tokens"]);
    assert_eq!(delta["usage"]["input_tokens"], answer["usage"]["input_tokens"]);
    assert_eq!(delta["delta"]["stop_reason"], "end_turn");
    assert_eq!(stop["type"], "message_stop");
}

#[tokio::test]
async fn gateway_api_errors_have_the_status_and_form_of_the_vendor() {
    let gateway = GatewayFixture::start("0.0001", []).await;
    for (fields, status, code) in [
        (json!({ "model": "nope" }), 404, "UNKNOWN_MODEL"),
        (json!({ "model": null }), 400, "INVALID_REQUEST"),
        (json!({ "stream": "yes" }), 400, "INVALID_REQUEST"),
        (json!({ "max_tokens": 0 }), 400, "INVALID_REQUEST"),
        (json!({}), 402, "INSUFFICIENT_CREDITS"),
    ] {
        let (answered, body) =
            fetch_json(gateway.post("/v1/chat/completions", &chat(&fields))).await;
        assert_eq!(answered.as_u16(), status, "{body}");
        assert_eq!(body["error"]["code"], code);
        assert!(body["error"]["message"].is_string());
    }
    let url = format!("{}/v1/messages", gateway.server.url);
    let request = http_client().post(url).bearer_auth("wrong").json(&json!({}));
    let (status, body) = fetch_json(request).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        (&body["type"], &body["error"]["type"]),
        (&json!("error"), &json!("authentication_error"))
    );
    assert!(gateway.provider.state.requests().is_empty(), "nothing was sent to the provider");
}

#[tokio::test]
async fn gateway_several_answers_are_for_chat_without_an_idempotency_key_only() {
    let gateway = GatewayFixture::start("1", []).await;
    let several = chat(&json!({ "n": 2, "max_tokens": 10 }));
    let (chat, messages) = ("/v1/chat/completions", "/v1/messages");
    for (path, key, expected) in [(chat, "", 200), (chat, "k", 400), (messages, "", 400)] {
        let mut request = gateway.post(path, &several);
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let (status, answer) = fetch_json(request).await;
        assert_eq!(status.as_u16(), expected, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(message.contains("`n` is at most 1"), expected == 400, "{answer}");
    }
    assert_eq!(gateway.provider.state.requests().len(), 1);
}

#[tokio::test]
async fn gateway_body_that_is_too_large_is_refused_in_the_form_of_the_vendor() {
    let gateway = GatewayFixture::start("1", []).await;
    let content = "x".repeat(8 * 1024 * 1024);
    let large = chat(&json!({ "messages": [{ "role": "user", "content": content }] }));
    for (path, kind) in
        [("/v1/chat/completions", "invalid_request_error"), ("/v1/messages", "request_too_large")]
    {
        let (status, answer) = fetch_json(gateway.post(path, &large)).await;
        assert_eq!((status.as_u16(), &answer["error"]["type"]), (413, &json!(kind)), "{answer}");
        let message = answer["error"]["message"].as_str().expect("a text");
        assert!(message.contains("8 MiB"), "{message}");
    }
}

#[tokio::test]
async fn gateway_broken_stream_ends_with_an_error_and_without_the_end_of_an_answer() {
    let broken = AnswerScript::with(StandInFault::DisconnectAfter(2));
    let gateway = GatewayFixture::start("1", [broken]).await;
    let request = gateway.post("/v1/chat/completions", &chat(&json!({ "stream": true })));
    let stream = request.send().await.expect("an answer").text().await.expect("text");
    let data = data(&stream);
    let last: Value = serde_json::from_str(data.last().expect("an event")).expect("JSON");
    assert_eq!(last["error"]["code"], "STREAM_BROKEN");
    assert!(!data.contains(&"[DONE]"));
    assert!(gateway.balance().await < 1.0, "the begin is charged");
}

#[tokio::test]
async fn gateway_failed_request_costs_nothing_and_says_when_to_try_again() {
    let overloaded = |_| {
        AnswerScript::with(StandInFault::Status {
            status: 503,
            headers: vec![("retry-after", "120".to_owned())],
            body: json!({ "error": { "message": "overloaded", "code": "server_is_overloaded" } }),
        })
    };
    let gateway = GatewayFixture::start("1", (0..8).map(overloaded)).await;
    let request = gateway.post("/v1/chat/completions", &chat(&json!({ "model": "gpt-5.6" })));
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let pause: u64 = response.headers()["retry-after"].to_str().expect("text").parse().expect("s");
    assert!((1..=300).contains(&pause), "{pause}");
    assert!((gateway.balance().await - 1.0).abs() < 1e-9);
}

#[tokio::test]
async fn gateway_repeated_request_gets_the_first_answer_and_costs_nothing() {
    let scripts = [AnswerScript::of(["first"]), AnswerScript::of(["second"])];
    let gateway = GatewayFixture::start("1", scripts).await;
    let ask = |text: &str| {
        let body = json!({ "model": "gpt-4", "messages": [{ "role": "user", "content": text }] });
        gateway.post("/v1/chat/completions", &body).header("idempotency-key", "k1")
    };
    let (_, first) = fetch_json(ask("Hi")).await;
    let balance = gateway.balance().await;
    let (_, again) = fetch_json(ask("Hi")).await;
    for answer in [&first, &again] {
        assert_eq!(answer["choices"][0]["message"]["content"], "first");
    }
    assert!((gateway.balance().await - balance).abs() < 1e-9);
    assert_eq!(gateway.provider.state.requests().len(), 1);
    let (status, other) = fetch_json(ask("Something else")).await;
    assert_eq!((status.as_u16(), &other["error"]["code"]), (409, &json!("DUPLICATE_ID")));
}

#[tokio::test]
async fn gateway_caller_that_hangs_up_pays_for_an_answer_that_is_not_streamed() {
    let slow = AnswerScript::with(StandInFault::SlowHeaders(std::time::Duration::from_secs(2)));
    let gateway = GatewayFixture::start("1", [slow]).await;
    let request = || gateway.post("/v1/chat/completions", &chat(&json!({}))).send();
    let asking = tokio::spawn(request());
    gateway.wait_for_pending(1).await;
    asking.abort();
    gateway.wait_for_pending(0).await;
    let [row] = &gateway.provider.state.invoice()[..] else { panic!("one request") };
    assert!(row.complete, "the provider bills all of it");
    let after_first = gateway.balance().await;
    request().await.expect("an answer");
    let charge = after_first - gateway.balance().await;
    assert!((1.0 - after_first - charge).abs() < 1e-9 && charge > 0.0, "{charge}");
}

#[tokio::test]
async fn gateway_lists_the_models_of_providers_with_a_key() {
    let gateway = GatewayFixture::start("1", []).await;
    let (_, models) = fetch_json(gateway.server.get("/v1/models").bearer_auth(OWNER_TOKEN)).await;
    let models = models["data"].as_array().expect("a list");
    assert!(models.iter().any(|model| model["id"] == "gpt-5.6"));
    assert!(models.iter().all(|model| model["owned_by"] == "openai"));
    let get = async |path: &str| {
        fetch_json(gateway.server.get(&format!("/v1/models/{path}")).bearer_auth(OWNER_TOKEN)).await
    };
    for model in models {
        let (_, found) = get(model["id"].as_str().expect("a name")).await;
        assert_eq!(&found, model);
    }
    let (_, of_alias) = get("gpt-4").await;
    assert!(models.contains(&of_alias), "{of_alias}");
    let (status, unknown) = get("no%2Fmodel").await;
    assert_eq!((status.as_u16(), &unknown["error"]["code"]), (404, &json!("UNKNOWN_MODEL")));
    let message = unknown["error"]["message"].as_str().expect("a text");
    assert!(message.contains("no/model"), "{message}");
}
