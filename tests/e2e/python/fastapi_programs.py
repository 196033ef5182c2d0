"""The programs of docs/fastapi.md as they stand there: an API that verifies tokens itself, and an application that
signs people in."""

import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import unittest
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec

from person import ISSUER, Everywhere, Forms, api, new_client, new_person
from proxies import free_port

# The programs stand among the sources.
sys.dont_write_bytecode = True
SNIPPETS = os.path.join(os.path.dirname(__file__), "../../../crates/web/snippets")
AUDIENCE = "https://reports.example/v1"
DESCRIBED = "/.well-known/oauth-protected-resource/v1"


@contextmanager
def served(issuer, audience=AUDIENCE):
    """The API of this issuer, in a thread: its module and its address."""
    spec = importlib.util.spec_from_file_location("api", f"{SNIPPETS}/api.py")
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(os.environ, OIDC_ISSUER=issuer, API_AUDIENCE=audience), mock.patch.dict(sys.modules, api=module):
        spec.loader.exec_module(module)
    server = uvicorn.Server(uvicorn.Config(module.app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    end = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < end and thread.is_alive(), "the API does not start"
        time.sleep(0.01)
    try:
        yield module, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def sent(url, token=None, method="GET", **more):
    headers = {"Authorization": f"Bearer {token}".encode()} if token is not None else {}
    return requests.request(method, url, headers=headers, timeout=30, **more)


def token(resource, scope, **more):
    client = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=scope.split(), **more)
    answer = requests.post(
        f"{ISSUER}/oauth2/token", auth=(client["client_id"], client["client_secret"]), timeout=30,
        data={"grant_type": "client_credentials", "scope": scope, "resource": resource})
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


class OtherIssuer:
    """An issuer that says and signs whatever a test wants."""

    def __init__(self):
        self.named, self.is_down = None, False
        self.key, self.stranger = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        other = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                is_keys = self.path == "/keys"
                said = {"keys": [{**public, "kid": "one", "alg": "ES256", "use": "sig"}]} if is_keys else {
                    "issuer": other.named or other.issuer, "jwks_uri": f"{other.issuer}/keys"}
                self.send_response(503 if other.is_down else 200)
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def token(self, key=None, alg="ES256", kid="one", typ="at+jwt", **changed):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "exp": now + 60, "sub": "ada", "tenant_id": "t", "scope": "reports:read", **changed}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.key if key is None else key, algorithm=alg, headers={"kid": kid, "typ": typ})


class Api(unittest.TestCase):
    def refused(self, answer, status, error=None):
        told = answer.headers["www-authenticate"]
        self.assertEqual(answer.status_code, status, answer.text)
        self.assertIn(f'resource_metadata="https://reports.example{DESCRIBED}"', told)
        if error:
            self.assertIn(f'error="{error}"', told)
        else:
            self.assertNotIn("error", told)
        return told

    def test_doorwards_tokens(self):
        scopes = [{"name": f"reports:{what}", "description": what} for what in ("read", "write")]
        for identifier in (AUDIENCE, "https://other.example"):
            api("POST", "apis", {"identifier": identifier, "name": "Reports", "scopes": scopes})
        both, org = "reports:read reports:write", api("POST", "orgs", {"name": "Acme"})["id"]
        ours, theirs = token(AUDIENCE, both), token(AUDIENCE, both, org_id=org, apis=[AUDIENCE])
        with served(ISSUER) as (module, address):
            reports = f"{address}/reports"
            self.refused(sent(reports), 401)
            self.assertEqual(sent(reports, ours).json(), [])
            self.assertEqual(sent(f"{reports}?title=First", ours, "POST").status_code, 201)
            self.assertEqual(sent(reports, ours).json(), ["First"])
            self.assertEqual(sent(reports, theirs).json(), [], "another tenant's data")
            reader = token(AUDIENCE, "reports:read")
            self.assertEqual(sent(reports, reader).status_code, 200)
            told = self.refused(sent(f"{reports}?title=Second", reader, "POST"), 403, "insufficient_scope")
            self.assertIn('scope="reports:write"', told)
            self.refused(sent(reports, token("https://other.example", both)), 401, "invalid_token")
            described = sent(f"{address}{DESCRIBED}").json()
            self.assertEqual((described["resource"], described["authorization_servers"]), (AUDIENCE, [ISSUER]))
            api("POST", "keys/rotate", {"alg": "ES256", "emergency": True})
            fresh = token(AUDIENCE, both)
            self.refused(sent(reports, fresh), 401, "invalid_token")
            half_a_minute_on = SimpleNamespace(monotonic=lambda: time.monotonic() + 30)
            with mock.patch("jwt.jwks_client.time", half_a_minute_on):
                self.assertEqual(sent(reports, fresh).json(), ["First"], "the new key is found")
            self.refused(sent(reports, ours), 401, "invalid_token")

    def test_nobody_elses_tokens(self):
        other = OtherIssuer()
        self.addCleanup(other.close)
        now = int(time.time())
        public = other.key.public_key().public_numbers().x.to_bytes(32)
        with served(other.issuer) as (module, address):
            reports = f"{address}/reports"
            # Its keys cannot be read, or are somebody else's: nobody's fault but the server's.
            for other.is_down, other.named in ((True, None), (False, "https://id.example")):
                answer = sent(reports, other.token())
                self.assertEqual((answer.status_code, answer.headers["retry-after"]), (503, "5"))
            other.is_down, other.named = False, None
            for good in (other.token(), other.token(aud=["https://x.example", AUDIENCE]), other.token(typ="application/at+jwt")):
                self.assertEqual(sent(reports, good).status_code, 200)
            for name, wrong in {
                "expired": other.token(exp=now - 1),
                "never ends": other.token(exp=None),
                "begins later": other.token(nbf=now + 600),
                "another issuer": other.token(iss=ISSUER),
                "no issuer": other.token(iss=None),
                "for others": other.token(aud="https://reports.example"),
                "for nobody": other.token(aud=None),
                "nobody's": other.token(sub=None),
                "an ID token": other.token(typ="JWT"),
                "bound to a key": other.token(cnf={"jkt": "x"}),
                "signed by others": other.token(other.stranger),
                "by an unknown key": other.token(other.stranger, kid="two"),
                "not signed": other.token("", "none"),
                "signed with what is public": other.token(public, "HS256"),
                "nonsense": "x", "more of it": "a.b.c", "of other letters": "é.é.é",
            }.items():
                with self.subTest(name):
                    self.refused(sent(reports, wrong), 401, "invalid_token")
            self.refused(sent(reports, other.token(scope=None)), 403, "insufficient_scope")
            self.refused(requests.get(reports, auth=("ada", "secret"), timeout=30), 401)

    def test_a_name_that_is_no_address(self):
        other = OtherIssuer()
        self.addCleanup(other.close)
        with served(other.issuer, "org_1.reports") as (module, address):
            self.assertEqual(sent(f"{address}/reports").headers["www-authenticate"], "Bearer")
            self.assertEqual(sent(f"{address}/reports", other.token(aud="org_1.reports")).status_code, 200)


class SignIn(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.base = f"http://localhost:{self.port}"
        self.back = f"{self.base}/callback"
        client = new_client(redirect_uris=[self.back], post_logout_redirect_uris=[f"{self.base}/"])
        env = {
            **os.environ, "OIDC_ISSUER": ISSUER, "OIDC_REDIRECT_URI": self.back, "OIDC_SIGNED_OUT_URI": f"{self.base}/",
            "OIDC_CLIENT_ID": client["client_id"], "OIDC_CLIENT_SECRET": client["client_secret"]}
        program = [sys.executable, "-m", "uvicorn", "sign_in:app", "--port", str(self.port), "--log-level", "warning"]
        self.program = subprocess.Popen(program, cwd=SNIPPETS, env={**env, "PYTHONDONTWRITEBYTECODE": "1"})
        self.addCleanup(self.stop)
        end = time.monotonic() + 30
        while True:
            try:
                requests.get(self.base, timeout=30)
                return
            except requests.ConnectionError:
                self.assertIsNone(self.program.poll(), "it does not start")
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)

    def stop(self):
        self.program.terminate()
        self.program.wait()

    def browser(self):
        browser = requests.Session()
        browser.cookies.set_policy(Everywhere())
        return browser

    def test_a_person_signs_in_and_out(self):
        ada, browser = new_person(), self.browser()
        self.assertIn("/sign-in", browser.get(self.base, timeout=30).text)
        out = browser.get(f"{self.base}/sign-in", allow_redirects=False, timeout=30).headers["Location"]
        asked = parse_qs(urlsplit(out).query)
        self.assertEqual(asked["code_challenge_method"], ["S256"])
        self.assertTrue(asked["state"] and asked["nonce"])
        back = ada.authorize(out)
        # In another browser, or with another issuer's name, the way back leads nowhere.
        self.assertEqual(self.browser().get(back, timeout=30).status_code, 400)
        self.assertEqual(browser.get(f"{self.back}?code=x&state={asked['state'][0]}&iss=https://id.example", timeout=30).status_code, 400)
        home = browser.get(back, timeout=30)
        self.assertEqual(home.url, f"{self.base}/")
        self.assertIn(f"Signed in: {ada.email}", home.text)
        self.assertEqual(browser.get(back, timeout=30).status_code, 400, "a code is good once")
        self.assertIn(ada.email, browser.get(self.base, timeout=30).text)
        cookie = next(it for it in browser.cookies if it.name == "sign_in")
        self.assertTrue(cookie.has_nonstandard_attr("httponly"))
        self.assertEqual(cookie.get_nonstandard_attr("samesite"), "lax")

        form = Forms(home.text).forms[0]
        gone = browser.post(f"{self.base}{form['action']}", allow_redirects=False, timeout=30)
        self.assertEqual(urlsplit(ada.authorize(gone.headers["Location"]))._replace(query="").geturl(), f"{self.base}/")
        self.assertIn("/sign-in", browser.get(self.base, timeout=30).text)
        thief = self.browser()
        self.assertIn("/sign-in", thief.get(self.base, cookies={"sign_in": cookie.value}, timeout=30).text, "what was copied is worth nothing")
        out = browser.get(f"{self.base}/sign-in", allow_redirects=False, timeout=30).headers["Location"]
        refused = ada.authorize(f"{out}&prompt=none")
        self.assertIn("error=login_required", refused, "signed out at the issuer, too")
        self.assertEqual(browser.get(refused, timeout=30).status_code, 400)


if __name__ == "__main__":
    unittest.main(verbosity=2)
