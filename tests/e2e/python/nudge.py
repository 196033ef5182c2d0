"""A program on somebody's own machine that needs no account at first: it begins without one, nudges, and keeps
its data under the same subject when the person registers. Where an account is needed, it says so."""

import base64
import hashlib
import html
import json
import pathlib
import re
import secrets
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests
from person import ISSUER, Forms, Person, api, new_client

ANONYMOUS = "urn:doorward:params:oauth:grant-type:anonymous"
PASSWORD = "correct horse battery 5 staple"


class Application:
    """Keeps its refresh token and its notes in one file, as a desktop program does."""

    def __init__(self, client_id, folder, device):
        self.client_id, self.device = client_id, device
        self.file = pathlib.Path(folder) / "state.json"
        self.state = json.loads(self.file.read_text()) if self.file.exists() else {"notes": {}}
        self.waiting = {}
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                application.get(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def save(self):
        self.file.write_text(json.dumps(self.state))

    def tokens(self, **asked):
        answer = requests.post(f"{ISSUER}/oauth2/token", data={"client_id": self.client_id, **asked}, timeout=30)
        if answer.status_code != 200:
            return None
        told = answer.json()
        self.state["refresh_token"] = told["refresh_token"]
        self.save()
        return told

    def who(self):
        """The claims of whoever uses it, the ID token, or nothing when nobody has begun."""
        told = None
        if "refresh_token" in self.state:
            told = self.tokens(grant_type="refresh_token", refresh_token=self.state["refresh_token"])
        return (claims(told["id_token"]), told["id_token"]) if told else (None, None)

    def get(self, request):
        path, query = urlsplit(request.path).path, parse_qs(urlsplit(request.path).query)
        if path == "/callback":
            return self.back(request, query)
        who, id_token = self.who()
        if path == "/register":
            return self.leave(request, prompt="create", **({"id_token_hint": id_token} if id_token else {}))
        if who is None:
            return self.leave(request, screen_hint="signup")
        notes = self.state["notes"].setdefault(who["sub"], [])
        if "note" in query:
            notes.append(query["note"][0])
            self.save()
        banner = ""
        if who.get("is_anonymous"):
            banner = '<p id="nudge">Register to have your notes everywhere: <a href="/register">register</a></p>'
        self.page(request, f"{banner}<p>{html.escape(who['sub'])}</p><ul>{''.join(map(html.escape, notes))}</ul>")

    def leave(self, request, **more):
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        self.waiting[state] = verifier
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"client_id": self.client_id, "response_type": "code", "scope": "openid email offline_access",
                 "redirect_uri": f"{self.url}/callback", "state": state, "code_challenge": challenge,
                 "code_challenge_method": "S256", **more}
        self.redirect(request, f"{ISSUER}/oauth2/authorize?{urlencode(asked)}")

    def back(self, request, query):
        verifier = self.waiting.pop(query["state"][0])
        if "code" in query:
            self.tokens(grant_type="authorization_code", code=query["code"][0], code_verifier=verifier,
                        redirect_uri=f"{self.url}/callback", device_name=self.device)
        elif query["error"] == ["access_denied"] and "refresh_token" not in self.state:
            self.tokens(grant_type=ANONYMOUS, scope="openid email offline_access", device_name=self.device)
        self.redirect(request, f"{self.url}/")

    def redirect(self, request, to):
        request.send_response(302)
        request.send_header("Location", to)
        request.end_headers()

    def page(self, request, body):
        data = f"<!doctype html><title>Notes</title>{body}".encode()
        request.send_response(200)
        request.send_header("Content-Type", "text/html; charset=utf-8")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def form_at(page, part):
    return next((it for it in Forms(page.text).forms if part in (it.get("action") or "")), None)


def send(person, page, part, **typed):
    form = form_at(page, part)
    assert form, f"no {part} at {page.url}: {page.text}"
    fields = {it["name"]: it.get("value") or "" for it in form["inputs"]
              if "name" in it and (it.get("type") != "checkbox" or "checked" in it)}
    return person.browser.post(
        urljoin(page.url, form["action"]), data={**fields, **typed}, timeout=30, headers={"Origin": ISSUER})


def mailed_link(address):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for mail in api("GET", "mail?limit=100")["items"]:
            if mail["recipient"] == address:
                text = api("GET", f"mail/{mail['id']}")["text"]
                return next(word for word in text.split() if word.startswith(f"{ISSUER}/verify?"))
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address}")


def sign_up(person, page):
    sent = send(person, page, "/sign-up", name="Ada", email=person.email, new_password=PASSWORD)
    assert "/sign-up/sent" in sent.url, f"{sent.url}: {sent.text}"
    done = send(person, person.browser.get(mailed_link(person.email), timeout=30), "/verify")
    onward = re.search(r'href="([^"]*/oauth2/authorize[^"]*)"', done.text)
    assert onward, f"{done.url}: {done.text}"
    page = person.browser.get(urljoin(done.url, html.unescape(onward[1])), timeout=30)
    # A public application is nobody's own: the person allows it once.
    return person.answer(page, allow_redirects=True) if page.url.startswith(ISSUER) else page


def application(**more):
    return new_client(
        name="Notes", type="public", token_endpoint_auth_method="none", first_party=True,
        redirect_uris=["http://127.0.0.1/callback"], scopes=["openid", "email", "offline_access"], **more)


class Nudge(unittest.TestCase):
    def test_skipped_nudged_registered_and_the_notes_are_there(self):
        client = application(grant_types=["authorization_code", "refresh_token", ANONYMOUS])
        person = Person(f"nudged.{time.time_ns()}@example.com", PASSWORD)
        with tempfile.TemporaryDirectory() as folder:
            app = Application(client["client_id"], folder, "Ada's laptop")
            first = person.browser.get(app.url, timeout=30)
            self.assertEqual(urlsplit(first.url).path, "/sign-up", "the first start leads to registration")
            self.assertIn("Continue without an account", first.text)
            home = send(person, first, "/sign-up/skip")
            self.assertTrue(home.url.startswith(app.url), home.url)
            self.assertIn('id="nudge"', home.text)
            subject = app.who()[0]["sub"]
            self.assertEqual(app.who()[0]["email"], "_anonymous@anonymous.invalid")
            person.browser.get(f"{app.url}/?note=milk", timeout=30)
            app.close()

            app = Application(client["client_id"], folder, "Ada's laptop")
            second = person.browser.get(app.url, timeout=30)
            self.assertEqual([it.url for it in second.history], [], "the second start leads nowhere else")
            self.assertIn("milk", second.text)
            self.assertIn('id="nudge"', second.text)

            page = person.browser.get(f"{app.url}/register", timeout=30)
            home = sign_up(person, page)
            self.assertTrue(home.url.startswith(app.url), f"{home.url}: {home.text}")
            self.assertNotIn('id="nudge"', home.text, "nobody nudges who has registered")
            self.assertIn("milk", home.text)
            who = app.who()[0]
            self.assertEqual((who["sub"], who["email"]), (subject, person.email))
            self.assertNotIn("is_anonymous", who)

            devices = person.browser.get(f"{ISSUER}/account/sessions", timeout=30)
            self.assertIn("Ada&#39;s laptop", devices.text.replace("&#x27;", "&#39;"))
            while form := form_at(devices, "/account/devices/"):
                devices = send(person, devices, form["action"])
            self.assertIsNone(app.who()[0], "what the person has ended does not come back")
            app.close()

    def test_where_an_account_is_needed_there_is_no_way_past(self):
        client = application(grant_types=["authorization_code", "refresh_token"])
        person = Person(f"needed.{time.time_ns()}@example.com", PASSWORD)
        with tempfile.TemporaryDirectory() as folder:
            app = Application(client["client_id"], folder, "desk")
            first = person.browser.get(app.url, timeout=30)
            self.assertEqual(urlsplit(first.url).path, "/sign-up")
            self.assertIsNone(form_at(first, "/sign-up/skip"))
            refused = requests.post(
                f"{ISSUER}/oauth2/token", data={"grant_type": ANONYMOUS, "client_id": client["client_id"]}, timeout=30)
            self.assertEqual((refused.status_code, refused.json()["error"]), (400, "unauthorized_client"))
            self.assertTrue(sign_up(person, first).url.startswith(app.url))
            self.assertNotIn('id="nudge"', person.browser.get(app.url, timeout=30).text)
            app.close()

    def test_within_limits_one_address_begins_only_so_often(self):
        client = application(grant_types=["authorization_code", "refresh_token", ANONYMOUS])
        for _ in range(60):
            answer = requests.post(
                f"{ISSUER}/oauth2/token", data={"grant_type": ANONYMOUS, "client_id": client["client_id"]}, timeout=30)
            if answer.status_code == 429:
                self.assertGreater(int(answer.headers["Retry-After"]), 0)
                return
            self.assertEqual(answer.status_code, 200, answer.text)
        self.fail("nobody was kept from it")


if __name__ == "__main__":
    unittest.main(verbosity=2)
