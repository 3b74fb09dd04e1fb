"""Credit of gateways under faults: this server, LiteLLM's proxy and TensorZero, each with its own budget feature.

Each gateway gets the same load and the same provider: 1,000 concurrent streams against a cap of $5, of which each costs
about a cent. 30 % of the clients drop, 10 % of the calls answer 529, and 5 % of the streams break. The provider counts
what it charges; the gateway is asked for what it has counted.

Run it at the top of the repository, after `sh scripts/install-test-tools.sh bench` and `cargo build`:

    target/bench/gateways/bin/python benches/gateway_money.py [REQUESTS]

The cap grows with the number of requests. A gateway that does not start is left out, with the reason.
"""

import asyncio
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp import web

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
CAP = 5.0 * REQUESTS / 1000
INPUT_PRICE, OUTPUT_PRICE = 20e-6, 100e-6
PROMPT, DELTAS, DELTA, PACE = 200, 20, 3, 0.3
BIN = Path("target/bench/gateways/bin")
OWNER, ADMIN = "owner-token-0123456789abcdef0123", "admin-token-0123456789abcdef0123"


class Provider:
    """A provider with the protocol of OpenAI, and its invoice in dollars."""

    def __init__(self):
        self.random, self.invoice, self.calls = random.Random(1), 0.0, 0

    async def answer(self, request):
        body = await request.json()
        self.calls += 1
        fault = self.random.random()
        if fault < 0.10:
            return web.json_response({"error": {"message": "overloaded", "type": "overloaded_error"}}, status=529)
        deltas = DELTAS // 2 if fault < 0.15 else DELTAS
        self.invoice += PROMPT * INPUT_PRICE
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)

        async def send(choices, usage=None):
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, "usage": usage}
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

        for _ in range(deltas):
            await asyncio.sleep(PACE)
            self.invoice += DELTA * OUTPUT_PRICE
            await send([{"index": 0, "delta": {"content": "word " * DELTA}, "finish_reason": None}])
        if deltas < DELTAS:
            return response
        await send([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        if (body.get("stream_options") or {}).get("include_usage"):
            tokens = DELTAS * DELTA
            await send([], {"prompt_tokens": PROMPT, "completion_tokens": tokens, "total_tokens": PROMPT + tokens})
        await response.write(b"data: [DONE]\n\n")
        return response


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Gateway:
    """A process with its requests. `counted` returns the dollars that it has counted."""

    def __init__(self, name, url, model, token, process, counted):
        self.name, self.url, self.model, self.token = name, url, model, token
        self.process, self.counted = process, counted


PROCESSES = []


def start(command, variables, log):
    with open(log, "wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=output, stderr=subprocess.STDOUT)
    PROCESSES.append(process)
    return process


def stop_all():
    while PROCESSES:
        process = PROCESSES.pop()
        process.kill()
        process.wait()


async def ours(provider, folder, http):
    port = free_port()
    (folder / "gateway.toml").write_text(
        '[models.m]\nprovider = "openai"\nmax_input_tokens = 100000\nmax_output_tokens = 4000\n'
        'price = { input = "20", output = "100" }\n'
    )
    variables = {
        "TOOLSETS": "gateway", "OWNER": "me", "OWNER_TOKEN": OWNER, "ADMIN_TOKEN": ADMIN, "PORT": str(port),
        "HOST": "127.0.0.1", "DATABASE_URL": f"sqlite:{folder}/state.db", "ID_SALT": "a salt of some length",
        "INBOX_KEY": "ab" * 32, "OPENAI_BASE_URL": provider, "OPENAI_API_KEY": "sk-x", "RATE_LIMITS": "off",
        "GATEWAY_CONFIG": f"{folder}/gateway.toml", "GATEWAY_START_CREDITS": str(CAP), "LOG_LEVEL": "error",
    }
    process = start(["target/debug/random-connect"], variables, folder / "ours.log")

    async def counted():
        url, headers = f"http://127.0.0.1:{port}/admin/accounts/look-up", {"authorization": f"Bearer {ADMIN}"}
        async with http.post(url, json={"user": "me"}, headers=headers) as answer:
            return CAP - float((await answer.json(content_type=None))["balance"])

    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    return Gateway("ours, SQLite", url, "m", OWNER, process, counted)


async def litellm(provider, folder, http):
    port = free_port()
    prices = {"input_cost_per_token": INPUT_PRICE, "output_cost_per_token": OUTPUT_PRICE}
    parameters = {"model": "openai/m", "api_base": provider, "api_key": "sk-x", **prices}
    config = {
        "model_list": [{"model_name": "m", "litellm_params": parameters}],
        "router_settings": {
            "num_retries": 0, "disable_cooldowns": True,
            "provider_budget_config": {"openai": {"budget_limit": CAP, "time_period": "30d"}},
        },
        "general_settings": {"master_key": "sk-master"},
    }
    (folder / "litellm.yaml").write_text(json.dumps(config))
    command = [BIN / "litellm", "--config", folder / "litellm.yaml", "--port", str(port), "--num_workers", "1"]
    variables = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    process = start([*command, "--telemetry", "False"], variables, folder / "litellm.log")

    async def counted():
        url, headers = f"http://127.0.0.1:{port}/provider/budgets", {"authorization": "Bearer sk-master"}
        async with http.get(url, headers=headers) as answer:
            return float((await answer.json())["providers"]["openai"]["spend"])

    return Gateway("LiteLLM", f"http://127.0.0.1:{port}/v1/chat/completions", "m", "sk-master", process, counted)


TENSORZERO = """
import sys, time, tensorzero.tensorzero as t
g = t._start_http_gateway(config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=sys.argv[2], async_setup=False)
print(g.base_url, flush=True)
time.sleep(100000)
"""


async def tensorzero(provider, folder, http):
    redis = free_port()
    start(["redis-server", "--port", str(redis), "--save", "", "--bind", "127.0.0.1"], {}, folder / "redis.log")
    (folder / "tensorzero.toml").write_text(
        "[gateway]\nobservability.enabled = false\n[models.m]\nrouting = [\"p\"]\n[models.m.providers.p]\n"
        f'type = "openai"\nmodel_name = "m"\napi_base = "{provider}/"\napi_key_location = "none"\ncost = [\n'
        '{ pointer = "/usage/prompt_tokens", cost_per_million = 20.0 },\n'
        '{ pointer = "/usage/completion_tokens", cost_per_million = 100.0 },\n]\n'
        f"[[rate_limiting.rules]]\nalways = true\ncost_per_month = {CAP}\n"
    )
    log = folder / "tensorzero.log"
    command = [BIN / "python", "-c", TENSORZERO, folder / "tensorzero.toml", f"redis://127.0.0.1:{redis}"]
    process = start(command, {}, log)
    base = None
    for _ in range(600):
        base = re.search(r"http://\S+/openai/v1", log.read_text())
        if base or process.poll() is not None:
            break
        await asyncio.sleep(0.1)
    if not base:
        raise RuntimeError(log.read_text()[-600:])

    async def counted():
        dump = subprocess.run(["redis-cli", "-p", str(redis), "--scan"], capture_output=True, text=True).stdout
        left = []
        for key in dump.split():
            fields = subprocess.run(["redis-cli", "-p", str(redis), "HGETALL", key], capture_output=True, text=True)
            left.append(f"{key}: {fields.stdout.split()}")
        print("TensorZero's bucket:", *left, sep="\n  ")
        numbers = re.findall(r"'balance', '(-?\d+)'|'tickets', '(-?\d+)'", " ".join(left))
        return CAP - int(next(filter(None, numbers[0]))) / 1e9 if numbers else None

    url = base[0].strip().rstrip("/").replace("0.0.0.0", "127.0.0.1") + "/chat/completions"
    return Gateway("TensorZero", url, "tensorzero::model_name::m", None, process, counted)


async def client(gateway, http, number, leaves, ends):
    body = {
        "model": gateway.model, "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 90,
        "messages": [{"role": "user", "content": "word " * PROMPT}],
    }
    headers = {"authorization": f"Bearer {gateway.token}"} if gateway.token else {}
    chunks, text = 0, b""
    try:
        async with http.post(gateway.url, json=body, headers=headers) as answer:
            if answer.status != 200:
                text = await answer.read()
            async for line in answer.content:
                text = (text + line)[-4000:]
                chunks += line.startswith(b"data:") and b"content" in line
                if leaves and chunks > number % (DELTAS // 2):
                    ends["left"] += 1
                    return
            status = answer.status
    except aiohttp.ClientError:
        ends["broken"] += 1
        return
    refused = re.search(rb"budget|credit|rate.?limit", text, re.I) and (status in (402, 429) or b"exceeded" in text.lower())
    if status == 200 and b"[DONE]" in text and b'"error"' not in text:
        ends["done"] += 1
    elif refused:
        ends["refused"] += 1
    else:
        ends["broken" if chunks else "failed"] += 1
        if not chunks:
            ends.setdefault("example", text[:200].decode(errors="replace"))


async def measure(make, provider, runner_port, http):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            gateway = await make(f"http://127.0.0.1:{runner_port}/v1", Path(folder), http)
            address = re.match(r"http://([^:/]+):(\d+)", gateway.url)
            begin = time.monotonic()
            while True:
                try:
                    socket.create_connection((address[1], int(address[2])), 1).close()
                    break
                except OSError:
                    if gateway.process.poll() is not None or time.monotonic() - begin > 180:
                        logs = "".join(file.read_text()[-600:] for file in Path(folder).glob("*.log"))
                        raise RuntimeError(f"it does not start: {logs}") from None
                    await asyncio.sleep(0.2)
            rng, ends = random.Random(2), dict.fromkeys(["done", "left", "broken", "failed", "refused"], 0)
            clients = [client(gateway, http, n, rng.random() < 0.3, ends) for n in range(REQUESTS)]
            await asyncio.gather(*clients)
            # Answers of clients that have left may go on, and counts are written late.
            before = -1.0
            while before != provider.invoice:
                before = provider.invoice
                await asyncio.sleep(12)
            try:
                counted = await gateway.counted()
            except Exception as error:
                counted, _ = None, print(f"{gateway.name}: no count: {error!r}")
        finally:
            stop_all()
        drift = "not known" if counted is None else f"{(counted - provider.invoice) / provider.invoice:+.1%}"
        shown = "not known" if counted is None else f"${counted:.3f}"
        print(
            f"| {gateway.name} | ${provider.invoice:.3f} | ${max(0.0, provider.invoice - CAP):.3f} | {shown} | {drift} | "
            f"{ends['done']} | {ends['left']} | {ends['broken']} | {ends['failed']} | {ends['refused']} |",
            flush=True,
        )
        if "example" in ends:
            print(f"{gateway.name} failed with: {ends['example']}", flush=True)


async def main():
    print(f"{REQUESTS} concurrent requests, cap ${CAP:.2f}\n")
    print("| Gateway | invoice | overspend | counted by the gateway | drift | done | left | broken | failed | refused |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    connector, limit = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(connector=connector, timeout=limit) as http:
        for make in (ours, litellm, tensorzero):
            provider = Provider()
            app = web.Application()
            app.router.add_post("/v1/chat/completions", provider.answer)
            runner = web.AppRunner(app, handler_cancellation=True)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", port := free_port(), backlog=2048)
            await site.start()
            try:
                await measure(make, provider, port, http)
            except Exception as error:
                print(f"{make.__name__}: {error!r}", flush=True)
            await runner.cleanup()


asyncio.run(main())
