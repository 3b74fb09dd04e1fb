//! [`GatewayMessage`]: a message of a client.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::money::MicroCredits;
use crate::gateway::provider::request::{MessagesHeaders, RequestBody};
use crate::gateway::service::request::{GatewayRequest, asks_for_several_answers};

/// Maximum length of an id, a session or a key, in bytes.
const MAX_ID_BYTES: usize = 256;

/// Fields in the notation of this protocol, with those of OpenAI's.
const RENAMED: [(&str, &str); 6] = [
    ("topP", "top_p"),
    ("frequencyPenalty", "frequency_penalty"),
    ("presencePenalty", "presence_penalty"),
    ("toolChoice", "tool_choice"),
    ("responseFormat", "response_format"),
    ("parallelToolCalls", "parallel_tool_calls"),
];

/// The client's name of a request: a text or a number, which the answers repeat.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestId {
    Number(i64),
    Text(String),
}

impl RequestId {
    /// The id in a message that can't be read otherwise.
    fn find(message: &Value) -> Option<Self> {
        let id = RequestId::deserialize(message.get("id")?).ok()?;
        id.is_valid().then_some(id)
    }

    fn is_valid(&self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Text(text) => (1..=MAX_ID_BYTES).contains(&text.len()),
        }
    }
}

/// A message of a client.
#[derive(Clone, PartialEq)]
pub enum GatewayMessage {
    Request(Box<SocketRequest>),
    Cancel {
        id: RequestId,
    },
    /// Sends the answer to `id` of an earlier connection from behind number `after`.
    Resume {
        id: RequestId,
        session: String,
        after: u64,
    },
    Balance {
        id: Option<RequestId>,
    },
    /// Replaces the token of the connection.
    Auth {
        id: Option<RequestId>,
        token: String,
    },
    Ping {
        id: Option<RequestId>,
    },
}

/// A request for an answer of a model.
#[derive(Clone, PartialEq)]
pub struct SocketRequest {
    pub id: RequestId,
    /// The name of a provider, or `auto`.
    pub provider: String,
    pub model: String,
    pub stream: bool,
    pub max_tokens: Option<u64>,
    /// Models to try after `model`, in order.
    pub fallback: Vec<String>,
    /// The most that the answer may cost.
    pub budget: Option<MicroCredits>,
    pub idempotency_key: Option<String>,
    /// The rest in the form of OpenAI's chat completions, with fields that are unknown here.
    pub body: Map<String, Value>,
}

/// The fields that this server reads itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestFields {
    #[serde(default = "auto")]
    provider: String,
    model: String,
    messages: Vec<Value>,
    #[serde(default)]
    stream: bool,
    #[serde(alias = "max_tokens", alias = "max_completion_tokens")]
    max_tokens: Option<u64>,
    #[serde(default)]
    fallback: Vec<String>,
    budget: Option<Value>,
    #[serde(alias = "idempotency_key")]
    idempotency_key: Option<String>,
    #[serde(default)]
    extra: Map<String, Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

fn auto() -> String {
    "auto".to_owned()
}

/// A message that can't be read, with the id if it has one.
pub type UnreadableMessage = (Option<RequestId>, GatewayError);

impl GatewayMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// Returns `INVALID_JSON` or `INVALID_REQUEST`, and the id if the message has one.
    pub fn parse(text: &str) -> Result<Self, UnreadableMessage> {
        let invalid_json = |error: serde_json::Error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let message = format!("The message is no valid JSON: {place}");
            (None, GatewayError::new(GatewayErrorCode::InvalidJson, message))
        };
        let message: Value = serde_json::from_str(text).map_err(invalid_json)?;
        let id = RequestId::find(&message);
        let Value::Object(fields) = message else {
            return Err((None, invalid("A message is a JSON object")));
        };
        Self::read(fields, id.clone()).map_err(|problem| (id, invalid(problem)))
    }

    fn read(mut fields: Map<String, Value>, id: Option<RequestId>) -> Result<Self, String> {
        if fields.contains_key("id") && id.is_none() {
            return Err(format!("`id` is a whole number or a text of 1 to {MAX_ID_BYTES} bytes"));
        }
        fields.remove("id");
        let needed = || id.clone().ok_or_else(|| "`id` is missing".to_owned());
        let kind = fields.remove("type");
        match kind.as_ref().and_then(Value::as_str) {
            Some("completion" | "chat") => {
                SocketRequest::read(needed()?, fields).map(Box::new).map(Self::Request)
            }
            Some("cancel") => Ok(Self::Cancel { id: needed()? }),
            Some("resume") => Ok(Self::Resume {
                id: needed()?,
                session: text(&fields, "session")?,
                after: match fields.get("after") {
                    None => 0,
                    Some(after) => after.as_u64().ok_or("`after` is a whole number, at least 0")?,
                },
            }),
            Some("balance") => Ok(Self::Balance { id }),
            Some("auth") => Ok(Self::Auth { id, token: text(&fields, "token")? }),
            Some("ping") => Ok(Self::Ping { id }),
            _ => Err("`type` is one of completion, chat, cancel, resume, balance, auth and ping"
                .to_owned()),
        }
    }
}

impl SocketRequest {
    fn read(id: RequestId, fields: Map<String, Value>) -> Result<Self, String> {
        let fields: RequestFields =
            serde_path_to_error::deserialize(Value::Object(fields)).map_err(field_problem)?;
        let RequestFields { messages, extra, rest, budget, idempotency_key, .. } = fields;
        check_messages(&messages)?;
        let budget = budget.map(|budget| match budget {
            Value::String(text) => text.parse::<MicroCredits>(),
            // A small number may have an exponent.
            number => match number.as_f64() {
                Some(amount) if number.to_string().contains('e') => format!("{amount:.6}").parse(),
                _ => number.to_string().parse(),
            },
        });
        let budget = budget.transpose().map_err(|error| format!("`budget`: {error}"))?;
        if budget.is_some_and(MicroCredits::is_negative) {
            return Err("`budget` is at least 0".to_owned());
        }
        let is_valid_key = |key: &String| (1..=MAX_ID_BYTES).contains(&key.len());
        if !idempotency_key.as_ref().is_none_or(is_valid_key) {
            return Err(format!("`idempotencyKey` has 1 to {MAX_ID_BYTES} bytes"));
        }
        let mut body: Map<String, Value> = extra.into_iter().chain(rest).collect();
        for (name, theirs) in RENAMED {
            if let Some(value) = body.remove(name) {
                body.insert(theirs.to_owned(), value);
            }
        }
        if asks_for_several_answers(&body) {
            return Err(
                "`n` is at most 1 over the WebSocket: send a request for each answer".to_owned()
            );
        }
        body.insert("messages".to_owned(), Value::Array(messages));
        Ok(Self {
            id,
            provider: fields.provider,
            model: fields.model,
            stream: fields.stream,
            max_tokens: fields.max_tokens,
            fallback: fields.fallback,
            budget,
            idempotency_key,
            body,
        })
    }
}

impl From<SocketRequest> for GatewayRequest {
    fn from(request: SocketRequest) -> Self {
        Self {
            body: RequestBody::Chat(request.body),
            headers: MessagesHeaders::default(),
            provider: request.provider,
            model: request.model,
            fallback: request.fallback,
            stream: request.stream,
            max_output_tokens: request.max_tokens,
            budget: request.budget,
            idempotency_key: request.idempotency_key,
        }
    }
}

/// The name of a field, and what is wrong with it.
fn field_problem(error: serde_path_to_error::Error<serde_json::Error>) -> String {
    let path = error.path().to_string();
    let problem = error.into_inner();
    // A path without a name, such as that of a missing field.
    if path == "." { problem.to_string() } else { format!("`{path}`: {problem}") }
}

fn check_messages(messages: &[Value]) -> Result<(), String> {
    if messages.is_empty() {
        return Err("`messages` has at least one message".to_owned());
    }
    let is_message = |message: &Value| message.get("role").is_some_and(Value::is_string);
    match messages.iter().position(|message| !is_message(message)) {
        Some(index) => Err(format!("`messages[{index}]` has no `role`")),
        None => Ok(()),
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    let text = fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| format!("`{name}` is a text"))
}

fn invalid(problem: impl Into<String>) -> GatewayError {
    GatewayError::new(GatewayErrorCode::InvalidRequest, problem)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(message: &Value) -> SocketRequest {
        match GatewayMessage::parse(&message.to_string()) {
            Ok(GatewayMessage::Request(request)) => *request,
            Ok(_) => panic!("another message"),
            Err((_, error)) => panic!("{}", error.message),
        }
    }

    fn refusal(text: &str) -> (Option<RequestId>, GatewayErrorCode, String) {
        let refused = GatewayMessage::parse(text).err().expect("refused");
        (refused.0, refused.1.code, refused.1.message)
    }

    #[test]
    fn gateway_reads_the_messages_of_first_clients() {
        let read = request(&json!({
            "id": "1", "type": "chat", "provider": "openai", "model": "gpt-4",
            "messages": [{"role": "user", "content": "Hi"}], "stream": true,
            "maxTokens": 100, "temperature": 0.7, "topP": 0.9, "stop": ["END"],
        }));
        assert_eq!(read.id, RequestId::Text("1".to_owned()));
        assert_eq!((read.provider.as_str(), read.model.as_str()), ("openai", "gpt-4"));
        assert_eq!((read.stream, read.max_tokens), (true, Some(100)));
        let body = json!({
            "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 0.7, "top_p": 0.9, "stop": ["END"],
        });
        assert_eq!(Value::Object(read.body), body);
    }

    #[test]
    fn gateway_passes_unknown_fields_of_a_request_on() {
        let read = request(&json!({
            "id": 2, "type": "completion", "model": "m", "messages": [{"role": "user", "content": ""}],
            "seed": 7, "extra": {"logit_bias": {"1": 2}}, "responseFormat": {"type": "json_object"},
            "budget": 0.25, "fallback": ["n"], "idempotencyKey": "k",
        }));
        assert_eq!(read.body["seed"], 7);
        assert_eq!(read.body["logit_bias"], json!({"1": 2}));
        assert_eq!(read.body["response_format"], json!({"type": "json_object"}));
        assert_eq!((read.provider.as_str(), read.stream), ("auto", false));
        assert_eq!(read.budget, Some(MicroCredits::from_micros(250_000)));
        assert_eq!(read.idempotency_key.as_deref(), Some("k"));
        let budget = |text: &str| {
            let message = format!(
                r#"{{"id":1,"type":"chat","model":"m","messages":[{{"role":"user"}}],"budget":{text}}}"#
            );
            request(&serde_json::from_str(&message).expect("JSON")).budget
        };
        for text in ["2e-5", "0.00002", r#""0.00002""#] {
            assert_eq!(budget(text), Some(MicroCredits::from_micros(20)), "{text}");
        }
        for ours in ["budget", "fallback", "idempotencyKey", "extra", "id", "type", "stream"] {
            assert!(!read.body.contains_key(ours), "{ours}");
        }
    }

    #[test]
    fn gateway_refusal_of_a_request_names_the_field() {
        let message =
            json!({"id": 1, "type": "chat", "model": "m", "messages": [{"role": "user"}]});
        for (field, value, expected) in [
            ("model", json!(null), "`model`: invalid type: null"),
            ("maxTokens", json!("x"), "`maxTokens`: invalid type"),
            ("max_tokens", json!(-1), "`max_tokens`: invalid value"),
            ("fallback", json!(["a", 1]), "`fallback[1]`: invalid type"),
            ("budget", json!(-1), "`budget` is at least 0"),
            ("budget", json!("-0.000001"), "`budget` is at least 0"),
            ("n", json!(2), "`n` is at most 1"),
        ] {
            let mut message = message.clone();
            message[field] = value;
            let (_, code, problem) = refusal(&message.to_string());
            assert_eq!(code.name(), "INVALID_REQUEST");
            assert!(problem.starts_with(expected), "{problem}");
        }
        let mut one = message;
        one["n"] = json!(1);
        assert_eq!(request(&one).body["n"], 1);
    }

    #[test]
    fn gateway_answers_an_unreadable_message_with_its_id() {
        for (text, id) in [
            ("{", None),
            ("[]", None),
            (r#"{"id":"7"}"#, Some("7")),
            (r#"{"id":"7","type":"agent_flow"}"#, Some("7")),
            (r#"{"id":"7","type":"chat"}"#, Some("7")),
            (r#"{"id":"7","type":"chat","model":"m","messages":[]}"#, Some("7")),
            (r#"{"id":"7","type":"chat","model":"m","messages":[{"content":"x"}]}"#, Some("7")),
            (
                r#"{"id":"7","type":"chat","model":"m","messages":[{"role":"user"}],"maxTokens":-1}"#,
                Some("7"),
            ),
            (r#"{"id":"","type":"cancel"}"#, None),
            (r#"{"id":1.5,"type":"cancel"}"#, None),
            (r#"{"type":"cancel"}"#, None),
            (r#"{"id":"7","type":"resume","session":"s","after":"x"}"#, Some("7")),
            (r#"{"type":"auth","token":""}"#, None),
        ] {
            let (named, code, message) = refusal(text);
            assert_eq!(named, id.map(|id| RequestId::Text(id.to_owned())), "{text}");
            let is_json = serde_json::from_str::<Value>(text).is_ok();
            let expected = if is_json { "INVALID_REQUEST" } else { "INVALID_JSON" };
            assert_eq!(code.name(), expected, "{text}: {message}");
        }
    }
}
