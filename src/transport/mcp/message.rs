//! [`Message`]: a message as its JSON members, checked before rmcp reads it.
//!
//! rmcp reads a known method with malformed parameters as an unknown method, and answers -32601.
//! [`Message::check`] therefore parses the parameters first, and names the malformed one.

use rmcp::model::{
    CallToolRequestParams, CompleteRequestParams, GetPromptRequestParams, InitializeRequestParams,
    PaginatedRequestParams, ReadResourceRequestParams, RequestId, SubscribeRequestParams,
    SubscriptionsListenRequestParams, UnsubscribeRequestParams,
};
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use super::rpc_error::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, RpcError};

/// The members of a message.
#[derive(Deserialize)]
pub struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    pub params: Option<&'a RawValue>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// A valid JSON-RPC message.
#[derive(Debug, PartialEq, Eq)]
pub enum JsonRpcKind {
    Request { id: RequestId, method: String },
    Notification { method: String },
    Response,
}

/// Reads a member that may be `null`, which is not the same as a missing one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The error for a message that is not one JSON object.
fn not_an_object() -> RpcError {
    RpcError::framed(None, INVALID_REQUEST, "Invalid request: expected one JSON object.")
}

/// The error for a text that is not JSON.
pub fn parse_error() -> RpcError {
    RpcError::framed(None, PARSE_ERROR, "Parse error: not valid JSON.")
}

/// Whether an event of a stream has the answer to a request, and not a notification or a request.
pub fn is_answer_event(event: &[u8]) -> bool {
    let mut data =
        event.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
    data.any(|data| {
        let message = serde_json::from_slice::<Message<'_>>(data);
        message.is_ok_and(|message| message.result.is_some() || message.error.is_some())
    })
}

impl<'a> Message<'a> {
    /// Reads the members of a JSON object.
    ///
    /// # Errors
    /// Returns an error with JSON-RPC framing, because the form of an invalid text is unknown.
    pub fn read(text: &'a [u8]) -> Result<Self, RpcError> {
        // serde would read the elements of an array as the members, in order.
        let is_object = text.trim_ascii_start().starts_with(b"{");
        match serde_json::from_slice(text) {
            Ok(message) if is_object => Ok(message),
            Ok(_) => Err(not_an_object()),
            Err(error) if error.classify() == Category::Data => Err(not_an_object()),
            Err(_) => Err(parse_error()),
        }
    }

    /// Whether the message has JSON-RPC framing.
    pub const fn is_framed(&self) -> bool {
        self.jsonrpc.is_some()
    }

    /// The method. `None` if there is none, or not as a string.
    pub fn method(&self) -> Option<String> {
        serde_json::from_str(self.method?.get()).ok()
    }

    /// Checks the framing, and the parameters of the methods that this server knows.
    ///
    /// # Errors
    /// Returns the error to answer with. It names the malformed member but quotes no value.
    pub fn check(&self) -> Result<JsonRpcKind, RpcError> {
        let id = match self.id.map(|id| serde_json::from_str(id.get())) {
            Some(Ok(id)) => Some(id),
            // A client that could not read a request's id answers with `null`.
            Some(Err(_)) if self.method.is_some() => {
                let message = "Invalid request: id must be a string or a whole number.";
                return Err(RpcError::framed(None, INVALID_REQUEST, message));
            }
            _ => None,
        };
        let invalid = |problem: &'static str| {
            let message = format!("Invalid request: {problem}.");
            Err(RpcError::framed(id.clone(), INVALID_REQUEST, message))
        };
        if self.jsonrpc.is_none_or(|version| version.get() != r#""2.0""#) {
            return invalid(r#"jsonrpc must be "2.0""#);
        }
        match (self.method, self.result.is_some() || self.error.is_some()) {
            (None, true) if self.result.is_some() && self.error.is_some() => {
                invalid("a response has either a result or an error")
            }
            (None, true) => Ok(JsonRpcKind::Response),
            (None, false) => invalid("method is missing"),
            (Some(_), true) => invalid("a request has no result and no error"),
            (Some(_), false) => match (self.method(), id.clone()) {
                (None, _) => invalid("method must be a string"),
                (Some(method), None) => Ok(JsonRpcKind::Notification { method }),
                (Some(method), Some(id)) => match check_params(&method, self.params) {
                    Ok(()) => Ok(JsonRpcKind::Request { id, method }),
                    Err(problem) => {
                        let message = format!("Invalid params: {problem}.");
                        Err(RpcError::framed(Some(id), INVALID_PARAMS, message))
                    }
                },
            },
        }
    }
}

/// The methods that protocol 2026-07-28 has removed. rmcp answers that they do not exist.
const REMOVED_METHODS: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// Whether the parameters name a protocol version, which they do since 2026-07-28.
fn name_a_version(params: Option<&RawValue>) -> bool {
    #[derive(Deserialize)]
    struct Params {
        #[serde(rename = "_meta")]
        _meta: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
        _version: IgnoredAny,
    }
    params.is_some_and(|params| serde_json::from_str::<Params>(params.get()).is_ok())
}

/// Checks the parameters of a request. The error names the malformed one.
#[expect(deprecated, reason = "protocol versions before 2026-07-28 have log levels")]
fn check_params(method: &str, params: Option<&RawValue>) -> Result<(), String> {
    if REMOVED_METHODS.contains(&method) && name_a_version(params) {
        return Ok(());
    }
    let params = params.map(RawValue::get);
    match method {
        "initialize" => parse::<InitializeRequestParams>(params),
        "ping" | "server/discover" => parse::<NoParams>(params),
        "tools/call" => parse::<CallToolRequestParams>(params),
        "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" => {
            parse::<PaginatedRequestParams>(params)
        }
        "resources/read" => parse::<ReadResourceRequestParams>(params),
        "resources/subscribe" => parse::<SubscribeRequestParams>(params),
        "resources/unsubscribe" => parse::<UnsubscribeRequestParams>(params),
        "prompts/get" => parse::<GetPromptRequestParams>(params),
        "completion/complete" => parse::<CompleteRequestParams>(params),
        "logging/setLevel" => parse::<rmcp::model::SetLevelRequestParams>(params),
        "subscriptions/listen" => parse::<SubscriptionsListenRequestParams>(params),
        _ => Ok(()),
    }
}

/// The parameters of a method that has none. Others are ignored.
#[derive(Deserialize, Serialize)]
struct NoParams {
    #[serde(rename = "_meta")]
    meta: Option<serde_json::Map<String, serde_json::Value>>,
}

fn parse<T: DeserializeOwned>(params: Option<&str>) -> Result<(), String> {
    let params = params.unwrap_or("{}");
    if !params.starts_with('{') {
        return Err("params must be an object".to_owned());
    }
    let mut deserializer = serde_json::Deserializer::from_str(params);
    let parsed: Result<T, _> = serde_path_to_error::deserialize(&mut deserializer);
    parsed.map(drop).map_err(|error| describe(&name_of(error.path()), &error.inner().to_string()))
}

/// The members on a path, joined by dots. A name that is not one of the protocol's may be a value of
/// the caller, and ends the path.
fn name_of(path: &Path) -> String {
    let names = path.iter().map_while(|segment| match segment {
        Segment::Map { key } if key.len() <= 40 => Some(key.as_str()),
        _ => None,
    });
    let is_plain =
        |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    names.take_while(is_plain).collect::<Vec<_>>().join(".")
}

/// Describes serde's error for the member `name`, without the value that it quotes.
fn describe(name: &str, error: &str) -> String {
    let join =
        |field: &str| if name.is_empty() { field.to_owned() } else { format!("{name}.{field}") };
    if let Some(rest) = error.strip_prefix("missing field `") {
        let field = rest.split('`').next().unwrap_or_default();
        return format!("{} is missing", join(field));
    }
    let name = if name.is_empty() { "params" } else { name };
    // The last one, because the quoted value may contain these words.
    let expected = error.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    let expected = match expected.split(" at line ").next().unwrap_or_default() {
        "a map" => "an object",
        "a sequence" => "an array",
        "a string" | "a borrowed string" => "a string",
        "a boolean" => "true or false",
        kind if kind.starts_with("struct ") => "an object",
        kind if kind.starts_with("one of `") => {
            return format!("{name} must be {}", kind.replace('`', ""));
        }
        _ => return format!("{name} is malformed"),
    };
    format!("{name} must be {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        let checked = Message::read(text.as_bytes()).and_then(|message| message.check());
        checked.expect_err(text).to_text()
    }

    #[test]
    fn message_with_malformed_params_names_the_field() {
        for (method, params, problem) in [
            ("tools/call", "[]", "params must be an object"),
            ("tools/call", "{}", "name is missing"),
            ("tools/call", r#"{"name":1}"#, "name must be a string"),
            ("tools/call", r#"{"name":"x","arguments":[]}"#, "arguments must be an object"),
            ("tools/call", r#"{"name":"x","arguments":"9876"}"#, "arguments must be an object"),
            ("tools/call", r#"{"name":"x","_meta":[]}"#, "_meta must be an object"),
            ("tools/list", r#"{"cursor":9876}"#, "cursor must be a string"),
            ("tools/list", "9876", "params must be an object"),
            ("ping", "[]", "params must be an object"),
            ("logging/setLevel", "{}", "level is missing"),
            ("prompts/get", "{}", "name is missing"),
            ("completion/complete", "{}", "ref is missing"),
            ("resources/read", "{}", "uri is missing"),
            ("resources/subscribe", r#"{"uri":[]}"#, "uri must be a string"),
            ("initialize", "{}", "protocolVersion is missing"),
            (
                "initialize",
                r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x"}}"#,
                "clientInfo.version is missing",
            ),
        ] {
            let request =
                format!(r#"{{"jsonrpc":"2.0","id":"a","method":"{method}","params":{params}}}"#);
            let error = format!(
                r#"{{"jsonrpc":"2.0","id":"a","error":{{"code":-32602,"message":"Invalid params: {problem}."}}}}"#
            );
            assert_eq!(error_of(&request), error, "{request}");
        }
        let missing = error_of(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#);
        assert!(missing.contains("-32602") && missing.contains("name is missing"), "{missing}");
    }

    #[test]
    fn message_that_is_an_answer_is_found_in_an_event() {
        let event = |message: &str| format!("event: message\ndata: {message}\nid: 1/7\n\n");
        for answer in [
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"no"}}"#,
        ] {
            assert!(is_answer_event(event(answer).as_bytes()), "{answer}");
        }
        for other in [
            r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"result":1}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"error":{}}}"#,
            "",
        ] {
            assert!(!is_answer_event(event(other).as_bytes()), "{other}");
        }
        assert!(!is_answer_event(b":\n\n"), "a comment");
    }

    #[test]
    fn message_with_a_method_that_its_version_has_removed_is_left_to_rmcp() {
        for method in REMOVED_METHODS {
            let params = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
            let request =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            let checked = Message::read(request.as_bytes()).and_then(|message| message.check());
            assert!(checked.is_ok(), "{method}");
        }
    }

    #[test]
    fn message_that_is_no_request_is_32600() {
        for (text, id) in [
            (r#"{"jsonrpc":"2.0","id":7}"#, "7"),
            (r#"{"jsonrpc":"2.0","id":7,"method":5}"#, "7"),
            (r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#, "7"),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#, "7"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "null"),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, "null"),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, "null"),
            ("5", "null"),
        ] {
            let error = error_of(text);
            assert!(
                error.contains("-32600") && error.contains(&format!(r#""id":{id},"#)),
                "{error}"
            );
        }
        assert!(error_of("{").contains("-32700"));
    }

    #[test]
    fn message_is_a_request_a_notification_or_a_response() {
        let kind = |text: &str| {
            let message = Message::read(text.as_bytes()).and_then(|message| message.check());
            message.expect("a valid message")
        };
        let method = "ping".to_owned();
        assert_eq!(
            kind(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#),
            JsonRpcKind::Request { id: RequestId::Number(7), method }
        );
        assert_eq!(
            kind(r#"{"jsonrpc":"2.0","method":"notifications/x","params":[]}"#),
            JsonRpcKind::Notification { method: "notifications/x".into() }
        );
        for response in [
            r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#,
        ] {
            assert_eq!(kind(response), JsonRpcKind::Response);
        }
    }
}
