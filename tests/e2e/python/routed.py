"""Routes made by the API and the command line: in force with the answer, without a dropped request."""

import http.client
import json
import os
import subprocess
import threading
import unittest
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

import requests

from person import ISSUER, api
from proxies import Echo

ROOT = {"Authorization": f"Bearer {os.environ['DOORWARD_BOOTSTRAP']}"}
UPSTREAM = f"http://127.0.0.1:{os.environ['DOORWARD_UPSTREAM']}"


def ask(host, path="/x", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(ISSUER).port, timeout=30)
    connection.request("GET", path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def routes(method, path="", body=None, **headers):
    return requests.request(method, f"{ISSUER}/api/v1/routes{path}", json=body, headers={**ROOT, **headers}, timeout=30)


def command(*words):
    run = subprocess.run([os.environ["DOORWARD_PROGRAM"], *words, "--url", ISSUER], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "DOORWARD_SERVICE_TOKEN": os.environ["DOORWARD_BOOTSTRAP"]})
    return run.returncode, run.stdout, run.stderr


class Routed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.behind = ThreadingHTTPServer(("127.0.0.1", int(os.environ["DOORWARD_UPSTREAM"])), Echo)
        cls.behind.daemon_threads, cls.behind.asked = True, 0
        threading.Thread(target=cls.behind.serve_forever, daemon=True).start()
        made = api("POST", "service-tokens", {"scopes": ["files:read"]})
        cls.bearer = {"Authorization": f"Bearer {made['secret']}"}

    @classmethod
    def tearDownClass(cls):
        cls.behind.shutdown()

    def test_a_change_is_in_force_with_the_answer(self):
        host = "new.localhost"
        self.assertEqual(ask(host, **self.bearer), 404)
        made = routes("POST", body={"name": "new", "hosts": [host], "upstream": UPSTREAM, "scopes": ["files:read"]})
        self.assertEqual(made.status_code, 201, made.text)
        self.assertEqual((made.json()["source"], made.json()["in_force"]), ("api", True))
        self.assertEqual((ask(host), ask(host, **self.bearer)), (401, 200))
        tag = made.headers["ETag"]
        changed = routes("PATCH", "/new", {"scopes": ["files:write"]}, **{"If-Match": tag})
        self.assertEqual(changed.status_code, 200, changed.text)
        self.assertEqual(ask(host, **self.bearer), 403)
        self.assertEqual(routes("PATCH", "/new", {"scopes": []}, **{"If-Match": tag}).status_code, 412)
        opened = routes("PATCH", "/new", {"scopes": None, "mode": "disabled"})
        self.assertEqual(opened.status_code, 200, opened.text)
        self.assertEqual(ask(host), 200)
        self.assertEqual(routes("DELETE", "/new").status_code, 204)
        self.assertEqual(ask(host), 404)

    def test_no_request_is_dropped(self):
        api("POST", "routes", {"name": "steady", "hosts": ["steady.localhost"], "upstream": UPSTREAM})
        over, wrong, asked = threading.Event(), [], [0] * 4

        def load(place):
            while not over.is_set():
                status = ask("steady.localhost", **self.bearer)
                asked[place] += 1
                if status != 200:
                    wrong.append(status)

        threads = [threading.Thread(target=load, args=(place,)) for place in range(len(asked))]
        for thread in threads:
            thread.start()
        for number in range(20):
            api("POST", "routes", {"name": f"n{number}", "paths": [f"/n{number}"]})
            api("PATCH", f"routes/n{number}", {"scopes": ["files:read"]})
            api("DELETE", f"routes/n{number}")
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertTrue(all(asked), asked)

    def test_the_configuration_stays_as_it_is(self):
        listed = {route["name"]: route for route in routes("GET").json()["items"]}
        self.assertEqual((listed["fixed"]["source"], listed["fixed"]["hosts"]), ("file", ["fixed.localhost"]))
        for answer in (routes("POST", body={"name": "fixed"}), routes("PATCH", "/fixed", {"scopes": []}), routes("DELETE", "/fixed")):
            self.assertEqual(answer.status_code, 409, answer.text)
            self.assertIn("configuration", answer.json()["detail"])

    def test_what_makes_no_sense_is_told(self):
        for body, field, word in (
            ({"name": "bad", "paths": ["x"]}, "paths", "x"),
            ({"name": "bad", "mode": "open"}, "mode", "unknown variant"),
            ({"name": "bad", "upstream": "nowhere"}, "upstream", "is no application"),
            ({"name": "bad", "hosts": ["localhost"], "upstream": UPSTREAM}, "hosts", "own host"),
        ):
            refused = routes("POST", body=body)
            self.assertEqual((refused.status_code, refused.json()["field"]), (400, field), refused.text)
            self.assertIn(word, refused.json()["detail"])
        self.assertEqual(routes("GET", "/bad").status_code, 404)

    def test_the_command_line_does_the_same(self):
        code, said, wrong = command("route", "create", "--name", "cli", "--host", "cli.localhost", "--upstream", UPSTREAM,
                                    "--scope", "files:read", "--output", "json")
        self.assertEqual(code, 0, wrong)
        self.assertEqual(json.loads(said)["name"], "cli")
        self.assertEqual((ask("cli.localhost"), ask("cli.localhost", **self.bearer)), (401, 200))
        code, said, wrong = command("route", "test", "--method", "GET", "--target", "https://cli.localhost/x", "--output", "json")
        self.assertEqual(code, 0, wrong)
        self.assertEqual((json.loads(said)["name"], json.loads(said)["route"]["scopes"]), ("cli", ["files:read"]))
        code, said, wrong = command("route", "update", "cli", "--scope", "files:write")
        self.assertEqual((code, ask("cli.localhost", **self.bearer)), (0, 403), wrong)
        self.assertEqual(command("route", "delete", "cli")[0], 0)
        code, said, _ = command("route", "list", "--output", "json")
        self.assertNotIn("cli", [route["name"] for route in json.loads(said)["items"]])


if __name__ == "__main__":
    unittest.main()
