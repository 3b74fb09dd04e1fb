"""The steps that every client in Python runs, the same as in `journey.mjs`: list the tools, read an argument error,
chat as two people, cancel a wait, and reconnect."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable

TOOLS = {"enter_queue", "handle_message", "rejoin", "send_message", "wait_for_message"}
WAIT_SECONDS = 20
# Time for a call to reach the server, and for a notification to arrive, in seconds.
ARRIVAL = 0.3
TIMEOUT = 15

# The transport that this run tests: `mcp`, `session`, `sse`, `stdio` or `2026-07-28`.
TRANSPORT = sys.argv[1]
HEADERS = {"Authorization": f"Bearer {os.environ['TOKEN']}"}


def address(path):
    return os.environ["SERVER_URL"] + path


@dataclass
class Result:
    """The result of a tool: the SDKs name its fields differently."""

    is_error: bool
    text: str
    structured: dict[str, Any] | None


@dataclass
class Agent:
    """A connected client."""

    tool_names: Callable[[], Awaitable[set[str]]]
    call: Callable[[str, dict[str, Any]], Awaitable[Result]]
    subscribe: Callable[[str], Awaitable[None]]
    # Method and parameters, as the server sent them.
    notifications: asyncio.Queue = field(default_factory=asyncio.Queue)

    async def result(self, tool, **arguments):
        result = await self.call(tool, arguments)
        assert not result.is_error, (tool, result)
        return result.structured

    async def notification(self, method):
        received, params = await asyncio.wait_for(self.notifications.get(), TIMEOUT)
        assert received == method, (received, params)
        return params


class Connection:
    """Holds a client open in a separate task, because the same task must enter and leave it."""

    def __init__(self, client):
        self._client = client
        self._ended = asyncio.Event()

    async def open(self):
        opened = asyncio.get_running_loop().create_future()

        async def hold():
            try:
                async with self._client as agent:
                    opened.set_result(agent)
                    await self._ended.wait()
            except BaseException as error:
                if not opened.done():
                    opened.set_exception(error)
                raise

        self._task = asyncio.create_task(hold())
        return await opened

    async def close(self):
        self._ended.set()
        await self._task


async def journey(connect, pushes, subscribes, cancels):
    """Runs all steps. `connect` returns a context manager of an agent. The other arguments tell whether the agent
    receives the chat's notifications, whether it can subscribe to a resource, and whether the server notices that it
    cancels a call."""
    connections = [Connection(connect()), Connection(connect())]
    ann, ben = [await connection.open() for connection in connections]

    assert TOOLS <= await ann.tool_names()

    refused = await ann.call("send_message", {"room_id": "r", "user_id": "u", "message": 5})
    assert refused.is_error and "message" in refused.text, refused

    waiting = await ann.result("enter_queue", display_name="Ann")
    matched = await ben.result("enter_queue", display_name="Ben")
    assert matched["status"] == "matched", matched
    as_ann, as_ben = [{"room_id": matched["room_id"], "user_id": user["user_id"]} for user in (waiting, matched)]

    async def say(message):
        return await ben.result("send_message", message=message, **as_ben)

    async def wait():
        return (await ann.result("wait_for_message", timeout_seconds=WAIT_SECONDS, **as_ann))["events"]

    await say("hello Ann")
    if pushes:
        found = await ann.notification("chatroom.found")
        assert found["partner"]["display_name"] == "Ben", found
        assert (await ann.notification("message.received"))["message"] == "hello Ann"
        await ann.result("send_message", message="hello Ben", **as_ann)
        assert (await ben.notification("message.received"))["message"] == "hello Ben"
    # In a session, the first wait returns the events that were pushed; from then on, none are.
    events = []
    while not events or events[-1]["type"] != "message.received":
        events += await wait()
    assert [event["type"] for event in events] == ["chatroom.found", "message.received"], events

    if subscribes:
        inbox = f"penpal://inbox/{as_ann['user_id']}"
        await ann.subscribe(inbox)
        await say("to a subscriber")
        assert (await ann.notification("notifications/resources/updated"))["uri"] == inbox
        assert (await wait())[0]["message"] == "to a subscriber"

    if cancels:
        cancelled = asyncio.create_task(wait())
        await asyncio.sleep(ARRIVAL)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        await asyncio.sleep(ARRIVAL)
        await say("after the cancelled wait")
        after = await wait()
        assert after[0]["message"] == "after the cancelled wait", after

    await connections[0].close()
    await say("while Ann is away")
    connections[0] = Connection(connect())
    ann = await connections[0].open()
    missed = (await ann.result("rejoin", user_id=as_ann["user_id"]))["missed"]
    assert [event["message"] for event in missed[-1:]] == ["while Ann is away"], missed

    await ann.result("leave_chat", **as_ann)
    if pushes:
        assert (await ben.notification("partner.disconnected"))["reason"] == "left"
    for connection in connections:
        await connection.close()


def run(connect, **abilities):
    asyncio.run(asyncio.wait_for(journey(connect, **abilities), 120))
