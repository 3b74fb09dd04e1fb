//! Random Connect: strangers chat anonymously over WhatsApp through Puch AI, as an MCP server.

pub mod kernel;
pub mod mask;
