//! From what somebody typed to what their partner gets: cleaned, allowed, masked, sent.
//!
//! All ways in send through here, so that no text goes around any of it.

use std::sync::Arc;

use super::lobby::action::{Action, ActionResult, Call, Outcome};
use super::lobby::{Lobby, LobbyError};
use super::profile::language::Language;
use crate::guard;
use crate::guard::{ContentRejected, Guard};
use crate::mask::{Masked, Memory, mask_next};

/// What became of a text.
#[derive(Debug)]
pub enum RelayOutcome {
    /// There was nothing to see in it. Nothing was done.
    Empty,
    /// The guard does not let it pass, for this reason. Nothing was done.
    Rejected(ContentRejected),
    Performed(ActionResult),
}

/// Sends texts to partners.
#[derive(Clone)]
pub struct Relay {
    lobby: Arc<dyn Lobby>,
    guard: Guard,
}

impl Relay {
    #[must_use]
    pub fn new(lobby: Arc<dyn Lobby>, guard: Guard) -> Self {
        Self { lobby, guard }
    }

    /// Sends what somebody typed to their partner.
    ///
    /// # Errors
    /// When the lobby's store fails.
    pub async fn send(&self, call: &Call, typed: &str) -> Result<RelayOutcome, LobbyError> {
        let cleaned = guard::sanitize(typed);
        if cleaned.is_empty() {
            return Ok(RelayOutcome::Empty);
        }
        if let Err(reason) = self.guard.check(&cleaned) {
            return Ok(RelayOutcome::Rejected(reason));
        }
        loop {
            let mut sender = self.lobby.sender_state(call.user).await?;
            // Until both have written a few messages, and no longer: it costs as much as all the rest.
            if sender.language.is_none() && !sender.trusted {
                sender.language = Language::detect(&cleaned);
            }
            let (text, memory) = if sender.masking {
                mask_next(&cleaned, &sender.memory)
            } else {
                (Masked::waived(&cleaned), Memory::default())
            };
            // What leads to a person is hidden before links are changed, so that it is still found.
            let steps = self.guard.rewrites(sender.trusted);
            let text = steps.fold(text, Masked::map_text);
            let relay = Action::Relay { text, sender, memory };
            let performed = self.lobby.perform(call.clone(), relay).await?;
            // Only a call of the same person or their partner, between the two above, makes this
            // repeat.
            if performed.outcome != Outcome::SenderChanged {
                return Ok(RelayOutcome::Performed(performed));
            }
        }
    }
}
