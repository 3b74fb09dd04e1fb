//! [`AnsweredWaits`]: the latest answered waits of a session, whose events return if the client has
//! cancelled the call meanwhile.
//!
//! A cancellation may cross the answer. The client then drops the answer, although it was delivered.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rmcp::model::RequestId;

use super::event::Event;
use super::push::SessionPush;
use crate::kernel::id::UserId;
use crate::kernel::receipt::Receipt;

/// Number of answered waits whose events are stored. A client cancels soon after the answer, if at all.
const MAX_ANSWERED: usize = 2;

/// Number of cancelled calls that may still be answered.
const MAX_CANCELLED: usize = 32;

/// Part of a session, and dropped with it. Clones share the same state.
#[derive(Clone, Default)]
pub struct AnsweredWaits(Arc<Mutex<AnswerLog>>);

#[derive(Default)]
struct AnswerLog {
    answered: VecDeque<(RequestId, UserId, Vec<Event>)>,
    cancelled: VecDeque<RequestId>,
}

impl AnsweredWaits {
    /// The receipt of an answer with `events`. If the call is cancelled, they return to `push`. Put it
    /// before the receipt of the inbox, so that they return before later events are handed out.
    #[must_use]
    pub fn receipt(
        &self,
        call: RequestId,
        user: UserId,
        events: Vec<Event>,
        push: SessionPush,
    ) -> Receipt {
        let waits = self.clone();
        Receipt::new(move |delivered| {
            if delivered && !events.is_empty() {
                waits.answer(call, user, events, &push);
            }
        })
    }

    fn answer(&self, call: RequestId, user: UserId, events: Vec<Event>, push: &SessionPush) {
        let mut log = self.0.lock();
        if log.cancelled.contains(&call) {
            drop(log);
            push.restore(user, events);
            return;
        }
        log.answered.push_back((call, user, events));
        if log.answered.len() > MAX_ANSWERED {
            log.answered.pop_front();
        }
    }

    /// Records that the client has cancelled a call, and returns the events of its answer to `push`.
    pub fn cancel(&self, call: &RequestId, push: &SessionPush) {
        let mut log = self.0.lock();
        let answered = log.answered.iter().position(|(answered, ..)| answered == call);
        if let Some((_, user, events)) = answered.and_then(|index| log.answered.remove(index)) {
            drop(log);
            push.restore(user, events);
            return;
        }
        log.cancelled.push_back(call.clone());
        if log.cancelled.len() > MAX_CANCELLED {
            log.cancelled.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::RoomId;

    const ANN: UserId = UserId::from_bytes([1; 16]);

    fn event() -> Event {
        let room = RoomId::from_hex(&"0a".repeat(16)).expect("a room");
        Event::Typing { room_id: room.to_hex(), typing: true }
    }

    #[test]
    fn answered_wait_returns_its_events_when_the_cancellation_crosses_it() {
        for is_cancelled_first in [true, false] {
            let (waits, push) = (AnsweredWaits::default(), SessionPush::default());
            push.switch_to_polling(ANN);
            let call = RequestId::Number(7);
            let receipt = waits.receipt(call.clone(), ANN, vec![event()], push.clone());
            if is_cancelled_first {
                waits.cancel(&call, &push);
                receipt.confirm();
            } else {
                receipt.confirm();
                assert!(push.missed_events(ANN).is_empty());
                waits.cancel(&call, &push);
            }
            assert!(push.missed_events(ANN) == [event()]);
        }
    }

    #[test]
    fn answered_wait_whose_answer_is_lost_returns_nothing() {
        let (waits, push) = (AnsweredWaits::default(), SessionPush::default());
        push.switch_to_polling(ANN);
        let call = RequestId::Number(7);
        // The receipt of the inbox returns the items.
        drop(waits.receipt(call.clone(), ANN, vec![event()], push.clone()));
        waits.cancel(&call, &push);
        assert!(push.missed_events(ANN).is_empty());
    }
}
