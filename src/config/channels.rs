//! The sections of the channels: WhatsApp's Cloud API, and the bridge to another messenger.
//!
//! A channel is off until all of its required settings are set. A part of them is a problem.

use reqwest::Url;
use secrecy::SecretString;

use crate::kernel::settings::{EchoValue, SettingsReader};

pub(super) const DEFAULT_API_BASE: &str = "https://graph.facebook.com/v23.0";

/// The operator's WhatsApp number and how to use it.
#[derive(Clone, Debug)]
pub struct WhatsAppConfig {
    /// `WHATSAPP_TOKEN` for the Graph API.
    pub token: SecretString,
    /// `WHATSAPP_PHONE_NUMBER_ID`: Meta's numeric id of the phone number.
    pub phone_number_id: String,
    /// `WHATSAPP_VERIFY_TOKEN`, which Meta sends when the webhook is set up.
    pub verify_token: SecretString,
    /// `WHATSAPP_APP_SECRET`, the key of Meta's signatures.
    pub app_secret: SecretString,
    /// `WHATSAPP_API_BASE` without a trailing slash.
    pub api_base: String,
}

/// The bridge that events are posted to.
#[derive(Clone, Debug)]
pub struct BridgeConfig {
    /// `CALLBACK_URL`, which may contain a token.
    pub url: SecretString,
    /// `CALLBACK_SECRET`, the key of this server's signatures.
    pub secret: SecretString,
}

const WHATSAPP: [&str; 5] = [
    "WHATSAPP_TOKEN",
    "WHATSAPP_PHONE_NUMBER_ID",
    "WHATSAPP_VERIFY_TOKEN",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_API_BASE",
];
const CALLBACK: [&str; 2] = ["CALLBACK_URL", "CALLBACK_SECRET"];

/// Reads `WHATSAPP_*`. `None` if unset or invalid.
pub(super) fn read_whatsapp(reader: &mut SettingsReader<'_>) -> Option<WhatsAppConfig> {
    let [token, phone_number_id, verify_token, app_secret, api_base] = WHATSAPP;
    if !reader.requires_all(&WHATSAPP, &WHATSAPP[..4]) {
        return None;
    }
    let token = reader.read(token, EchoValue::Redacted, secret);
    let phone_number_id = reader.read(phone_number_id, EchoValue::Yes, |text| {
        let plausible = text.len() <= 32 && text.bytes().all(|b| b.is_ascii_digit());
        let expected = "the numeric phone number id from Meta's dashboard";
        plausible.then(|| text.to_owned()).ok_or(expected)
    });
    let verify_token = reader.read(verify_token, EchoValue::Redacted, secret);
    let app_secret = reader.read(app_secret, EchoValue::Redacted, secret);
    let api_base = reader.read(api_base, EchoValue::Yes, |text| {
        let url = parse_url(text).filter(|url| url.query().is_none());
        let safe = url.filter(|url| url.scheme() == "https" || is_loopback(url));
        let base = safe.map(|url| url.as_str().trim_end_matches('/').to_owned());
        base.ok_or("an https:// URL (http:// only for this machine)")
    });
    Some(WhatsAppConfig {
        token: token?,
        phone_number_id: phone_number_id?,
        verify_token: verify_token?,
        app_secret: app_secret?,
        api_base: api_base.unwrap_or_else(|| DEFAULT_API_BASE.to_owned()),
    })
}

/// Reads `CALLBACK_*`. `None` if unset or invalid.
pub(super) fn read_bridge(reader: &mut SettingsReader<'_>) -> Option<BridgeConfig> {
    if !reader.requires_all(&CALLBACK, &CALLBACK) {
        return None;
    }
    let url = reader.read(CALLBACK[0], EchoValue::Redacted, |text| {
        let url = parse_url(text).filter(|url| url.scheme() == "https" || is_private_name(url));
        let url = url.map(|url| SecretString::from(url.as_str()));
        url.ok_or("an https:// URL (http:// only for this machine or a host name without a dot)")
    });
    let secret = reader.read(CALLBACK[1], EchoValue::Redacted, secret);
    Some(BridgeConfig { url: url?, secret: secret? })
}

/// Reads `HTTPS_PROXY`, which may contain a password. `None` if unset or invalid.
pub(super) fn read_https_proxy(reader: &mut SettingsReader<'_>) -> Option<SecretString> {
    reader.read("HTTPS_PROXY", EchoValue::Redacted, |text| {
        // Like other programs, accepts a host and a port alone.
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/"
        });
        let url = url.map(|url| SecretString::from(url.as_str()));
        url.ok_or("the URL of a proxy, such as http://proxy.example:3128")
    })
}

fn secret(text: &str) -> Result<SecretString, &'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic());
    plain.then(|| SecretString::from(text)).ok_or("ASCII characters without spaces")
}

/// Parses an absolute HTTP URL without credentials and fragment.
fn parse_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (plain && matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Returns `true` for localhost and for host names without a dot, which only a private network
/// resolves.
fn is_private_name(url: &Url) -> bool {
    is_loopback(url) || url.host_str().is_some_and(|host| !host.contains(['.', ':']))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use crate::config::Config;
    use crate::config::toolsets::tests::TABLE;

    const ALL: [(&str, &str); 4] = [
        ("WHATSAPP_TOKEN", "EAAG-token"),
        ("WHATSAPP_PHONE_NUMBER_ID", "106540352242922"),
        ("WHATSAPP_VERIFY_TOKEN", "verify-me"),
        ("WHATSAPP_APP_SECRET", "app-secret"),
    ];

    fn config(variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let lookup = |name: &str| {
            variables.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        };
        Config::from_lookup(TABLE, lookup)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn with(variable: &'static str, value: &'static str) -> Result<Config, Vec<String>> {
        config(&[&ALL[..], &[(variable, value)]].concat())
    }

    #[test]
    fn config_channel_needs_all_of_its_settings() {
        let off = config(&[("WHATSAPP_TOKEN", " ")]).expect("valid");
        assert!(off.whatsapp.is_none() && off.bridge.is_none());
        let on = config(&ALL).expect("valid").whatsapp.expect("on");
        assert_eq!(on.api_base, "https://graph.facebook.com/v23.0");
        assert_eq!(on.token.expose_secret(), "EAAG-token");
        for missing in 0..ALL.len() {
            let mut some = ALL.to_vec();
            let (name, _) = some.remove(missing);
            let problems = config(&some).expect_err("one is missing");
            assert_eq!(problems.len(), 1);
            assert!(
                problems[0].starts_with(&format!("{name}=: expected a value, because")),
                "{problems:?}"
            );
        }
        assert_eq!(
            config(&[("WHATSAPP_API_BASE", "https://x.example")]).expect_err("alone").len(),
            4
        );
        for half in [("CALLBACK_URL", "https://x.example"), ("CALLBACK_SECRET", "secret")] {
            assert_eq!(config(&[half]).expect_err("half").len(), 1);
        }
    }

    #[test]
    fn config_channel_url_must_be_https() {
        let base = |url| {
            with("WHATSAPP_API_BASE", url).map(|config| config.whatsapp.expect("on").api_base)
        };
        assert_eq!(base("https://x.example/v1/").as_deref(), Ok("https://x.example/v1"));
        assert_eq!(base("http://127.0.0.1:9/v1").as_deref(), Ok("http://127.0.0.1:9/v1"));
        assert_eq!(base("http://[::1]:9").as_deref(), Ok("http://[::1]:9"));
        for bad in [
            "http://x.example",
            "ftp://localhost",
            "x.example",
            "https://",
            "https://a:b@x.example",
            "https://x.example?a=1",
        ] {
            assert!(base(bad).is_err(), "{bad}");
        }
        let callback = |url| config(&[("CALLBACK_URL", url), ("CALLBACK_SECRET", "secret")]);
        for good in ["https://x.example/news?key=1", "http://localhost:3000", "http://bridge:3000/"]
        {
            assert!(callback(good).is_ok_and(|config| config.bridge.is_some()), "{good}");
        }
        for bad in ["http://x.example", "http://10.0.0.1", "http://[2001:db8::1]/"] {
            assert!(callback(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn config_channel_secrets_are_redacted() {
        let problems = config(&[("WHATSAPP_TOKEN", "my secret"), ("CALLBACK_URL", "ftp://secret")]);
        let report = problems.expect_err("problems").concat();
        assert!(
            report.contains("WHATSAPP_TOKEN=(not shown)") && !report.contains("secret\""),
            "{report}"
        );
        assert!(!report.contains("my secret") && !report.contains("ftp://"), "{report}");
        let callback =
            [("CALLBACK_URL", "https://x.example/key-1"), ("CALLBACK_SECRET", "secret-2")];
        let shown = format!("{:?}", config(&[&ALL[..], &callback].concat()).expect("valid"));
        for secret in ["EAAG-token", "verify-me", "app-secret", "key-1", "secret-2"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(with("WHATSAPP_PHONE_NUMBER_ID", "me/../you").is_err());
    }
}
