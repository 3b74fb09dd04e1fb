//! A gateway whose accounts take effect, and do not say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use metrics::NoopRecorder;
use rand::SeedableRng;
use rand::rngs::StdRng;
use random_connect::gateway::catalog::address::ServiceUrl;
use random_connect::gateway::catalog::model::Catalog;
use random_connect::gateway::error::GatewayErrorCode;
use random_connect::gateway::ledger::deduction::{DueDeduction, DueTotals, ServiceAccount};
use random_connect::gateway::ledger::entry::{
    CreditChange, CreditOutcome, LedgerBalance, LedgerEntry,
};
use random_connect::gateway::ledger::ids::{HoldId, NodeId};
use random_connect::gateway::ledger::request::{
    RecoveredHold, Reservation, ReserveOutcome, SettleOutcome, Settlement,
};
use random_connect::gateway::ledger::store::{GatewayLedger, LedgerAudit, OpenHoldTotals};
use random_connect::gateway::ledger::store_memory::MemoryGatewayLedger;
use random_connect::gateway::ledger::usage::{UsageFilter, UsagePage, UsagePosition};
use random_connect::gateway::money::MicroCredits;
use random_connect::gateway::provider::client::Provider;
use random_connect::gateway::provider::limits::ProviderLimits;
use random_connect::gateway::provider::request::{MessagesHeaders, RequestBody};
use random_connect::gateway::routing::breakers::BreakerTable;
use random_connect::gateway::routing::router::GatewayRouter;
use random_connect::gateway::service::GatewayService;
use random_connect::gateway::service::answer::AnswerEvent;
use random_connect::gateway::service::core::GatewayParts;
use random_connect::gateway::service::request::{AUTO_PROVIDER, GatewayCaller, GatewayRequest};
use random_connect::kernel::clock::{Clock, SystemClock, Timestamp};
use random_connect::kernel::figures::ToolsetFigures;
use random_connect::kernel::id::UserId;
use random_connect::kernel::keyring::Keyring;
use random_connect::kernel::principal::{Owner, PrincipalRole};
use random_connect::kernel::store::{StoreError, StoreErrorKind};
use random_connect::transport::channels::outbound::http_client_builder;
use serde_json::{Value, json};

use crate::support::provider_stand_in::ProviderStandIn;

/// How the next calls end without an answer.
#[derive(Default)]
struct LostAnswers {
    /// Reservations that take effect.
    reserves: AtomicUsize,
    /// Reservations that do not.
    failed_reserves: AtomicUsize,
    /// Settlements that take effect, after as many that do not.
    settles: AtomicUsize,
    settle_calls: AtomicUsize,
}

#[derive(Default)]
struct LossyLedger {
    accounts: MemoryGatewayLedger,
    lost: LostAnswers,
}

fn lost() -> StoreError {
    StoreErrorKind::Timeout.into()
}

/// Counts down to zero. Returns `true` if it was not zero.
fn take(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1)).is_ok()
}

#[async_trait]
impl GatewayLedger for LossyLedger {
    async fn reserve(&self, reservation: Reservation) -> Result<ReserveOutcome, StoreError> {
        if take(&self.lost.failed_reserves) {
            return Err(lost());
        }
        let outcome = self.accounts.reserve(reservation).await;
        if take(&self.lost.reserves) { Err(lost()) } else { outcome }
    }

    async fn settle(&self, settlement: Settlement) -> Result<SettleOutcome, StoreError> {
        // Every second one takes effect.
        let call = self.lost.settle_calls.fetch_add(1, Ordering::SeqCst);
        if take(&self.lost.settles) {
            if call % 2 == 1 {
                self.accounts.settle(settlement).await?;
            }
            return Err(lost());
        }
        self.accounts.settle(settlement).await
    }

    async fn checkpoint(&self, charges: Vec<(HoldId, MicroCredits)>) -> Result<(), StoreError> {
        self.accounts.checkpoint(charges).await
    }

    async fn renew(&self, node: NodeId, lease_until: Timestamp) -> Result<(), StoreError> {
        self.accounts.renew(node, lease_until).await
    }

    async fn recover(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<RecoveredHold>, StoreError> {
        self.accounts.recover(now, limit).await
    }

    async fn credit(&self, change: CreditChange) -> Result<CreditOutcome, StoreError> {
        self.accounts.credit(change).await
    }

    async fn balance(
        &self,
        account: UserId,
        start: MicroCredits,
    ) -> Result<LedgerBalance, StoreError> {
        self.accounts.balance(account, start).await
    }

    async fn entries(
        &self,
        account: UserId,
        before: Option<u64>,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        self.accounts.entries(account, before).await
    }

    async fn usage(
        &self,
        filter: UsageFilter,
        after: Option<UsagePosition>,
        limit: usize,
    ) -> Result<UsagePage, StoreError> {
        self.accounts.usage(filter, after, limit).await
    }

    async fn service_account(&self, account: UserId) -> Result<ServiceAccount, StoreError> {
        self.accounts.service_account(account).await
    }

    async fn take_deductions(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueDeduction>, StoreError> {
        self.accounts.take_deductions(now, until, limit).await
    }

    async fn confirm_deduction(&self, hold: HoldId) -> Result<bool, StoreError> {
        self.accounts.confirm_deduction(hold).await
    }

    async fn postpone_deduction(&self, hold: HoldId, until: Timestamp) -> Result<(), StoreError> {
        self.accounts.postpone_deduction(hold, until).await
    }

    async fn due_deductions(&self) -> Result<DueTotals, StoreError> {
        self.accounts.due_deductions().await
    }

    async fn open_holds(&self) -> Result<OpenHoldTotals, StoreError> {
        self.accounts.open_holds().await
    }

    async fn audit(&self) -> Result<LedgerAudit, StoreError> {
        self.accounts.audit().await
    }

    async fn purge(&self, now: Timestamp, retention: Duration) -> Result<bool, StoreError> {
        self.accounts.purge(now, retention).await
    }
}

const ACCOUNT: UserId = UserId::from_bytes([1; 16]);

/// A gateway on `accounts` whose users have one credit each.
fn gateway(accounts: &Arc<LossyLedger>, provider: &ProviderStandIn) -> GatewayService {
    let mut catalog = Catalog::load(None).expect("a catalog");
    catalog.set_base_url("openai", ServiceUrl::parse(&provider.url).expect("an address"));
    catalog.set_keys(|name| (name == "OPENAI_API_KEY").then(|| "sk-openai".into()));
    let (catalog, clock) = (Arc::new(catalog), Arc::new(SystemClock::new()) as Arc<dyn Clock>);
    let builder = http_client_builder(None).expect("a builder");
    let client = Provider::new(builder, ProviderLimits::default(), Arc::clone(&clock));
    let rng = || StdRng::seed_from_u64(7);
    GatewayService::new(GatewayParts {
        catalog: Arc::clone(&catalog),
        accounts: Arc::clone(accounts) as Arc<dyn GatewayLedger>,
        credit_service: None,
        router: GatewayRouter::new(
            catalog,
            Arc::new(client.expect("a client")),
            BreakerTable::new(Arc::clone(&clock)),
            rng(),
        ),
        instances: None,
        clock,
        keyring: Arc::new(Keyring::new(&[[1; 32]])),
        rng: rng(),
        figures: ToolsetFigures::new(Arc::new(NoopRecorder), "gateway"),
        start_credits: MicroCredits::from_micros(1_000_000),
        has_rate_limits: true,
        retention: Duration::from_secs(86_400),
    })
}

/// Sends a request with a key. Returns the code of its error, or `Ok` if it is answered.
async fn ask(service: &GatewayService) -> Result<(), GatewayErrorCode> {
    let owner = Owner::named("ann").expect("a name");
    let role = PrincipalRole::User;
    let caller = GatewayCaller { account: ACCOUNT, owner, role, confirmation: None };
    let Value::Object(body) = json!({ "messages": [{ "role": "user", "content": "Hi" }] }) else {
        unreachable!()
    };
    let started = service.start(
        caller,
        GatewayRequest {
            body: RequestBody::Chat(body),
            headers: MessagesHeaders::default(),
            provider: AUTO_PROVIDER.to_owned(),
            model: "gpt-6-luna".to_owned(),
            fallback: Vec::new(),
            stream: true,
            max_output_tokens: Some(100),
            budget: None,
            idempotency_key: Some("a key".to_owned()),
        },
    );
    let mut reader = started.events.reader(0);
    while let Some((_, event)) = reader.next().await.expect("no event is lost") {
        match event {
            AnswerEvent::Failed(failed) => return Err(failed.error.code),
            AnswerEvent::Done(_) => return Ok(()),
            _ => {}
        }
    }
    panic!("an answer without an end")
}

/// The balance, the open holds and the number of entries, once nothing is in progress.
async fn state(service: &GatewayService, accounts: &LossyLedger) -> (i64, u64, usize) {
    service.close(Duration::from_secs(30)).await;
    let balance = accounts.balance(ACCOUNT, MicroCredits::from_micros(1_000_000)).await;
    let open = accounts.open_holds().await.expect("an answer").count;
    let entries = accounts.entries(ACCOUNT, None).await.expect("an answer").len();
    assert!(accounts.audit().await.expect("an answer").is_balanced());
    (balance.expect("an answer").balance.as_micros(), open, entries)
}

#[tokio::test]
async fn gateway_hold_whose_answers_are_lost_is_released_and_its_key_too() {
    let provider = ProviderStandIn::start().await;
    // The settlement that releases it is lost too, with and without an effect.
    for settles in 0..4 {
        let accounts = Arc::new(LossyLedger::default());
        let service = gateway(&accounts, &provider);
        accounts.lost.reserves.store(2, Ordering::SeqCst);
        accounts.lost.settles.store(settles, Ordering::SeqCst);
        assert_eq!(ask(&service).await, Err(GatewayErrorCode::LedgerUnavailable));
        assert_eq!(state(&service, &accounts).await, (1_000_000, 0, 1), "{settles} lost");
        assert_eq!(provider.state.requests().len(), settles, "nothing was sent");
        // The same request can be sent again.
        let service = gateway(&accounts, &provider);
        let asked = ask(&service).await;
        let (balance, open, entries) = state(&service, &accounts).await;
        assert_eq!((asked, open, entries), (Ok(()), 0, 2));
        assert!(balance < 1_000_000);
        assert_eq!(provider.state.requests().len(), settles + 1);
    }
}

#[tokio::test]
async fn gateway_hold_that_was_never_placed_needs_no_release() {
    let provider = ProviderStandIn::start().await;
    let accounts = Arc::new(LossyLedger::default());
    let service = gateway(&accounts, &provider);
    accounts.lost.failed_reserves.store(2, Ordering::SeqCst);
    assert_eq!(ask(&service).await, Err(GatewayErrorCode::LedgerUnavailable));
    assert_eq!(state(&service, &accounts).await, (1_000_000, 0, 0));
}

#[tokio::test]
async fn gateway_charge_whose_answers_are_lost_is_made_once() {
    let provider = ProviderStandIn::start().await;
    let accounts = Arc::new(LossyLedger::default());
    let service = gateway(&accounts, &provider);
    accounts.lost.reserves.store(1, Ordering::SeqCst);
    accounts.lost.settles.store(3, Ordering::SeqCst);
    assert_eq!(ask(&service).await, Ok(()));
    let (balance, open, entries) = state(&service, &accounts).await;
    assert!(balance < 1_000_000 && (open, entries) == (0, 2), "{balance} {open} {entries}");
    assert_eq!(provider.state.requests().len(), 1);
}
