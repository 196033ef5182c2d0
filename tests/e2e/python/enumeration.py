"""Whether an account exists cannot be learned: the same answer, after the same time, at every page that takes a
mail address. Every attempt comes from an address of its own, as from many machines, so that no limit is met."""

import re
import secrets
import statistics
import time
import unittest
from urllib.parse import urljoin

import requests

from person import ISSUER, Everywhere, Forms, api

PAIRS = 11
PASSWORD = "correct horse battery 7 staple"
# $2b$12$, of another password: what an account from elsewhere may still have.
BCRYPT = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"
# Differ with every answer, whoever asks.
RANDOM_HEADERS = {"date", "x-request-id", "set-cookie", "content-length"}


def address():
    """One of a length, so that answers that show it are as long."""
    return f"who{secrets.token_hex(8)}@example.com"


def known(**more):
    email = address()
    api("POST", "users", {"email": email, "name": "Ada", "email_verified": True, "password": PASSWORD, **more})
    return email


def suspended():
    email = address()
    user = api("POST", "users", {"email": email, "email_verified": True, "password": PASSWORD})
    api("POST", f"users/{user['id']}/suspend")
    return email


def imported():
    email = address()
    api("POST", "users", {"email": email, "email_verified": True, "password_hash": BCRYPT})
    return email


def without_password():
    email = address()
    api("POST", "users", {"email": email, "email_verified": True})
    return email


# Everything that an address may stand for; the last one stands for nothing.
KINDS = {
    "an account": known, "an account that is not verified": lambda: known(email_verified=False),
    "a suspended account": suspended, "an account without a password": without_password,
    "an account from elsewhere": imported, "nobody": address}


class Visitor:
    """Somebody from somewhere, without JavaScript."""

    def __init__(self):
        self.browser = requests.Session()
        self.browser.cookies.set_policy(Everywhere())
        somewhere = ".".join(str(1 + secrets.randbelow(250)) for _ in range(3))
        self.browser.headers["X-Forwarded-For"] = f"93.{somewhere}"

    def open(self, path):
        return self.browser.get(f"{ISSUER}{path}", timeout=60)

    def fill(self, page, values):
        """Sends the form that has these fields, by what they are for; answers what came, and how long it took."""
        for form in Forms(page.text).forms:
            fields = {it["name"]: it.get("value") or "" for it in form["inputs"] if "name" in it}
            words = {word: it["name"] for it in form["inputs"] for word in (it.get("autocomplete") or "").split()
                     if "hidden" not in it and it.get("type") != "hidden"}
            if set(values) <= set(words):
                fields.update({words[word]: value for word, value in values.items()})
                url = urljoin(page.url, form.get("action") or "")
                begun = time.perf_counter()
                answer = self.browser.post(
                    url, data=fields, headers={"Origin": ISSUER}, timeout=60, allow_redirects=False)
                return answer, time.perf_counter() - begun
        raise AssertionError(f"no form for {list(values)} at {page.url}: {page.text}")

    def follow(self, answer):
        return self.open(answer.headers["Location"].removeprefix(ISSUER)) if answer.is_redirect else answer


def sign_in(email):
    at = Visitor()
    first, _ = at.fill(at.open("/sign-in"), {"username": email})
    page = at.follow(first)
    second, took = at.fill(page, {"current-password": "certainly not this one 5"})
    return [first, page, second], took


def forgot(email):
    at = Visitor()
    first, took = at.fill(at.open("/forgot"), {"email": email})
    return [first, at.follow(first)], took


def sign_up(email):
    at = Visitor()
    first, took = at.fill(at.open("/sign-up"), {"email": email, "new-password": "plum orbit candle 93 gravel"})
    return [first, at.follow(first)], took


WAYS = {"sign-in": sign_in, "forgot": forgot, "sign-up": sign_up}


def seen(answer, email):
    """What an onlooker can compare: all but what is drawn at random for each answer."""
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in RANDOM_HEADERS}
    cookies = [re.sub(r"=[^;]*", "=", it, count=1) for it in answer.raw.headers.getlist("set-cookie")]
    text = answer.text.replace(email, "WHO")
    text = re.sub(r'name="form_token"( type="hidden")? value="[^"]*"', "", text)
    text = re.sub(r"[0-9a-f]{32}|[A-Za-z0-9_-]{43}", "RANDOM", text)
    headers = {name: re.sub(r"[0-9a-f]{32}|[A-Za-z0-9_-]{22,}", "RANDOM", value.replace(email, "WHO"))
               for name, value in headers.items()}
    return answer.status_code, headers, cookies, len(answer.content), text


class Enumeration(unittest.TestCase):
    maxDiff = None

    def test_answers_are_the_same(self):
        for way, go in WAYS.items():
            told = {}
            for kind, make in KINDS.items():
                email = make()
                told[kind] = [seen(answer, email) for answer in go(email)[0]]
            for kind, answers in told.items():
                with self.subTest(f"{way}: {kind}"):
                    self.assertEqual(answers, told["nobody"])

    def test_times_are_the_same(self):
        asked = [(way, "an account") for way in WAYS]
        for way, kind in [*asked, ("sign-in", "an account from elsewhere"), ("sign-in", "a suspended account")]:
            with self.subTest(f"{way}: {kind}"):
                self.compare(f"{way}: {kind}", WAYS[way], KINDS[kind])

    def compare(self, what, go, make):
        """Pairs, one beside the other, in turn first; what else the machine does meets both."""
        some, none = [], []
        for round_ in range(PAIRS + 1):
            asked = [(make(), some), (address(), none)]
            for email, times in asked if round_ % 2 else reversed(asked):
                times.append(go(email)[1])
        # The first round is for whatever is made at the first use.
        some, none = some[1:], none[1:]
        apart = [a - b for a, b in zip(some, none)]
        middle = statistics.median(apart)
        spread = statistics.median(abs(it - middle) for it in apart)
        usual = statistics.median(some + none)
        # A part of the whole for what is really done otherwise, and what chance does to a median.
        bound = 0.25 * usual + 3 * 1.4826 * 1.2533 * spread / len(apart) ** 0.5
        told = (f"{what}: {1000 * statistics.median(some):.1f} ms, nobody {1000 * statistics.median(none):.1f} ms, "
                f"apart {1000 * middle:.2f} ms, bound {1000 * bound:.2f} ms")
        print(told)
        self.assertLess(abs(middle), bound, told)


if __name__ == "__main__":
    unittest.main(verbosity=2)
