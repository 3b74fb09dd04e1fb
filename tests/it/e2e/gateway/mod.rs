//! Journeys of clients of the gateway's WebSocket, and its money under faults.

mod auth_service;
mod credit_service;
mod credit_service_killed;
mod faults;
mod figures;
mod lifetimes;
mod limits;
mod messages;
mod model_port;
mod requests;
mod tokens;
mod torture;
