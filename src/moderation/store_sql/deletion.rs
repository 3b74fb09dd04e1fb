//! Deletion of a user's data at the user's request: see
//! [`ModerationStore::forget`](crate::moderation::store::ModerationStore::forget).

use sqlx::query;

use super::SqlModerationStore;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

impl SqlModerationStore {
    pub(super) async fn delete_user_data(&self, user: UserId) -> Result<(), StoreError> {
        let mut transaction = self.pool().await?.begin().await?;
        for statement in [
            "DELETE FROM consents WHERE person = ?1",
            "DELETE FROM ratings WHERE person = ?1 OR rater = ?1",
            "UPDATE histories SET first_chat = NULL, chats = 0 WHERE person = ?1",
        ] {
            query(statement).bind(user.to_hex()).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}
