"""An API that mounts the library, and a program that asks it with a credential of the library's making."""

import os
import subprocess
import unittest

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

from person import ISSUER, api, client_token, new_client

REPORTS, OTHER = "https://reports.example", "https://other.example"
for identifier in (REPORTS, OTHER):
    api("POST", "apis", {"identifier": identifier, "name": "An API", "scopes": [
        {"name": "reports:read", "description": "See reports"}, {"name": "reports:write", "description": "Write reports"}]})


def environment(**more):
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("DOORWARD_", "ORCHEO_"))}
    return {**plain, **more}


def example(name):
    return os.path.join(os.environ["DOORWARD_EXAMPLES"], name)


class Guarded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.asker = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=[])
        settings = environment(
            DOORWARD_AUTH_ISSUER=ISSUER, DOORWARD_AUTH_AUDIENCE=REPORTS,
            DOORWARD_AUTH_INTROSPECTION_URL=f"{ISSUER}/oauth2/introspect",
            DOORWARD_AUTH_INTROSPECTION_CLIENT_ID=cls.asker["client_id"],
            DOORWARD_AUTH_INTROSPECTION_CLIENT_SECRET=cls.asker["client_secret"])
        cls.program = subprocess.Popen([example("guarded"), "127.0.0.1:0"], env=settings, stdout=subprocess.PIPE, text=True)
        cls.url = cls.program.stdout.readline().strip() + "/reports"

    @classmethod
    def tearDownClass(cls):
        cls.program.kill()
        cls.program.wait()
        cls.program.stdout.close()

    def ask(self, token=None, **headers):
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return requests.get(self.url, headers=headers, timeout=30)

    def call(self, url=None, resource=REPORTS, **settings):
        settings = environment(DOORWARD_ISSUER=ISSUER, **settings)
        done = subprocess.run([example("calling"), url or self.url, resource], env=settings, capture_output=True, text=True, timeout=60)
        return done.stdout, done.stderr

    def test_who_may_is_let_in(self):
        name, token = client_token(REPORTS, "reports:read")
        answer = self.ask(token, **{"X-User-ID": "root"})
        self.assertEqual((answer.status_code, answer.text), (200, f"the reports of {name}\n"))

    def test_who_may_not_is_told_why(self):
        answer = self.ask()
        self.assertEqual((answer.status_code, answer.json()["code"]), (401, "auth.missing_token"))
        self.assertEqual(answer.headers["WWW-Authenticate"], f'Bearer realm="{REPORTS}"')
        _, writer = client_token(REPORTS, "reports:write")
        answer = self.ask(writer)
        self.assertEqual((answer.status_code, answer.json()["scope"]), (403, "reports:read"))
        _, elsewhere = client_token(OTHER, "reports:read")
        _, good = client_token(REPORTS, "reports:read")
        head, payload, signature = good.split(".")
        for token, code in ((elsewhere, "auth.invalid_audience"), (f"{head}.{payload}.{signature[::-1]}", "auth.invalid_token"),
                            ("dw_st_nobody", "auth.invalid_token")):
            answer = self.ask(token)
            self.assertEqual((answer.status_code, answer.json()["code"]), (401, code))

    def test_a_service_token_is_asked_about(self):
        secret = api("POST", "service-tokens", {"name": "nightly", "scopes": ["reports:read"]})["secret"]
        answer = self.ask(secret)
        self.assertEqual(answer.status_code, 200, answer.text)

    def test_a_program_asks_with_a_token_of_its_own(self):
        client = new_client(client_id="by-secret", grant_types=["client_credentials"], redirect_uris=[], scopes=["reports:read"])
        said, told = self.call(CLIENT_ID="by-secret", CLIENT_SECRET=client["client_secret"])
        self.assertEqual(said.count("200 the reports of by-secret\n"), 2, told)
        self.assertNotIn(client["client_secret"], said + told)
        said, told = self.call(CLIENT_ID="by-secret", CLIENT_SECRET="wrong")
        self.assertEqual(said, "")
        self.assertIn("refused: invalid_client", told)

    def test_a_program_proves_itself_by_its_key(self):
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = ECKey.import_key(pem).as_dict(private=False)
        kid = ECKey.import_key(pem).thumbprint()
        new_client(client_id="by-key", grant_types=["client_credentials"], redirect_uris=[], scopes=["reports:read"],
                   token_endpoint_auth_method="private_key_jwt", jwks={"keys": [{**public, "kid": kid}]})
        said, told = self.call(CLIENT_ID="by-key", CLIENT_KEY=pem.decode())
        self.assertEqual(said.count("200 the reports of by-key\n"), 2, told)


if __name__ == "__main__":
    unittest.main()
