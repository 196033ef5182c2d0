"""A real Chroma server, which asks nobody who they are, behind the proxy: Chroma's own client with each of the
ways that it knows to say who it is, and what it makes of a refusal. The server is the program that is in
Chroma's own package."""

import http.client
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

from person import ISSUER, api, new_client

PORT = urlsplit(ISSUER).port
BEHIND = int(os.environ["DOORWARD_UPSTREAM"])
RUN = "import sys, chromadb_rust_bindings as chroma; chroma.cli(['chroma', 'run', *sys.argv[1:]])"
TOKEN, BASIC = "chromadb.auth.token_authn.TokenAuthClientProvider", "chromadb.auth.basic_authn.BasicAuthClientProvider"


def client(provider=None, credentials=None, host="chroma.localhost", where=None, **more):
    said = {"chroma_client_auth_provider": provider, "chroma_client_auth_credentials": credentials, **more}
    settings = Settings(anonymized_telemetry=False, **{name: value for name, value in said.items() if value})
    return chromadb.HttpClient(host="127.0.0.1", port=PORT, headers={"Host": host}, settings=settings, **(where or {}))


def tenant_client(secret, tenant, database):
    return client(TOKEN, secret, "tenants.localhost", {"tenant": tenant, "database": database})


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

    def test_anybody_may_ask_whether_it_is_well_and_nothing_else(self):
        headers = {"Host": "tenants.localhost"}
        for path in ("/api/v2", "/api/v2/heartbeat", "/api/v2/version", "/api/v1", "/api/v1/heartbeat", "/api/v1/version"):
            answer = httpx.get(f"http://127.0.0.1:{PORT}{path}", headers=headers, timeout=30)
            behind = httpx.get(f"http://127.0.0.1:{BEHIND}{path}", timeout=30)
            self.assertEqual(answer.status_code, behind.status_code, path)
        self.assertGreater(httpx.get(f"http://127.0.0.1:{PORT}/api/v2/heartbeat", headers=headers).json()["nanosecond heartbeat"], 0)
        for method, path in (("POST", "/api/v2/heartbeat"), ("DELETE", "/api/v2"), ("GET", "/api/v2/heartbeat/x"), ("POST", "/api/v2/reset"),
                             ("GET", "/api/v2/auth/identity"), ("GET", "/api/v2/pre-flight-checks"), ("POST", "/api/v2/tenants"),
                             ("GET", "/api/v2/tenants/default_tenant"), ("GET", "/API/v2/heartbeat"), ("GET", "/api/v1/collections")):
            answer = httpx.request(method, f"http://127.0.0.1:{PORT}{path}", headers=headers, timeout=30)
            self.assertEqual((answer.status_code, answer.json()), (403, {"error": "AuthError", "message": "Forbidden"}), path)

    def test_everybody_stays_in_their_tenant_and_databases(self):
        made = api("POST", "service-tokens", {"workspace_ids": ["notes"]})
        tenant = made["org_id"]
        for name in (tenant, "org_of_others"):
            httpx.post(f"http://127.0.0.1:{BEHIND}/api/v2/tenants", json={"name": name})
            for database in ("notes", "ledger"):
                url = f"http://127.0.0.1:{BEHIND}/api/v2/tenants/{name}/databases"
                httpx.post(url, json={"name": database}).raise_for_status()
        self.work(tenant_client(made["secret"], tenant, "notes"), "own")
        for elsewhere in ((tenant, "ledger"), ("org_of_others", "notes"), ("default_tenant", "default_database")):
            with self.assertRaises(ChromaAuthError):
                tenant_client(made["secret"], *elsewhere)
        nobodys = api("POST", "service-tokens", {"scopes": ["files:read"]})["secret"]
        with self.assertRaises(ChromaAuthError):
            tenant_client(nobodys, tenant, "notes")
        # What a name in the path says counts, and no other spelling of it gets there.
        headers = {"Host": "tenants.localhost", "X-Chroma-Token": made["secret"]}
        for path, status in ((f"{tenant}/databases/notes/../ledger", 400), (f"{tenant}/databases/notes%2f..%2fledger", 400),
                             (f"{tenant}/../org_of_others/databases/notes", 400), (f"{tenant}//databases/ledger", 400),
                             (f"{tenant}/databases/ledger", 403), ("org_of_others/databases/notes", 403),
                             (f"{tenant}/databases/%6eotes", 200), ("org%5fof%5fothers/databases/notes", 403)):
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
            connection.request("GET", f"/api/v2/tenants/{path}/collections", headers=headers)
            self.assertEqual(connection.getresponse().status, status, path)
            connection.close()
        for path in ("tenants", "reset"):
            answer = httpx.post(f"http://127.0.0.1:{PORT}/api/v2/{path}", json={"name": "mine"}, headers=headers, timeout=30)
            self.assertEqual(answer.status_code, 403, path)

    def test_a_client_is_told_its_tenant_and_stays_there_by_default(self):
        one = api("POST", "service-tokens", {"workspace_ids": ["letters"]})
        many = api("POST", "service-tokens", {"workspace_ids": ["letters", "books"], "scopes": ["files:read"]})
        tenant = one["org_id"]
        for name in (tenant, "org_of_others"):
            httpx.post(f"http://127.0.0.1:{BEHIND}/api/v2/tenants", json={"name": name})
            for database in ("letters", "books"):
                httpx.post(f"http://127.0.0.1:{BEHIND}/api/v2/tenants/{name}/databases", json={"name": database})
        url = f"http://127.0.0.1:{PORT}/api/v2"
        own = {"Host": "own.localhost"}

        def ask(made, method, path, **more):
            return httpx.request(method, f"{url}{path}", headers={**own, "X-Chroma-Token": made["secret"]}, timeout=30, **more)

        said = ask(many, "GET", "/auth/identity")
        self.assertEqual((said.status_code, said.headers["Cache-Control"]), (200, "no-store"))
        self.assertEqual(said.json(), {"user_id": said.json()["user_id"], "tenant": tenant, "databases": ["books", "letters"],
                                       "attributes": {"role": "service", "scopes": ["files:read"]}})
        self.assertEqual(httpx.get(f"{url}/auth/identity", headers=own).json(), {"error": "AuthError", "message": "Forbidden"})
        # Chroma's own client asks first, and goes where it is told.
        taken = client(TOKEN, one["secret"], "own.localhost", chroma_overwrite_singleton_tenant_database_access_from_auth=True)
        self.assertEqual((taken.tenant, taken.database), (tenant, "letters"))
        self.work(taken, "taken")
        with self.assertRaises(ChromaAuthError):
            client(TOKEN, one["secret"], "own.localhost", {"tenant": "org_of_others", "database": "letters"},
                   chroma_overwrite_singleton_tenant_database_access_from_auth=True)
        # Nothing but the path says which tenant it is about, and nothing else is let through.
        for method, path, status in (
                ("GET", f"/tenants/{tenant}", 200), ("GET", f"/tenants/{tenant}/databases/books/collections", 200),
                ("GET", "/heartbeat", 200), ("GET", "/tenants/org_of_others", 403), ("POST", "/tenants", 403), ("POST", "/reset", 403),
                ("GET", "/tenants/org_of_others/databases/letters/collections", 403), ("GET", "/tenants/default_tenant", 403),
                ("GET", f"/tenants/org_of_others/databases/letters/collections?tenant={tenant}", 403),
                ("GET", f"/tenants/{tenant}/../org_of_others", 403), ("GET", f"/../v1/collections?tenant={tenant}", 403)):
            answer = ask(one, method, path, json={"name": "mine"} if method == "POST" else None)
            self.assertEqual(answer.status_code, status, path)
        # People of a file are in no organisation.
        with self.assertRaises(ChromaAuthError):
            client(BASIC, "ada:correct horse", "own.localhost")

    def test_a_client_with_a_token_of_its_own(self):
        """Client credentials: one system asks the other, and no person is there."""
        audience = "https://chroma.example"
        api("POST", "apis", {"identifier": audience, "name": "Chroma", "scopes": [
            {"name": "chroma:use", "description": "Use every database"}, {"name": "chroma:see", "description": "See"}]})
        tenant = api("POST", "service-tokens", {"scopes": ["chroma:use"]})["org_id"]

        def token(resource, scope):
            asker = new_client(grant_types=["client_credentials"], redirect_uris=[], scopes=["chroma:use", "chroma:see"])
            answer = httpx.post(f"{ISSUER}/oauth2/token", auth=(asker["client_id"], asker["client_secret"]), timeout=30, data={
                "grant_type": "client_credentials", "scope": scope, "resource": resource})
            self.assertEqual(answer.status_code, 200, answer.text)
            return answer.json()["access_token"]

        # The tenant may be there already: whoever comes first makes it.
        httpx.post(f"http://127.0.0.1:{BEHIND}/api/v2/tenants", json={"name": tenant})
        url = f"http://127.0.0.1:{BEHIND}/api/v2/tenants/{tenant}/databases"
        httpx.post(url, json={"name": "machines"}).raise_for_status()
        allowed = token(audience, "chroma:use")
        self.work(tenant_client(allowed, tenant, "machines"), "by-client")
        raw = client(TOKEN, allowed, "tenants.localhost", {"tenant": tenant, "database": "machines"},
                     chroma_auth_token_transport_header="X-Chroma-Token")
        self.assertEqual([one.name for one in raw.list_collections()], ["by-client"])
        for wrong in (token(audience, "chroma:see"), allowed[:-8] + "AAAAAAAA"):
            with self.assertRaises(ChromaAuthError):
                tenant_client(wrong, tenant, "machines")
        with self.assertRaises(ChromaAuthError):
            tenant_client(allowed, "default_tenant", "default_database")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    unittest.main(verbosity=2)
