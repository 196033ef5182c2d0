"""Applications without authentication behind the server's own proxy."""

import asyncio
import http.client
import json
import os
import re
import socket
import threading
import time
import unittest
import warnings
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

from person import ISSUER, api, client_token
from proxies import Echo

PORT = urlsplit(ISSUER).port
REPORTS = "https://reports.example"
# Seconds within which a stream is over once its credential is.
SOON = 2


class Streaming(Echo):
    """Answers as told by the path: events one by one, a slow answer, an endless one."""

    def do_GET(self):
        if self.path == "/reports/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number in range(100):
                self.chunk(f"data: {number}\n\n".encode())
                # The reader says when it has seen it.
                assert self.server.seen.acquire(timeout=30)
                if self.server.over.is_set():
                    return
            self.chunk(b"")
        elif self.path == "/reports/never":
            self.server.over.wait(60)
        else:
            self.answer()

    def chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def do_POST(self):
        if self.path != "/reports/upload":
            return self.answer()
        total = 0
        while True:
            size = int(self.rfile.readline(), 16)
            total += len(self.rfile.read(size))
            self.rfile.readline()
            if not size:
                break
            # What arrives is there before the rest was sent.
            self.server.arrived.release()
        body = json.dumps({"total": total}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["DOORWARD_UPSTREAM"])), Streaming)
    server.daemon_threads = True
    server.asked, server.seen, server.arrived, server.over = 0, threading.Semaphore(0), threading.Semaphore(0), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def token(*scopes):
    return client_token(REPORTS, *scopes)


def connect():
    return http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)


def ask(path, method="GET", body=None, host="app.localhost", **headers):
    connection = connect()
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", host)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    for name, value in headers.items():
        connection.putheader(name.replace("__", "-"), value)
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    told = json.loads(text) if text.startswith("{") else {}
    return answer.status, told, {name.lower(): value for name, value in answer.getheaders()}


def sent(told, name):
    return [value for known, value in told["headers"] if known.replace("_", "-") == name]


def logged(request_id):
    """The trace on the line of a request, which is written a moment after the answer."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with open(os.environ["DOORWARD_SERVER_LOG"], encoding="utf-8") as log:
            for line in log:
                if request_id in line and (trace := re.search(r'trace_id="?([0-9a-f]{32})', line)):
                    return trace[1]
        time.sleep(0.05)
    return None


class Through(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.behind = upstream()
        api("POST", "apis", {"identifier": REPORTS, "name": "Reports", "scopes": [
            {"name": "reports:read", "description": "See reports"},
            {"name": "reports:write", "description": "Write reports"}]})
        cls.client, cls.token = token("reports:read")
        cls.bearer = f"Bearer {cls.token}"

    def test_a_request_goes_on_as_it_was_judged(self):
        status, told, headers = ask("/reports/%61?x=%2F..&y", "POST", b"hello", Authorization=self.bearer)
        self.assertEqual(status, 200, told)
        self.assertEqual((told["method"], told["path"], told["body"]), ("POST", "/reports/a?x=%2F..&y", "hello"))
        self.assertEqual(sent(told, "x-user-id"), [self.client])
        self.assertEqual(sent(told, "x-user-permissions"), ["reports:read"])
        self.assertEqual(sent(told, "x-permissions"), [])
        self.assertEqual(sent(told, "authorization"), [])
        self.assertEqual(sent(told, "x-forwarded-host"), ["app.localhost"])
        self.assertEqual(sent(told, "x-request-id"), [headers["x-request-id"]])
        self.assertEqual(len(sent(told, "x-doorward-assertion")), 1)

    def test_what_a_client_says_of_itself_never_arrives(self):
        for name in ("X-User-Id", "x_user_id", "X_USER-ID", "X-User-Role", "X-Doorward-Assertion", "X-Forwarded-User"):
            status, told, _ = ask("/reports/1", Authorization=self.bearer, **{name.replace("-", "__"): "forged"})
            self.assertEqual(status, 200)
            self.assertNotIn("forged", json.dumps(told), name)

    def test_who_may_not_does_not_get_there(self):
        before = self.behind.asked
        for status, path, headers in [
            (401, "/reports/1", {}),
            (401, "/reports/1", {"Authorization": "Bearer wrong"}),
            (400, "/reports/1", {"Authorization": self.bearer, "X__API__Key": "x"}),
            (403, "/reports/secret", {"Authorization": self.bearer}),
            (404, "/elsewhere", {"Authorization": self.bearer}),
            (404, "/sign-in", {}),
            (404, "/.well-known/openid-configuration", {}),
            *[(400, path, {"Authorization": self.bearer}) for path in (
                "/public/../reports/secret", "/public/..%2freports/secret", "/public//reports/secret",
                "/public/%2e%2e/reports/secret", "/public/..;/reports/secret", "/public/%252e%252e/x")],
        ]:
            answer = ask(path, **headers)
            self.assertEqual((answer[0], answer[1]["request_id"]), (status, answer[2]["x-request-id"]), path)
        self.assertEqual(self.behind.asked, before)
        self.assertEqual(ask("/public/x")[0], 200)
        self.assertEqual(ask("/sign-in", host=urlsplit(ISSUER).netloc)[0], 200, "our own host is ours")
        self.assertEqual(ask("/public/x", host="evil.example")[0], 404)

    def test_what_two_servers_could_read_differently_goes_nowhere(self):
        before = self.behind.asked
        good = f"Host: app.localhost\r\nAuthorization: {self.bearer}\r\nConnection: close\r\n"
        for head in (
            f"post /reports/1 HTTP/1.1\r\n{good}",
            f"G'E|T /reports/1 HTTP/1.1\r\n{good}",
            f"CONNECT /reports/1 HTTP/1.1\r\n{good}",
            f"CONNECT app.localhost:80 HTTP/1.1\r\n{good}",
            f"TRACE /reports/1 HTTP/1.1\r\n{good}",
            f"GET /public/%25%32%65%25%32%65/reports/secret HTTP/1.1\r\n{good}",
            f"GET /public/%c0%ae%c0%ae/reports/secret HTTP/1.1\r\n{good}",
            f"GET http://other.localhost/reports/1 HTTP/1.1\r\n{good}",
            f"GET /reports/1 HTTP/1.1\r\n{good}Host: other.localhost\r\n",
            f"POST /reports/1 HTTP/1.1\r\n{good}Transfer-Encoding: gzip, chunked\r\n",
            f"POST /reports/1 HTTP/1.1\r\n{good}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            f"GET /reports/1 HTTP/1.1\r\n{good}Upgrade: h2c\r\nConnection: upgrade\r\n",
        ):
            with socket.create_connection(("127.0.0.1", PORT), timeout=30) as stream:
                stream.sendall(head.encode() + b"\r\n0\r\n\r\n")
                said = stream.recv(65536)
            self.assertRegex(said, rb"^HTTP/1\.[01] (4\d\d|501)", head)
        self.assertEqual(self.behind.asked, before)

    def test_methods_are_what_they_say(self):
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            _, told, _ = ask("/reports/1", Authorization=self.bearer, **{name.replace("-", "__"): "DELETE"})
            self.assertNotIn("DELETE", json.dumps(told), name)

    def test_a_trace_goes_on_as_it_came(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        parent, state = f"00-{trace}-00f067aa0ba902b7-01", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
        _, told, headers = ask("/reports/1", Authorization=self.bearer, traceparent=parent, tracestate=state)
        self.assertEqual((sent(told, "traceparent"), sent(told, "tracestate")), ([parent], [state]))
        self.assertEqual(logged(headers["x-request-id"]), trace, "one trace in both logs")
        for wrong in ("00-0-0-01", parent.upper(), f"ff{parent[2:]}"):
            _, told, _ = ask("/reports/1", Authorization=self.bearer, traceparent=wrong, tracestate=state)
            self.assertEqual((sent(told, "traceparent"), sent(told, "tracestate")), ([], []))

    def test_events_come_as_they_happen(self):
        connection = connect()
        connection.request("GET", "/reports/events", headers={"Host": "app.localhost", "Authorization": self.bearer})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        for number in range(100):
            self.assertEqual(answer.readline(), f"data: {number}\n".encode())
            self.assertEqual(answer.readline(), b"\n")
            self.behind.seen.release()
        self.assertEqual(answer.read(), b"")
        connection.close()

    def test_an_upload_goes_on_as_it_comes(self):
        with socket.create_connection(("127.0.0.1", PORT), timeout=30) as stream:
            stream.sendall((f"POST /reports/upload HTTP/1.1\r\nHost: app.localhost\r\nAuthorization: {self.bearer}\r\n"
                            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode())
            part = b"x" * 100_000
            for _ in range(20):
                stream.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                self.assertTrue(self.behind.arrived.acquire(timeout=30), "the part arrived before the next was sent")
            stream.sendall(b"0\r\n\r\n")
            said = b""
            while more := stream.recv(65536):
                said += more
        self.assertIn(b'{"total": 2000000}', said)

    def test_a_stream_ends_with_its_credential(self):
        client, bearer = token("reports:read")
        connection = connect()
        connection.request("GET", "/reports/events", headers={"Host": "app.localhost", "Authorization": f"Bearer {bearer}"})
        answer = connection.getresponse()
        self.assertEqual(answer.readline(), b"data: 0\n")
        begun = time.monotonic()
        api("POST", f"clients/{client}/suspend")
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            while True:
                if not answer.readline():
                    raise http.client.IncompleteRead(b"")
        self.assertLess(time.monotonic() - begun, SOON)
        self.behind.over.set()
        self.behind.seen.release()
        self.assertEqual(ask("/reports/1", Authorization=f"Bearer {bearer}")[0], 401)
        connection.close()
        self.behind.over.clear()

    def test_an_upload_ends_with_its_credential(self):
        client, bearer = token("reports:read")
        with socket.create_connection(("127.0.0.1", PORT), timeout=30) as stream:
            stream.sendall((f"POST /reports/upload HTTP/1.1\r\nHost: app.localhost\r\nAuthorization: Bearer {bearer}\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").encode())
            self.assertTrue(self.behind.arrived.acquire(timeout=30))
            begun = time.monotonic()
            api("POST", f"clients/{client}/suspend")
            self.assertRegex(stream.recv(65536), rb"^HTTP/1\.1 401")
            self.assertLess(time.monotonic() - begun, SOON)

    def test_a_slow_upload_is_waited_for(self):
        with socket.create_connection(("127.0.0.1", PORT), timeout=30) as stream:
            stream.sendall((f"POST /reports/upload HTTP/1.1\r\nHost: slow.localhost\r\nAuthorization: {self.bearer}\r\n"
                            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode())
            begun = time.monotonic()
            while time.monotonic() - begun < 2.5:
                stream.sendall(b"5\r\nhello\r\n")
                self.assertTrue(self.behind.arrived.acquire(timeout=30))
                time.sleep(0.1)
            stream.sendall(b"0\r\n\r\n")
            self.assertRegex(stream.recv(65536), rb"^HTTP/1\.1 200", "the second of the route began anew with each part")

    def test_an_application_that_is_not_there_is_told(self):
        status, told, _ = ask("/gone/x", Authorization=self.bearer)
        self.assertEqual((status, told["code"]), (502, "gateway.upstream_unreachable"))
        status, told, _ = ask("/reports/never", Authorization=self.bearer, host="slow.localhost")
        self.assertEqual((status, told["code"]), (504, "gateway.upstream_timeout"))
        self.behind.over.set()
        self.behind.over.clear()

    def test_websockets_go_both_ways(self):
        asyncio.run(self.websockets())

    async def websockets(self):
        import websockets

        async def echo(socket):
            await socket.send(socket.request.headers.get("X-User-ID", "nobody"))
            async for message in socket:
                await socket.send(message)

        url = f"ws://live.localhost:{PORT}/live"
        async with websockets.serve(echo, "127.0.0.1", int(os.environ["DOORWARD_LIVE"])):
            client, bearer = token("reports:read")
            headers = {"Authorization": f"Bearer {bearer}", "X-User-ID": "admin"}
            async with websockets.connect(url, host="127.0.0.1",
                                          additional_headers=headers, proxy=None) as live:
                self.assertEqual(await live.recv(), client)
                for size in (1, 1_000, 500_000):
                    await live.send("x" * size)
                    self.assertEqual(len(await live.recv()), size)
                api("POST", f"clients/{client}/suspend")
                with self.assertRaises(websockets.ConnectionClosed):
                    await asyncio.wait_for(live.recv(), SOON)
            with self.assertRaises(websockets.InvalidStatus) as refused:
                await websockets.connect(url, host="127.0.0.1", proxy=None)
            self.assertEqual(refused.exception.response.status_code, 401)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
