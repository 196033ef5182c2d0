"""PyPI `authlib` against the real program: what an application does, by the library it would use."""

import os
import unittest
from urllib.parse import parse_qs, urlsplit

if os.environ["DOORWARD_ISSUER"].startswith("http:"):
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url as server_well_known
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from person import ISSUER, new_client, new_person

REDIRECT = "https://app.example/callback"
SCOPE = "openid profile email offline_access"
VERIFIER = "a" * 20 + "-B_c.D~e" * 6


def metadata():
    return requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=30).json()


def session(client, **more):
    settings = {"scope": SCOPE, "redirect_uri": REDIRECT, "code_challenge_method": "S256", **more}
    return OAuth2Session(client["client_id"], client.get("client_secret"), **settings)


def sign_in(oauth, person, **more):
    server = metadata()
    url, state = oauth.create_authorization_url(
        server["authorization_endpoint"], code_verifier=VERIFIER, nonce="n-0S6_WzA2Mj", **more)
    back = person.authorize(url)
    return oauth.fetch_token(
        server["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER)


def id_claims(tokens, client):
    keys = KeySet.import_key_set(requests.get(metadata()["jwks_uri"], timeout=30).json())
    token = jwt.decode(tokens["id_token"], keys, algorithms=["RS256", "ES256", "EdDSA", "Ed25519"])
    rules = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": client["client_id"]},
        exp={"essential": True}, nonce={"essential": True, "value": "n-0S6_WzA2Mj"})
    rules.validate(token.claims)
    return token.claims


class Authlib(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ada = new_person()

    def test_discovery(self):
        for url, document in [
            (get_well_known_url(ISSUER, external=True), OpenIDProviderMetadata),
            (server_well_known(ISSUER, external=True), AuthorizationServerMetadata),
        ]:
            found = document(requests.get(url, timeout=30).json())
            self.assertEqual(found["issuer"], ISSUER)
            if ISSUER.startswith("https:"):
                found.validate()
            for name in ["authorization", "token", "pushed_authorization_request", "introspection", "revocation"]:
                self.assertTrue(found[f"{name}_endpoint"].startswith(ISSUER), name)

    def test_code_with_pkce_and_nonce_then_userinfo(self):
        client = new_client()
        oauth = session(client)
        tokens = sign_in(oauth, self.ada)
        claims = id_claims(tokens, client)
        info = oauth.get(metadata()["userinfo_endpoint"]).json()
        self.assertEqual(info["sub"], claims["sub"])
        self.assertEqual(info["email"], self.ada.email)

    def test_refresh_rotates(self):
        client = new_client()
        oauth = session(client)
        first = sign_in(oauth, self.ada)
        second = oauth.refresh_token(metadata()["token_endpoint"], refresh_token=first["refresh_token"])
        self.assertNotEqual(first["refresh_token"], second["refresh_token"])
        self.assertEqual(id_claims_without_nonce(second)["sub"], id_claims(first, client)["sub"])

    def test_introspect_and_revoke(self):
        oauth = session(new_client())
        tokens = sign_in(oauth, self.ada)
        server = metadata()
        told = oauth.introspect_token(server["introspection_endpoint"], token=tokens["access_token"]).json()
        self.assertTrue(told["active"])
        gone = oauth.revoke_token(server["revocation_endpoint"], token=tokens["refresh_token"])
        self.assertEqual(gone.status_code, 200)
        told = oauth.introspect_token(server["introspection_endpoint"], token=tokens["refresh_token"]).json()
        self.assertEqual(told, {"active": False})
        with self.assertRaises(OAuthError) as refused:
            oauth.refresh_token(server["token_endpoint"], refresh_token=tokens["refresh_token"])
        self.assertEqual(refused.exception.error, "invalid_grant")

    def test_prompt_none_and_max_age(self):
        oauth = session(new_client())
        stranger = new_person()
        url, _ = oauth.create_authorization_url(
            metadata()["authorization_endpoint"], code_verifier=VERIFIER, prompt="none")
        said = parse_qs(urlsplit(stranger.authorize(url)).query)
        self.assertEqual(said["error"], ["login_required"])
        self.assertEqual(said["iss"], [ISSUER])
        first = sign_in(oauth, stranger)
        again = sign_in(oauth, stranger, prompt="none", max_age="600")
        auth_time = [id_claims_without_nonce(it)["auth_time"] for it in (first, again)]
        self.assertEqual(auth_time[0], auth_time[1])

    def test_max_age_asks_for_the_password_again(self):
        oauth, person = session(new_client()), new_person()
        first = id_claims_without_nonce(sign_in(oauth, person))
        url, _ = oauth.create_authorization_url(
            metadata()["authorization_endpoint"], code_verifier=VERIFIER, prompt="none", max_age="0")
        self.assertIn("error=login_required", person.authorize(url))
        again = id_claims_without_nonce(sign_in(oauth, person, max_age="0"))
        self.assertGreaterEqual(again["auth_time"], first["auth_time"])

    def test_pushed_authorization_request(self):
        client = new_client()
        oauth, server = session(client), metadata()
        url, state = oauth.create_authorization_url(
            server["authorization_endpoint"], code_verifier=VERIFIER, nonce="n-0S6_WzA2Mj")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        # The library has no word for it yet; its client authentication is what counts.
        pushed = oauth.post(
            server["pushed_authorization_request_endpoint"], data=asked, withhold_token=True,
            auth=oauth.client_auth(oauth.token_endpoint_auth_method))
        self.assertEqual(pushed.status_code, 201, pushed.text)
        short = requests.Request("GET", server["authorization_endpoint"], params={
            "client_id": client["client_id"], "request_uri": pushed.json()["request_uri"]}).prepare().url
        tokens = oauth.fetch_token(
            server["token_endpoint"], authorization_response=self.ada.authorize(short), state=state,
            code_verifier=VERIFIER)
        id_claims(tokens, client)

    def test_public_client(self):
        client = new_client(type="public", token_endpoint_auth_method="none")
        tokens = sign_in(session(client, token_endpoint_auth_method="none"), self.ada)
        id_claims(tokens, client)

    def test_client_secret_post(self):
        client = new_client(token_endpoint_auth_method="client_secret_post")
        tokens = sign_in(session(client, token_endpoint_auth_method="client_secret_post"), self.ada)
        id_claims(tokens, client)

    def test_private_key_jwt(self):
        key = RSAKey.generate_key(2048, {"kid": "py", "use": "sig", "alg": "RS256"})
        client = new_client(
            token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.as_dict(private=False)]})
        oauth = OAuth2Session(
            client["client_id"], key.as_pem(private=True).decode(), scope=SCOPE, redirect_uri=REDIRECT,
            code_challenge_method="S256", token_endpoint_auth_method="private_key_jwt")
        oauth.register_client_auth_method(
            PrivateKeyJWT(metadata()["token_endpoint"], alg="RS256", headers={"kid": "py"}))
        id_claims(sign_in(oauth, self.ada), client)

    def test_client_credentials(self):
        client = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=["me:read"])
        oauth = OAuth2Session(client["client_id"], client["client_secret"], scope="me:read")
        tokens = oauth.fetch_token(metadata()["token_endpoint"], grant_type="client_credentials")
        self.assertEqual(tokens["scope"], "me:read")
        self.assertNotIn("refresh_token", tokens)

    def test_logout(self):
        client = new_client(post_logout_redirect_uris=["https://app.example/bye"])
        oauth = session(client)
        leaving = new_person()
        tokens = sign_in(oauth, leaving)
        request = requests.Request("GET", metadata()["end_session_endpoint"], params={
            "id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://app.example/bye", "state": "s"})
        self.assertEqual(leaving.authorize(request.prepare().url), "https://app.example/bye?state=s")
        url, _ = oauth.create_authorization_url(
            metadata()["authorization_endpoint"], code_verifier=VERIFIER, prompt="none")
        self.assertIn("error=login_required", leaving.authorize(url))


def id_claims_without_nonce(tokens):
    keys = KeySet.import_key_set(requests.get(metadata()["jwks_uri"], timeout=30).json())
    return jwt.decode(tokens["id_token"], keys, algorithms=["RS256", "ES256", "EdDSA", "Ed25519"]).claims


if __name__ == "__main__":
    unittest.main(verbosity=2)
