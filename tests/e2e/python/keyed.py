"""A key in the header of an application's own, before an application that knows nothing of keys."""

import http.client
import json
import os
import threading
import unittest
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

import requests

from person import ISSUER, api, new_person
from proxies import Echo


def call(secret=None, method="POST", header="API-Key", **more):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(ISSUER).port, timeout=30)
    headers = {"Host": "app.localhost", **more, **({header: secret} if secret else {})}
    connection.request(method, "/run_code", b'{"code": "1+1"}', headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text)


def sent(told, name):
    return [value for known, value in told["headers"] if known.lower() == name]


class Keyed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.behind = ThreadingHTTPServer(("127.0.0.1", int(os.environ["DOORWARD_UPSTREAM"])), Echo)
        cls.behind.daemon_threads, cls.behind.asked = True, 0
        threading.Thread(target=cls.behind.serve_forever, daemon=True).start()
        person = new_person()
        cls.email, cls.user = person.email, api("GET", f"users?query={person.email}")["items"][0]["id"]

    @classmethod
    def tearDownClass(cls):
        cls.behind.shutdown()

    def key(self, **more):
        return api("POST", "api-keys", {"name": "sandbox", "permissions": {"code": ["execute"]}, **more})

    def test_a_personal_key_is_its_person_upstream(self):
        made = self.key(user_id=self.user)
        for header in ("API-Key", "X-API-Key", "X-Chroma-Token"):
            status, told = call(made["secret"], header=header, **{"X-User-ID": "mallory", "X-Permissions": "admin"})
            self.assertEqual(status, 200, told)
            self.assertEqual(sent(told, "x-user-id"), [self.user])
            self.assertEqual(sent(told, "x-user-permissions"), ["code:execute"])
            self.assertEqual(sent(told, "x-user-email"), [self.email])
            self.assertEqual(sent(told, "x-auth-type"), ["api_key"])
            self.assertNotIn(made["secret"], json.dumps(told))
        status, told = call(f"Bearer {made['secret']}", header="Authorization")
        self.assertEqual(status, 200, told)

    def test_a_key_without_the_permission_is_refused(self):
        status, told = call(self.key(permissions={"code": ["read"]})["secret"])
        self.assertEqual((status, told["code"]), (403, "auth.forbidden"), told)
        status, told = call()
        self.assertEqual((status, told["code"]), (401, "auth.missing_token"), told)
        status, told = call("dw_ak_nothing")
        self.assertEqual((status, told["code"]), (401, "auth.invalid_token"), told)

    def test_an_ended_key_is_refused_at_once(self):
        made = self.key()
        status, told = call(made["secret"])
        self.assertEqual((status, sent(told, "x-user-id")), (200, [made["id"]]), told)
        api("PATCH", f"api-keys/{made['id']}", {"enabled": False})
        self.assertEqual(call(made["secret"])[0], 401)
        api("PATCH", f"api-keys/{made['id']}", {"enabled": True})
        self.assertEqual(call(made["secret"])[0], 200)
        api("POST", f"api-keys/{made['id']}/revoke", {"reason": "lost"})
        status, told = call(made["secret"])
        self.assertEqual((status, told["code"]), (401, "auth.token_revoked"), told)

    def test_a_key_ends_with_its_person(self):
        person = new_person()
        user = api("GET", f"users?query={person.email}")["items"][0]["id"]
        made = self.key(user_id=user)
        self.assertEqual(call(made["secret"])[0], 200)
        api("POST", f"users/{user}/suspend")
        self.assertEqual(call(made["secret"])[0], 401)

    def test_a_service_verifies(self):
        made = self.key(user_id=self.user)
        headers = {"Authorization": f"Bearer {os.environ['DOORWARD_BOOTSTRAP']}"}
        answer = requests.post(f"{ISSUER}/api/api-key/verify", json={"key": made["secret"]}, headers=headers, timeout=30)
        self.assertEqual(answer.json()["key"]["userId"], self.user)
        stranger = requests.post(f"{ISSUER}/api/api-key/verify", json={"key": made["secret"]}, timeout=30)
        self.assertEqual(stranger.status_code, 401)


if __name__ == "__main__":
    unittest.main()
