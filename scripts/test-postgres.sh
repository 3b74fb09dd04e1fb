#!/bin/sh
# Starts PostgreSQL for tests: on a free port of loopback, with a temporary data folder and without a password. Prints
# a URL and the path of the certificate of the server, and stops it when standard input ends. For the line "restart" it
# kills the server, starts it again, and prints "started". With the argument "durable", commits are written to the disk.
set -eu

fail() {
    echo "test-postgres: $1" >&2
    exit 1
}

bin=$(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | tail -n 1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb || fail "PostgreSQL is missing: run make tools")")

folder=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill -INT "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

# PostgreSQL refuses to run as root.
as_postgres=
if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || fail "there is no user postgres"
    chown postgres "$folder"
    as_postgres="setpriv --reuid=postgres --regid=postgres --init-groups"
fi
chmod 755 "$folder"

cd "$folder"
$as_postgres openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout server.key -out server.crt \
    -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE 2>/dev/null
$as_postgres "$bin/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null

sync=off
[ "${1-}" != durable ] || sync=on

# Returns 1 if the server ends before it answers.
start() {
    # Without a write to the disk, commits survive a crash of the server, but not one of the machine.
    $as_postgres "$bin/postgres" -D data -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$folder" \
        -c fsync=$sync -c full_page_writes=$sync -c max_connections=300 -c shared_buffers=32MB \
        -c ssl=on -c ssl_cert_file="$folder/server.crt" -c ssl_key_file="$folder/server.key" \
        -c log_min_messages=fatal </dev/null >/dev/null 2>&1 &
    server=$!
    while kill -0 "$server" 2>/dev/null; do
        if "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; then
            return 0
        fi
        sleep 0.05
    done
    return 1
}

for attempt in 1 2 3; do
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    if start; then
        echo "postgres://postgres@127.0.0.1:$port $folder/server.crt"
        while read -r line; do
            [ "$line" = restart ] || fail "unknown: $line"
            # Without a checkpoint, as in a crash.
            kill -QUIT "$server"
            wait "$server" || true
            start || fail "the server does not start again"
            echo started
        done
        exit 0
    fi
done
fail "the server does not start"
