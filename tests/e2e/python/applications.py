"""What the server's own proxy does for the applications behind it: HTTP/2 and gRPC, several places of one
application, and answers of which something stays inside."""

import json
import os
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler

import grpc
import httpx

from person import ISSUER, api
from proxies import DOORWARD, Quiet

BEHIND = [int(port) for port in os.environ["DOORWARD_BEHIND"].split(",")]
GRPC = int(os.environ["DOORWARD_GRPC"])


class Told(BaseHTTPRequestHandler):
    """Tells which place it is, and what should stay inside. It keeps no connection, so that a place that is
    stopped is gone."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path == "/healthz":
            return self.say(200 if self.server.is_well else 500, b"")
        self.server.asked += 1
        if self.path == "/breaks":
            self.close_connection = True
            return self.connection.close()
        if self.path == "/torn":
            return self.say(200, b'{"user_id": "usr_1"')
        if self.path == "/packed":
            return self.say(200, b'{"user_id": "usr_1"}', ("Content-Encoding", "gzip"))
        if self.path == "/page":
            return self.say(200, b'{"user_id"', kind="text/html")
        if self.path == "/head":
            return self.say(200, b"{}", ("X-Long", "x" * 400_000))
        self.say(200, json.dumps({
            "result": 12345678901234567890123, "user_id": "usr_1", "place": self.server.server_port,
            "body": len(body), "accept_encoding": self.headers.get("Accept-Encoding")}).encode())

    do_POST = do_GET

    def say(self, status, body, *more, kind="application/json"):
        self.send_response(status)
        self.close_connection = True
        for name, value in (("Connection", "close"), ("Content-Type", kind), ("Content-Length", str(len(body))), ("X-Internal", "a"), *more):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def place(port):
    server = Quiet(("127.0.0.1", port), Told)
    server.asked, server.is_well = 0, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def until(what, is_so):
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.1)


class Plain(grpc.GenericRpcHandler):
    """gRPC without messages: what comes is bytes."""

    def service(self, call):
        def who(_, context):
            metadata = dict(context.invocation_metadata())
            context.set_trailing_metadata((("x-told", "at the end"),))
            return metadata.get("x-user-id", "").encode()

        def fails(_, context):
            context.abort(grpc.StatusCode.NOT_FOUND, "there is none")

        def again(asked, _):
            yield from asked

        return {
            "/t.T/Who": grpc.unary_unary_rpc_method_handler(who),
            "/t.T/Fails": grpc.unary_unary_rpc_method_handler(fails),
            "/t.T/Again": grpc.stream_stream_rpc_method_handler(again),
        }.get(call.method)


class Applications(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        made = api("POST", "service-tokens", {"name": "caller", "scopes": ["calls:make"]})
        cls.token, cls.user = made["secret"], made["id"]
        cls.headers = {"Authorization": f"Bearer {cls.token}"}

    def ask(self, host, path="/", method="GET", body=None, **more):
        headers = {**self.headers, **more, "Host": f"{host}.localhost"}
        return httpx.request(method, f"http://{DOORWARD}{path}", content=body, headers=headers, timeout=30)

    def test_grpc_goes_both_ways_with_its_trailers(self):
        from concurrent import futures
        server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Plain()])
        server.add_insecure_port(f"127.0.0.1:{GRPC}")
        server.start()
        options = [("grpc.default_authority", "calls.localhost"), ("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(DOORWARD, options=options) as channel:
            good = (("authorization", f"Bearer {self.token}"), ("x-user-id", "forged"))
            told, call = channel.unary_unary("/t.T/Who").with_call(b"", metadata=good, timeout=30)
            self.assertEqual(told.decode(), self.user)
            self.assertIn(("x-told", "at the end"), [tuple(item) for item in call.trailing_metadata()])
            with self.assertRaises(grpc.RpcError) as failed:
                channel.unary_unary("/t.T/Fails")(b"", metadata=good, timeout=30)
            self.assertEqual((failed.exception.code(), failed.exception.details()),
                             (grpc.StatusCode.NOT_FOUND, "there is none"))
            for metadata, status in ((None, grpc.StatusCode.UNAUTHENTICATED),
                                     ((("authorization", "Bearer wrong"),), grpc.StatusCode.UNAUTHENTICATED)):
                with self.assertRaises(grpc.RpcError) as refused:
                    channel.unary_unary("/t.T/Who")(b"", metadata=metadata, timeout=30)
                self.assertEqual(refused.exception.code(), status)
            # Each is said again before the next is sent.
            said, next_one = [], threading.Semaphore(1)

            def parts():
                for number in range(20):
                    assert next_one.acquire(timeout=30)
                    yield f"{number}".encode() * 1000

            for part in channel.stream_stream("/t.T/Again")(parts(), metadata=good, timeout=60):
                said.append(part)
                next_one.release()
            self.assertEqual(said, [f"{number}".encode() * 1000 for number in range(20)])
        server.stop(None).wait()

    def test_http2_is_spoken_with_clients(self):
        behind = place(BEHIND[2])
        with httpx.Client(http1=False, http2=True, timeout=30) as client:
            for body in (b"", b"x" * 200_000):
                answer = client.post(f"http://{DOORWARD}/x", content=body, headers={**self.headers, "Host": "one.localhost"})
                self.assertEqual((answer.status_code, answer.http_version), (200, "HTTP/2"), answer.text)
                self.assertEqual(answer.json()["body"], len(body))
            refused = client.get(f"http://{DOORWARD}/x", headers={"Host": "one.localhost"})
            self.assertEqual((refused.status_code, refused.json()["code"]), (401, "auth.missing_token"))
        behind.shutdown()
        behind.server_close()

    def test_several_places_share_the_requests_and_stand_in_for_each_other(self):
        one, two = place(BEHIND[0]), place(BEHIND[1])
        for _ in range(10):
            self.assertEqual(self.ask("many").status_code, 200)
        self.assertEqual((one.asked, two.asked), (5, 5))
        one.shutdown()
        one.server_close()
        # Nothing of a request was sent to a place that is not there.
        for method, body in [("GET", None), ("POST", b"x" * 300_000)] * 10:
            answer = self.ask("many", method=method, body=body)
            self.assertEqual((answer.status_code, answer.json()["place"]), (200, BEHIND[1]))
            self.assertEqual(answer.json()["body"], len(body or b""))
        one = place(BEHIND[0])
        until("it is asked again", lambda: self.ask("many").json()["place"] == BEHIND[0])
        # What was begun is sent again only where that does no harm.
        before = one.asked + two.asked
        self.assertEqual(self.ask("many", "/breaks").status_code, 502)
        self.assertEqual(one.asked + two.asked - before, 2)
        self.assertEqual(self.ask("many", "/breaks", "POST", b"x").status_code, 502)
        self.assertEqual(one.asked + two.asked - before, 3)
        # A place that says that it is not well is left out, until it is.
        self.ask("healthy")
        one.is_well = False
        until("only the other is asked", lambda: {self.ask("healthy").json()["place"] for _ in range(4)} == {BEHIND[1]})
        one.is_well = True
        until("both are asked", lambda: len({self.ask("healthy").json()["place"] for _ in range(4)}) == 2)
        for server in (one, two):
            server.shutdown()
            server.server_close()

    def test_what_stays_inside_stays_inside(self):
        behind = place(BEHIND[3])
        answer = self.ask("discreet", **{"Accept-Encoding": "gzip", "Range": "bytes=0-10"})
        self.assertEqual((answer.status_code, answer.headers.get("x-internal")), (200, None))
        told = answer.json()
        self.assertNotIn("user_id", told)
        self.assertIsNone(told["accept_encoding"], "it is asked for what can be read")
        self.assertIn("12345678901234567890123", answer.text, "the rest is as it was written")
        for path in ("/torn", "/packed"):
            answer = self.ask("discreet", path)
            self.assertEqual((answer.status_code, answer.json()["code"]), (502, "gateway.upstream_unreachable"))
            self.assertNotIn("usr_1", answer.text)
        self.assertEqual(self.ask("discreet", "/page").text, '{"user_id"', "what is no JSON goes on as it is")
        self.assertEqual(self.ask("discreet", "/head").status_code, 502, "a head has an end")
        behind.shutdown()
        behind.server_close()


if __name__ == "__main__":
    assert ISSUER
    unittest.main(verbosity=2)
