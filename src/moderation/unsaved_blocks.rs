//! [`UnsavedBlocks`]: blocks that the store could not save, kept in memory until it can.
//!
//! A user who blocks another must be safe from them at once, also while the disk is full. Blocks
//! here apply on this instance only and are lost when the process exits.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::kernel::id::UserId;

/// Maximum number of blocks; each takes 32 bytes.
const CAPACITY: usize = 100_000;

/// Pairs of users, each in both orders, so that those of one user are a range.
#[derive(Debug, Default)]
pub(super) struct UnsavedBlocks(Mutex<BTreeSet<(UserId, UserId)>>);

impl UnsavedBlocks {
    /// Adds a block. Returns `false` if there are too many.
    pub fn insert(&self, user: UserId, target: UserId) -> bool {
        let mut blocks = self.0.lock();
        if blocks.len() >= 2 * CAPACITY {
            return false;
        }
        blocks.extend([(user, target), (target, user)]);
        true
    }

    /// The users that must not be matched with this one.
    pub fn of(&self, user: UserId) -> Vec<UserId> {
        let first = (user, UserId::from_bytes([0; 16]));
        let last = (user, UserId::from_bytes([0xff; 16]));
        self.0.lock().range(first..=last).map(|(_, target)| *target).collect()
    }

    /// One of the blocks; `None` if there are none.
    pub fn first(&self) -> Option<(UserId, UserId)> {
        self.0.lock().first().copied()
    }

    /// Removes a block that the store has saved.
    pub fn remove(&self, user: UserId, target: UserId) {
        let mut blocks = self.0.lock();
        blocks.remove(&(user, target));
        blocks.remove(&(target, user));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsaved_blocks_apply_to_both_users_until_saved() {
        let [ann, ben, cid] = [0, 0xff, 7].map(|id| UserId::from_bytes([id; 16]));
        let blocks = UnsavedBlocks::default();
        assert!(blocks.insert(ann, ben) && blocks.insert(ann, cid));
        assert_eq!(blocks.of(ann), [cid, ben]);
        assert_eq!((blocks.of(ben), blocks.of(cid)), (vec![ann], vec![ann]));
        blocks.remove(ben, ann);
        assert_eq!((blocks.of(ann), blocks.of(ben)), (vec![cid], vec![]));
        blocks.remove(ann, cid);
        assert_eq!(blocks.first(), None);
    }
}
