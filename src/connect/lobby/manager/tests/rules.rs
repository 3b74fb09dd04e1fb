//! The rules of pairing, naming, relaying and eviction, one example each.

use std::time::Duration;

use super::{IDLE, ManagerFixture, test_user};
use crate::connect::lobby::action::{Action, Outcome, QueuePosition, SenderState};
use crate::connect::lobby::inbox::{INBOX_CAPACITY, InboxEvent};
use crate::connect::lobby::rules::AVOID_RECENT_FOR;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::mask::{Memory, mask, mask_next};

#[test]
fn match_prefers_the_longest_waiter() {
    let mut fixture = ManagerFixture::new();
    fixture.make_recent_partners(1, 2);
    // 1 and 2 are recent partners, so both wait at the same time.
    assert!(matches!(
        fixture.act(1, Action::meet()),
        Outcome::Waiting { place: QueuePosition { position: 1, .. }, .. }
    ));
    assert!(matches!(
        fixture.act(2, Action::meet()),
        Outcome::Waiting { place: QueuePosition { position: 2, .. }, .. }
    ));
    assert!(matches!(fixture.act(3, Action::meet()), Outcome::Connected { .. }));
    assert_eq!(fixture.partner(3), Some(test_user(1)));
}

#[test]
fn queue_head_without_a_match_does_not_block_others() {
    let mut fixture = ManagerFixture::new();
    fixture.make_recent_partners(1, 2);
    fixture.make_recent_partners(1, 3);
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    // The queue is 1, 2. They are recent partners; so are 3 and 1, but not 3 and 2.
    assert!(matches!(fixture.act(3, Action::meet()), Outcome::Connected { .. }));
    assert_eq!(fixture.partner(3), Some(test_user(2)));
    assert!(fixture.manager.queue_entry(test_user(1)).is_some());
}

#[test]
fn queue_rejoin_keeps_the_position() {
    let mut fixture = ManagerFixture::new();
    fixture.make_recent_partners(1, 2);
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    assert!(matches!(
        fixture.act(1, Action::meet()),
        Outcome::Waiting { place: QueuePosition { position: 1, .. }, .. }
    ));
    assert!(matches!(
        fixture.act(1, Action::Again),
        Outcome::Waiting { place: QueuePosition { position: 1, .. }, again: true, .. }
    ));
}

#[test]
fn match_avoids_recent_partners_for_a_minute() {
    let mut fixture = ManagerFixture::new();
    fixture.make_recent_partners(1, 2);
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    assert_eq!(fixture.manager.pair_waiting(fixture.now, 100, &mut fixture.rng), 0);
    fixture.advance(AVOID_RECENT_FOR);
    assert_eq!(fixture.manager.pair_waiting(fixture.now, 100, &mut fixture.rng), 1);
    assert!(matches!(
        fixture.call(1, Action::ReadInbox).1.as_slice(),
        [InboxEvent::PartnerLeft { .. }, ..] | [InboxEvent::Connected { .. }]
    ));
    assert_eq!(fixture.partner(2), Some(test_user(1)));
}

#[test]
fn match_takes_a_recent_partner_after_a_minute() {
    let mut fixture = ManagerFixture::new();
    fixture.make_recent_partners(1, 2);
    fixture.act(1, Action::meet());
    fixture.advance(AVOID_RECENT_FOR);
    assert!(matches!(fixture.act(2, Action::meet()), Outcome::Connected { .. }));
}

#[test]
fn match_again_skips_the_partner_just_left() {
    let mut fixture = ManagerFixture::new();
    fixture.make_recent_partners(1, 2);
    fixture.act(1, Action::meet());
    fixture.advance(AVOID_RECENT_FOR);
    // 1 has waited long enough for a recent partner, but 2 skips 1.
    assert!(matches!(fixture.act(2, Action::Again), Outcome::Waiting { again: true, .. }));
    assert_eq!(fixture.manager.pair_waiting(fixture.now, 100, &mut fixture.rng), 0);
    fixture.advance(AVOID_RECENT_FOR);
    assert_eq!(fixture.manager.pair_waiting(fixture.now, 100, &mut fixture.rng), 1);
}

#[test]
fn match_forgets_recent_partners_after_twenty_minutes() {
    let mut fixture = ManagerFixture::new();
    fixture.make_recent_partners(1, 2);
    fixture.advance(Duration::from_secs(20 * 60));
    fixture.act(1, Action::meet());
    assert!(matches!(fixture.act(2, Action::meet()), Outcome::Connected { .. }));
}

#[test]
fn match_again_leaves_and_pairs_atomically() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    fixture.act(3, Action::meet());
    assert!(matches!(fixture.act(1, Action::Again), Outcome::Connected { again: true, .. }));
    assert_eq!(fixture.partner(1), Some(test_user(3)));
    let events = fixture.call(2, Action::ReadInbox).1;
    assert!(matches!(events.last(), Some(InboxEvent::PartnerLeft { .. })), "{events:?}");
}

#[test]
fn nickname_applies_from_the_next_chat() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    let sunny = Nickname::parse("Sunny").expect("a valid nickname");
    fixture.act(1, Action::SetNickname(sunny.clone()));
    assert_ne!(fixture.act(2, Action::Who), Outcome::PartnerName(Some(sunny.clone())));
    fixture.act(1, Action::Leave);
    fixture.act(1, Action::meet());
    assert!(matches!(
        fixture.act(3, Action::meet()),
        Outcome::Connected { chat, again: false } if chat.partner_name == sunny
    ));
}

#[test]
fn nickname_random_changes_with_every_chat() {
    let mut fixture = ManagerFixture::new();
    let mut names = Vec::new();
    for partner in 2..=6 {
        fixture.act(1, Action::meet());
        fixture.act(partner, Action::meet());
        names.push(fixture.act(partner, Action::Who));
        fixture.act(1, Action::Leave);
    }
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}", names.len());
}

#[test]
fn inbox_full_rejects_the_message() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    fixture.call(1, Action::ReadInbox);
    for _ in 0..INBOX_CAPACITY {
        assert!(matches!(fixture.say(2, "hi"), Outcome::Sent { .. }));
    }
    assert_eq!(fixture.say(2, "one too many"), Outcome::PartnerInboxFull);
    assert_eq!(fixture.call(1, Action::ReadInbox).1.len(), INBOX_CAPACITY);
    assert!(matches!(fixture.say(2, "hi again"), Outcome::Sent { .. }));
}

#[test]
fn relay_rejects_text_prepared_for_stale_sender_state() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    fixture.act(1, Action::SetMasking(None));
    let text = mask("hi");
    let stale = fixture
        .call(1, Action::Relay { text, sender: SenderState::default(), memory: Memory::default() });
    assert_eq!(stale, (Outcome::SenderChanged, Vec::new()));
}

#[test]
fn relay_splits_a_long_message_without_loss() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    fixture.call(1, Action::ReadInbox);
    fixture.say(2, &"é".repeat(4_096));
    let events = fixture.call(1, Action::ReadInbox).1;
    let lengths: Vec<_> = events
        .iter()
        .map(|event| match event {
            InboxEvent::Message { text, .. } => text.as_str().chars().count(),
            _ => 0,
        })
        .collect();
    assert_eq!(lengths, [3_900, 196]);
}

#[test]
fn eviction_notifies_the_partner() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    fixture.act(3, Action::meet());
    fixture.advance(Duration::from_secs(1));
    fixture.act(2, Action::ReadInbox);
    fixture.advance(IDLE.saturating_sub(Duration::from_secs(1)));
    assert_eq!(
        fixture.manager.sweep(fixture.now, 100).evicted.len(),
        2,
        "1 was chatting and 3 waiting; 2 made a call"
    );
    assert!(matches!(
        fixture.call(2, Action::ReadInbox).1[..],
        [InboxEvent::PartnerTimedOut { .. }]
    ));
    let stats = fixture.manager.stats(fixture.now);
    assert_eq!((stats.people, stats.waiting, stats.pairs, stats.evicted), (1, 0, 0, 2));
}

#[test]
fn eviction_defers_drops_until_the_lock_is_released() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    fixture.advance(IDLE);
    assert_eq!(fixture.manager.sweep(fixture.now, 100).evicted.len(), 2);
    assert_eq!(fixture.manager.take_deferred_drops().len(), 4, "two persons and two chat sides");
    assert!(fixture.manager.take_deferred_drops().is_empty());
}

#[test]
fn eviction_spares_only_the_caller() {
    let mut fixture = ManagerFixture::new();
    fixture.act(1, Action::ReadInbox);
    fixture.act(2, Action::ReadInbox);
    fixture.advance(Duration::from_secs(1));
    fixture.act(1, Action::ReadInbox);
    fixture.advance(IDLE.saturating_sub(Duration::from_secs(1)));
    assert_eq!(fixture.manager.sweep(fixture.now, 100).evicted.len(), 1);
    assert!(fixture.manager.people.get(&test_user(1)).is_some());
}

#[test]
fn clock_never_runs_backwards() {
    let mut fixture = ManagerFixture::new();
    fixture.advance(Duration::from_secs(100));
    let later = fixture.now;
    fixture.act(1, Action::ReadInbox);
    fixture.now = Timestamp::default();
    fixture.act(2, Action::meet());
    assert_eq!(fixture.manager.stats(later).longest_wait_secs, 0);
}

#[test]
fn sweep_respects_its_limit() {
    let mut fixture = ManagerFixture::new();
    (0..10).for_each(|user| drop(fixture.act(user, Action::ReadInbox)));
    fixture.advance(IDLE);
    assert_eq!(
        [4, 4, 4, 4].map(|limit| fixture.manager.sweep(fixture.now, limit).evicted.len()),
        [4, 4, 2, 0]
    );
}

#[test]
fn mask_memory_ends_with_the_chat_or_masking() {
    let mut fixture = ManagerFixture::new();
    let new_memory = || mask_next("98765", &Memory::default()).1;
    let mask_memory = |fixture: &ManagerFixture| fixture.manager.sender_state(test_user(1)).memory;
    fixture.act(1, Action::meet());
    fixture.act(2, Action::meet());
    let relay = |fixture: &ManagerFixture| {
        let sender = fixture.manager.sender_state(test_user(1));
        Action::Relay { text: mask("98765"), sender, memory: new_memory() }
    };
    let first = relay(&fixture);
    fixture.act(1, first);
    assert_eq!(mask_memory(&fixture), new_memory());
    assert_ne!(new_memory(), Memory::default());
    fixture.act(1, Action::SetMasking(None));
    assert_eq!(mask_memory(&fixture), Memory::default());
    let second = relay(&fixture);
    fixture.act(1, second);
    fixture.act(2, Action::Leave);
    assert_eq!(mask_memory(&fixture), Memory::default());
}
