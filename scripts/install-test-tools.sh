#!/bin/sh
# Installs what `make test` needs beside Rust and make, where it is missing: rustfmt, clippy, and a
# linker, which compiling needs as well.
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

command -v cc >/dev/null && exit 0
root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "a C compiler (cc) is missing: install it, or run this as root"
    root=sudo
fi
if command -v apt-get >/dev/null; then
    $root apt-get update -qq && $root apt-get install -y -qq build-essential
elif command -v dnf >/dev/null; then
    $root dnf install -y gcc
elif command -v apk >/dev/null; then
    $root apk add build-base
else
    fail "a C compiler (cc) is missing, and no package manager known to this script is there to install it"
fi
