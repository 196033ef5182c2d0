"""A gateway alone, as a process of its own, for the scripts that ask it."""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import time


class Gateway:
    """The program with nothing but these settings, on a port of its own."""

    def __init__(self, file="", **settings):
        self.folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.folder.name, "gateway.toml")
        self.log = os.path.join(self.folder.name, "log")
        self.write(file)
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("DOORWARD_", "ORCHEO_"))}
        environment.update({"DOORWARD_LISTEN": "127.0.0.1:0", "DOORWARD_CONFIG": self.file, "NO_COLOR": "1"})
        environment.update(settings)
        with open(self.log, "w", encoding="utf-8") as log:
            self.program = subprocess.Popen(
                [os.environ["DOORWARD_PROGRAM"], "serve", "--role", "gateway"], cwd=self.folder.name,
                env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        said = self.program.stdout.readline()
        assert "gateway alone" in said, f"{said}{self.told()}"
        self.port = int(said.split("//127.0.0.1:")[1].split("/")[0])

    def write(self, text):
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)

    def told(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def reload(self, text):
        before = self.told().count("read again")
        self.write(text)
        self.program.send_signal(signal.SIGHUP)
        end = time.monotonic() + 30
        while self.told().count("read again") == before:
            assert time.monotonic() < end, self.told()
            time.sleep(0.05)

    def refuses(self, words):
        """Reads its file again, and says that these are wrong."""
        before = self.told().count(words)
        self.program.send_signal(signal.SIGHUP)
        end = time.monotonic() + 30
        while self.told().count(words) == before:
            assert time.monotonic() < end, self.told()
            time.sleep(0.05)

    def ask(self, path="/validate", host="app.localhost", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={"Host": host, **headers})
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    def code(self, **headers):
        answer = self.ask(**headers)
        return "good" if answer.status == 200 else json.loads(answer.text)["code"]

    def close(self):
        self.program.send_signal(signal.SIGTERM)
        assert self.program.wait(30) == 0, self.told()
        self.program.stdout.close()
        self.folder.cleanup()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}
