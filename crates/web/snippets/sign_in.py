# pip install fastapi 'uvicorn[standard]' authlib httpx itsdangerous; uvicorn sign_in:app --env-file .env --port 3000
import os
import secrets
from html import escape
from urllib.parse import urlsplit

ISSUER, BACK = os.environ["OIDC_ISSUER"], os.environ["OIDC_REDIRECT_URI"]
# Plain http is for your own machine.
if ISSUER.startswith("http://"):
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.starlette_client import OAuth, OAuthError
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from joserfc.errors import JoseError
from starlette.middleware.sessions import SessionMiddleware

doorward = OAuth().register(
    "doorward",
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_id=os.environ["OIDC_CLIENT_ID"],
    client_secret=os.environ.get("OIDC_CLIENT_SECRET"),
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)
# The cookie holds an id; what is known of people stays here. Several processes need one store, and one key for all.
people = {}
app = FastAPI(openapi_url=None)
app.add_middleware(
    SessionMiddleware, secret_key=secrets.token_hex(32), session_cookie="sign_in", max_age=8 * 3600,
    https_only=BACK.startswith("https://"))


def page(text, status=200):
    return HTMLResponse(f'<!doctype html><html lang="en"><title>Application</title>{text}</html>', status)


@app.get("/")
async def home(request: Request):
    person = people.get(request.session.get("id"))
    if person is None:
        return page('<a href="/sign-in">Sign in</a>')
    who = escape(person["claims"].get("email") or person["claims"]["sub"])
    return page(f'<p>Signed in: {who}</p><form method="post" action="/sign-out"><button>Sign out</button></form>')


@app.get("/sign-in")
async def sign_in(request: Request):
    return await doorward.authorize_redirect(request, BACK)


@app.get(urlsplit(BACK).path)
async def come_back(request: Request):
    try:
        if request.query_params.get("iss") != ISSUER:
            raise OAuthError("invalid_request", "not from the issuer")
        tokens = await doorward.authorize_access_token(request)
    except (OAuthError, JoseError) as error:
        return page(f"<p>{escape(error.description or error.error)}</p><a href='/sign-in'>Try again</a>", 400)
    # Another id than before: one that somebody else has put there is worth nothing.
    people.pop(request.session.get("id"), None)
    request.session.clear()
    request.session["id"] = secrets.token_urlsafe()
    people[request.session["id"]] = {"claims": dict(tokens["userinfo"]), "id_token": tokens["id_token"]}
    return RedirectResponse("/", 303)


@app.post("/sign-out")
async def sign_out(request: Request):
    person = people.pop(request.session.get("id"), None)
    request.session.clear()
    if person is None:
        return RedirectResponse("/", 303)
    to = await doorward.create_logout_url(os.environ.get("OIDC_SIGNED_OUT_URI"), person["id_token"])
    return RedirectResponse(to["url"], 303)
