//! The settings of the toolset `gateway`, and `gateway.toml`, the file that one of them names.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::catalog::address::ServiceUrl;
use super::catalog::model::Catalog;
use super::catalog::validate::{CatalogFinding, FindingSeverity, validate};
use super::money::MicroCredits;
use super::remote::client::RemoteAddress;
use crate::kernel::principal::Owner;
use crate::kernel::settings::{EchoValue, SettingsReader};

/// Maximum size of `gateway.toml`, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Default of `GATEWAY_USAGE_DAYS`.
const USAGE_DAYS: u64 = 90;

/// Maximum of `GATEWAY_USAGE_DAYS`: ten years.
const MAX_USAGE_DAYS: u64 = 3_650;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings. `Debug` hides secrets.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// With the keys of the providers.
    pub catalog: Arc<Catalog>,
    /// All findings about the catalog. None is an error if the settings are valid.
    pub findings: Vec<CatalogFinding>,
    /// The balance of a new account.
    pub start_credits: MicroCredits,
    /// `None` without a listener for the gateway alone. 0 for any free port.
    pub port: Option<u16>,
    /// Whether a token may be in the query of an address.
    pub query_token: bool,
    /// Maximum age of stored usage.
    pub usage_retention: Duration,
    /// `None` if the other toolsets have no language model.
    pub model: Option<ModelPortConfig>,
    /// The service that has the balances. `None` if the accounts here have them.
    pub credit_service: Option<RemoteAddress>,
    /// The service that confirms signed tokens. `None` if their signature is enough.
    pub auth_service: Option<RemoteAddress>,
}

/// The settings of the language model of the other toolsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPortConfig {
    /// The user who pays.
    pub payer: Owner,
    /// The name of a model of the catalog. `None` for the cheapest.
    pub model: Option<String>,
}

/// The settings of the gateway's edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayEdges {
    /// See [`GatewayConfig::port`].
    pub port: Option<u16>,
    /// See [`GatewayConfig::query_token`].
    pub query_token: bool,
}

impl GatewayConfig {
    /// The settings of the edges.
    #[must_use]
    pub const fn edges(&self) -> GatewayEdges {
        GatewayEdges { port: self.port, query_token: self.query_token }
    }
}

/// Reads the settings. A problem is reported to the reader, and the result must then not be used.
pub fn read(reader: &mut SettingsReader<'_>) -> GatewayConfig {
    let secret = |text: &str| Ok::<_, &str>(SecretString::from(text));
    let openai_key = reader.read("OPENAI_API_KEY", EchoValue::Redacted, secret);
    let claude_key = reader.read("CLAUDE_API_KEY", EchoValue::Redacted, secret);
    let openai_url = reader.read("OPENAI_BASE_URL", EchoValue::Yes, ServiceUrl::parse);
    let claude_url = reader.read("CLAUDE_BASE_URL", EchoValue::Yes, ServiceUrl::parse);
    let start_credits = reader.read("GATEWAY_START_CREDITS", EchoValue::Yes, |text| {
        let amount = text.parse::<MicroCredits>().ok().filter(|amount| !amount.is_negative());
        amount.ok_or("a number of credits with up to six decimal places, such as 0.5")
    });
    let file = reader.read("GATEWAY_CONFIG", EchoValue::Yes, |path| read_file(Path::new(path)));
    let port = reader.read("GATEWAY_PORT", EchoValue::Yes, |text| {
        text.parse::<u16>().map_err(|_| "a port from 0 to 65535")
    });
    if port.is_some_and(|port| port > 0 && Some(port) == reader.server_port()) {
        reader.report_conflict("GATEWAY_PORT", "a port other than PORT");
    }
    let query_token = reader.switch("GATEWAY_QUERY_TOKEN", false);
    let usage_days = reader.read("GATEWAY_USAGE_DAYS", EchoValue::Yes, |text| {
        let days = text.parse::<u64>().ok().filter(|days| (1..=MAX_USAGE_DAYS).contains(days));
        days.ok_or("a whole number of days from 1 to 3650")
    });

    let payer = reader.read("GATEWAY_MODEL_ACCOUNT", EchoValue::Redacted, |name| {
        Owner::named(name).map_err(|error| error.to_string())
    });
    let model = reader.read("GATEWAY_MODEL", EchoValue::Yes, |name| Ok::<_, &str>(name.to_owned()));
    let credit_service = read_remote(reader, ["CREDIT_SERVICE_URL", "CREDIT_SERVICE_TOKEN"]);
    let auth_service = read_remote(reader, ["AUTH_SERVICE_URL", "AUTH_SERVICE_TOKEN"]);
    let start_credits = start_credits.unwrap_or_default();
    if credit_service.is_some() && start_credits > MicroCredits::ZERO {
        let expected = "unset: the service of CREDIT_SERVICE_URL has the balances";
        reader.report_conflict("GATEWAY_START_CREDITS", expected);
    }

    let (text, mut catalog) = file.unzip();
    let mut catalog = catalog.take().unwrap_or_else(shipped);
    for (provider, base_url) in [("openai", openai_url), ("claude", claude_url)] {
        if let Some(base_url) = base_url {
            catalog.set_base_url(provider, base_url);
        }
    }
    catalog.set_keys(|variable| match variable {
        "OPENAI_API_KEY" => openai_key.clone(),
        "CLAUDE_API_KEY" => claude_key.clone(),
        _ => reader.secret(variable),
    });
    let findings = validate(&catalog, text.as_deref());
    report(reader, &findings);
    match &model {
        Some(name) if catalog.model(name).is_err() => {
            reader.report_conflict("GATEWAY_MODEL", "a model that GET /v1/models lists");
        }
        Some(_) if payer.is_none() => {
            reader.warn("gateway: GATEWAY_MODEL is ignored without GATEWAY_MODEL_ACCOUNT");
        }
        _ => {}
    }
    GatewayConfig {
        catalog: Arc::new(catalog),
        findings,
        start_credits,
        port,
        query_token,
        usage_retention: DAY * u32::try_from(usage_days.unwrap_or(USAGE_DAYS)).unwrap_or(1),
        model: payer.map(|payer| ModelPortConfig { payer, model }),
        credit_service,
        auth_service,
    }
}

/// Reads the address of a service, and the token for it.
fn read_remote(
    reader: &mut SettingsReader<'_>,
    [url, token]: [&'static str; 2],
) -> Option<RemoteAddress> {
    let is_set = reader.is_set(url);
    let address = reader.read(url, EchoValue::Yes, ServiceUrl::parse);
    let secret = reader.read(token, EchoValue::Redacted, |text| {
        let is_token = text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token
            .then(|| SecretString::from(text))
            .ok_or("printable ASCII characters without spaces")
    });
    if secret.is_some() && !is_set {
        reader.report_missing(url, "the address of the service that the token is for");
    }
    address.map(|url| RemoteAddress { url, token: secret })
}

/// The catalog that ships with the server.
fn shipped() -> Catalog {
    Catalog::load(None).expect("a test loads the shipped table")
}

/// Reads `gateway.toml`. Returns its text and the catalog.
fn read_file(path: &Path) -> Result<(String, Catalog), String> {
    let readable = |problem: &str| format!("the path of a readable gateway.toml: {problem}");
    let size = fs::metadata(path).map_err(|error| readable(&error.to_string()))?.len();
    if size > MAX_FILE_BYTES {
        return Err(readable("it has more than 1 MiB"));
    }
    let text = fs::read_to_string(path).map_err(|error| readable(&error.to_string()))?;
    let catalog = Catalog::load(Some(&text))
        .map_err(|error| format!("a file in the format of docs/gateway.md: {error}"))?;
    Ok((text, catalog))
}

fn report(reader: &mut SettingsReader<'_>, findings: &[CatalogFinding]) {
    for finding in findings {
        match finding.severity {
            FindingSeverity::Error => {
                let expected = format!("a file without errors: {finding}");
                reader.report_conflict("GATEWAY_CONFIG", &expected);
            }
            FindingSeverity::Warning => reader.warn(&format!("gateway: {finding}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use secrecy::ExposeSecret;

    use super::*;

    fn read_with(variables: &[(&str, &str)]) -> (GatewayConfig, Vec<String>, Vec<String>) {
        let lookup = |name: &str| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| value.into())
        };
        let mut reader = SettingsReader::new(&lookup);
        let config = read(&mut reader);
        let warnings = reader.take_warnings();
        let problems = reader.finish(()).err().unwrap_or_default();
        (config, problems.iter().map(ToString::to_string).collect(), warnings)
    }

    fn problem(name: &str, value: &str) -> String {
        let (_, problems, _) = read_with(&[(name, value)]);
        problems.join("\n")
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file
    }

    #[test]
    fn gateway_config_needs_no_setting_and_warns_of_missing_keys() {
        let (config, problems, warnings) = read_with(&[]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[1].contains("set OPENAI_API_KEY"), "{warnings:?}");
        assert_eq!(config.start_credits, MicroCredits::ZERO);
        assert_eq!((config.port, config.query_token), (None, false));
        assert_eq!(config.usage_retention, 90 * DAY);
        assert!(config.credit_service.is_none() && config.auth_service.is_none());
    }

    #[test]
    fn gateway_config_has_keys_and_addresses_and_hides_keys() {
        let (config, problems, warnings) = read_with(&[
            ("OPENAI_API_KEY", " sk-openai "),
            ("CLAUDE_API_KEY", "sk-claude"),
            ("OPENAI_BASE_URL", "http://127.0.0.1:4010/v1/"),
            ("GATEWAY_START_CREDITS", "0.25"),
            ("GATEWAY_PORT", "3003"),
            ("GATEWAY_QUERY_TOKEN", "on"),
        ]);
        assert_eq!((problems.len(), warnings.len()), (0, 0), "{problems:?} {warnings:?}");
        let openai = config.catalog.provider("openai").expect("a provider");
        assert_eq!(openai.keys[0].secret.expose_secret(), "sk-openai");
        assert_eq!(openai.base_url.as_str(), "http://127.0.0.1:4010/v1");
        assert_eq!(config.start_credits.as_micros(), 250_000);
        assert_eq!((config.port, config.query_token), (Some(3003), true));
        assert!(!format!("{config:?}").contains("sk-"));
    }

    #[test]
    fn gateway_config_refuses_values_with_what_is_expected() {
        for (name, value, expected) in [
            ("OPENAI_BASE_URL", "http://api.example/v1", "expected an https:// URL"),
            ("GATEWAY_START_CREDITS", "-1", "expected a number of credits"),
            ("GATEWAY_START_CREDITS", "ten", "expected a number of credits"),
            ("GATEWAY_PORT", "70000", "expected a port"),
            ("GATEWAY_QUERY_TOKEN", "yes", "expected on or off"),
            ("GATEWAY_USAGE_DAYS", "0", "expected a whole number of days"),
            ("GATEWAY_MODEL_ACCOUNT", "oidc:a", "expected"),
            ("GATEWAY_MODEL", "gpt-0", "expected a model that GET /v1/models lists"),
            (
                "GATEWAY_CONFIG",
                "/nowhere/gateway.toml",
                "expected the path of a readable gateway.toml",
            ),
        ] {
            let problem = problem(name, value);
            assert!(problem.starts_with(name) && problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn gateway_config_has_services_and_hides_their_tokens() {
        let credit = ["CREDIT_SERVICE_URL", "CREDIT_SERVICE_TOKEN"];
        for [name, token_name] in [credit, ["AUTH_SERVICE_URL", "AUTH_SERVICE_TOKEN"]] {
            let (url, token) = ((name, "http://near:8080/v2/"), (token_name, "a-secret"));
            let (config, problems, _) = read_with(&[url, token]);
            assert_eq!(problems, [""; 0]);
            assert!(!format!("{config:?}").contains("a-secret"));
            let service = config.credit_service.or(config.auth_service).expect("a service");
            assert_eq!(service.url.as_str(), "http://near:8080/v2");
            assert_eq!(service.token.expect("a token").expose_secret(), "a-secret");
            let (_, problems, _) = read_with(&[url]);
            assert_eq!(problems, [""; 0]);
            for (variables, variable) in [
                (&[token][..], name),
                (&[(name, "http://service.example")], name),
                (&[url, (token_name, "a b")], token_name),
            ] {
                let (_, problems, _) = read_with(variables);
                assert!(problems.len() == 1 && problems[0].starts_with(variable), "{problems:?}");
            }
        }
        let start = ("GATEWAY_START_CREDITS", "0.5");
        let (_, problems, _) = read_with(&[("CREDIT_SERVICE_URL", "http://near"), start]);
        assert!(problems.len() == 1 && problems[0].starts_with(start.0), "{problems:?}");
    }

    #[test]
    fn gateway_config_reads_the_file_and_the_keys_that_it_names() {
        let file =
            file("[providers.openai]\ncredentials = [\"FIRST_API_KEY\", \"SECOND_API_KEY\"]");
        let path = file.path().to_str().expect("a path");
        let set =
            [("GATEWAY_CONFIG", path), ("SECOND_API_KEY", "sk-second"), ("FIRST_API_KEY", " ")];
        let (config, problems, warnings) = read_with(&set);
        assert_eq!(problems, [""; 0]);
        assert!(
            warnings.iter().any(|w| w.contains("line 2") && w.contains("not set: FIRST_API_KEY"))
        );
        let openai = config.catalog.provider("openai").expect("a provider");
        assert_eq!((openai.keys.len(), openai.keys[0].variable.as_str()), (1, "SECOND_API_KEY"));
    }

    #[test]
    fn gateway_config_problem_names_the_file_the_line_and_the_key() {
        for (text, expected) in [
            ("[models.a]\nproviders = 1", "line 2, models.a.providers: unknown field `providers`"),
            ("[aliases]\na = \"b\"", "a file without errors: line 2, aliases.a: b is no model"),
        ] {
            let file = file(text);
            let problem = problem("GATEWAY_CONFIG", file.path().to_str().expect("a path"));
            assert!(
                problem.starts_with("GATEWAY_CONFIG=") && problem.contains(expected),
                "{problem}"
            );
        }
    }
}
