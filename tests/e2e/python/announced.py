"""A real HAProxy that hands connections on as they are, and says by the PROXY protocol whose they are."""

import http.client
import json
import os
import socket
import time
import unittest

from lone import Gateway
from proxies import Upstream, haproxy

FILE = """
trusted_proxies = ["127.0.0.1/32"]
proxy_protocol = true

[[gateway.routes]]
name = "application"
hosts = ["app.localhost"]
mode = "disabled"
upstream = "http://127.0.0.1:UPSTREAM"
"""

HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend guarded
    bind 127.0.0.1:8081
    default_backend doorward
backend doorward
    server doorward 127.0.0.1:PORT HOW
"""


class Announced(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.behind = Upstream()
        cls.gateway = Gateway(FILE.replace("UPSTREAM", str(cls.behind.port)))

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()
        cls.behind.stop()

    def from_where(self, port, client):
        """What the application is told of this client, which names another address itself."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(client, 0))
        connection.request("GET", "/x", headers={"Host": "app.localhost", "X-Forwarded-For": "6.6.6.6"})
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        self.assertEqual(answer.status, 200, told)
        return [value for name, value in told["headers"] if name in ("x-forwarded-for", "x-real-ip")]

    def test_both_versions_say_where_a_client_is(self):
        for how in ("send-proxy", "send-proxy-v2"):
            with haproxy(HAPROXY.replace("PORT", str(self.gateway.port)).replace("HOW", how), "") as proxy:
                for client in ("127.0.0.2", "127.0.0.3"):
                    self.assertEqual(self.from_where(proxy.port, client), [client, client], how)

    def closed(self, client, sent):
        with socket.create_connection(("127.0.0.1", self.gateway.port), timeout=30, source_address=(client, 0)) as stream:
            stream.sendall(sent)
            try:
                return stream.recv(65536)
            except ConnectionResetError:
                return b""

    def logged(self, text):
        """Lines are written a moment after what they tell."""
        end = time.monotonic() + 30
        while text not in self.gateway.told():
            self.assertLess(time.monotonic(), end, self.gateway.told())
            time.sleep(0.02)

    def test_nobody_else_says_it(self):
        request = b"GET /x HTTP/1.1\r\nHost: app.localhost\r\n\r\n"
        header = b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n"
        before = self.behind.asked
        for client, sent, logged in (
                ("127.0.0.9", header + request, "the PROXY protocol is for trusted_proxies"),
                ("127.0.0.1", request, "the PROXY protocol header is malformed"),
                ("127.0.0.1", b"PROXY TCP4 6.6.6.6\r\n" + request, "the PROXY protocol header is malformed")):
            self.assertEqual(self.closed(client, sent), b"")
            self.logged(logged)
        self.assertEqual(self.behind.asked, before)


if __name__ == "__main__":
    assert os.environ["DOORWARD_PROGRAM"]
    unittest.main(verbosity=2)
