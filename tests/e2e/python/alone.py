"""A gateway alone: the real program without a database, which believes issuers, files and secrets."""

import hashlib
import json
import os
import sqlite3
import subprocess
import tempfile
import time
import unittest
import warnings

import jwt as pyjwt
import requests

from lone import Gateway, bearer
from person import ISSUER, api, client_token, new_client
from proxies import Upstream

REPORTS = "https://reports.example"
SECRET = "a secret of more than thirty-two bytes"
TOKEN = "a-fixed-token-of-many-characters"

api("POST", "apis", {"identifier": REPORTS, "name": "Reports", "scopes": [
    {"name": "reports:read", "description": "See reports"}, {"name": "reports:write", "description": "Write reports"}]})
upstream = Upstream()


class Alone(unittest.TestCase):
    def gateway(self, file="", **settings):
        gateway = Gateway(file, **settings)
        self.addCleanup(gateway.close)
        return gateway

    def test_tokens_of_an_issuer_are_believed_by_its_published_keys(self):
        gateway = self.gateway(DOORWARD_AUTH_ISSUER=ISSUER, DOORWARD_AUTH_AUDIENCE=REPORTS)
        name, token = client_token(REPORTS, "reports:read")
        answer = gateway.ask(**bearer(token))
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.getheader("X-Client-ID"), name)
        self.assertEqual(answer.getheader("X-Auth-Type"), "jwt")
        self.assertIsNone(answer.getheader("X-Doorward-Assertion") or None)
        self.assertEqual(gateway.code(), "auth.missing_token")
        self.assertEqual(gateway.code(**bearer(token[:-4] + "AAAA")), "auth.invalid_token")
        api("POST", "apis", {"identifier": "https://other.example", "name": "Other", "scopes": [
            {"name": "reports:read", "description": "See reports"}]})
        _, foreign = client_token("https://other.example", "reports:read")
        self.assertEqual(gateway.code(**bearer(foreign)), "auth.invalid_audience")
        self.assertEqual(gateway.ask("/healthz").status, 200)
        self.assertEqual(gateway.ask("/oauth2/token").status, 404)
        self.assertEqual(sorted(os.listdir(gateway.folder.name)), ["gateway.toml", "log"])

    def test_an_application_is_guarded_on_every_host(self):
        gateway = self.gateway(
            DOORWARD_AUTH_ISSUER=ISSUER, DOORWARD_AUTH_AUDIENCE=REPORTS,
            DOORWARD_GATEWAY_ROUTES=json.dumps([
                {"name": "app", "scopes": ["reports:read"], "upstream": f"http://127.0.0.1:{upstream.port}"},
                {"name": "open", "paths": ["/public/**"], "mode": "disabled",
                 "upstream": f"http://127.0.0.1:{upstream.port}"}]))
        name, token = client_token(REPORTS, "reports:read")
        answer = gateway.ask("/files?x=1", **bearer(token), **{"X-User-ID": "root", "x_user_id": "root"})
        self.assertEqual(answer.status, 200, answer.text)
        seen = json.loads(answer.text)
        self.assertEqual(seen["path"], "/files?x=1")
        self.assertIn(["x-client-id", name], seen["headers"])
        self.assertNotIn("root", answer.text)
        self.assertNotIn("authorization", dict(seen["headers"]))
        self.assertEqual(gateway.ask("/files", host="elsewhere.example").status, 401)
        self.assertEqual(gateway.ask("/public/x").status, 200)
        self.assertEqual(gateway.ask("/public/../files").status, 400)

    def test_a_shared_secret_believes_what_pyjwt_signs(self):
        gateway = self.gateway(ORCHEO_AUTH_JWT_SECRET=SECRET, ORCHEO_AUTH_AUDIENCE="orcheo-api",
                               ORCHEO_AUTH_ISSUER="orcheo-auth-service")
        now = int(time.time())

        def signed(algorithm="HS256", key=SECRET, **changes):
            claims = {"sub": "ada", "iss": "orcheo-auth-service", "aud": "orcheo-api", "iat": now, "exp": now + 300,
                      "scope": "workflows:read", "workspace_ids": ["WS-A"], **changes}
            return bearer(pyjwt.encode(claims, key, algorithm=algorithm))

        answer = gateway.ask(**signed())
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.getheader("X-User-ID"), "ada")
        self.assertEqual(answer.getheader("X-Workspace-IDs"), "ws-a")
        for expected, headers in [
                ("auth.token_expired", signed(exp=now - 1)),
                ("auth.invalid_audience", signed(aud="other")),
                ("auth.invalid_issuer", signed(iss="other")),
                ("auth.invalid_token", signed(key=SECRET + "x")),
                ("auth.unsupported_algorithm", signed(algorithm="HS512", key=SECRET * 2)),
                ("auth.unsupported_algorithm", signed(algorithm="none", key=None))]:
            self.assertEqual(gateway.code(**headers), expected)

    def test_a_token_that_is_taken_back_is_refused_within_the_time_that_was_said(self):
        api("POST", "apis", {"identifier": "https://gate.example", "name": "Gate", "scopes": []})
        asker = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=[])
        gateway = self.gateway(
            DOORWARD_AUTH_AUDIENCE=REPORTS, DOORWARD_AUTH_INTROSPECTION_URL=f"{ISSUER}/oauth2/introspect",
            DOORWARD_AUTH_INTROSPECTION_CLIENT_ID=asker["client_id"],
            DOORWARD_AUTH_INTROSPECTION_CLIENT_SECRET=asker["client_secret"],
            DOORWARD_AUTH_INTROSPECTION_TTL="1")
        made = api("POST", "service-tokens", {"name": "remote", "scopes": ["reports:read"]})
        answer = gateway.ask(**{"API-Key": made["secret"]})
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.getheader("X-Permissions"), "reports:read")
        self.assertEqual(gateway.code(**bearer("dw_st_nobody")), "auth.invalid_token")
        api("POST", f"service-tokens/{made['id']}/revoke", {"reason": "leaked"})
        end = time.monotonic() + 3
        while gateway.code(**{"API-Key": made["secret"]}) == "good":
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_files_of_names_and_tokens(self):
        with tempfile.TemporaryDirectory() as folder:
            people, tokens = os.path.join(folder, "people"), os.path.join(folder, "tokens")
            # htpasswd -nbB -C 4 ada wonderland
            line = "ada:$2b$04$XxZ6UwzYJuOYoyv9EHsHEOqag7Re1mzJ8rUoP6imM0FTj5YF5.hBK\n"
            for path, text in ((people, line), (tokens, f"users:\n  - id: ci\n    role: writer\n    tenant: acme\n    tokens: [{TOKEN}]\n")):
                with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                    file.write(text)
            gateway = self.gateway(DOORWARD_AUTH_BASIC_FILE=people, DOORWARD_AUTH_TOKENS_FILE=tokens)
            answer = gateway.ask(**{"X-Chroma-Token": TOKEN})
            self.assertEqual((answer.status, answer.getheader("X-Org-ID")), (200, "acme"))
            connection = requests.get(f"http://127.0.0.1:{gateway.port}/validate", auth=("ada", "wonderland"), timeout=30)
            self.assertEqual((connection.status_code, connection.headers["X-User-ID"]), (200, "ada"))
            wrong = requests.get(f"http://127.0.0.1:{gateway.port}/validate", auth=("ada", "Wonderland"), timeout=30)
            self.assertEqual(wrong.status_code, 401)
            self.assertIn("no credentials for production", gateway.told())

    def test_the_tokens_of_an_orcheo_are_known_by_its_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "service_tokens.sqlite")
            file = sqlite3.connect(path)
            file.execute("CREATE TABLE service_tokens (identifier TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, scopes TEXT, "
                         "created_at TEXT, expires_at TEXT, rotated_to TEXT, rotation_expires_at TEXT, revoked_at TEXT)")
            digest = hashlib.sha256(b"the-old-secret").hexdigest()
            file.execute("INSERT INTO service_tokens (identifier, secret_hash, scopes) VALUES ('ci', ?, '[\"workflows:read\"]')",
                         (digest,))
            file.commit()
            gateway = self.gateway(ORCHEO_AUTH_SERVICE_TOKEN_DB_PATH=path)
            answer = gateway.ask(**bearer("the-old-secret"))
            self.assertEqual((answer.status, answer.getheader("X-User-ID")), (200, "ci"), answer.text)
            self.assertEqual(answer.getheader("X-Permissions"), "workflows:read")
            self.assertEqual(gateway.code(**bearer("another-secret")), "auth.invalid_token")
            file.execute("UPDATE service_tokens SET revoked_at = '2026-01-01T00:00:00+00:00'")
            file.commit()
            file.close()
            end = time.monotonic() + 30
            while gateway.code(**bearer("the-old-secret")) != "auth.token_revoked":
                self.assertLess(time.monotonic(), end)
                time.sleep(0.05)

    def test_a_provider_is_swapped_without_a_restart(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens = os.path.join(folder, "tokens")
            with open(tokens, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(TOKEN)
            gateway = self.gateway(f'[auth]\ntokens_file = "{tokens}"\n')
            _, token = client_token(REPORTS, "reports:read")
            self.assertEqual(gateway.code(**bearer(TOKEN)), "good")
            self.assertEqual(gateway.code(**bearer(token)), "auth.invalid_token")
            gateway.reload(f'[auth]\naudience = ["{REPORTS}"]\n\n[[auth.issuers]]\nissuer = "{ISSUER}"\n')
            self.assertEqual(gateway.code(**bearer(TOKEN)), "auth.invalid_token")
            self.assertEqual(gateway.code(**bearer(token)), "good")

    def test_what_is_not_safe_does_not_start(self):
        for settings, key in [
                ({"DOORWARD_AUTH_JWT_SECRET": SECRET, "DOORWARD_AUTH_ISSUER": "x"}, "allow.any_audience"),
                ({"DOORWARD_AUTH_JWT_SECRET": SECRET, "DOORWARD_AUTH_AUDIENCE": "x"}, "allow.any_issuer"),
                ({"DOORWARD_AUTH_JWT_SECRET": "short", "DOORWARD_AUTH_AUDIENCE": "x", "DOORWARD_AUTH_ISSUER": "x"}, "auth.issuers"),
                ({"DOORWARD_AUTH_TOKENS_FILE": "/nowhere"}, "auth.tokens_file"),
                ({"DOORWARD_AUTH_JWKS_TIMEOUT": "soon"}, "JWKS_TIMEOUT")]:
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [os.environ["DOORWARD_PROGRAM"], "serve", "--role", "gateway"], cwd=folder, text=True,
                    env={"DOORWARD_LISTEN": "127.0.0.1:0", "NO_COLOR": "1", **settings}, capture_output=True, timeout=60)
                self.assertEqual(done.returncode, 1)
                self.assertIn(key, done.stderr)
                self.assertNotIn(SECRET, done.stderr)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=2)
