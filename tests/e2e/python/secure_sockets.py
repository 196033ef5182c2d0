"""WebSockets over the server's own TLS (wss), by a real client."""

import asyncio
import json
import os
import ssl
import time
import unittest
from urllib.parse import urlsplit

import websockets

from person import ISSUER, api

PORT = urlsplit(ISSUER).port
TRUSTED = ssl.create_default_context(cafile=os.path.join(os.environ["DOORWARD_CERTIFICATES"], "authority.pem"))


async def application(live):
    await live.send(json.dumps({name.lower(): value for name, value in live.request.headers.raw_items()}))
    async for message in live:
        await live.send(message)


class Secure(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.behind = await websockets.serve(application, "127.0.0.1", int(os.environ["DOORWARD_UPSTREAM"]))

    async def asyncTearDown(self):
        self.behind.close()
        await self.behind.wait_closed()

    def open(self, path="/live", tls=TRUSTED, **more):
        return websockets.connect(f"wss://app.localhost:{PORT}{path}", host="127.0.0.1", proxy=None, ssl=tls, **more)

    async def test_a_socket_opens_and_ends_with_its_credential(self):
        made = await asyncio.to_thread(api, "POST", "service-tokens", {"name": "live", "scopes": ["files:read"]})
        page = {"Origin": f"https://app.localhost:{PORT}"}
        for how in ({"additional_headers": {"Authorization": f"Bearer {made['secret']}"}},
                    {"additional_headers": page, "subprotocols": [f"bearer.{made['secret']}", "chat"]}):
            async with self.open(**how) as live:
                told = json.loads(await live.recv())
                self.assertEqual((told["x-forwarded-proto"], told["x-user-role"]), ("https", "service"))
                self.assertNotIn(made["secret"], json.dumps(told))
                for size in (1, 1_000, 500_000):
                    await live.send("x" * size)
                    self.assertEqual(len(await live.recv()), size)
        async with self.open(**how) as live:
            await live.recv()
            begun = time.monotonic()
            await asyncio.to_thread(api, "POST", "service-tokens/live/revoke", {"reason": "over"})
            with self.assertRaises(websockets.ConnectionClosed):
                await asyncio.wait_for(live.recv(), 30)
            self.assertLess(time.monotonic() - begun, 2)
            self.assertEqual(live.close_code, 4401)

    async def test_who_may_not_is_refused(self):
        with self.assertRaises(websockets.InvalidStatus) as refused:
            await self.open()
        self.assertEqual(refused.exception.response.status_code, 401)
        with self.assertRaises(websockets.InvalidStatus) as refused:
            await self.open("/quiet")
        self.assertEqual(refused.exception.response.status_code, 400, "a route without WebSockets")
        with self.assertRaises(ssl.SSLCertVerificationError):
            await self.open(tls=ssl.create_default_context())


if __name__ == "__main__":
    unittest.main(verbosity=2)
