#!/bin/sh
# Runs all tests, or with `quick` those that need neither a server nor a browser.
#
# cargo-nextest runs each test in its own process and ends a test that hangs; without it, `cargo test`
# runs the same tests. Runs at the top of the repository.
set -eu

PATH="$PWD/target/python/bin:$PATH"

if cargo nextest --version >/dev/null 2>&1; then
    if [ "${1-}" = quick ]; then
        exec cargo nextest run --locked --profile quick
    fi
    cargo nextest run --locked
    # nextest does not run the examples of the documentation.
    exec cargo test --locked --doc
fi
if [ "${1-}" = quick ]; then
    exec cargo test --locked --lib
fi
exec cargo test --locked --no-fail-fast
