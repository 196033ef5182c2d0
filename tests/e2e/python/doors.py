"""Every scenario behind every reverse proxy, by the blocks of docs/gateway.md: people in browsers and machines. Where
there is a folder with an authority, all of it by TLS."""

import json
import os
import re
import socket
import ssl
import time
import unittest
import warnings

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import asking
import proxies
from asking import until
from browsing import PRESSED, Browser
from holder import REPORTS, Holder
from person import ISSUER, api, client_token, new_person
from proxies import Tls, Upstream, apache, caddy, envoy, free_port, haproxy, nginx, traefik

PORT = int(os.environ["DOORWARD_FRONT"])
HOST = f"front.localhost:{PORT}"
FOLDER = os.environ.get("DOORWARD_AUTHORITY")
TLS = Tls(FOLDER, "front.localhost") if FOLDER else None
CONTEXT = ssl.create_default_context(cafile=f"{FOLDER}/authority.pem") if FOLDER else None
BASE = f"{'https' if FOLDER else 'http'}://{HOST}"
# An issuer that does not answer.
NOWHERE = "http://127.0.0.1:1"
# Nobody believes this address what it says of others.
CLIENT = "127.0.0.2"
# Each of them is the open path for one reader and the guarded one for another.
TRICKS = [
    "/public/../reports/1", "/public/..%2freports/1", "/public/%2e%2e/reports/1", "/public/%252e%252e/reports/1",
    "/public/..;/reports/1", "/public/..%5creports/1", "/public//../reports/1", "/public/x/..%2f..%2freports/1",
    "/.doorward/../reports/1", "/.doorward/..%2freports/1", "/.doorward/%2e%2e/reports/1", "/.doorward//../reports/1",
    "/.doorward/..;/reports/1", "/.doorward", "/.doorwardx/../reports/1", "/.DOORWARD/../reports/1",
]

upstream = Upstream(int(os.environ["DOORWARD_UPSTREAM"]))
api("POST", "apis", {"identifier": REPORTS, "name": "Reports", "scopes": [
    {"name": "reports:read", "description": "See reports"}, {"name": "reports:write", "description": "Write reports"}]})


def ask(path="/", method="GET", body=None, host=HOST, **headers):
    return asking.ask(PORT, path, method, body, host, CLIENT, CONTEXT, **headers)


def documented(language, section, doorward=proxies.DOORWARD):
    return proxies.documented(language, section, upstream.port, HOST, doorward)


class Door:
    """What holds behind all of them; a class for each proxy says how it is started."""

    # Whether answers of the application tell how it stands with limits, and refusals are Doorward's to the letter; and
    # whether browsers are told the whole address of where to go next.
    tells_limits, keeps_refusals, tells_whole = True, True, False
    # Whether an application that begins another protocol is joined only with a client that asked for one.
    joins_who_asked = False

    @classmethod
    def setUpClass(cls):
        cls.client, cls.reader = client_token(REPORTS, "reports:read")
        cls.writer = client_token(REPORTS, "reports:write")[1]
        cls.proxy = cls.start(proxies.DOORWARD).__enter__()
        cls.addClassCleanup(cls.proxy.__exit__)
        until("it has read its configuration", lambda: cls.answers(PORT, 2))

    @staticmethod
    def answers(port, kind):
        """Whether it does so with a status of this kind."""
        try:
            return asking.ask(port, "/public/x", host=HOST, context=CONTEXT).status // 100 == kind
        except ssl.SSLError:
            # Traefik shows another certificate until it has read its file.
            return False

    def browser(self, **more):
        person = new_person(**more)
        person.sign_in()
        return person, Browser(person.browser)

    def signed_in(self, **more):
        person, browser = self.browser(**more)
        answer, _ = browser.open(f"{BASE}/files/1")
        self.assertEqual(answer.status_code, 200, f"{answer.text}{self.proxy.said()}")
        return person, browser

    def refused(self, *cases):
        """None of these reaches the application."""
        for status, path, headers in cases:
            with self.subTest(path=path, headers=headers):
                before = upstream.asked
                answer = ask(path, **headers)
                self.assertEqual((answer.status, upstream.asked), (status, before), answer.text)
                if self.keeps_refusals:
                    self.assertEqual(answer.headers["content-type"], "application/problem+json")
                    self.assertEqual(json.loads(answer.text)["status"], status)

    def bearer(self, token=None):
        return {"Authorization": f"Bearer {token or self.reader}"}

    def test_a_public_path_is_open(self):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = ask("/public/logo", **headers)
            self.assertEqual(answer.status, 200, self.proxy.said())
            self.assertIn(answer.header("x-user-id"), ([], [""]))
        self.assertEqual(ask("/lounge").status, 200)

    def test_who_may_is_let_through_and_said_to_be_who_it_is(self):
        answer = ask("/reports/1?x=%2F..", **self.bearer())
        self.assertEqual((answer.status, answer.seen.get("path")), (200, "/reports/1?x=%2F.."), self.proxy.said())
        self.assertEqual(answer.header("x-user-id"), [self.client])
        self.assertEqual(answer.header("x-user-permissions"), ["reports:read"])
        self.assertEqual(answer.header("x-user-role"), ["service"])
        self.assertTrue(answer.header("x-organization-id")[0].startswith("org_"))
        # The signed word for it can be verified with the published keys.
        keys = KeySet.import_key_set(requests.get(f"{ISSUER}/.well-known/jwks.json", timeout=30).json())
        told = jwt.decode(answer.header("x-doorward-assertion")[0], keys, algorithms=["ES256"])
        self.assertEqual(told.header["typ"], "doorward-assertion+jwt")
        self.assertEqual((told.claims["iss"], told.claims["sub"], told.claims["aud"]), (ISSUER, self.client, "route:reports"))
        self.assertLessEqual(told.claims["exp"] - told.claims["iat"], 60)

    def test_a_credential_may_stand_in_every_header_and_stays_here(self):
        secret = api("POST", "service-tokens", {"scopes": ["reports:read"]})["secret"]
        for headers in (self.bearer(secret), {"X__API__Key": secret}, {"API__Key": secret}, {"X__Chroma__Token": secret}):
            answer = ask("/reports/1", **headers)
            self.assertEqual(answer.status, 200, self.proxy.said())
            self.assertTrue(answer.header("x-user-id")[0].startswith("tok_"))
            self.assertFalse([value for _, value in answer.sent if secret in value], answer.sent)

    def test_bodies_go_through(self):
        for body in (b"", b"hello, world", b"x" * 300_000):
            answer = ask("/reports/1", "POST", body, **self.bearer(self.writer))
            self.assertEqual((answer.status, answer.seen.get("body")), (200, body.decode()), self.proxy.said())
        before = upstream.asked
        self.assertEqual(ask("/reports/1", "POST", b"hello", **self.bearer()).status, 403)
        self.assertEqual(upstream.asked, before)

    def test_refusals_are_those_of_the_standard(self):
        self.refused(
            (401, "/reports/1", {}),
            (401, "/reports/1", {"X__Forwarded__Uri": "/public/logo", "X__Forwarded__Method": "GET"}),
            (401, "/reports/1", {"X__Original__URI": "/public/logo", "X__Original__Method": "GET"}),
            (401, "/reports/1", {"X__Envoy__Original__Path": "/public/logo"}),
            (401, "/lounge", {"Authorization": "Bearer wrong"}),
            (403, "/reports/1", self.bearer(self.writer)),
            (400, "/reports/1", {**self.bearer(), "X__API__Key": "another"}))
        self.assertIn("Bearer realm=", ask("/reports/1").headers["www-authenticate"])
        self.assertIn('error="invalid_token"', ask("/reports/1", Authorization="Bearer x").headers["www-authenticate"])

    def test_who_cannot_be_judged_now_is_told_so(self):
        claims = {"iss": NOWHERE, "exp": int(time.time()) + 600}
        before = upstream.asked
        answer = ask("/reports/1", **self.bearer(jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"))))
        self.assertEqual((answer.status, upstream.asked), (503, before), answer.text)

    def test_no_other_name_leads_past_the_routes(self):
        for host in ("elsewhere.example", "own.localhost", f"{HOST}x", "front.localhost:abc"):
            with self.subTest(host=host):
                before = upstream.asked
                answer = ask("/reports/1", host=host, **self.bearer(self.writer))
                self.assertEqual(upstream.asked, before, answer.text)

    def test_a_path_is_read_in_one_way(self):
        for path in TRICKS:
            with self.subTest(path=path):
                before = upstream.asked
                answer = ask(path, **self.bearer("wrong"))
                # Some proxies read it first; what one made of it is what it asks for everywhere.
                if answer.status == 200:
                    self.assertEqual(answer.seen["path"], "/public/reports/1")
                else:
                    self.assertIn(answer.status, (301, 302, 307, 308, 400, 401, 404))
                    self.assertEqual(upstream.asked, before)

    def test_nobody_says_of_himself_who_he_is(self):
        names = ("User-ID", "User-Email", "User-Role", "User-Permissions", "Org-ID", "Organization-ID", "Permissions", "Quota",
                 "Auth-Type", "Client-ID", "Agent-ID", "Workspace-IDs", "Doorward-Assertion")
        forged = {f"X__{name.replace('-', '__')}": "forged" for name in names}
        forged |= {name: "forged" for name in ("X_User_Id", "X_Organization_Id", "x_user__id", "X__USER_ID", "X_Doorward_Assertion", "X__Doorward_Assertion")}
        forged |= {name: "forged" for name in ("X.User.ID", "x.user__email", "X__User.Role", "X.Doorward.Assertion")}
        for path, credentials in (("/reports/1", self.bearer()), ("/public/x", {}), ("/lounge", {})):
            answer = ask(path, **credentials, **forged)
            self.assertEqual(answer.status, 200, self.proxy.said())
            values = [value for _, value in answer.sent]
            self.assertFalse([value for value in values if "forged" in value or "{" in value], answer.sent)
            if credentials:
                self.assertEqual(answer.header("x-user-id"), [self.client])
            else:
                self.assertIn(answer.header("x-user-id"), ([], [""]))

    def test_the_clients_address_is_the_one_that_the_proxy_sees(self):
        near = {address: api("POST", "service-tokens", {"scopes": ["reports:read"], "allowed_addresses": [address]})["secret"]
                for address in ("10.1.0.0/16", CLIENT)}
        for more in ({}, {"X__Forwarded__For": "10.1.0.1"}, {"X__Real__IP": "10.1.0.1"}, {"Forwarded": "for=10.1.0.1"}):
            for address, status in (("10.1.0.0/16", 401), (CLIENT, 200)):
                answer = ask("/reports/1", X__API__Key=near[address], **more)
                self.assertEqual(answer.status, status, (address, more, self.proxy.said()))

    def logged(self, reference):
        """What the server's log says of a request, once it says so."""
        said = []

        def is_there():
            with open(os.environ["DOORWARD_SERVER_LOG"], encoding="utf-8") as file:
                said[:] = [line for line in file if f'request_id="{reference}"' in line and "access" in line]
            return said

        until("it is logged", is_there)
        return said[-1]

    def test_the_clients_address_is_known_where_people_sign_in(self):
        for more in ({}, {"X__Forwarded__For": "10.1.0.1"}, {"Forwarded": "for=10.1.0.1"}):
            answer = ask("/.doorward/callback?code=x&state=x", **more)
            self.assertEqual(answer.status, 400, answer.text)
            self.assertIn(f"client={CLIENT} ", self.logged(answer.headers["x-request-id"]), more)

    def test_a_request_has_one_reference_everywhere(self):
        for headers in ({}, {"X__Request__ID": "not one, but {two}"}):
            answer = ask("/reports/1", **self.bearer(), **headers)
            (reference,) = answer.header("x-request-id")
            self.assertIn("status=200", self.logged(reference))
            refused = ask("/reports/1", **headers)
            self.logged(refused.headers["x-request-id"])

    def test_a_browser_signs_in_and_comes_back_to_its_page(self):
        person, browser = self.browser()
        own = {"theme": "dark", "cart": "x" * 5_000}
        for name, value in own.items():
            browser.jar(HOST).cookies.set(name, value)
        page = f"/files/1?x=%20y&z=%2F&long={'y' * 1_500}"
        answer, way = browser.open(f"{BASE}{page}")
        self.assertEqual(answer.status_code, 200, f"{way} {answer.text}{self.proxy.said()}")
        self.assertEqual(answer.json()["path"], page)
        self.assertEqual([step.split("/", 1)[1] for step in way],
                         [".doorward/login", "oauth2/authorize", ".doorward/callback", "files/1"])
        headers = dict(answer.json()["headers"])
        self.assertEqual(headers["x-user-email"], person.email)
        # The application's own cookies are all that it gets to see.
        self.assertEqual(dict(it.split("=") for it in headers["cookie"].strip("; ").split("; ")), own)
        names = {it.name for it in browser.jar(HOST).cookies}
        prefix = "__Host-" if FOLDER else ""
        self.assertEqual(names, {f"{prefix}doorward_gate", f"{prefix}doorward_try", *own})
        again, way = browser.open(f"{BASE}/files/2")
        self.assertEqual((again.status_code, way), (200, []))
        for name in own:
            browser.jar(HOST).cookies.clear(domain="", path="/", name=name)
        answer = browser.ask(f"{BASE}/files/3")
        self.assertEqual(dict(answer.json()["headers"]).get("cookie", "").strip("; "), "")

    def test_machines_are_told_401_and_not_sent_anywhere(self):
        _, browser = self.browser()
        for headers in ({"Accept": "application/json"}, {"Sec-Fetch-Mode": "cors"}, {"Authorization": "Bearer x"},
                        {"X-Requested-With": "XMLHttpRequest"}):
            answer = browser.ask(f"{BASE}/files/1", headers=headers)
            self.assertEqual(answer.status_code, 401, headers)
            self.assertIn("Bearer realm=", answer.headers["WWW-Authenticate"])
        self.assertEqual(browser.ask(f"{BASE}/files/1", method="POST").status_code, 401)

    def test_a_person_sends_forms_and_no_other_site_does(self):
        person, browser = self.signed_in()
        for origin, status in ((BASE, 200), ("http://evil.localhost", 403), ("null", 403)):
            before = upstream.asked
            answer = browser.ask(f"{BASE}/files/1", method="POST", headers={"Origin": origin}, data={"a": "b c"})
            self.assertEqual(answer.status_code, status, f"{origin} {answer.text}")
            if status == 200:
                self.assertEqual(answer.json()["body"], "a=b+c")
                self.assertEqual(dict(answer.json()["headers"])["x-user-email"], person.email)
            else:
                self.assertEqual(upstream.asked, before)
        across = {"Sec-Fetch-Site": "cross-site"}
        self.assertEqual(browser.ask(f"{BASE}/files/1", method="POST", headers=across).status_code, 403)

    def opened(self, **headers):
        """What the application was sent with a WebSocket that a browser or a program opens, or the status instead."""
        place = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        try:
            with connect(BASE.replace("http", "ws", 1) + "/files/live", sock=place, ssl=CONTEXT, proxy=None,
                         additional_headers=headers) as live:
                told = json.loads(live.recv())
                live.send("hello")
                self.assertEqual(live.recv(), "hello")
                return dict(told["headers"])
        except InvalidStatus as refused:
            return refused.response.status_code

    def test_a_socket_opens_for_who_may_and_from_no_other_site(self):
        person, browser = self.signed_in()
        cookies = "; ".join(f"{it.name}={it.value}" for it in browser.jar(HOST).cookies)
        self.assertEqual(self.opened(Cookie=cookies, Origin=BASE)["x-user-email"], person.email)
        secret = api("POST", "service-tokens", {"scopes": []})["secret"]
        told = self.opened(Authorization=f"Bearer {secret}")
        self.assertTrue(told["x-user-id"].startswith("tok_"))
        self.assertNotIn(secret, told.values())
        before = upstream.asked
        self.assertEqual(self.opened(Cookie=cookies, Origin="http://evil.localhost"), 403)
        self.assertEqual(self.opened(Origin=BASE), 401)
        self.assertEqual(upstream.asked, before)

    def test_no_other_protocol_is_begun(self):
        for other in ("h2c", "H2C", "h2c, websocket", "websocket, h2c", "other/1"):
            upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": other, "HTTP2__Settings": "AAMAAABkAARAAAAAAAIAAAAA"}
            with self.subTest(other=other):
                before = upstream.asked
                answer = ask("/public/x", **upgrade)
                # Some refuse it; behind the others it is a request like any.
                if answer.status == 200:
                    self.assertEqual(answer.header("upgrade"), [], answer.sent)
                    self.assertNotIn("upgrade", "".join(answer.header("connection")).lower())
                else:
                    self.assertIn(answer.status, (400, 403), answer.text)
                    self.assertEqual(upstream.asked, before)

    def test_an_application_begins_no_other_protocol_unasked(self):
        other = [] if self.joins_who_asked else ["Connection: Upgrade\r\nUpgrade: other\r\n"]
        for asked in ("", "Connection: Upgrade\r\n", *other):
            with self.subTest(asked=asked):
                upstream.server.told = b""
                place = socket.create_connection(("127.0.0.1", PORT), timeout=30)
                if CONTEXT:
                    place = CONTEXT.wrap_socket(place, server_hostname="front.localhost")
                with place:
                    place.sendall(f"GET /public/switch HTTP/1.1\r\nHost: {HOST}\r\n{asked}\r\n".encode())
                    place.recv(65_536)
                    # To the application, if the two were joined: nobody would judge it.
                    try:
                        place.sendall(f"GET /reports/1 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
                        while place.recv(65_536):
                            pass
                    except ConnectionError:
                        pass
                # What else it is told was judged, on a connection that is used again.
                self.assertNotIn(b"/reports/1", upstream.told)

    def test_a_person_who_may_not_is_told_so(self):
        _, browser = self.signed_in()
        before = upstream.asked
        for path in ("/staff/1", "/reports/1"):
            self.assertEqual(browser.open(f"{BASE}{path}")[0].status_code, 403, path)
        self.assertEqual(upstream.asked, before)
        _, browser = self.signed_in(roles=["staff"])
        self.assertEqual(browser.open(f"{BASE}/staff/1")[0].status_code, 200)

    def test_signed_out_at_the_application(self):
        _, browser = self.signed_in()
        copy = {"Cookie": "; ".join(f"{it.name}={it.value}" for it in browser.jar(HOST).cookies)}
        thief = Browser(requests.Session())
        self.assertEqual(thief.ask(f"{BASE}/files/1", headers=copy).status_code, 200)
        asked = browser.ask(f"{BASE}/.doorward/logout")
        self.assertIn('action="/.doorward/logout"', asked.text)
        gone = browser.ask(f"{BASE}/.doorward/logout", headers=PRESSED)
        self.assertEqual(gone.status_code, 303)
        self.assertTrue(gone.headers["Location"].startswith(f"{ISSUER}/oauth2/logout?"))
        self.assertIn("Max-Age=0", gone.headers["Set-Cookie"])
        for who, headers in ((browser, {}), (thief, copy)):
            self.assertEqual(who.ask(f"{BASE}/files/1", headers=headers).status_code, 302)
            machine = {**headers, "Accept": "application/json"}
            self.assertEqual(who.ask(f"{BASE}/files/1", headers=machine).status_code, 401)

    def test_signed_out_at_the_issuer(self):
        person, browser = self.signed_in()
        person.sign_out()
        before = upstream.asked
        answer = browser.ask(f"{BASE}/files/1")
        self.assertEqual((answer.status_code, upstream.asked), (302, before))
        self.assertEqual(answer.headers["Location"], f"{BASE if self.tells_whole else ''}/.doorward/login?to=%2Ffiles%2F1")
        self.assertEqual(browser.ask(f"{BASE}/files/1", headers={"Accept": "application/json"}).status_code, 401)

    def test_limits_are_told(self):
        secret = api("POST", "service-tokens", {"scopes": []})["secret"]
        for left in (2, 1, 0):
            answer = ask("/limited/x", **self.bearer(secret))
            self.assertEqual((answer.status, answer.header("x-quota")), (200, [str(left)]), self.proxy.said())
            if self.tells_limits:
                self.assertIn(f'"rate";r={left};', answer.headers["ratelimit"])
                self.assertIn('"rate";q=3;w=86400', answer.headers["ratelimit-policy"])
        before = upstream.asked
        refused = ask("/limited/x", **self.bearer(secret))
        self.assertEqual((refused.status, upstream.asked), (429, before), refused.text)
        self.assertTrue(0 < int(refused.headers["retry-after"]) <= 86_400 // 3, refused.headers)
        self.assertIn('"rate";r=0;', refused.headers["ratelimit"])
        self.assertIn('"rate";q=3;w=86400', refused.headers["ratelimit-policy"])
        if self.keeps_refusals:
            self.assertIn("gateway.rate_limited", refused.text)
        answer = ask("/reports/1", **self.bearer())
        self.assertFalse({"ratelimit", "ratelimit-policy"} & set(answer.headers), answer.headers)

    def test_a_token_that_is_bound_to_a_key_needs_its_proof(self):
        holder = Holder()

        def proven(nonce=None):
            proof = holder.proof("GET", f"{BASE}/reports/1", nonce, holder.token)
            return ask("/reports/1", Authorization=f"DPoP {holder.token}", DPoP=proof)

        asked = proven()
        self.assertEqual(asked.status, 401)
        self.assertIn('error="use_dpop_nonce"', asked.headers["www-authenticate"])
        answer = proven(asked.headers["dpop-nonce"])
        self.assertEqual((answer.status, answer.header("dpop")), (200, []), f"{answer.text}{self.proxy.said()}")
        self.assertEqual(ask("/reports/1", **self.bearer(holder.token)).status, 401)

    def test_nothing_passes_while_nobody_can_be_asked(self):
        with self.start(f"127.0.0.1:{free_port()}", free_port()) as proxy:
            before = upstream.asked
            until("it has read its configuration", lambda: self.answers(proxy.port, 5))
            answer = asking.ask(proxy.port, "/reports/1", host=HOST, context=CONTEXT, **self.bearer())
            self.assertEqual((answer.status // 100, upstream.asked), (5, before))


class Nginx(Door, unittest.TestCase):
    keeps_refusals, joins_who_asked = False, True

    @staticmethod
    def start(doorward, port=PORT):
        return nginx(documented("nginx", "nginx", doorward)[0], port=port, tls=TLS)

    def test_nobody_asks_from_outside(self):
        self.assertEqual(ask("/_doorward", **self.bearer()).status, 404)


class Caddy(Door, unittest.TestCase):
    @staticmethod
    def start(doorward, port=PORT):
        return caddy(documented("caddyfile", "Caddy", doorward)[0], HOST, port, TLS)


class Haproxy(Door, unittest.TestCase):
    @staticmethod
    def start(doorward, port=PORT):
        (config,), (script,) = documented("haproxy", "HAProxy", doorward), documented("lua", "HAProxy", doorward)
        return haproxy(config, script, port, TLS)

    def test_nothing_passes_when_the_script_fails(self):
        (config,), (script,) = documented("haproxy", "HAProxy"), documented("lua", "HAProxy")
        for place in ("    local asked, sent", '    txn:set_var("txn.doorward"'):
            self.assertEqual(script.count(place), 1)
            failing = script.replace(place, f'    error("broken")\n{place}')
            with self.subTest(place=place), haproxy(config, failing, free_port(), TLS) as proxy:
                before = upstream.asked
                answer = asking.ask(proxy.port, "/public/x", host=HOST, context=CONTEXT)
                self.assertEqual((answer.status, upstream.asked), (503, before), proxy.said())


class Apache(Door, unittest.TestCase):
    @staticmethod
    def start(doorward, port=PORT):
        (config,), (script,) = documented("apache", "Apache", doorward), documented("lua", "Apache", doorward)
        return apache(config, script, port, TLS)


class EnvoyOverGrpc(Door, unittest.TestCase):
    @staticmethod
    def start(doorward, port=PORT):
        return envoy(documented("yaml", "Envoy", doorward)[0], port, TLS)

    def test_names_with_underscores_are_dropped_by_the_answer_too(self):
        allowing = documented("yaml", "Envoy")[0].replace("DROP_HEADER", "ALLOW")
        with envoy(allowing, free_port(), TLS) as proxy:
            until("it has read its configuration", lambda: self.answers(proxy.port, 2))
            answer = asking.ask(proxy.port, "/public/x", host=HOST, context=CONTEXT, X_User_Id="forged", X_Doorward_Assertion="forged")
            self.assertEqual(answer.status, 200)
            self.assertNotIn("forged", [value for _, value in answer.sent])


class EnvoyOverHttp(Door, unittest.TestCase):
    @staticmethod
    def start(doorward, port=PORT):
        config, asks, removes = documented("yaml", "Envoy", doorward)
        config = re.sub(r" +grpc_service: .*\n", asks, config)
        return envoy(re.sub(r"( +domains: .*\n)", r"\g<1>" + removes, config), port, TLS)


class Traefik(Door, unittest.TestCase):
    tells_limits, tells_whole = False, True

    @staticmethod
    def start(doorward, port=PORT):
        return traefik(documented("yaml", "Traefik", doorward)[0], port, TLS)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=2)
