"""After a move: the same password signs in, the same secret authenticates, and `sub` is what it was."""

import json
import os
from urllib.parse import parse_qs, urlsplit

import requests
from person import ISSUER, Person

with open(os.environ["DOORWARD_MOVED"], encoding="utf-8") as file:
    FACTS = json.load(file)
CLIENT = (FACTS["client"]["client_id"], FACTS["client"]["client_secret"])
TOKEN = f"{ISSUER}/oauth2/token"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

own = requests.post(TOKEN, auth=CLIENT, data={"grant_type": "client_credentials"}, timeout=30)
assert own.status_code == 200, own.text
wrong = requests.post(TOKEN, auth=(CLIENT[0], CLIENT[1][:-1] + "x"), data={"grant_type": "client_credentials"}, timeout=30)
assert wrong.status_code == 401, wrong.text

ada = Person("ada@example.com", "correct horse 7 battery staple")
back = ada.authorize(
    f"{ISSUER}/oauth2/authorize?client_id={CLIENT[0]}&response_type=code&scope=openid&state=s"
    f"&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&code_challenge={CHALLENGE}&code_challenge_method=S256")
code = parse_qs(urlsplit(back).query)["code"][0]
tokens = requests.post(TOKEN, auth=CLIENT, timeout=30, data={
    "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER,
    "redirect_uri": "https://app.example/callback"})
assert tokens.status_code == 200, tokens.text
userinfo = requests.get(
    f"{ISSUER}/oauth2/userinfo", timeout=30,
    headers={"Authorization": f"Bearer {tokens.json()['access_token']}"})
assert userinfo.json()["sub"] == FACTS["user"]["id"], userinfo.text
assert "Ada" in ada.sign_in().text
print("moved")
