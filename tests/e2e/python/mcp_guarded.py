"""A real MCP server without authentication behind the proxy: a real client's session, with what is streamed."""

import asyncio
import os
import unittest
import warnings
from urllib.parse import urlsplit

import httpx2
import requests
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import Context, MCPServer

from person import ISSUER, api

PORT = urlsplit(ISSUER).port
HOST = {"Host": "mcp.localhost"}

tools = MCPServer("tools")


@tools.tool()
def whoami(context: Context) -> str:
    return f"{context.headers['x-user-id']} {context.headers['x-user-permissions']} {context.headers.get('authorization')}"


@tools.tool()
async def count(to: int, context: Context) -> str:
    for number in range(to):
        await context.report_progress(number + 1, to)
    return f"counted to {to}"


class Guarded(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        port = int(os.environ["DOORWARD_UPSTREAM"])
        self.server = asyncio.create_task(tools.run_streamable_http_async(host="127.0.0.1", port=port))
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
        headers = {**HOST, "Authorization": f"Bearer {made['secret']}"}
        seen = []

        async def progress(done, total, _message):
            seen.append((done, total))

        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            transport = streamable_http_client(f"http://127.0.0.1:{PORT}/mcp", http_client=http)
            async with Client(transport) as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
                self.assertEqual(names, {"whoami", "count"})
                said = await client.call_tool("whoami", {})
                self.assertEqual(said.content[0].text, f"{made['lineage']} mcp:use None")
                said = await client.call_tool("count", {"to": 20}, progress_callback=progress)
                self.assertEqual(said.content[0].text, "counted to 20")
        self.assertEqual(seen, [(number + 1, 20) for number in range(20)])
        await self.nobody_else_gets_there()

    async def nobody_else_gets_there(self):
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
        other = api("POST", "service-tokens", {"name": "no-agent", "scopes": ["files:read"]})["secret"]
        for status, headers in ((401, {}), (401, {"Authorization": "Bearer x"}), (403, {"Authorization": f"Bearer {other}"})):
            answer = await asyncio.to_thread(
                requests.post, f"http://127.0.0.1:{PORT}/mcp", json=body, headers={**HOST, **headers}, timeout=30)
            self.assertEqual(answer.status_code, status)
            self.assertIn("Bearer realm=", answer.headers["www-authenticate"])


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
