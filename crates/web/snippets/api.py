# pip install fastapi 'uvicorn[standard]' 'pyjwt[crypto]'; uvicorn api:app --env-file .env --port 9000
import json
import os
from dataclasses import dataclass
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit
from urllib.request import urlopen

import jwt
from fastapi import Depends, FastAPI, HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

ISSUER, AUDIENCE = os.environ["OIDC_ISSUER"], os.environ["API_AUDIENCE"]
READ, WRITE = "reports:read", "reports:write"
# What is accepted is said here, never by the token.
ALGORITHMS = ["ES256", "RS256", "EdDSA"]
# Where an API that has an address describes itself (RFC 9728).
PLACE = urlsplit(AUDIENCE)
DESCRIPTION = "/.well-known/oauth-protected-resource" + (PLACE.path.rstrip("/") if PLACE.netloc else "")

app = FastAPI()
bearer = HTTPBearer(auto_error=False)


@cache
def keys():
    """The issuer's keys: asked for every five minutes, and where one is unknown, twice a minute at the most."""
    with urlopen(f"{ISSUER}/.well-known/openid-configuration", timeout=5) as answer:
        found = json.load(answer)
    if found["issuer"] != ISSUER:
        raise jwt.PyJWKClientConnectionError(f"{found['issuer']} is another issuer")
    return jwt.PyJWKClient(found["jwks_uri"], timeout=5)


def verified(token):
    """What the token says, once all of it is proven."""
    read = jwt.decode_complete(
        token, keys().get_signing_key_from_jwt(token), algorithms=ALGORITHMS, issuer=ISSUER, audience=AUDIENCE,
        options={"require": ["iss", "aud", "exp", "sub"]})
    # An ID token tells an application who signed in; it opens no API.
    if read["header"].get("typ", "").lower() not in ("at+jwt", "application/at+jwt"):
        raise jwt.InvalidTokenError("not an access token")
    # A token that is bound to a key is good with a proof only, and none is read here.
    if "cnf" in read["payload"]:
        raise jwt.InvalidTokenError("bound to a key")
    return read["payload"]


def refusal(status, **said):
    """An error as RFC 6750 wants it: nothing is wrong with a token that was not sent."""
    if PLACE.netloc:
        said["resource_metadata"] = f"{PLACE.scheme}://{PLACE.netloc}{DESCRIPTION}"
    challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in said.items())
    return HTTPException(status, said.get("error", "unauthorized"), {"WWW-Authenticate": challenge.strip()})


@dataclass(frozen=True)
class Caller:
    subject: str
    tenant: str


def caller(
    needed: SecurityScopes, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    if sent is None:
        raise refusal(401)
    try:
        claims = verified(sent.credentials)
    except (jwt.PyJWKClientConnectionError, OSError) as error:
        raise HTTPException(503, "the keys cannot be read", {"Retry-After": "5"}) from error
    except jwt.PyJWTError as error:
        raise refusal(401, error="invalid_token") from error
    if not set(needed.scopes) <= set(claims.get("scope", "").split()):
        raise refusal(403, error="insufficient_scope", scope=needed.scope_str)
    return Caller(claims["sub"], claims["tenant_id"])


# Stands for a database in which every table's key begins with the tenant.
kept: dict[str, list[str]] = {}


@app.get("/reports")
def reports(caller: Annotated[Caller, Security(caller, scopes=[READ])]) -> list[str]:
    return kept.get(caller.tenant, [])


@app.post("/reports", status_code=201)
def add(title: str, caller: Annotated[Caller, Security(caller, scopes=[WRITE])]) -> list[str]:
    kept.setdefault(caller.tenant, []).append(title)
    return kept[caller.tenant]


@app.get(DESCRIPTION)
def description() -> dict:
    return {"resource": AUDIENCE, "authorization_servers": [ISSUER], "scopes_supported": [READ, WRITE]}
