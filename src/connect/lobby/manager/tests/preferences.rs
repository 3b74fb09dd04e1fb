//! Interests, rooms, what is kept of a chat and what is collected: the rules, one example each.

use std::time::Duration;

use super::{ManagerFixture, user};
use crate::connect::lobby::action::{Action, Call, Effect, Outcome, QueuePosition};
use crate::connect::lobby::chat::MatchPreferences;
use crate::connect::lobby::inbox::InboxEvent;
use crate::connect::lobby::rules::INTEREST_ONLY_FOR;
use crate::connect::profile::interest::Interests;

fn meet_with(list: &str) -> Action {
    Action::Meet(MatchPreferences { interests: Interests::parse(list), keep_history: false })
}

#[test]
fn match_shared_interest_beats_longer_wait() {
    let mut lab = ManagerFixture::new();
    lab.act(1, meet_with("cricket"));
    lab.act(2, meet_with("tea, music"));
    lab.act(3, meet_with("music"));
    assert_eq!(lab.partner(3), Some(user(2)));
    assert!(lab.manager.queue_entry(user(1)).is_some());
}

#[test]
fn match_shows_common_interests_to_both() {
    let mut lab = ManagerFixture::new();
    lab.act(1, meet_with("Tea, music"));
    let Outcome::Connected { chat, .. } = lab.act(2, meet_with("music, chess, TEA")) else {
        panic!("they share two interests");
    };
    assert_eq!(chat.common_interests.to_string(), "music, tea");
    assert!(
        matches!(&lab.call(1, Action::ReadInbox).1[..], [InboxEvent::Connected { chat }] if !chat.common_interests.is_empty())
    );
}

#[test]
fn match_takes_anyone_after_thirty_seconds() {
    let mut lab = ManagerFixture::new();
    lab.act(1, meet_with("cricket"));
    assert!(matches!(lab.act(2, Action::meet()), Outcome::Waiting { .. }), "1 is choosy");
    lab.advance(Duration::from_millis(29_999));
    assert_eq!(lab.manager.pair_waiting(lab.now, 100, &mut lab.rng), 0);
    lab.advance(Duration::from_millis(1));
    assert_eq!(lab.manager.pair_waiting(lab.now, 100, &mut lab.rng), 1);
    assert_eq!(lab.partner(1), Some(user(2)));
}

#[test]
fn match_relaxed_waiter_is_found_by_anyone() {
    let mut lab = ManagerFixture::new();
    lab.act(1, meet_with("cricket"));
    lab.advance(INTEREST_ONLY_FOR);
    assert!(matches!(lab.act(2, Action::meet()), Outcome::Connected { .. }));
}

#[test]
fn queue_changed_preferences_keep_the_position() {
    let mut lab = ManagerFixture::new();
    lab.act(1, meet_with("cricket"));
    lab.act(2, meet_with("tea"));
    assert!(matches!(
        lab.act(1, meet_with("chess")),
        Outcome::Waiting { place: QueuePosition { position: 1, .. }, .. }
    ));
    assert!(matches!(lab.act(1, meet_with("tea")), Outcome::Connected { .. }));
}

#[test]
fn match_again_reuses_the_preferences() {
    let mut lab = ManagerFixture::new();
    lab.act(1, meet_with("tea"));
    lab.act(2, meet_with("tea"));
    let Outcome::Waiting { interests, .. } = lab.act(1, Action::Again) else {
        panic!("nobody is there")
    };
    assert_eq!(interests.to_string(), "tea");
}

#[test]
fn queue_estimate_is_shown_to_waiters() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.advance(Duration::from_secs(12));
    lab.act(2, Action::meet());
    let Outcome::Waiting { place, .. } = lab.act(3, Action::meet()) else { panic!("alone") };
    assert_eq!(place.estimated_wait, Some(Duration::from_secs(12)));
}

#[test]
fn room_mismatch_is_rejected() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    let ended = lab.room(1);
    lab.act(1, Action::Again);
    lab.act(3, Action::meet());
    let theirs = lab.room(3).expect("1 and 3 chat");
    for (who, room, told) in [
        (1, ended.expect("a room"), Outcome::NotInRoom { ended: true }),
        (2, theirs, Outcome::NotInRoom { ended: false }),
    ] {
        let call = Call { room: Some(room), ..Call::new(user(who), lab.now) };
        assert_eq!(lab.manager.perform(call, Action::Leave, &mut lab.rng).outcome, told);
    }
    assert_eq!(lab.partner(3), Some(user(1)));
    let call = Call { room: Some(theirs), ..Call::new(user(1), lab.now) };
    assert_eq!(lab.manager.perform(call, Action::Leave, &mut lab.rng).outcome, Outcome::ChatEnded);
}

#[test]
fn history_needs_both_and_ends_with_the_chat() {
    let keep =
        || Action::Meet(MatchPreferences { keep_history: true, ..MatchPreferences::default() });
    let mut lab = ManagerFixture::new();
    lab.act(1, keep());
    lab.act(2, Action::meet());
    lab.say(1, "one");
    assert_eq!(lab.act(1, Action::ReadHistory(10)), Outcome::History(None), "2 did not ask for it");
    lab.act(1, Action::Leave);
    lab.act(3, keep());
    lab.act(1, keep());
    lab.say(1, "a");
    lab.say(3, "b");
    lab.say(1, "c");
    let Outcome::History(Some(kept)) = lab.act(3, Action::ReadHistory(2)) else { panic!("kept") };
    assert_eq!(kept.iter().map(|kept| kept.text.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    lab.act(3, Action::Leave);
    assert_eq!(lab.act(1, Action::ReadHistory(2)), Outcome::History(None));
    assert!(lab.manager.histories.len() == 0);
}

#[test]
fn lease_is_not_overtaken_by_collect() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    let first = lab.manager.collect(user(1), lab.now);
    assert_eq!(first.items.len(), 1);
    lab.say(2, "hi");
    assert_eq!(lab.manager.collect(user(1), lab.now).items, []);
    lab.manager.take_effects();
    lab.manager.settle(user(1), first.id.expect("a lease"), true);
    assert_eq!(lab.manager.take_effects(), [Effect::InboxChanged(user(1))], "there is more now");
    assert_eq!(lab.manager.collect(user(1), lab.now).items.len(), 1);
}
