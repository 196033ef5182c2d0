"""People at an application behind a gateway alone, which is a client of the issuer on another machine."""

import hashlib
import hmac
import json
import os
import subprocess
import tempfile
import time
import unittest
import warnings
from base64 import urlsafe_b64decode
from urllib.parse import parse_qs, urlsplit

import jwt as pyjwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm

from browsing import PRESSED, Browser
from lone import Gateway
from person import ISSUER, api, new_client, new_person
from proxies import Upstream, free_port

COOKIE_SECRET = "thirty-two bytes that nobody else can guess"
upstream = Upstream()


class Guarded:
    """A gateway before the application, and what the issuer knows of it."""

    def __init__(self, registered=None, **settings):
        self.port = free_port()
        self.base = f"http://app.localhost:{self.port}"
        self.client = new_client(redirect_uris=[f"{self.base}/.doorward/callback"], first_party=True, **(registered or {}))
        if not registered:
            settings["DOORWARD_GATEWAY_CLIENT_SECRET"] = self.client["client_secret"]
        self.gateway = Gateway(
            DOORWARD_LISTEN=f"127.0.0.1:{self.port}", DOORWARD_GATEWAY_CLIENT_ID=self.client["client_id"],
            DOORWARD_GATEWAY_ISSUER=ISSUER,
            DOORWARD_GATEWAY_COOKIE_SECRET=COOKIE_SECRET, DOORWARD_AUTH_INTROSPECTION_TTL="1",
            DOORWARD_GATEWAY_ROUTES=json.dumps([
                {"name": "app", "hosts": ["app.localhost"], "upstream": f"http://127.0.0.1:{upstream.port}"}]),
            **settings)

    def cookie(self, browser):
        return browser.jar(urlsplit(self.base).netloc).cookies.get("doorward_gate")

    def session(self, browser):
        """What is sealed in the cookie."""
        key = hmac.new(COOKIE_SECRET.encode(), b"sessions at the gateway", hashlib.sha256).digest()
        sealed = self.cookie(browser)
        sealed = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        return json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], f"gate {self.base}".encode()))


class AloneSignedIn(unittest.TestCase):
    def guarded(self, registered=None, **settings):
        guarded = Guarded(registered, **settings)
        self.addCleanup(guarded.gateway.close)
        return guarded

    def person(self):
        person = new_person()
        person.sign_in()
        return person, Browser(person.browser)

    def until(self, browser, url, status):
        """An answer of the issuer is believed for a second."""
        end = time.monotonic() + 30
        while browser.ask(url).status_code != status:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_a_browser_signs_in_at_the_issuer_and_comes_back(self):
        guarded = self.guarded()
        person, browser = self.person()
        answer, way = browser.open(f"{guarded.base}/reports/1?page=2")
        self.assertEqual(answer.status_code, 200, answer.text)
        seen = json.loads(answer.text)
        self.assertEqual(seen["path"], "/reports/1?page=2")
        headers = dict(seen["headers"])
        self.assertTrue(headers["x-user-id"].startswith("usr_"))
        self.assertEqual((headers["x-auth-type"], headers["x-client-id"]), ("session", guarded.client["client_id"]))
        # Its access tokens hold no mail address; the issuer's userinfo does.
        self.assertEqual((headers["x-user-email"], headers["x-user-role"]), (person.email, "user"))
        self.assertTrue(headers["x-organization-id"].startswith("org_"), headers)
        self.assertNotIn("doorward", headers.get("cookie", ""))
        self.assertEqual([step.split("/", 1)[1] for step in way],
                         [".doorward/login", "oauth2/authorize", ".doorward/callback", "reports/1"])
        self.assertEqual(browser.open(f"{guarded.base}/reports/2")[1], [])
        for origin, status in ((guarded.base, 200), ("http://evil.localhost", 403)):
            posted = browser.ask(f"{guarded.base}/reports", method="POST", headers={"Origin": origin}, data="x=1")
            self.assertEqual(posted.status_code, status)
        self.assertEqual(browser.ask(f"{guarded.base}/reports", headers={"Accept": "*/*"}).status_code, 200)
        stranger = Browser(requests.Session())
        self.assertEqual(stranger.ask(f"{guarded.base}/reports", headers={"Accept": "*/*"}).status_code, 401)
        # The token is in the cookie alone: nothing else than the session opens the door.
        token = guarded.session(browser)["t"]
        shown = stranger.ask(f"{guarded.base}/reports", headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(shown.status_code, 401)

    def test_the_way_to_the_issuer_and_back_is_held_to_its_rules(self):
        guarded = self.guarded()
        _, browser = self.person()
        begun = browser.ask(f"{guarded.base}/.doorward/login?to=/reports/3")
        asked = parse_qs(urlsplit(begun.headers["Location"]).query)
        self.assertEqual(asked["code_challenge_method"], ["S256"])
        self.assertEqual((len(asked["state"]), len(asked["nonce"])), (1, 1))
        back = browser.ask(begun.headers["Location"]).headers["Location"]
        for changed in (back.replace("iss=", "iss=x"), back.replace("iss=", "xss="), back.replace("state=", "state=A")):
            self.assertEqual(browser.ask(changed).status_code, 400, changed)
        # A code that was got for another try carries another nonce, and needs another verifier.
        other = browser.ask(browser.ask(f"{guarded.base}/.doorward/login").headers["Location"]).headers["Location"]
        code, wrong = (parse_qs(urlsplit(it).query)["code"][0] for it in (back, other))
        self.assertEqual(browser.ask(back.replace(code, wrong)).status_code, 400)
        again = browser.ask(back)
        self.assertEqual(again.status_code, 400)
        self.assertIn("has been used", again.text)
        self.assertIsNone(guarded.cookie(browser))

    def test_signed_out_here_and_everywhere(self):
        guarded = self.guarded()
        url = f"{guarded.base}/reports/1"
        person, browser = self.person()
        self.assertEqual(browser.open(url)[0].status_code, 200)
        copy = {"Cookie": f"doorward_gate={guarded.cookie(browser)}"}
        thief, token = Browser(requests.Session()), guarded.session(browser)["t"]
        self.assertEqual(thief.ask(url, headers=copy).status_code, 200)
        asked = browser.ask(f"{guarded.base}/.doorward/logout", headers={**PRESSED, "Sec-Fetch-Site": "cross-site"})
        self.assertEqual(asked.status_code, 200)
        gone = browser.ask(f"{guarded.base}/.doorward/logout", headers=PRESSED)
        self.assertEqual(gone.status_code, 303)
        self.assertTrue(gone.headers["Location"].startswith(f"{ISSUER}/oauth2/logout?"), gone.headers)
        self.assertEqual(thief.ask(url, headers=copy).status_code, 302)
        said = requests.post(f"{ISSUER}/oauth2/introspect", data={"token": token}, timeout=30,
                             auth=(guarded.client["client_id"], guarded.client["client_secret"]))
        self.assertEqual(said.json(), {"active": False})
        # The end of the session at the issuer is the end here.
        self.assertEqual(browser.open(url)[0].status_code, 200)
        person.sign_out()
        self.until(browser, url, 302)

    def test_a_session_is_renewed_where_the_issuer_lets_it(self):
        guarded = self.guarded(DOORWARD_GATEWAY_SCOPES="openid profile email offline_access")
        url = f"{guarded.base}/reports/1"
        person, browser = self.person()
        begun = browser.ask(browser.ask(url).headers["Location"].replace("/.doorward", f"{guarded.base}/.doorward", 1))
        back = person.authorize(begun.headers["Location"])
        self.assertEqual(browser.ask(back).status_code, 303)
        before = guarded.session(browser)
        self.assertIn("r", before)
        ended = requests.post(f"{ISSUER}/oauth2/revoke", data={"token": before["t"]}, timeout=30,
                              auth=(guarded.client["client_id"], guarded.client["client_secret"]))
        self.assertEqual(ended.status_code, 200)
        self.until(browser, url, 302)
        answer, way = browser.open(url)
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual([step.split("/", 1)[1] for step in way], [".doorward/login", "reports/1"])
        after = guarded.session(browser)
        self.assertNotEqual((after["t"], after["r"]), (before["t"], before["r"]))
        browser.ask(f"{guarded.base}/.doorward/logout", headers=PRESSED)
        renewed = requests.post(f"{ISSUER}/oauth2/token", timeout=30, data={
            "grant_type": "refresh_token", "refresh_token": after["r"]},
            auth=(guarded.client["client_id"], guarded.client["client_secret"]))
        self.assertEqual(renewed.json()["error"], "invalid_grant")

    def test_a_key_says_who_the_gateway_is_in_place_of_a_secret(self):
        own, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        files = []
        for name, key in (("own", own), ("other", other)):
            files.append(os.path.join(folder.name, f"{name}.pem"))
            with open(os.open(files[-1], os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = {**json.loads(ECAlgorithm.to_jwk(own.public_key())), "kid": "gate-1", "alg": "ES256", "use": "sig"}
        registered = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [public]}}
        guarded = self.guarded(registered, DOORWARD_GATEWAY_CLIENT_KEY_FILE=files[0], DOORWARD_GATEWAY_CLIENT_KEY_ID="gate-1",
                               DOORWARD_GATEWAY_SCOPES="openid profile email offline_access")
        url = f"{guarded.base}/reports/1"
        person, browser = self.person()
        begun = browser.ask(browser.ask(url).headers["Location"].replace("/.doorward", f"{guarded.base}/.doorward", 1))
        self.assertEqual(browser.ask(person.authorize(begun.headers["Location"])).status_code, 303)
        answer, way = browser.open(url)
        self.assertEqual((answer.status_code, way), (200, []), answer.text)
        self.assertEqual(dict(json.loads(answer.text)["headers"])["x-user-email"], person.email)
        # The key is believed at introspection, where it renews, and where it ends what it has got.
        self.until(browser, url, 200)
        session = guarded.session(browser)
        gone = browser.ask(f"{guarded.base}/.doorward/logout", headers=PRESSED)
        self.assertEqual(gone.status_code, 303)
        said = requests.post(f"{ISSUER}/oauth2/token", timeout=30, data={
            "grant_type": "refresh_token", "refresh_token": session["r"], "client_id": guarded.client["client_id"],
            **self.assertion(own, guarded.client["client_id"])})
        self.assertEqual(said.json()["error"], "invalid_grant", said.text)
        for changed in ({"DOORWARD_GATEWAY_CLIENT_KEY_FILE": files[1]}, {"DOORWARD_GATEWAY_CLIENT_KEY_ID": "gate-2"}):
            settings = {"DOORWARD_GATEWAY_CLIENT_KEY_FILE": files[0], "DOORWARD_GATEWAY_CLIENT_KEY_ID": "gate-1", **changed}
            stranger = self.guarded(registered, **settings)
            _, browser = self.person()
            begun = browser.ask(f"{stranger.base}/.doorward/login")
            back = browser.ask(begun.headers["Location"]).headers["Location"]
            self.assertEqual(browser.ask(back).status_code, 400, changed)
            self.assertIsNone(stranger.cookie(browser))

    def assertion(self, key, client_id):
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": os.urandom(16).hex()}
        return {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": pyjwt.encode(claims, key, algorithm="ES256", headers={"kid": "gate-1"})}

    def test_what_is_missing_is_named_at_the_start(self):
        named = {"DOORWARD_GATEWAY_CLIENT_ID": "door"}
        secret = {**named, "DOORWARD_GATEWAY_CLIENT_SECRET": "a-secret-of-the-client"}
        for settings, key in [
                (named, "gateway.client_secret"),
                ({**named, "DOORWARD_GATEWAY_CLIENT_KEY": "no key"}, "gateway.client_key"),
                ({**named, "DOORWARD_GATEWAY_CLIENT_KEY_FILE": "/nowhere/key.pem"}, "/nowhere/key.pem"),
                ({**secret, "DOORWARD_GATEWAY_CLIENT_KEY": "no key"}, "gateway.client_key"),
                (secret, "gateway.issuer"),
                ({**secret, "DOORWARD_GATEWAY_ISSUER": "http://id.example"}, "gateway.issuer"),
                ({**secret, "DOORWARD_GATEWAY_ISSUER": ISSUER}, "gateway.cookie_secret"),
                ({**secret, "DOORWARD_GATEWAY_ISSUER": ISSUER, "DOORWARD_GATEWAY_COOKIE_SECRET": "short"}, "gateway.cookie_secret")]:
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [os.environ["DOORWARD_PROGRAM"], "serve", "--role", "gateway"], cwd=folder, text=True,
                    env={"DOORWARD_LISTEN": "127.0.0.1:0", "NO_COLOR": "1", **settings}, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn(key, done.stderr)
            self.assertNotIn("a-secret-of-the-client", done.stderr)

    def test_an_issuer_that_is_away_is_no_fault_of_the_browser(self):
        guarded = self.guarded()
        gateway = Gateway(
            DOORWARD_GATEWAY_CLIENT_ID="door", DOORWARD_GATEWAY_CLIENT_SECRET="a-secret-of-more-than-thirty-two-bytes",
            DOORWARD_GATEWAY_ISSUER=f"http://127.0.0.1:{free_port()}",
            DOORWARD_GATEWAY_ROUTES=json.dumps([{"name": "app", "hosts": ["app.localhost"]}]))
        self.addCleanup(gateway.close)
        answer = gateway.ask("/.doorward/login", host=f"app.localhost:{gateway.port}")
        self.assertEqual(answer.status, 503, answer.text)
        end = time.monotonic() + 30
        while "the issuer cannot be found" not in gateway.told():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        # Nobody is sent away to sign in at a host that no route names.
        self.assertEqual(guarded.gateway.ask("/x", host="elsewhere.localhost", Accept="text/html").status, 404)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=2)
