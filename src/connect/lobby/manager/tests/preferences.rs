//! The rules of interests, rooms, histories and collected inboxes, one example each.

use std::time::Duration;

use super::{ManagerFixture, test_user};
use crate::connect::lobby::action::{Action, Call, Effect, Outcome, QueuePosition};
use crate::connect::lobby::chat::MatchPreferences;
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::rules::INTEREST_ONLY_FOR;
use crate::connect::profile::interest::Interests;

fn meet_with(list: &str) -> Action {
    Action::Meet(MatchPreferences {
        interests: Interests::parse(list).expect("valid interests"),
        keep_history: false,
    })
}

#[test]
fn match_shared_interest_beats_longer_wait() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, meet_with("cricket"));
    fixture.act(2, meet_with("tea, music"));
    fixture.act(3, meet_with("music"));
    assert_eq!(fixture.partner(3), Some(test_user(2)));
    assert!(fixture.manager.queue_entry(test_user(1)).is_some());
}

#[test]
fn match_shows_common_interests_to_both() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, meet_with("Tea, music"));
    let Outcome::Connected { chat, .. } = fixture.act(2, meet_with("music, chess, TEA")) else {
        panic!("1 and 2 share two interests");
    };
    assert_eq!(chat.common_interests.to_string(), "music, tea");
    let events = fixture.call(1, Action::ReadInbox).1;
    assert!(matches!(
        &events[..],
        [InboxEvent::Connected { chat }] if !chat.common_interests.is_empty()
    ));
}

#[test]
fn match_takes_anyone_after_thirty_seconds() {
    let mut fixture = ManagerFixture::new();
    fixture.act(3, Action::meet());
    fixture.act(4, Action::meet());
    fixture.act(1, meet_with("cricket"));
    assert!(
        matches!(fixture.act(2, Action::meet()), Outcome::Waiting { .. }),
        "1 accepts only a shared interest, and 3 or 4 may come back"
    );
    fixture.advance(Duration::from_millis(29_999));
    assert_eq!(fixture.manager.pair_waiting(fixture.now, 100, &mut fixture.rng), 0);
    fixture.advance(Duration::from_millis(1));
    assert_eq!(fixture.manager.pair_waiting(fixture.now, 100, &mut fixture.rng), 1);
    assert_eq!(fixture.partner(1), Some(test_user(2)));
}

#[test]
fn match_takes_the_only_other_user_immediately() {
    for (first, second) in [("cricket", ""), ("", "cricket")] {
        let mut fixture = ManagerFixture::new();
        fixture.act(1, meet_with(first));
        assert!(matches!(fixture.act(2, meet_with(second)), Outcome::Connected { .. }));
    }
    let mut fixture = ManagerFixture::new();
    fixture.act(1, meet_with("cricket"));
    assert!(matches!(fixture.act(2, meet_with("tea")), Outcome::Waiting { .. }));
    fixture.act(3, Action::meet());
    assert_eq!(fixture.partner(3), None, "others wait, too");
    fixture.act(4, meet_with("cricket"));
    assert_eq!(fixture.partner(4), Some(test_user(1)));
}

#[test]
fn match_relaxed_waiter_is_found_by_anyone() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, meet_with("cricket"));
    fixture.advance(INTEREST_ONLY_FOR);
    assert!(matches!(fixture.act(2, Action::meet()), Outcome::Connected { .. }));
}

#[test]
fn queue_changed_preferences_keep_the_position() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, meet_with("cricket"));
    fixture.act(2, meet_with("tea"));
    assert!(matches!(
        fixture.act(1, meet_with("chess")),
        Outcome::Waiting { place: QueuePosition { position: 1, .. }, .. }
    ));
    assert!(matches!(fixture.act(1, meet_with("tea")), Outcome::Connected { .. }));
}

#[test]
fn match_again_reuses_the_preferences() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, meet_with("tea"));
    fixture.act(2, meet_with("tea"));
    let Outcome::Waiting { interests, .. } = fixture.act(1, Action::Again) else {
        panic!("no one else is waiting")
    };
    assert_eq!(interests.to_string(), "tea");
}

#[test]
fn queue_estimate_is_shown_to_waiters() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.advance(Duration::from_secs(12));
    fixture.act(2, Action::meet());
    let Outcome::Waiting { place, .. } = fixture.act(3, Action::meet()) else {
        panic!("3 is the only waiter")
    };
    assert_eq!(place.estimated_wait, Some(Duration::from_secs(12)));
}

#[test]
fn room_mismatch_is_rejected() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    let ended = fixture.room(1).expect("1 and 2 chat");
    fixture.act(1, Action::Again);
    fixture.act(3, Action::meet());
    let current = fixture.room(3).expect("1 and 3 chat");
    for (user, room, outcome) in [
        (1, ended, Outcome::NotInRoom { ended: true }),
        (2, current, Outcome::NotInRoom { ended: false }),
    ] {
        let call = Call { room: Some(room), ..Call::new(test_user(user), fixture.now) };
        assert_eq!(fixture.manager.perform(call, Action::Leave, &mut fixture.rng).outcome, outcome);
    }
    assert_eq!(fixture.partner(3), Some(test_user(1)));
    let call = Call { room: Some(current), ..Call::new(test_user(1), fixture.now) };
    assert_eq!(
        fixture.manager.perform(call, Action::Leave, &mut fixture.rng).outcome,
        Outcome::ChatEnded
    );
}

#[test]
fn history_needs_both_and_ends_with_the_chat() {
    let with_history =
        || Action::Meet(MatchPreferences { keep_history: true, ..MatchPreferences::default() });
    let mut fixture = ManagerFixture::new();
    fixture.act(1, with_history());
    fixture.act(2, Action::meet());
    fixture.say(1, "one");
    assert_eq!(fixture.act(1, Action::ReadHistory(10)), Outcome::History(None), "2 did not opt in");
    fixture.act(1, Action::Leave);
    fixture.act(3, with_history());
    fixture.act(1, with_history());
    fixture.say(1, "a");
    fixture.say(3, "b");
    fixture.say(1, "c");
    let Outcome::History(Some(history)) = fixture.act(3, Action::ReadHistory(2)) else {
        panic!("both opted in")
    };
    assert_eq!(history.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    fixture.act(3, Action::Leave);
    assert_eq!(fixture.act(1, Action::ReadHistory(2)), Outcome::History(None));
    assert!(fixture.manager.histories.len() == 0);
}

#[test]
fn lease_is_not_overtaken_by_collect() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    let first = fixture.manager.collect(test_user(1), fixture.now);
    assert_eq!(first.items.len(), 1);
    fixture.say(2, "hi");
    assert_eq!(fixture.manager.collect(test_user(1), fixture.now).items, []);
    fixture.manager.take_effects();
    fixture.manager.settle(test_user(1), first.id.expect("a lease"), true);
    assert_eq!(
        fixture.manager.take_effects(),
        [Effect::InboxChanged(test_user(1))],
        "the new item can be collected"
    );
    assert_eq!(fixture.manager.collect(test_user(1), fixture.now).items.len(), 1);
}
