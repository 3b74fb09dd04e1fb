# What a developer types. `make test` is what CI runs.

.DEFAULT_GOAL := help
.PHONY: help run quick test interop tools fmt lint bench audit

help: ## show these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: ## start the server
	cargo run --release

quick: ## check format and lints, run unit tests and the store suites in memory (about a minute, warm)
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	@TEST_BACKENDS=memory sh scripts/run-tests.sh quick

test: tools ## install what the tests need, check format and lints, run every test: what CI runs
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet
	@sh scripts/run-tests.sh

interop: ## run the official conformance runner and foreign clients against this server
	@sh scripts/install-test-tools.sh interop
	cargo build --locked --bin random-connect --example interop_server
	@target/node/bin/node --preserve-symlinks --preserve-symlinks-main target/interop/src/run.mjs
	TORTURE_REQUESTS=1000 cargo test --locked --test it -- gateway_money --nocapture --test-threads 1

tools: ## install what the tests need
	@sh scripts/install-test-tools.sh

fmt: ## format the code
	cargo fmt

lint: ## run clippy
	cargo clippy --all-targets -- -D warnings

bench: ## measure: prints the tables of docs/performance.md, and fails when instructions exceed their limits
	@sh scripts/install-test-tools.sh bench
	cargo bench --locked --bench instructions --bench credentials --bench principals --bench http_calls --bench gateway --bench lobby_memory --bench mask --bench push --bench redis --bench lobby_scale --bench sql_writes --bench sessions

audit: ## check licenses, bans, sources and (where the network allows) advisories
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check licenses bans sources
	cargo deny check advisories || echo 'audit: advisories were not checked or not clean, see above'
