"""The client of `fastmcp`. `2026-07-28` is the protocol without sessions; the others are those before it."""

import os
from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from mcp.client.extension import ClientExtension, NotificationBinding
from pydantic import BaseModel, ConfigDict

from journey import HEADERS, TRANSPORT, Agent, Result, address, run


class Params(BaseModel):
    model_config = ConfigDict(extra="allow")


class ChatEvents(ClientExtension):
    """Passes the notifications of a chat to `put`."""

    identifier = "com.example/chat-events"

    def __init__(self, put):
        self._put = put

    def notifications(self):
        def bound(method):
            async def handle(params):
                self._put((method, params.model_dump(mode="json")))

            return NotificationBinding(method=method, params_type=Params, handler=handle)

        return [bound(method) for method in ["chatroom.found", "message.received", "partner.disconnected"]]


def transport():
    match TRANSPORT:
        case "mcp" | "2026-07-28":
            return StreamableHttpTransport(address("/mcp"), headers=HEADERS)
        case "session":
            return StreamableHttpTransport(address("/mcp/session"), headers=HEADERS)
        case "sse":
            return SSETransport(address("/mcp/sse"), headers=HEADERS)
        case "stdio":
            command = os.environ["STDIO_COMMAND"]
            return StdioTransport(command, ["stdio"], env=dict(os.environ), keep_alive=False)


@asynccontextmanager
async def connected():
    events = ChatEvents(lambda event: agent.notifications.put_nowait(event))
    mode = TRANSPORT if TRANSPORT == "2026-07-28" else "legacy"
    async with Client(transport(), mode=mode, extensions=[events]) as client:

        async def tool_names():
            return {tool.name for tool in await client.list_tools()}

        async def call(tool, arguments):
            result = await client.call_tool_mcp(tool, arguments)
            return Result(bool(result.is_error), result.content[0].text, result.structured_content)

        agent = Agent(tool_names, call, subscribe=None)
        yield agent


# This client has no subscriptions. Without a session, the server pushes no events; before 2026-07-28 it then does not
# know which call a client cancels.
live = TRANSPORT not in ("mcp", "2026-07-28")
run(connected, pushes=live, subscribes=False, cancels=TRANSPORT != "mcp")
