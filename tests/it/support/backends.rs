//! Which backends a store's suite runs on.

/// Returns `true` with `TEST_BACKENDS=memory`, which `make quick` sets: suites then run on the backends in
/// memory only. `make test` runs every backend.
pub fn memory_only() -> bool {
    std::env::var_os("TEST_BACKENDS").is_some_and(|backends| backends == "memory")
}
