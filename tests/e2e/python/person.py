"""A person at a browser without JavaScript, and an operator at the management API."""

import os
import time
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

ISSUER = os.environ["DOORWARD_ISSUER"]


def api(method, path, body=None):
    headers = {"Authorization": f"Bearer {os.environ['DOORWARD_BOOTSTRAP']}"}
    answer = requests.request(method, f"{ISSUER}/api/v1/{path}", json=body, headers=headers, timeout=30)
    assert answer.status_code in (200, 201, 204), f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.text else None


def new_person(**more):
    new_person.made += 1
    email = f"py{new_person.made}.{time.time_ns()}@example.com"
    password = f"correct horse battery {new_person.made} staple"
    made = api("POST", "users", {"email": email, "password": password, "name": "Ada Lovelace", "email_verified": True, **more})
    person = Person(email, password)
    person.id = made["id"]
    return person


new_person.made = 0


def new_client(**more):
    return api("POST", "clients", {
        "name": "Sample application",
        "type": "confidential",
        "redirect_uris": ["https://app.example/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_method": "client_secret_basic",
        **more,
    })


def client_token(resource, *scopes):
    """A new application's name, and a token of its own for the API with these of its scopes."""
    client = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=["reports:read", "reports:write"])
    answer = requests.post(
        f"{ISSUER}/oauth2/token", auth=(client["client_id"], client["client_secret"]), timeout=30,
        data={"grant_type": "client_credentials", "scope": " ".join(scopes), "resource": resource})
    assert answer.status_code == 200, answer.text
    return client["client_id"], answer.json()["access_token"]


class Forms(HTMLParser):
    """The forms of a page: their attributes, inputs and buttons."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.open = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.open = {**attrs, "inputs": [], "buttons": []}
            self.forms.append(self.open)
        elif self.open is not None and tag in ("input", "button"):
            self.open[tag + "s"].append(attrs)

    def handle_endtag(self, tag):
        if tag == "form":
            self.open = None


class Person:
    def __init__(self, email, password):
        self.email, self.password = email, password
        self.browser = requests.Session()
        # The cookies are marked Secure; a browser treats loopback as secure, this library does not.
        self.browser.cookies.set_policy(Everywhere())

    def sign_in(self):
        """Signs in at the account page; answers that page."""
        answer = self.browser.get(f"{ISSUER}/account", timeout=30)
        for _ in range(4):
            if urlsplit(answer.url).path == "/account":
                return answer
            answer = self.answer(answer, allow_redirects=True)
        raise AssertionError(f"not signed in: {answer.url}: {answer.text}")

    def sign_out(self):
        """Ends the session here, by the page that asks for it."""
        page = self.browser.get(f"{ISSUER}/sign-out", timeout=30)
        form = next(form for form in Forms(page.text).forms if "sign-out" in (form.get("action") or page.url))
        fields = {it["name"]: it.get("value") or "" for it in form["inputs"] if "name" in it}
        done = self.browser.post(
            urljoin(page.url, form.get("action") or ""), data=fields, timeout=30, headers={"Origin": ISSUER})
        assert done.status_code == 200 and urlsplit(done.url).path == "/signed-out", f"{done.url}: {done.text}"

    def press(self, path, action, **typed):
        """Sends the form of a page that goes there."""
        page = self.browser.get(f"{ISSUER}{path}", timeout=30)
        form = next(it for it in Forms(page.text).forms if it.get("action") == action)
        hidden = {it["name"]: it.get("value") or "" for it in form["inputs"] if it.get("type") == "hidden"}
        done = self.browser.post(f"{ISSUER}{action}", data={**hidden, **typed}, timeout=30, headers={"Origin": ISSUER})
        assert done.status_code == 200, f"{done.url}: {done.status_code} {done.text}"
        return done

    def forget(self):
        """Asks for a mail with which to set a new password."""
        asked = self.answer(self.browser.get(f"{ISSUER}/forgot", timeout=30), allow_redirects=True)
        assert asked.status_code == 200 and self.email in asked.text, asked.text

    def authorize(self, url):
        """Does what every page asks for until one leads out; answers that address."""
        answer = self.browser.get(url, allow_redirects=False, timeout=30)
        for _ in range(20):
            if answer.is_redirect:
                to = urljoin(answer.url, answer.headers["Location"])
                if urlsplit(to).netloc != urlsplit(ISSUER).netloc:
                    return to
                answer = self.browser.get(to, allow_redirects=False, timeout=30)
                continue
            assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text}"
            answer = self.answer(answer)
        raise AssertionError(f"no way out of {answer.url}: {answer.text}")

    def answer(self, page, allow_redirects=False):
        for form in Forms(page.text).forms:
            sent = [it for it in form["inputs"] if it.get("type") != "checkbox" or "checked" in it]
            fields = {it["name"]: it.get("value") or "" for it in sent if "name" in it}
            shown = [it for it in form["inputs"] if it.get("type") != "hidden" and "hidden" not in it]
            words = {word: it["name"] for it in shown for word in (it.get("autocomplete") or "").split()}
            allow = [it for it in form["buttons"] if it.get("value") == "allow"]
            if "current-password" in words:
                fields[words["current-password"]] = self.password
            elif "username" in words or "email" in words:
                fields[words.get("username") or words["email"]] = self.email
            elif allow:
                fields[allow[0]["name"]] = "allow"
            else:
                continue
            return self.browser.post(
                urljoin(page.url, form.get("action") or ""), data=fields, timeout=30, headers={"Origin": ISSUER},
                allow_redirects=allow_redirects,
            )
        raise AssertionError(f"nothing to do at {page.url}: {page.text}")


class Everywhere(requests.cookies.cookielib.DefaultCookiePolicy):
    def return_ok_secure(self, cookie, request):
        return True
