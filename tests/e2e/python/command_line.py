"""A person signs the command line in and out, in a browser of their own."""

import json
import os
import re
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import requests
from person import ISSUER, Person, api

HOME = Path(tempfile.mkdtemp())
ENV = {"HOME": str(HOME), "PATH": os.environ["PATH"]}
KEPT = HOME / ".config/doorward/logins.json"


def program(*args):
    done = subprocess.run([os.environ["DOORWARD_PROGRAM"], *args], env=ENV, cwd=HOME, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def administrator():
    email, password = f"root.{time.time_ns()}@example.com", "correct horse battery 9 staple"
    api("POST", "users", {"email": email, "password": password, "email_verified": True, "role": "admin"})
    return Person(email, password)


def sign_in(person, *args):
    command = [os.environ["DOORWARD_PROGRAM"], "login", "--no-browser", "--url", ISSUER, *args]
    login = subprocess.Popen(command, env=ENV, cwd=HOME, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    asked = ""
    while not (url := re.search(r"http\S+/oauth2/authorize\S+", asked)):
        line = login.stderr.readline()
        assert line, f"no address: {asked}"
        asked += line
    back = person.authorize(url[0])
    assert requests.get(back, timeout=30).status_code == 200
    out, err = login.communicate(timeout=60)
    assert login.returncode == 0, err
    assert f"Signed in to {ISSUER} as usr_" in out, out


person = administrator()
code, _, err = program("user", "list", "--url", ISSUER)
assert code == 4 and "doorward login" in err, (code, err)

sign_in(person)
assert stat.S_IMODE(KEPT.stat().st_mode) == 0o600
code, out, err = program("whoami", "--output", "json")
assert code == 0 and json.loads(out)["role"] == "admin", (out, err)
code, out, err = program("user", "list", "--query", person.email)
assert code == 0 and person.email in out, err

# A token whose time is over is made anew, and the refresh token with it.
kept = json.loads(KEPT.read_text())
before = kept["logins"][ISSUER]
kept["logins"][ISSUER] = {**before, "expires_at": "2020-01-01T00:00:00Z"}
KEPT.write_text(json.dumps(kept))
code, _, err = program("whoami")
assert code == 0, err
after = json.loads(KEPT.read_text())["logins"][ISSUER]
assert after["access_token"] != before["access_token"] and after["refresh_token"] != before["refresh_token"]

code, out, err = program("logout")
assert code == 0 and f"Signed out of {ISSUER}" in out, err
answer = requests.get(f"{ISSUER}/api/v1/users", headers={"Authorization": f"Bearer {after['access_token']}"}, timeout=30)
assert answer.status_code == 401, "the access token ends with the sign-in"
assert program("whoami", "--url", ISSUER)[0] == 4
assert program("logout", "--url", ISSUER)[0] == 4
