"""A real FastMCP server without authentication behind the proxy: a real client's session, with what is streamed."""

import asyncio
import os
import unittest
import warnings
from urllib.parse import urlsplit

import requests
from fastmcp import Client, Context, FastMCP
from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.server.dependencies import get_http_headers
from mcp.shared.exceptions import MCPError

from person import ISSUER, api

PORT = urlsplit(ISSUER).port
HOST = {"Host": "mcp.localhost"}

tools = FastMCP("tools")
# What the client of the session has been told; it runs in this process, too.
told = asyncio.Queue()


@tools.tool
def whoami() -> str:
    headers = get_http_headers(include_all=True)
    return f"{headers['x-user-id']} {headers['x-user-permissions']} {headers.get('authorization')}"


@tools.tool
async def count(to: int, context: Context) -> str:
    for number in range(1, to + 1):
        await context.report_progress(number, to)
        # No step is taken before the client has seen the last one: what is held back anywhere would end in a timeout.
        assert await told.get() == number
    return f"counted to {to}"


@tools.resource("notes://first")
def first() -> str:
    return "a note"


def client(secret=None):
    transport = StreamableHttpTransport(f"http://127.0.0.1:{PORT}/mcp", headers=HOST, auth=secret)
    return Client(transport, timeout=30)


class Guarded(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        port = int(os.environ["DOORWARD_UPSTREAM"])
        server = tools.run_http_async(host="127.0.0.1", port=port, show_banner=False, log_level="warning")
        self.server = asyncio.create_task(server)
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            except OSError:
                await asyncio.sleep(0.05)

    async def asyncTearDown(self):
        self.server.cancel()
        await asyncio.gather(self.server, return_exceptions=True)

    async def test_a_session_with_tools_and_progress(self):
        made = api("POST", "service-tokens", {"name": "mcp-agent", "scopes": ["mcp:use"]})
        seen = []

        async def progress(done, total, _message):
            seen.append((done, total))
            await told.put(done)

        async with client(made["secret"]) as session:
            self.assertEqual({tool.name for tool in await session.list_tools()}, {"whoami", "count"})
            said = await session.call_tool("whoami", {})
            self.assertEqual(said.data, f"{made['lineage']} mcp:use None")
            said = await session.call_tool("count", {"to": 20}, progress_handler=progress)
            self.assertEqual(said.data, "counted to 20")
            self.assertEqual((await session.read_resource("notes://first"))[0].text, "a note")
        self.assertEqual(seen, [(number, 20) for number in range(1, 21)])
        await self.nobody_else_gets_there()

    async def nobody_else_gets_there(self):
        other = api("POST", "service-tokens", {"name": "no-agent", "scopes": ["files:read"]})["secret"]
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
        for status, secret in ((401, None), (401, "x"), (403, other)):
            with self.assertRaises(MCPError):
                async with client(secret):
                    pass
            headers = {**HOST, **({"Authorization": f"Bearer {secret}"} if secret else {})}
            answer = await asyncio.to_thread(
                requests.post, f"http://127.0.0.1:{PORT}/mcp", json=body, headers=headers, timeout=30)
            self.assertEqual(answer.status_code, status)
            self.assertIn("Bearer realm=", answer.headers["www-authenticate"])


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
