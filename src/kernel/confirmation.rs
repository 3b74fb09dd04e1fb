//! [`confirm`]: asks the user of a client before a tool does something that can't be undone.
//!
//! Protocol 2026-07-28 asks by a result, and the client calls the tool again with the answer. Earlier
//! versions ask by a request within a live session. A client that can't ask gets no question, and the tool
//! decides what it does then: for example, it moves data to a bin.

use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientResult, InputRequest, InputRequiredResult,
    ProtocolVersion, ServerRequest,
};
use rmcp::service::RequestContext;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::session::Session;

/// The key of the question in a result, and of its answer in the next call.
const KEY: &str = "confirmation";

/// Time that a user has to answer within a live session. Less than the 60 seconds after which the TypeScript
/// SDK gives up a call.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(50);

/// The answer of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    Given,
    /// The user declined, closed the question, or did not answer in time.
    Refused,
    /// The client can't ask its user.
    Unavailable,
}

/// The next step of a call.
#[derive(Debug)]
pub enum ConfirmationStep {
    Answered(Confirmation),
    /// Return this from the tool. The client calls it again with the answer and the same arguments.
    Ask(Box<CallToolResponse>),
}

/// Asks `question`, or reads the answer in the call. The answer is that of the client, which acts for its user.
pub async fn confirm(
    question: &str,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> ConfirmationStep {
    let elicitation = context.client_capabilities().and_then(|client| client.elicitation);
    // A client that names no mode shows forms.
    let shows_forms = elicitation.is_some_and(|modes| modes.form.is_some() || modes.url.is_none());
    if !shows_forms {
        return ConfirmationStep::Answered(Confirmation::Unavailable);
    }
    let asks_by_result = context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
    if asks_by_result {
        let answer = request.input_responses.as_ref().and_then(|answers| answers.get(KEY));
        return match answer {
            Some(answer) => ConfirmationStep::Answered(read(answer)),
            None => ask_by_result(question),
        };
    }
    let in_session = context.extensions.get::<Arc<Session>>().is_some();
    let answer = if in_session { ask_in_session(question, context).await } else { None };
    ConfirmationStep::Answered(answer.unwrap_or(Confirmation::Unavailable))
}

/// The form with the question.
fn form(question: &str) -> Value {
    let confirm = json!({ "type": "boolean", "title": "Confirm", "default": false });
    let schema = json!({
        "type": "object", "properties": { "confirm": confirm }, "required": ["confirm"],
    });
    let params = json!({ "mode": "form", "message": question, "requestedSchema": schema });
    json!({ "method": "elicitation/create", "params": params })
}

fn ask_by_result(question: &str) -> ConfirmationStep {
    match serde_json::from_value::<InputRequest>(form(question)) {
        Ok(form) => {
            let questions = [(KEY.to_owned(), form)].into_iter().collect();
            let result = InputRequiredResult::new(Some(questions), None);
            ConfirmationStep::Ask(Box::new(result.into()))
        }
        Err(_) => ConfirmationStep::Answered(Confirmation::Unavailable),
    }
}

/// `None` if the client does not know the request.
async fn ask_in_session(
    question: &str,
    context: &RequestContext<RoleServer>,
) -> Option<Confirmation> {
    let request: ServerRequest = serde_json::from_value(form(question)).ok()?;
    match timeout(ANSWER_TIMEOUT, context.peer.send_request(request)).await {
        Ok(Ok(ClientResult::ElicitResult(answer))) => {
            Some(read(&serde_json::to_value(answer).unwrap_or_default()))
        }
        Ok(_) => None,
        Err(_) => Some(Confirmation::Refused),
    }
}

fn read(answer: &Value) -> Confirmation {
    let is_given = answer["action"] == "accept" && answer["content"]["confirm"] == true;
    if is_given { Confirmation::Given } else { Confirmation::Refused }
}
