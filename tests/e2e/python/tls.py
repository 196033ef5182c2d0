"""The TLS that the server speaks itself: which versions, which headers, and what a renewed certificate does."""

import http.client
import os
import socket
import ssl
import threading
import time
import unittest
import warnings
from urllib.parse import urlsplit

from cryptography import x509

from certificates import issue, write
from person import new_person

ISSUER = os.environ["DOORWARD_ISSUER"]
PORT = urlsplit(ISSUER).port
FOLDER = os.environ["DOORWARD_CERTIFICATES"]
# The files are looked at every five seconds; the rest is for a busy machine.
PATIENCE = 60


def trusting(version=None):
    context = ssl.create_default_context(cafile=f"{FOLDER}/authority.pem")
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(context=None):
    plain = socket.create_connection(("localhost", PORT), timeout=30)
    return (context or trusting()).wrap_socket(plain, server_hostname="localhost")


def serial():
    """The serial number of the certificate that a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connect(context) as stream:
        return x509.load_der_x509_certificate(stream.getpeercert(True)).serial_number


def logged():
    with open(os.environ["DOORWARD_SERVER_LOG"], encoding="utf-8") as file:
        return file.read()


def until(what, is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"waited in vain: {what}\n{logged()[-3000:]}"
        time.sleep(0.2)


def old_versions():
    """A client that speaks TLS 1.0 and 1.1 only, and ciphers that they know."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    return context


class Tls(unittest.TestCase):
    def setUp(self):
        # Python says of each old version that it is old.
        warnings.simplefilter("ignore", DeprecationWarning)

    def test_speaks_1_3_and_1_2(self):
        for version, named in [(ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")]:
            with connect(trusting(version)) as stream:
                self.assertEqual(stream.version(), named)
        with connect() as stream:
            self.assertEqual(stream.version(), "TLSv1.3", "the newer one is preferred")

    def test_refuses_what_is_older(self):
        # The client is able to: a server that speaks TLS 1.1 is understood.
        able = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        able.set_ciphers("ALL:@SECLEVEL=0")
        able.minimum_version, able.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        able.load_cert_chain(f"{FOLDER}/cert.pem", f"{FOLDER}/key.pem")
        ours, theirs = socket.socketpair()
        answering = threading.Thread(target=lambda: able.wrap_socket(theirs, server_side=True).close())
        answering.start()
        with old_versions().wrap_socket(ours) as stream:
            self.assertEqual(stream.version(), "TLSv1.1")
        answering.join()
        # Doorward is not.
        with self.assertRaises((ssl.SSLError, ConnectionError)) as refused:
            connect(old_versions())
        if isinstance(refused.exception, ssl.SSLError):
            self.assertIn("ALERT", refused.exception.reason or "", "the server says so itself")

    def test_a_client_may_speak_http_2(self):
        for offered, chosen in [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)]:
            context = trusting()
            if offered:
                context.set_alpn_protocols(offered)
            with connect(context) as stream:
                self.assertEqual(stream.selected_alpn_protocol(), chosen)

    def test_plain_http_gets_no_answer(self):
        with socket.create_connection(("localhost", PORT), timeout=30) as stream:
            stream.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            try:
                self.assertNotIn(b"HTTP/", stream.recv(4096))
            except ConnectionError:
                pass

    def test_browsers_are_told_to_stay(self):
        paths = ["/healthz", "/sign-in", "/oauth2/userinfo", "/api/v1/users", "/nowhere",
                 "/.well-known/openid-configuration"]
        for path in paths:
            asking = http.client.HTTPSConnection("localhost", PORT, context=trusting(), timeout=30)
            asking.request("GET", path)
            told = asking.getresponse().getheader("strict-transport-security") or ""
            asking.close()
            self.assertRegex(told, r"^max-age=\d{8,}", path)

    def test_cookies_stay_with_the_host_and_with_tls(self):
        ada = new_person()
        ada.sign_in()
        set_cookie = [it for it in ada.browser.cookies if "doorward" in it.name]
        self.assertIn("__Host-doorward", [it.name for it in set_cookie])
        for cookie in set_cookie:
            self.assertTrue(cookie.secure and cookie.name.startswith("__Host-"), cookie)

    def test_a_new_certificate_is_used_and_a_bad_one_is_not(self):
        staying = http.client.HTTPSConnection("localhost", PORT, context=trusting(), timeout=30)

        def still_there():
            staying.request("GET", "/healthz")
            answer = staying.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200)
            return staying.sock.getsockname()

        connection, first = still_there(), serial()
        renewed = issue(FOLDER, "cert.pem", "key.pem")
        self.assertNotEqual(first, renewed)
        until("the renewed certificate", lambda: serial() == renewed)
        until("a word about it", lambda: "a new TLS certificate is in use" in logged())
        self.assertEqual(still_there(), connection, "the connection from before is kept")

        def refusals():
            return logged().count("the new TLS certificate is not used")

        with open(f"{FOLDER}/elsewhere-key.pem", "rb") as file:
            foreign_key = file.read()
        bad = [("cert.pem", b"this is no certificate\n"), ("cert.pem", b""), ("key.pem", foreign_key)]
        for name, content in bad:
            path, before = f"{FOLDER}/{name}", refusals()
            with open(path, "rb") as file:
                good = file.read()
            write(path, content)
            until(f"a word about {content[:30]}", lambda: refusals() > before)
            self.assertEqual(serial(), renewed, content[:30])
            # Good again; it is told apart from what was there before only by its time.
            write(path, good)
        self.assertEqual(still_there(), connection)
        last = issue(FOLDER, "cert.pem", "key.pem")
        until("the last certificate", lambda: serial() == last)
        with connect() as stream:
            self.assertTrue(stream.getpeercert(), "and it is trusted")
        self.assertEqual(still_there(), connection)
        staying.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
