//! [`GatewayRouter`]: starts requests.

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;

use super::answer::RoutedAnswer;
use super::breakers::BreakerTable;
use super::parts::RouterParts;
use super::plan::RoutePlan;
use super::request::RouteRequest;
use super::source::AnswerSource;
use crate::gateway::catalog::model::Catalog;

/// Starts requests. Cheap to clone.
#[derive(Clone)]
pub struct GatewayRouter(Arc<RouterParts>);

impl GatewayRouter {
    #[must_use]
    pub fn new(
        catalog: Arc<Catalog>,
        source: Arc<dyn AnswerSource>,
        breakers: Arc<BreakerTable>,
        rng: StdRng,
    ) -> Self {
        Self(Arc::new(RouterParts { catalog, source, breakers, rng: Mutex::new(rng) }))
    }

    /// Starts a request. Nothing is sent before [`RoutedAnswer::next`] is called. Call it inside a tokio runtime.
    #[must_use]
    pub fn start(&self, request: RouteRequest) -> RoutedAnswer {
        let targets = request.models.iter().flat_map(|model| self.0.targets(model)).collect();
        RoutedAnswer::new(Arc::clone(&self.0), request, RoutePlan::new(targets))
    }

    /// The breakers, for the health of the providers.
    #[must_use]
    pub fn breakers(&self) -> &Arc<BreakerTable> {
        &self.0.breakers
    }
}
