//! [`Relay`]: prepares a text and sends it to the partner.
//!
//! Every transport sends through [`Relay`], so that no text bypasses a step. The steps themselves
//! are in [`content`](crate::content).

use std::sync::Arc;

use tracing::Instrument;

use super::lobby::action::{Action, Call, Outcome};
use super::moderated::action::{ModeratedOutcome, ModeratedResult};
use super::moderated::refusals::RefusalCause;
use super::moderated::{ModeratedLobby, call_span};
use super::profile::language::Language;
use super::profile::nickname::Nickname;
use crate::content::{CheckedText, Masking, SanitizedText};
use crate::guard::{ContentRejected, Guard};
use crate::kernel::id::IdHasher;
use crate::kernel::store::StoreError;

/// The result of a relay.
#[derive(Debug)]
pub enum RelayOutcome {
    /// The text has no visible character; the lobby was not called.
    Empty,
    /// The guard rejects the text; the lobby was not called.
    Rejected(ContentRejected),
    /// The lobby performed [`Action::Relay`].
    Performed(ModeratedResult),
}

/// Sends texts to partners. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    lobby: Arc<ModeratedLobby>,
    ids: IdHasher,
    guard: Guard,
}

impl Relay {
    #[must_use]
    pub fn new(lobby: Arc<ModeratedLobby>, ids: IdHasher, guard: Guard) -> Self {
        Self { lobby, ids, guard }
    }

    /// Sends a text to the partner of the calling user.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the lobby's store is unavailable.
    pub async fn send(&self, call: &Call, text: &str) -> Result<RelayOutcome, StoreError> {
        let Some(text) = SanitizedText::new(text) else { return Ok(RelayOutcome::Empty) };
        let text = match text.check(self.guard) {
            Ok(text) => text,
            Err(reason) => {
                self.lobby.refusals().record(RefusalCause::Content);
                return Ok(RelayOutcome::Rejected(reason));
            }
        };
        // Of the text before masking, which makes different numbers equal.
        let typed_text = Some(self.ids.typed_text_key(text.as_str()));
        let call = Call { typed_text, ..call.clone() };
        let span = call_span(call.user);
        self.send_checked(call, &text).instrument(span).await
    }

    async fn send_checked(
        &self,
        call: Call,
        checked: &CheckedText<'_>,
    ) -> Result<RelayOutcome, StoreError> {
        let mut is_counted = false;
        loop {
            let mut sender = self.lobby.sender_state_in_span(call.user).await?;
            // Only until the chat is trusted, because detection doubles the cost of a relay.
            if sender.language.is_none() && !sender.trusted {
                sender.language = Language::detect(checked.as_str());
            }
            let masking = if sender.masking {
                // The partner reads the text behind the sender's name.
                let name = sender.own_name.as_ref().filter(|name| !name.is_random());
                let name = name.map_or("", Nickname::as_str);
                Masking::Applied { name, memory: &sender.memory }
            } else {
                Masking::Waived
            };
            let (text, memory) = checked.mask(masking, sender.trusted);
            let relay = Action::Relay { text, sender, memory };
            let result = if is_counted {
                self.lobby.relay(call.clone(), relay).await?
            } else {
                self.lobby.perform_in_span(call.clone(), relay.into()).await?
            };
            is_counted = true;
            // The state changes only if a call of the same user or their partner came in between.
            if result.outcome != ModeratedOutcome::Lobby(Outcome::SenderChanged) {
                return Ok(RelayOutcome::Performed(result));
            }
        }
    }
}
