//! [`SharedLook`]: reads of the store that concurrent callers share, one at a time.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::kernel::store::StoreError;

/// Shares reads. A caller gets the result of a read that began after its call, so that it sees what was
/// written before.
#[derive(Default)]
pub(super) struct SharedLook {
    /// The number of reads that have begun.
    begun: AtomicU64,
    /// The number and the result of the last read. Locked during a read.
    last: Mutex<Option<(u64, Result<(), StoreError>)>>,
}

impl SharedLook {
    /// Returns the result of `read`, or of the read of another caller.
    pub(super) async fn share(
        &self,
        read: impl AsyncFnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let begun = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if let Some((number, result)) = *last
            && number > begun
        {
            return result;
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let result = read().await;
        *last = Some((number, result));
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::kernel::store::StoreErrorKind;

    #[tokio::test]
    async fn api_key_look_is_shared_by_those_who_came_before_it() {
        let look = Arc::new(SharedLook::default());
        let (reads, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let call = || {
            let (look, reads, gate) = (Arc::clone(&look), Arc::clone(&reads), Arc::clone(&gate));
            tokio::spawn(async move {
                let read = async || {
                    reads.fetch_add(1, Ordering::SeqCst);
                    gate.acquire().await.expect("open").forget();
                    Err(StoreErrorKind::Timeout.into())
                };
                look.share(read).await
            })
        };
        let first = call();
        while reads.load(Ordering::SeqCst) < 1 {
            tokio::task::yield_now().await;
        }
        let later: Vec<_> = (0..50).map(|_| call()).collect();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(2);
        assert!(first.await.expect("no panic").is_err());
        for result in join_all(later).await {
            assert!(result.expect("no panic").is_err());
        }
        assert_eq!(reads.load(Ordering::SeqCst), 2, "one for the first, one for all others");
    }
}
