//! [`RouteModels`]: the models that may answer a request, and what they can cost.

use std::sync::Arc;

use crate::gateway::catalog::hold::{BoundCandidate, HoldBound};
use crate::gateway::catalog::model::{Catalog, CatalogModel};
use crate::gateway::catalog::prompt::PromptSize;
use crate::gateway::catalog::roles::AllowedModels;
use crate::gateway::money::MicroCredits;

/// The models that may answer a request, best first.
#[derive(Clone, Debug)]
pub struct RouteModels {
    models: Vec<Arc<CatalogModel>>,
    prompt: PromptSize,
}

impl RouteModels {
    /// The model that a request names, if its provider has a key. With `equivalents`, for the provider `auto`, also
    /// the configured equivalents that the role may use and that accept the prompt.
    #[must_use]
    pub fn new(
        catalog: &Catalog,
        model: &Arc<CatalogModel>,
        allowed: &AllowedModels,
        prompt: PromptSize,
        equivalents: bool,
    ) -> Self {
        let may_answer = |other: &&Arc<CatalogModel>| {
            other.name == model.name
                || (equivalents && allowed.allows(&other.name) && prompt.fits(other))
        };
        let models = catalog.candidates(model).filter(may_answer).cloned().collect();
        Self { models, prompt }
    }

    /// Best first. Empty if no provider has a key.
    #[must_use]
    pub fn models(&self) -> &[Arc<CatalogModel>] {
        &self.models
    }

    #[must_use]
    pub const fn prompt(&self) -> &PromptSize {
        &self.prompt
    }

    /// The longest answer that all models can give.
    #[must_use]
    pub fn max_output_tokens(&self) -> u32 {
        self.models.iter().map(|model| model.max_output_tokens).min().unwrap_or(0)
    }

    /// The bound of the cost over all models. `None` if there are none.
    #[must_use]
    pub fn bound(&self) -> Option<HoldBound> {
        self.bound_of(&self.models)
    }

    /// Removes the equivalents whose cost may exceed `amount`. The first model stays.
    pub fn limit_to(&mut self, amount: MicroCredits, max_output: u32) {
        let is_covered = |model: &Arc<CatalogModel>| {
            let bound = self.bound_of(std::slice::from_ref(model));
            bound.is_some_and(|bound| bound.hold(max_output) <= amount)
        };
        let mut first = true;
        let covered =
            self.models.iter().filter(|model| std::mem::take(&mut first) || is_covered(model));
        self.models = covered.cloned().collect();
    }

    fn bound_of(&self, models: &[Arc<CatalogModel>]) -> Option<HoldBound> {
        let candidates = models.iter().map(|model| BoundCandidate {
            price: &model.price,
            input_tokens: self.prompt.input_tokens(model),
        });
        HoldBound::of(candidates, self.prompt.answers(), self.prompt.long_cache_writes())
    }
}
