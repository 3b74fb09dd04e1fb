//! Deletion of a user's data at the user's request: see
//! [`ModerationStore::forget`](crate::moderation::store::ModerationStore::forget).

use sqlx::query;

use super::SqliteModerationStore;
use crate::kernel::id::UserId;
use crate::kernel::store::StoreError;

impl SqliteModerationStore {
    pub(super) async fn delete_user_data(&self, user: UserId) -> Result<(), StoreError> {
        let statements = [
            "DELETE FROM consents WHERE person = ?1",
            "DELETE FROM ratings WHERE person = ?1 OR rater = ?1",
            "UPDATE histories SET first_chat = NULL, chats = 0 WHERE person = ?1",
        ];
        self.execute_all(statements.map(|sql| query(sql).bind(user.to_hex())).into()).await
    }
}
