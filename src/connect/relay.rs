//! From what somebody typed to what their partner gets: cleaned, allowed, masked, sent.
//!
//! All ways in send through here, so that no text goes around any of it.

use std::sync::Arc;

use super::action::{Action, Call, Outcome, Performed};
use super::lobby::{Lobby, LobbyError};
use crate::guard;
use crate::mask::{Masked, Memory, mask_next};

/// Decides whether a text may be passed on at all; if not, says why, in words for its sender.
pub type Policy = fn(&str) -> Result<(), &'static str>;

/// The policy of a server without moderation.
///
/// # Errors
/// None.
pub const fn allow_all(_text: &str) -> Result<(), &'static str> {
    Ok(())
}

/// What became of a text.
#[derive(Debug)]
pub enum Relayed {
    /// There was nothing to see in it. Nothing was done.
    Empty,
    /// The policy does not allow it, for this reason. Nothing was done.
    Refused(&'static str),
    Done(Performed),
}

/// Sends texts to partners.
#[derive(Clone)]
pub struct Relay {
    lobby: Arc<dyn Lobby>,
    policy: Policy,
}

impl Relay {
    #[must_use]
    pub fn new(lobby: Arc<dyn Lobby>, policy: Policy) -> Self {
        Self { lobby, policy }
    }

    /// Sends what somebody typed to their partner.
    ///
    /// # Errors
    /// When the lobby's store fails.
    pub async fn send(&self, call: &Call, typed: &str) -> Result<Relayed, LobbyError> {
        let cleaned = guard::clean(typed);
        if cleaned.is_empty() {
            return Ok(Relayed::Empty);
        }
        if let Err(reason) = (self.policy)(&cleaned) {
            return Ok(Relayed::Refused(reason));
        }
        loop {
            let sender = self.lobby.sender(call.who).await?;
            let (text, memory) = if sender.masking {
                mask_next(&cleaned, &sender.memory)
            } else {
                (Masked::waived(&cleaned), Memory::default())
            };
            let text = text.reworded(guard::mark_lines);
            let relay = Action::Relay { text, sender, memory };
            let performed = self.lobby.perform(call.clone(), relay).await?;
            // Only another call of the same person, between the two above, makes this repeat.
            if performed.outcome != Outcome::SenderChanged {
                return Ok(Relayed::Done(performed));
            }
        }
    }
}
