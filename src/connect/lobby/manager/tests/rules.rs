//! The rules of pairing, naming, relaying and eviction, one example each.

use std::time::Duration;

use super::{IDLE, ManagerFixture, user};
use crate::connect::lobby::action::{Action, Outcome, QueuePosition, SenderState};
use crate::connect::lobby::inbox::{INBOX_CAPACITY, InboxEvent};
use crate::connect::lobby::rules::AVOID_RECENT_FOR;
use crate::connect::profile::nickname::Nickname;
use crate::kernel::clock::Timestamp;
use crate::mask::{Masked, Memory, mask_next};

#[test]
fn match_prefers_the_longest_waiter() {
    let mut lab = ManagerFixture::new();
    lab.make_recent_partners(1, 2);
    // 1 and 2 avoid each other, so both can wait at once.
    assert!(matches!(
        lab.act(1, Action::meet()),
        Outcome::Waiting { place: QueuePosition { position: 1, .. }, .. }
    ));
    assert!(matches!(
        lab.act(2, Action::meet()),
        Outcome::Waiting { place: QueuePosition { position: 2, .. }, .. }
    ));
    assert!(matches!(lab.act(3, Action::meet()), Outcome::Connected { .. }));
    assert_eq!(lab.partner(3), Some(user(1)));
}

#[test]
fn queue_head_without_a_match_does_not_block_others() {
    let mut lab = ManagerFixture::new();
    lab.make_recent_partners(1, 2);
    lab.make_recent_partners(1, 3);
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    // The queue is 1, 2, who know each other. 3 knows the head of it, but not 2.
    assert!(matches!(lab.act(3, Action::meet()), Outcome::Connected { .. }));
    assert_eq!(lab.partner(3), Some(user(2)));
    assert!(lab.manager.queue_entry(user(1)).is_some());
}

#[test]
fn queue_rejoin_keeps_the_position() {
    let mut lab = ManagerFixture::new();
    lab.make_recent_partners(1, 2);
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    assert!(matches!(
        lab.act(1, Action::meet()),
        Outcome::Waiting { place: QueuePosition { position: 1, .. }, .. }
    ));
    assert!(matches!(
        lab.act(1, Action::Again),
        Outcome::Waiting { place: QueuePosition { position: 1, .. }, again: true, .. }
    ));
}

#[test]
fn match_avoids_recent_partners_for_a_minute() {
    let mut lab = ManagerFixture::new();
    lab.make_recent_partners(1, 2);
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    assert_eq!(lab.manager.pair_waiting(lab.now, 100, &mut lab.rng), 0);
    lab.advance(AVOID_RECENT_FOR);
    assert_eq!(lab.manager.pair_waiting(lab.now, 100, &mut lab.rng), 1);
    assert!(matches!(
        lab.call(1, Action::ReadInbox).1.as_slice(),
        [InboxEvent::PartnerLeft { .. }, ..] | [InboxEvent::Connected { .. }]
    ));
    assert_eq!(lab.partner(2), Some(user(1)));
}

#[test]
fn match_takes_a_recent_partner_after_a_minute() {
    let mut lab = ManagerFixture::new();
    lab.make_recent_partners(1, 2);
    lab.act(1, Action::meet());
    lab.advance(AVOID_RECENT_FOR);
    assert!(matches!(lab.act(2, Action::meet()), Outcome::Connected { .. }));
}

#[test]
fn match_again_skips_the_partner_just_left() {
    let mut lab = ManagerFixture::new();
    lab.make_recent_partners(1, 2);
    lab.act(1, Action::meet());
    lab.advance(AVOID_RECENT_FOR);
    // 1 has waited long enough for anyone, but 2 asks for somebody else.
    assert!(matches!(lab.act(2, Action::Again), Outcome::Waiting { again: true, .. }));
    assert_eq!(lab.manager.pair_waiting(lab.now, 100, &mut lab.rng), 0);
    lab.advance(AVOID_RECENT_FOR);
    assert_eq!(lab.manager.pair_waiting(lab.now, 100, &mut lab.rng), 1);
}

#[test]
fn match_forgets_recent_partners_after_twenty_minutes() {
    let mut lab = ManagerFixture::new();
    lab.make_recent_partners(1, 2);
    lab.advance(Duration::from_secs(20 * 60));
    lab.act(1, Action::meet());
    assert!(matches!(lab.act(2, Action::meet()), Outcome::Connected { .. }));
}

#[test]
fn match_again_leaves_and_pairs_atomically() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    lab.act(3, Action::meet());
    assert!(matches!(lab.act(1, Action::Again), Outcome::Connected { again: true, .. }));
    assert_eq!(lab.partner(1), Some(user(3)));
    let news = lab.call(2, Action::ReadInbox).1;
    assert!(matches!(news.last(), Some(InboxEvent::PartnerLeft { .. })), "{news:?}");
}

#[test]
fn nickname_applies_from_the_next_chat() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    let sunny = Nickname::parse("Sunny").expect("a name");
    lab.act(1, Action::SetNickname(sunny.clone()));
    assert_ne!(lab.act(2, Action::Who), Outcome::PartnerName(Some(sunny.clone())));
    lab.act(1, Action::Leave);
    lab.act(1, Action::meet());
    assert!(matches!(
        lab.act(3, Action::meet()),
        Outcome::Connected { chat, again: false } if chat.partner_name == sunny
    ));
}

#[test]
fn nickname_random_changes_with_every_chat() {
    let mut lab = ManagerFixture::new();
    let mut names = Vec::new();
    for other in 2..=6 {
        lab.act(1, Action::meet());
        lab.act(other, Action::meet());
        names.push(lab.act(other, Action::Who));
        lab.act(1, Action::Leave);
    }
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}", names.len());
}

#[test]
fn inbox_full_rejects_the_message() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    lab.call(1, Action::ReadInbox);
    for _ in 0..INBOX_CAPACITY {
        assert!(matches!(lab.say(2, "hi"), Outcome::Sent { .. }));
    }
    assert_eq!(lab.say(2, "one too many"), Outcome::PartnerInboxFull);
    assert_eq!(lab.call(1, Action::ReadInbox).1.len(), INBOX_CAPACITY);
    assert!(matches!(lab.say(2, "hi again"), Outcome::Sent { .. }));
}

#[test]
fn relay_rejects_text_prepared_for_stale_sender_state() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    lab.act(1, Action::ToggleMasking);
    let text = Masked::waived("hi");
    let stale = lab
        .call(1, Action::Relay { text, sender: SenderState::default(), memory: Memory::default() });
    assert_eq!(stale, (Outcome::SenderChanged, Vec::new()));
}

#[test]
fn relay_splits_a_long_message_without_loss() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    lab.call(1, Action::ReadInbox);
    lab.say(2, &"é".repeat(4_096));
    let news = lab.call(1, Action::ReadInbox).1;
    let lengths: Vec<_> = news
        .iter()
        .map(|news| match news {
            InboxEvent::Message { text, .. } => text.as_str().chars().count(),
            _ => 0,
        })
        .collect();
    assert_eq!(lengths, [3_900, 196]);
}

#[test]
fn eviction_notifies_the_partner() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    lab.act(3, Action::meet());
    lab.advance(Duration::from_secs(1));
    lab.act(2, Action::ReadInbox);
    lab.advance(IDLE.saturating_sub(Duration::from_secs(1)));
    assert_eq!(lab.manager.sweep(lab.now, 100).evicted, 2, "1 chatting and 3 waiting, but not 2");
    assert!(matches!(lab.call(2, Action::ReadInbox).1[..], [InboxEvent::PartnerTimedOut { .. }]));
    let stats = lab.manager.stats(lab.now);
    assert_eq!((stats.people, stats.waiting, stats.pairs, stats.evicted), (1, 0, 0, 2));
}

#[test]
fn eviction_defers_drops_until_the_lock_is_released() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    lab.advance(IDLE);
    assert_eq!(lab.manager.sweep(lab.now, 100).evicted, 2);
    assert_eq!(
        lab.manager.take_deferred_drops().len(),
        4,
        "two people and their parts in the chat"
    );
    assert!(lab.manager.take_deferred_drops().is_empty());
}

#[test]
fn eviction_spares_only_the_caller() {
    let mut lab = ManagerFixture::new();
    lab.act(1, Action::ReadInbox);
    lab.act(2, Action::ReadInbox);
    lab.advance(Duration::from_secs(1));
    lab.act(1, Action::ReadInbox);
    lab.advance(IDLE.saturating_sub(Duration::from_secs(1)));
    assert_eq!(lab.manager.sweep(lab.now, 100).evicted, 1);
    assert!(lab.manager.people.get(&user(1)).is_some());
}

#[test]
fn clock_never_runs_backwards() {
    let mut lab = ManagerFixture::new();
    lab.advance(Duration::from_secs(100));
    let later = lab.now;
    lab.act(1, Action::ReadInbox);
    lab.now = Timestamp::default();
    lab.act(2, Action::meet());
    assert_eq!(lab.manager.stats(later).longest_wait_secs, 0);
}

#[test]
fn sweep_respects_its_limit() {
    let mut lab = ManagerFixture::new();
    (0..10).for_each(|who| drop(lab.act(who, Action::ReadInbox)));
    lab.advance(IDLE);
    assert_eq!([4, 4, 4, 4].map(|limit| lab.manager.sweep(lab.now, limit).evicted), [4, 4, 2, 0]);
}

#[test]
fn mask_memory_ends_with_the_chat_or_masking() {
    let mut lab = ManagerFixture::new();
    let begun = || mask_next("98765", &Memory::default()).1;
    let remembered = |lab: &ManagerFixture| lab.manager.sender_state(user(1)).memory;
    lab.act(1, Action::meet());
    lab.act(2, Action::meet());
    let relay = |lab: &ManagerFixture| {
        let sender = lab.manager.sender_state(user(1));
        Action::Relay { text: Masked::waived("98765"), sender, memory: begun() }
    };
    let first = relay(&lab);
    lab.act(1, first);
    assert_eq!(remembered(&lab), begun());
    assert_ne!(begun(), Memory::default());
    lab.act(1, Action::ToggleMasking);
    assert_eq!(remembered(&lab), Memory::default());
    let second = relay(&lab);
    lab.act(1, second);
    lab.act(2, Action::Leave);
    assert_eq!(remembered(&lab), Memory::default());
}
