//! [`App`], the composition root: builds every part and connects them. Only `stores.rs` names concrete
//! backends; `serve.rs` runs the commands that serve.
//!
//! **Invariant:** only `main` and the tests import `app`. To add a toolset, add a row to the table in
//! [`App::with_database`].

pub mod backup;
pub mod channels;
pub mod check;
pub mod database;
pub mod keys;
mod principals;
pub mod serve;
pub mod stores;
mod toolsets;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::channels::NoHttpClient;
use crate::config::{Config, ToolsetName};
use crate::connect::delivery::courier::Couriers;
use crate::connect::lobby::{Directory, LobbyBackend, Mailbox};
use crate::connect::moderated::ModeratedLobby;
use crate::connect::moderated::notice_mailbox::NoticeMailbox;
use crate::connect::new_user_limit::NewUserLimiter;
use crate::connect::reaper::run_reaper;
use crate::connect::service::{ConnectOptions, ConnectService};
use crate::credentials::api_keys::service::ApiKeys;
use crate::kernel::access::AccessPolicy;
use crate::kernel::admission::Admission;
use crate::kernel::clock::{Clock, Stopwatch, seeded_rng};
use crate::kernel::health::StoreHealth;
use crate::kernel::id::IdHasher;
use crate::kernel::principal::Principal;
use crate::kernel::redis_eviction::EvictionWatch;
use crate::kernel::session::SessionLimit;
use crate::kernel::sql::Database;
use crate::kernel::token::AuthTokens;
use crate::kernel::toolset::Toolset;
use crate::moderation::admin::AdminService;
use crate::transport::channels::outbound::SendPolicy;
use crate::transport::channels::whatsapp::WhatsApp;
use crate::transport::dispatcher::Dispatcher;
use crate::transport::http::auth::Gate;
use crate::transport::http::limits::ConnectionLimits;
use crate::transport::http::origin::OriginPolicy;
use crate::transport::http::server;
use crate::transport::mcp::endpoint;
use crate::transport::mcp::server::McpServer;
use crate::transport::mcp::session_pipe::SessionPipes;
use crate::transport::mcp::sessions::HttpSessions;
use crate::transport::mcp::state::McpState;
use crate::transport::mcp::stateless::StatelessCalls;
use crate::transport::ops::admin;
use crate::transport::ops::admin::{AdminApi, AdminTools};
use crate::transport::ops::drain::{Drain, DrainTarget};
use crate::transport::ops::metrics::{GateName, Metrics};
use crate::transport::pages::Pages;
use crate::transport::pages::dashboard::Dashboard;
use crate::transport::routes;
use crate::transport::routes::Gates;
use crate::transport::state::HttpState;

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
    dashboard: Arc<Dashboard>,
    /// `None` if no store needs one.
    database: Option<Database>,
    /// `None` without a database.
    api_keys: Option<Arc<ApiKeys>>,
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
    /// Returns [`NoHttpClient`] if a channel is configured and its requests can't be sent.
    pub fn new(config: Config, clock: &Arc<dyn Clock>) -> Result<Self, NoHttpClient> {
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
    ) -> Result<Self, NoHttpClient> {
        // Loads the numbering plans, so that the first message does not wait for them.
        crate::mask::warm_up();
        crate::guard::warm_up();
        let redis = stores::redis(&config, clock);
        let clock = &stores::clock(redis.as_ref(), clock);
        let (backend, ids) = stores::lobby(&config, redis.as_ref(), clock);
        let moderation =
            Arc::new(stores::moderation(&config, redis.as_ref(), database.as_ref(), clock, &ids));
        let mailbox = NoticeMailbox::new(backend.mailbox, Arc::clone(&moderation));
        let backend = LobbyBackend { mailbox: Arc::new(mailbox), ..backend };
        let lobby = Arc::new(ModeratedLobby::new(
            Arc::clone(&backend.lobby),
            Arc::clone(&moderation),
            config.notice_policy,
        ));
        let options = connect_options(&config);
        let reaper = run_reaper(
            Arc::clone(&backend.upkeep),
            Arc::clone(&moderation),
            Arc::clone(clock),
            config.reap_interval,
        );
        let couriers = Couriers::new(Arc::clone(&backend.mailbox), Arc::clone(clock));
        let connect = Arc::new(ConnectService::new(
            Arc::clone(&lobby),
            backend.clone(),
            Arc::clone(clock),
            ids.clone(),
            options,
        ));
        let stopping = CancellationToken::new();
        let mut enabled = config.toolsets.clone();
        // The phones of the playground use the penpal tools.
        if config.playground && !enabled.contains(&ToolsetName::PenPal) {
            enabled.push(ToolsetName::PenPal);
        }
        let parts = toolsets::Parts {
            lobby: &lobby,
            backend: &backend,
            connect: &connect,
            couriers: &couriers,
            clock,
            ids: &ids,
            stopping: &stopping,
            config: &config,
        };
        let toolsets: Vec<_> = enabled.iter().map(|name| toolsets::build(*name, &parts)).collect();
        let names =
            toolsets.iter().flat_map(|toolset| toolset.tools()).map(|tool| tool.name.into_owned());
        let metrics = Arc::new(Metrics::new(names));
        let recorder = Arc::clone(&metrics);
        let session_limit = SessionLimit::new(config.max_sessions)
            .on_end(move |duration| recorder.record_session(duration));
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
        let dashboard = Arc::new(Dashboard::new(Arc::clone(&connect), Arc::clone(&metrics)));
        let mut tasks = JoinSet::new();
        tasks.spawn(reaper);
        tasks.spawn(Arc::clone(&metrics).run_upkeep(METRICS_INTERVAL));
        tasks.spawn(Arc::clone(&dashboard).run(Arc::clone(clock)));
        let eviction = redis.map(EvictionWatch::new);
        let api_keys = database.as_ref().map(|store| stores::api_keys(store, clock, &ids));
        eviction.iter().cloned().for_each(|watch| drop(tasks.spawn(watch.run())));
        whatsapp.iter().cloned().for_each(|channel| drop(tasks.spawn(channel.run_upkeep())));
        Ok(Self {
            mcp: McpServer::new(toolsets, Arc::clone(&metrics), session_limit.clone())
                .with_policy(AccessPolicy { read_only: config.read_only }),
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
            ids,
            dashboard,
            database,
            api_keys,
            config,
            stopping,
            tasks,
        })
    }

    /// Also serves a toolset that has no row in the table.
    #[must_use]
    pub fn with_toolset(mut self, toolset: Arc<dyn Toolset>) -> Self {
        self.mcp = self.mcp.clone().with_toolset(toolset);
        self
    }

    /// Serves HTTP on `listener` to callers with one of `tokens`, until `shutdown`.
    pub async fn serve_http(
        &self,
        listener: TcpListener,
        tokens: AuthTokens,
        limits: ConnectionLimits,
        shutdown: CancellationToken,
    ) {
        // rmcp is cancelled after the listener, so that calls in flight at shutdown finish.
        let mcp_shutdown = CancellationToken::new();
        let _stop_mcp = mcp_shutdown.clone().drop_guard();
        let drain = Drain::new(shutdown.clone());
        let keys = self.api_keys.as_ref();
        let _watch = keys.map(principals::watch_keys);
        let sessions = HttpSessions::new(limits.session_idle, limits.shutdown_grace);
        let admin = self.config.admin_tokens.clone().map(|tokens| {
            let api = Arc::new(AdminApi {
                admin: self.admin.clone(),
                lobby: Arc::clone(&self.lobby),
                directory: Arc::clone(&self.directory),
                clock: Arc::clone(&self.clock),
                ids: self.ids.clone(),
                drain: drain.clone(),
                keys: self.api_keys.clone(),
                sessions: Arc::new(sessions.clone()),
                broadcast_lock: Arc::default(),
            });
            let tools: Arc<dyn Toolset> = Arc::new(AdminTools::new(Arc::clone(&api)));
            let mcp =
                McpServer::new(vec![tools], Arc::clone(&self.metrics), self.session_limit.clone());
            let mcp = mcp.stateless_service(mcp_shutdown.clone());
            let gate = self.gate(vec![(tokens, Principal::operator())], GateName::Admin);
            let tools = endpoint::stateless_route(mcp, limits.body_timeout);
            admin::routes(api, tools, Arc::new(gate), limits.body_timeout)
        });
        let (admission, sockets) = (self.admission(), TaskTracker::new());
        let mcp = self.mcp.clone().with_drain(drain.clone()).with_admission(admission.clone());
        let mcp = McpState {
            stateless: StatelessCalls::new(mcp.clone()),
            service: mcp.clone().stateless_service(mcp_shutdown.clone()),
            sessions: mcp.clone().session_service(limits.session_idle, &sessions, mcp_shutdown),
            http_sessions: sessions.clone(),
            session_pipes: SessionPipes::new(
                mcp,
                limits.session_idle / 3,
                drain.clone(),
                limits.shutdown_grace,
                seeded_rng(),
            ),
            sockets: sockets.clone(),
            drain: drain.clone(),
            needs_network: admission.is_some() || self.config.auth_tokens.is_none(),
            trusted_proxy: self.config.trusted_proxy,
            metrics: Arc::clone(&self.metrics),
            body_timeout: limits.body_timeout,
        };
        let pages = Pages {
            playground: self.config.playground,
            dashboard: Arc::clone(&self.dashboard),
            shutdown: shutdown.clone(),
        };
        let Config { admin_tokens, monitor_tokens, credentials, .. } = &self.config;
        let monitors = tokens.clone().and(admin_tokens.as_ref()).and(monitor_tokens.as_ref());
        let monitors = vec![(monitors, Principal::operator())];
        let monitoring = Arc::new(self.gate(monitors, GateName::Monitoring));
        let callers = principals::of_tokens(credentials, tokens, &self.ids);
        let verifier = principals::verifiers(keys, credentials, &self.ids, &self.clock);
        let gate = Gate { verifier, ..self.gate(callers, GateName::Callers) };
        let (mcp, gate) = (Arc::new(mcp), Arc::new(gate));
        let gates = Gates { callers: Arc::clone(&gate), monitoring };
        let state = HttpState {
            connect: Arc::clone(&self.connect),
            stores: Arc::new(self.store_health()),
            couriers: Arc::clone(&self.couriers),
            session_limit: self.session_limit.clone(),
            drain,
            metrics: Arc::clone(&self.metrics),
            refusals: Arc::clone(self.lobby.refusals()),
            body_timeout: limits.body_timeout,
            whatsapp: self.whatsapp.clone(),
            mcp: Arc::clone(&mcp),
            pages: Arc::new(pages),
        };
        let routes = routes::routes(Arc::new(state), gates, admin);
        let Config { allowed_origins, allowed_hosts, .. } = &self.config;
        let origins = OriginPolicy::new(allowed_origins, allowed_hosts.clone());
        let handler = Arc::new(Dispatcher { mcp, gate, origins, routes });
        let stopped = async {
            shutdown.cancelled().await;
            self.stopping.cancel();
            let stopped = Stopwatch::start();
            // Live sessions end at shutdown, because a stream never ends by itself.
            sessions.close_all().await;
            stopped
        };
        let serving = server::serve(listener, handler, limits, shutdown.clone());
        let (stopped, ()) = tokio::join!(stopped, serving);
        sockets.close();
        let remaining = (limits.shutdown_grace + SOCKET_GRACE).saturating_sub(stopped.elapsed());
        if timeout(remaining, sockets.wait()).await.is_err() {
            tracing::warn!("shutdown timed out with WebSockets still open");
        }
        // Meta does not send an accepted message again, so pending messages are handled before the end.
        let remaining = (limits.shutdown_grace + CHANNEL_GRACE).saturating_sub(stopped.elapsed());
        if let Some(whatsapp) = &self.whatsapp
            && timeout(remaining, whatsapp.wait_idle()).await.is_err()
        {
            tracing::warn!("shutdown timed out with WhatsApp messages still pending");
        }
    }
}

impl App {
    /// Returns a gate that admits requests with one of `tokens` to an allowed host.
    fn gate(&self, tokens: Vec<(AuthTokens, Principal)>, name: GateName) -> Gate {
        Gate {
            tokens: tokens.into_iter().map(|(tokens, who)| (tokens, Arc::new(who))).collect(),
            verifier: None,
            allowed_hosts: self.config.allowed_hosts.clone(),
            resource_metadata: None,
            refused_logins: self.metrics.refused_logins(name),
        }
    }

    /// Returns the limiter of new users. `None` if they are not limited.
    fn admission(&self) -> Option<Arc<dyn Admission>> {
        self.config.rate_limits.filter(|limits| limits.new_users > 0)?;
        let directory = Arc::clone(&self.directory);
        let (moderation, clock) = (Arc::clone(&self.admin.0), Arc::clone(&self.clock));
        let (ids, refusals) = (self.ids.clone(), Arc::clone(self.lobby.refusals()));
        Some(Arc::new(NewUserLimiter::new(directory, moderation, clock, ids, refusals)))
    }

    /// Ends the background tasks, stores which events were delivered, and closes the stores.
    async fn close(mut self) {
        self.tasks.abort_all();
        if timeout(SETTLE_GRACE, self.mailbox.settled()).await.is_err() {
            tracing::warn!("shutdown timed out with leases still unsettled");
        }
        self.admin.0.close().await;
        if let Some(keys) = &self.api_keys {
            keys.close().await;
        }
        if let Some(database) = &self.database {
            database.close().await;
        }
    }

    fn store_health(&self) -> StoreHealth {
        let checks = stores::checks(&self.directory, &self.admin.0);
        StoreHealth::new(checks, Arc::clone(&self.clock)).with_eviction_watch(self.eviction.clone())
    }
}

fn connect_options(config: &Config) -> ConnectOptions {
    ConnectOptions {
        use_caller_nicknames: config.use_caller_nicknames,
        guard: config.guard,
        max_push_age: Some(config.idle_timeout),
    }
}

/// Time at shutdown to settle leases.
const SETTLE_GRACE: Duration = Duration::from_secs(1);

/// Interval for folding recorded values into the histograms; between folds, memory grows with the
/// calls.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);

/// Time at shutdown for the closing handshakes of WebSockets, beyond that for calls in flight.
const SOCKET_GRACE: Duration = Duration::from_millis(1_500);

/// Time at shutdown for accepted WhatsApp messages, beyond that for calls in flight. Docker kills a container
/// ten seconds after it asked it to stop.
const CHANNEL_GRACE: Duration = Duration::from_secs(1);
