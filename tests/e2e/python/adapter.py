"""An application behind a gateway as an adapter of the conformance kit, with nothing but Python's standard library.

`adapter.py vectors/http/assertion.json` listens, configured as that file says, and prints where.
"""

import base64
import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SKEW, LIFETIME = 30, 60
KINDS = ("access_token", "service_token", "api_key", "session", "jwt", "basic", "static_token", "certificate")
IDENTITY = ("x-user-id", "x-org-id", "x-organization-id", "x-permissions", "x-user-permissions", "x-user-email", "x-user-role",
            "x-auth-type", "x-client-id", "x-agent-id", "x-workspace-ids", "x-quota", "x-auth-status", "x-auth-redirect",
            "x-doorward-assertion")
PROTOCOL_SCOPES = ("openid", "profile", "email", "phone", "address", "offline_access")
TOLD = {"auth.token_expired": "Bearer token has expired", "auth.invalid_issuer": "The token's issuer is not accepted here",
        "auth.invalid_audience": "The token was issued for another audience",
        "auth.unsupported_algorithm": "The token is signed with an algorithm that is not accepted",
        "auth.invalid_token": "Invalid bearer token"}


class P256:
    """Verifies ES256. Every value is public, so nothing here has to take the same time."""

    FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
    ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    BASE = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
            0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)

    @classmethod
    def add(cls, one, other):
        if one is None or other is None:
            return one or other
        if one[0] == other[0]:
            if (one[1] + other[1]) % cls.FIELD == 0:
                return None
            slope = (3 * one[0] ** 2 - 3) * pow(2 * one[1], -1, cls.FIELD)
        else:
            slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, cls.FIELD)
        x = (slope**2 - one[0] - other[0]) % cls.FIELD
        return x, (slope * (one[0] - x) - one[1]) % cls.FIELD

    @classmethod
    def times(cls, number, point):
        total = None
        while number:
            if number & 1:
                total = cls.add(total, point)
            point, number = cls.add(point, point), number >> 1
        return total

    @classmethod
    def verifies(cls, key, signed, signature):
        if len(signature) != 64:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (0 < r < cls.ORDER and 0 < s < cls.ORDER):
            return False
        public = tuple(int.from_bytes(decoded(key[name]), "big") for name in ("x", "y"))
        inverse = pow(s, -1, cls.ORDER)
        digest = int.from_bytes(hashlib.sha256(signed).digest(), "big")
        point = cls.add(cls.times(digest * inverse % cls.ORDER, cls.BASE), cls.times(r * inverse % cls.ORDER, public))
        return point is not None and point[0] % cls.ORDER == r


class Refused(Exception):
    def __init__(self, status, code, challenge=None):
        super().__init__(code)
        self.status, self.code, self.challenge = status, code, challenge


def decoded(text):
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def wrong(code="auth.invalid_token"):
    return Refused(401, code, f', error="invalid_token", error_description="{TOLD[code]}"')


def verified(token, suite):
    """The claims of the gateway's word, or why it does not count."""
    issuer, now = suite["gateway"]["issuer"], suite["now"]
    try:
        head, payload, signature = token.split(".")
        header = json.loads(decoded(head))
        if header.get("typ") != "doorward-assertion+jwt" or "crit" in header:
            raise wrong()
        if header.get("alg") != "ES256":
            raise wrong("auth.unsupported_algorithm")
        # The key is looked up among those that are believed, never taken from the token.
        keys = [key for key in issuer["jwks_static"]["keys"] if key["kid"] == header["kid"] and key.get("crv") == "P-256"]
        if not keys or not P256.verifies(keys[0], f"{head}.{payload}".encode(), decoded(signature)):
            raise wrong()
        claims = json.loads(decoded(payload))
        begins, ends, audience = claims["iat"], claims["exp"], claims["aud"]
        if not isinstance(audience, str) or not claims["sub"] or claims["auth_type"] not in KINDS:
            raise wrong()
    except (ValueError, KeyError, TypeError) as error:
        raise wrong() from error
    if claims["iss"] != issuer["issuer"]:
        raise wrong("auth.invalid_issuer")
    if audience != suite["gateway"]["audience"]:
        raise wrong("auth.invalid_audience")
    if now >= ends + SKEW:
        raise wrong("auth.token_expired")
    if begins > now + SKEW or ends > begins + LIFETIME:
        raise wrong()
    return claims


def caller_of(claims):
    return {"subject": claims["sub"], "identity_type": claims["identity_type"], "credential": claims["auth_type"],
            "scopes": sorted(claims.get("scope", "").split()), "workspace_ids": claims.get("workspace_ids", []),
            "organization": claims.get("tenant_id"), "role": claims.get("role"), "email": claims.get("email"),
            "client_id": claims.get("client_id"), "agent_id": claims.get("agent_id"), "token_id": claims.get("token_id"),
            "issuer": claims["iss"]}


def headers_of(caller):
    """The plain headers, made anew from what was signed."""
    permissions = ",".join(scope for scope in caller["scopes"] if scope not in PROTOCOL_SCOPES)
    said = {"x-user-id": caller["subject"], "x-org-id": caller["organization"], "x-organization-id": caller["organization"],
            "x-permissions": permissions, "x-user-permissions": permissions, "x-user-email": caller["email"],
            "x-user-role": caller["role"], "x-auth-type": caller["credential"], "x-client-id": caller["client_id"],
            "x-agent-id": caller["agent_id"], "x-workspace-ids": ",".join(caller["workspace_ids"])}
    return {name: value for name, value in said.items() if value}


class Application(BaseHTTPRequestHandler):
    suite = None

    def do_GET(self):
        try:
            words = self.headers.get_all("x-doorward-assertion") or [""]
            if len(words) > 1:
                raise Refused(400, "auth.several_credentials")
            if not words[0]:
                raise Refused(401, "auth.missing_token", "")
            caller = caller_of(verified(words[0], self.suite))
        except Refused as refused:
            self.refuse(refused)
            return
        # What a client wrote under these names, in whatever spelling, is gone before anybody looks.
        kept = {name.lower(): value for name, value in self.headers.items() if name.lower().replace("_", "-") not in IDENTITY}
        headers = {**kept, **headers_of(caller)}
        shown = {name: value for name, value in headers.items() if name in IDENTITY}
        self.answer(200, {"caller": caller, "headers": shown})

    def refuse(self, refused):
        more = {"Cache-Control": "no-store", "Content-Type": "application/problem+json"}
        if refused.challenge is not None:
            more["WWW-Authenticate"] = f'Bearer realm="{self.suite["gateway"]["audience"]}"{refused.challenge}'
        self.answer(refused.status, {"status": refused.status, "code": refused.code, "title": refused.code}, more)

    def answer(self, status, body, headers=None):
        body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        Application.suite = json.load(file)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
