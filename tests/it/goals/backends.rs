//! One store of each kind, and writes for it.

use std::sync::Arc;

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ZonedDateTime};
use random_connect::goals::item::goal::Goal;
use random_connect::goals::item::id::ItemId;
use random_connect::goals::item::task::{DueDate, Task};
use random_connect::goals::item::{GoalsItem, ItemBody};
use random_connect::goals::journal::action::{GoalsAction, NewItem, TaskCompletion};
use random_connect::goals::journal::refusal::GoalsRefusal;
use random_connect::goals::journal::store::GoalsStore;
use random_connect::goals::journal::write::{GoalsWrite, WriteOutcome, WriteRequest};
use random_connect::goals::migrations::MIGRATIONS;
use random_connect::goals::store_memory::MemoryGoalsStore;
use random_connect::goals::store_postgres::PostgresGoalsStore;
use random_connect::goals::store_sqlite::SqliteGoalsStore;
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::principal::Owner;

use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::temp_database::TempDatabase;

/// Friday, January 15, 2027, 08:00 UTC.
pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A new, empty store, with the folder that it needs.
pub struct GoalsBackend {
    pub name: &'static str,
    pub store: Arc<dyn GoalsStore>,
    _database: Option<TempDatabase>,
}

/// Creates one store of each kind, first the one in memory.
pub async fn goals_backends() -> Vec<GoalsBackend> {
    let store = Arc::new(MemoryGoalsStore::default());
    let memory = GoalsBackend { name: "memory", store, _database: None };
    if memory_only() {
        return vec![memory];
    }
    let folder = TempDatabase::new();
    let sqlite = folder.sqlite().await;
    sqlite.migrate(&MIGRATIONS).await.expect("tables");
    let sqlite = Arc::new(SqliteGoalsStore::new(sqlite));
    let postgres = TestPostgres::create().await.open().await;
    postgres.migrate(&MIGRATIONS).await.expect("tables");
    let postgres = Arc::new(PostgresGoalsStore::new(postgres));
    vec![
        memory,
        GoalsBackend { name: "PostgreSQL", store: postgres, _database: None },
        GoalsBackend { name: "SQLite", store: sqlite, _database: Some(folder) },
    ]
}

pub fn owner(name: &str) -> Owner {
    Owner::named(name).expect("a name")
}

pub fn zoned(at: Timestamp) -> ZonedDateTime {
    let millis = i64::try_from(at.as_millis()).expect("a date");
    Instant::from_millisecond(millis).expect("a date").to_zoned_datetime(TimeZone::UTC)
}

/// A write of ann, `seconds` after the start.
pub fn write(seconds: u32, action: GoalsAction) -> GoalsWrite {
    GoalsWrite {
        actor: "ann".to_owned(),
        tool: "test",
        at: START.shifted(i64::from(seconds) * 1_000),
        seed: seconds * 1_000,
        request: None,
        dry_run: false,
        action,
    }
}

pub fn request(id: &str, fingerprint: &str) -> WriteRequest {
    WriteRequest { id: id.to_owned(), fingerprint: fingerprint.to_owned() }
}

pub fn task(title: &str) -> Task {
    Task { title: title.to_owned(), ..Task::default() }
}

/// A task that is due on a day of January 2027.
pub fn due(title: &str, day: i8) -> Task {
    Task { due: Some(DueDate::day(date(2027, 1, day))), ..task(title) }
}

pub fn goal(title: &str) -> Goal {
    Goal { title: title.to_owned(), ..Goal::default() }
}

pub fn create(bodies: impl IntoIterator<Item = ItemBody>) -> GoalsAction {
    GoalsAction::Create(bodies.into_iter().map(NewItem::new).collect())
}

pub fn complete(task: &ItemId, at: Timestamp) -> GoalsAction {
    GoalsAction::Complete(TaskCompletion {
        task: task.clone().into(),
        occurrence: None,
        spent_minutes: Some(30),
        at: zoned(at),
    })
}

impl GoalsBackend {
    /// Executes a write of ann.
    pub async fn perform(&self, write: GoalsWrite) -> Result<WriteOutcome, GoalsRefusal> {
        self.perform_for("ann", write).await
    }

    pub async fn perform_for(
        &self,
        name: &str,
        write: GoalsWrite,
    ) -> Result<WriteOutcome, GoalsRefusal> {
        self.store.perform(&owner(name), write).await.expect("the store is up")
    }

    /// Creates an item of ann.
    pub async fn create(&self, seconds: u32, body: ItemBody) -> GoalsItem {
        let created = self.perform(write(seconds, create([body]))).await.expect("created");
        created.items[0].after.clone()
    }

    /// An item of ann.
    pub async fn item(&self, id: &ItemId) -> GoalsItem {
        let items = self.store.items(&owner("ann"), std::slice::from_ref(id)).await;
        items.expect("the store is up").pop().expect("an item")
    }
}
