//! The commands of `gateway`: [`report`] is the text of `gateway check`, [`credited`] that of `gateway credit`.
//!
//! **Invariant:** the report contains no secret, so that an operator can paste it into an issue.

use std::fmt::Write;

use clap::Subcommand;

use super::key::KeyOutput;
use crate::config::section::LoadedSection;
use crate::gateway::catalog::model::{Catalog, CatalogModel};
use crate::gateway::catalog::price::{TokenPrice, TokenPrices};
use crate::gateway::catalog::provider::ProviderFormat;
use crate::gateway::catalog::roles::{AllowedModels, ROLES};
use crate::gateway::config::GatewayConfig;
use crate::gateway::ledger::entry::LedgerBalance;
use crate::gateway::money::MicroCredits;
use crate::gateway::remote::client::RemoteAddress;
use crate::kernel::id::UserId;

#[derive(Subcommand)]
pub enum GatewayCommand {
    /// Check the settings of the gateway and gateway.toml, and print the providers, models, prices and roles
    ///
    /// Works whether or not TOOLSETS has gateway, and asks no provider. Keys are shown as "set" or "not set". The exit
    /// status is 0 if a server can start with them, and 2 if a setting or the file is invalid.
    Check,
    /// Add credit to the account of a user, or take it away, beside a running server
    ///
    /// Prints the new balance. Accounts are in the database of DATABASE_URL, and a running server on the same database
    /// sees the change at once. The change is in the audit log, without the name of the user.
    Credit {
        /// The user: OWNER, the sub of a JWT, the owner of an API key, oidc:ISSUER|SUB or firebase:PROJECT|UID; - reads
        /// it from standard input, which has one line and is in no list of processes
        user: String,
        /// Credits to add, with up to six decimal places; a negative number takes credit away
        #[arg(allow_negative_numbers = true)]
        amount: MicroCredits,
        /// Why, for the entry of the account: up to 300 characters
        #[arg(long)]
        reason: Option<String>,
        /// An idempotency key: repeating the command with it changes nothing more
        #[arg(long)]
        key: Option<String>,
    },
}

/// Returns the text of `gateway check`.
#[must_use]
pub fn report(loaded: &LoadedSection<GatewayConfig>) -> String {
    let LoadedSection { section: config, warnings } = loaded;
    let mut text = String::new();
    // Writing to a string never fails.
    let _ = write_catalog(&mut text, &config.catalog);
    let _ = match &config.credit_service {
        Some(service) => {
            write_service(&mut text, "Balances are at", service, "CREDIT_SERVICE_TOKEN")
        }
        None => writeln!(text, "\nNew accounts start with {} credits.", config.start_credits),
    };
    if let Some(service) = &config.auth_service {
        let _ = write_service(&mut text, "Tokens are confirmed by", service, "AUTH_SERVICE_TOKEN");
    }
    text.push_str("\nWarnings\n");
    for warning in warnings {
        let _ = writeln!(text, "  {warning}");
    }
    if warnings.is_empty() {
        text.push_str("  none\n");
    }
    text
}

fn write_service(
    text: &mut String,
    meaning: &str,
    service: &RemoteAddress,
    variable: &str,
) -> std::fmt::Result {
    let is_set = if service.token.is_some() { "set" } else { "not set" };
    writeln!(text, "\n{meaning} {}  {variable}: {is_set}", service.url.as_str())
}

fn write_catalog(text: &mut String, catalog: &Catalog) -> std::fmt::Result {
    text.push_str("Providers\n");
    for provider in catalog.providers() {
        let format = match provider.format {
            ProviderFormat::Chat => "chat",
            ProviderFormat::Messages => "messages",
        };
        write!(text, "  {:<12} {format:<8} {}", provider.name, provider.base_url.as_str())?;
        for variable in &provider.variables {
            let is_set = provider.keys.iter().any(|key| key.variable == *variable);
            write!(text, "  {variable}: {}", if is_set { "set" } else { "not set" })?;
        }
        text.push('\n');
    }
    writeln!(
        text,
        "\nModels, with credits per million tokens (shipped prices are of {})\n  {:<24} {:<12} {:>9} {:>9} {:>9} {:>9} {:>9}",
        catalog.prices_as_of(),
        "",
        "provider",
        "input",
        "cached",
        "write",
        "1h write",
        "output",
    )?;
    for model in catalog.models() {
        write_model(text, model, catalog.has_key(model))?;
    }
    text.push_str("\nAliases\n");
    for (alias, model) in catalog.aliases() {
        writeln!(text, "  {alias:<24} {model}")?;
    }
    writeln!(
        text,
        "\nRoles\n  {:<12} {:>12} {:>12} {:>12} {:>11} {:>8}  models",
        "", "requests/min", "tokens/min", "answer", "concurrent", "sockets",
    )?;
    for (role, name) in ROLES {
        let limits = catalog.roles().limits(role);
        let models = match &limits.models {
            AllowedModels::All => "all".to_owned(),
            AllowedModels::Only(names) => {
                names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
            }
        };
        writeln!(
            text,
            "  {name:<12} {:>12} {:>12} {:>12} {:>11} {:>8}  {models}",
            limits.requests_per_minute,
            limits.tokens_per_minute,
            limits.max_output_tokens,
            limits.concurrent_requests,
            limits.sockets,
        )?;
    }
    Ok(())
}

fn write_model(text: &mut String, model: &CatalogModel, has_key: bool) -> std::fmt::Result {
    write!(text, "  {:<24} {:<12} ", model.name, model.provider)?;
    write_prices(text, model.price.base())?;
    text.push_str(if has_key { "\n" } else { "  not offered: no key\n" });
    for tier in model.price.tiers() {
        write!(text, "  {:<37} ", format!("  above {} input tokens", tier.above))?;
        write_prices(text, &tier.prices)?;
        text.push('\n');
    }
    Ok(())
}

fn write_prices(text: &mut String, prices: &TokenPrices) -> std::fmt::Result {
    let TokenPrices { input, cache_read, cache_write, long_cache_write, output } = *prices;
    // Pico-credits per token are micro-credits per million tokens.
    let shown = |price: TokenPrice| MicroCredits::from_micros(price.as_picos()).to_string();
    let prices = [input, cache_read, cache_write, long_cache_write, output].map(shown);
    write!(text, "{}", prices.map(|price| format!("{price:>9}")).join(" "))
}

/// The output of `gateway credit`: the balance, for scripts, and a sentence for people.
#[must_use]
pub fn credited(account: UserId, amounts: LedgerBalance) -> KeyOutput {
    let LedgerBalance { balance, held } = amounts;
    KeyOutput {
        text: format!("{balance}\n"),
        note: format!("account {account} has {balance} credits, of which requests hold {held}\n"),
    }
}
