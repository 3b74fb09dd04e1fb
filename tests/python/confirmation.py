"""The official Python client is asked before a tool removes data: in a live session by a request, without
sessions by a result. Usage: confirmation.py URL TOKEN. Exits with 0 if each answer has its effect."""

import asyncio
import sys

from mcp import ClientSession, types
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

URL, TOKEN = sys.argv[1:3]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
ANSWERS = [
    (types.ElicitResult(action="decline"), "Nothing is removed."),
    (types.ElicitResult(action="accept", content={"confirm": False}), "Nothing is removed."),
    (types.ElicitResult(action="accept", content={"confirm": True}), "All counts are removed."),
]


def asked(answer):
    questions = []

    async def callback(context, params):
        questions.append(params.message)
        return answer

    return questions, callback


def over_http(path):
    return streamable_http_client(f"{URL}{path}", http_client=create_mcp_http_client(headers=HEADERS))


async def check(client, questions, expected, asks):
    result = await client.call_tool("tally_clear", {})
    assert result.content[0].text == expected, result
    assert questions == ["Remove all counts?"] * asks, questions


async def in_session(streams, callback, questions, expected):
    async with streams as (read, write):
        async with ClientSession(read, write, elicitation_callback=callback) as session:
            await session.initialize()
            await check(session, questions, expected, 1 if callback else 0)


async def main():
    for answer, expected in ANSWERS:
        for connect in [lambda: over_http("/mcp/session"), lambda: sse_client(f"{URL}/mcp/sse", headers=HEADERS)]:
            questions, callback = asked(answer)
            await in_session(connect(), callback, questions, expected)
        questions, callback = asked(answer)
        async with Client(over_http("/mcp"), mode="2026-07-28", elicitation_callback=callback) as client:
            await check(client, questions, expected, 1)
    await in_session(over_http("/mcp/session"), None, [], "Remove them in the browser.")


asyncio.run(asyncio.wait_for(main(), 120))
