"""The official Python SDK 1.x. It drops notifications that the protocol does not define, so it receives the events of
a chat by waiting for them; and it does not notify the server of a cancelled call, so this client does."""

import asyncio
import os
from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import (
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    ResourceUpdatedNotification,
    ServerNotification,
)

from journey import HEADERS, TRANSPORT, Agent, Result, address, run


def streams():
    match TRANSPORT:
        case "mcp":
            return streamablehttp_client(address("/mcp"), headers=HEADERS)
        case "session":
            return streamablehttp_client(address("/mcp/session"), headers=HEADERS)
        case "sse":
            return sse_client(address("/mcp/sse"), headers=HEADERS)
        case "stdio":
            command = os.environ["STDIO_COMMAND"]
            return stdio_client(StdioServerParameters(command=command, args=["stdio"], env=dict(os.environ)))


@asynccontextmanager
async def connected():
    async def receive(message):
        if isinstance(message, ServerNotification) and isinstance(message.root, ResourceUpdatedNotification):
            params = message.root.params.model_dump(mode="json")
            agent.notifications.put_nowait((message.root.method, params))

    async with streams() as (read, write, *_):
        async with ClientSession(read, write, message_handler=receive) as session:
            await session.initialize()

            async def tool_names():
                return {tool.name for tool in (await session.list_tools()).tools}

            async def call(tool, arguments):
                request_id = session._request_id
                try:
                    result = await session.call_tool(tool, arguments)
                except asyncio.CancelledError:
                    params = CancelledNotificationParams(requestId=request_id)
                    await session.send_notification(ClientNotification(CancelledNotification(params=params)))
                    raise
                return Result(bool(result.isError), result.content[0].text, result.structuredContent)

            agent = Agent(tool_names, call, session.subscribe_resource)
            yield agent


# Without a session, the server can't notify this client, and does not know which call it cancels.
live = TRANSPORT != "mcp"
run(connected, pushes=False, subscribes=live, cancels=live)
