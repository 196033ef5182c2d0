"""What is used is told exactly: by whom, where, how often and how much, through the own proxy, at /validate and by
Envoy, from many at once; and again after the server was stopped and started."""

import concurrent.futures
import csv
import http.client
import io
import json
import os
import time
import unittest
from collections import Counter
from urllib.parse import urlsplit

import requests

from person import ISSUER, api, client_token
from proxies import Upstream

PORT, AUDIENCE = urlsplit(ISSUER).port, "https://reports.example"
KEPT, IS_FIRST = os.environ["DOORWARD_KEPT"], os.environ["DOORWARD_PHASE"] == "first"
BODY = b"x" * 1000
AT_ONCE = 24


def send(token, way, path="/reports/1", body=None):
    """One request; answers the class of its status and the length of its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if way == "proxy":
        connection.request("POST" if body else "GET", path, body, {**headers, "Host": "app.localhost"})
    elif way == "envoy":
        connection.request("GET", f"/envoy/check{path}", None, {**headers, "Host": "app.localhost"})
    else:
        connection.request("GET", "/validate?profile=caddy", None, {
            **headers, "X-Forwarded-Method": "GET", "X-Forwarded-Host": "app.localhost", "X-Forwarded-Uri": path})
    answer = connection.getresponse()
    length = len(answer.read())
    connection.close()
    return f"{answer.status // 100}xx", length


def told(query):
    found, cursor = [], ""
    while True:
        page = api("GET", f"usage?{query}&limit=4{cursor}")
        found += page["items"]
        if not page["next_cursor"]:
            return found, page["totals"]
        cursor = f"&cursor={page['next_cursor']}"


def identities():
    """Applications and service tokens, with the names that they are counted under."""
    found = [client_token(AUDIENCE, "reports:read") for _ in range(3)]
    for number in range(2):
        made = api("POST", "service-tokens", {"name": f"meter-{time.time_ns()}-{number}", "scopes": ["reports:read"]})
        found.append((made["lineage"], made["secret"]))
    # Who may not, and who is nobody.
    found.append(client_token(AUDIENCE, "reports:write"))
    return found + [("", None)]


class Metered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = Upstream(int(os.environ["DOORWARD_UPSTREAM"]))
        if IS_FIRST:
            api("POST", "apis", {
                "identifier": AUDIENCE, "name": "Reports",
                "scopes": [{"name": "reports:read"}, {"name": "reports:write"}],
            })

    def test_every_request_is_told_once(self):
        who = identities()
        jobs = [(name, token, way, BODY if way == "proxy" and turn % 3 == 0 else None)
                for turn in range(17) for name, token in who for way in ("proxy", "validate", "envoy")]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda job: send(job[1], job[2], body=job[3]), jobs))
        sent = json.load(open(KEPT, encoding="utf-8")) if not IS_FIRST else {"each": {}, "in": 0, "out": 0}
        each = Counter(sent["each"])
        for (name, _, _, body), (status, _) in zip(jobs, answers):
            each[f"{name} {status}"] += 1
        sent["out"] += sum(length for (_, _, way, _), (_, length) in zip(jobs, answers) if way == "proxy")
        sent["in"] += sum(len(body) for (_, _, _, body), (status, _) in zip(jobs, answers) if body and status == "2xx")
        sent["each"] = dict(each)
        with open(KEPT, "w", encoding="utf-8") as kept:
            json.dump(sent, kept)

        items, totals = told("route=app&by=user,status")
        self.assertEqual({f"{it['user']} {it['status']}": it["requests"] for it in items}, dict(each))
        number = sum(each.values())
        self.assertEqual(totals["requests"], number)
        self.assertEqual(totals["denied"], sum(times for name, times in each.items() if name.endswith("4xx")))
        for by in ("hour", "day", "org,route", "client", "status", "user,hour,status"):
            items, totals = told(f"route=app&by={by}")
            self.assertEqual((sum(it["requests"] for it in items), totals["requests"]), (number, number), by)

        # Bodies are counted when they are over, a moment after their last byte was read.
        end = time.monotonic() + 30
        while (totals := told("route=app")[1])["response_bytes"] != sent["out"] and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(totals["response_bytes"], sent["out"])
        self.assertGreaterEqual(totals["request_bytes"], sent["in"])

        header = {"Authorization": f"Bearer {os.environ['DOORWARD_BOOTSTRAP']}", "Accept": "text/csv"}
        table = requests.get(f"{ISSUER}/api/v1/usage?route=app&by=user,status", headers=header, timeout=30)
        rows = list(csv.DictReader(io.StringIO(table.text)))
        self.assertEqual(Counter({f"{row['user']} {row['status']}": int(row["requests"]) for row in rows}), each)


if __name__ == "__main__":
    unittest.main()
