"""Requests to a proxy just as they are written, and what the application behind it was sent."""

import http.client
import json
import time


class Answer:
    """What a client of the proxy gets, and what the application was sent."""

    def __init__(self, response):
        self.status, self.headers = response.status, {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()
        is_seen = self.status == 200 and self.headers.get("content-type") == "application/json"
        self.seen = json.loads(self.text) if is_seen else {}
        self.sent = self.seen.get("headers", [])

    def header(self, name):
        """Every value that the application got under this name, in whatever spelling."""
        return [value for sent, value in self.sent if sent.replace("_", "-") == name]


def ask(port, path="/", method="GET", body=None, host=None, source="127.0.0.1", context=None, **headers):
    """The path goes out as it is: libraries tidy it. The names of headers are written with `__` for `-`. With a
    context it goes out by TLS."""
    place = {"timeout": 30, "source_address": (source, 0)}
    if context:
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, **place)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, **place)
    connection.putrequest(method, path, skip_host=host is not None, skip_accept_encoding=True)
    if host is not None:
        connection.putheader("Host", host)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    for name, value in headers.items():
        connection.putheader(name.replace("__", "-"), value)
    connection.endheaders(body)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def until(what, is_so):
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.1)
