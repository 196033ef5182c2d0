"""Applications are killed and started again, and routes are read again, under load: nothing fails but what was
with an application when it went away, and nothing is done twice."""

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings
from urllib.parse import urlsplit

from websockets.sync.client import connect
from websockets.sync.server import serve

from person import ISSUER, api
from proxies import free_port

PORT = urlsplit(ISSUER).port
PID = int(os.environ["DOORWARD_PID"])
PATIENCE = 60
# No request waits for a place that is not there.
SOON = 15


class Place:
    """A process of an application."""

    def __init__(self, journal):
        self.port, self.journal, self.process = free_port(), journal, None
        self.away = []
        self.start()

    def start(self):
        script = os.path.join(os.path.dirname(__file__), "behind.py")
        self.process = subprocess.Popen([sys.executable, script, str(self.port), self.journal])
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, "the application does not start"
                time.sleep(0.01)

    def restart(self):
        """Nobody is told before."""
        gone = time.monotonic()
        self.stop()
        self.start()
        self.away.append((gone, time.monotonic()))

    def stop(self):
        self.process.kill()
        self.process.wait()


class Load(threading.Thread):
    """One connection that asks again and again until it is told to stop."""

    def __init__(self, token, host, method, over):
        super().__init__()
        self.token, self.host, self.method, self.over = token, f"{host}.localhost", method, over
        self.seen, self.wrong, self.numbers = [], [], itertools.count()

    def run(self):
        kept = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE)
        self.kept, headers = kept, {"Host": self.host, "Authorization": f"Bearer {self.token}"}
        while not self.over.is_set():
            name = f"{self.host}-{self.method}-{id(self)}-{next(self.numbers)}"
            begun = time.monotonic()
            try:
                kept.request(self.method, f"/{name}", None if self.method == "GET" else name, headers)
                answer = kept.getresponse()
                said = answer.read().decode()
            except Exception as error:  # noqa: BLE001: whatever it is counts as dropped
                return self.wrong.append(repr(error))
            self.seen.append((begun, time.monotonic(), answer.status, name, said))


def reload(places):
    routes = {"one": places[:1], "two": places[1:], "live": [Live]}
    with open(os.environ["DOORWARD_CONFIG_FILE"], "w", encoding="utf-8") as file:
        for name, those in routes.items():
            upstreams = json.dumps([f"http://127.0.0.1:{place.port}" for place in those])
            file.write(f'[[gateway.routes]]\nname = "{name}"\nhosts = ["{name}.localhost"]\n'
                       f'scopes = ["files:read"]\nupstreams = {upstreams}\n\n')
    os.kill(PID, signal.SIGHUP)
    end = time.monotonic() + PATIENCE
    reload.times += 1
    while True:
        with open(os.environ["DOORWARD_SERVER_LOG"], encoding="utf-8") as log:
            if log.read().count("the routes were read again") >= reload.times:
                return
        assert time.monotonic() < end, "the routes were not read again"
        time.sleep(0.02)


reload.times = 0


class Live:
    port = free_port()


class Restarts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.journal = os.path.join(cls.folder.name, "journal")
        cls.places = [Place(cls.journal) for _ in range(3)]
        cls.token = api("POST", "service-tokens", {"name": "loader", "scopes": ["files:read"]})["secret"]
        reload(cls.places)

    @classmethod
    def tearDownClass(cls):
        for place in cls.places:
            place.stop()
        cls.folder.cleanup()

    def under_load(self, host, work):
        """Does it while others ask; answers what they saw, reading and writing."""
        over = threading.Event()
        loads = [Load(self.token, host, method, over) for method in ("GET", "POST") for _ in range(4)]
        for load in loads:
            load.start()

        def go_on():
            """Waits until nobody has to do any more with what was before."""
            waited = [(load, len(load.seen) + 5) for load in loads]
            end = time.monotonic() + PATIENCE
            while any(len(load.seen) < enough and load.is_alive() for load, enough in waited):
                self.assertLess(time.monotonic(), end, "it hangs")
                time.sleep(0.01)

        try:
            work(go_on)
            go_on()
        finally:
            over.set()
            for load in loads:
                load.join()
                load.kept.close()
        self.assertEqual([load.wrong for load in loads if load.wrong], [])
        seen = {method: [one for load in loads if load.method == method for one in load.seen] for method in ("GET", "POST")}
        for method, all_of_it in seen.items():
            failed = sum(status != 200 for _, _, status, *_ in all_of_it)
            slowest = max(done - begun for begun, done, *_ in all_of_it)
            print(f"{host} {method}: {len(all_of_it)}, {failed} of them failed, the slowest took {slowest:.2f} s", flush=True)
        return seen["GET"], seen["POST"]

    def judge(self, seen, away):
        """Whatever failed was with a place that went away, and is told in our words, soon."""
        for begun, done, status, name, said in seen:
            self.assertLess(done - begun, SOON)
            if status == 200:
                self.assertEqual(said, f"/{name}")
                continue
            self.assertEqual((status, json.loads(said)["code"]), (502, "gateway.upstream_unreachable"))
            self.assertTrue(any(begun <= back and done >= gone for gone, back in away), (begun, done, away))

    def done(self, seen):
        """What was said to be done was done, and nothing twice."""
        with open(self.journal, encoding="utf-8") as journal:
            written = journal.read().split()
        self.assertEqual(len(written), len(set(written)))
        self.assertLessEqual({name for _, _, status, name, _ in seen if status == 200}, set(written))

    def test_one_place_that_goes_and_comes_back(self):
        place = self.places[0]

        def work(_):
            for _ in range(5):
                place.restart()
                reload(self.places)

        read, written = self.under_load("one", work)
        self.judge(read + written, place.away)
        self.done(written)
        self.assertGreater(sum(status != 200 for _, _, status, *_ in read), 0, "it was away")

    def test_of_two_places_one_is_always_there(self):
        one, two = self.places[1:]

        def work(go_on):
            for number in range(8):
                (one, two)[number % 2].restart()
                go_on()
                if number % 4 == 3:
                    reload(self.places)

        read, written = self.under_load("two", work)
        self.assertEqual([seen for seen in read if seen[2] != 200], [], "reading is done elsewhere")
        self.judge(read + written, one.away + two.away)
        self.done(written)

    def test_who_talks_goes_on_talking(self):
        def again(live):
            for said in live:
                live.send(said)

        with serve(again, "127.0.0.1", Live.port) as behind:
            threading.Thread(target=behind.serve_forever, daemon=True).start()
            with connect(f"ws://live.localhost:{PORT}", sock=socket.create_connection(("127.0.0.1", PORT)),
                         additional_headers={"Authorization": f"Bearer {self.token}"}) as live:
                for number in range(5):
                    live.send(f"{number}")
                    self.assertEqual(live.recv(PATIENCE), f"{number}")
                    reload(self.places)
            behind.shutdown()

    def test_a_kept_connection_that_closes_at_the_wrong_moment(self):
        """Servers close what was idle for some seconds, and may do so while a request is on its way."""
        listener = socket.create_server(("127.0.0.1", 0))
        asked = []

        def answer():
            while True:
                try:
                    stream, _ = listener.accept()
                except OSError:
                    return
                head = b""
                for number in range(2):
                    while b"\r\n\r\n" not in head:
                        head += stream.recv(4096) or b"\r\n\r\n"
                    asked.append((number, head.split()[0]))
                    if number == 0:
                        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                    head = b""
                stream.close()

        threading.Thread(target=answer, daemon=True).start()
        api("POST", "routes", {"name": "idle", "hosts": ["idle.localhost"], "upstream": f"http://127.0.0.1:{listener.getsockname()[1]}"})

        def ask(method):
            kept = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE)
            kept.request(method, "/", headers={"Host": "idle.localhost", "Authorization": f"Bearer {self.token}"})
            answered = kept.getresponse()
            return answered.status, answered.read()

        self.assertEqual(ask("GET"), (200, b"hi"))
        self.assertEqual(ask("GET"), (200, b"hi"), "it is asked again where it was not at home")
        self.assertEqual(asked, [(0, b"GET"), (1, b"GET"), (0, b"GET")])
        self.assertEqual(ask("DELETE")[0], 502, "nobody knows whether that was done")
        listener.close()


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
