//! [`Catalog`]: the models that the gateway offers, with their providers, prices and limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;

use super::price::PriceRow;
use super::provider::{CatalogProvider, ProviderFormat};
use super::roles::RoleTable;

/// How the provider of a model counts its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelTokenizer {
    /// As the vendor of the format does: OpenAI or Anthropic.
    Vendor,
    /// With a tokenizer and a template that are unknown.
    Unknown,
}

/// A model with its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogModel {
    /// The name that callers use and answers have.
    pub name: String,
    /// The name of a provider of the catalog.
    pub provider: String,
    /// The protocol of the provider.
    pub format: ProviderFormat,
    /// The name that the provider has for the model.
    pub provider_model: String,
    pub price: PriceRow,
    /// The largest input, in tokens.
    pub max_input_tokens: u64,
    /// The longest answer, in tokens.
    pub max_output_tokens: u32,
    /// Tokens of an image, at most.
    pub image_tokens: u64,
    pub tokenizer: ModelTokenizer,
    /// The names of models that may answer instead, for `auto`.
    pub equivalents: Vec<String>,
}

/// A name is neither that of a model nor an alias. It has no default price, so that it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the model is unknown")]
pub struct UnknownModel;

/// Everything that the configuration says about providers, models and roles.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(super) providers: BTreeMap<String, CatalogProvider>,
    pub(super) models: BTreeMap<String, Arc<CatalogModel>>,
    pub(super) aliases: BTreeMap<String, String>,
    pub(super) roles: RoleTable,
    /// The date of the prices that ship with the server.
    pub(super) prices_as_of: String,
}

impl Catalog {
    /// The model with this name or alias.
    ///
    /// # Errors
    /// Returns [`UnknownModel`] for any other name.
    pub fn model(&self, name: &str) -> Result<&Arc<CatalogModel>, UnknownModel> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.models.get(name).ok_or(UnknownModel)
    }

    /// All models, in the order of their names.
    pub fn models(&self) -> impl Iterator<Item = &Arc<CatalogModel>> {
        self.models.values()
    }

    /// The models whose provider has a key, in the order of their names.
    pub fn offered(&self) -> impl Iterator<Item = &Arc<CatalogModel>> {
        self.models().filter(|model| self.has_key(model))
    }

    /// The aliases, each with the name of its model.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.aliases.iter().map(|(alias, model)| (alias.as_str(), model.as_str()))
    }

    /// The provider with this name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&CatalogProvider> {
        self.providers.get(name)
    }

    /// All providers, in the order of their names.
    pub fn providers(&self) -> impl Iterator<Item = &CatalogProvider> {
        self.providers.values()
    }

    #[must_use]
    pub const fn roles(&self) -> &RoleTable {
        &self.roles
    }

    /// The date of the prices that ship with the server, such as `2026-11-28`.
    #[must_use]
    pub fn prices_as_of(&self) -> &str {
        &self.prices_as_of
    }

    /// Whether the model's provider has a key.
    #[must_use]
    pub fn has_key(&self, model: &CatalogModel) -> bool {
        self.provider(&model.provider).is_some_and(|provider| !provider.keys.is_empty())
    }

    /// The model, then its equivalents, without those whose provider has no key.
    pub fn candidates<'a>(
        &'a self,
        model: &'a Arc<CatalogModel>,
    ) -> impl Iterator<Item = &'a Arc<CatalogModel>> {
        let equivalents = model.equivalents.iter().filter_map(|name| self.models.get(name));
        std::iter::once(model).chain(equivalents).filter(|model| self.has_key(model))
    }

    /// The price of an answer of `asked`, whose provider says that `answered` has answered.
    #[must_use]
    pub fn price_of_answer<'a>(&'a self, asked: &'a CatalogModel, answered: &str) -> &'a PriceRow {
        &self.model_of_answer(asked, answered).price
    }

    /// The model that gave an answer of `asked`, whose provider says that `answered` has answered: that model if the
    /// catalog has it, without the date that a provider may append, and else `asked`.
    #[must_use]
    pub fn model_of_answer<'a>(
        &'a self,
        asked: &'a CatalogModel,
        answered: &str,
    ) -> &'a CatalogModel {
        let of_name = |name: &str| {
            let is_it = |model: &&Arc<CatalogModel>| {
                model.provider == asked.provider && model.provider_model == name
            };
            self.models.values().find(is_it)
        };
        let is_asked = answered == asked.provider_model;
        let found = (!is_asked).then(|| of_name(answered).or_else(|| of_name(undated(answered))));
        found.flatten().map_or(asked, Arc::as_ref)
    }
}

/// The name of a model without a date at its end, such as `-2026-11-28` or `-20261128`.
fn undated(name: &str) -> &str {
    let digits =
        |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    let Some((rest, last)) = name.rsplit_once('-') else { return name };
    if digits(last, 8) {
        return rest;
    }
    let dated = rest.rsplit_once('-').and_then(|(rest, month)| {
        let (rest, year) = rest.rsplit_once('-')?;
        (digits(year, 4) && digits(month, 2) && digits(last, 2)).then_some(rest)
    });
    dated.unwrap_or(name)
}
