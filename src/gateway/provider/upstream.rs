//! [`UpstreamRequest`]: the HTTP request to a provider.

use http::{HeaderMap, HeaderValue, header};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use url::Url;

use crate::gateway::provider::convert::to_chat::to_chat;
use crate::gateway::provider::convert::to_messages::to_messages;
use crate::gateway::provider::error::{ProviderError, ProviderErrorClass};
use crate::gateway::provider::request::{
    MessagesHeaders, ProviderRequest, ProviderTarget, RequestBody, WireFormat,
};

/// A version of the messages that takes a temperature. `2026-10-21` refuses it even at its default
/// (platform.claude.com, migration 2026-10-21).
const SAMPLING_VERSION: &str = "2023-06-01";
const LATEST_VERSION: &str = "2026-10-21";

/// The HTTP request to a provider.
pub struct UpstreamRequest {
    pub url: Url,
    /// The credential is marked as sensitive.
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl UpstreamRequest {
    /// Converts the body if necessary, and sets the fields that the gateway decides.
    ///
    /// # Errors
    /// Returns [`ProviderErrorClass::Caller`] if the other format can't hold the body, and
    /// [`ProviderErrorClass::Account`] if the address or the credential is not valid.
    pub fn new(request: ProviderRequest) -> Result<Self, ProviderError> {
        let ProviderRequest { target, body, headers, max_output_tokens, stream, .. } = request;
        let sent = match body.format() {
            WireFormat::Chat => MessagesHeaders::default(),
            WireFormat::Messages => headers,
        };
        let url = url_of(&target)?;
        let (mut body, headers) = match target.format {
            WireFormat::Chat => {
                let mut body = match body {
                    RequestBody::Chat(body) => body,
                    RequestBody::Messages(body) => to_chat(body)?,
                };
                finish_chat(&mut body, &url, max_output_tokens, stream);
                (body, chat_headers(&target)?)
            }
            WireFormat::Messages => {
                let mut body = match body {
                    RequestBody::Chat(body) => to_messages(body)?,
                    RequestBody::Messages(mut body) => {
                        drop_unsigned_reasoning(&mut body);
                        body
                    }
                };
                body.insert("max_tokens".into(), json!(max_output_tokens));
                body.insert("stream".into(), json!(stream));
                let headers = messages_headers(&target, &body, sent)?;
                (body, headers)
            }
        };
        body.insert("model".into(), json!(target.model));
        let body = serde_json::to_vec(&body)
            .map_err(|_| ProviderError::invalid("The request is no JSON."))?;
        Ok(Self { url, headers, body })
    }
}

/// Whether a provider of this format can get the body.
#[must_use]
pub fn is_convertible(body: &RequestBody, format: WireFormat) -> bool {
    match (body, format) {
        (RequestBody::Chat(body), WireFormat::Messages) => to_messages(body.clone()).is_ok(),
        (RequestBody::Messages(body), WireFormat::Chat) => to_chat(body.clone()).is_ok(),
        (RequestBody::Chat(_), WireFormat::Chat)
        | (RequestBody::Messages(_), WireFormat::Messages) => true,
    }
}

/// Removes the reasoning that [`write`](super::write) took from a provider without signatures, which providers of
/// messages refuse.
fn drop_unsigned_reasoning(body: &mut Map<String, Value>) {
    let messages = body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten();
    for blocks in messages.filter_map(|message| message.get_mut("content")?.as_array_mut()) {
        blocks.retain(|block| block.get("signature") != Some(&json!("")));
    }
}

fn finish_chat(body: &mut Map<String, Value>, url: &Url, max_output_tokens: u32, stream: bool) {
    body.remove("max_tokens");
    body.remove("max_completion_tokens");
    body.insert(max_tokens_name(url).into(), json!(max_output_tokens));
    let options = body.remove("stream_options");
    body.insert("stream".into(), json!(stream));
    if stream {
        let mut options = match options {
            Some(Value::Object(options)) => options,
            _ => Map::new(),
        };
        options.insert("include_usage".into(), json!(true));
        body.insert("stream_options".into(), Value::Object(options));
    }
}

/// The name of the maximum of tokens. OpenAI's reasoning models refuse the old name; compatible servers know it, and
/// some ignore the new one, which would leave the cost without a bound.
fn max_tokens_name(url: &Url) -> &'static str {
    let is_openai = url.host_str().is_some_and(|host| {
        host == "api.openai.com"
            || host.ends_with(".api.openai.com")
            || host.ends_with(".openai.azure.com")
    });
    if is_openai { "max_completion_tokens" } else { "max_tokens" }
}

fn misconfigured(message: &str) -> ProviderError {
    ProviderError::new(ProviderErrorClass::Account, message)
}

fn url_of(target: &ProviderTarget) -> Result<Url, ProviderError> {
    let base = target.base_url.trim_end_matches('/');
    let path = match target.format {
        WireFormat::Chat => "/chat/completions",
        WireFormat::Messages if base.ends_with("/v1") => "/messages",
        WireFormat::Messages => "/v1/messages",
    };
    let url = Url::parse(&format!("{base}{path}"));
    url.map_err(|_| misconfigured("The address of the provider is not valid."))
}

fn secret_header(value: &str) -> Result<HeaderValue, ProviderError> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| misconfigured("The credential of the provider is not valid."))?;
    value.set_sensitive(true);
    Ok(value)
}

fn json_headers() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(header::CONTENT_TYPE, json)])
}

fn chat_headers(target: &ProviderTarget) -> Result<HeaderMap, ProviderError> {
    let mut headers = json_headers();
    if let Some(credential) = &target.credential {
        let value = secret_header(&format!("Bearer {}", credential.expose_secret()))?;
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(headers)
}

fn messages_headers(
    target: &ProviderTarget,
    body: &Map<String, Value>,
    sent: MessagesHeaders,
) -> Result<HeaderMap, ProviderError> {
    let mut headers = json_headers();
    if let Some(credential) = &target.credential {
        headers.insert("x-api-key", secret_header(credential.expose_secret())?);
    }
    let version = sent.version.unwrap_or_else(|| version_for(body).to_owned());
    for (name, value) in [("anthropic-version", Some(version)), ("anthropic-beta", sent.beta)] {
        let Some(value) = value else { continue };
        let value = HeaderValue::from_str(&value)
            .map_err(|_| ProviderError::invalid(&format!("The header {name} is not valid.")))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The version that takes the body.
fn version_for(body: &Map<String, Value>) -> &'static str {
    let samples = ["temperature", "top_p", "top_k"]
        .iter()
        .any(|name| body.get(*name).is_some_and(|value| !value.is_null()));
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    let is_assistant = |message: &&Value| message.get("role") == Some(&json!("assistant"));
    let has_document = messages.filter(is_assistant).any(|message| {
        let blocks = message.get("content").and_then(Value::as_array).into_iter().flatten();
        blocks.into_iter().any(|block| block.get("type") == Some(&json!("document")))
    });
    if samples || has_document { SAMPLING_VERSION } else { LATEST_VERSION }
}
