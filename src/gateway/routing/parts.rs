//! [`RouterParts`]: the parts that all requests share.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::RngExt;
use rand::rngs::StdRng;

use super::breakers::BreakerTable;
use super::request::RouteRequest;
use super::source::AnswerSource;
use super::target::RouteTarget;
use crate::gateway::catalog::model::{Catalog, CatalogModel};
use crate::gateway::catalog::provider::{ProviderFormat, ProviderKey};
use crate::gateway::provider::request::{ProviderRequest, ProviderTarget, WireFormat};
use crate::gateway::provider::upstream::is_convertible;

/// The parts that all requests share.
pub(super) struct RouterParts {
    pub catalog: Arc<Catalog>,
    pub source: Arc<dyn AnswerSource>,
    pub breakers: Arc<BreakerTable>,
    pub rng: Mutex<StdRng>,
}

impl RouterParts {
    /// The targets of a model, one per key, from a random one on, so that the keys share the requests.
    pub fn targets(&self, model: &CatalogModel) -> Vec<RouteTarget> {
        let keys =
            self.catalog.provider(&model.provider).map_or(&[][..], |provider| &provider.keys);
        let target = |key: &ProviderKey| RouteTarget {
            provider: model.provider.clone(),
            variable: key.variable.clone(),
            model: model.name.clone(),
        };
        let mut targets: Vec<_> = keys.iter().map(target).collect();
        if targets.len() > 1 {
            let first = self.rng.lock().random_range(0..targets.len());
            targets.rotate_left(first);
        }
        targets
    }

    /// A factor for a pause, so that requests that failed together do not come back together.
    pub fn jitter(&self) -> f64 {
        self.rng.lock().random_range(0.5..1.5)
    }

    /// Whether a target can get the request in its format.
    pub fn can_take(&self, request: &RouteRequest, target: &RouteTarget) -> bool {
        let provider = self.catalog.provider(&target.provider);
        provider.is_none_or(|provider| is_convertible(&request.body, wire_format(provider.format)))
    }

    /// The request to a target. `None` if its provider does not have the key.
    pub fn provider_request(
        &self,
        request: &RouteRequest,
        model: &CatalogModel,
        target: &RouteTarget,
    ) -> Option<ProviderRequest> {
        let provider = self.catalog.provider(&target.provider)?;
        let key = provider.keys.iter().find(|key| key.variable == target.variable)?;
        let format = wire_format(provider.format);
        Some(ProviderRequest {
            target: ProviderTarget {
                base_url: provider.base_url.as_str().to_owned(),
                format,
                credential: Some(key.secret.clone()),
                model: model.provider_model.clone(),
            },
            body: request.body.clone(),
            headers: request.headers.clone(),
            max_output_tokens: request.max_output_tokens.min(model.max_output_tokens),
            stream: request.stream,
            time_limits: provider.time_limits,
        })
    }
}

const fn wire_format(format: ProviderFormat) -> WireFormat {
    match format {
        ProviderFormat::Chat => WireFormat::Chat,
        ProviderFormat::Messages => WireFormat::Messages,
    }
}
