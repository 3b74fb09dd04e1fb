//! [`StoreHealth`]: checks every store that calls need.

use std::sync::Arc;

use super::lobby::Directory;
use crate::kernel::clock::Clock;
use crate::kernel::store::StoreError;
use crate::moderation::service::ModerationService;

/// The stores of the lobby, of moderation and of the rate limits.
pub struct StoreHealth {
    directory: Arc<dyn Directory>,
    moderation: Arc<ModerationService>,
    clock: Arc<dyn Clock>,
}

impl StoreHealth {
    #[must_use]
    pub fn new(
        directory: Arc<dyn Directory>,
        moderation: Arc<ModerationService>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { directory, moderation, clock }
    }

    /// Checks that all stores are available.
    ///
    /// # Errors
    /// Returns [`StoreError`] if one of them is not.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.directory.stats(self.clock.now()).await?;
        self.moderation.check().await
    }
}
