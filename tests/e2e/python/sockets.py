"""WebSockets through the server's own proxy: a credential wherever a client can put one, and refusals as a
browser's page can understand them."""

import asyncio
import json
import os
import time
import unittest
from urllib.parse import urlsplit

import requests
import websockets

from person import ISSUER, api, client_token

PORT = urlsplit(ISSUER).port
REPORTS = "https://reports.example"
PAGE = f"http://live.localhost:{PORT}"


async def application(socket):
    """Tells what it was sent, then says everything again."""
    headers = [[name.lower(), value] for name, value in socket.request.headers.raw_items()]
    await socket.send(json.dumps({"path": socket.request.path, "headers": headers, "protocol": socket.subprotocol}))
    async for message in socket:
        await socket.send(message)


class Sockets(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        api("POST", "apis", {"identifier": REPORTS, "name": "Reports", "scopes": [
            {"name": "reports:read", "description": "See reports"}]})
        cls.client, cls.token = client_token(REPORTS, "reports:read")
        cls.service = api("POST", "service-tokens", {"scopes": ["reports:read"]})["secret"]

    async def asyncSetUp(self):
        # An application that knows one protocol, and asks for none.
        self.behind = await websockets.serve(
            application, "127.0.0.1", int(os.environ["DOORWARD_UPSTREAM"]), subprotocols=["chat"],
            select_subprotocol=lambda _, offered: "chat" if "chat" in offered else None)

    async def asyncTearDown(self):
        self.behind.close()
        await self.behind.wait_closed()

    def open(self, path="/", page=True, protocols=None, **headers):
        """As a page does, or as a program."""
        more = {"origin": PAGE} if page else {}
        return websockets.connect(
            f"ws://live.localhost:{PORT}{path}", host="127.0.0.1", proxy=None, subprotocols=protocols,
            additional_headers={name.replace("_", "-"): value for name, value in headers.items()}, **more)

    async def told(self, *args, **more):
        async with self.open(*args, **more) as live:
            said = json.loads(await live.recv())
            await live.send("x" * 100_000)
            self.assertEqual(len(await live.recv()), 100_000)
            said["selected"] = live.subprotocol
            self.assertNotIn(self.token, json.dumps(said), "the credential stays here")
            self.assertNotIn("dw_", json.dumps(said).replace("doorward", ""), "and so do tickets and tokens")
            return said

    def user(self, said):
        return [value for name, value in said["headers"] if name == "x-user-id"]

    async def closed(self, *args, **more):
        async with self.open(*args, **more) as live:
            with self.assertRaises(websockets.ConnectionClosed):
                await asyncio.wait_for(live.recv(), 30)
            return live.close_code, live.close_reason, live.subprotocol

    async def refused(self, *args, **more):
        with self.assertRaises(websockets.InvalidStatus) as refused:
            await self.open(*args, **more)
        return refused.exception.response.status_code

    def ticket(self, credential, **more):
        made = requests.post(f"http://127.0.0.1:{PORT}/api/ws-ticket", timeout=30, headers={
            "Host": f"live.localhost:{PORT}", "Authorization": f"Bearer {credential}", **more})
        self.assertEqual(made.status_code, 201, made.text)
        self.assertEqual((made.json()["expires_in"], made.headers["cache-control"]), (30, "no-store"))
        return made.json()["ticket"]

    async def test_a_header_opens(self):
        for page in (True, False):
            said = await self.told(page=page, Authorization=f"Bearer {self.token}")
            self.assertEqual((self.user(said), said["selected"]), ([self.client], None))

    async def test_an_offered_protocol_opens_and_is_never_selected(self):
        bearer = f"bearer.{self.token}"
        for offered, handed_on, protocol, selected in (
                (["orcheo-auth", bearer], ["orcheo-auth"], None, "orcheo-auth"),
                ([bearer, "chat"], ["chat"], "chat", "chat"),
                (["v2", bearer, "chat"], ["v2, chat"], "chat", "chat"),
                ([bearer], [], None, None)):
            said = await self.told(protocols=offered)
            self.assertEqual(self.user(said), [self.client])
            self.assertEqual([v for n, v in said["headers"] if n == "sec-websocket-protocol"], handed_on)
            self.assertEqual((said["protocol"], said["selected"]), (protocol, selected))
        self.assertEqual(await self.refused(protocols=[bearer, "bearer.x"]), 400)

    async def test_a_ticket_opens_once(self):
        for credential in (self.token, self.service):
            ticket = self.ticket(credential)
            said = await self.told(f"/a?x=1&ticket={ticket}&y=%2F")
            self.assertEqual(said["path"], "/a?x=1&y=%2F")
            self.assertEqual(await self.closed(f"/?ticket={ticket}"), (4401, "auth.token_expired", None))
        # Of many at once, one.
        ticket = self.ticket(self.token)
        tried = await asyncio.gather(*(self.told(f"/?ticket={ticket}") for _ in range(50)), return_exceptions=True)
        self.assertEqual(len([said for said in tried if isinstance(said, dict)]), 1)
        # A ticket is its credential: what that may not do, it may not.
        self.assertEqual((await self.closed(f"/writing?ticket={self.ticket(self.token)}"))[0], 4403)
        self.assertEqual(await self.refused("/", page=False), 401)
        for headers in ({}, {"Authorization": "Bearer x"}):
            made = requests.post(f"{ISSUER}/api/ws-ticket", headers=headers, timeout=30)
            self.assertEqual(made.status_code, 401)
            self.assertTrue(made.headers["www-authenticate"].startswith("Bearer realm="))
        self.assertEqual(requests.get(f"{ISSUER}/api/ws-ticket", timeout=30).status_code, 405)

    async def test_an_address_opens_where_the_route_says_so(self):
        for name in ("token", "access_token"):
            said = await self.told(f"/by-query?a=1&{name}={self.token}")
            self.assertEqual((self.user(said), said["path"]), ([self.client], "/by-query?a=1"))
            self.assertEqual((await self.closed(f"/?{name}={self.token}"))[0], 4401)
            self.assertEqual((await self.closed(f"/by-query?{name}={self.service}"))[:2], (4401, "auth.invalid_token"))
        # Only for a handshake.
        answer = requests.get(f"http://127.0.0.1:{PORT}/by-query?token={self.token}",
                              headers={"Host": f"live.localhost:{PORT}"}, timeout=30)
        self.assertEqual(answer.status_code, 401)
        with open(os.environ["DOORWARD_SERVER_LOG"], encoding="utf-8") as log:
            self.assertNotIn(self.token, log.read())

    async def test_a_page_is_told_by_a_close_code_and_a_program_by_a_status(self):
        wrong = {"Authorization": "Bearer wrong"}
        for code, status, reason, path, headers in (
                (4401, 401, "auth.missing_token", "/", {}),
                (4401, 401, "auth.invalid_token", "/", wrong),
                (4403, 403, "auth.missing_scope", "/writing", {"Authorization": f"Bearer {self.token}"})):
            self.assertEqual(await self.closed(path, **headers), (code, reason, None))
            self.assertEqual(await self.refused(path, page=False, **headers), status)
        # Whoever offered protocols gets one of them: a browser would else give up before the code.
        offered = ["bearer.wrong", "orcheo-auth", "chat"]
        self.assertEqual(await self.closed(protocols=offered), (4401, "auth.invalid_token", "orcheo-auth"))
        # What has nothing to do with who it is stays what it is.
        two = {"Authorization": f"Bearer {self.token}", "X_API_Key": "x"}
        self.assertEqual(await self.refused(**two), 400)
        self.assertEqual(await self.refused("/..%2f", **wrong), 400)

    async def test_a_socket_is_closed_with_its_credential(self):
        made = api("POST", "service-tokens", {"name": "short", "scopes": ["reports:read"]})
        async with self.open(page=False, Authorization=f"Bearer {made['secret']}") as live:
            await live.recv()
            revoking = asyncio.create_task(
                asyncio.to_thread(api, "POST", "service-tokens/short/revoke", {"reason": "over"}))
            # In the middle of a conversation: what was begun is finished first.
            begun = time.monotonic()
            with self.assertRaises(websockets.ConnectionClosed):
                while True:
                    await live.send("x" * 50_000)
                    self.assertEqual(len(await asyncio.wait_for(live.recv(), 30)), 50_000)
            self.assertLess(time.monotonic() - begun, 2)
            await revoking
            self.assertEqual((live.close_code, live.close_reason), (4401, "auth.invalid_token"))

    async def test_each_is_counted_once_with_its_bytes(self):
        client, token = client_token(REPORTS, "reports:read")
        headers = {"Authorization": f"Bearer {token}"}
        said = os.urandom(50_000).hex()

        async def talk():
            async with self.open(**headers) as live:
                await live.recv()
                await live.send(said)
                self.assertEqual(await live.recv(), said)

        await asyncio.gather(*(talk() for _ in range(5)))
        await asyncio.gather(*(self.closed("/writing", **headers) for _ in range(3)))
        end = time.monotonic() + 30
        while True:
            used = await asyncio.to_thread(api, "GET", f"usage?user={client}&by=route,status")
            each = {(it["route"], it["status"]): it for it in used["items"]}
            # Bytes are counted when a socket is over.
            if used["totals"]["response_bytes"] >= 250_000 or time.monotonic() > end:
                break
            await asyncio.sleep(0.02)
        self.assertEqual({of: it["requests"] for of, it in each.items()}, {("live", "1xx"): 5, ("writing", "4xx"): 3})
        self.assertEqual((each["live", "1xx"]["denied"], each["writing", "4xx"]["denied"]), (0, 3))
        for way in ("request_bytes", "response_bytes"):
            self.assertIn(each["live", "1xx"][way], range(250_000, 520_000), f"{way}: as they travel, which is compressed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
