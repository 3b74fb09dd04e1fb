//! [`parse`]: the user messages in a body that Meta posted to the webhook. It is pure.
//!
//! Missing, malformed and unknown parts are skipped, because Meta would retry a rejected body for
//! days. To read another kind of message, add it to [`MessageContent`] and `parse_message`.

use secrecy::SecretString;
use serde_json::Value;

use crate::kernel::clock::Timestamp;

/// The address of a user. It is stored only in memory, and never logged.
#[derive(Clone)]
pub enum Recipient {
    /// A phone number, which is the `wa_id`.
    Number(SecretString),
    /// The id of a user with a username instead of a number.
    User(SecretString),
}

/// The content of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum MessageContent {
    Text(String),
    /// A picture, a voice message or a similar kind.
    Media,
}

/// A message from a user.
#[derive(Clone)]
pub struct InboundMessage {
    pub from: Recipient,
    /// Meta's id of the message.
    pub id: String,
    /// The time when it was sent. `None` if the timestamp is missing or malformed.
    pub sent_at: Option<Timestamp>,
    /// The profile name of the user.
    pub name: Option<String>,
    pub content: MessageContent,
}

/// Message types with content that can't be relayed.
const MEDIA_TYPES: &[&str] =
    &["image", "audio", "voice", "video", "document", "sticker", "location", "contacts"];

/// The messages to `phone_number_id` in a body, in order. `None` if the body is not JSON.
pub fn parse(body: &[u8], phone_number_id: &str) -> Option<Vec<InboundMessage>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let values = list(&body, "entry").flat_map(|entry| list(entry, "changes"));
    let for_number = values.filter_map(|change| change.get("value")).filter(|value| {
        let number = value.pointer("/metadata/phone_number_id").and_then(Value::as_str);
        number.is_none_or(|number| number == phone_number_id)
    });
    Some(for_number.flat_map(messages_of).collect())
}

fn messages_of(value: &Value) -> impl Iterator<Item = InboundMessage> {
    list(value, "messages").filter_map(|message| parse_message(message, value))
}

fn parse_message(message: &Value, value: &Value) -> Option<InboundMessage> {
    let content = match text(message, "type")? {
        "text" => MessageContent::Text(message.pointer("/text/body")?.as_str()?.to_owned()),
        kind if MEDIA_TYPES.contains(&kind) => MessageContent::Media,
        _ => return None,
    };
    let number = text(message, "from");
    let user = text(message, "from_user_id").or_else(|| text(message, "user_id"));
    let contact = contact(value, number, user);
    let from = match (number, user.or_else(|| text(contact?, "user_id"))) {
        (Some(number), _) => Recipient::Number(number.into()),
        (None, Some(user)) => Recipient::User(user.into()),
        (None, None) => return None,
    };
    let seconds = text(message, "timestamp").and_then(|seconds| seconds.parse::<u64>().ok());
    let name = contact.and_then(|contact| contact.pointer("/profile/name")?.as_str());
    Some(InboundMessage {
        from,
        id: text(message, "id")?.to_owned(),
        sent_at: seconds.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000))),
        name: name.map(str::to_owned),
        content,
    })
}

/// The contact with the number or id of the sender, or the only contact if neither is known.
fn contact<'a>(value: &'a Value, number: Option<&str>, user: Option<&str>) -> Option<&'a Value> {
    let matches = |contact: &Value, key, id: Option<&str>| id.is_some() && text(contact, key) == id;
    let found = list(value, "contacts")
        .find(|contact| matches(contact, "wa_id", number) || matches(contact, "user_id", user));
    let mut all = list(value, "contacts");
    let only = all.next().filter(|_| all.next().is_none());
    found.or(only.filter(|_| number.is_none() && user.is_none()))
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The non-empty string at `key`.
fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    fn body(value: &Value) -> Vec<u8> {
        let change = json!({ "field": "messages", "value": value });
        json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [change] }] })
            .to_string()
            .into_bytes()
    }

    fn read(value: &Value) -> Vec<(String, String, MessageContent)> {
        let summary = |inbound: InboundMessage| {
            let recipient = match inbound.from {
                Recipient::Number(number) => format!("number {}", number.expose_secret()),
                Recipient::User(user) => format!("user {}", user.expose_secret()),
            };
            (recipient, inbound.id, inbound.content)
        };
        parse(&body(value), "106").expect("valid JSON").into_iter().map(summary).collect()
    }

    fn hello(members: &Value) -> Value {
        let mut message = json!({ "id": "wamid.1", "timestamp": "1504902988", "type": "text", "text": { "body": "hi" } });
        message
            .as_object_mut()
            .expect("a JSON object")
            .extend(members.as_object().cloned().unwrap_or_default());
        message
    }

    #[test]
    fn webhook_reads_texts_in_order_and_recognizes_media() {
        let text = MessageContent::Text("hi".to_owned());
        let kind = |kind: &str| json!({ "from": "1", "id": kind, "type": kind });
        let value = json!({
            "metadata": { "phone_number_id": "106" },
            "messages": [hello(&json!({ "from": "1" })), kind("image"), kind("reaction"), kind("system"),
                kind("not-invented-yet"), { "from": "1" }, 5, hello(&json!({ "from": "2", "id": "wamid.2" }))],
            "statuses": [{ "id": "wamid.0", "status": "read" }],
        });
        assert!(
            read(&value)
                == [
                    ("number 1".to_owned(), "wamid.1".to_owned(), text.clone()),
                    ("number 1".to_owned(), "image".to_owned(), MessageContent::Media),
                    ("number 2".to_owned(), "wamid.2".to_owned(), text),
                ]
        );
    }

    #[test]
    fn webhook_user_without_a_number_is_addressed_by_id() {
        let from = |message: Value, contacts: Value| {
            let found = read(&json!({ "messages": [hello(&message)], "contacts": contacts }));
            found.into_iter().map(|(recipient, ..)| recipient).collect::<Vec<_>>()
        };
        assert_eq!(from(json!({ "from_user_id": "US.7" }), json!([])), ["user US.7"]);
        assert_eq!(from(json!({}), json!([{ "user_id": "US.7" }])), ["user US.7"]);
        assert_eq!(from(json!({ "from": "1", "from_user_id": "US.7" }), json!([])), ["number 1"]);
        assert!(from(json!({}), json!([{ "user_id": "US.7" }, { "user_id": "US.8" }])).is_empty());
    }

    #[test]
    fn webhook_name_and_time_come_from_the_message() {
        let contacts = json!([{ "wa_id": "2", "profile": { "name": "Ben" } }, { "wa_id": "1", "profile": { "name": "Ann" } }]);
        let value = json!({ "messages": [hello(&json!({ "from": "1" }))], "contacts": contacts });
        let inbound = parse(&body(&value), "106").expect("valid JSON").remove(0);
        assert_eq!(inbound.name.as_deref(), Some("Ann"));
        assert_eq!(inbound.sent_at, Some(Timestamp::from_millis(1_504_902_988_000)));
    }

    #[test]
    fn webhook_ignores_other_numbers_and_unknown_shapes() {
        let other = json!({ "metadata": { "phone_number_id": "107" }, "messages": [hello(&json!({ "from": "1" }))] });
        assert!(read(&other).is_empty());
        for body in ["{}", "[]", "null", r#"{"entry":5}"#, r#"{"entry":[{"changes":{}}]}"#] {
            assert!(parse(body.as_bytes(), "106").is_some_and(|found| found.is_empty()), "{body}");
        }
        assert!(parse(b"{", "106").is_none());
    }
}
