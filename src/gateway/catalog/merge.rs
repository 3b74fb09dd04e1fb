//! [`Catalog::load`]: the table that ships with the server, changed by `gateway.toml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;

use super::address::ServiceUrl;
use super::file::{
    CatalogFile, CatalogFileError, ModelEntry, PriceEntry, ProviderEntry, RoleEntry, TierEntry,
    find_line,
};
use super::model::{Catalog, CatalogModel, ModelTokenizer};
use super::price::{PriceRow, PriceTier, TokenPrice, TokenPrices};
use super::provider::{AbandonPolicy, CatalogProvider, ProviderFormat, ProviderKey};
use super::roles::{AllowedModels, ROLES, RoleLimits, RoleTable};

/// The table that ships with the server.
const SHIPPED: &str = include_str!("prices.toml");

/// Tokens of an image, at most. OpenAI's guide to images has 10,000 patches and a factor of 1.2 for its current
/// models; Anthropic's page on vision has 4,784 tokens at its high resolution.
const fn image_tokens(format: ProviderFormat) -> u64 {
    match format {
        ProviderFormat::Chat => 12_000,
        ProviderFormat::Messages => 4_784,
    }
}

/// An entry that is not complete or not valid together with others.
struct EntryError {
    key: Vec<String>,
    expected: String,
}

impl EntryError {
    fn new(key: &[&str], expected: impl Into<String>) -> Self {
        Self { key: key.iter().map(|&name| name.to_owned()).collect(), expected: expected.into() }
    }
}

impl Catalog {
    /// The catalog that ships with the server, changed by the text of a `gateway.toml`. No provider has a key yet.
    ///
    /// # Errors
    /// Returns the first place of the text that can't be used. Names that it mentions but does not define are no
    /// error here, see [`validate`](super::validate::validate).
    pub fn load(text: Option<&str>) -> Result<Self, CatalogFileError> {
        let mut file = CatalogFile::parse(SHIPPED)?;
        let text = text.unwrap_or_default();
        let own = CatalogFile::parse(text)?;
        for model in file.models.values_mut() {
            model.tokenizer = Some(ModelTokenizer::Vendor);
        }
        overlay(&mut file, own);
        build(file).map_err(|EntryError { key, expected }| {
            let line = find_line(text, &key);
            CatalogFileError { line, key, expected: format!("expected {expected}") }
        })
    }

    /// Replaces the address of a provider, if the catalog has the provider.
    pub fn set_base_url(&mut self, provider: &str, base_url: ServiceUrl) {
        if let Some(provider) = self.providers.get_mut(provider) {
            provider.base_url = base_url;
        }
    }

    /// Sets the keys of all providers to those of their variables that are set.
    pub fn set_keys(&mut self, mut read: impl FnMut(&str) -> Option<SecretString>) {
        for provider in self.providers.values_mut() {
            let key = |variable: &String| {
                Some(ProviderKey { variable: variable.clone(), secret: read(variable)? })
            };
            provider.keys = provider.variables.iter().filter_map(key).collect();
        }
    }
}

/// Changes `file` by the entries of `own`.
fn overlay(file: &mut CatalogFile, own: CatalogFile) {
    for (name, entry) in own.providers {
        let ProviderEntry { format, base_url, credentials, abandoned, time_limits } = entry;
        let merged = file.providers.entry(name).or_default();
        replace(&mut merged.format, format);
        replace(&mut merged.base_url, base_url);
        replace(&mut merged.credentials, credentials);
        replace(&mut merged.abandoned, abandoned);
        replace(&mut merged.time_limits, time_limits);
    }
    for (name, entry) in own.models {
        let merged = file.models.entry(name).or_default();
        if entry.provider.is_some() || entry.name.is_some() {
            merged.tokenizer = None;
        }
        replace(&mut merged.tokenizer, entry.tokenizer);
        replace(&mut merged.provider, entry.provider);
        replace(&mut merged.name, entry.name);
        replace(&mut merged.max_input_tokens, entry.max_input_tokens);
        replace(&mut merged.max_output_tokens, entry.max_output_tokens);
        replace(&mut merged.image_tokens, entry.image_tokens);
        replace(&mut merged.equivalents, entry.equivalents);
        replace(&mut merged.price, entry.price);
    }
    file.aliases.extend(own.aliases);
    file.roles.extend(own.roles);
}

fn replace<T>(value: &mut Option<T>, by: Option<T>) {
    if by.is_some() {
        *value = by;
    }
}

fn build(file: CatalogFile) -> Result<Catalog, EntryError> {
    let mut providers = BTreeMap::new();
    for (name, entry) in file.providers {
        let provider = provider(&name.0, entry)?;
        providers.insert(name.0, provider);
    }
    let mut models = BTreeMap::new();
    for (name, entry) in file.models {
        let model = model(&name.0, entry, &providers)?;
        models.insert(name.0, Arc::new(model));
    }
    let mut roles = RoleTable::default();
    for (name, entry) in file.roles {
        if let Some((role, _)) = ROLES.iter().find(|(_, role)| *role == name.0) {
            change_role(roles.limits_mut(*role), entry);
        }
    }
    let aliases = file.aliases.into_iter().map(|(alias, model)| (alias.0, model.0)).collect();
    let prices_as_of = file.as_of.unwrap_or_default();
    Ok(Catalog { providers, models, aliases, roles, prices_as_of })
}

fn provider(name: &str, entry: ProviderEntry) -> Result<CatalogProvider, EntryError> {
    let missing = |field: &str| {
        let expected =
            format!("a value for {field}, because this provider is not in the shipped table");
        EntryError::new(&["providers", name], expected)
    };
    Ok(CatalogProvider {
        name: name.to_owned(),
        format: entry.format.ok_or_else(|| missing("format"))?,
        base_url: entry.base_url.ok_or_else(|| missing("base_url"))?,
        abandoned: entry.abandoned.unwrap_or(AbandonPolicy::Drain),
        time_limits: entry.time_limits.unwrap_or_default(),
        variables: entry.credentials.ok_or_else(|| missing("credentials"))?,
        keys: Vec::new(),
    })
}

fn model(
    name: &str,
    entry: ModelEntry,
    providers: &BTreeMap<String, CatalogProvider>,
) -> Result<CatalogModel, EntryError> {
    let missing = |field: &str| {
        let expected =
            format!("a value for {field}, because this model is not in the shipped table");
        EntryError::new(&["models", name], expected)
    };
    let provider = entry.provider.ok_or_else(|| missing("provider"))?;
    let Some(CatalogProvider { format, .. }) = providers.get(&provider) else {
        let names: Vec<_> = providers.keys().map(String::as_str).collect();
        let expected = format!("a provider of the table: {}", names.join(", "));
        return Err(EntryError::new(&["models", name, "provider"], expected));
    };
    let price = price_row(entry.price.ok_or_else(|| missing("price"))?);
    Ok(CatalogModel {
        name: name.to_owned(),
        provider,
        format: *format,
        provider_model: entry.name.map_or_else(|| name.to_owned(), |name| name.0),
        price: price
            .map_err(|expected| EntryError::new(&["models", name, "price", "tiers"], expected))?,
        max_input_tokens: entry
            .max_input_tokens
            .ok_or_else(|| missing("max_input_tokens"))?
            .get()
            .into(),
        max_output_tokens: entry
            .max_output_tokens
            .ok_or_else(|| missing("max_output_tokens"))?
            .get(),
        image_tokens: entry.image_tokens.map_or_else(|| image_tokens(*format), u64::from),
        tokenizer: entry.tokenizer.unwrap_or(ModelTokenizer::Unknown),
        equivalents: entry.equivalents.unwrap_or_default().into_iter().map(|name| name.0).collect(),
    })
}

fn price_row(entry: PriceEntry) -> Result<PriceRow, String> {
    let PriceEntry { input, cached, cache_write, long_cache_write, output, tiers } = entry;
    let tier = |entry: TierEntry| {
        let TierEntry { above, input, cached, cache_write, long_cache_write, output } = entry;
        PriceTier { above, prices: prices(input, [cached, cache_write, long_cache_write], output) }
    };
    let base = prices(input, [cached, cache_write, long_cache_write], output);
    PriceRow::new(base, tiers.into_iter().map(tier).collect()).map_err(|error| error.to_string())
}

/// A provider that names no price for the cache has none: its input costs the same, cached or not.
fn prices(
    input: TokenPrice,
    [cache_read, cache_write, long_cache_write]: [Option<TokenPrice>; 3],
    output: TokenPrice,
) -> TokenPrices {
    let cache_write = cache_write.unwrap_or(input);
    TokenPrices {
        input,
        cache_read: cache_read.unwrap_or(input),
        cache_write,
        long_cache_write: long_cache_write.unwrap_or(cache_write),
        output,
    }
}

fn change_role(limits: &mut RoleLimits, entry: RoleEntry) {
    let change = |limit: &mut u32, by: Option<std::num::NonZeroU32>| {
        *limit = by.map_or(*limit, std::num::NonZeroU32::get);
    };
    change(&mut limits.requests_per_minute, entry.requests_per_minute);
    change(&mut limits.max_output_tokens, entry.max_output_tokens);
    change(&mut limits.concurrent_requests, entry.concurrent_requests);
    change(&mut limits.sockets, entry.sockets);
    match (entry.tokens_per_minute, entry.requests_per_minute) {
        (Some(tokens), _) => limits.tokens_per_minute = tokens.get().into(),
        (None, Some(_)) => {
            limits.tokens_per_minute = RoleLimits::tokens_for(limits.requests_per_minute);
        }
        (None, None) => {}
    }
    if let Some(models) = entry.models {
        limits.models = AllowedModels::Only(models.into_iter().map(|model| model.0).collect());
    }
}
