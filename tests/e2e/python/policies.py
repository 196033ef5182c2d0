"""Whose notes these are: policies of a route, before an application that knows nothing of owners."""

import http.client
import json
import os
import subprocess
import tempfile
import threading
import unittest
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

import requests

from lone import Gateway
from person import ISSUER, api, new_person
from proxies import Echo

PORT = urlsplit(ISSUER).port


def call(secret, path, method="GET", host="notes.localhost"):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    headers = {"Host": host, **({"Authorization": f"Bearer {secret}"} if secret else {})}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status if answer.status == 200 else (answer.status, told["code"])


def asked(secret, path, method="GET"):
    """As nginx asks."""
    told = {"X-Original-Method": method, "X-Original-Host": "notes.localhost", "X-Original-URI": path}
    headers = {"Authorization": f"Bearer {secret}", **told}
    answer = requests.get(f"{ISSUER}/validate?profile=nginx", headers=headers, timeout=30)
    return answer.status_code if answer.status_code == 200 else (answer.status_code, answer.json()["code"])


def refused(method, path, body):
    headers = {"Authorization": f"Bearer {os.environ['DOORWARD_BOOTSTRAP']}"}
    return requests.request(method, f"{ISSUER}/api/v1/{path}", json=body, headers=headers, timeout=30)


class Policies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.behind = ThreadingHTTPServer(("127.0.0.1", int(os.environ["DOORWARD_UPSTREAM"])), Echo)
        cls.behind.daemon_threads, cls.behind.asked = True, 0
        threading.Thread(target=cls.behind.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.behind.shutdown()

    @staticmethod
    def person():
        email = new_person().email
        user = api("GET", f"users?query={email}")["items"][0]["id"]
        made = api("POST", "api-keys", {"name": "notes", "user_id": user})
        return user, made["secret"]

    def test_everybody_has_their_own_notes(self):
        (ada, adas), (bob, bobs) = self.person(), self.person()
        denied = (403, "auth.policy_denied")
        for door in (call, asked):
            self.assertEqual(door(adas, f"/notes/{ada}/1"), 200)
            self.assertEqual(door(adas, f"/notes/{ada}/1", "PUT"), 200)
            self.assertEqual(door(adas, f"/notes/{ada}/1", "DELETE"), denied)
            self.assertEqual(door(bobs, f"/notes/{ada}/1"), denied)
            self.assertEqual(door(bobs, f"/notes/{ada}/1?owner={bob}"), denied)
            self.assertEqual(door(bobs, f"/notes/{bob}/1"), 200)
        self.assertEqual(call(None, f"/notes/{ada}/1"), (401, "auth.missing_token"))
        events = api("GET", "audit/events?code=gateway.refused")["items"]
        self.assertTrue(any(it["subject"] == bob and "auth.policy_denied" in json.dumps(it["facts"]) for it in events), events)

    def test_others_may_ask_what_would_be_decided(self):
        (ada, _), (bob, _) = self.person(), self.person()
        told = requests.get(f"{ISSUER}/.well-known/authzen-configuration", timeout=30).json()
        self.assertEqual(told["policy_decision_point"], ISSUER)
        asker = api("POST", "service-tokens", {"name": "asker", "scopes": ["admin:access:read"]})["secret"]
        question = {"action": {"name": "GET"}, "resource": {"type": "url", "id": f"https://notes.localhost/notes/{ada}/1"}}
        several = {**question, "evaluations": [{"subject": {"type": "user", "id": it}} for it in (ada, bob)]}
        headers = {"Authorization": f"Bearer {asker}", "X-Request-ID": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"}
        answer = requests.post(told["access_evaluations_endpoint"], json=several, headers=headers, timeout=30)
        self.assertEqual((answer.status_code, answer.headers["x-request-id"]), (200, headers["X-Request-ID"]), answer.text)
        ours, theirs = answer.json()["evaluations"]
        self.assertEqual((ours, theirs["decision"], theirs["context"]["code"]), ({"decision": True}, False, "auth.policy_denied"))
        headers["Authorization"] = f"Bearer {api('POST', 'service-tokens', {'name': 'lesser', 'scopes': ['files:read']})['secret']}"
        answer = requests.post(told["access_evaluation_endpoint"], json={**question, "subject": {"type": "user", "id": ada}}, headers=headers, timeout=30)
        self.assertEqual((answer.status_code, answer.json()["code"]), (403, "auth.missing_scope"), answer.text)

    def test_policies_change_by_the_api(self):
        (ada, adas), (_, bobs) = self.person(), self.person()
        mine = f'permit(principal == User::"{ada}", action, resource);'
        route = {"name": "diary", "hosts": ["diary.localhost"], "policy": mine,
                 "upstream": f"http://127.0.0.1:{self.behind.server_port}"}
        self.assertEqual(api("POST", "routes", route)["policy"], mine)
        self.assertEqual(call(adas, "/", host="diary.localhost"), 200)
        self.assertEqual(call(bobs, "/", host="diary.localhost"), (403, "auth.policy_denied"))
        api("PATCH", "routes/diary", {"policy": "permit(principal is User, action, resource);"})
        self.assertEqual(call(bobs, "/", host="diary.localhost"), 200)
        broken = refused("PATCH", "routes/diary", {"policy": "permit(principal, action, resource)\nwhen principal;"})
        self.assertEqual((broken.status_code, broken.json()["code"]), (400, "request.invalid"), broken.text)
        self.assertIn("line 2, column 6", broken.text)
        unknown = refused("POST", "routes", {**route, "name": "x", "policy": "permit(principal, action, resource) when { principal.skopes.isEmpty() };"})
        self.assertEqual(unknown.status_code, 400, unknown.text)
        self.assertIn("skopes", unknown.text)
        self.assertEqual(call(bobs, "/", host="diary.localhost"), 200, "a mistake changes nothing")

    def test_a_policy_is_in_a_file_beside_the_configuration(self):
        """Changed and read again with it, and never left out."""
        (ada, adas), (bob, bobs) = self.person(), self.person()
        gateway = Gateway(DOORWARD_AUTH_ISSUER=ISSUER, DOORWARD_AUTH_AUDIENCE="https://notes.example")
        self.addCleanup(gateway.close)
        file = os.path.join(os.path.dirname(gateway.file), "policies", "owner.cedar")
        os.mkdir(os.path.dirname(file))

        def policy(text):
            with open(file, "w", encoding="utf-8") as into:
                into.write(text)

        asker = api("POST", "clients", {"name": "gate", "type": "confidential", "redirect_uris": [], "scopes": [],
                                        "grant_types": ["client_credentials"]})
        config = f"""
[auth]
introspection_url = "{ISSUER}/oauth2/introspect"
introspection_client_id = "{asker['client_id']}"
introspection_client_secret = "{asker['client_secret']}"

[[gateway.routes]]
name = "notes"
hosts = ["notes.localhost"]
paths = ["/notes/{{owner}}/**"]
upstream = "http://127.0.0.1:{self.behind.server_port}"
policy_file = "policies/owner.cedar"
"""
        policy("permit(principal, action, resource) when { principal.subject == resource.params.owner };")
        gateway.reload(config)

        def call(secret, owner):
            answer = gateway.ask(f"/notes/{owner}/1", "notes.localhost", Authorization=f"Bearer {secret}")
            return answer.status if answer.status == 200 else (answer.status, json.loads(answer.text)["code"])

        denied = (403, "auth.policy_denied")
        self.assertEqual((call(adas, ada), call(bobs, ada)), (200, denied), gateway.told())
        policy(f'permit(principal == User::"{bob}", action, resource);')
        self.assertEqual((call(adas, ada), call(bobs, ada)), (200, denied), "not before it is read again")
        gateway.reload(config)
        self.assertEqual((call(adas, ada), call(bobs, ada)), (denied, 200))
        for broken, words in (("permit(principal, action", "policy: "), ("\n", "policy_file: "), (None, "cannot read")):
            if broken is None:
                os.remove(file)
            else:
                policy(broken)
            gateway.refuses(words)
            self.assertEqual((call(adas, ada), call(bobs, ada)), (denied, 200), "a mistake changes nothing")
        # What comes by the API names no file of the server.
        named = refused("POST", "routes", {"name": "y", "hosts": ["y.localhost"], "policy_file": "/etc/hostname"})
        self.assertEqual(named.status_code, 400, named.text)
        self.assertIn("policy_file", named.text)

    def test_a_broken_policy_is_told_before_a_start(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "doorward.toml")
            with open(file, "w", encoding="utf-8") as text:
                text.write('[[gateway.routes]]\nname = "notes"\npolicy = """\npermit(principal, action, resource)\n  when { nonsense };\n"""\n')
            environment = {name: value for name, value in os.environ.items() if not name.startswith("DOORWARD_")}
            command = [os.environ["DOORWARD_PROGRAM"], "config", "check", "--config", file]
            done = subprocess.run(command, capture_output=True, text=True, env={**environment, "HOME": folder}, timeout=60)
            said = done.stdout + done.stderr
            self.assertNotEqual(done.returncode, 0, said)
            for part in ("gateway.routes", "route notes: policy: line 2, column 10"):
                self.assertIn(part, said)


if __name__ == "__main__":
    unittest.main()
