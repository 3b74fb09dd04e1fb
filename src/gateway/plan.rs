//! [`ProviderHttp`] and the plan of the toolset: builds it from its settings and the parts of the server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;

use super::accounts::GatewayAccounts;
use super::catalog::prompt::warm_up;
use super::config;
use super::config::GatewayConfig;
use super::instances::store::InstanceExchange;
use super::instances::store_postgres::PostgresInstances;
use super::ledger::store::GatewayLedger;
use super::ledger::store_postgres::PostgresGatewayLedger;
use super::ledger::store_sqlite::SqliteGatewayLedger;
use super::model_port::GatewayModel;
use super::provider::client::Provider;
use super::provider::limits::ProviderLimits;
use super::remote::credit::CreditService;
use super::remote::tokens::TokenService;
use super::routing::breakers::BreakerTable;
use super::routing::router::GatewayRouter;
use super::service::GatewayService;
use super::service::core::GatewayParts;
use super::service::request::GatewayCaller;
use super::tools::GatewayTools;
use crate::kernel::health::HealthCheck;
use crate::kernel::model::LanguageModel;
use crate::kernel::principal::PrincipalRole;
use crate::kernel::settings::SettingsReader;
use crate::kernel::sql::Database;
use crate::kernel::toolset::parts::{ToolsetError, ToolsetParts};
use crate::kernel::toolset::row::{BuiltToolset, ToolsetPlan};

/// Prepares the client for requests to providers, with the certificates and the proxy of the server. Returns why it
/// can't.
#[derive(Clone)]
pub struct ProviderHttp(pub PrepareHttp);

/// See [`ProviderHttp`].
pub type PrepareHttp = Arc<dyn Fn() -> Result<ClientBuilder, String> + Send + Sync>;

struct GatewayPlan(GatewayConfig);

impl fmt::Debug for GatewayPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads the settings of the toolset.
pub fn read(reader: &mut SettingsReader<'_>) -> Arc<dyn ToolsetPlan> {
    Arc::new(GatewayPlan(config::read(reader)))
}

impl ToolsetPlan for GatewayPlan {
    fn build(&self, parts: &ToolsetParts) -> Result<BuiltToolset, ToolsetError> {
        let ProviderHttp(prepare) = parts.service::<ProviderHttp>()?.clone();
        let config = &self.0;
        warm_up();
        let provider = provider(parts, &prepare)?;
        let database = parts.database()?;
        let accounts = open_accounts(database);
        let instances = match database {
            Database::Sqlite(_) => None,
            Database::Postgres(database) => {
                Some(Arc::new(PostgresInstances::new(database.clone())) as Arc<dyn InstanceExchange>)
            }
        };
        let credit_service = credit_service(config, parts, &prepare, &accounts)?;
        let operator = Arc::new(GatewayAccounts::new(
            Arc::clone(&accounts),
            credit_service.clone(),
            config.start_credits,
            Arc::clone(&parts.clock),
            parts.ids.clone(),
            parts.rng(),
        ));
        let service = Arc::new(GatewayService::new(GatewayParts {
            catalog: Arc::clone(&config.catalog),
            accounts,
            credit_service: credit_service.clone(),
            router: GatewayRouter::new(
                Arc::clone(&config.catalog),
                Arc::new(provider),
                BreakerTable::new(Arc::clone(&parts.clock)),
                parts.rng(),
            ),
            instances,
            clock: Arc::clone(&parts.clock),
            keyring: Arc::clone(&parts.keyring),
            rng: parts.rng(),
            figures: parts.figures.clone(),
            start_credits: config.start_credits,
            has_rate_limits: !parts.quotas.are_off(),
            retention: config.usage_retention,
        }));
        let tools = GatewayTools::new(Arc::clone(&service), parts.ids.clone());
        let mut built = BuiltToolset::new(Arc::new(tools));
        if let Some(model) = &config.model {
            let account = operator.account_of(&model.payer);
            let owner = model.payer.clone();
            let payer = GatewayCaller { account, owner, role: MODEL_ROLE, confirmation: None };
            let port = GatewayModel::new(Arc::clone(&service), payer, model.model.clone());
            built.services.insert::<Arc<dyn LanguageModel>>(Arc::new(port));
        }
        let (upkeep, start) = (service.upkeep(), parts.clock.now());
        let left = match database {
            Database::Sqlite(database) => Some(SqliteGatewayLedger::new(database.clone())),
            Database::Postgres(_) => None,
        };
        built.tasks.push(Box::pin(async move {
            if let Some(accounts) = left {
                // After a failure, the leases end by themselves.
                let _ = accounts.end_leases(start).await;
            }
            upkeep.await;
        }));
        if let Some(service) = credit_service {
            built.tasks.push(Box::pin(service.run(Arc::clone(&parts.clock))));
        }
        let closing = Arc::clone(&service);
        built
            .closing
            .push(Box::new(move || Box::pin(async move { closing.close(CLOSE_GRACE).await })));
        built.services.insert(service);
        let checked = Arc::clone(&operator);
        built.health.push(HealthCheck::new("gateway", move || {
            let accounts = Arc::clone(&checked);
            async move { accounts.check().await }
        }));
        built.services.insert(operator);
        built.services.insert(config.edges());
        if let Some(service) = token_service(config, parts, &prepare)? {
            built.services.insert(service);
        }
        Ok(built)
    }
}

/// The role of the other toolsets' requests. Their users have quotas there.
const MODEL_ROLE: PrincipalRole = PrincipalRole::Superadmin;

fn provider(parts: &ToolsetParts, prepare: &PrepareHttp) -> Result<Provider, ToolsetError> {
    let provider = prepare().and_then(|builder| {
        let limits = ProviderLimits::default();
        let provider = Provider::new(builder, limits, Arc::clone(&parts.clock));
        provider.map_err(|error| error.to_string())
    });
    provider.map_err(ToolsetError::Outbound)
}

/// The service that confirms tokens, if the settings name one.
fn token_service(
    config: &GatewayConfig,
    parts: &ToolsetParts,
    prepare: &PrepareHttp,
) -> Result<Option<Arc<TokenService>>, ToolsetError> {
    let Some(address) = config.auth_service.clone() else { return Ok(None) };
    let service = prepare().and_then(|builder| {
        let service = TokenService::new(address, builder, Arc::clone(&parts.clock));
        service.map_err(|error| error.to_string())
    });
    service.map(|service| Some(Arc::new(service))).map_err(ToolsetError::Outbound)
}

/// The service that has the balances, if the settings name one.
fn credit_service(
    config: &GatewayConfig,
    parts: &ToolsetParts,
    prepare: &PrepareHttp,
    accounts: &Arc<dyn GatewayLedger>,
) -> Result<Option<Arc<CreditService>>, ToolsetError> {
    let Some(address) = config.credit_service.clone() else { return Ok(None) };
    let service = prepare().and_then(|builder| {
        let (accounts, keyring) = (Arc::clone(accounts), Arc::clone(&parts.keyring));
        let service = CreditService::new(address, builder, accounts, keyring, parts.rng());
        service.map_err(|error| error.to_string())
    });
    service.map(|service| Some(Arc::new(service))).map_err(ToolsetError::Outbound)
}

/// Time at the end of the server to store the charges of answers in progress.
const CLOSE_GRACE: Duration = Duration::from_secs(3);

/// The accounts in a database.
#[must_use]
pub fn open_accounts(database: &Database) -> Arc<dyn GatewayLedger> {
    match database {
        Database::Sqlite(database) => Arc::new(SqliteGatewayLedger::new(database.clone())),
        Database::Postgres(database) => Arc::new(PostgresGatewayLedger::new(database.clone())),
    }
}
