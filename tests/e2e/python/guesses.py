"""Whether a guess was near cannot be learned: credentials that nobody has, that are not well formed, and that differ
from a good one in a single letter get the same answer, after the same time; so do names that are in a file of
passwords and names that are not.

What has a wrong checksum, or none, is refused without a look into the database, so it may be a little faster: it
tells nobody anything that they could not reckon themselves."""

import base64
import http.client
import json
import os
import re
import secrets
import statistics
import tempfile
import time
import unittest
import warnings
import zlib
from urllib.parse import urlsplit

from lone import Gateway
from person import ISSUER, api

PAIRS = 100
# A real difference is there each time; what else the machine does is not.
TRIES = 4
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_HEADERS = {"date", "x-request-id"}


def check(text):
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return text + digits


def other(letter):
    return secrets.choice(DIGITS.replace(letter, ""))


class Guesses:
    """Secrets of one kind that are not good, near and far."""

    def __init__(self, good):
        assert check(good[:-6]) == good, "this is how they are made"
        self.prefix, self.body = good[:6], good[6:-6]

    def near(self):
        at = secrets.randbelow(len(self.body))
        return check(self.prefix + self.body[:at] + other(self.body[at]) + self.body[at + 1:])

    def last(self):
        return check(self.prefix + self.body[:-1] + other(self.body[-1]))

    def unknown(self):
        return check(self.prefix + "".join(secrets.choice(DIGITS) for _ in self.body))

    def malformed(self):
        text = self.unknown()
        return text[:-1] + other(text[-1])

    def garbage(self):
        return "".join(secrets.choice(DIGITS) for _ in range(len(self.prefix + self.body) + 6))


class Line:
    """One connection to a server, which is kept."""

    def __init__(self, port):
        self.kept = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method, path, body=None, **headers):
        begun = time.perf_counter()
        self.kept.request(method, path, body, {"Host": "localhost", **headers})
        answer = self.kept.getresponse()
        text = answer.read().decode()
        took = time.perf_counter() - begun
        told = [(name.lower(), value) for name, value in answer.getheaders() if name.lower() not in RANDOM_HEADERS]
        return (answer.status, told, re.sub(r'"request_id":"[^"]*"', "", text)), took


def apart(ways, first, second, part=0.25):
    """By how much two kinds of guesses differ, in seconds; and how much chance and this part of it all would do."""
    some, none = [], []
    for round_ in range(PAIRS + 5):
        asked = [(first, some), (second, none)]
        for make, times in asked if round_ % 2 else reversed(asked):
            times.append(ways(make())[1])
    # The first ones are for whatever is made at the first use.
    some, none = some[5:], none[5:]
    pairs = [a - b for a, b in zip(some, none)]
    middle = statistics.median(pairs)
    spread = statistics.median(abs(it - middle) for it in pairs)
    return middle, part * statistics.median(some + none) + 3 * 1.4826 * 1.2533 * spread / len(pairs) ** 0.5


class Timing(unittest.TestCase):
    maxDiff = None

    def alike(self, what, ways, kinds, to="unknown"):
        """Each of these kinds is answered as that one, and as fast."""
        for kind, make in kinds.items():
            if kind == to:
                continue
            with self.subTest(f"{what}: {kind}"):
                self.assertEqual(ways(make())[0], ways(kinds[to]())[0])
                part = 0.6 if kind in ("malformed", "garbage") else 0.25
                for _ in range(TRIES):
                    middle, bound = apart(ways, make, kinds[to], part)
                    told = f"{what}: {kind} and {to}: {1000 * middle:.3f} ms apart, bound {1000 * bound:.3f} ms"
                    print(told)
                    if abs(middle) < bound:
                        break
                else:
                    self.fail(told)

    def secrets_of(self, made):
        guesses = Guesses(made)
        return {kind: getattr(guesses, kind) for kind in ("unknown", "near", "last", "malformed", "garbage")}

    def test_service_tokens_and_keys(self):
        line = Line(urlsplit(ISSUER).port)
        service = api("POST", "service-tokens", {"scopes": ["files:read"]})["secret"]
        key = api("POST", "api-keys", {"name": "timed"})["secret"]
        for what, made in (("service token", service), ("key", key)):
            ways = lambda secret: line.ask("GET", "/validate", Authorization=f"Bearer {secret}")
            self.assertEqual(ways(made)[0][0], 200)
            self.alike(what, ways, self.secrets_of(made))
            # The management API knows service tokens, too.
            own = lambda secret: line.ask("GET", "/api/v1/service-tokens", Authorization=f"Bearer {secret}")
            self.alike(f"{what}, at the API", own, self.secrets_of(made))

    def test_keys_that_somebody_else_looks_at(self):
        line = Line(urlsplit(ISSUER).port)
        made = api("POST", "api-keys", {"name": "shown"})["secret"]
        headers = {"Authorization": f"Bearer {os.environ['DOORWARD_BOOTSTRAP']}", "Content-Type": "application/json"}
        ways = lambda secret: line.ask("POST", "/api/v1/api-keys/verify", json.dumps({"key": secret}), **headers)
        self.assertTrue(json.loads(ways(made)[0][2])["valid"])
        self.alike("verified key", ways, self.secrets_of(made))

    def test_names_of_a_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".htpasswd") as file:
            os.chmod(file.name, 0o600)
            # htpasswd -nbB -C 4 ada wonderland
            file.write("ada:$2b$04$XxZ6UwzYJuOYoyv9EHsHEOqag7Re1mzJ8rUoP6imM0FTj5YF5.hBK\n")
            file.flush()
            gateway = Gateway(DOORWARD_AUTH_BASIC_FILE=file.name)
            self.addCleanup(gateway.close)
            line = Line(gateway.port)

            def ways(pair):
                return line.ask("GET", "/validate", Authorization=f"Basic {base64.b64encode(pair.encode()).decode()}")

            self.assertEqual(ways("ada:wonderland")[0][0], 200)
            kinds = {"unknown": lambda: f"eve:{secrets.token_hex(5)}", "known": lambda: f"ada:{secrets.token_hex(5)}",
                     "near": lambda: "ada:wonderlane"}
            self.alike("name", ways, kinds)
            # This way of looking does see a difference where there is one.
            bearer = lambda pair: line.ask("GET", "/validate", Authorization=f"Bearer {secrets.token_hex(20)}") \
                if pair is None else ways(pair)
            middle, bound = apart(bearer, kinds["known"], lambda: None)
            self.assertGreater(middle, bound, "no password is looked at for a token")


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
