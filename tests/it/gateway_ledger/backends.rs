//! One ledger of each kind, and arguments for its operations.

use std::sync::Arc;
use std::time::Duration;

use random_connect::gateway::ledger::entry::{CreditChange, CreditKind, CreditOutcome};
use random_connect::gateway::ledger::ids::{HoldId, NodeId, RequestKey};
use random_connect::gateway::ledger::request::{
    Reservation, ReserveOutcome, SettleOutcome, SettledRequest, Settlement,
};
use random_connect::gateway::ledger::store::GatewayLedger;
use random_connect::gateway::ledger::store_memory::MemoryGatewayLedger;
use random_connect::gateway::ledger::store_postgres::PostgresGatewayLedger;
use random_connect::gateway::ledger::store_sqlite::SqliteGatewayLedger;
use random_connect::gateway::ledger::usage::{GatewayUsage, UsageSource, UsageStatus};
use random_connect::gateway::migrations::MIGRATIONS;
use random_connect::gateway::money::MicroCredits;
use random_connect::kernel::clock::Timestamp;
use random_connect::kernel::id::UserId;
use random_connect::kernel::model::ModelUsage;

use crate::support::backends::memory_only;
use crate::support::postgres_server::TestPostgres;
use crate::support::temp_database::TempDatabase;

pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub const LEASE: Duration = Duration::from_secs(60);

/// A new, empty ledger, with the folder that it needs.
pub struct LedgerBackend {
    pub store: Arc<dyn GatewayLedger>,
    _database: Option<TempDatabase>,
}

/// Creates one ledger of each kind, first the one in memory.
pub async fn ledger_backends() -> Vec<LedgerBackend> {
    let memory = LedgerBackend { store: Arc::new(MemoryGatewayLedger::default()), _database: None };
    if memory_only() {
        return vec![memory];
    }
    let folder = TempDatabase::new();
    let sqlite = folder.sqlite().await;
    sqlite.migrate(&MIGRATIONS).await.expect("tables");
    let sqlite = Arc::new(SqliteGatewayLedger::new(sqlite));
    let postgres = TestPostgres::create().await.open().await;
    postgres.migrate(&MIGRATIONS).await.expect("tables");
    let postgres = Arc::new(PostgresGatewayLedger::new(postgres));
    vec![
        memory,
        LedgerBackend { store: postgres, _database: None },
        LedgerBackend { store: sqlite, _database: Some(folder) },
    ]
}

pub const fn micros(micros: i64) -> MicroCredits {
    MicroCredits::from_micros(micros)
}

pub fn account(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

pub fn hold(number: u32) -> HoldId {
    HoldId::from_bytes(u128::from(number).to_be_bytes())
}

pub fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 16])
}

/// A reservation of exactly `amount` by account 1, with a key like its hold.
pub fn reservation(number: u32, amount: i64) -> Reservation {
    Reservation {
        hold: hold(number),
        account: account(1),
        key: RequestKey::of(&number.to_string()),
        body_hash: [1; 32],
        ask: micros(amount),
        least: micros(amount),
        start_credits: MicroCredits::ZERO,
        service: None,
        limits: None,
        tokens: 0,
        provider: "openai".to_owned(),
        model: "small".to_owned(),
        node: node(1),
        lease_until: START + LEASE,
        now: START,
    }
}

/// A settlement with some usage.
pub fn settlement(number: u32, charge: i64) -> Settlement {
    Settlement {
        hold: hold(number),
        charge: micros(charge),
        usage: GatewayUsage {
            provider: "claude".to_owned(),
            response_model: Some("small-2026".to_owned()),
            tokens: ModelUsage {
                input_tokens: Some(10),
                output_tokens: Some(u64::from(number)),
                ..ModelUsage::default()
            },
            source: UsageSource::Provider,
            status: UsageStatus::Done,
            finish: Some("stop".to_owned()),
            first_token_ms: Some(20),
            total_ms: 300,
            attempts: 2,
        },
        reserved_tokens: None,
        result: Some(vec![0, 255, 7]),
        releases_key: false,
        now: START + Duration::from_secs(1),
    }
}

/// A payment by account 1.
pub fn top_up(key: &str, amount: i64) -> CreditChange {
    CreditChange {
        account: account(1),
        amount: micros(amount),
        kind: CreditKind::TopUp,
        reason: Some("paid".to_owned()),
        operator: Some("0a1b2c3d".to_owned()),
        key: RequestKey::of(key),
        start_credits: MicroCredits::ZERO,
        now: START,
    }
}

pub fn reserved(amount: i64, balance: i64, held: i64) -> ReserveOutcome {
    ReserveOutcome::Reserved {
        amount: micros(amount),
        balance: micros(balance),
        held: micros(held),
        limits: None,
    }
}

pub fn changed(balance: i64, held: i64) -> CreditOutcome {
    CreditOutcome::Changed { balance: micros(balance), held: micros(held) }
}

pub fn done(charged: i64, uncollected: i64, balance: i64, held: i64) -> SettledRequest {
    SettledRequest {
        status: UsageStatus::Done,
        charged: micros(charged),
        uncollected: micros(uncollected),
        balance: micros(balance),
        held: micros(held),
    }
}

impl LedgerBackend {
    pub fn memory() -> Self {
        Self { store: Arc::new(MemoryGatewayLedger::default()), _database: None }
    }

    pub fn of(store: Arc<dyn GatewayLedger>) -> Self {
        Self { store, _database: None }
    }

    pub async fn reserve(&self, reservation: Reservation) -> ReserveOutcome {
        self.store.reserve(reservation).await.expect("the store is up")
    }

    pub async fn settle(&self, settlement: Settlement) -> SettleOutcome {
        self.store.settle(settlement).await.expect("the store is up")
    }

    pub async fn credit(&self, change: CreditChange) -> CreditOutcome {
        self.store.credit(change).await.expect("the store is up")
    }

    /// The balance of account 1 and what is held, in millionths.
    pub async fn amounts(&self) -> (i64, i64) {
        let amounts = self.store.balance(account(1), MicroCredits::ZERO).await;
        let amounts = amounts.expect("the store is up");
        (amounts.balance.as_micros(), amounts.held.as_micros())
    }

    pub async fn assert_balanced(&self) {
        let audit = self.store.audit().await.expect("the store is up");
        let open = self.store.open_holds().await.expect("the store is up");
        assert!(audit.is_balanced() && audit.held == open.amount, "{audit:?} {open:?}");
    }
}
