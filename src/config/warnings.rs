//! [`warnings`]: settings that are valid, but probably not intended. A warning names settings and
//! never a value.
//!
//! A warning never stops a server, because a running deployment must survive an upgrade.

use secrecy::{ExposeSecret, SecretString};

use super::Config;
use crate::kernel::token::{AuthTokens, is_weak};

/// Returns the warnings about a configuration.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let tokens = [
        ("AUTH_TOKEN", &config.auth_tokens),
        ("ADMIN_TOKEN", &config.admin_tokens),
        ("MONITOR_TOKEN", &config.monitor_tokens),
        ("OWNER_TOKEN", &config.credentials.owner_tokens),
    ];
    let tokens = tokens.map(|(name, tokens)| Some((name, tokens.as_ref()?)));
    let tokens: Vec<(&str, &AuthTokens)> = tokens.into_iter().flatten().collect();
    let mut warnings: Vec<String> = tokens
        .iter()
        .filter(|(_, tokens)| tokens.is_weak())
        .map(|(name, _)| too_short(name))
        .collect();
    warnings.extend(weak_secrets(config).map(too_short));
    for (index, (name, other)) in tokens.iter().enumerate() {
        for (earlier, tokens) in &tokens[..index] {
            if tokens.overlaps(other) {
                warnings.push(format!(
                    "{name} equals {earlier}, so that each opens what the other opens: generate another one with `random-connect token`"
                ));
            }
        }
    }
    if config.read_only {
        warnings.push("READ_ONLY is on: no tool that changes something is available, handle_message included, so no one can chat".to_owned());
    }
    warnings.extend(config.toolsets.warnings.iter().cloned());
    if let (Some(_), Some(database)) = (&config.redis, &config.database)
        && database.url.file().is_some()
    {
        warnings.push(format!(
            "{} holds no blocks, reports and bans, because REDIS_URL is set, and no other instance can use it",
            database.setting
        ));
    }
    warnings
}

/// The names of the other secrets of the operator's choice that are easy to guess.
fn weak_secrets(config: &Config) -> impl Iterator<Item = &'static str> {
    let verify_token = config.whatsapp.as_ref().map(|whatsapp| &whatsapp.verify_token);
    let callback_secret = config.bridge.as_ref().map(|bridge| &bridge.secret);
    let is_weak = |secret: Option<&SecretString>| {
        secret.is_some_and(|secret| is_weak(secret.expose_secret()))
    };
    let secrets = [("WHATSAPP_VERIFY_TOKEN", verify_token), ("CALLBACK_SECRET", callback_secret)];
    secrets.into_iter().filter(move |(_, secret)| is_weak(*secret)).map(|(name, _)| name)
}

fn too_short(name: &str) -> String {
    format!("{name} is too short to be safe: generate one with `random-connect token`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::toolsets::tests::TABLE;

    fn warned(variables: &[(&str, &str)]) -> String {
        let value = |name: &str| variables.iter().find(|(key, _)| *key == name);
        let config = Config::from_lookup(TABLE, |name| value(name).map(|(_, value)| value.into()));
        warnings(&config.expect("valid")).join("\n")
    }

    #[test]
    fn config_warns_about_short_and_shared_tokens() {
        let (long, other) = ("a-token-that-is-long-enough", "another-token-of-this-length");
        assert_eq!(warned(&[("AUTH_TOKEN", long), ("ADMIN_TOKEN", other)]), "");
        assert!(warned(&[("ADMIN_TOKEN", "a")]).starts_with("ADMIN_TOKEN is too short"));
        assert!(warned(&[("MONITOR_TOKEN", "m")]).starts_with("MONITOR_TOKEN is too short"));
        let rotating = format!("{other},{long}");
        let shared = warned(&[("AUTH_TOKEN", long), ("ADMIN_TOKEN", &rotating)]);
        assert!(shared.starts_with("ADMIN_TOKEN equals AUTH_TOKEN"), "{shared}");
        assert!(!shared.contains("long-enough"));
        let shared = warned(&[("AUTH_TOKEN", long), ("MONITOR_TOKEN", long)]);
        assert!(shared.starts_with("MONITOR_TOKEN equals AUTH_TOKEN"), "{shared}");
    }

    #[test]
    fn config_warns_about_settings_without_effect() {
        let key = "ab".repeat(32);
        let both = [
            ("REDIS_URL", "redis://localhost"),
            ("STATE_DB", "sqlite:state.db"),
            ("ID_SALT", "a salt of some length"),
            ("INBOX_KEY", &key),
        ];
        assert!(warned(&both).contains("STATE_DB holds no blocks"));
    }
}
