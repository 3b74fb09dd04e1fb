//! [`NoticeMailbox`]: records which users were shown the notice, which comes with the first
//! partner.

use std::sync::Arc;

use async_trait::async_trait;

use crate::connect::lobby::Mailbox;
use crate::connect::lobby::inbox::{InboxEvent, Item, Lease, LeaseId};
use crate::connect::lobby::signal::Listener;
use crate::kernel::clock::Timestamp;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;
use crate::moderation::service::ModerationService;
use crate::moderation::store::NoticeState;

/// A mailbox that records the notices in the items that it hands out.
pub struct NoticeMailbox {
    mailbox: Arc<dyn Mailbox>,
    moderation: Arc<ModerationService>,
}

impl NoticeMailbox {
    #[must_use]
    pub fn new(mailbox: Arc<dyn Mailbox>, moderation: Arc<ModerationService>) -> Self {
        Self { mailbox, moderation }
    }
}

/// Returns `true` if the items show the notice to their user.
pub(super) fn show_notice(items: &[Item]) -> bool {
    let shows =
        |item: &Item| matches!(&item.event, InboxEvent::Connected { chat } if chat.is_first_chat);
    items.iter().any(shows)
}

#[async_trait]
impl Mailbox for NoticeMailbox {
    async fn collect(&self, user: UserId, now: Timestamp) -> Result<Lease, StoreError> {
        let lease = self.mailbox.collect(user, now).await?;
        if show_notice(&lease.items) {
            // After a failure, which the store has logged, the user sees the notice again.
            let _ = self.moderation.record_notice(user, NoticeState::Shown, now).await;
        }
        Ok(lease)
    }

    async fn put_back(&self, user: UserId, lease: &Lease, shown: usize) -> Result<(), StoreError> {
        self.mailbox.put_back(user, lease, shown).await
    }

    fn settle(&self, user: UserId, lease: LeaseId, delivered: bool) {
        self.mailbox.settle(user, lease, delivered);
    }

    async fn settled(&self) {
        self.mailbox.settled().await;
    }

    fn listen(&self, user: UserId) -> Listener {
        self.mailbox.listen(user)
    }
}
