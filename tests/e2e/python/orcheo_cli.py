"""Orcheo's own `token` commands against the program: create, list, show, rotate, revoke.

The commands and the HTTP client are those of the package `orcheo-sdk`, as they are. The rest of that
package needs a newer Python and a workflow engine, so its `__init__` modules are not run.
"""

import importlib.util
import io
import json
import os
import sys
import types

import httpx
from rich.console import Console

ISSUER = os.environ["DOORWARD_ISSUER"]
BOOTSTRAP = os.environ["DOORWARD_BOOTSTRAP"]


def without_init(name):
    """Makes a package known by its folder alone."""
    spec = importlib.util.find_spec(name)
    package = types.ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package


for package in ("orcheo_sdk", "orcheo_sdk.cli", "orcheo_sdk.services"):
    without_init(package)

from orcheo_sdk.cli.errors import APICallError  # noqa: E402
from orcheo_sdk.cli.http import ApiClient  # noqa: E402
from orcheo_sdk.cli.service_token import app  # noqa: E402
from orcheo_sdk.cli.state import CLIState  # noqa: E402


def orcheo(*args, token=BOOTSTRAP, human=False):
    """Runs `orcheo token …`, or `horcheo token …`; answers what it printed."""
    out = io.StringIO()
    console = Console(file=out, width=200)
    client = ApiClient(base_url=ISSUER, token=token)
    state = CLIState(settings=None, client=client, cache=None, console=console, human=human)
    stdout, sys.stdout = sys.stdout, out
    try:
        app(list(args), standalone_mode=False, obj=state)
    finally:
        sys.stdout = stdout
    return out.getvalue()


def refused(*args, token=BOOTSTRAP):
    """Runs a command that has to fail; answers message and status."""
    try:
        orcheo(*args, token=token)
    except APICallError as error:
        return str(error), error.status_code
    raise AssertionError(f"{args} was not refused")


def whoami(secret):
    answer = httpx.get(f"{ISSUER}/api/whoami", headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code, answer.json().get("scopes")


SCOPES = ["workflows:execute", "workflows:read", "workflows:write"]
scopes = [part for scope in SCOPES for part in ("--scope", scope)]
made = json.loads(orcheo("create", "--id", "production-token", *scopes, "-w", "ws-a", "--expires-in", "2592000"))
assert made["identifier"] == "production-token" and made["scopes"] == SCOPES, made
assert made["workspace_ids"] == ["ws-a"] and made["secret"].startswith("dw_st_"), made
assert whoami(made["secret"]) == (200, SCOPES)
print("created, and the secret works")

assert refused("create", "--id", "production-token") and refused("create", "--id", "production-token")[1] == 409
message, status = refused("show", "nothing")
assert status == 404 and "service token" in message, (message, status)
message, status = refused("create", token=made["secret"])
assert status == 403 and message == "Missing required scopes: admin:tokens:write", (message, status)
message, status = refused("list", token="nonsense")
assert status == 401, (message, status)
print("refusals are told in words")

told = orcheo("create", "--id", "by-hand", "--scope", "workflows:read", "--expires-in", "3600", human=True)
for line in ("Service token created successfully!", "ID: by-hand", "Secret: dw_st_", "Scopes: workflows:read", "Expires: "):
    assert line in told, told

rotated = json.loads(orcheo("rotate", "production-token", "--overlap", "0"))
assert rotated["identifier"] == "production-token" and rotated["expires_at"], rotated
assert whoami(made["secret"])[0] == 401 and whoami(rotated["secret"]) == (200, SCOPES)
assert "New Token ID: by-hand" in orcheo("rotate", "by-hand", human=True)
print("rotated: the name stays, the old secret is over")

shown = json.loads(orcheo("show", "production-token"))
assert shown["secret"] is None and shown["scopes"] == SCOPES, shown
assert "Service Token: production-token" in orcheo("show", "production-token", human=True)

orcheo("revoke", "production-token", "--reason", "Token compromised")
assert whoami(rotated["secret"])[0] == 401
shown = json.loads(orcheo("show", "production-token"))
assert shown["revocation_reason"] == "Token compromised" and shown["revoked_at"], shown
table = orcheo("list", human=True)
for word in ("Service Tokens (4 total)", "production-token", "by-hand", "Revoked", "Rotated", "Active"):
    assert word in table, table
assert "dw_st_" not in orcheo("list") + table
print("revoked at once, and every state is listed")
