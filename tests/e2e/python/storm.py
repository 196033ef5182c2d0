"""Credentials that are taken back while they are in use: a request that is sent after the answer to the
revocation is never let through, at `/validate` or by the proxy; at another process of the same issuer
(`DOORWARD_SECOND`, where there is one) not once a second has gone by.

The load asks for what is about to end and for what has just ended, over connections that stay open, so that
everything that is remembered is remembered when it ends. What it saw is judged when all is over: by when a
request was begun, and when its credential had ended."""

import base64
import http.client
import itertools
import json
import os
import random
import threading
import time
import unittest
import warnings
from urllib.parse import urlencode, urlsplit

from person import ISSUER, api, new_client
from proxies import Upstream

FIRST = urlsplit(ISSUER).port
SECOND = urlsplit(os.environ["DOORWARD_SECOND"]).port if "DOORWARD_SECOND" in os.environ else None
TOKENS, OTHERS = 1000, 50
ENDERS, NEAR = 4, 24
# How long another process may go on believing.
PROMISED = 1.0


class Line:
    """One connection to a process."""

    def __init__(self, port, through=False):
        self.port, self.through = port, through
        self.kept = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(self, method, path, body=None, **headers):
        self.kept.request(method, path, body, headers)
        answer = self.kept.getresponse()
        return answer.status, answer.read()

    def ask(self, secret):
        """When it was begun, when it was over, and how it ended."""
        host, path = (f"app.localhost:{self.port}", "/x") if self.through else ("localhost", "/validate")
        begun = time.monotonic()
        status, _ = self.send("GET", path, Host=host, Authorization=f"Bearer {secret}")
        return begun, time.monotonic(), status


def lines():
    ports = [port for port in (FIRST, SECOND) if port]
    return [Line(port, through) for port in ports for through in (False, True)]


class Desk(Line):
    """Makes credentials and takes them back, at the first process."""

    def __init__(self, client):
        super().__init__(FIRST)
        pair = f"{client['client_id']}:{client['client_secret']}"
        self.form = {"Content-Type": "application/x-www-form-urlencoded",
                     "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        self.json = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ['DOORWARD_BOOTSTRAP']}"}

    def told(self, path, body):
        form = path.startswith("/oauth2/")
        sent = urlencode(body) if form else json.dumps(body)
        status, said = self.send("POST", path, sent, **(self.form if form else self.json))
        assert status in (200, 201), f"{path}: {status} {said}"
        return json.loads(said) if said else None

    def made(self, kind):
        if kind == "access token":
            token = self.told("/oauth2/token", {"grant_type": "client_credentials"})["access_token"]
            assert token.count(".") == 2, "it is a JWT"
            return Credential(token, "/oauth2/revoke", {"token": token})
        if kind == "key":
            made, area = self.told("/api/v1/api-keys", {"name": "storm", "permissions": {"files": ["read"]}}), "api-keys"
        else:
            made, area = self.told("/api/v1/service-tokens", {"scopes": ["files:read"]}), "service-tokens"
        return Credential(made["secret"], f"/api/v1/{area}/{made['id']}/revoke", {"reason": "storm"})

    def end(self, one):
        one.is_ending = time.monotonic()
        self.told(*one.end)
        one.has_ended = time.monotonic()


class Credential:
    def __init__(self, secret, *end):
        self.secret, self.end = secret, end
        self.is_ending, self.has_ended = float("inf"), float("inf")


def in_threads(count, work):
    """Does it in so many threads, each with its number; the first mistake is told."""
    wrong = []

    def run(number):
        try:
            work(number)
        except Exception as error:  # noqa: BLE001: told to whoever waits
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


class Storm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.behind = Upstream(int(os.environ["DOORWARD_UPSTREAM"]))
        cls.client = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=["me:read"])

    @classmethod
    def tearDownClass(cls):
        cls.behind.stop()

    def all_known(self):
        """Credentials that every door has let through, in the order in which they will end."""
        every = [None] * (TOKENS + 2 * OTHERS)

        def make(number):
            desk, doors = Desk(self.client), lines()
            for place in range(number, len(every), ENDERS):
                every[place] = desk.made({7: "access token", 14: "key"}.get(place % (len(every) // OTHERS)))
                for door in doors:
                    assert door.ask(every[place].secret)[2] == 200, "it is not let through yet"

        in_threads(ENDERS, make)
        return every

    def test_nothing_passes_after_the_answer(self):
        every = self.all_known()
        over, seen, at, ended = threading.Event(), [], [0], itertools.count()

        def end(number):
            desk, doors = Desk(self.client), lines()
            for place in range(number, len(every), ENDERS):
                desk.end(every[place])
                at[0] = next(ended)
                # At once, by those who saw the answer.
                seen.extend((every[place], door, *door.ask(every[place].secret)) for door in doors)

        def load(number):
            doors, chance = lines(), random.Random(number)
            door = doors[number % len(doors)]
            while not over.is_set():
                place = min(max(at[0] + chance.randint(-NEAR, NEAR), 0), len(every) - 1)
                seen.append((every[place], door, *door.ask(every[place].secret)))

        def part(number):
            if number:
                return load(number)
            try:
                in_threads(ENDERS, end)
            finally:
                over.set()

        in_threads(1 + 2 * len(lines()), part)
        self.judge(seen)
        for door in lines():
            for one in every:
                self.assertEqual(self.at_last(door, one), 401)

    def judge(self, seen):
        before, refused, latest, wrong = 0, 0, 0.0, []
        for one, door, begun, done, status in seen:
            self.assertIn(status, (200, 401))
            if done < one.is_ending:
                self.assertEqual(status, 200, "it is good until it is taken back")
                before += 1
            late = begun - one.has_ended
            if late > 0 and status == 200:
                latest = max(latest, late)
                if door.port == FIRST or late > PROMISED:
                    wrong.append((door.port == FIRST, door.through, late))
            refused += late > 0 and status == 401
        print(f"{len(seen)} requests: {before} before, {refused} refused after, the last one let through "
              f"{latest * 1000:.0f} ms after an answer", flush=True)
        self.assertEqual(wrong, [])
        self.assertGreater(before, 200)
        self.assertGreater(refused, TOKENS)

    def at_last(self, door, one):
        while True:
            begun, _, status = door.ask(one.secret)
            if status == 401 or door.port == FIRST or begun - one.has_ended > PROMISED:
                return status

    def test_an_old_version_works_until_its_overlap_is_over(self):
        for overlap in (0, 2, 300):
            old = api("POST", "service-tokens", {"name": f"overlap-{overlap}", "scopes": ["files:read"]})
            doors, seen = lines(), []
            for door in doors:
                self.assertEqual(door.ask(old["secret"])[2], 200)
            sent = time.monotonic()
            new = api("POST", f"service-tokens/overlap-{overlap}/rotate", {"overlap_seconds": overlap})
            answered = time.monotonic()
            # What another process learns late is that there is an end.
            latest = answered + max(overlap, PROMISED)
            while overlap < 300 and time.monotonic() < latest or len(seen) < 2 * len(doors):
                seen += [(door, *door.ask(old["secret"])) for door in doors]
            seen += [(door, *door.ask(old["secret"])) for door in doors]
            for door, begun, done, status in seen:
                if done < sent + overlap:
                    self.assertEqual(status, 200, f"{overlap}: {done - sent}")
                if begun > (answered + overlap if door.port == FIRST else latest):
                    self.assertEqual(status, 401, f"{overlap}: {begun - answered}")
            for door in doors:
                self.assertEqual(door.ask(new["secret"])[2], 200)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
