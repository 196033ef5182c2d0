"""Client certificates: at a listener of the gateway's own that asks for them, told by a proxy, and as proof of tokens
that are bound to them."""

import hashlib
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import jwt as pyjwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from alone import SECRET, Gateway, bearer, upstream
from certificates import client, revoke
from proxies import documented, nginx

FOLDER = os.environ["DOORWARD_CERTIFICATES"]
WORKLOAD = "spiffe://example.org/ns/shop/sa/reporter"
API = "https://reports.example"
# The files are looked at every five seconds; the rest is for a busy machine.
PATIENCE = 60

ROUTES = f"""
[[gateway.routes]]
name = "open"
paths = ["/public/**"]
mode = "disabled"
upstream = "http://127.0.0.1:{upstream.port}"

[[gateway.routes]]
name = "tokens"
paths = ["/tokens/**"]
accept = ["jwt"]
upstream = "http://127.0.0.1:{upstream.port}"

[[gateway.routes]]
name = "reports"
scopes = ["reports:read"]
upstream = "http://127.0.0.1:{upstream.port}"

[[auth.certificates]]
spiffe = "spiffe://example.org/ns/shop/**"
scopes = ["reports:read"]
organization = "org_shop"

[[auth.certificates]]
dns = "*.shop.example.org"
subject = "the shop"
scopes = ["reports:read"]
"""


def uri(text):
    return x509.UniformResourceIdentifier(text)


reporter = client(FOLDER, "reporter", [uri(WORKLOAD), x509.DNSName("reporter.internal")])
other = client(FOLDER, "other", [uri("spiffe://example.org/ns/other/sa/reporter")])
till = client(FOLDER, "till", [x509.DNSName("till.shop.example.org")])
stranger = client(FOLDER, "intruder", [uri(WORKLOAD)], authority="unknown")
old = client(FOLDER, "old", [uri(WORKLOAD)], ended=True)


def der(certificate):
    return certificate.public_bytes(Encoding.DER)


def thumbprint(certificate):
    return urlsafe_b64encode(hashlib.sha256(der(certificate)).digest()).rstrip(b"=").decode()


def signed(**changes):
    claims = {"iss": "https://other.example", "aud": API, "sub": "svc", "scope": "reports:read",
              "exp": int(time.time()) + 600, **changes}
    return pyjwt.encode(claims, SECRET, "HS256")


def bound_to(certificate):
    return bearer(signed(cnf={"x5t#S256": thumbprint(certificate)}))


class Mutual(unittest.TestCase):
    def setUp(self):
        # Each test has lists of its own.
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for name in os.listdir(FOLDER):
            shutil.copy(os.path.join(FOLDER, name), self.folder.name)

    def start(self, **settings):
        gateway = Gateway(ROUTES, DOORWARD_AUTH_JWT_SECRET=SECRET, DOORWARD_AUTH_ISSUER="https://other.example",
                          DOORWARD_AUTH_AUDIENCE=API, **settings)
        self.addCleanup(gateway.close)
        return gateway

    def listening(self, **settings):
        """A gateway with a listener that asks; `port` is its own."""
        gateway = self.start(
            DOORWARD_TLS_CERT=f"{FOLDER}/cert.pem", DOORWARD_TLS_KEY=f"{FOLDER}/key.pem",
            DOORWARD_TLS_CLIENT_CA=f"{self.folder.name}/authority.pem",
            DOORWARD_TLS_MTLS_LISTEN="127.0.0.1:0", **settings)
        address = re.compile(r"who shows a client certificate.*?127\.0\.0\.1:(\d+)")
        self.until(gateway, "the address", lambda: address.search(gateway.told()))
        gateway.mutual = int(address.search(gateway.told()).group(1))
        return gateway

    def ask(self, port, path="/reports", shows=None, version=None, **headers):
        context = ssl.create_default_context(cafile=f"{FOLDER}/authority.pem")
        if version:
            context.minimum_version = context.maximum_version = version
        if shows:
            context.load_cert_chain(f"{FOLDER}/{shows}.pem", f"{FOLDER}/{shows}-key.pem")
        connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": "app.localhost", **headers})
            answer = connection.getresponse()
            answer.text = answer.read().decode()
            return answer
        finally:
            connection.close()

    def code(self, *how, **more):
        answer = self.ask(*how, **more)
        return "good" if answer.status == 200 else json.loads(answer.text)["code"]

    def refuses(self, *how, **more):
        """TLS itself refuses: in TLS 1.3 the client hears of it when it reads."""
        try:
            self.ask(*how, **more)
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return True
        return False

    def test_who_shows_a_certificate_is_known_by_it(self):
        gateway = self.listening()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            answer = self.ask(gateway.mutual, shows="reporter", version=version, **{
                "Client-Cert": "spoofed", "X-Forwarded-Client-Cert": "spoofed", "client_cert": "spoofed",
                "X-SSL-Client-S-DN": "CN=root"})
            self.assertEqual(answer.status, 200, answer.text)
            told = {}
            for name, value in json.loads(answer.text)["headers"]:
                self.assertNotIn("spoofed", value, name)
                self.assertNotIn("root", value, name)
                told[name] = value
            self.assertEqual(told["x-user-id"], WORKLOAD)
            self.assertEqual(told["x-auth-type"], "certificate")
            self.assertEqual(told["x-organization-id"], "org_shop")
            self.assertEqual(told["x-user-permissions"], "reports:read")
        answer = self.ask(gateway.mutual, shows="till")
        self.assertEqual(dict(json.loads(answer.text)["headers"])["x-user-id"], "the shop")
        self.assertEqual(self.code(gateway.mutual, shows="other"), "auth.invalid_token", "no entry is for it")
        self.assertEqual(self.code(gateway.mutual, "/public/x", shows="other"), "good")
        self.assertEqual(self.code(gateway.mutual, "/tokens/x", shows="reporter"), "auth.missing_token")
        self.assertEqual(self.code(gateway.mutual, "/validate", shows="reporter"), "auth.missing_token",
                         "what a proxy shows is not its client's")
        self.assertEqual(self.code(gateway.port), "auth.missing_token", "nobody is asked there")
        for shows in (None, "intruder", "old"):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assertTrue(self.refuses(gateway.mutual, shows=shows, version=version), f"{shows} {version}")

    def test_curl_shows_one_too(self):
        gateway = self.listening()
        curl = ["curl", "--silent", "--cacert", f"{FOLDER}/authority.pem", "--header", "Host: app.localhost",
                f"https://localhost:{gateway.mutual}/reports"]
        without = subprocess.run(curl, capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(without.returncode, 0, without.stdout)
        showing = [*curl, "--cert", f"{FOLDER}/reporter.pem", "--key", f"{FOLDER}/reporter-key.pem"]
        told = subprocess.run(showing, capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertIn(WORKLOAD, told)

    def test_a_bound_token_needs_its_certificate(self):
        gateway = self.listening()
        for round_ in range(2):
            for path in ("/reports", "/tokens/x"):
                for shows, token, expect in [
                        ("reporter", bound_to(reporter), "good"),
                        ("other", bound_to(other), "good"),
                        ("other", bound_to(reporter), "auth.proof_required"),
                        ("reporter", bearer(signed()), "good"),
                        ("reporter", bearer(signed(cnf={"x5t#S256": "", "jkt": "x"})), "auth.proof_required"),
                        ("reporter", bearer(signed(cnf={"x5t": thumbprint(reporter)})), "auth.proof_required")]:
                    self.assertEqual(self.code(gateway.mutual, path, shows=shows, **token), expect, f"{shows} {round_}")
        # The very token that is remembered by now.
        token = bound_to(reporter)
        for shows, expect in [("reporter", "good"), ("other", "auth.proof_required"), ("reporter", "good")]:
            self.assertEqual(self.code(gateway.mutual, shows=shows, **token), expect)
        self.assertEqual(self.code(gateway.port, **token), "auth.proof_required", "without any")

    def test_the_lists_are_read_again(self):
        revoke(self.folder.name, [till])
        gateway = self.listening(DOORWARD_TLS_CLIENT_CRL=f"{self.folder.name}/revoked.pem")
        self.assertTrue(self.refuses(gateway.mutual, shows="till"))
        self.assertEqual(self.code(gateway.mutual, shows="reporter"), "good")
        revoke(self.folder.name, [till, reporter])
        self.until(gateway, "the new list", lambda: self.refuses(gateway.mutual, shows="reporter"))
        revoke(self.folder.name, [])
        self.until(gateway, "the empty list", lambda: not self.refuses(gateway.mutual, shows="reporter"))
        with open(f"{self.folder.name}/authority.pem", "wb") as file:
            file.write(b"no certificate")
        self.until(gateway, "a word about it", lambda: "client authorities is not used" in gateway.told())
        self.assertEqual(self.code(gateway.mutual, shows="reporter"), "good", "those from before are in use")
        shutil.copy(f"{FOLDER}/unknown.pem", f"{self.folder.name}/authority.pem")
        self.until(gateway, "another authority", lambda: not self.refuses(gateway.mutual, shows="intruder"))
        self.assertTrue(self.refuses(gateway.mutual, shows="reporter"))

    def until(self, gateway, what, is_so):
        end = time.monotonic() + PATIENCE
        while not is_so():
            self.assertLess(time.monotonic(), end, f"waited in vain: {what}\n{gateway.told()[-2000:]}")
            time.sleep(0.2)

    def test_a_proxy_tells_its_clients_certificates(self):
        def client_cert(certificate):
            return {"Client-Cert": f":{b64encode(der(certificate)).decode()}:"}

        def xfcc(certificate):
            pem = quote(certificate.public_bytes(Encoding.PEM).decode(), safe="")
            return {"X-Forwarded-Client-Cert": f'Hash={hashlib.sha256(der(certificate)).hexdigest()};Cert="{pem}"'}

        for header, tell, foreign in [("client-cert", client_cert, xfcc), ("xfcc", xfcc, client_cert)]:
            gateway = self.start(DOORWARD_TLS_CLIENT_CERT_HEADER=header)
            answer = gateway.ask(**tell(reporter))
            self.assertEqual((answer.status, answer.getheader("X-User-ID")), (200, WORKLOAD), answer.text)
            self.assertEqual(gateway.code(**foreign(reporter)), "auth.missing_token", "another header")
            self.assertEqual(gateway.code(**tell(other)), "auth.invalid_token")
            self.assertEqual(gateway.code(**tell(old)), "auth.token_expired")
            self.assertEqual(gateway.code(**{name: value[:-9] + value[-1] for name, value in tell(reporter).items()}),
                             "auth.invalid_token")
            self.assertEqual(gateway.code(**tell(reporter), **bound_to(reporter)), "good")
            self.assertEqual(gateway.code(**tell(other), **bound_to(reporter)), "auth.proof_required")
            self.assertEqual(gateway.code(**tell(old), **bound_to(old)), "auth.proof_required")
            told = json.loads(gateway.ask("/reports", **tell(reporter)).text)["headers"]
            self.assertNotIn("cert", " ".join(name for name, _ in told))
        off = self.start()
        for tell in (client_cert, xfcc):
            self.assertEqual(off.code(**tell(reporter)), "auth.missing_token", "nobody is believed")

    def test_nginx_tells_them(self):
        gateway = self.start(DOORWARD_TLS_CLIENT_CERT_HEADER="xfcc")
        tells = documented("nginx", "Certificates", upstream.port)[0]
        server = f"""
            ssl_certificate {FOLDER}/cert.pem;
            ssl_certificate_key {FOLDER}/key.pem;
            ssl_client_certificate {FOLDER}/authority.pem;
            ssl_verify_client optional;
            location / {{
                auth_request /_doorward;
                auth_request_set $user $upstream_http_x_user_id;
                proxy_set_header X-User-ID $user;
                proxy_set_header X-Forwarded-Client-Cert "";
                proxy_pass http://127.0.0.1:{upstream.port};
            }}
            location = /_doorward {{
                internal;
                proxy_pass http://127.0.0.1:{gateway.port}/validate;
                {tells}
            }}"""
        with nginx(server, "ssl") as proxy:
            answer = self.ask(proxy.port, shows="reporter")
            self.assertEqual(answer.status, 200, f"{answer.text}{proxy.said()}{gateway.told()}")
            self.assertEqual(dict(json.loads(answer.text)["headers"])["x-user-id"], WORKLOAD)
            self.assertNotIn("x-forwarded-client-cert", answer.text)
            pem = quote(reporter.public_bytes(Encoding.PEM).decode(), safe="")
            for header in (f'Cert="{pem}"', f"Cert={pem}"):
                for shows in (None, "other"):
                    answer = self.ask(proxy.port, shows=shows, **{"X-Forwarded-Client-Cert": header})
                    self.assertEqual(answer.status, 401, "what the client writes is overwritten")

    def test_what_cannot_work_does_not_start(self):
        for settings, key in [
                ({"DOORWARD_TLS_MTLS_LISTEN": "127.0.0.1:0"}, "tls.mtls_listen"),
                ({"DOORWARD_TLS_CLIENT_CA": f"{FOLDER}/authority.pem"}, "tls.client_ca"),
                ({"DOORWARD_AUTH_CERTIFICATES": '[{"scopes": ["a"]}]'}, "auth.certificates")]:
            with self.subTest(key), tempfile.TemporaryDirectory() as folder:
                environment = {name: value for name, value in os.environ.items() if not name.startswith("DOORWARD_")}
                done = subprocess.run(
                    [os.environ["DOORWARD_PROGRAM"], "serve", "--role", "gateway"], cwd=folder, capture_output=True,
                    env={**environment, "DOORWARD_LISTEN": "127.0.0.1:0", **settings}, text=True, timeout=60, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(key, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
