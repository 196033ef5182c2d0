"""An application without authentication behind nginx with the block of old guides, and the life of a service token."""

import os
import unittest
import warnings

from asking import ask, until
from person import api, client_token
from proxies import DOORWARD, Upstream, documented, nginx

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

(DESCRIBED,) = documented("nginx", "nginx", upstream.port)


def token(*scopes):
    return client_token(REPORTS, *scopes)


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
                answer = ask(proxy.port, path, **headers)
                self.assertIn(answer.status, status if isinstance(status, tuple) else (status,))
                self.assertEqual(upstream.asked, before)

    def test_the_plain_block_of_nginx_guards(self):
        with nginx(PLAIN) as proxy:
            answer = ask(proxy.port, "/x", Authorization=self.bearer())
            self.assertEqual(answer.status, 200, proxy.said())
            self.assertEqual(answer.header("x-user-id"), [self.client])
            self.assertTrue(answer.header("x-organization-id")[0].startswith("org_"))
            self.assertEqual(answer.header("x-user-permissions"), ["reports:read"])
            for body in (b"", b"hello, world", b"x" * 300_000):
                answer = ask(proxy.port, "/x", "POST", body, Authorization=self.bearer())
                self.assertEqual((answer.status, answer.seen.get("body")), (200, body.decode()), proxy.said())
            self.refused(
                proxy,
                (401, "/x", {}),
                (401, "/x", {"Authorization": "Bearer wrong"}),
                (401, "/x", {"Authorization": f"Basic {self.reader}"}),
                (404, "/auth", {"Authorization": self.bearer()}))
            challenge = ask(proxy.port, "/x").headers["www-authenticate"]
            self.assertTrue(challenge.startswith("Bearer realm="), challenge)
            self.assertNotIn("error", challenge)
            self.assertIn('error="invalid_token"', ask(proxy.port, Authorization="Bearer x").headers["www-authenticate"])

    def test_service_tokens_are_good_until_they_are_not(self):
        made = api("POST", "service-tokens", {"name": "nightly", "scopes": ["reports:read"], "workspace_ids": ["ws-a"]})
        secret = made["secret"]
        with nginx(DESCRIBED) as proxy:
            for headers in ({"Authorization": f"Bearer {secret}"}, {"X__API__Key": secret}, {"API__Key": secret},
                            {"X__Chroma__Token": secret}):
                answer = ask(proxy.port, "/reports/1", **headers)
                self.assertEqual(answer.status, 200, proxy.said())
                self.assertTrue(answer.header("x-user-id")[0].startswith("tok_"))
                self.assertEqual(answer.header("x-user-permissions"), ["reports:read"])
            until("uses are counted", lambda: api("GET", "service-tokens/nightly")["use_count"] == 4)
            second = api("POST", "service-tokens/nightly/rotate", {"overlap_seconds": 300})["secret"]
            for good in (secret, second):
                self.assertEqual(ask(proxy.port, "/reports/1", X__API__Key=good).status, 200)
            third = api("POST", "service-tokens/nightly/rotate", {"overlap_seconds": 0})["secret"]
            self.refused(proxy, (401, "/reports/1", {"X__API__Key": second}))
            self.assertEqual(ask(proxy.port, "/reports/1", X__API__Key=third).status, 200)
            api("POST", "service-tokens/nightly/revoke", {"reason": "Token compromised"})
            self.refused(
                proxy,
                (401, "/reports/1", {"Authorization": f"Bearer {secret}"}),
                (401, "/reports/1", {"X__API__Key": third}),
                (401, "/reports/1", {"X__API__Key": third[:-1] + "x"}))
            near = api("POST", "service-tokens", {
                "name": "near", "scopes": ["reports:read"], "allowed_addresses": ["192.0.2.0/24"]})["secret"]
            self.refused(proxy, (401, "/reports/1", {"X__API__Key": near}))


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    assert os.environ["DOORWARD_ISSUER"]
    unittest.main(verbosity=2)
