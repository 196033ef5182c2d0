"""Workloads of Kubernetes and SPIFFE at a gateway alone: the real program, an API server as a cluster has one
(https by its own authority, keys for nobody without a token), and a trust domain's bundle in a file."""

import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lone import Gateway, bearer

REPORTS = "https://reports.example"
CERTIFICATES = os.environ["DOORWARD_CERTIFICATES"]
ROUTES = """
[[gateway.routes]]
name = "shop"
paths = ["/shop/**"]
roles = ["system:serviceaccounts:shop"]

[[gateway.routes]]
name = "mesh"
paths = ["/mesh/**"]
issuers = ["spiffe://example.org"]
scopes = ["reports:read"]
"""


class Key:
    def __init__(self, name, algorithm):
        self.name, self.algorithm = name, algorithm
        if algorithm == "RS256":
            self.key, self.kind = rsa.generate_private_key(65537, 2048), pyjwt.algorithms.RSAAlgorithm
        else:
            self.key, self.kind = ec.generate_private_key(ec.SECP256R1()), pyjwt.algorithms.ECAlgorithm

    def public(self, use):
        return {**self.kind.to_jwk(self.key.public_key(), as_dict=True), "kid": self.name, "use": use}

    def sign(self, **claims):
        now = int(time.time())
        claims = {"iat": now, "exp": now + 600, "aud": [REPORTS], **claims}
        headers = {"kid": self.name, "typ": None}
        return pyjwt.encode(claims, self.key, algorithm=self.algorithm, headers=headers)


class ApiServer:
    """Tells its keys to whoever shows the token."""

    def __init__(self):
        self.token, self.keys, self.asked = "first", [], []
        # Of whom it knows that they are still there, for its reviews of tokens.
        self.accounts, self.reviewed = set(), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers.get("Authorization")))
                documents = {
                    # As a real one: by an address of its own network.
                    "/.well-known/openid-configuration": {
                        "issuer": outer.issuer, "jwks_uri": "https://10.0.0.1:6443/openid/v1/jwks"},
                    "/openid/v1/jwks": {"keys": [key.public("sig") for key in outer.keys]}}
                knows = self.headers.get("Authorization") == f"Bearer {outer.token}"
                body = json.dumps(documents.get(self.path)).encode()
                self.send_response(200 if knows and self.path in documents else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.reviewed.append((self.path, asked["spec"]["audiences"], self.headers.get("Authorization")))
                knows = self.headers.get("Authorization") == f"Bearer {outer.token}"
                body = json.dumps({**asked, "status": outer.review(asked["spec"])} if knows else {"kind": "Status"}).encode()
                self.send_response(201 if knows else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"{CERTIFICATES}/cert.pem", f"{CERTIFICATES}/key.pem")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.issuer = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def review(self, spec):
        """As a real one: it verifies the token by its own keys, and looks whether the account is still there."""
        for key in self.keys:
            try:
                claims = pyjwt.decode(spec["token"], key.key.public_key(), algorithms=[key.algorithm], audience=spec["audiences"])
            except pyjwt.InvalidTokenError as error:
                why = str(error)
                continue
            if claims["sub"] in self.accounts:
                return {"authenticated": True, "user": {"username": claims["sub"], "groups": ["system:serviceaccounts"]},
                        "audiences": [name for name in spec["audiences"] if name in claims["aud"]]}
            why = "the account is gone"
        return {"authenticated": False, "error": why}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def write(path, text):
    """As a kubelet does: another file under the same name."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)


def account(issuer, namespace="shop", name="reporter", **more):
    bound = {"namespace": namespace, "serviceaccount": {"name": name, "uid": "u1"}, "pod": {"name": f"{name}-0"}}
    return {"iss": issuer, "sub": f"system:serviceaccount:{namespace}:{name}", "kubernetes.io": bound,
            "scope": "admin:*", **more}


class Workloads(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def gateway(self, file, **settings):
        gateway = Gateway(file, **settings)
        self.addCleanup(gateway.close)
        return gateway

    def test_pods_of_a_cluster_are_known_by_their_service_accounts(self):
        server = ApiServer()
        self.addCleanup(server.close)
        key, next_key, thief = Key("one", "RS256"), Key("two", "ES256"), Key("one", "RS256")
        server.keys = [key]
        token_file = f"{self.folder}/token"
        write(token_file, "first\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            metrics = free.getsockname()[1]
        config = f"""
[auth]
audience = ["{REPORTS}"]

[metrics]
listen = "127.0.0.1:{metrics}"

[[auth.issuers]]
kind = "kubernetes"
issuer = "{server.issuer}"
ca_file = "{CERTIFICATES}/authority.pem"
token_file = "{token_file}"
workloads = ["shop/*", "batch/nightly"]
scopes = ["reports:read"]
{ROUTES}"""
        gateway = self.gateway(config)
        token = key.sign(**account(server.issuer))
        answer = gateway.ask(**bearer(token))
        self.assertEqual(answer.status, 200, answer.text + gateway.told())
        self.assertEqual(answer.getheader("X-User-ID"), "system:serviceaccount:shop:reporter")
        self.assertEqual((answer.getheader("X-Auth-Type"), answer.getheader("X-User-Role")), ("jwt", "service"))
        self.assertNotIn("admin", answer.getheader("X-Permissions") or "")
        nightly = key.sign(**account(server.issuer, "batch", "nightly"))
        for asked, expect in [
                (token, "good"),
                (nightly, "good"),
                (key.sign(**account(server.issuer, "batch", "other")), "auth.invalid_issuer"),
                (key.sign(**account(server.issuer, aud=["https://other.example"])), "auth.invalid_audience"),
                (key.sign(**account(server.issuer, exp=int(time.time()) - 1)), "auth.token_expired"),
                (key.sign(**{**account(server.issuer), "sub": "system:node:one"}), "auth.invalid_token"),
                (key.sign(**account("https://kubernetes.default.svc")), "auth.invalid_issuer"),
                (thief.sign(**account(server.issuer)), "auth.invalid_token")]:
            self.assertEqual(gateway.code(**bearer(asked)), expect)
        for asked, status in [(token, 200), (nightly, 403)]:
            self.assertEqual(gateway.ask("/validate?route=shop", **bearer(asked)).status, status)
        self.assertTrue(all(shown == "Bearer first" for _, shown in server.asked), server.asked)
        self.assertEqual([path for path, _ in server.asked],
                         ["/.well-known/openid-configuration", "/openid/v1/jwks"])
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=30) as figures:
            text = figures.read().decode()
        self.assertIn("doorward_issuer_key_reads_total", text)
        self.assertRegex(text, r'doorward_issuer_keys_total\{[^}]*outcome="hit"')

        # The cluster has another key, and the kubelet has written the next token.
        server.keys, server.token = [next_key], "second"
        write(token_file, "second")
        gateway.reload(config)
        self.assertEqual(gateway.code(**bearer(next_key.sign(**account(server.issuer)))), "good")
        self.assertEqual(gateway.code(**bearer(token)), "auth.invalid_token")
        self.assertEqual(server.asked[-1], ("/openid/v1/jwks", "Bearer second"))

    def test_a_cluster_reviews_the_tokens_of_its_service_accounts(self):
        server = ApiServer()
        self.addCleanup(server.close)
        key, thief = Key("one", "ES256"), Key("one", "ES256")
        server.keys = [key]
        own = "system:serviceaccount:shop:reporter"
        server.accounts = {own, "system:serviceaccount:batch:other"}
        token_file = f"{self.folder}/token"
        write(token_file, "first\n")
        config = f"""
[auth]
audience = ["{REPORTS}"]

[[auth.issuers]]
kind = "kubernetes"
issuer = "https://kubernetes.default.svc"
token_review_url = "{server.issuer}"
ca_file = "{CERTIFICATES}/authority.pem"
token_file = "{token_file}"
workloads = ["shop/*"]
scopes = ["reports:read"]
{ROUTES}"""
        gateway = self.gateway(config)
        issuer = "https://kubernetes.default.svc"
        token = key.sign(**account(issuer))
        answer = gateway.ask("/validate?route=shop", **bearer(token))
        self.assertEqual(answer.status, 200, answer.text + gateway.told())
        self.assertEqual((answer.getheader("X-User-ID"), answer.getheader("X-User-Role")), (own, "service"))
        self.assertEqual(answer.getheader("X-Permissions"), "reports:read")
        self.assertEqual(gateway.code(**bearer(token)), "good")
        # What it has vouched for is remembered for a moment.
        review = ("/apis/authentication.k8s.io/v1/tokenreviews", [REPORTS], "Bearer first")
        self.assertEqual(server.reviewed, [review])
        self.assertEqual(server.asked, [])
        gone = key.sign(**account(issuer, "shop", "gone"))
        for asked, expect in [
                (gone, "auth.invalid_token"),
                (thief.sign(**account(issuer)), "auth.invalid_token"),
                (key.sign(**account(issuer, "batch", "other")), "auth.invalid_issuer"),
                (key.sign(**account(issuer, aud=["https://other.example"])), "auth.invalid_audience"),
                (key.sign(**account("https://evil.example")), "auth.invalid_issuer")]:
            self.assertEqual(gateway.code(**bearer(asked)), expect)

        # Its account is deleted: no key has changed, and the token still lives.
        server.accounts.clear()
        gateway.reload(config)
        self.assertEqual(gateway.code(**bearer(token)), "auth.invalid_token")
        server.accounts.add(own)
        self.assertEqual(gateway.code(**bearer(token)), "good")
        server.token = "second"
        self.assertEqual(gateway.code(**bearer(key.sign(**account(issuer, jti="2")))), "auth.key_unavailable")
        write(token_file, "second")
        self.assertEqual(gateway.code(**bearer(key.sign(**account(issuer, jti="3")))), "good")
        # Somebody else in its place is shown nothing.
        count = len(server.reviewed)
        gateway.reload(config.replace("authority.pem", "stranger.pem"))
        self.assertEqual(gateway.code(**bearer(key.sign(**account(issuer, jti="4")))), "auth.key_unavailable")
        self.assertEqual(len(server.reviewed), count)

    def test_another_server_in_its_place_is_told_no_token(self):
        server = ApiServer()
        self.addCleanup(server.close)
        key = Key("one", "ES256")
        server.keys = [key]
        write(f"{self.folder}/token", "first")
        gateway = self.gateway(f"""
[auth]
audience = ["{REPORTS}"]

[[auth.issuers]]
kind = "kubernetes"
issuer = "{server.issuer}"
ca_file = "{CERTIFICATES}/stranger.pem"
token_file = "{self.folder}/token"
""")
        self.assertEqual(gateway.code(**bearer(key.sign(**account(server.issuer)))), "auth.key_unavailable")
        self.assertEqual(server.asked, [])

    def test_svids_are_believed_by_the_bundle_of_their_trust_domain(self):
        key, next_key, certificates = Key("one", "ES256"), Key("two", "RS256"), Key("three", "ES256")
        bundle = f"{self.folder}/bundle.json"

        def trust(key):
            keys = [key.public("jwt-svid"), certificates.public("x509-svid")]
            write(bundle, json.dumps({"keys": keys, "spiffe_sequence": 1, "spiffe_refresh_hint": 300}))

        trust(key)
        gateway = self.gateway(ROUTES, DOORWARD_AUTH_AUDIENCE=REPORTS, DOORWARD_AUTH_ISSUERS=json.dumps([{
            "kind": "spiffe", "trust_domain": "example.org", "jwks_file": bundle, "scopes": ["reports:read"],
            "workloads": ["spiffe://example.org/ns/shop/**"]}]))
        own = "spiffe://example.org/ns/shop/sa/reporter"
        svid = key.sign(sub=own)
        answer = gateway.ask("/validate?route=mesh", **bearer(svid))
        self.assertEqual(answer.status, 200, answer.text + gateway.told())
        self.assertEqual(answer.getheader("X-User-ID"), own)
        for asked, expect in [
                (key.sign(sub="spiffe://example.org/ns/other/a"), "auth.invalid_issuer"),
                (key.sign(sub="spiffe://other.example/ns/shop/a"), "auth.invalid_issuer"),
                (key.sign(sub=own, aud=["https://other.example"]), "auth.invalid_audience"),
                (certificates.sign(sub=own), "auth.invalid_token"),
                (next_key.sign(sub=own), "auth.invalid_token")]:
            self.assertEqual(gateway.code(**bearer(asked)), expect)
        trust(next_key)
        self.assertEqual(gateway.code(**bearer(next_key.sign(sub=own))), "good")
        self.assertEqual(gateway.code(**bearer(svid)), "auth.invalid_token")

    def test_a_start_that_would_not_be_safe_says_what_to_do(self):
        spiffe = {"kind": "spiffe", "trust_domain": "example.org"}
        for issuer, settings, words in [
                ({"kind": "kubernetes"}, {}, ["auth.issuers", "ca_file", "run in a pod"]),
                ({"kind": "gcp"}, {}, ["auth.issuers", "workloads", "*@my-project.iam.gserviceaccount.com"]),
                (spiffe, {}, ["auth.issuers", "jwks_file", "bundle"]),
                ({**spiffe, "jwks_file": "/nowhere/bundle.json"}, {}, ["auth.issuers", "/nowhere/bundle.json"]),
                ({**spiffe, "jwks_url": "https://example.org/bundle"}, {"DOORWARD_ALLOW_ANY_AUDIENCE": "true"},
                 ["allow.any_audience", "workloads"])]:
            environment = {name: value for name, value in os.environ.items()
                           if not name.startswith(("DOORWARD_", "ORCHEO_"))}
            environment.update({"DOORWARD_LISTEN": "127.0.0.1:0", "DOORWARD_AUTH_AUDIENCE": REPORTS, "NO_COLOR": "1",
                                "DOORWARD_AUTH_ISSUERS": json.dumps([issuer]), **settings})
            done = subprocess.run([os.environ["DOORWARD_PROGRAM"], "serve", "--role", "gateway"], cwd=self.folder,
                                  env=environment, capture_output=True, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0, issuer)
            for word in words:
                self.assertIn(word, done.stderr, issuer)


if __name__ == "__main__":
    unittest.main()
