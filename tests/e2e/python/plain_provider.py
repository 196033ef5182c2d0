"""A provider of plain OAuth 2 on loopback, as small as one can be: whoever comes says on its page who they are,
and the code says it again. Prints its address."""

import base64
import hashlib
import html
import http.server
import json
from urllib.parse import parse_qsl, urlencode, urlsplit


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text):
    return json.loads(base64.urlsafe_b64decode(text + "=="))


class Provider(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body="", kind="application/json", **headers):
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body.encode())

    def form(self):
        return dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/authorize":
            asked = dict(parse_qsl(url.query))
            names = ("redirect_uri", "state", "code_challenge")
            hidden = "".join(f'<input type="hidden" name="{it}" value="{html.escape(asked[it])}">' for it in names)
            self.answer(200, f"""<!doctype html><html lang="en"><title>Forge</title><h1>Forge</h1>
                <form method="post">{hidden}
                <label>Number <input name="id"></label> <label>Address <input name="email"></label>
                <label><input type="checkbox" name="confirmed"> Confirmed</label>
                <button name="say" value="yes">Yes</button> <button name="say" value="no">No</button></form>""",
                "text/html")
        elif url.path == "/user" and self.headers.get("authorization", "").startswith("Bearer "):
            who = decoded(self.headers["authorization"].removeprefix("Bearer "))
            account = {"email": who["email"], "confirmed": "confirmed" in who}
            self.answer(200, json.dumps({"id": int(who["id"]), "account": account, "name": "Octavia Forge"}))
        else:
            self.answer(204)

    def do_POST(self):
        form = self.form()
        if self.path == "/token":
            who = decoded(form["code"])
            is_it = encoded(hashlib.sha256(form["code_verifier"].encode()).digest()) == who["code_challenge"]
            if not is_it or form["redirect_uri"] != who["redirect_uri"] or form["client_secret"] != "forge secret":
                return self.answer(400, json.dumps({"error": "invalid_grant"}))
            self.answer(200, json.dumps({"access_token": form["code"], "token_type": "bearer"}))
        else:
            code = {"code": encoded(json.dumps(form).encode())}
            said = code if form["say"] == "yes" else {"error": "access_denied"}
            to = f"{form['redirect_uri']}?{urlencode({**said, 'state': form['state']})}"
            self.answer(303, location=to)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
