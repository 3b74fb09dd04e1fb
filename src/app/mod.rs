//! [`App`], the composition root: builds every part and connects them. Only `stores.rs` names concrete
//! backends; `http.rs` serves HTTP, and `serve.rs` runs the commands that serve.
//!
//! **Invariant:** only `main` and the tests import `app`. To add a toolset, add a row to
//! [`TOOLSETS`](toolsets::TOOLSETS).

pub mod backup;
pub mod channels;
pub mod check;
pub mod credits;
pub mod database;
pub mod demo;
mod gateway;
mod http;
pub mod keys;
mod principals;
pub mod serve;
pub mod stores;
pub mod toolsets;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rmcp::model::Extensions;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::channels::NoHttpClient;
use self::toolsets::{SharedParts, ToolsetBuildError};
use crate::config::Config;
use crate::connect::chat_parts::ChatParts;
use crate::connect::lobby::{Directory, LobbyBackend, Mailbox};
use crate::connect::moderated::ModeratedLobby;
use crate::connect::moderated::notice_mailbox::NoticeMailbox;
use crate::connect::push::lobby_couriers;
use crate::connect::reaper::run_reaper;
use crate::connect::service::{ConnectOptions, ConnectService};
use crate::credentials::api_keys::service::ApiKeys;
use crate::delivery::courier::Couriers;
use crate::gateway::plan::ProviderHttp;
use crate::gateway::remote::tokens::TokenService;
use crate::kernel::access::AccessPolicy;
use crate::kernel::clock::Clock;
use crate::kernel::health::HealthCheck;
use crate::kernel::id::IdHasher;
use crate::kernel::principal::CredentialVerifier;
use crate::kernel::redis_eviction::EvictionWatch;
use crate::kernel::session::SessionLimit;
use crate::kernel::sql::Database;
use crate::kernel::toolset::row::Closing;
use crate::moderation::admin::AdminService;
use crate::transport::channels::outbound::{SendPolicy, http_client_builder};
use crate::transport::channels::whatsapp::WhatsApp;
use crate::transport::mcp::server::McpServer;
use crate::transport::ops::metrics::Metrics;
use crate::transport::pages::dashboard::Dashboard;

/// A part of the server can't be built.
#[derive(Debug, Error)]
pub enum AppError {
    #[error(transparent)]
    HttpClient(#[from] NoHttpClient),
    #[error(transparent)]
    Toolset(#[from] ToolsetBuildError),
}

/// The server, to be reached over HTTP or standard input and output.
pub struct App {
    connect: Arc<ConnectService>,
    mcp: McpServer,
    metrics: Arc<Metrics>,
    couriers: Arc<Couriers>,
    session_limit: SessionLimit,
    whatsapp: Option<Arc<WhatsApp>>,
    admin: AdminService,
    lobby: Arc<ModeratedLobby>,
    directory: Arc<dyn Directory>,
    mailbox: Arc<dyn Mailbox>,
    /// `None` without Redis.
    eviction: Option<Arc<EvictionWatch>>,
    clock: Arc<dyn Clock>,
    ids: IdHasher,
    /// `None` if there are no credentials beside the fixed tokens.
    verifier: Option<Arc<dyn CredentialVerifier>>,
    dashboard: Arc<Dashboard>,
    /// `None` if no store needs one.
    database: Option<Database>,
    /// `None` without a database.
    api_keys: Option<Arc<ApiKeys>>,
    /// The checks of the toolsets' stores.
    toolset_checks: Vec<HealthCheck>,
    /// Services of the toolsets, by type.
    services: Extensions,
    /// The gateway's own port, until it is served.
    gateway_listener: Mutex<Option<TcpListener>>,
    /// Ends what the toolsets have in progress.
    closing: Vec<Closing>,
    config: Config,
    /// Cancelled at shutdown, to end calls that wait for an event.
    stopping: CancellationToken,
    /// The reaper, and the upkeep of metrics, dashboard and WhatsApp; aborted on drop.
    tasks: JoinSet<()>,
}

impl App {
    /// Builds a server without a database and starts its reaper. Call it within a tokio runtime.
    ///
    /// # Errors
    /// Returns [`AppError`] if a channel or a provider of tokens is configured and its requests can't be sent, or if
    /// a toolset can't be built.
    pub fn new(config: Config, clock: &Arc<dyn Clock>) -> Result<Self, AppError> {
        Self::with_database(config, clock, SendPolicy::default(), None)
    }

    /// Builds the server with the database of the configuration, which [`stores::open`] returns, and with
    /// channels that send requests by `policy`.
    ///
    /// # Errors
    /// See [`App::new`].
    pub fn with_database(
        config: Config,
        clock: &Arc<dyn Clock>,
        policy: SendPolicy,
        database: Option<Database>,
    ) -> Result<Self, AppError> {
        // Loads the numbering plans, so that the first message does not wait for them.
        crate::mask::warm_up();
        crate::guard::warm_up();
        let redis = stores::redis(&config, clock);
        let clock = &stores::clock(redis.as_ref(), clock);
        let (backend, ids) = stores::lobby(&config, redis.as_ref(), clock);
        let limiter = stores::rate_limiter(&config, redis.as_ref(), clock, &ids);
        let store = database.as_ref();
        let moderation = stores::moderation(&config, redis.as_ref(), store, limiter.clone());
        let mailbox = NoticeMailbox::new(backend.mailbox, Arc::clone(&moderation));
        let backend = LobbyBackend { mailbox: Arc::new(mailbox), ..backend };
        let lobby = Arc::new(ModeratedLobby::new(
            Arc::clone(&backend.lobby),
            Arc::clone(&moderation),
            config.notice_policy,
        ));
        let reaper = run_reaper(
            Arc::clone(&backend.upkeep),
            Arc::clone(&moderation),
            Arc::clone(clock),
            config.reap_interval,
        );
        let couriers = lobby_couriers(&backend.mailbox, clock);
        let connect = Arc::new(ConnectService::new(
            Arc::clone(&lobby),
            backend.clone(),
            Arc::clone(clock),
            ids.clone(),
            connect_options(&config),
        ));
        let chat = ChatParts {
            lobby: Arc::clone(&lobby),
            backend: backend.clone(),
            connect: Arc::clone(&connect),
            couriers: Arc::clone(&couriers),
            clients_are_users: config.auth_tokens.is_none(),
        };
        let (mut metrics, stopping) = (Metrics::default(), CancellationToken::new());
        let shared = SharedParts {
            clock: Arc::clone(clock),
            ids: ids.clone(),
            keyring: Arc::new(stores::keyring(&config)),
            database: database.clone(),
            limiter: limiter.map(|limiter| stores::toolset_limiter(limiter, clock)),
            stopping: stopping.clone(),
            services: shared_services(chat, &config),
        };
        let enabled = config.toolsets.with_playground(config.playground);
        let built = toolsets::build(enabled, &shared, &mut metrics)?;
        let metrics = Arc::new(metrics);
        let session_limit = session_limit(&config, &metrics);
        let channels = channels::ChannelDeps {
            connect: &connect,
            couriers: &couriers,
            clock,
            ids: &ids,
            metrics: &metrics,
            http: channels::outbound_client(&config)?,
            send_policy: policy,
        };
        let whatsapp = channels.whatsapp(config.whatsapp.clone());
        channels.attach_bridge(config.bridge.clone());
        let dashboard = Dashboard::new(&connect, &metrics, built.services.get().cloned());
        let (mut tasks, eviction) = (JoinSet::new(), redis.map(EvictionWatch::new));
        tasks.spawn(reaper);
        tasks.spawn(Arc::clone(&metrics).run_upkeep(METRICS_INTERVAL));
        tasks.spawn(Arc::clone(&dashboard).run(Arc::clone(clock)));
        built.tasks.into_iter().for_each(|task| drop(tasks.spawn(task)));
        let api_keys = database.as_ref().map(|store| stores::api_keys(store, clock, &ids));
        let asked = built.services.get::<Arc<TokenService>>();
        let verifier = principals::verifiers(api_keys.as_ref(), &config, &ids, clock, asked)?;
        eviction.iter().cloned().for_each(|watch| drop(tasks.spawn(watch.run())));
        whatsapp.iter().cloned().for_each(|channel| drop(tasks.spawn(channel.run_upkeep())));
        Ok(Self {
            mcp: McpServer::new(built.list, Arc::clone(&metrics), session_limit.clone())
                .with_policy(AccessPolicy { read_only: config.read_only })
                .with_cursors(ids.clone()),
            session_limit,
            couriers,
            connect,
            metrics,
            whatsapp,
            admin: AdminService(moderation),
            lobby,
            directory: backend.directory,
            mailbox: backend.mailbox,
            eviction,
            clock: Arc::clone(clock),
            verifier,
            ids,
            dashboard,
            database,
            api_keys,
            toolset_checks: built.health,
            services: built.services,
            gateway_listener: Mutex::default(),
            closing: built.closing,
            config,
            stopping,
            tasks,
        })
    }

    /// Ends the background tasks, stores which events were delivered, and closes the stores.
    async fn close(mut self) {
        self.tasks.abort_all();
        if timeout(SETTLE_GRACE, self.mailbox.settled()).await.is_err() {
            tracing::warn!("shutdown timed out with leases still unsettled");
        }
        for close in self.closing {
            close().await;
        }
        self.admin.0.close().await;
        if let Some(keys) = &self.api_keys {
            keys.close().await;
        }
        if let Some(database) = &self.database {
            database.close().await;
        }
    }
}

/// The limit of live sessions, which records how long they last.
fn session_limit(config: &Config, metrics: &Arc<Metrics>) -> SessionLimit {
    let recorder = Arc::clone(metrics);
    SessionLimit::new(config.max_sessions).on_end(move |duration| recorder.record_session(duration))
}

fn connect_options(config: &Config) -> ConnectOptions {
    ConnectOptions {
        use_caller_nicknames: config.use_caller_nicknames,
        guard: config.guard,
        max_push_age: Some(config.idle_timeout),
    }
}

/// The services that toolsets share, by type.
fn shared_services(chat: ChatParts, config: &Config) -> Extensions {
    let mut services = Extensions::new();
    services.insert(Arc::clone(&chat.couriers));
    services.insert(chat);
    let proxy = config.https_proxy.clone();
    services.insert(ProviderHttp(Arc::new(move || {
        http_client_builder(proxy.as_ref()).map_err(|error| error.to_string())
    })));
    services
}

/// Time at shutdown to settle leases.
const SETTLE_GRACE: Duration = Duration::from_secs(1);

/// Interval for folding recorded values into the histograms; between folds, memory grows with the
/// calls.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);
