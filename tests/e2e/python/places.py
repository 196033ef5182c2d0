"""An organisation and its applications are used from one address of this machine, and refused from another: at the
token endpoint, at the API and at the gateway."""

import base64
import json
import os
import secrets
import threading
import unittest
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

from asking import ask, until
from person import ISSUER, api
from proxies import Echo

HERE, THERE = "127.0.0.1", "127.0.0.2"
PORT = urlsplit(ISSUER).port


def made(kind, body):
    return api("POST", kind, {"name": f"made-{secrets.token_hex(4)}", **body})


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.behind = ThreadingHTTPServer(("127.0.0.1", int(os.environ["DOORWARD_UPSTREAM"])), Echo)
        cls.behind.daemon_threads, cls.behind.asked = True, 0
        threading.Thread(target=cls.behind.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.behind.shutdown()

    def setUp(self):
        self.org = made("orgs", {})["id"]
        self.client = made("clients", {"type": "confidential", "org_id": self.org, "grant_types": ["client_credentials"]})
        self.token = made("service-tokens", {"org_id": self.org, "scopes": ["reports:read"]})["secret"]

    def fence(self, *ranges):
        api("PATCH", f"orgs/{self.org}", {"allowed_addresses": list(ranges)})

    def issue(self, source):
        both = base64.b64encode(f"{self.client['client_id']}:{self.client['client_secret']}".encode()).decode()
        headers = {"Authorization": f"Basic {both}", "Content__Type": "application/x-www-form-urlencoded"}
        answer = ask(PORT, "/oauth2/token", "POST", b"grant_type=client_credentials", source=source, **headers)
        return answer.status, json.loads(answer.text)

    def test_an_application_proves_itself_from_one_address(self):
        api("PATCH", f"clients/{self.client['id']}", {"allowed_addresses": [HERE]})
        self.assertEqual(self.issue(HERE)[0], 200)
        status, told = self.issue(THERE)
        self.assertEqual((status, told["error"]), (401, "invalid_client"), told)

    def test_tokens_of_an_organisation_are_issued_at_one_address(self):
        self.assertEqual(self.issue(THERE)[0], 200)
        self.fence(HERE)
        self.assertEqual(self.issue(HERE)[0], 200)
        status, told = self.issue(THERE)
        self.assertEqual((status, told["error"]), (400, "invalid_grant"), told)

    def test_the_api_is_called_from_one_address(self):
        own = made(f"orgs/{self.org}/service-tokens", {"scopes": ["org:settings:read"]})["secret"]
        issued = self.issue(HERE)[1]["access_token"]
        self.fence(HERE)
        for secret, path in ((own, f"/api/v1/orgs/{self.org}"), (issued, "/api/whoami")):
            self.assertEqual(ask(PORT, path, source=HERE, **bearer(secret)).status, 200)
            refused = ask(PORT, path, source=THERE, **bearer(secret))
            self.assertEqual((refused.status, json.loads(refused.text)["code"]), (401, "auth.invalid_address"))
        api("PATCH", f"orgs/{self.org}", {"allowed_addresses": ["10.0.0.0/8"]})
        self.assertEqual(api("GET", f"orgs/{self.org}")["allowed_addresses"], ["10.0.0.0/8"], "the operator is not bound")

    def test_the_gateway_lets_through_from_one_address(self):
        through = lambda source: ask(PORT, "/reports", host="app.localhost", source=source, **bearer(self.token))
        # The proxy that asks is at another address than the one that it asks about.
        asked = lambda source: ask(PORT, "/validate", X__Forwarded__For=source, **bearer(self.token))
        for tried in (through, asked):
            self.assertEqual((tried(HERE).status, tried(THERE).status), (200, 200))
            self.fence(HERE)
            until("the gateway knows of the list", lambda: tried(THERE).status == 401)
            self.assertEqual(tried(HERE).status, 200)
            refused = tried(THERE)
            self.assertEqual(json.loads(refused.text)["code"], "auth.invalid_address", refused.text)
            self.fence()
            until("the gateway knows that there is none", lambda: tried(THERE).status == 200)


if __name__ == "__main__":
    unittest.main()
