//! [`GatewayGate`]: the users of the gateway, from the credentials of requests.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::gateway::error::{GatewayError, GatewayErrorCode};
use crate::gateway::service::request::GatewayCaller;
use crate::kernel::access::{AccessPolicy, AccessTarget};
use crate::kernel::id::IdHasher;
use crate::kernel::permissions::AccessClass;
use crate::kernel::principal::Principal;
use crate::transport::http::auth::Gate;

/// The tool whose permission also opens the other edges of the gateway.
const COMPLETE_TOOL: &str = "complete";

/// Admits users to the gateway.
#[derive(Clone)]
pub struct GatewayGate {
    pub gate: Arc<Gate>,
    pub policy: AccessPolicy,
    pub ids: IdHasher,
}

/// A user of the gateway, with the principal that names it.
pub type GatewayUser = (Arc<Principal>, GatewayCaller);

/// Why a request is not admitted.
pub enum NotAdmitted {
    /// The answer of the gate: no valid credential, or a host that is not allowed.
    Gate(Response),
    /// The credential is valid, and gives no access to the gateway.
    Gateway(GatewayError),
}

impl GatewayGate {
    /// The user of a request with `token`.
    ///
    /// # Errors
    /// Returns [`NotAdmitted`] if the token is not valid or gives no access to the gateway.
    pub async fn admit(
        &self,
        token: &[u8],
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<GatewayUser, NotAdmitted> {
        let admitted = self.gate.admit_token(token, headers, uri).await;
        let principal = admitted.map_err(NotAdmitted::Gate)?;
        let (principal, caller) = self.user(principal).map_err(NotAdmitted::Gateway)?;
        let confirmed = caller.confirm().await;
        confirmed.map_err(|rejected| NotAdmitted::Gate(self.gate.rejection(rejected)))?;
        Ok((principal, caller))
    }

    /// The user of a token that replaces another one.
    ///
    /// # Errors
    /// Returns the error to answer with if the token is not valid or gives no access to the gateway.
    pub async fn identify(&self, token: &[u8]) -> Result<GatewayUser, GatewayError> {
        let (principal, caller) = self.user(self.gate.identify(token).await?)?;
        caller.confirm().await?;
        Ok((principal, caller))
    }

    fn user(&self, principal: Arc<Principal>) -> Result<GatewayUser, GatewayError> {
        let refused = |message| Err(GatewayError::new(GatewayErrorCode::Unauthorized, message));
        let target = AccessTarget {
            toolset: "gateway",
            names_users: false,
            class: AccessClass::Spend,
            name: Some(COMPLETE_TOOL),
            alias: None,
        };
        match GatewayCaller::of(&principal, &self.ids) {
            None => refused(
                "This token belongs to no user: use a JWT, an API key, or the token of the owner",
            ),
            Some(_) if !self.policy.allows(&principal, &target) => refused(
                "This token does not permit requests to language models: it needs the scope gateway:use",
            ),
            Some(caller) => Ok((principal, caller)),
        }
    }
}
