//! [`Config`]: read from the environment once and checked as a whole.
//!
//! Every problem is reported together. A value that may be secret or personal is never repeated in a
//! problem, and `Debug` redacts it. To add a variable: a row in [`SETTINGS`], a field, a line in
//! [`Config::from_lookup`] or in a section's `read`, and a line in `.env.example`; then regenerate
//! docs/settings.md as the test `docs_settings_table_matches_the_code` says.

pub mod channels;
pub mod credentials;
mod effective;
mod env_file;
mod guard;
mod names;
mod parse;
mod rate_limits;
pub mod secrets_file;
pub mod section;
mod settings;
pub mod store;
pub mod toolsets;
mod warnings;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use tracing::level_filters::LevelFilter;

use crate::guard::Guard;
use crate::kernel::client_network::TrustedProxy;
use crate::kernel::keyring::SealKey;
use crate::kernel::settings::{ConfigProblem, DEFAULT_PORT, EchoValue, Setting, SettingsReader};
use crate::kernel::token::AuthTokens;
use crate::kernel::toolset::row::ToolsetRow;
use crate::moderation::service::NoticePolicy;
use crate::rate_limit::gcra::RateLimits;
use env_file::EnvFile;
use names::SettingNames;
use parse::{host_names, log_format, log_level, origins, trusted_proxy};
use rate_limits::RateLimitConfig;

pub use parse::LogFormat;
pub use settings::{SETTINGS, all_settings};

const DEFAULT_IDLE_TIMEOUT_SECS: u64 = 30 * 60;
const DEFAULT_REAP_INTERVAL_SECS: u64 = 30;
const DEFAULT_MAX_SESSIONS: usize = 10_000;

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// `AUTH_TOKEN`. `None` when unset: the server generates a token for this run.
    pub auth_tokens: Option<AuthTokens>,
    /// `HOST` and `PORT`. Without `HOST`: all interfaces with `AUTH_TOKEN`, loopback without.
    pub address: SocketAddr,
    /// `LOG_LEVEL`.
    pub log_level: LevelFilter,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `IDLE_TIMEOUT_SECS`: time without a call until a user is evicted.
    pub idle_timeout: Duration,
    /// `REAP_INTERVAL_SECS`: time between evictions.
    pub reap_interval: Duration,
    /// `ALLOWED_HOSTS` in lower case. `None` allows any host.
    pub allowed_hosts: Option<Vec<String>>,
    /// `ALLOWED_ORIGINS` in lower case.
    pub allowed_origins: Vec<String>,
    /// `USE_CALLER_NICKNAMES`.
    pub use_caller_nicknames: bool,
    /// `TOOLSETS` and the settings of the toolsets.
    pub toolsets: toolsets::ToolsetsConfig,
    /// `PLAYGROUND`: whether `/` serves the playground. Defaults to `true` on a loopback address.
    pub playground: bool,
    /// `MAX_SESSIONS`: maximum number of live sessions.
    pub max_sessions: usize,
    /// `REDIS_URL` with its secrets. `None` keeps the lobby in memory.
    pub redis: Option<store::RedisConfig>,
    /// `DATABASE_URL` or `STATE_DB`. `None` keeps what is not on Redis in memory.
    pub database: Option<store::DatabaseConfig>,
    /// `ID_SALT` and `INBOX_KEY`. The start completes them for SQLite.
    pub secrets: store::StoreSecrets,
    /// `ADMIN_TOKEN`. `None` disables `/admin`.
    pub admin_tokens: Option<AuthTokens>,
    /// `MONITOR_TOKEN`, for metrics, statistics and the dashboard only.
    pub monitor_tokens: Option<AuthTokens>,
    /// `OWNER` and `OWNER_TOKEN`.
    pub credentials: credentials::CredentialsConfig,
    /// `READ_ONLY`: whether only tools that read are available.
    pub read_only: bool,
    /// `RATE_LIMITS`. `None` disables rate limiting.
    pub rate_limits: Option<RateLimits>,
    /// `TRUSTED_PROXY`: source of client addresses.
    pub trusted_proxy: TrustedProxy,
    /// `LINKS` and `WORDS`.
    pub guard: Guard,
    /// `NOTICE`: whether and how the chat rules are shown.
    pub notice_policy: NoticePolicy,
    /// `WHATSAPP_*`. `None` disables the channel.
    pub whatsapp: Option<channels::WhatsAppConfig>,
    /// `CALLBACK_*`. `None` disables the bridge.
    pub bridge: Option<channels::BridgeConfig>,
    /// `HTTPS_PROXY` for the requests of WhatsApp and the bridge.
    pub https_proxy: Option<SecretString>,
}

/// The place that a setting was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Environment,
    EnvFile,
    Default,
}

/// A configuration, with what an operator wants to know about it.
pub struct LoadedConfig {
    pub config: Config,
    /// The source of each setting, in the order of [`Config::effective`].
    pub sources: Vec<Source>,
    /// Settings that are valid, but probably not intended. They contain no secret.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the process's environment, and `file` for variables that are not set there, for a server with
    /// the toolsets of `table`.
    ///
    /// # Errors
    /// Returns every problem of the file and of the values.
    pub fn load(table: &[ToolsetRow], file: &Path) -> Result<LoadedConfig, Vec<ConfigProblem>> {
        let names = SettingNames::new(table);
        let EnvFile { values, mut problems, mut warnings } = env_file::read(file, &names);
        let lookup = |name: &str| std::env::var_os(name).or_else(|| values.get(name).cloned());
        let config = match Self::from_lookup(table, lookup) {
            Ok(config) if problems.is_empty() => config,
            Ok(_) => return Err(problems),
            Err(more) => {
                problems.extend(more);
                return Err(problems);
            }
        };
        let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        warnings.extend(variables.filter_map(|name| names.unknown_in_environment(&name)));
        let reader = SettingsReader::new(&lookup);
        let source = |setting: &Setting| match std::env::var_os(setting.name) {
            _ if !reader.is_set(setting.name) => Source::Default,
            Some(_) => Source::Environment,
            None => Source::EnvFile,
        };
        let sources = all_settings(table).map(source).collect();
        warnings.extend(warnings::warnings(&config));
        for name in ["ID_SALT", "INBOX_KEY"] {
            if !config.has_store() && reader.is_set(name) {
                warnings.push(format!("{name} has no effect without REDIS_URL or DATABASE_URL"));
            }
        }
        Ok(LoadedConfig { config, sources, warnings })
    }

    /// `ID_SALT`, if a store needs it. Without it, ids are hashed with a random key at each start.
    #[must_use]
    pub fn id_salt(&self) -> Option<&SecretString> {
        self.secrets.salt.as_ref().filter(|_| self.has_store())
    }

    /// The keys of `INBOX_KEY`, if a store needs them.
    #[must_use]
    pub fn inbox_keys(&self) -> Option<&[SealKey]> {
        self.secrets.keys.as_deref().filter(|_| self.has_store())
    }

    const fn has_store(&self) -> bool {
        self.redis.is_some() || self.database.is_some()
    }

    /// Reads variables through `lookup`, for a server with the toolsets of `table`. A blank value counts as
    /// unset.
    ///
    /// # Errors
    /// Returns every problem.
    pub fn from_lookup(
        table: &[ToolsetRow],
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let mut reader = SettingsReader::new(&lookup);
        let tokens = reader.read("AUTH_TOKEN", EchoValue::Redacted, AuthTokens::parse);
        let host = reader.read("HOST", EchoValue::Yes, |text| {
            text.parse::<IpAddr>().map_err(|_| "an IP address")
        });
        let port = reader.read("PORT", EchoValue::Yes, |text| {
            text.parse::<u16>().map_err(|_| "a number from 0 to 65535 (0 takes any free port)")
        });
        let default_host =
            if tokens.is_some() { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        let host = host.unwrap_or(default_host.into());
        let stores = store::read(&mut reader);
        let limits = reader
            .read("RATE_LIMITS", EchoValue::Yes, |text| rate_limits::parse(text, table))
            .unwrap_or_else(|| RateLimitConfig::new(Some(RateLimits::default())));
        let toolsets = toolsets::read(&mut reader, table, &limits);
        let needs_database =
            toolsets.enabled.iter().any(|toolset| toolset.row.migrations.is_some());
        let database = stores.database;
        let database =
            database.or_else(|| needs_database.then(store::DatabaseConfig::in_working_folder));
        let credentials = credentials::read(&mut reader, tokens.as_ref(), &toolsets);
        let config = Self {
            address: SocketAddr::new(host, port.unwrap_or(DEFAULT_PORT)),
            log_level: reader
                .read("LOG_LEVEL", EchoValue::Yes, log_level)
                .unwrap_or(LevelFilter::INFO),
            log_format: reader
                .read("LOG_FORMAT", EchoValue::Yes, log_format)
                .unwrap_or(LogFormat::Text),
            idle_timeout: reader.seconds("IDLE_TIMEOUT_SECS", DEFAULT_IDLE_TIMEOUT_SECS),
            reap_interval: reader.seconds("REAP_INTERVAL_SECS", DEFAULT_REAP_INTERVAL_SECS),
            allowed_hosts: reader.read("ALLOWED_HOSTS", EchoValue::Yes, host_names),
            allowed_origins: reader
                .read("ALLOWED_ORIGINS", EchoValue::Yes, origins)
                .unwrap_or_default(),
            use_caller_nicknames: reader.switch("USE_CALLER_NICKNAMES", false),
            toolsets,
            playground: reader.switch("PLAYGROUND", host.is_loopback()),
            max_sessions: reader
                .read("MAX_SESSIONS", EchoValue::Yes, |text| {
                    let sessions = text.parse().ok().filter(|n| (1..=1_000_000).contains(n));
                    sessions.ok_or("a whole number from 1 to 1000000")
                })
                .unwrap_or(DEFAULT_MAX_SESSIONS),
            redis: stores.redis,
            database,
            secrets: stores.secrets,
            admin_tokens: reader.read("ADMIN_TOKEN", EchoValue::Redacted, AuthTokens::parse),
            monitor_tokens: reader.read("MONITOR_TOKEN", EchoValue::Redacted, AuthTokens::parse),
            credentials,
            read_only: reader.switch("READ_ONLY", false),
            rate_limits: limits.chat,
            trusted_proxy: reader
                .read("TRUSTED_PROXY", EchoValue::Yes, trusted_proxy)
                .unwrap_or_default(),
            guard: guard::read_guard(&mut reader),
            notice_policy: guard::read_notice_policy(&mut reader),
            whatsapp: channels::read_whatsapp(&mut reader),
            bridge: channels::read_bridge(&mut reader),
            https_proxy: channels::read_https_proxy(&mut reader),
            auth_tokens: tokens,
        };
        reader.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::toolsets::tests::TABLE;

    fn config(variables: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
        Config::from_lookup(TABLE, |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn config_defaults_listen_on_loopback() {
        let config = config(&[]).expect("defaults");
        assert_eq!(config.address.to_string(), "127.0.0.1:8086");
        assert_eq!(config.idle_timeout.as_secs(), 1_800);
        assert_eq!(config.reap_interval.as_secs(), 30);
        assert_eq!((config.toolsets.has("connect"), config.max_sessions), (true, 10_000));
        assert!(
            config.auth_tokens.is_none()
                && config.allowed_hosts.is_none()
                && !config.use_caller_nicknames
        );
    }

    #[test]
    fn config_auth_token_listens_on_all_interfaces() {
        assert_eq!(
            config(&[("AUTH_TOKEN", "t")]).expect("valid").address.to_string(),
            "0.0.0.0:8086"
        );
        let local = config(&[("AUTH_TOKEN", "t"), ("HOST", "::1"), ("PORT", "0")]).expect("valid");
        assert_eq!(local.address.to_string(), "[::1]:0");
    }

    #[test]
    fn config_playground_defaults_to_on_for_loopback() {
        let on = |variables: &[_]| config(variables).expect("valid").playground;
        assert!(on(&[]) && on(&[("AUTH_TOKEN", "t"), ("HOST", "::1")]));
        assert!(!on(&[("AUTH_TOKEN", "t")]) && !on(&[("PLAYGROUND", "off")]));
        assert!(on(&[("AUTH_TOKEN", "t"), ("PLAYGROUND", "on")]));
    }

    #[test]
    fn config_empty_variable_counts_as_unset() {
        let config =
            config(&[("AUTH_TOKEN", ""), ("PORT", " "), ("ALLOWED_HOSTS", "")]).expect("valid");
        assert!(config.auth_tokens.is_none() && config.allowed_hosts.is_none());
        assert_eq!(config.address.port(), DEFAULT_PORT);
    }

    #[test]
    fn config_reports_all_problems_without_secrets() {
        let problems = config(&[
            ("AUTH_TOKEN", "my secret"),
            ("HOST", "localhost"),
            ("PORT", "99999"),
            ("LOG_LEVEL", "loud"),
            ("LOG_FORMAT", "xml"),
            ("IDLE_TIMEOUT_SECS", "0"),
            ("REAP_INTERVAL_SECS", "soon"),
            ("ALLOWED_HOSTS", "https://chat.example"),
            ("USE_CALLER_NICKNAMES", "maybe"),
            ("TOOLSETS", "connect,chess"),
            ("MAX_SESSIONS", "0"),
            ("PLAYGROUND", "yes"),
            ("TRUSTED_PROXY", "yes"),
            ("ALLOWED_ORIGINS", "app.example"),
        ])
        .expect_err("fourteen problems");
        assert_eq!(problems.len(), 14);
        let report = problems.iter().map(|problem| format!("{problem}\n")).collect::<String>();
        for shown in [
            "AUTH_TOKEN=(not shown): expected one token",
            "PORT=\"99999\": expected a number from 0",
            "LOG_LEVEL=\"loud\"",
        ] {
            assert!(report.contains(shown), "{report}");
        }
        assert!(!report.contains("secret"));
    }

    #[test]
    fn config_debug_is_redacted() {
        let shown = format!("{:?}", config(&[("AUTH_TOKEN", "hunter2hunter2")]).expect("valid"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn config_reads_token_rotation_and_host_list() {
        let config =
            config(&[("AUTH_TOKEN", "new,old"), ("ALLOWED_HOSTS", "Chat.Example, localhost:8086")]);
        let config = config.expect("valid");
        assert!(
            config.auth_tokens.is_some_and(|tokens| tokens.verify(b"old") && tokens.verify(b"new"))
        );
        assert_eq!(
            config.allowed_hosts,
            Some(vec!["chat.example".to_owned(), "localhost:8086".to_owned()])
        );
    }
}
