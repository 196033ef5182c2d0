"""Limits are exact: under two hundred requests at once at one process, and at two that share a Redis; also while
Redis is away, silent, or back again."""

import http.client
import itertools
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import warnings

import jwt as pyjwt

from lone import Gateway
from person import ISSUER, api
from proxies import Upstream

SECRET, ROUTES = os.environ["DOORWARD_SECRET"], os.environ["DOORWARD_ROUTES"]
AT_ONCE = 200
# Nobody waits for Redis longer than three seconds here; the rest is for a busy machine.
PATIENCE = 20
upstream = Upstream(int(os.environ["DOORWARD_UPSTREAM"]))


def token(subject):
    now = int(time.time())
    claims = {"sub": subject, "iss": "elsewhere", "aud": "api", "iat": now, "exp": now + 3600}
    return pyjwt.encode(claims, SECRET, algorithm="HS256")


def gateway(**settings):
    return Gateway(
        DOORWARD_AUTH_JWT_SECRET=SECRET, DOORWARD_AUTH_ISSUER="elsewhere", DOORWARD_AUTH_AUDIENCE="api",
        DOORWARD_GATEWAY_ROUTES=ROUTES, **settings)


def ask(port, host, credential, kept=None):
    """The status of one request through the proxy, which has to come in time."""
    connection = kept or http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {"Host": f"{host}.localhost", "Authorization": f"Bearer {credential}"}
    connection.request("GET", "/x", headers=headers)
    answer = connection.getresponse()
    answer.read()
    if not kept:
        connection.close()
    return answer.status


def at_once(ports, host, subject):
    """How many of so many requests were let through, each of them over a connection of its own that is open when
    the first is sent."""
    credential, seen, wrong = token(subject), [], []
    start = threading.Barrier(AT_ONCE)

    def one(port):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.connect()
            start.wait(60)
            seen.append(ask(port, host, credential, connection))
            connection.close()
        except Exception as error:  # noqa: BLE001: told below
            wrong.append(error)

    threads = [threading.Thread(target=one, args=(port,)) for _, port in zip(range(AT_ONCE), itertools.cycle(ports))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    passed, refused = seen.count(200), seen.count(429)
    assert passed + refused == AT_ONCE, set(seen)
    return passed


class Counted(unittest.TestCase):
    def held(self, ports):
        before = upstream.asked
        for host, most in (("rate", 70), ("quota", 80), ("both", 50)):
            self.assertEqual(at_once(ports, host, "grace"), most, host)
        self.assertEqual(upstream.asked - before, 200, "what was refused never arrived")


class Alone(Counted):
    def test_in_memory_at_one_process(self):
        one = gateway()
        self.addCleanup(one.close)
        self.held([one.port])


class Redis:
    """A Redis of the test's own, at the socket that the server was told of."""

    def __init__(self, socket):
        self.socket, self.folder, self.process = socket, tempfile.TemporaryDirectory(), None

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", self.socket,
             "--dir", self.folder.name], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while subprocess.run(["redis-cli", "-s", self.socket, "ping"], capture_output=True, check=False).returncode:
            assert time.monotonic() < end, "Redis does not answer"
            time.sleep(0.02)

    def send(self, sign):
        self.process.send_signal(sign)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait(30)
            self.process = None


class Load:
    """Requests in the name of one, at both processes, without a pause. What came of each is kept."""

    def __init__(self, ports, subject):
        self.credential, self.seen, self.wrong, self.stopped = token(subject), [], [], threading.Event()
        self.threads = [threading.Thread(target=self.go, args=(port,)) for port in ports * 4]
        for thread in self.threads:
            thread.start()

    def go(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while not self.stopped.is_set():
            try:
                self.seen.append(ask(port, "load", self.credential, connection))
            except Exception as error:  # noqa: BLE001: told at the end
                self.wrong.append(error)
                return
        connection.close()

    def passed(self):
        return self.seen.count(200)

    def until(self, what, is_so):
        """Until it is so, and then for some more requests: who would be one too many, has come."""
        self.wait(what, is_so)
        enough = len(self.seen) + 400
        self.wait(what, lambda: len(self.seen) >= enough)

    def wait(self, what, is_so):
        end = time.monotonic() + 60
        while not is_so():
            assert not self.wrong, self.wrong[:3]
            assert time.monotonic() < end, f"{what}: {self.passed()} passed of {len(self.seen)}"
            time.sleep(0.02)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


class Shared(Counted):
    """Two processes of one issuer at one Redis."""

    @classmethod
    def setUpClass(cls):
        cls.redis = Redis(os.environ["DOORWARD_REDIS_SOCKET"])
        cls.redis.start()
        cls.second = gateway(DOORWARD_PUBLIC_URL=ISSUER, DOORWARD_REDIS_URL=f"unix://{cls.redis.socket}",
                             DOORWARD_REDIS_TIMEOUT="3")
        cls.ports = [int(ISSUER.rsplit(":", 1)[1]), cls.second.port]

    @classmethod
    def tearDownClass(cls):
        cls.second.close()
        cls.redis.kill()

    def logs(self):
        with open(os.environ["DOORWARD_SERVER_LOG"], encoding="utf-8") as file:
            return file.read(), self.second.told()

    def told(self, what, times):
        """Both have said so, so many times since both were there."""
        end = time.monotonic() + 60
        # The first was started before its Redis, the second after it.
        while [log.count(what) for log in self.logs()] != [times + 1, times]:
            self.assertLess(time.monotonic(), end, self.logs())
            time.sleep(0.02)

    def test_at_two_processes_that_share_a_redis(self):
        self.told("Redis is back", 0)
        self.held(self.ports)

    def test_while_redis_comes_and_goes_under_load(self):
        self.told("Redis is back", 0)
        load = Load(self.ports, "ada")
        try:
            load.until("shared", lambda: load.passed() >= 40)
            self.assertEqual(load.passed(), 40, "both together")
            self.redis.kill()
            load.until("away", lambda: load.passed() >= 120)
            self.assertEqual(load.passed(), 120, "each of them the whole of it, from its own memory")
            self.redis.start()
            self.told("Redis is back", 1)
            load.until("back", lambda: load.passed() >= 160)
            self.assertEqual(load.passed(), 160, "that Redis had kept nothing; both together again")
            # One that takes connections and says nothing is away, too; its counters are not lost.
            self.redis.send(signal.SIGSTOP)
            self.told("Redis is away", 2)
            load.until("silent", lambda: True)
            self.redis.send(signal.SIGCONT)
            self.told("Redis is back", 2)
            load.until("speaking", lambda: True)
            self.assertEqual(load.passed(), 160, "everywhere the limit was reached before")
            self.clear(load)
        finally:
            self.redis.send(signal.SIGCONT)
            load.stop()
        self.assertEqual(load.wrong, [])
        self.assertEqual(set(load.seen), {200, 429})
        self.told("Redis is away", 2)

    def clear(self, load):
        """An administrator clears what both have counted together, at one of them."""
        administrator = {
            "DOORWARD_URL": ISSUER, "DOORWARD_SERVICE_TOKEN": os.environ["DOORWARD_BOOTSTRAP"], "HOME": "/nonexistent"}
        done = subprocess.run(
            [os.environ["DOORWARD_PROGRAM"], "ratelimit", "clear", "--route", "load", "--output", "json"],
            capture_output=True, text=True, check=True, env=administrator)
        # The shared one, and what the first held in its memory while it was alone.
        self.assertEqual(json.loads(done.stdout), {"cleared": 2}, done.stderr)
        load.until("cleared", lambda: load.passed() >= 200)
        self.assertEqual(load.passed(), 200)
        self.assertEqual(api("POST", "ratelimits/clear", {"route": "nowhere"}), {"cleared": 0})


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
