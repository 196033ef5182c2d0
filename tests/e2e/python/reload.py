"""Routes change under load: no request is dropped, and the new ones count from then on."""

import http.client
import json
import os
import signal
import threading
import time
import unittest
import warnings
from urllib.parse import urlsplit

from person import ISSUER, api
from proxies import Upstream

PORT = urlsplit(ISSUER).port
PID = int(os.environ["DOORWARD_PID"])


def routes(*more):
    tables = [("open", "open.localhost", ["files:read"]), *more]
    text = ""
    for name, host, scopes in tables:
        text += (f'[[gateway.routes]]\nname = "{name}"\nhosts = ["{host}"]\nscopes = {json.dumps(scopes)}\n'
                 f'upstream = "http://127.0.0.1:{upstream.port}"\n\n')
    return text


def reload(text):
    with open(os.environ["DOORWARD_CONFIG_FILE"], "w", encoding="utf-8") as file:
        file.write(text)
    os.kill(PID, signal.SIGHUP)


def said(words):
    end = time.monotonic() + 30
    while True:
        with open(os.environ["DOORWARD_SERVER_LOG"], encoding="utf-8") as file:
            found = file.read().count(words)
        if found > said.before.get(words, 0):
            said.before[words] = found
            return
        assert time.monotonic() < end, f"waited in vain: {words}"
        time.sleep(0.05)


said.before = {}
upstream = Upstream()


class Client:
    """One connection that asks again and again."""

    def __init__(self, token):
        self.headers, self.connection = {"Authorization": f"Bearer {token}"}, None

    def ask(self, host):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        self.connection.request("GET", "/x", headers={"Host": host, **self.headers})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


class Reload(unittest.TestCase):
    def test_routes_change_without_a_dropped_request(self):
        token = api("POST", "service-tokens", {"name": "loader", "scopes": ["files:read"]})["secret"]
        reload(routes())
        said("the routes were read again")
        over, failed, asked = threading.Event(), [], [0] * 8

        def load(number):
            client = Client(token)
            while not over.is_set():
                try:
                    status = client.ask("open.localhost")
                except Exception as error:  # noqa: BLE001: whatever it is counts as dropped
                    status, client.connection = repr(error), None
                asked[number] += 1
                if status != 200:
                    failed.append(status)

        threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        probe = Client(token)
        for turn in range(20):
            reload(routes(("other", "other.localhost", ["files:read"] if turn % 2 else ["files:delete"])))
            said("the routes were read again")
            self.assertEqual(probe.ask("other.localhost"), 200 if turn % 2 else 403)
        for wrong in ("[[gateway.routes]]\nname = 7\n", "not toml", '[auth]\nmode = "disabled"\n[allow]\nplain_http = 5\n'):
            reload(wrong)
            said("the routes stay as they are")
            self.assertEqual(probe.ask("other.localhost"), 200)
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        self.assertGreater(min(asked), 20)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
