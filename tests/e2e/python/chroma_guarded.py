"""A real Chroma server, which asks nobody who they are, behind the proxy: Chroma's own client with each of the
ways that it knows to say who it is, and what it makes of a refusal. The server is the program that is in
Chroma's own package."""

import os
import subprocess
import sys
import tempfile
import time
import unittest
import warnings
from urllib.parse import urlsplit

import chromadb
import httpx
from chromadb.config import Settings
from chromadb.errors import ChromaAuthError

from person import ISSUER, api

PORT = urlsplit(ISSUER).port
BEHIND = int(os.environ["DOORWARD_UPSTREAM"])
RUN = "import sys, chromadb_rust_bindings as chroma; chroma.cli(['chroma', 'run', *sys.argv[1:]])"
TOKEN, BASIC = "chromadb.auth.token_authn.TokenAuthClientProvider", "chromadb.auth.basic_authn.BasicAuthClientProvider"


def client(provider=None, credentials=None, **more):
    said = {"chroma_client_auth_provider": provider, "chroma_client_auth_credentials": credentials, **more}
    settings = Settings(anonymized_telemetry=False, **{name: value for name, value in said.items() if value})
    return chromadb.HttpClient(host="127.0.0.1", port=PORT, headers={"Host": "chroma.localhost"}, settings=settings)


class Guarded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        place = ["--host", "127.0.0.1", "--port", str(BEHIND), "--path", cls.folder.name]
        cls.log = open(os.path.join(cls.folder.name, "log"), "w+", encoding="utf-8")
        cls.server = subprocess.Popen([sys.executable, "-c", RUN, *place], cwd=cls.folder.name, stdout=cls.log,
                                      stderr=cls.log, env={**os.environ, "HOME": cls.folder.name})
        end = time.monotonic() + 60
        while True:
            try:
                # It has no authentication of its own.
                return httpx.get(f"http://127.0.0.1:{BEHIND}/api/v2/heartbeat", timeout=30).raise_for_status()
            except httpx.TransportError:
                assert cls.server.poll() is None and time.monotonic() < end, open(cls.log.name, encoding="utf-8").read()
                time.sleep(0.05)

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()
        cls.log.close()
        cls.folder.cleanup()

    def work(self, chroma, name):
        """What one does with such a database, all the way through."""
        self.assertGreater(chroma.heartbeat(), 0)
        notes = chroma.create_collection(name, embedding_function=None)
        notes.add(ids=["a", "b"], embeddings=[[1.0, 0.0], [0.0, 1.0]], documents=["first", "second"])
        found = notes.query(query_embeddings=[[0.1, 0.9]], n_results=1)
        self.assertEqual((found["ids"], found["documents"]), ([["b"]], [["second"]]))
        notes.update(ids=["b"], embeddings=[[0.0, 1.0]], documents=["changed"])
        self.assertEqual(notes.get(ids=["b"])["documents"], ["changed"])
        many = [f"m{number}" for number in range(1000)]
        notes.add(ids=many, embeddings=[[0.5, 0.5]] * len(many), documents=["x" * 500] * len(many))
        self.assertEqual(notes.count(), 1002)
        self.assertEqual(len(notes.get(limit=1002)["ids"]), 1002)
        self.assertIn(name, [one.name for one in chroma.list_collections()])

    def test_every_way_that_the_client_knows(self):
        service = api("POST", "service-tokens", {"scopes": ["chroma:delete"]})["secret"]
        key = api("POST", "api-keys", {"name": "chroma", "permissions": {"chroma": ["delete"]}})["secret"]
        for name, chroma in (
                ("bearer", client(TOKEN, service)),
                ("header", client(TOKEN, service, chroma_auth_token_transport_header="X-Chroma-Token")),
                ("key", client(TOKEN, key, chroma_auth_token_transport_header="X-Chroma-Token"))):
            self.work(chroma, name)
            chroma.delete_collection(name)
        ada = client(BASIC, "ada:correct horse")
        self.work(ada, "basic")
        # Nothing but deleting asks for more than a name.
        with self.assertRaises(ChromaAuthError):
            ada.delete_collection("basic")
        client(TOKEN, service).delete_collection("basic")

    def test_the_client_understands_a_refusal(self):
        service = api("POST", "service-tokens", {"scopes": ["chroma:delete"]})
        for wrong in ((), (TOKEN, "wrong"), (BASIC, "ada:wrong"), (BASIC, "bob:correct horse"), (TOKEN, service["secret"][:-1] + "x")):
            with self.assertRaises(ChromaAuthError):
                client(*wrong)
        ending = client(TOKEN, service["secret"])
        self.assertGreater(ending.heartbeat(), 0)
        api("POST", f"service-tokens/{service['id']}/revoke", {"reason": "over"})
        with self.assertRaises(ChromaAuthError):
            ending.heartbeat()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=2)
