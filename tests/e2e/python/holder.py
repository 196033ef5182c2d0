"""An application whose tokens are bound to a key that it holds (DPoP)."""

import hashlib
import time
import uuid
from base64 import urlsafe_b64encode

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from person import ISSUER, new_client

REPORTS = "https://reports.example"


def base64url(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Holder:
    """An application that holds a key, and a token that is bound to it."""

    def __init__(self):
        self.key = ECKey.generate_key("P-256")
        client = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=["reports:read"])
        nonce, url = None, f"{ISSUER}/oauth2/token"
        for _ in range(2):
            answer = requests.post(
                url, auth=(client["client_id"], client["client_secret"]), timeout=30,
                headers={"DPoP": self.proof("POST", url, nonce)},
                data={"grant_type": "client_credentials", "scope": "reports:read", "resource": REPORTS})
            nonce = answer.headers.get("DPoP-Nonce")
            if answer.status_code == 200:
                break
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "DPoP", answer.text
        self.token = answer.json()["access_token"]

    def proof(self, method, url, nonce=None, token=None, key=None):
        claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if nonce:
            claims["nonce"] = nonce
        if token:
            claims["ath"] = base64url(hashlib.sha256(token.encode()).digest())
        key = key or self.key
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
        return jwt.encode(header, claims, key)
