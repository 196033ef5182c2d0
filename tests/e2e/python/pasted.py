"""What the console gives to paste, taken out of its pages and run as it is."""

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from urllib.parse import urlsplit

import requests

from person import ISSUER, Everywhere, Forms, new_person
from proxies import free_port

HERE = os.path.dirname(__file__)


class Console:
    """An administrator in a browser."""

    def __init__(self):
        self.person = new_person(role="admin")
        self.person.sign_in()

    def open(self, path):
        answer = self.person.browser.get(f"{ISSUER}{path}", timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer

    def send(self, path, **typed):
        form = next(it for it in Forms(self.open(path).text).forms if it.get("action") == path)
        hidden = {it["name"]: it.get("value") or "" for it in form["inputs"] if it.get("type") == "hidden"}
        answer = self.person.browser.post(f"{ISSUER}{path}", data={**hidden, **typed}, headers={"Origin": ISSUER}, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer

    def application(self, kind, **typed):
        typed = typed if kind == "native" else {**typed, "current_password": self.person.password}
        return snippets(self.send(f"/console/applications/new/{kind}", **typed))


def snippets(page):
    found = re.findall(r'<code id="([^"]+)">(.*?)</code>', page.text, re.DOTALL)
    return {name: html.unescape(text) for name, text in found}


def lines(environment):
    return dict(line.split("=", 1) for line in environment.splitlines())


class Pasted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.console = Console()

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def save(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text + "\n")

    def start(self, command, port, path="/"):
        """Runs the command in the folder until somebody listens."""
        paths = os.pathsep.join([f"{HERE}/../../../.dev/venv/bin", os.environ["PATH"]])
        command = f"exec {command}" + (" --log-level warning" if command.startswith("uvicorn") else "")
        program = subprocess.Popen(["bash", "-c", command], cwd=self.folder, env={**os.environ, "PATH": paths})
        self.addCleanup(program.wait)
        self.addCleanup(program.terminate)
        end = time.monotonic() + 30
        while True:
            try:
                return requests.get(f"http://127.0.0.1:{port}{path}", allow_redirects=False, timeout=30)
            except requests.ConnectionError:
                self.assertIsNone(program.poll(), f"{command} has ended")
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)

    def shell(self, text, environment):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, timeout=60,
            env={"PATH": os.environ["PATH"], **environment})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def made_api(self, name, **more):
        typed = {"name": name, "token_format": "jwt", "signing_alg": "ES256", **more}
        page = self.console.send("/console/apis/new", **typed)
        return snippets(self.console.open(f"{urlsplit(page.url).path}/connect"))

    def test_an_api_and_an_application_that_calls_it(self):
        pasted = self.made_api("Invoices", identifier="https://invoices.example.com", scopes="invoices:file File them\ninvoices:read See them\ninvoices:write Make some")
        app = self.console.application("service", name="Nightly", scopes="invoices:read")
        token = json.loads(self.shell(app["curl"], lines(app["environment"])))
        self.assertEqual(token["token_type"], "Bearer")

        self.save(".env", pasted["environment"])
        self.save("api.py", pasted["fastapi"])
        port = free_port()
        command = pasted["fastapi"].splitlines()[0].split("; ")[1].replace("9000", str(port))
        self.assertEqual(self.start(command, port, "/reports").status_code, 401)
        call, environment = pasted["curl"].replace(":9000", f":{port}"), {**lines(app["environment"]), **lines(pasted["environment"])}
        self.assertEqual(self.shell(call, environment), "[]")
        # The token has what the application is registered with, and no more.
        writing = call.replace("/reports", "/reports?title=x --request POST")
        with self.assertRaises(AssertionError):
            self.shell(writing, environment)
        writer = self.console.application("service", name="Hourly", scopes="invoices:read invoices:write")
        self.assertEqual(self.shell(writing, {**environment, **lines(writer["environment"])}), '["x"]')

        self.save("doorward.toml", pasted["route"])
        checked = subprocess.run(
            [os.environ["DOORWARD_PROGRAM"], "config", "check"], cwd=self.folder, capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "DOORWARD_CONFIG": "doorward.toml", "DOORWARD_DATA_DIR": f"{self.folder}/data"})
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_an_api_of_opaque_tokens(self):
        pasted = self.made_api("Ledger", identifier="ledger-api", token_format="opaque", scopes="ledger:see See it")
        self.assertNotIn("fastapi", pasted)
        app = self.console.application("service", name="Auditor", scopes="ledger:see")
        said = json.loads(self.shell(pasted["curl"], {**lines(app["environment"]), **lines(pasted["environment"])}))
        self.assertEqual((said["active"], said["aud"], said["scope"]), (True, "ledger-api", "ledger:see"))

    def signs_in(self, kind, program, name, typed, port):
        pasted = self.console.application(kind, scopes="openid profile email", **typed)
        # A program on people's devices is given a port; another one may be free.
        self.save(".env", pasted["environment"].replace("8765", str(port)))
        self.save(name, pasted[program])
        self.start(pasted[program].splitlines()[0].split("; ")[1].replace("8765", str(port)), port)
        base = "{0.scheme}://{0.hostname}".format(urlsplit(lines(pasted["environment"])["OIDC_REDIRECT_URI"]))
        ada, browser = new_person(), requests.Session()
        browser.cookies.set_policy(Everywhere())
        out = browser.get(f"{base}:{port}/sign-in", allow_redirects=False, timeout=30).headers["Location"]
        answer = browser.get(ada.authorize(out), timeout=30)
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertIn(f"Signed in: {ada.email}", answer.text)

    def test_a_web_application(self):
        port = free_port()
        base = f"http://localhost:{port}"
        typed = {"name": "Board", "redirect_uris": f"{base}/callback", "signed_out": f"{base}/"}
        self.signs_in("server", "fastapi", "sign_in.py", typed, port)

    def test_a_program_on_a_device(self):
        os.symlink(os.path.abspath(f"{HERE}/../node_modules"), f"{self.folder}/node_modules")
        typed = {"name": "Tool", "redirect_uris": "http://127.0.0.1/callback"}
        self.signs_in("native", "node", "sign-in.mjs", typed, free_port())


if __name__ == "__main__":
    unittest.main(verbosity=2)
