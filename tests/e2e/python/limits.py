"""How much of it: rates, quotas and failed tries, through real proxies, the own one and a reload."""

import http.client
import json
import os
import signal
import subprocess
import time
import unittest
import warnings
from urllib.parse import urlsplit

import requests

from person import ISSUER, api
from proxies import DOORWARD, Upstream, documented, nginx

PORT = urlsplit(ISSUER).port
upstream = Upstream(int(os.environ["DOORWARD_UPSTREAM"]))
CONFIG = os.environ["DOORWARD_CONFIG_FILE"]
OWN = f"""
[[gateway.routes]]
name = "own"
hosts = ["own.localhost"]
upstream = "http://127.0.0.1:{upstream.port}"
rate_limit = {{ limit = 5, per = "day" }}
quota = {{ limit = 100, per = "month", by = "route" }}

[[gateway.routes]]
name = "fast"
hosts = ["fast.localhost"]
upstream = "http://127.0.0.1:{upstream.port}"
rate_limit = "2/day"

[[gateway.routes]]
name = "open"
hosts = ["open.localhost"]
upstream = "http://127.0.0.1:{upstream.port}"
mode = "disabled"
rate_limit = {{ limit = 2, per = "day" }}
"""


def key(name, **more):
    return api("POST", "service-tokens", {"name": name, "scopes": ["files:read"], **more})["secret"]


def get(port, path="/limited/x", host="reports.example.com", token=None):
    headers = {"Host": host, **({"Authorization": f"Bearer {token}"} if token else {})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.told = {name.lower(): value for name, value in response.getheaders()}
    text = response.read().decode()
    response.sent = dict(requests.models.complexjson.loads(text)["headers"]) if response.status == 200 else {}
    response.text = text
    connection.close()
    return response


def reload(text):
    with open(CONFIG, "w", encoding="utf-8") as file:
        file.write(text)
    log = os.environ["DOORWARD_SERVER_LOG"]
    with open(log, encoding="utf-8") as file:
        before = file.read().count("the routes were read again")
    os.kill(int(os.environ["DOORWARD_PID"]), signal.SIGHUP)
    end = time.monotonic() + 30
    while True:
        with open(log, encoding="utf-8") as file:
            said = file.read()
        if said.count("the routes were read again") > before:
            return
        assert time.monotonic() < end, said[-4000:]
        time.sleep(0.05)


class Limited(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        (routes,) = documented("toml", "Limits", upstream.port)
        cls.config = routes + OWN
        reload(cls.config)

    def until_refused(self, port, token):
        """Thirty of them, counted down, and no more."""
        for left in range(29, -1, -1):
            answer = get(port, token=token)
            self.assertEqual((answer.status, answer.sent.get("x-quota")), (200, str(self.quota)))
            type(self).quota -= 1
        refused = get(port, token=token)
        self.assertEqual(refused.status, 429, refused.told)
        # One is given back every two minutes.
        self.assertTrue(0 < int(refused.told["retry-after"]) <= 120, refused.told)
        return answer, refused

    quota = 4999

    def test_nginx_hands_on_a_429(self):
        (block,) = documented("nginx", "nginx", upstream.port)
        with nginx(block) as proxy:
            answer, refused = self.until_refused(proxy.port, key("through-nginx"))
            for told in (answer.told, refused.told):
                self.assertIn('"rate";r=0;', told["ratelimit"])
                self.assertIn('"rate";q=30;w=3600', told["ratelimit-policy"])
            self.assertEqual(get(proxy.port, "/elsewhere").status, 401)

    def test_the_own_proxy_tells_both_sides(self):
        token, host = key("through-us"), "own.localhost"
        for left in range(4, -1, -1):
            answer = get(PORT, "/x", host, token)
            self.assertEqual(answer.status, 200)
            self.assertRegex(answer.told["ratelimit"], rf'^"rate";r={left};t=\d+, "quota";r={95 + left};t=\d+$')
            self.assertEqual(answer.told["ratelimit-policy"], '"rate";q=5;w=86400, "quota";q=100;w=2678400')
            self.assertEqual(answer.sent["x-quota"], str(95 + left))
        before = upstream.asked
        refused = get(PORT, "/x", host, token)
        self.assertEqual((refused.status, upstream.asked), (429, before))
        self.assertIn("gateway.rate_limited", refused.text)
        # What was counted is not forgotten when the routes are read again.
        reload(self.config.replace('name = "open"', 'name = "open"\n'))
        self.assertEqual(get(PORT, "/x", host, token).status, 429)
        statuses = [get(PORT, "/x", "open.localhost").status for _ in range(3)]
        self.assertEqual(statuses, [200, 200, 429])

    def test_a_token_may_have_a_rate_of_its_own(self):
        fast = key("fast", rate_limit_override="1000/day")
        answers = [get(PORT, "/x", "fast.localhost", fast) for _ in range(4)]
        self.assertEqual([answer.status for answer in answers], [200] * 4)
        self.assertIn('"rate";r=996;', answers[-1].told["ratelimit"])
        again = api("POST", "service-tokens/fast/rotate", {})["secret"]
        self.assertIn('"rate";r=995;', get(PORT, "/x", "fast.localhost", again).told["ratelimit"])
        usual = key("usual")
        self.assertEqual([get(PORT, "/x", "fast.localhost", usual).status for _ in range(3)], [200, 200, 429])

    def test_a_key_may_have_a_rate_of_its_own(self):
        made = api("POST", "api-keys", {"name": "batch", "rate_limit": "1000/day"})["secret"]
        answers = [get(PORT, "/x", "fast.localhost", made) for _ in range(4)]
        self.assertEqual([answer.status for answer in answers], [200] * 4)
        self.assertIn('"rate";r=996;', answers[-1].told["ratelimit"])

    def test_zz_guesses_end(self):
        """After the others: from then on newcomers from here wait."""
        good, newcomer = key("good"), key("newcomer")
        validate = f"http://{DOORWARD}/validate"
        ask = lambda token: requests.get(validate, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        self.assertEqual(ask(good).status_code, 200)
        begun = time.monotonic()
        answers = [ask(f"guess-{guess}") for guess in range(11)]
        self.assertEqual([answer.status_code for answer in answers], [401] * 10 + [429])
        problem = answers[-1].json()
        self.assertEqual(problem["code"], "auth.rate_limited.ip")
        self.assertEqual(problem["message"], "Too many authentication attempts from IP 127.0.0.1")
        wait = int(answers[-1].headers["Retry-After"])
        self.assertEqual(wait, problem["retry_after"])
        self.assertTrue(600 - (time.monotonic() - begun) - 2 <= wait <= 600, wait)
        self.assertEqual(ask(newcomer).status_code, 429)
        self.assertEqual(ask(good).status_code, 200)
        reload(self.config)
        self.assertEqual(ask(newcomer).status_code, 429)
        # An administrator ends it.
        self.assertEqual(api("POST", "ratelimits/clear", {"ip": "192.0.2.1"}), {"cleared": 0})
        self.assertEqual(ask(newcomer).status_code, 429)
        administrator = {
            "DOORWARD_URL": ISSUER, "DOORWARD_SERVICE_TOKEN": os.environ["DOORWARD_BOOTSTRAP"], "HOME": "/nonexistent"}
        done = subprocess.run(
            [os.environ["DOORWARD_PROGRAM"], "ratelimit", "clear", "--ip", "127.0.0.1", "--output", "json"],
            capture_output=True, text=True, check=True, env=administrator)
        self.assertGreaterEqual(json.loads(done.stdout)["cleared"], 1, done.stderr)
        self.assertEqual(ask(newcomer).status_code, 200)
        told = api("GET", "audit/events?code=ratelimits.cleared")["items"]
        self.assertEqual(len(told), 2, told)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
