"""Managed proxies in front of a gateway alone, as the real program meets them: a load balancer of AWS, whose keys are
published one by one, and the others, whose keys are a JWK Set. The applications behind tell what they were sent."""

import base64
import http.client
import json
import os
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt as pyjwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from lone import Gateway, bearer

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/front/50dc6c495c0c9188"
COGNITO = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE"
CLOUDFLARE, IAP = "https://example.cloudflareaccess.com", "https://cloud.google.com/iap"
BACKEND = "/projects/1/global/backendServices/2"
ALB, ACCESS, GOOGLE = "X-Amzn-Oidc-Data", "Cf-Access-Jwt-Assertion", "X-Goog-Iap-Jwt-Assertion"
FILE = """
proxy_protocol = PROXY

[auth]
audience = ["tag-of-the-application", "/projects/1/global/backendServices/2"]

[[auth.issuers]]
issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE"
header = "X-Amzn-Oidc-Data"
keys_url = "http://127.0.0.1:KEYS/elb/{kid}"
signer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/front/50dc6c495c0c9188"

[[auth.issuers]]
issuer = "https://example.cloudflareaccess.com"
header = "Cf-Access-Jwt-Assertion"
jwks_url = "http://127.0.0.1:KEYS/cloudflare"

[[auth.issuers]]
issuer = "https://cloud.google.com/iap"
header = "X-Goog-Iap-Jwt-Assertion"
jwks_url = "http://127.0.0.1:KEYS/iap"

[[gateway.routes]]
name = "app"
hosts = ["app.localhost"]
upstream = "http://127.0.0.1:BEHIND"

[[gateway.routes]]
name = "open"
hosts = ["open.localhost"]
mode = "optional"
keep_authorization = true
upstream = "http://127.0.0.1:BEHIND"
"""


class Handler(BaseHTTPRequestHandler):
    """Tells what it was sent, or what is published under its path."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.server.published is None:
            status, body = 200, json.dumps({name.lower(): value for name, value in self.headers.items()})
        else:
            status, body = (200, self.server.published[self.path]) if self.path in self.server.published else (403, "no")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET

    def log_message(self, *_):
        pass


def serve(published=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.published, server.asked = published, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def padded(data):
    return base64.urlsafe_b64encode(data).decode()


class Fronts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.balancer, cls.others = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        pem = cls.balancer.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        jwk = {**pyjwt.algorithms.ECAlgorithm.to_jwk(cls.others.public_key(), as_dict=True), "kid": "k", "use": "sig", "alg": "ES256"}
        keys = json.dumps({"keys": [jwk]})
        cls.keys = serve({"/elb/key-1": pem.decode(), "/cloudflare": keys, "/iap": keys})
        cls.behind = serve()
        cls.file = FILE.replace("KEYS", str(cls.keys.server_port)).replace("BEHIND", str(cls.behind.server_port))
        cls.gateway = Gateway(cls.file.replace("PROXY", "false"))

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()
        cls.keys.shutdown()
        cls.behind.shutdown()

    def of_balancer(self, header=None, **claims):
        """As it writes them: every part filled up with `=`, and signed so."""
        now = int(time.time())
        header = {"typ": "JWT", "kid": "key-1", "alg": "ES256", "iss": COGNITO, "client": "c1", "signer": ARN, "exp": now + 60, **(header or {})}
        claims = {"sub": "ada", "email": "ada@example.com", "username": "ada", "exp": now + 60, "iss": COGNITO, **claims}
        signed = ".".join(padded(json.dumps(part).encode()) for part in (header, claims))
        r, s = utils.decode_dss_signature(self.balancer.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{padded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def of_other(self, issuer, audience, **claims):
        now = int(time.time())
        claims = {"iss": issuer, "aud": audience, "sub": "ada", "email": "ada@example.com", "iat": now, "exp": now + 60, **claims}
        return pyjwt.encode(claims, self.others, algorithm="ES256", headers={"kid": "k"})

    def through(self, host="app.localhost", **headers):
        """What the application was sent, or why nobody was let through."""
        answer = self.gateway.ask("/page", host, **headers)
        return json.loads(answer.text) if answer.status == 200 else json.loads(answer.text)["code"]

    def both(self, **headers):
        """The same at the proxy and at the question of another one."""
        found = self.through(**headers)
        found = found if isinstance(found, str) else found["x-user-id"]
        answer = self.gateway.ask("/validate", **headers)
        self.assertEqual(found, answer.headers["X-User-ID"] if answer.status == 200 else json.loads(answer.text)["code"])
        return found

    def test_each_says_who_it_is_in_its_own_header(self):
        tokens = {ALB: self.of_balancer(), ACCESS: self.of_other(CLOUDFLARE, ["tag-of-the-application"], type="app"),
                  GOOGLE: self.of_other(IAP, BACKEND)}
        for name, token in tokens.items():
            self.assertEqual(self.both(**{name: token}), "ada", name)
            told = self.through(**{name: token, "X-Amzn-Oidc-Identity": "eve", "X-User-ID": "eve"})
            self.assertEqual((told["x-user-id"], told["x-user-email"], told["x-auth-type"]), ("ada", "ada@example.com", "jwt"))
            self.assertFalse({name.lower(), "x-amzn-oidc-identity"} & set(told), told)
            # Nobody presents it as their own, and no other proxy says it.
            self.assertNotEqual(self.both(**bearer(token)), "ada", name)
            self.assertNotEqual(self.both(**{"X-API-Key": token}), "ada", name)
            for other in tokens:
                if other != name:
                    self.assertEqual(self.both(**{other: token}), "auth.invalid_issuer", (name, other))
                    self.assertEqual(self.both(**{name: token, other: tokens[other]}), "auth.several_credentials")
            self.assertEqual(self.both(**{name: token, **bearer("x")}), "auth.several_credentials")
        self.assertEqual(self.both(), "auth.missing_token")

    def test_what_is_forged_is_refused(self):
        now = int(time.time())
        for token, code in (
                (self.of_balancer({"signer": ARN.replace("123456789012", "210987654321")}), "auth.invalid_issuer"),
                (self.of_balancer(iss="https://cognito-idp.eu-central-1.amazonaws.com/other"), "auth.invalid_issuer"),
                (self.of_balancer(exp=now - 1), "auth.token_expired"),
                (self.of_balancer({"kid": "../cloudflare"}), "auth.invalid_token"),
                (self.of_balancer({"kid": "key-2"}), "auth.invalid_token"),
                (self.of_balancer()[:-8] + "AAAAAA==", "auth.invalid_token")):
            self.assertEqual(self.both(**{ALB: token}), code)
        self.assertEqual([path for path in self.keys.asked if "cloudflare" in path and path.startswith("/elb")], [])
        for header, issuer in ((ACCESS, CLOUDFLARE), (GOOGLE, IAP)):
            self.assertEqual(self.both(**{header: self.of_other(issuer, "somebody-else")}), "auth.invalid_audience")
            self.assertEqual(self.both(**{header: self.of_other("https://evil.example", BACKEND)}), "auth.invalid_issuer")

    def test_another_sites_page_does_nothing(self):
        for origin, status in (("http://app.localhost", 200), ("https://evil.example", 403)):
            connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)
            connection.request("POST", "/page", body="x", headers={"Host": "app.localhost", "Origin": origin, ALB: self.of_balancer()})
            self.assertEqual(connection.getresponse().status, status, origin)
            connection.close()

    def test_a_route_may_hand_it_on(self):
        token = self.of_balancer()
        self.assertEqual(self.through("open.localhost", **{ALB: token})["x-amzn-oidc-data"], token)

    def test_nobody_but_a_trusted_proxy_says_it(self):
        gateway = Gateway(self.file.replace("PROXY", "true"), DOORWARD_TRUSTED_PROXIES="127.0.0.0/8")
        self.addCleanup(gateway.close)

        def ask(client, host, header, token):
            """Whose connection it is is said by whoever hands it on."""
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
            connection.connect()
            connection.sock.sendall(f"PROXY TCP4 {client} 127.0.0.1 4711 80\r\n".encode())
            connection.request("GET", "/page", headers={"Host": host, header: token})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer.status, json.loads(text)

        token = self.of_balancer()
        status, told = ask("127.0.0.7", "app.localhost", ALB, token)
        self.assertEqual((status, told["x-user-id"]), (200, "ada"))
        status, told = ask("192.0.2.7", "app.localhost", ALB, token)
        self.assertEqual((status, told["code"]), (401, "auth.missing_token"))
        for header in (ALB, "X_Amzn_Oidc_Data", ACCESS, GOOGLE):
            status, told = ask("192.0.2.7", "open.localhost", header, token)
            self.assertEqual((status, token in told.values(), told.get("x-user-id")), (200, False, None), header)


if __name__ == "__main__":
    assert os.environ["DOORWARD_PROGRAM"]
    unittest.main(verbosity=2)
