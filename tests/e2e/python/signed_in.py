"""People at applications that know nothing of signing in: sent to the issuer, and back to their page."""

import base64
import hashlib
import json
import os
import time
import unittest
import warnings
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from browsing import PAGE, PRESSED, Browser
from person import ISSUER, api, new_client, new_person
from proxies import Upstream

PORT = urlsplit(ISSUER).port
upstream = Upstream(int(os.environ["DOORWARD_UPSTREAM"]))


class SignedIn(unittest.TestCase):
    def person(self):
        person = new_person()
        person.sign_in()
        return person, Browser(person.browser)

    def authorized(self, browser, begun):
        """The way back to the application."""
        answer = browser.ask(begun.headers["Location"])
        self.assertTrue(answer.is_redirect, answer.text)
        back = answer.headers["Location"]
        self.assertIn("/.doorward/callback?", back)
        return back

    def site(self, host, port=PORT):
        return f"http://{host}:{port}"

    def test_a_browser_comes_back_to_its_page_signed_in(self):
        person, browser = self.person()
        answer, way = browser.open(f"{self.site('app.localhost')}/reports/1?page=2")
        self.assertEqual(answer.status_code, 200, answer.text)
        seen = json.loads(answer.text)
        self.assertEqual(seen["path"], "/reports/1?page=2")
        headers = dict(seen["headers"])
        self.assertEqual(headers["x-user-email"], person.email)
        self.assertEqual(headers["x-auth-type"], "session")
        self.assertNotIn("doorward", headers.get("cookie", ""))
        self.assertEqual([step.split("/", 1)[1] for step in way],
                         [".doorward/login", "oauth2/authorize", ".doorward/callback", "reports/1"])
        again, way = browser.open(f"{self.site('app.localhost')}/reports/2")
        self.assertEqual((again.status_code, way), (200, []))
        # Its own cookie at every host, without another question to the person.
        other, way = browser.open(f"{self.site('other.localhost')}/")
        self.assertEqual(other.status_code, 200)
        self.assertEqual(len(way), 4)

    def test_machines_are_told_401(self):
        _, browser = self.person()
        url = f"{self.site('app.localhost')}/reports/1"
        for headers in ({"Accept": "application/json"}, {"Sec-Fetch-Mode": "cors"}, {"Authorization": "Bearer x"}):
            self.assertEqual(browser.ask(url, headers=headers).status_code, 401)
        self.assertEqual(browser.ask(url, method="POST").status_code, 401)

    def test_signed_out_at_the_issuer_is_signed_out_everywhere(self):
        person, browser = self.person()
        url = f"{self.site('app.localhost')}/reports/1"
        self.assertEqual(browser.open(url)[0].status_code, 200)
        self.assertEqual(browser.ask(url).status_code, 200)
        person.sign_out()
        answer = browser.ask(url)
        self.assertEqual((answer.status_code, urlsplit(answer.headers["Location"]).path), (302, "/.doorward/login"))
        self.assertEqual(browser.ask(url, headers={"Accept": "application/json"}).status_code, 401)

    def test_signed_out_at_the_application(self):
        _, browser = self.person()
        url = f"{self.site('app.localhost')}/reports/1"
        self.assertEqual(browser.open(url)[0].status_code, 200)
        jar = browser.jar(f"app.localhost:{PORT}").cookies
        copy = {"Cookie": f"doorward_gate={jar.get('doorward_gate')}"}
        thief = Browser(requests.Session())
        self.assertEqual(thief.ask(url, headers=copy).status_code, 200)
        gone = browser.ask(f"{self.site('app.localhost')}/.doorward/logout", headers=PRESSED)
        self.assertEqual(gone.status_code, 303)
        self.assertTrue(gone.headers["Location"].startswith(f"{ISSUER}/oauth2/logout?"))
        self.assertEqual(browser.ask(url).status_code, 302)
        # What was copied from the cookie is worth nothing, and the token in it has ended at the issuer.
        for headers, status in ((copy, 302), ({**copy, "Accept": "application/json"}, 401)):
            self.assertEqual(thief.ask(url, headers=headers).status_code, status)
        self.assertTrue(api("GET", "audit/events?code=token.revoked")["items"])

    def test_an_application_is_told_of_the_persons_workspaces(self):
        person, browser = self.person()
        org = api("POST", "orgs", {"name": "Acme"})["id"]
        rooms = f"orgs/{org}/workspaces"
        api("POST", f"orgs/{org}/members", {"user_id": person.id, "role": "member"})
        named, everybodys, _ = (api("POST", rooms, {"name": "Room", **more}) for more in ({}, {"everybody": "viewer"}, {}))
        api("POST", f"{rooms}/{named['id']}/members", {"user_id": person.id, "role": "editor"})
        person.press("/account/organizations", "/account/organizations/active", org=org)

        def told(**more):
            answer, _ = browser.open(f"{self.site('app.localhost')}/reports/1", **more)
            self.assertEqual(answer.status_code, 200, answer.text)
            headers = dict(json.loads(answer.text)["headers"])
            self.assertEqual(headers["x-organization-id"], org)
            return set(filter(None, headers.get("x-workspace-ids", "").split(",")))

        self.assertEqual(told(), {named["id"], everybodys["id"]})
        forged = browser.ask(f"{self.site('app.localhost')}/reports/1", headers={"X-Workspace-IDs": "ws-production"})
        self.assertNotIn("ws-production", forged.text)
        # Signed in anew by itself: the session says what is not so any more.
        api("DELETE", f"{rooms}/{named['id']}/members/{person.id}")
        self.assertEqual(told(), {everybodys["id"]})

    def test_another_site_signs_nobody_out(self):
        _, browser = self.person()
        base = self.site("app.localhost")
        self.assertEqual(browser.open(f"{base}/reports/1")[0].status_code, 200)
        for headers in ({}, {**PRESSED, "Sec-Fetch-Site": "cross-site"}, {**PRESSED, "Sec-Fetch-Site": "same-site"},
                        {**PRESSED, "Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}):
            asked = browser.ask(f"{base}/.doorward/logout", headers=headers)
            self.assertEqual(asked.status_code, 200, headers)
            self.assertIn('action="/.doorward/logout"', asked.text)
            self.assertEqual(browser.ask(f"{base}/reports/1").status_code, 200)
        for origin, status in (("http://evil.localhost", 403), ("null", 403), (base, 303)):
            posted = browser.ask(f"{base}/.doorward/logout", method="POST", headers={"Origin": origin})
            self.assertEqual(posted.status_code, status, origin)
        self.assertEqual(browser.ask(f"{base}/reports/1").status_code, 302)

    def test_a_way_back_is_good_for_one_exchange(self):
        """Each exchange costs the server a signature and a write."""
        _, browser = self.person()
        begun = browser.ask(f"{self.site('app.localhost')}/.doorward/login", params={"to": "/reports/7"})
        back = self.authorized(browser, begun)
        code = parse_qs(urlsplit(back).query)["code"][0]
        self.assertEqual(browser.ask(back).status_code, 303)
        for other in (code, "x" * 43):
            again = browser.ask(back.replace(code, other))
            self.assertEqual(again.status_code, 400)
            self.assertIn("has been used", again.text)
            self.assertIn('href="/reports/7"', again.text)
            self.assertNotIn("doorward_gate", again.headers.get("Set-Cookie", ""))

    def test_the_issuer_knows_the_browsers_address(self):
        _, browser = self.person()
        begun = browser.ask(f"{self.site('app.localhost')}/.doorward/login")
        back = self.authorized(browser, begun)
        code = parse_qs(urlsplit(back).query)["code"][0]
        refused = browser.ask(back.replace(code, "dw_co_nonsense"), headers={"X-Forwarded-For": "203.0.113.9"})
        self.assertEqual(refused.status_code, 400)
        events = api("GET", "audit/events?limit=100")["items"]
        seen = [event for event in events if "203.0.113.9" in json.dumps(event)]
        # What the gateway refused, and what the issuer did before it.
        self.assertGreater(len({event["code"] for event in seen}), 1, events)

    def test_nobody_is_sent_elsewhere_or_signed_in_as_somebody_else(self):
        _, browser = self.person()
        base = self.site("app.localhost")
        for page in ("https://evil.example/", "//evil.example/", "/\\evil.example", "/.doorward/logout", "/a/../b", "/%2e%2e/x"):
            begun = browser.ask(f"{base}/.doorward/login", params={"to": page})
            self.assertEqual(begun.status_code, 302)
            back = browser.ask(self.authorized(browser, begun))
            self.assertEqual((back.status_code, back.headers["Location"]), (303, "/"), page)
        # The way back of one browser in another one.
        _, thief = self.person()
        begun = thief.ask(f"{base}/.doorward/login")
        stolen = self.authorized(thief, begun)
        planted = browser.ask(stolen)
        self.assertEqual(planted.status_code, 400)
        self.assertNotIn("doorward_gate", planted.headers.get("Set-Cookie", ""))
        # A state that was changed, an issuer that is another one, a code twice.
        begun = browser.ask(f"{base}/.doorward/login")
        back = self.authorized(browser, begun)
        state = parse_qs(urlsplit(back).query)["state"][0]
        changed = ("A" if state[0] != "A" else "B") + state[1:]
        self.assertEqual(browser.ask(back.replace(state, changed)).status_code, 400)
        self.assertEqual(browser.ask(back.replace("iss=", "iss=x")).status_code, 400)
        self.assertEqual(browser.ask(back).status_code, 303)
        self.assertEqual(browser.ask(back).status_code, 400)
        # A cookie of one host at another.
        cookie = browser.jar(f"app.localhost:{PORT}").cookies.get("doorward_gate")
        self.assertTrue(cookie)
        moved = Browser(requests.Session())
        answer = moved.ask(f"{self.site('other.localhost')}/", headers={"Cookie": f"doorward_gate={cookie}"})
        self.assertEqual(answer.status_code, 302)

    def test_another_sites_page_does_nothing_in_somebodys_name(self):
        _, browser = self.person()
        base = self.site("app.localhost")
        self.assertEqual(browser.open(f"{base}/reports/1")[0].status_code, 200)
        for origin, status in ((base, 200), ("http://evil.localhost", 403), ("null", 403)):
            self.assertEqual(browser.ask(f"{base}/reports/1", method="POST", headers={"Origin": origin}).status_code, status)

    def test_nobody_else_on_a_guarded_host_gets_a_code(self):
        """Whoever answers at another port, or below a pattern, could have the gateway redeem it for them."""
        _, browser = self.person()
        for host in ("app.localhost:1", "APP.localhost:%d" % PORT, "app.localhost.:%d" % PORT, "x.wild.localhost:%d" % PORT):
            address = f"http://127.0.0.1:{PORT}"
            begun = requests.get(f"{address}/.doorward/login", headers={**PAGE, "Host": host}, allow_redirects=False, timeout=30)
            self.assertNotEqual(begun.status_code, 302, host)
            refused = requests.get(f"{address}/reports", headers={**PAGE, "Host": host}, allow_redirects=False, timeout=30)
            self.assertEqual(refused.status_code, 401, host)
        client = next(client for client in api("GET", "clients?limit=500")["items"] if client["client_id"] == "doorward-gateway")
        self.assertTrue(all(f":{PORT}/" in uri or f":{os.environ['DOORWARD_FRONT']}/" in uri for uri in client["redirect_uris"]))

    def test_an_application_of_others_does_not_act_for_people_here(self):
        for is_own, status in ((False, 401), (True, 200)):
            person = new_person()
            client = new_client(first_party=is_own)
            verifier = "v" * 43
            challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
            back = "https://app.example/callback"
            asked = urlencode({"response_type": "code", "client_id": client["client_id"], "redirect_uri": back, "scope": "openid",
                               "code_challenge": challenge, "code_challenge_method": "S256", "state": "s"})
            code = parse_qs(urlsplit(person.authorize(f"{ISSUER}/oauth2/authorize?{asked}")).query)["code"][0]
            answer = requests.post(f"{ISSUER}/oauth2/token", auth=(client["client_id"], client["client_secret"]), timeout=30, data={
                "grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier})
            headers = {"Host": f"app.localhost:{PORT}", "Authorization": f"Bearer {answer.json()['access_token']}"}
            seen = requests.get(f"http://127.0.0.1:{PORT}/reports", headers=headers, timeout=30)
            self.assertEqual(seen.status_code, status, seen.text)
            if not is_own:
                self.assertEqual(seen.json()["code"], "auth.invalid_audience")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=2)
