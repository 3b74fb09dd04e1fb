//! [`parse`]: the user messages in a body that Meta posted to the webhook. It is pure.
//!
//! Missing, malformed and unknown parts are skipped, because Meta would retry a rejected body for
//! days. A message of an unknown type counts as media, so that its writer gets a reply. To read
//! another type, add it to `content`.

use secrecy::SecretString;
use secrecy::zeroize::Zeroize;
use serde_json::Value;

use crate::connect::command;
use crate::connect::dto::NotRelayed;
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
    /// A text, or the label of a button that the user pressed.
    Text(String),
    NotRelayed(NotRelayed),
}

/// Overwrites the text, so that it does not stay in freed memory.
impl Drop for MessageContent {
    fn drop(&mut self) {
        if let Self::Text(text) = self {
            text.zeroize();
        }
    }
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

/// The state of a message that this server sent.
pub struct MessageStatus {
    /// Meta's id of the message.
    pub id: String,
    /// `None` unless the message can't be delivered.
    pub failure: Option<DeliveryFailure>,
}

/// Why a message that the API accepted can't be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// The error code of the Graph API, if the webhook has one.
    pub code: Option<i64>,
}

/// The parts of a body that concern `phone_number_id`, in order.
#[derive(Default)]
pub struct Inbound {
    pub messages: Vec<InboundMessage>,
    pub statuses: Vec<MessageStatus>,
}

/// Parses a body. `None` if it is not JSON.
pub fn parse(body: &[u8], phone_number_id: &str) -> Option<Inbound> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let values = list(&body, "entry").flat_map(|entry| list(entry, "changes"));
    let for_number = values.filter_map(|change| change.get("value")).filter(|value| {
        let number = value.pointer("/metadata/phone_number_id").and_then(Value::as_str);
        number.is_none_or(|number| number == phone_number_id)
    });
    let mut inbound = Inbound::default();
    for value in for_number {
        let messages = list(value, "messages");
        inbound.messages.extend(messages.filter_map(|message| parse_message(message, value)));
        inbound.statuses.extend(list(value, "statuses").filter_map(parse_status));
    }
    Some(inbound)
}

fn parse_status(status: &Value) -> Option<MessageStatus> {
    let failed = text(status, "status")? == "failed";
    let code = || status.pointer("/errors/0/code").and_then(Value::as_i64);
    Some(MessageStatus {
        id: text(status, "id")?.to_owned(),
        failure: failed.then(|| DeliveryFailure { code: code() }),
    })
}

fn parse_message(message: &Value, value: &Value) -> Option<InboundMessage> {
    // A message to a group is not meant for a partner.
    if message.get("group_id").is_some() {
        return None;
    }
    let content = content(message)?;
    let number = text(message, "from");
    let user = text(message, "from_user_id").or_else(|| text(message, "user_id"));
    let contact = contact(value, number, user);
    let from = match (number, user.or_else(|| text(contact?, "user_id"))) {
        (Some(number), _) => Recipient::Number(number.into()),
        (None, Some(user)) => Recipient::User(user.into()),
        (None, None) => return None,
    };
    let seconds = message
        .get("timestamp")
        .and_then(|seconds| seconds.as_u64().or_else(|| seconds.as_str()?.trim().parse().ok()));
    // Zero is a placeholder for a missing time.
    let seconds = seconds.filter(|seconds| *seconds > 0);
    let name = contact.and_then(|contact| contact.pointer("/profile/name")?.as_str());
    Some(InboundMessage {
        from,
        id: text(message, "id")?.to_owned(),
        sent_at: seconds.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000))),
        name: name.map(str::to_owned),
        content,
    })
}

/// The content of a message; `None` if the user has said nothing.
fn content(message: &Value) -> Option<MessageContent> {
    let at = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let pressed = |code: &str, label: &str| {
        // A button's code is the operator's, unless it is a command.
        let code = at(code).filter(|code| command::parse(code).is_some());
        let label = code.or_else(|| at(label)).filter(|label| !label.is_empty())?;
        Some(MessageContent::Text(label.to_owned()))
    };
    let kind = match text(message, "type")? {
        "text" => return Some(MessageContent::Text(at("/text/body")?.to_owned())),
        "button" => {
            return pressed("/button/payload", "/button/text");
        }
        "interactive" => {
            let reply = ["button_reply", "list_reply"].into_iter().find_map(|kind| {
                let reply = format!("/interactive/{kind}");
                pressed(&format!("{reply}/id"), &format!("{reply}/title"))
            });
            return reply.or(Some(MessageContent::NotRelayed(NotRelayed::Media)));
        }
        // The user has opened the conversation and not written yet.
        "request_welcome" => return Some(MessageContent::Text("#help".to_owned())),
        // An empty emoji removes a reaction.
        "reaction" => {
            at("/reaction/emoji").filter(|emoji| !emoji.is_empty())?;
            NotRelayed::Reaction
        }
        "edit" => NotRelayed::Edit,
        "revoke" | "delete" => NotRelayed::Deletion,
        // The user's number has changed, for example.
        "system" => return None,
        _ => NotRelayed::Media,
    };
    Some(MessageContent::NotRelayed(kind))
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
        let inbound = parse(&body(value), "106").expect("valid JSON");
        inbound.messages.into_iter().map(summary).collect()
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
        let media = MessageContent::NotRelayed(NotRelayed::Media);
        assert!(
            read(&value)
                == [
                    ("number 1".to_owned(), "wamid.1".to_owned(), text.clone()),
                    ("number 1".to_owned(), "image".to_owned(), media.clone()),
                    ("number 1".to_owned(), "not-invented-yet".to_owned(), media),
                    ("number 2".to_owned(), "wamid.2".to_owned(), text),
                ]
        );
    }

    #[test]
    fn webhook_reads_the_content_of_every_type() {
        let text = |text: &str| Some(MessageContent::Text(text.to_owned()));
        let not_relayed = |kind| Some(MessageContent::NotRelayed(kind));
        let interactive = |kind: &str, reply: Value| json!({ "type": "interactive", "interactive": { "type": kind, kind: reply } });
        let button = |payload: &str, text: &str| json!({ "type": "button", "button": { "payload": payload, "text": text } });
        for (message, expected) in [
            (button("yes-17", "Yes, gladly"), text("Yes, gladly")),
            (button("#meet", "Find someone"), text("#meet")),
            (json!({ "type": "button", "button": { "text": "#bye" } }), text("#bye")),
            (interactive("button_reply", json!({ "id": "1", "title": "Hello" })), text("Hello")),
            (interactive("list_reply", json!({ "id": "#help", "title": "Help" })), text("#help")),
            (
                interactive("nfm_reply", json!({ "response_json": "{}" })),
                not_relayed(NotRelayed::Media),
            ),
            (json!({ "type": "request_welcome" }), text("#help")),
            (
                json!({ "type": "reaction", "reaction": { "emoji": "👍" } }),
                not_relayed(NotRelayed::Reaction),
            ),
            (json!({ "type": "reaction", "reaction": { "message_id": "wamid.1" } }), None),
            (json!({ "type": "reaction", "reaction": { "emoji": "" } }), None),
            (
                json!({ "type": "edit", "edit": { "message": { "type": "text", "text": { "body": "x" } } } }),
                not_relayed(NotRelayed::Edit),
            ),
            (json!({ "type": "revoke" }), not_relayed(NotRelayed::Deletion)),
            (json!({ "type": "system", "system": { "type": "user_changed_number" } }), None),
            (json!({ "type": "text", "text": {} }), None),
            (json!({ "type": 5 }), None),
        ] {
            assert!(content(&message) == expected, "{message}");
        }
        for kind in [
            "unsupported",
            "order",
            "sticker",
            "audio",
            "video",
            "document",
            "location",
            "contacts",
        ] {
            let message = json!({ "type": kind, "errors": [{ "code": 131_051 }] });
            assert!(content(&message) == not_relayed(NotRelayed::Media), "{kind}");
        }
        let group = json!({ "messages": [hello(&json!({ "from": "1", "group_id": "g" }))] });
        assert!(read(&group).is_empty(), "a message to a group has no partner");
    }

    #[test]
    fn webhook_reads_timestamps_of_any_shape() {
        let sent_at = |timestamp: Value| {
            let value =
                json!({ "messages": [hello(&json!({ "from": "1", "timestamp": timestamp }))] });
            let inbound = parse(&body(&value), "106").expect("valid JSON").messages.remove(0);
            inbound.sent_at.map(Timestamp::as_millis)
        };
        assert_eq!(sent_at(json!("1504902988")), Some(1_504_902_988_000));
        assert_eq!(sent_at(json!(1_504_902_988)), Some(1_504_902_988_000));
        for timestamp in [
            json!(null),
            json!(0),
            json!("0"),
            json!(""),
            json!("soon"),
            json!("-5"),
            json!(-5),
            json!([1]),
        ] {
            assert_eq!(sent_at(timestamp), None);
        }
    }

    #[test]
    fn webhook_reads_failed_statuses() {
        let failed = json!({ "id": "wamid.2", "status": "failed", "errors": [{ "code": 131_047, "title": "Re-engagement message" }] });
        let value = json!({ "statuses": [{ "id": "wamid.1", "status": "read" }, failed, { "status": "failed" }, 7] });
        let statuses = parse(&body(&value), "106").expect("valid JSON").statuses;
        let statuses: Vec<_> =
            statuses.into_iter().map(|status| (status.id, status.failure)).collect();
        let failure = DeliveryFailure { code: Some(131_047) };
        assert_eq!(statuses, [("wamid.1".to_owned(), None), ("wamid.2".to_owned(), Some(failure))]);
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
        let inbound = parse(&body(&value), "106").expect("valid JSON").messages.remove(0);
        assert_eq!(inbound.name.as_deref(), Some("Ann"));
        assert_eq!(inbound.sent_at, Some(Timestamp::from_millis(1_504_902_988_000)));
    }

    #[test]
    fn webhook_ignores_other_numbers_and_unknown_shapes() {
        let other = json!({ "metadata": { "phone_number_id": "107" }, "messages": [hello(&json!({ "from": "1" }))] });
        assert!(read(&other).is_empty());
        for body in ["{}", "[]", "null", r#"{"entry":5}"#, r#"{"entry":[{"changes":{}}]}"#] {
            assert!(
                parse(body.as_bytes(), "106").is_some_and(|found| found.messages.is_empty()),
                "{body}"
            );
        }
        assert!(parse(b"{", "106").is_none());
    }
}
