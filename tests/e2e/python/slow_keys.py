"""An issuer that takes connections and never answers, or a byte a second: whoever needs its keys is told in the time
that was set, others are not held up, and keys that are known are used on."""

import json
import socket
import threading
import time
import unittest
import warnings

import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric import rsa

from lone import Gateway, bearer

SECRET = "a secret of more than thirty-two bytes"
# What a busy machine takes for a request that waits for nobody.
AT_ONCE = 4


class Key:
    def __init__(self, kid):
        self.kid, self.private = kid, rsa.generate_private_key(65537, 2048)
        self.public = {**json.loads(pyjwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key())),
                       "kid": kid, "use": "sig", "alg": "RS256"}

    def token(self):
        now = int(time.time())
        claims = {"sub": "ada", "iss": "slow", "aud": "api", "iat": now, "exp": now + 3600}
        return bearer(pyjwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.kid}))


def others():
    now = int(time.time())
    claims = {"sub": "bob", "iss": "other", "aud": "api", "iat": now, "exp": now + 3600}
    return bearer(pyjwt.encode(claims, SECRET, algorithm="HS256"))


class Issuer:
    """Publishes keys, as fast as `how` says: `well`, `silent`, `slowly`."""

    def __init__(self, how, *keys):
        self.how, self.keys, self.asked = how, keys, 0
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/keys"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection, self.how), daemon=True).start()

    def answer(self, connection, how):
        with connection:
            connection.recv(65536)
            self.asked += 1
            if how == "silent":
                self.over.wait()
                return
            body = json.dumps({"keys": [key.public for key in self.keys]}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            if how == "well":
                connection.sendall(head + body)
                return
            for byte in head + body:
                if self.over.wait(1):
                    return
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return

    def close(self):
        self.over.set()
        self.listener.close()


class SlowKeys(unittest.TestCase):
    def issuer(self, how, *keys):
        issuer = Issuer(how, *keys)
        self.addCleanup(issuer.close)
        return issuer

    def gateway(self, issuer, timeout, ttl="300"):
        beside = [{"issuer": "other", "jwt_secret": SECRET}]
        gateway = Gateway(
            DOORWARD_AUTH_ISSUER="slow", DOORWARD_AUTH_JWKS_URL=issuer.url, DOORWARD_AUTH_JWKS_TIMEOUT=timeout,
            DOORWARD_AUTH_JWKS_CACHE_TTL=ttl, DOORWARD_AUTH_AUDIENCE="api", DOORWARD_AUTH_ISSUERS=json.dumps(beside))
        self.addCleanup(gateway.close)
        return gateway

    def took(self, gateway, headers):
        """How it ended, and after how many seconds."""
        begun = time.monotonic()
        code = gateway.code(**headers)
        return code, time.monotonic() - begun

    def held(self, how, number):
        issuer, key = self.issuer(how, Key("one")), Key("one")
        gateway = self.gateway(issuer, number)
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(self.took(gateway, key.token())))
        thread.start()
        while not issuer.asked:
            self.assertTrue(thread.is_alive())
            time.sleep(0.01)
        # Whoever has nothing to do with that issuer is answered meanwhile.
        code, seconds = self.took(gateway, others())
        self.assertEqual(code, "good")
        self.assertLess(seconds, AT_ONCE)
        thread.join()
        (code, seconds), = waiting
        self.assertEqual(code, "auth.key_unavailable")
        self.assertGreaterEqual(seconds, float(number) - 0.1)
        self.assertLess(seconds, float(number) + AT_ONCE)
        self.assertEqual(gateway.ask(**key.token()).status, 503)
        self.assertEqual(issuer.asked, 1, "nor is it asked again at once")

    def test_one_that_never_answers(self):
        self.held("silent", "0.5")

    def test_one_that_never_answers_for_longer_than_is_usual(self):
        self.held("silent", "6.5")

    def test_one_that_answers_a_byte_a_second(self):
        self.held("slowly", "1.5")

    def test_known_keys_are_used_on(self):
        old, new = Key("old"), Key("new")
        issuer = self.issuer("well", old)
        gateway = self.gateway(issuer, "5", ttl="1")
        self.assertEqual(gateway.code(**old.token()), "good")
        issuer.how, issuer.keys = "silent", (old, new)
        # Twice its time has gone by, and the pause between two questions: it is asked, and says nothing.
        end = time.monotonic() + 60
        while issuer.asked < 2:
            self.assertEqual(gateway.code(**old.token()), "good")
            self.assertLess(time.monotonic(), end)
        for _ in range(50):
            code, seconds = self.took(gateway, old.token())
            self.assertEqual(code, "good")
            self.assertLess(seconds, AT_ONCE, "nobody waits for it")
        # A key that is not known may be a new one, so that is waited for.
        code, seconds = self.took(gateway, new.token())
        self.assertEqual(code, "auth.key_unavailable")
        self.assertLess(seconds, 5 + AT_ONCE)
        issuer.how = "well"
        while gateway.code(**new.token()) != "good":
            self.assertEqual(gateway.code(**old.token()), "good")
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main(verbosity=2)
