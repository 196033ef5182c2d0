"""The annotations of ingress-nginx in docs/gateway.md: a real nginx with the directives that the controller makes of them,
before an application that tells what it was sent."""

import http.client
import json
import os
import re
import time
import unittest

import jwt as pyjwt
import yaml

from lone import Gateway, bearer
from proxies import Upstream, free_port, nginx

PREFIX = "nginx.ingress.kubernetes.io/"
# What the controller knows of asking somebody.
KNOWN = {"auth-url", "auth-signin", "auth-signin-redirect-param", "auth-response-headers", "auth-method", "auth-proxy-set-headers",
         "auth-request-redirect", "auth-cache-key", "auth-cache-duration", "auth-keepalive", "auth-always-set-cookie", "auth-snippet"}
HOST, SECRET, ISSUER, AUDIENCE = "reports.example.com", "a secret of more than thirty-two bytes", "elsewhere", "reports"
GATEWAY = f"""
[auth]
audience = ["{AUDIENCE}"]

[[auth.issuers]]
issuer = "{ISSUER}"
jwt_secret = "{SECRET}"

[[gateway.routes]]
name = "reports"
hosts = ["{HOST}"]
paths = ["/reports/**"]
scopes = ["reports:read"]

[[gateway.routes]]
name = "public"
hosts = ["{HOST}"]
paths = ["/public/**"]
mode = "optional"

[[gateway.routes]]
name = "open"
hosts = ["open.example.com"]
mode = "optional"
"""


def documented():
    with open(os.path.join(os.path.dirname(__file__), "../../../docs/gateway.md"), encoding="utf-8") as file:
        page = file.read()
    page = page[page.index("\n## ingress-nginx"):]
    return list(yaml.safe_load_all(re.search(r"```yaml\n(.*?)```", page, re.DOTALL).group(1)))


def annotations(ingress):
    found = ingress["metadata"].get("annotations", {})
    assert all(name.startswith(PREFIX) for name in found), found
    return {name.removeprefix(PREFIX): value for name, value in found.items()}


def locations(ingresses, ports):
    """What the controller makes of them. Its module for escaping is in no package of Debian, so nothing that needs it
    is asked for."""
    made = []
    for ingress in ingresses:
        said = annotations(ingress)
        for rule in ingress["spec"]["rules"]:
            for number, path in enumerate(rule["http"]["paths"]):
                name = f"/_external-auth-{ingress['metadata']['name']}-{number}"
                backend = path["backend"]["service"]
                asks = ""
                if "auth-url" in said:
                    asked = re.sub(r"//[^/]+", f"//127.0.0.1:{ports['auth']}", said["auth-url"], count=1)
                    host = re.search(r"//([^/:]+)", said["auth-url"]).group(1)
                    made.append(f"""
                        location = {name} {{
                            internal;
                            proxy_pass_request_body off;
                            proxy_set_header Content-Length "";
                            proxy_set_header X-Forwarded-Proto "";
                            proxy_set_header X-Request-ID $request_id;
                            proxy_set_header Host {host};
                            proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
                            proxy_set_header X-Original-Method $request_method;
                            proxy_set_header X-Sent-From "nginx-ingress-controller";
                            proxy_set_header X-Real-IP $remote_addr;
                            proxy_set_header X-Forwarded-For $remote_addr;
                            proxy_set_header X-Auth-Request-Redirect $request_uri;
                            proxy_pass_request_headers on;
                            set $target {asked};
                            proxy_pass $target;
                        }}""")
                    asks = f"auth_request {name}; auth_request_set $auth_cookie $upstream_http_set_cookie; add_header Set-Cookie $auth_cookie;"
                    for place, header in enumerate(said["auth-response-headers"].split(",")):
                        upstream = header.lower().replace("-", "_")
                        asks += f"auth_request_set $authHeader{place} $upstream_http_{upstream}; proxy_set_header '{header}' $authHeader{place};"
                    if "auth-signin" in said:
                        to, parameter = said["auth-signin"], said.get("auth-signin-redirect-param", "rd")
                        if f"{parameter}=" not in to:
                            to += f"{'&' if '?' in to else '?'}{parameter}=$scheme://$http_host$escaped_request_uri"
                        asks += f"set $escaped_request_uri $request_uri; error_page 401 = @sign-in{number};"
                        made.append(f"location @sign-in{number} {{ internal; add_header Set-Cookie $auth_cookie; return 302 {to}; }}")
                made.append(f"""
                    location {path["path"]} {{
                        {asks}
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Real-IP $remote_addr;
                        proxy_set_header X-Forwarded-For $remote_addr;
                        proxy_set_header X-Forwarded-Host $http_host;
                        proxy_set_header X-Forwarded-Proto $scheme;
                        proxy_pass http://127.0.0.1:{ports[backend["name"]]};
                    }}""")
    return "\n".join(made)


def token(**more):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "email": "ada@example.com", "iat": now, "exp": now + 600, **more}
    return bearer(pyjwt.encode(claims, SECRET, algorithm="HS256"))


class Ingress(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ingresses, cls.gateway, cls.upstream = documented(), Gateway(GATEWAY), Upstream(free_port())
        cls.addClassCleanup(cls.gateway.close)
        ports = {"auth": cls.gateway.port, "doorward": cls.gateway.port, "reports": cls.upstream.port}
        cls.front = nginx(locations(cls.ingresses, ports)).__enter__()
        cls.addClassCleanup(cls.front.__exit__)

    def ask(self, path, method="GET", host=HOST, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.front.port, timeout=30)
        connection.request(method, path, headers={"Host": host, **headers})
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    def test_the_annotations_are_the_controllers(self):
        for ingress in self.ingresses:
            self.assertEqual((ingress["apiVersion"], ingress["kind"]), ("networking.k8s.io/v1", "Ingress"))
            self.assertLessEqual(set(annotations(ingress)), KNOWN)
            for path in ingress["spec"]["rules"][0]["http"]["paths"]:
                self.assertIn(path["pathType"], ("Exact", "Prefix", "ImplementationSpecific"))
                self.assertIsInstance(path["backend"]["service"]["port"]["number"], int)
        said = annotations(self.ingresses[0])
        self.assertTrue(all(re.fullmatch(r"[A-Za-z\d_-]+", name) for name in said["auth-response-headers"].split(",")))
        self.assertRegex(said["auth-url"], r"^https?://[^/\s]+/validate\?profile=ingress-nginx&host=reports\.example\.com$")

    def test_who_may_is_let_through_and_said_to_be_who_it_is(self):
        answer = self.ask("/reports/1?x=%2F", **token(scope="reports:read"), **{"X-User-ID": "eve", "X-Org-ID": "evil"})
        self.assertEqual(answer.status, 200, f"{self.front.said()}{self.gateway.told()}")
        sent = json.loads(answer.text)
        told = dict(sent["headers"])
        self.assertEqual((sent["path"], told["x-user-id"], told["x-user-email"]), ("/reports/1?x=%2F", "ada", "ada@example.com"))
        self.assertFalse({"authorization", "x-org-id", "x-api-key"} & set(told), told)
        self.assertEqual(self.ask("/public/logo").status, 200)

    def test_who_may_not_is_refused(self):
        before = self.upstream.asked
        self.assertEqual(self.ask("/reports/1", **token(scope="other")).status, 403)
        for headers in ({}, bearer("wrong")):
            answer = self.ask("/reports/1", **headers)
            self.assertEqual((answer.status, answer.headers["Location"]), (302, f"https://{HOST}/.doorward/login?to=/reports/1"))
        # What the client says of itself describes nothing, and no path is two.
        for path, headers in (("/reports/1", {"X-Original-URL": f"http://{HOST}/public/x"}), ("/reports/1", {"X-Original-URI": "/public/x"}),
                              ("/reports/1", {"X-Forwarded-Uri": "/public/x"}), ("/reports/1", {"X-Original-Method": "OPTIONS"}),
                              ("/public/../reports/1", {}), ("/public/..%2freports/1", {}), ("/public/..;/reports/1", {})):
            self.assertIn(self.ask(path, **headers).status, (302, 401, 403), (path, headers))
        # nginx goes by the host of the target, and tells the other.
        self.assertEqual(self.ask(f"http://{HOST}/reports/1", host="open.example.com").status, 403)
        self.assertEqual(self.ask("/reports/1", host="open.example.com").status, 403)
        self.assertEqual(self.upstream.asked, before)

    def test_the_description_is_one_address(self):
        for url, code in ((f"https://{HOST}/public/x", "good"), (f"http://{HOST}:8080/public/x", "good"), (f"https://{HOST}/reports/1", "auth.missing_token"),
                          (f"ftp://{HOST}/public/x", "gateway.request_not_described"), (f"https://{HOST}", "gateway.request_not_described"),
                          (f"https://{HOST}?/public/x", "gateway.request_not_described"), (f"https://u@{HOST}/public/x", "gateway.request_not_described"),
                          ("/public/x", "gateway.request_not_described"), (f"https://{HOST}/public/../reports/1", "gateway.path_ambiguous"),
                          (f"https:///{HOST}/public/x", "gateway.request_not_described")):
            found = self.gateway.code(path="/validate?profile=ingress-nginx", **{"X-Original-URL": url, "X-Original-Method": "GET"})
            self.assertEqual(found, code, url)
        self.assertEqual(self.gateway.code(path="/validate?profile=ingress-nginx", **{"X-Original-URL": f"https://{HOST}/public/x"}),
                         "gateway.request_not_described")


if __name__ == "__main__":
    unittest.main(verbosity=2)
