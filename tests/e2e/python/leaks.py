"""The main flows, with every secret that travels in them written down for whoever looks for traces of it
afterwards: `DOORWARD_SECRETS` names the file. What the server answers is searched here."""

import base64
import hashlib
import json
import os
import re
import unittest
from urllib.parse import parse_qs, parse_qsl, quote, urljoin, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from person import ISSUER, Forms, Person, api, new_client, new_person
from smtp_sink import Sink

BOOTSTRAP = os.environ["DOORWARD_BOOTSTRAP"]
REDIRECT = "https://app.example/callback"
VERIFIER = "recognisable-verifier-" + "v" * 40
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SECRET_FIELDS = {
    "password", "new_password", "current_password", "client_secret", "code_verifier", "refresh_token",
    "access_token", "id_token", "id_token_hint", "token", "client_assertion", "password_hash", "secret"}
BASIC_WORDS = ("Basic ", "Bearer ", "DPoP ")

sink = Sink(int(os.environ["DOORWARD_MAIL_PORT"]), "mailer", "recognisable mail-server password")
sink.behave()


class Watch:
    """Everything that was sent and answered; what of it is secret is known by where it stood."""

    def __init__(self):
        self.secrets, self.answers = {}, []
        send = requests.Session.send

        def watched(session, request, **more):
            self.sent(request)
            answer = send(session, request, **more)
            self.answered(answer)
            return answer

        requests.Session.send = watched

    def add(self, what, value):
        if isinstance(value, str) and len(value) >= 8:
            self.secrets.setdefault(value, what)

    def fields(self, pairs):
        for name, value in pairs:
            if name in SECRET_FIELDS or (name == "code" and value.startswith("dw_")):
                self.add(name, value)

    def sent(self, request):
        self.fields(parse_qsl(urlsplit(request.url).query))
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        self.fields(json_pairs(body) if body.startswith("{") else parse_qsl(body))
        authorization = request.headers.get("Authorization", "")
        if authorization.startswith(BASIC_WORDS):
            self.add("authorization", authorization.split(" ", 1)[1])
        self.add("DPoP proof", request.headers.get("DPoP", ""))

    def answered(self, answer):
        self.answers.append(answer)
        for name, value in answer.cookies.items():
            self.add(f"cookie {name}", value)
        self.fields(parse_qsl(urlsplit(answer.headers.get("Location", "")).query))
        if "json" in answer.headers.get("Content-Type", ""):
            self.fields(json_pairs(answer.text))


def json_pairs(text):
    read = json.loads(text)
    return [(name, value) for name, value in read.items() if isinstance(value, str)] if isinstance(read, dict) else []


watch = Watch()


def mailed(address, path):
    """The link of the mail to this address."""
    _, mail = sink.mail_to(address, 60)
    sink.mails.clear()
    found = re.search(re.escape(f"{ISSUER}{path}?") + r"\S+", mail.get_body("plain").get_content())
    link = found.group(0)
    watch.fields(parse_qsl(urlsplit(link).query))
    return link


def fill(browser, page, **values):
    """Sends the form of a page that has all of these fields."""
    for form in Forms(page.text).forms:
        fields = {it["name"]: it.get("value") or "" for it in form["inputs"] if "name" in it}
        if set(values) <= set(fields):
            return browser.post(urljoin(page.url, form.get("action") or ""), data={**fields, **values},
                                headers={"Origin": ISSUER}, timeout=30)
    raise AssertionError(f"no form with {list(values)} at {page.url}: {page.text}")


def authorize(client, person, **more):
    query = {"client_id": client["client_id"], "redirect_uri": REDIRECT, "response_type": "code", "state": "s",
             "scope": "openid email offline_access", "nonce": "n", "code_challenge": CHALLENGE,
             "code_challenge_method": "S256", **more}
    back = person.authorize(requests.Request("GET", f"{ISSUER}/oauth2/authorize", params=query).prepare().url)
    return parse_qs(urlsplit(back).query)["code"][0]


def post(path, auth=None, headers=None, **fields):
    return requests.post(f"{ISSUER}{path}", data=fields, auth=auth, headers=headers, timeout=30)


def basic(client):
    return client["client_id"], client["client_secret"]


class Leaks(unittest.TestCase):
    """In the order of their names: the last one looks at what the others left."""

    def test_1_a_person_signs_up_forgets_and_resets(self):
        first, second = "recognisable first password 7!", "recognisable second password 8!"
        address = "newcomer@example.com"
        at = Person(address, first)
        page = at.browser.get(f"{ISSUER}/sign-up", timeout=30)
        values = {"email": address}
        name = next(it["name"] for form in Forms(page.text).forms for it in form["inputs"]
                    if it.get("autocomplete") == "new-password")
        self.assertEqual(fill(at.browser, page, **values, **{name: "short"}).status_code, 422)
        self.assertEqual(fill(at.browser, page, **values, **{name: first}).status_code, 200)
        page = at.browser.get(mailed(address, "/verify"), timeout=30)
        fill(at.browser, page, token=watch_last("token"))
        stranger = Person(address, "recognisable wrong password 9!")
        with self.assertRaises(AssertionError):
            stranger.sign_in()
        # The password typed where the address belongs.
        misplaced = "recognisable misplaced password 11!"
        fill(stranger.browser, stranger.browser.get(f"{ISSUER}/sign-in", timeout=30), identifier=misplaced)
        watch.add("typed where the address belongs", misplaced)
        at.forget()
        link = mailed(address, "/reset")
        page = at.browser.get(link, timeout=30)
        self.assertEqual(fill(at.browser, page, new_password="recognisable 1").status_code, 422)
        done = fill(at.browser, page, new_password=second)
        self.assertEqual(done.status_code, 200, done.text)
        # The used link again.
        self.assertIn(at.browser.get(link, timeout=30).status_code, (400, 404, 410))
        again = Person(address, second)
        again.sign_in()
        page = again.browser.get(f"{ISSUER}/account/security", timeout=30)
        changed = fill(again.browser, page, current_password="recognisable wrong password 9!",
                       new_password="recognisable third password 10!")
        self.assertGreaterEqual(changed.status_code, 400)

    def test_2_an_application_gets_tokens_of_every_kind(self):
        ada, client = new_person(), new_client()
        code = authorize(client, ada)
        wrong = post("/oauth2/token", basic(client), grant_type="authorization_code", code=code, redirect_uri=REDIRECT,
                     code_verifier="recognisable-wrong-verifier-" + "w" * 40)
        self.assertEqual(wrong.status_code, 400)
        self.assertEqual(wrong.json()["error"], "invalid_grant")
        code = authorize(client, ada)
        exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT,
                    "code_verifier": VERIFIER}
        tokens = post("/oauth2/token", basic(client), **exchange).json()
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        fresh = post("/oauth2/token", basic(client), **refresh).json()
        for token in (tokens["access_token"], tokens["refresh_token"], fresh["refresh_token"], "dw_rt_nonsense"):
            post("/oauth2/introspect", basic(client), token=token)
        bearer = {"Authorization": f"Bearer {fresh['access_token']}"}
        self.assertEqual(requests.get(f"{ISSUER}/oauth2/userinfo", headers=bearer, timeout=30).status_code, 200)
        # Secrets where they do not belong.
        requests.get(f"{ISSUER}/oauth2/userinfo", params={"access_token": fresh["access_token"]}, timeout=30)
        requests.post(f"{ISSUER}/oauth2/token", params={"client_secret": client["client_secret"]}, timeout=30)
        requests.get(f"{ISSUER}/api/v1/users", headers=bearer, timeout=30)
        post("/oauth2/token", (client["client_id"], "recognisable wrong client secret"), **refresh)
        post("/oauth2/token", basic(client), **exchange)
        post("/oauth2/revoke", basic(client), token=fresh["refresh_token"])
        pushed = post("/oauth2/par", basic(client), client_id=client["client_id"], redirect_uri=REDIRECT,
                      response_type="code", scope="openid", code_challenge=CHALLENGE, code_challenge_method="S256")
        self.assertEqual(pushed.status_code, 201, pushed.text)
        logout = {"id_token_hint": tokens["id_token"]}
        ada.browser.get(f"{ISSUER}/oauth2/logout", params=logout, timeout=30)

    def test_3_machines_prove_themselves(self):
        api("POST", "apis", {"name": "Opaque", "identifier": "https://opaque.example", "token_format": "opaque",
                             "scopes": [{"name": "things:read"}]})
        key = ECKey.generate_key("P-256", {"kid": "k"})
        machine = {"grant_types": ["client_credentials"], "redirect_uris": [], "scopes": ["things:read"]}
        client = new_client(**machine)
        got = post("/oauth2/token", basic(client), grant_type="client_credentials", scope="things:read",
                   resource="https://opaque.example")
        self.assertEqual(got.status_code, 200, got.text)
        self.assertNotIn(".", got.json()["access_token"], "an opaque token")
        post("/oauth2/introspect", basic(client), token=got.json()["access_token"])
        posting = new_client(**machine, token_endpoint_auth_method="client_secret_post")
        post("/oauth2/token", grant_type="client_credentials", client_id=posting["client_id"],
             client_secret=posting["client_secret"])
        by_key = new_client(**machine, token_endpoint_auth_method="private_key_jwt",
                            jwks={"keys": [key.as_dict(private=False)]})
        claims = {"iss": by_key["client_id"], "sub": by_key["client_id"], "aud": ISSUER, "jti": "recognisable-jti",
                  "exp": 4_000_000_000}
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        for exp in (int(__import__("time").time()) + 60, 4_000_000_000):
            assertion = jwt.encode({"alg": "ES256", "kid": "k"}, {**claims, "exp": exp}, key)
            post("/oauth2/token", grant_type="client_credentials", client_assertion_type=kind,
                 client_assertion=assertion)
        rotated = api("POST", f"clients/{client['client_id']}/rotate", {})
        watch.add("client_secret", rotated["client_secret"])
        headers = {"Authorization": f"Bearer {BOOTSTRAP}", "Idempotency-Key": "recognisable-key"}
        for _ in range(2):
            made = requests.post(f"{ISSUER}/api/v1/clients", headers=headers, timeout=30, json={
                "name": "Twice", "type": "confidential", "grant_types": ["client_credentials"], "redirect_uris": [],
                "scopes": ["things:read"]})
            self.assertEqual(made.status_code, 201, made.text)
        refused = requests.post(f"{ISSUER}/api/v1/users", headers={"Authorization": f"Bearer {BOOTSTRAP}"}, timeout=30,
                                json={"email": "x@example.com", "password": ["recognisable listed password"]})
        self.assertEqual(refused.status_code, 422 if refused.status_code == 422 else 400, refused.text)
        watch.add("a password in a list", "recognisable listed password")

    def test_4_service_tokens_live_and_die(self):
        headers = {"Authorization": f"Bearer {BOOTSTRAP}", "Idempotency-Key": "recognisable-token-key"}
        for _ in range(2):
            made = requests.post(f"{ISSUER}/api/v1/service-tokens", headers=headers, timeout=30, json={
                "name": "watched", "scopes": ["admin:tokens:read", "tokens:introspect"]})
            self.assertEqual(made.status_code, 201, made.text)
        secret = made.json()["secret"]
        bearer = {"Authorization": f"Bearer {secret}"}
        self.assertEqual(requests.get(f"{ISSUER}/api/v1/service-tokens", headers=bearer, timeout=30).status_code, 200)
        self.assertEqual(requests.get(f"{ISSUER}/api/v1/users", headers=bearer, timeout=30).status_code, 403)
        self.assertTrue(post("/oauth2/introspect", headers=bearer, token=secret).json()["active"])
        rotated = requests.post(f"{ISSUER}/api/admin/service-tokens/watched/rotate", timeout=30,
                                headers={"Authorization": f"Bearer {BOOTSTRAP}"}, json={"overlap_seconds": 0})
        self.assertEqual(rotated.status_code, 200, rotated.text)
        for wrong in (secret, secret[:-1] + "x", secret.upper()):
            refused = requests.get(f"{ISSUER}/api/whoami", headers={"Authorization": f"Bearer {wrong}"}, timeout=30)
            self.assertEqual(refused.status_code, 401)
        # Where it does not belong.
        new = rotated.json()["secret"]
        admin = {"Authorization": f"Bearer {BOOTSTRAP}"}
        requests.get(f"{ISSUER}/api/v1/service-tokens", params={"query": new}, headers=admin, timeout=30)
        requests.get(f"{ISSUER}/api/v1/service-tokens/{new}", headers=admin, timeout=30)
        requests.post(f"{ISSUER}/api/v1/service-tokens", headers=admin, timeout=30, json={"name": new})
        requests.post(f"{ISSUER}/api/v1/service-tokens", headers=admin, timeout=30, json={"secret": new})
        api("POST", "service-tokens/watched/revoke", {"reason": "watched long enough"})
        # Ours at others: kept sealed, and told to nobody.
        provider = api("POST", "providers", {"slug": "watched", "name": "Watched", "issuer": "https://login.example",
                                             "client_id": "us", "client_secret": "recognisable upstream secret"})
        requests.patch(f"{ISSUER}/api/v1/providers/{provider['id']}", headers=admin, timeout=30,
                       json={"client_secret": "another recognisable upstream secret"})

    def test_9_nothing_that_is_answered_later_knows_them(self):
        for name in ["password", "new_password", "client_secret", "code", "code_verifier", "refresh_token",
                     "access_token", "id_token", "token", "client_assertion", "secret", "cookie ", "authorization"]:
            self.assertTrue([it for it in watch.secrets.values() if it.startswith(name)], f"no {name} was seen")
        read = {"the metrics": requests.get(os.environ["DOORWARD_METRICS"], timeout=30).text}
        for area in ["audit/events", "users", "clients", "sessions", "mail", "keys", "settings", "apis",
                     "service-tokens", "providers"]:
            read[area] = json.dumps(api("GET", f"{area}?limit=200" if area not in ("settings", "keys") else area))
        self.assertIn("doorward", read["the metrics"])
        self.assertIn("refused", read["audit/events"])
        # The mail templates' words are shown on purpose, by another right, one by one; the list has none.
        for answer in watch.answers:
            if answer.status_code >= 400:
                read[f"{answer.request.method} {answer.request.url.split('?')[0]} {answer.status_code}"] = answer.text
        secrets = {"the mail server's password": "recognisable mail-server password", "the bootstrap token": BOOTSTRAP}
        for value, what in watch.secrets.items():
            secrets.setdefault(f"{what} {len(secrets)}", value)
        found = []
        for place, text in read.items():
            for what, value in secrets.items():
                # A form that is shown again has to carry the link's token; it never carries a password.
                if what.startswith("token") and "/reset" in place:
                    continue
                if value in text or quote(value, safe="") in text:
                    found.append(f"{what} in {place}")
        self.assertEqual(found, [])
        for answer in watch.answers:
            for what, value in secrets.items():
                if "password" in what and value in answer.text:
                    found.append(f"{what} in {answer.request.method} {answer.request.url}")
        self.assertEqual(found, [])
        with open(os.environ["DOORWARD_SECRETS"], "w", encoding="utf-8") as file:
            json.dump(secrets, file)


def watch_last(name):
    return [value for value, what in watch.secrets.items() if what == name][-1]


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
