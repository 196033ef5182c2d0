"""Tokens that are bound to a key (DPoP): at `/validate` and through the own proxy, once each."""

import http.client
import json
import os
import unittest
import warnings
from urllib.parse import urlsplit

from joserfc.jwk import ECKey

from holder import REPORTS, Holder
from person import ISSUER, api
from proxies import Upstream

PORT = urlsplit(ISSUER).port
HOST = f"app.localhost:{PORT}"

upstream = Upstream(int(os.environ["DOORWARD_UPSTREAM"]))
api("POST", "apis", {"identifier": REPORTS, "name": "Reports", "scopes": [
    {"name": "reports:read", "description": "See reports"}]})


def ask(path, host=HOST, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    connection.request(method, path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    answer.text = answer.read().decode()
    connection.close()
    return answer


class Bound(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = Holder()

    def headers(self, path, nonce, method="GET", **more):
        proof = self.holder.proof(method, f"http://{HOST}{path}", nonce, self.holder.token, **more)
        return {"Authorization": f"DPoP {self.holder.token}", "DPoP": proof}

    def nonce(self):
        answer = ask("/reports/x", **self.headers("/reports/x", None))
        self.assertEqual(answer.status, 401)
        self.assertEqual(json.loads(answer.text)["code"], "auth.nonce_required")
        self.assertIn('error="use_dpop_nonce"', answer.getheader("WWW-Authenticate"))
        return answer.getheader("DPoP-Nonce")

    def refused(self, answer, code="auth.proof_required"):
        self.assertEqual((answer.status, json.loads(answer.text)["code"]), (401, code), answer.text)

    def test_through_the_proxy_with_a_proof_each(self):
        nonce = self.nonce()
        for path in ("/reports/x", "/reports/y"):
            headers = self.headers(path, nonce)
            answer = ask(path, **headers)
            self.assertEqual(answer.status, 200, answer.text)
            self.assertNotIn("dpop", [name for name, _ in json.loads(answer.text)["headers"]])
            self.refused(ask(path, **headers))
        self.assertEqual(ask("/reports/x?page=2", **self.headers("/reports/x", nonce)).status, 200)

    def test_nobody_else_gets_through(self):
        nonce = self.nonce()
        self.refused(ask("/reports/x", Authorization=f"Bearer {self.holder.token}"))
        self.refused(ask("/reports/x", **{"X-API-Key": self.holder.token}))
        self.refused(ask("/reports/x", Authorization=f"DPoP {self.holder.token}"))
        self.refused(ask("/reports/x", **self.headers("/reports/y", nonce)))
        self.refused(ask("/reports/x", method="POST", **self.headers("/reports/x", nonce)))
        self.refused(ask("/reports/x", **self.headers("/reports/x", nonce, key=ECKey.generate_key("P-256"))))
        self.refused(ask("/reports/x", **self.headers("/reports/x", "made-up")), "auth.nonce_required")

    def test_a_proxy_that_asks_describes_what_the_proof_is_for(self):
        nonce = self.nonce()
        described = {"X-Original-Method": "GET", "X-Original-Host": HOST, "X-Original-URI": "/reports/z?x=1"}
        headers = self.headers("/reports/z", nonce)
        answer = ask("/validate?profile=nginx", **headers, **described)
        self.assertEqual(answer.status, 200, answer.text)
        self.refused(ask("/validate?profile=nginx", **headers, **described))
        self.refused(ask("/validate", **self.headers("/validate", nonce)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=2)
