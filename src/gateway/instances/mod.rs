//! The state that instances share besides the accounts: the open sockets of each user, and the changes of circuit
//! breakers. [`store`] has the trait, and `store_postgres.rs` the only backend: on SQLite there is one instance.

pub mod store;
pub mod store_postgres;
