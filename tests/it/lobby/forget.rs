//! Deletion of a user's data from the lobby, on every backend.

use random_connect::connect::lobby::action::{Action, Call, Outcome, SenderState};
use random_connect::connect::profile::language::Language;
use random_connect::connect::profile::nickname::Nickname;
use random_connect::kernel::clock::seeded_rng;
use random_connect::kernel::id::IdHasher;

use super::contract::{
    START, TestBackend, act, backends, call, pair, perform, read, say, test_user,
};

#[tokio::test]
async fn forget_deletes_everything_but_blocks_and_the_partners_transcript() {
    for TestBackend { lobby, _server } in backends() {
        let lobby = &*lobby;
        let ids = IdHasher::random(&mut seeded_rng());
        let keyed = |id: &str| {
            let key = Some(ids.idempotency_key(test_user(1), id, ""));
            Call { idempotency_key: key, ..call(1, START) }
        };
        act(lobby, 1, Action::SetNickname(Nickname::parse("Ann").expect("a name"))).await;
        act(lobby, 1, Action::SetLanguage(Language::Hindi)).await;
        act(lobby, 1, Action::SetMasking(Some(false))).await;
        pair(lobby, 1, 2).await;
        assert!(matches!(act(lobby, 1, Action::Who).await.0, Outcome::PartnerName(Some(_))));
        let who = perform(lobby, keyed("who"), Action::Who).await;
        assert!(matches!(who.outcome, Outcome::PartnerName(Some(_))));
        act(lobby, 1, Action::Block(test_user(9))).await;
        say(lobby, 1, "from ann").await;
        say(lobby, 2, "to ann").await;
        let call_without_inbox = Call { include_inbox: false, ..call(1, START) };
        let forgotten = perform(lobby, call_without_inbox, Action::Forget).await;
        assert_eq!(forgotten.outcome, Outcome::Forgotten);
        assert_eq!(forgotten.lease.language, Some(Language::Hindi), "the answer is still in Hindi");

        assert_eq!(lobby.sender_state(test_user(1)).await, Ok(SenderState::default()));
        assert_eq!(read(lobby, 1).await, [""; 0]);
        assert_eq!(read(lobby, 2).await, ["(left)"]);
        let who = perform(lobby, keyed("who"), Action::Who).await;
        assert_eq!(who.outcome, Outcome::PartnerName(None), "the replay is deleted");
        let look_up = || Action::LookUpLastPartner { with_transcript: true };
        assert_eq!(act(lobby, 1, look_up()).await.0, Outcome::LastPartner(None));
        let Outcome::LastPartner(Some(last)) = act(lobby, 2, look_up()).await.0 else {
            panic!("the partner can still report")
        };
        assert_eq!((last.partner, last.transcript[0].as_str()), (test_user(1), "from ann"));
        act(lobby, 9, Action::meet()).await;
        let again = act(lobby, 1, Action::meet()).await.0;
        assert!(matches!(again, Outcome::Waiting { .. }), "the block stays");
    }
}
