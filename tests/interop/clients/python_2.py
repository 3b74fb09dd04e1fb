"""The official Python SDK 2.x. `2026-07-28` is the protocol without sessions; the others are those before it."""

import asyncio
import os
import warnings
from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters
from mcp.client.client import Client
from mcp.client.extension import NotificationBinding
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from pydantic import BaseModel, ConfigDict

from journey import HEADERS, TRANSPORT, Agent, Result, address, run

EVENTS = ["chatroom.found", "message.received", "partner.disconnected"]


class Params(BaseModel):
    model_config = ConfigDict(extra="allow")


def streams():
    def http(path):
        return streamable_http_client(address(path), http_client=create_mcp_http_client(headers=HEADERS))

    match TRANSPORT:
        case "mcp" | "2026-07-28":
            return http("/mcp")
        case "session":
            return http("/mcp/session")
        case "sse":
            return sse_client(address("/mcp/sse"), headers=HEADERS)
        case "stdio":
            command = os.environ["STDIO_COMMAND"]
            return stdio_client(StdioServerParameters(command=command, args=["stdio"], env=dict(os.environ)))


def agent_of(client, subscribe):
    async def tool_names():
        return {tool.name for tool in (await client.list_tools()).tools}

    async def call(tool, arguments):
        result = await client.call_tool(tool, arguments)
        return Result(bool(result.is_error), result.content[0].text, result.structured_content)

    return Agent(tool_names, call, subscribe)


@asynccontextmanager
async def in_session():
    def put(method):
        async def handle(params):
            agent.notifications.put_nowait((method, params.model_dump(mode="json")))

        return NotificationBinding(method=method, params_type=Params, handler=handle)

    async def receive(message):
        if getattr(message, "method", None) == "notifications/resources/updated":
            agent.notifications.put_nowait((message.method, message.params.model_dump(mode="json")))

    bindings = [put(method) for method in EVENTS]
    async with streams() as (read, write):
        async with ClientSession(read, write, notification_bindings=bindings, message_handler=receive) as session:
            agent = agent_of(session, lambda uri: session.subscribe_resource(uri))
            await session.initialize()
            yield agent


@asynccontextmanager
async def without_session():
    async with Client(streams(), mode=TRANSPORT) as client:
        listening = []

        async def subscribe(uri):
            subscribed = asyncio.Event()

            async def listen():
                async with client.listen(resource_subscriptions=[uri]) as updates:
                    subscribed.set()
                    async for update in updates:
                        agent.notifications.put_nowait(("notifications/resources/updated", {"uri": update.uri}))

            listening.append(asyncio.create_task(listen()))
            await subscribed.wait()

        agent = agent_of(client, subscribe)
        yield agent
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)


# The methods that only older protocols have are tested on purpose.
warnings.filterwarnings("ignore", message=".*removed as of 2026-07-28.*")
if TRANSPORT == "2026-07-28":
    run(without_session, pushes=False, subscribes=True, cancels=True)
else:
    # Without a session, the server can't notify this client, and does not know which call it cancels.
    live = TRANSPORT != "mcp"
    run(in_session, pushes=live, subscribes=live, cancels=live)
