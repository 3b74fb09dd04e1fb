"""Two agents with the official Python client: over live sessions, over the older SSE transport and
over the protocol without sessions. Usage: agents.py URL TOKEN. Exits with 0 if every event arrives."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

from mcp import ClientSession
from mcp.client.client import Client
from mcp.client.extension import NotificationBinding
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from pydantic import BaseModel, ConfigDict

URL, TOKEN = sys.argv[1:3]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
TIMEOUT = 30


class Params(BaseModel):
    model_config = ConfigDict(extra="allow")


class Agent:
    """A client in a live session, with the notifications that it has received."""

    def __init__(self):
        self.notifications = asyncio.Queue()

    def bindings(self):
        methods = ["chatroom.found", "message.received", "partner.disconnected"]
        def bound(method):
            return NotificationBinding(
                method=method, params_type=Params, handler=lambda params: self.notifications.put((method, params))
            )

        return [bound(method) for method in methods]

    @asynccontextmanager
    async def connected(self, streams):
        async with streams as (read, write):
            async with ClientSession(read, write, notification_bindings=self.bindings()) as session:
                await session.initialize()
                self.session = session
                yield self

    async def call(self, tool, **arguments):
        return await call(self.session, tool, **arguments)

    async def next(self, method):
        received, params = await asyncio.wait_for(self.notifications.get(), TIMEOUT)
        assert received == method, (received, params)
        return params


async def call(session, tool, **arguments):
    result = await session.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


def over_session():
    return streamable_http_client(f"{URL}/mcp/session", http_client=create_mcp_http_client(headers=HEADERS))


def over_sse():
    return sse_client(f"{URL}/mcp/sse", headers=HEADERS)


async def notifications_reach_live_sessions(first, second):
    async with Agent().connected(first) as ann, Agent().connected(second) as ben:
        a = await ann.call("enter_queue", display_name="Ann")
        assert a["status"] == "waiting" and a["position"] == 1, a
        b = await ben.call("enter_queue", display_name="Ben")
        assert b["status"] == "matched" and b["partner"]["display_name"] == "Ann", b
        found = await ann.next("chatroom.found")
        room = found.room_id
        assert room == b["room_id"] and found.partner["display_name"] == "Ben", found
        sent = await ben.call("send_message", room_id=room, message="hello Ann", user_id=b["user_id"])
        received = await ann.next("message.received")
        assert (received.message, received.message_id) == ("hello Ann", sent["message_id"]), received
        assert sent["delivered"] == "pushed", sent
        await ann.call("send_message", room_id=room, message="hello Ben", user_id=a["user_id"])
        assert (await ben.next("message.received")).message == "hello Ben"
        await ann.call("leave_chat", room_id=room, user_id=a["user_id"])
        assert (await ben.next("partner.disconnected")).reason == "left"


async def inbox_resource_updates_reach_clients_without_sessions():
    transport = streamable_http_client(f"{URL}/mcp", http_client=create_mcp_http_client(headers=HEADERS))
    async with Client(transport, mode="2026-07-28") as ann, Agent().connected(over_session()) as ben:
        a = await call(ann, "enter_queue", display_name="Ann")
        inbox = f"penpal://inbox/{a['user_id']}"
        async with ann.listen(resource_subscriptions=[inbox]) as updates:
            b = await ben.call("enter_queue", display_name="Ben")
            await ben.call("send_message", room_id=b["room_id"], message="hi", user_id=b["user_id"])
            seen = []
            while "message.received" not in seen:
                await asyncio.wait_for(anext(updates), TIMEOUT)
                read = await ann.read_resource(inbox, cache_mode="bypass")
                missed = json.loads(read.contents[0].text)["missed"]
                seen += [event["type"] for event in missed]
            assert seen == ["chatroom.found", "message.received"], seen
        await ben.call("leave_chat", room_id=b["room_id"], user_id=b["user_id"])


async def main():
    await notifications_reach_live_sessions(over_session(), over_session())
    await notifications_reach_live_sessions(over_sse(), over_session())
    await inbox_resource_updates_reach_clients_without_sessions()


asyncio.run(asyncio.wait_for(main(), 120))
