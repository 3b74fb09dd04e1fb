//! The settings of channels that are off until configured: WhatsApp's Cloud API, and the callback
//! for bridges to other messengers.
//!
//! Each is set as a whole or not at all; half a configuration is a problem.

use std::ffi::OsString;

use reqwest::Url;
use secrecy::SecretString;

use super::{ConfigProblem, EchoValue, EnvReader};

const DEFAULT_API_BASE: &str = "https://graph.facebook.com/v23.0";

/// A number of the operator's own on WhatsApp.
#[derive(Clone, Debug)]
pub struct WhatsAppConfig {
    /// `WHATSAPP_TOKEN`, which the Graph API wants.
    pub token: SecretString,
    /// `WHATSAPP_PHONE_NUMBER_ID`: Meta's name for the number, in digits.
    pub phone_number_id: String,
    /// `WHATSAPP_VERIFY_TOKEN`, which Meta shows when the webhook is set up.
    pub verify_token: SecretString,
    /// `WHATSAPP_APP_SECRET`, with which Meta signs.
    pub app_secret: SecretString,
    /// `WHATSAPP_API_BASE`, without a slash at its end.
    pub api_base: String,
}

/// Where news is posted to.
#[derive(Clone, Debug)]
pub struct BridgeConfig {
    /// `CALLBACK_URL`; it may hold a token.
    pub url: SecretString,
    /// `CALLBACK_SECRET`, with which this server signs.
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

/// Reads the settings of the WhatsApp channel, if there are any.
pub(super) fn read_whatsapp<L: Fn(&str) -> Option<OsString>>(
    reader: &mut EnvReader<L>,
) -> Option<WhatsAppConfig> {
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

/// Reads the settings of the callback, if there are any.
pub(super) fn read_bridge<L: Fn(&str) -> Option<OsString>>(
    reader: &mut EnvReader<L>,
) -> Option<BridgeConfig> {
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

impl<L: Fn(&str) -> Option<OsString>> EnvReader<L> {
    /// Whether any of `all` is set. Each of `needed` that is not, is a problem then.
    fn requires_all(&mut self, all: &[&'static str], needed: &[&'static str]) -> bool {
        let is_set = |name: &&&'static str| {
            (self.lookup)(name).is_some_and(|value| !value.to_string_lossy().trim().is_empty())
        };
        if !all.iter().any(|name| is_set(&name)) {
            return false;
        }
        let missing: Vec<_> = needed.iter().filter(|name| !is_set(name)).collect();
        self.problems.extend(missing.into_iter().map(|name| ConfigProblem {
            variable: (*name).to_owned(),
            shown_value: String::new(),
            expected: format!("a value, because {} belong together", needed.join(", ")),
        }));
        true
    }
}

fn secret(text: &str) -> Result<SecretString, &'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic());
    plain.then(|| SecretString::from(text)).ok_or("ASCII characters without spaces")
}

/// An address on the web.
fn parse_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (plain && matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Whether an address is on this machine, or named as only neighbours in a private network are.
fn is_private_name(url: &Url) -> bool {
    is_loopback(url) || url.host_str().is_some_and(|host| !host.contains(['.', ':']))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::super::Config;

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
        Config::from_lookup(lookup)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn with(variable: &'static str, value: &'static str) -> Result<Config, Vec<String>> {
        config(&[&ALL[..], &[(variable, value)]].concat())
    }

    #[test]
    fn config_channel_needs_all_of_its_settings() {
        let off = config(&[("WHATSAPP_TOKEN", " ")]).expect("valid");
        assert!(off.whatsapp.is_none() && off.callback.is_none());
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
            assert!(callback(good).is_ok_and(|config| config.callback.is_some()), "{good}");
        }
        for bad in ["http://x.example", "http://10.0.0.1", "http://[2001:db8::1]/"] {
            assert!(callback(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn config_channel_secrets_are_redacted() {
        let problems = config(&[("WHATSAPP_TOKEN", "my secret"), ("CALLBACK_URL", "ftp://secret")]);
        let told = problems.expect_err("problems").concat();
        assert!(
            told.contains("WHATSAPP_TOKEN=(not shown)") && !told.contains("secret\""),
            "{told}"
        );
        assert!(!told.contains("my secret") && !told.contains("ftp://"), "{told}");
        let callback =
            [("CALLBACK_URL", "https://x.example/key-1"), ("CALLBACK_SECRET", "secret-2")];
        let shown = format!("{:?}", config(&[&ALL[..], &callback].concat()).expect("valid"));
        for secret in ["EAAG-token", "verify-me", "app-secret", "key-1", "secret-2"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(with("WHATSAPP_PHONE_NUMBER_ID", "me/../you").is_err());
    }
}
