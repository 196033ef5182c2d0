"""An API of many organisations: whoever calls it sees the data of the organisation that their credential is for."""

import os
import subprocess
import unittest

import requests

from person import ISSUER, api, new_client

REPORTS = "https://reports.example"


def organization(slug):
    return api("POST", "orgs", {"name": slug.title(), "slug": slug})["id"]


class Tenants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        api("POST", "apis", {"identifier": REPORTS, "name": "Notes", "scopes": [{"name": "notes", "description": "Notes"}]})
        asker = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=[])
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("DOORWARD_", "ORCHEO_"))}
        settings = {
            "DOORWARD_AUTH_ISSUER": ISSUER, "DOORWARD_AUTH_AUDIENCE": REPORTS,
            "DOORWARD_AUTH_INTROSPECTION_URL": f"{ISSUER}/oauth2/introspect",
            "DOORWARD_AUTH_INTROSPECTION_CLIENT_ID": asker["client_id"],
            "DOORWARD_AUTH_INTROSPECTION_CLIENT_SECRET": asker["client_secret"]}
        cls.acme, cls.bell = organization("acme"), organization("bell")
        cls.tokens = {org: cls.token(org) for org in (cls.acme, cls.bell)}
        program = os.path.join(os.environ["DOORWARD_EXAMPLES"], "tenants")
        cls.program = subprocess.Popen([program, "127.0.0.1:0"], env={**plain, **settings}, stdout=subprocess.PIPE, text=True)
        cls.url = cls.program.stdout.readline().strip()

    @classmethod
    def tearDownClass(cls):
        cls.program.kill()
        cls.program.wait()
        cls.program.stdout.close()

    @staticmethod
    def token(org):
        """An access token of an application of the organisation."""
        client = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=["notes"], org_id=org, apis=[REPORTS])
        answer = requests.post(
            f"{ISSUER}/oauth2/token", auth=(client["client_id"], client["client_secret"]), timeout=30,
            data={"grant_type": "client_credentials", "scope": "notes", "resource": REPORTS})
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def ask(self, method, path, token, **more):
        return requests.request(method, self.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=30, **more)

    def test_an_organisation_sees_its_own_notes_only(self):
        for org, note in ((self.acme, "of acme"), (self.bell, "of bell")):
            self.assertEqual(self.ask("POST", "/notes", self.tokens[org], data=note).status_code, 200)
        for org, other, note in ((self.acme, self.bell, "of acme"), (self.bell, self.acme, "of bell")):
            token = self.tokens[org]
            for path in ("/notes", f"/organizations/{org}/notes"):
                self.assertEqual(self.ask("GET", path, token).text, note)
            for foreign in (other, "org_00000000000000000000000000", org.upper(), f"{org}%20"):
                answer = self.ask("GET", f"/organizations/{foreign}/notes", token)
                self.assertEqual((answer.status_code, answer.json()["code"]), (403, "auth.forbidden"), foreign)

    def test_a_service_token_is_of_an_organisation_too(self):
        made = api("POST", "service-tokens", {"name": "nightly", "scopes": ["notes"]})
        self.assertEqual(self.ask("GET", f"/organizations/{made['org_id']}/notes", made["secret"]).status_code, 200)
        self.assertEqual(self.ask("GET", f"/organizations/{self.acme}/notes", made["secret"]).status_code, 403)

    def test_the_service_token_of_a_tenant_is_its_own_affair(self):
        secret = api("POST", "service-tokens", {"name": "nightly", "scopes": ["notes"], "org_id": self.bell})["secret"]
        answer = self.ask("GET", "/notes", secret)
        self.assertEqual((answer.status_code, answer.json()["code"]), (401, "auth.invalid_token"))

    def test_nobody_is_told_nothing(self):
        answer = requests.get(f"{self.url}/notes", timeout=30)
        self.assertEqual((answer.status_code, answer.json()["code"]), (401, "auth.missing_token"))


if __name__ == "__main__":
    unittest.main()
