//! The catalog of the gateway: the shipped table, `gateway.toml`, roles and findings.

use std::fs;
use std::time::Duration;

use random_connect::gateway::catalog::file::CatalogFileError;
use random_connect::gateway::catalog::model::{Catalog, UnknownModel};
use random_connect::gateway::catalog::provider::{AbandonPolicy, ProviderFormat};
use random_connect::gateway::catalog::roles::AllowedModels;
use random_connect::gateway::catalog::validate::{FindingSeverity, validate};
use random_connect::gateway::money::MicroCredits;
use random_connect::kernel::model::ModelUsage;
use random_connect::kernel::principal::PrincipalRole;
use secrecy::{ExposeSecret, SecretString};

/// The catalog with a `gateway.toml` and the keys of all providers.
fn load(text: &str) -> Catalog {
    let mut catalog = Catalog::load(Some(text)).expect("a catalog");
    catalog.set_keys(|variable| Some(SecretString::from(format!("key of {variable}"))));
    catalog
}

fn refused(text: &str) -> CatalogFileError {
    Catalog::load(Some(text)).expect_err(text)
}

/// A model that is not in the shipped table.
const LLAMA: &str = r#"
[providers.local]
format = "chat"
base_url = "http://llama:8080/v1"
credentials = ["LOCAL_API_KEY", "LOCAL_2_API_KEY"]

[models.llama]
provider = "local"
max_input_tokens = 8000
max_output_tokens = 1000
price = { input = "0.000001", output = "0.5" }
"#;

fn credits(text: &str) -> MicroCredits {
    text.parse().expect("an amount")
}

fn usage(input: u64, output: u64) -> ModelUsage {
    let (input_tokens, output_tokens) = (Some(input), Some(output));
    ModelUsage { input_tokens, output_tokens, ..ModelUsage::default() }
}

#[test]
fn gateway_catalog_ships_current_models_without_findings() {
    let catalog = load("");
    assert_eq!(validate(&catalog, None), []);
    assert_eq!(catalog.prices_as_of().len(), "2026-11-28".len());
    assert!(catalog.models().count() >= 13);
    assert_eq!(catalog.offered().count(), catalog.models().count());
    for model in catalog.models() {
        assert_eq!(model.provider_model, model.name);
        let provider = if model.name.starts_with("gpt") { "openai" } else { "claude" };
        assert_eq!(model.provider, provider, "{}", model.name);
        assert!(!model.equivalents.is_empty(), "{} has no equivalent", model.name);
        let (price, million) = (model.price.base(), usage(1_000_000, 0));
        assert!(price.cache_read < price.input && price.input < price.output, "{}", model.name);
        assert!(model.price.cost(&million) > MicroCredits::ZERO, "{}", model.name);
    }
    let openai = catalog.provider("openai").expect("a provider");
    assert_eq!(openai.format, ProviderFormat::Chat);
    assert_eq!(openai.base_url.as_str(), "https://api.openai.com/v1");
    assert_eq!(openai.keys[0].secret.expose_secret(), "key of OPENAI_API_KEY");
    assert!(!format!("{catalog:?}").contains("key of"));
}

#[test]
fn gateway_catalog_has_the_list_prices() {
    let catalog = load("");
    let cost = |model: &str, input, output| {
        catalog.model(model).expect(model).price.cost(&usage(input, output)).to_string()
    };
    assert_eq!(cost("gpt-6.1-sol", 100_000, 100_000), "1.2");
    assert_eq!(cost("gpt-6.1-sol", 272_000, 0), "0.544");
    assert_eq!(cost("gpt-6.1-sol", 272_001, 100_000), "2.588004", "the tier has all tokens");
    assert_eq!(cost("claude-haiku-5-5", 100_001, 0), "0.050001", "rounded up");
    assert_eq!(cost("gpt-4o-mini", 1, 1), "0.000001");
    let cached = ModelUsage {
        cache_read_tokens: Some(1_000_000),
        cache_write_tokens: Some(1_000_000),
        long_cache_write_tokens: Some(1_000_000),
        ..ModelUsage::default()
    };
    let opus = catalog.model("claude-opus-5-5").expect("a model");
    assert_eq!(opus.price.cost(&cached), credits("13.2"));
}

#[test]
fn gateway_catalog_answers_original_names_with_current_models() {
    let catalog = load("");
    for (alias, provider, most) in [
        ("gpt-3.5-turbo", "openai", "2"),
        ("gpt-4", "openai", "30"),
        ("gpt-4-turbo", "openai", "10"),
        ("claude-3-haiku", "claude", "0.5"),
        ("claude-3-sonnet", "claude", "10"),
        ("claude-3-opus", "claude", "20"),
    ] {
        let model = catalog.model(alias).expect(alias);
        assert_ne!(model.name, alias);
        assert_eq!(model.provider, provider);
        assert!(model.price.cost(&usage(0, 1_000_000)) <= credits(most), "{alias}");
    }
}

#[test]
fn gateway_catalog_refuses_unknown_models() {
    let catalog = load("");
    for name in ["", "gpt-7", "GPT-4", "gpt-4 ", "gpt-6.1-sol-2026-09-01", "auto"] {
        assert_eq!(catalog.model(name), Err(UnknownModel), "{name:?}");
    }
}

#[test]
fn gateway_catalog_charges_the_model_that_answered() {
    let catalog = load("");
    let sol = catalog.model("gpt-6.1-sol").expect("a model");
    let price = |answered: &str| catalog.price_of_answer(sol, answered).clone();
    let luna = &catalog.model("gpt-6-luna").expect("a model").price;
    for name in ["gpt-6-luna", "gpt-6-luna-2026-10-01", "gpt-6-luna-20261001"] {
        assert_eq!(price(name), *luna, "{name}");
    }
    for name in ["gpt-6.1-sol", "gpt-6.1-sol-2026-10-01", "", "new", "claude-haiku-5-5", "gpt-4"] {
        assert_eq!(price(name), sol.price, "{name}");
    }
}

#[test]
fn gateway_catalog_offers_only_models_with_a_key() {
    let mut catalog = Catalog::load(None).expect("a catalog");
    assert_eq!(catalog.offered().count(), 0);
    catalog.set_keys(|variable| (variable == "CLAUDE_API_KEY").then(|| SecretString::from("key")));
    assert!(catalog.offered().all(|model| model.provider == "claude"));
    let names = |name: &str| -> Vec<String> {
        let model = catalog.model(name).expect(name);
        catalog.candidates(model).map(|model| model.name.clone()).collect()
    };
    assert_eq!(names("gpt-6-luna"), ["claude-haiku-5-5"]);
    assert_eq!(names("claude-haiku-5-5"), ["claude-haiku-5-5"]);
    let findings = validate(&catalog, None);
    assert_eq!(
        findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["providers.openai.credentials: no key: set OPENAI_API_KEY, or its models are not offered"]
    );
}

#[test]
fn gateway_toml_adds_providers_models_and_aliases() {
    let text = format!("{LLAMA}\n[aliases]\nsmall = \"llama\"\n\"gpt-4\" = \"llama\"");
    let catalog = load(&text);
    assert_eq!(validate(&catalog, Some(&text)), []);
    for name in ["llama", "small", "gpt-4"] {
        assert_eq!(catalog.model(name).expect(name).name, "llama");
    }
    let local = catalog.provider("local").expect("a provider");
    assert_eq!(local.keys.len(), 2);
    assert_eq!(local.abandoned, AbandonPolicy::Drain);
    let model = catalog.model("llama").expect("a model");
    assert_eq!(model.price.base().cache_write, model.price.base().input);
    assert_eq!((model.max_input_tokens, model.max_output_tokens), (8_000, 1_000));
    assert!(catalog.model("claude-3-opus").is_ok(), "the shipped table remains");
}

#[test]
fn gateway_toml_changes_single_fields() {
    let catalog = load(
        r#"
        [providers.openai]
        credentials = ["OPENAI_API_KEY", "OPENAI_2_API_KEY"]
        [models."gpt-6-luna"]
        max_output_tokens = 500
        price = { input = "1", output = "2" }
        [roles.user]
        requests_per_minute = 7
        models = ["gpt-6-luna"]
        [roles.trial]
        tokens_per_minute = 9
        "#,
    );
    let openai = catalog.provider("openai").expect("a provider");
    assert_eq!(openai.variables, ["OPENAI_API_KEY", "OPENAI_2_API_KEY"]);
    assert_eq!(openai.base_url.as_str(), "https://api.openai.com/v1");
    let luna = catalog.model("gpt-6-luna").expect("a model");
    assert_eq!((luna.max_output_tokens, luna.max_input_tokens), (500, 922_000));
    assert_eq!(luna.price.cost(&usage(300_000, 0)), credits("0.3"), "a price is replaced whole");
    let user = catalog.roles().limits(PrincipalRole::User);
    assert_eq!((user.requests_per_minute, user.tokens_per_minute), (7, 7_000));
    assert!(user.models.allows("gpt-6-luna") && !user.models.allows("gpt-6.1-sol"));
    let trial = catalog.roles().limits(PrincipalRole::Trial);
    assert_eq!((trial.requests_per_minute, trial.tokens_per_minute), (20, 9));
}

#[test]
fn gateway_toml_error_names_line_key_and_expectation() {
    for (text, line, key, expected) in [
        ("[models", Some(1), "", "expected TOML: "),
        ("a = 1", Some(1), "a", "unknown field `a`, expected one of"),
        ("\n[providers.openai]\nurl = 1", Some(3), "providers.openai.url", "unknown field `url`"),
        (
            "[providers.openai]\nbase_url = \"http://api.example\"",
            Some(2),
            "providers.openai.base_url",
            "expected an https:// URL",
        ),
        (
            "[providers.openai]\nbase_url = \"https://sk-secret@api.example\"",
            Some(2),
            "providers.openai.base_url",
            "expected an https:// URL",
        ),
        (
            "[providers.openai]\n\ncredentials = \"sk-secret\"",
            Some(3),
            "providers.openai.credentials",
            "expected a list of names of environment variables",
        ),
        (
            "[providers.openai]\ncredentials = [\"AUTH_TOKEN\"]",
            Some(2),
            "providers.openai.credentials",
            "expected a list of names of environment variables",
        ),
        ("[providers.openai]\nabandoned = \"pay\"", Some(2), "providers.openai.abandoned", "drain"),
        (
            "[providers.openai]\ntime_limits = { silence = 0 }",
            Some(2),
            "providers.openai.time_limits.silence",
            "seconds from 1 to 600",
        ),
        (
            "[providers.openai.time_limits]\ntotal = 601",
            Some(2),
            "providers.openai.time_limits.total",
            "seconds from 1 to 600",
        ),
        ("[providers.new]\nformat = \"chat\"", Some(1), "providers.new", "base_url"),
        ("[providers.auto]", Some(1), "providers.auto", "other than auto"),
        (
            "[models.\"gpt-5.6\".price]\ninput = 4\noutput = \"20\"",
            Some(2),
            "models.gpt-5.6.price.input",
            "a price as text",
        ),
        (
            "[models.\"gpt-5.6\".price]\ninput = \"-4\"\noutput = \"20\"",
            Some(2),
            "models.gpt-5.6.price.input",
            "a price as text",
        ),
        ("[models.a.price]\ninput = \"4\"", Some(1), "models.a.price", "missing field `output`"),
        ("\n[models.a]\nprovider = \"openai\"", Some(2), "models.a", "a value for price"),
        (
            "[models.a]\nprovider = \"none\"",
            Some(2),
            "models.a.provider",
            "a provider of the table: claude, openai",
        ),
        ("[models.a]\nmax_output_tokens = 0", Some(2), "models.a.max_output_tokens", "nonzero"),
        ("[models.\"a b\"]", Some(1), "models.a b", "without spaces"),
        ("[roles.root]", Some(1), "roles.root", "expected superadmin, admin"),
        ("[roles.user]\nsockets = 0", Some(2), "roles.user.sockets", "nonzero"),
    ] {
        let error = refused(text);
        assert_eq!((error.line, error.key.join(".").as_str()), (line, key), "{text}: {error}");
        assert!(error.expected.contains(expected), "{text}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn gateway_toml_refuses_tiers_that_no_hold_would_cover() {
    let tiers = |tiers: &str| {
        refused(&format!(
            "[models.a]\nprovider = \"openai\"\nprice = {{ input = \"2\", output = \"4\", tiers = [{tiers}] }}"
        ))
    };
    let cheaper = tiers("{ above = 10, input = \"1\", output = \"4\" }");
    assert_eq!((cheaper.line, cheaper.key.last().map(String::as_str)), (Some(3), Some("tiers")));
    assert!(cheaper.expected.contains("no price of a tier below"), "{cheaper}");
    let twice = "{ above = 10, input = \"2\", output = \"4\" }";
    assert!(tiers(&format!("{twice}, {twice}")).expected.contains("ascending"));
}

#[test]
fn gateway_check_names_the_lines_of_the_file_alone() {
    let catalog = Catalog::load(Some(LLAMA)).expect("a catalog");
    let findings = validate(&catalog, Some(LLAMA));
    let lines: Vec<_> = findings.iter().map(|found| (found.key[1].as_str(), found.line)).collect();
    assert_eq!(lines, [("claude", None), ("local", Some(5)), ("openai", None)]);
}

#[test]
fn gateway_check_finds_names_without_a_meaning() {
    let text = r#"
[aliases]
lost = "nothing"
"gpt-6-luna" = "gpt-5.6"

[models."gpt-6-luna"]
equivalents = ["gpt-6-luna", "gone", "claude-opus-5-5"]

[roles.pro]
models = ["gpt-4"]
"#;
    let findings = validate(&load(text), Some(text));
    let shown: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "line 4, aliases.gpt-6-luna: gpt-6-luna is a model too",
            "line 3, aliases.lost: nothing is no model",
            "line 7, models.gpt-6-luna.equivalents: gpt-6-luna is the model itself",
            "line 7, models.gpt-6-luna.equivalents: gone is no model",
            "line 7, models.gpt-6-luna.equivalents: claude-opus-5-5 is dearer than gpt-6-luna: holds are raised to its price",
            "line 10, roles.pro.models: gpt-4 is no model",
        ]
    );
    let errors = findings.iter().filter(|f| f.severity == FindingSeverity::Error).count();
    assert_eq!(errors, 5);
}

#[test]
fn gateway_roles_have_the_limits_of_the_original() {
    let catalog = load("");
    for (role, requests, output, concurrent) in [
        (PrincipalRole::Superadmin, 1_000, 32_768, 64),
        (PrincipalRole::Admin, 500, 16_384, 48),
        (PrincipalRole::Premium, 200, 8_192, 32),
        (PrincipalRole::Pro, 100, 4_096, 16),
        (PrincipalRole::User, 60, 2_048, 8),
        (PrincipalRole::Trial, 20, 1_024, 4),
    ] {
        let limits = catalog.roles().limits(role);
        assert_eq!(limits.requests_per_minute, requests);
        assert_eq!(limits.tokens_per_minute, u64::from(requests) * 1_000);
        assert_eq!((limits.max_output_tokens, limits.concurrent_requests), (output, concurrent));
        assert_eq!((limits.sockets, &limits.models), (8, &AllowedModels::All));
    }
}

#[test]
fn gateway_prices_file_is_in_the_format_of_gateway_toml() {
    let shipped = fs::read_to_string("src/gateway/catalog/prices.toml").expect("readable");
    assert_eq!(load(&shipped).models().count(), load("").models().count());
}

#[test]
fn gateway_toml_example_of_the_documentation_is_valid() {
    let document = fs::read_to_string("docs/gateway.md").expect("readable");
    let (_, example) = document.split_once("```toml\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let catalog = load(example);
    assert_eq!(validate(&catalog, Some(example)), []);
    let limits = catalog.provider("local").expect("a provider").time_limits;
    assert_eq!((limits.first_content, limits.silence), (Some(Duration::from_secs(300)), None));
    let llama = catalog.model("small").expect("a model");
    assert_eq!(
        (llama.provider.as_str(), llama.provider_model.as_str()),
        ("local", "llama-4-scout")
    );
}
