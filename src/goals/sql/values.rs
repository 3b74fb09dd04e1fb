//! Values of columns.

use jiff::civil::Date;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::goals::item::id::{ItemId, ItemKind};
use crate::goals::item::{GoalsItem, ItemColumns};
use crate::kernel::sql::columns::millis;

/// The kind as a column stores it.
pub(in crate::goals) fn letter(kind: ItemKind) -> String {
    kind.letter().to_string()
}

pub(in crate::goals) fn text_of<T: Serialize>(value: &T) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|_| unreadable("body"))
}

pub(in crate::goals) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|_| unreadable("body"))
}

/// A number as a column stores it.
pub(in crate::goals) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The values of an item in the order of the parameters from `$3`.
pub(in crate::goals) struct ItemValues {
    pub columns: ItemColumns,
    pub day: Option<String>,
    pub deleted_at: Option<i64>,
    pub body: String,
}

impl ItemValues {
    pub fn of(item: &GoalsItem) -> Result<Self, sqlx::Error> {
        let columns = item.columns();
        let day = columns.day.as_ref().map(Date::to_string);
        let deleted_at = item.deleted_at.map(millis);
        Ok(Self { columns, day, deleted_at, body: text_of(item)? })
    }
}

pub(in crate::goals) fn id_text(id: Option<&ItemId>) -> Option<String> {
    id.map(ToString::to_string)
}

/// A column can't be read. Names no value.
pub(in crate::goals) fn unreadable(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("the column {column} has a value of another version").into())
}
