//! [`Config::effective`]: every setting with its value in effect, for `random-connect check`.
//!
//! A secret is only `set` or `not set`. To add a setting, add its line in the order of
//! [`SETTINGS`](super::SETTINGS); a test compares the two.

use std::path::Path;

use super::{Config, LogFormat};
use crate::credentials::signed_tokens::SignedTokenSettings;
use crate::credentials::signed_tokens::jwt::JwtSettings;
use crate::guard::{LinkPolicy, ProfanityPolicy};
use crate::kernel::client_network::TrustedProxy;
use crate::kernel::settings::NOT_SET;
use crate::moderation::service::NoticePolicy;
use crate::rate_limit::gcra::RateLimits;

impl Config {
    /// Returns name and value of every setting, in the order of the documentation. A value that is
    /// not a secret is in the form of the setting.
    #[must_use]
    pub fn effective(&self) -> Vec<(&'static str, String)> {
        let whatsapp = self.whatsapp.as_ref();
        let SignedTokenSettings { openid, firebase, .. } = &self.credentials.signed_tokens;
        let (openid, firebase) = (openid.as_ref(), firebase.as_ref());
        let mut effective = vec![
            (
                "AUTH_TOKEN",
                self.auth_tokens.as_ref().map_or("generated at each start", |_| "set").to_owned(),
            ),
            ("HOST", self.address.ip().to_string()),
            ("PORT", self.address.port().to_string()),
            (
                "ALLOWED_HOSTS",
                self.allowed_hosts.as_ref().map_or("any".to_owned(), |hosts| hosts.join(",")),
            ),
            ("ALLOWED_ORIGINS", list_or_none(&self.allowed_origins)),
            ("TRUSTED_PROXY", proxy_name(self.trusted_proxy).to_owned()),
            ("ADMIN_TOKEN", secret(self.admin_tokens.as_ref())),
            ("MONITOR_TOKEN", secret(self.monitor_tokens.as_ref())),
            ("OWNER", secret(self.credentials.owner.as_ref())),
            ("OWNER_TOKEN", secret(self.credentials.owner_tokens.as_ref())),
            ("JWT_SECRET", secret(self.credentials.signed_tokens.jwt.as_ref())),
            ("JWT_ISSUER", self.jwt_rule(|jwt| jwt.issuer.as_deref())),
            ("JWT_AUDIENCE", self.jwt_rule(|jwt| jwt.audience.as_deref())),
            ("OIDC_ISSUER", openid.map_or("none", |openid| &openid.issuer).to_owned()),
            ("PUBLIC_URL", openid.map_or("none", |openid| &openid.public_url).to_owned()),
            (
                "FIREBASE_PROJECT_ID",
                firebase.map_or("none", |firebase| &firebase.project).to_owned(),
            ),
            ("READ_ONLY", switch(self.read_only)),
            ("LOG_LEVEL", self.log_level.to_string()),
            ("LOG_FORMAT", format_name(self.log_format).to_owned()),
            ("TOOLSETS", self.toolset_names()),
            ("PLAYGROUND", switch(self.playground)),
            ("MAX_SESSIONS", self.max_sessions.to_string()),
            ("IDLE_TIMEOUT_SECS", self.idle_timeout.as_secs().to_string()),
            ("REAP_INTERVAL_SECS", self.reap_interval.as_secs().to_string()),
            ("USE_CALLER_NICKNAMES", switch(self.use_caller_nicknames)),
            ("RATE_LIMITS", self.rate_limits_in_effect()),
            ("LINKS", link_policy_name(self.guard.links).to_owned()),
            ("WORDS", profanity_policy_name(self.guard.profanity).to_owned()),
            ("NOTICE", notice_policy_name(self.notice_policy).to_owned()),
            ("REDIS_URL", secret(self.redis.as_ref())),
            ("DATABASE_URL", self.database_of("DATABASE_URL")),
            ("STATE_DB", self.database_of("STATE_DB")),
            ("ID_SALT", secret(self.id_salt())),
            ("INBOX_KEY", secret(self.inbox_keys())),
            ("WHATSAPP_TOKEN", secret(whatsapp)),
            ("WHATSAPP_PHONE_NUMBER_ID", secret(whatsapp)),
            ("WHATSAPP_VERIFY_TOKEN", secret(whatsapp)),
            ("WHATSAPP_APP_SECRET", secret(whatsapp)),
            (
                "WHATSAPP_API_BASE",
                whatsapp
                    .map_or(super::channels::DEFAULT_API_BASE, |whatsapp| &whatsapp.api_base)
                    .to_owned(),
            ),
            ("CALLBACK_URL", secret(self.bridge.as_ref())),
            ("CALLBACK_SECRET", secret(self.bridge.as_ref())),
            ("HTTPS_PROXY", secret(self.https_proxy.as_ref())),
        ];
        effective.extend(self.toolsets.shown.iter().cloned());
        effective
    }

    /// A value that JWTs must have.
    fn jwt_rule(&self, rule: impl FnOnce(&JwtSettings) -> Option<&str>) -> String {
        self.credentials.signed_tokens.jwt.as_ref().and_then(rule).unwrap_or("any").to_owned()
    }

    /// The database, if this setting names it.
    fn database_of(&self, setting: &str) -> String {
        let database = self.database.as_ref().filter(|database| database.setting == setting);
        let Some(database) = database else { return "none".to_owned() };
        let shown = |file: &Path| format!("sqlite:{}", file.display());
        database.url.file().map_or_else(|| "set".to_owned(), shown)
    }

    fn rate_limits_in_effect(&self) -> String {
        let Some(limits) = self.rate_limits else { return "off".to_owned() };
        let RateLimits { messages, duplicates, searches, reports, commands, new_users } = limits;
        let chat = format!(
            "messages={messages},same={duplicates},searches={searches},reports={reports},commands={commands},newcomers={new_users}"
        );
        let quotas = self.toolsets.enabled.iter().flat_map(|toolset| &toolset.quotas);
        let quotas = quotas.map(|quota| format!("{}={}", quota.name, quota.limit));
        [chat].into_iter().chain(quotas).collect::<Vec<_>>().join(",")
    }

    /// The names of the enabled toolsets, with the one that the playground enables.
    fn toolset_names(&self) -> String {
        let toolsets = self.toolsets.with_playground(self.playground);
        toolsets.map(|toolset| toolset.row.name).collect::<Vec<_>>().join(",")
    }
}

fn secret<T>(value: Option<T>) -> String {
    value.map_or(NOT_SET, |_| "set").to_owned()
}

fn list_or_none(entries: &[String]) -> String {
    if entries.is_empty() { "none".to_owned() } else { entries.join(",") }
}

fn switch(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

const fn proxy_name(proxy: TrustedProxy) -> &'static str {
    match proxy {
        TrustedProxy::None => "off",
        TrustedProxy::XForwardedFor => "on",
        TrustedProxy::FlyClientIp => "fly",
    }
}

const fn format_name(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    }
}

const fn link_policy_name(policy: LinkPolicy) -> &'static str {
    match policy {
        LinkPolicy::Allow => "allow",
        LinkPolicy::Defang => "defang",
        LinkPolicy::Refuse => "refuse",
    }
}

const fn profanity_policy_name(policy: ProfanityPolicy) -> &'static str {
    match policy {
        ProfanityPolicy::Off => "off",
        ProfanityPolicy::Mask => "mask",
        ProfanityPolicy::Refuse => "refuse",
    }
}

const fn notice_policy_name(policy: NoticePolicy) -> &'static str {
    match policy {
        NoticePolicy::On => "on",
        NoticePolicy::Require => "require",
        NoticePolicy::Off => "off",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::config::all_settings;
    use crate::config::toolsets::tests::TABLE;

    const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn config(variables: &HashMap<&str, String>) -> Config {
        Config::from_lookup(TABLE, |name| variables.get(name).map(Into::into)).expect("valid")
    }

    #[test]
    fn config_effective_lists_every_setting_in_order() {
        let names: Vec<_> =
            config(&HashMap::new()).effective().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, all_settings(TABLE).map(|setting| setting.name).collect::<Vec<_>>());
    }

    #[test]
    fn config_effective_values_can_be_set_again() {
        let variables = [
            ("HOST", "::1"),
            ("PORT", "9000"),
            ("ALLOWED_HOSTS", "chat.example,localhost:8086"),
            ("ALLOWED_ORIGINS", "https://app.example,http://localhost:6274"),
            ("TRUSTED_PROXY", "fly"),
            ("LOG_LEVEL", "DEBUG"),
            ("LOG_FORMAT", "json"),
            ("TOOLSETS", "connect,penpal"),
            ("PLAYGROUND", "off"),
            ("MAX_SESSIONS", "7"),
            ("IDLE_TIMEOUT_SECS", "60"),
            ("REAP_INTERVAL_SECS", "5"),
            ("USE_CALLER_NICKNAMES", "on"),
            ("RATE_LIMITS", "messages=60,newcomers=0"),
            ("LINKS", "refuse"),
            ("WORDS", "mask"),
            ("NOTICE", "require"),
        ];
        let config_before = config(&variables.map(|(name, value)| (name, value.to_owned())).into());
        let mut effective: HashMap<_, _> = config_before.effective().into_iter().collect();
        effective.retain(|name, _| variables.iter().any(|(set, _)| set == name));
        assert_eq!(format!("{:?}", config(&effective)), format!("{config_before:?}"));
    }

    #[test]
    fn config_effective_shows_no_secret() {
        let secrets = [
            ("AUTH_TOKEN", "secret-1"),
            ("ADMIN_TOKEN", "secret-2"),
            ("MONITOR_TOKEN", "secret-3"),
            ("OWNER", "secret-3a"),
            ("OWNER_TOKEN", "secret-3b"),
            ("JWT_SECRET", "secret-3c-which-has-32-bytes-or-more"),
            ("REDIS_URL", "redis://:secret-4@localhost"),
            ("DATABASE_URL", "postgres://secret-13:secret-14@localhost/chat"),
            ("ID_SALT", "secret-5-and-more"),
            ("INBOX_KEY", KEY),
            ("WHATSAPP_TOKEN", "secret-6"),
            ("WHATSAPP_PHONE_NUMBER_ID", "4711"),
            ("WHATSAPP_VERIFY_TOKEN", "secret-7"),
            ("WHATSAPP_APP_SECRET", "secret-8"),
            ("CALLBACK_URL", "https://bridge.example/secret-9"),
            ("CALLBACK_SECRET", "secret-10"),
            ("HTTPS_PROXY", "http://secret-11:secret-12@localhost:3128"),
        ];
        let effective =
            config(&secrets.map(|(name, value)| (name, value.to_owned())).into()).effective();
        for (name, value) in effective {
            let is_secret = secrets.iter().any(|(secret, _)| *secret == name);
            assert_eq!(is_secret, value == "set", "{name}={value}");
            assert!(!value.contains("secret"), "{name}={value}");
        }
    }
}
