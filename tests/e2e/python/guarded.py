"""Applications without authentication behind real reverse proxies that ask at `/validate`."""

import http.client
import os
import re
import time
import unittest
import warnings

import requests
from joserfc import jwt
from joserfc.jwk import KeySet

import proxies
from person import ISSUER, api, client_token
from proxies import DOORWARD, Upstream, apache, caddy, envoy, haproxy, nginx, traefik

REPORTS = "https://reports.example"

upstream = Upstream(int(os.environ["DOORWARD_UPSTREAM"]))
api("POST", "apis", {"identifier": REPORTS, "name": "Reports", "scopes": [
    {"name": "reports:read", "description": "See reports"}, {"name": "reports:write", "description": "Write reports"}]})

# The block as operators copy it from old guides: it describes nothing, and keeps the client's length.
PLAIN = f"""
    location / {{
        auth_request /auth;
        auth_request_set $user $upstream_http_x_user_id;
        auth_request_set $org $upstream_http_x_org_id;
        auth_request_set $permissions $upstream_http_x_permissions;
        proxy_set_header X-User-ID $user;
        proxy_set_header X-Organization-ID $org;
        proxy_set_header X-User-Permissions $permissions;
        proxy_pass http://127.0.0.1:{upstream.port};
    }}
    location = /auth {{
        internal;
        proxy_pass http://{DOORWARD}/validate;
        proxy_set_header Authorization $http_authorization;
    }}
"""


def documented(language, section):
    return proxies.documented(language, section, upstream.port)


(DESCRIBED,), (FORWARDED,) = documented("nginx", "nginx"), documented("caddyfile", "Caddy")
(HAPROXY,), (LUA,) = documented("haproxy", "HAProxy"), documented("lua", "HAProxy")
(APACHE,), (APACHE_LUA,) = documented("apache", "Apache"), documented("lua", "Apache")
(TRAEFIK,) = documented("yaml", "Traefik")
ENVOY, OVER_HTTP, REMOVED = documented("yaml", "Envoy")


def token(*scopes):
    return client_token(REPORTS, *scopes)


class Answer:
    """What a client of the proxy gets, and what the application was sent."""

    def __init__(self, response):
        self.status, self.headers = response.status, {name.lower(): value for name, value in response.getheaders()}
        text = response.read().decode()
        seen = requests.models.complexjson.loads(text) if self.status == 200 else {}
        self.sent = seen.get("headers", [])
        self.seen = seen

    def header(self, name):
        """Every value that the application got under this name, in whatever spelling."""
        return [value for sent, value in self.sent if sent.replace("_", "-") == name]


def ask(proxy, path="/", method="GET", body=None, host=None, **headers):
    """The path goes out as it is: libraries tidy it."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.putrequest(method, path, skip_host=host is not None, skip_accept_encoding=True)
    if host is not None:
        connection.putheader("Host", host)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    for name, value in headers.items():
        connection.putheader(name.replace("__", "-"), value)
    connection.endheaders(body)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


class Guarded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client, cls.reader = token("reports:read")
        cls.writer = token("reports:write")[1]

    def bearer(self, value=None):
        return f"Bearer {value or self.reader}"

    def refused(self, proxy, *cases):
        """None of these reaches the application."""
        for status, path, headers in cases:
            with self.subTest(path=path, headers=headers):
                before = upstream.asked
                answer = ask(proxy, path, **headers)
                self.assertIn(answer.status, status if isinstance(status, tuple) else (status,))
                self.assertEqual(upstream.asked, before)

    def spoofed(self, proxy):
        """What a client says of itself never arrives, nor do credentials."""
        names = ("User-ID", "User-Email", "User-Role", "User-Permissions", "Org-ID", "Organization-ID", "Permissions",
                 "Auth-Type", "Client-ID", "Agent-ID", "Workspace-IDs", "Doorward-Assertion")
        forged = {f"X__{name.replace('-', '__')}": "forged" for name in names}
        for path, credentials in (("/reports/1", {"Authorization": self.bearer()}), ("/public/x", {}),
                                  ("/reports/1", {"X__API__Key": self.reader})):
            answer = ask(proxy, path, **credentials, **forged)
            self.assertEqual(answer.status, 200, proxy.said())
            values = [value for _, value in answer.sent]
            self.assertFalse([value for value in values if "forged" in value or "{" in value], answer.sent)
            self.assertFalse([value for value in values if self.reader in value], "the credential stays here")
            self.assertEqual(answer.header("x-user-id"), [self.client] if credentials else answer.header("x-user-id"))
            if not credentials:
                self.assertIn(answer.header("x-user-id"), ([], [""]))
        # A route that is also reached through Doorward itself is still a question, whatever host it names.
        before = upstream.asked
        self.assertEqual(ask(proxy, "/own/x", host="own.localhost").status, 401)
        self.assertEqual(ask(proxy, "/reports/1", host="own.localhost:abc").status // 100, 4)
        self.assertEqual(upstream.asked, before)

    def came_from(self, proxy):
        """An address that only the client says is no address."""
        near = api("POST", "service-tokens", {"scopes": ["reports:read"], "allowed_addresses": ["10.1.0.0/16"]})["secret"]
        for more in ({}, {"X__Forwarded__For": "10.1.0.1"}, {"Forwarded": "for=10.1.0.1"}):
            self.assertEqual(ask(proxy, "/reports/1", X__API__Key=near, **more).status, 401, more)

    def asserted(self, answer, audience):
        """The signed word for it can be verified with the published keys."""
        keys = KeySet.import_key_set(requests.get(f"{ISSUER}/.well-known/jwks.json", timeout=30).json())
        token = jwt.decode(answer.header("x-doorward-assertion")[0], keys, algorithms=["ES256"])
        self.assertEqual(token.header["typ"], "doorward-assertion+jwt")
        self.assertEqual((token.claims["iss"], token.claims["sub"]), (ISSUER, self.client))
        self.assertEqual(token.claims["aud"], audience)
        self.assertLessEqual(token.claims["exp"] - token.claims["iat"], 60)

    def test_the_plain_block_of_nginx_guards(self):
        with nginx(PLAIN) as proxy:
            answer = ask(proxy, "/x", Authorization=self.bearer())
            self.assertEqual(answer.status, 200, proxy.said())
            self.assertEqual(answer.header("x-user-id"), [self.client])
            self.assertTrue(answer.header("x-organization-id")[0].startswith("org_"))
            self.assertEqual(answer.header("x-user-permissions"), ["reports:read"])
            for body in (b"", b"hello, world", b"x" * 300_000):
                answer = ask(proxy, "/x", "POST", body, Authorization=self.bearer())
                self.assertEqual((answer.status, answer.seen.get("body")), (200, body.decode()), proxy.said())
            self.refused(
                proxy,
                (401, "/x", {}),
                (401, "/x", {"Authorization": "Bearer wrong"}),
                (401, "/x", {"Authorization": f"Basic {self.reader}"}),
                (404, "/auth", {"Authorization": self.bearer()}))
            challenge = ask(proxy, "/x").headers["www-authenticate"]
            self.assertTrue(challenge.startswith("Bearer realm="), challenge)
            self.assertNotIn("error", challenge)
            self.assertIn('error="invalid_token"', ask(proxy, Authorization="Bearer x").headers["www-authenticate"])

    def test_the_described_block_of_nginx_judges_by_route(self):
        with nginx(DESCRIBED) as proxy:
            answer = ask(proxy, "/reports/1?a=%2F..", Authorization=self.bearer())
            self.assertEqual((answer.status, answer.seen.get("path")), (200, "/reports/1?a=%2F.."), proxy.said())
            self.assertEqual(answer.header("authorization"), [])
            self.asserted(answer, REPORTS)
            self.assertEqual(ask(proxy, "/reports/1", "POST", b"x", Authorization=self.bearer(self.writer)).status, 200)
            self.assertEqual(ask(proxy, "/public/logo").status, 200)
            self.assertEqual(ask(proxy, "/public/logo", Authorization="Bearer wrong").status, 200)
            self.assertEqual(ask(proxy, "/lounge").status, 200)
            self.spoofed(proxy)
            self.came_from(proxy)
            self.refused(
                proxy,
                (401, "/lounge", {"Authorization": "Bearer wrong"}),
                (401, "/reports/1", {}),
                (403, "/reports/1", {"Authorization": self.bearer(self.writer)}),
                (401, "/reports/1", {"Authorization": self.bearer(), "X__API__Key": "another"}),
                (401, "/elsewhere", {}),
                *[((400, 401), path, {"Authorization": "Bearer wrong"}) for path in TRICKS])

    def test_caddy_judges_by_route(self):
        with caddy(FORWARDED) as proxy:
            self.by_route(proxy)
            self.keeps_cookies_back(proxy, "theme=dark; lang=en")

    def test_haproxy_judges_by_route(self):
        with haproxy(HAPROXY, LUA) as proxy:
            self.by_route(proxy)
            self.respelled(proxy)

    def test_apache_judges_by_route(self):
        with apache(APACHE, APACHE_LUA) as proxy:
            self.by_route(proxy)
            self.respelled(proxy)

    def test_traefik_judges_by_route(self):
        with traefik(TRAEFIK) as proxy:
            until("it has read its file", lambda: ask(proxy, "/public/x").status == 200)
            self.by_route(proxy)
            self.respelled(proxy)
        with traefik(TRAEFIK.replace('Authorization: "",', 'Authorization: "", Cookie: "",')) as proxy:
            until("it has read its file", lambda: ask(proxy, "/public/x").status == 200)
            self.keeps_cookies_back(proxy, "")

    def test_envoy_judges_by_route_over_grpc(self):
        with envoy(ENVOY) as proxy:
            self.by_route(proxy)
            near = api("POST", "service-tokens", {"scopes": ["reports:read"], "allowed_addresses": ["127.0.0.1"]})["secret"]
            self.assertEqual(ask(proxy, "/reports/1", X__API__Key=near).status, 200)
            self.keeps_cookies_back(proxy, "theme=dark; lang=en")
        with envoy(ENVOY.replace("DROP_HEADER", "ALLOW")) as proxy:
            self.respelled(proxy)

    def test_envoy_judges_by_route_over_http(self):
        config = re.sub(r" +grpc_service: .*\n", OVER_HTTP, ENVOY)
        with envoy(re.sub(r"( +domains: .*\n)", r"\g<1>" + REMOVED, config)) as proxy:
            self.by_route(proxy)
            self.respelled(proxy)
        removed = REMOVED.replace("authorization,", "authorization, cookie,")
        with envoy(re.sub(r"( +domains: .*\n)", r"\g<1>" + removed, config)) as proxy:
            self.keeps_cookies_back(proxy, "")

    def keeps_cookies_back(self, proxy, expected):
        """Whoever has Doorward's cookies is their person."""
        for cookies in ("theme=dark; __Host-doorward_gate=x; lang=en", "doorward_gate=x; theme=dark; doorward_try=y; lang=en",
                        "theme=dark; lang=en; __Host-doorward_try=x"):
            answer = ask(proxy, "/public/x", Cookie=cookies)
            self.assertEqual(answer.status, 200)
            got = "; ".join(part.strip() for part in ";".join(answer.header("cookie")).split(";") if part.strip())
            self.assertEqual(got, expected, cookies)

    def respelled(self, proxy):
        """What an application could read as one of our headers does not arrive either."""
        for spelling in ("X_User_Id", "x_user-id", "X-USER_ID", "X_Doorward_Assertion"):
            answer = ask(proxy, "/public/x", **{spelling.replace("-", "__"): "forged"})
            self.assertEqual(answer.status, 200)
            self.assertNotIn("forged", [value for _, value in answer.sent], spelling)

    def by_route(self, proxy):
        """The same at every proxy that hands refusals on as they are."""
        answer = ask(proxy, "/reports/1?x=%2F..", Authorization=self.bearer())
        self.assertEqual((answer.status, answer.seen.get("path")), (200, "/reports/1?x=%2F.."), proxy.said())
        self.assertEqual(answer.header("authorization"), [])
        self.asserted(answer, REPORTS)
        self.assertEqual(ask(proxy, "/public/logo").status, 200)
        for body in (b"", b"hello, world", b"x" * 300_000):
            answer = ask(proxy, "/reports/1", "POST", body, Authorization=self.bearer(self.writer))
            self.assertEqual((answer.status, answer.seen.get("body")), (200, body.decode()), proxy.said())
        self.spoofed(proxy)
        self.came_from(proxy)
        self.refused(
            proxy,
            (401, "/reports/1", {}),
            (401, "/reports/1", {"X__Forwarded__Uri": "/public/logo", "X__Forwarded__Method": "GET"}),
            (401, "/reports/1", {"X__Envoy__Original__Path": "/public/logo"}),
            (403, "/reports/1", {"Authorization": self.bearer(self.writer)}),
            (400, "/reports/1", {"Authorization": self.bearer(), "X__API__Key": "another"}),
            (401, "/lounge", {"Authorization": "Bearer wrong"}))
        for path in TRICKS:
            with self.subTest(path=path):
                before = upstream.asked
                answer = ask(proxy, path, Authorization="Bearer wrong")
                # Some proxies read it first; what one made of it is what it asks for everywhere.
                if answer.status == 200:
                    self.assertEqual(answer.seen["path"], "/public/reports/1")
                else:
                    self.assertIn(answer.status, (301, 400, 401, 404))
                    self.assertEqual(upstream.asked, before)
        answer = ask(proxy, "/reports/1")
        self.assertIn("Bearer realm=", answer.headers["www-authenticate"])
        self.assertEqual(answer.headers["content-type"], "application/problem+json")

    def test_service_tokens_are_good_until_they_are_not(self):
        made = api("POST", "service-tokens", {"name": "nightly", "scopes": ["reports:read"], "workspace_ids": ["ws-a"]})
        secret = made["secret"]
        with nginx(DESCRIBED) as proxy:
            for headers in ({"Authorization": f"Bearer {secret}"}, {"X__API__Key": secret}, {"API__Key": secret},
                            {"X__Chroma__Token": secret}):
                answer = ask(proxy, "/reports/1", **headers)
                self.assertEqual(answer.status, 200, proxy.said())
                self.assertTrue(answer.header("x-user-id")[0].startswith("tok_"))
                self.assertEqual(answer.header("x-user-permissions"), ["reports:read"])
            until("uses are counted", lambda: api("GET", "service-tokens/nightly")["use_count"] == 4)
            second = api("POST", "service-tokens/nightly/rotate", {"overlap_seconds": 300})["secret"]
            for good in (secret, second):
                self.assertEqual(ask(proxy, "/reports/1", X__API__Key=good).status, 200)
            third = api("POST", "service-tokens/nightly/rotate", {"overlap_seconds": 0})["secret"]
            self.refused(proxy, (401, "/reports/1", {"X__API__Key": second}))
            self.assertEqual(ask(proxy, "/reports/1", X__API__Key=third).status, 200)
            api("POST", "service-tokens/nightly/revoke", {"reason": "Token compromised"})
            self.refused(
                proxy,
                (401, "/reports/1", {"Authorization": f"Bearer {secret}"}),
                (401, "/reports/1", {"X__API__Key": third}),
                (401, "/reports/1", {"X__API__Key": third[:-1] + "x"}))
            near = api("POST", "service-tokens", {
                "name": "near", "scopes": ["reports:read"], "allowed_addresses": ["192.0.2.0/24"]})["secret"]
            self.refused(proxy, (401, "/reports/1", {"X__API__Key": near}))


def until(what, is_so):
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.1)


# Each of them is the open path for one reader and the guarded one for another.
TRICKS = [
    "/public/../reports/1", "/public/..%2freports/1", "/public/%2e%2e/reports/1", "/public/%252e%252e/reports/1",
    "/public/..;/reports/1", "/public/..%5creports/1", "/public//../reports/1", "/public/x/..%2f..%2freports/1",
]


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    assert os.environ["DOORWARD_ISSUER"]
    unittest.main(verbosity=2)
