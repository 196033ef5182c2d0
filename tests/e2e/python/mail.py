"""Mail by SMTP with TLS: what arrives, what is never said to a server that cannot be trusted, and that a mail
which could not be sent arrives later by itself. `DOORWARD_MAIL_TLS` says by which of the two ways."""

import os
import time
import unittest

import requests

from person import ISSUER, api, new_person
from smtp_sink import Sink

FOLDER = os.environ["DOORWARD_MAIL_CERTIFICATES"]
IS_STARTTLS = os.environ["DOORWARD_MAIL_TLS"] == "starttls"
GOOD = (f"{FOLDER}/cert.pem", f"{FOLDER}/key.pem")
# The first pause before another try is 30 s; the rest is for a busy machine.
PATIENCE = 150

sink = Sink(int(os.environ["DOORWARD_MAIL_PORT"]), "mailer", "p@ss word")


def behave(pair, is_plain=False):
    is_tls = pair is not None and not is_plain
    cert, key = pair or (None, None)
    sink.behave(cert, key, is_wrapped=is_tls and not IS_STARTTLS, offers_starttls=is_tls and IS_STARTTLS)


def ask_for_a_mail():
    """Somebody has forgotten a password; answers the address that is written to."""
    person = new_person()
    person.forget()
    return person.email


def entry(address):
    return next(it for it in api("GET", "mail?limit=100")["items"] if it["recipient"] == address)


def until_tried(address):
    end = time.monotonic() + PATIENCE
    while not (tried := entry(address)).get("last_error"):
        assert time.monotonic() < end, f"never tried: {tried}"
        time.sleep(0.2)
    return tried


def settled(address):
    end = time.monotonic() + PATIENCE
    while (sent := entry(address))["status"] != "sent":
        assert time.monotonic() < end, sent
        time.sleep(0.2)
    return sent


def agreed():
    """Somebody who wants news by mail."""
    person = new_person()
    person.sign_in()
    person.press("/account", "/account/news", news="on")
    return person


def has_agreed(person):
    return "marketing_consent_at" in api("GET", f"users/{person.id}")


class Mail(unittest.TestCase):
    def test_a_mail_waits_for_a_server_that_can_be_trusted_and_then_arrives(self):
        wrong = [
            ("no TLS at all", None),
            ("a certificate for another name", (f"{FOLDER}/elsewhere.pem", f"{FOLDER}/elsewhere-key.pem")),
            ("a certificate by nobody known", (f"{FOLDER}/stranger.pem", f"{FOLDER}/stranger-key.pem")),
        ]
        waiting = []
        for what, pair in wrong:
            with self.subTest(what):
                behave(pair)
                address = ask_for_a_mail()
                tried = until_tried(address)
                self.assertEqual(tried["status"], "waiting", tried)
                self.assertIn(("plain", "(connected)"), sink.told)
                said = " ".join(line for _, line in sink.told)
                for never in ["MAIL FROM", "RCPT", "AUTH", "DATA", address]:
                    self.assertNotIn(never, said, f"{what}: {sink.told}")
                self.assertEqual(sink.mails, [], what)
                waiting.append(address)
        behave(GOOD)
        at_once = ask_for_a_mail()
        for address in [at_once, *waiting]:
            how, mail = sink.mail_to(address, PATIENCE)
            self.assertEqual(how, "tls", "the mail itself is inside TLS")
            text = mail.get_body("plain").get_content()
            self.assertIn(f"{ISSUER}/reset?token=", text)
            self.assertIn(f"{ISSUER}/reset?token=", mail.get_body("html").get_content())
        logins = [how for how, line in sink.told if line.startswith("AUTH ")]
        self.assertTrue(logins)
        self.assertEqual(set(logins), {"tls"}, "the password is only said inside TLS")
        self.assertEqual(settled(at_once)["attempts"], 1)
        for address in waiting:
            self.assertGreaterEqual(settled(address)["attempts"], 2, "nobody asked for the later try")

    def test_an_announcement_is_left_with_one_click(self):
        behave(GOOD)
        ada, bob, deaf = agreed(), agreed(), new_person()
        api("POST", "announcements", {"subject": "Closed on Monday", "text": "We move the *servers*."})
        ways = {}
        for person in (ada, bob):
            how, mail = sink.mail_to(person.email, PATIENCE)
            self.assertEqual((how, mail["subject"]), ("tls", "Closed on Monday"))
            self.assertEqual(mail["list-unsubscribe-post"], "List-Unsubscribe=One-Click")
            way = "".join(mail["list-unsubscribe"].split())
            self.assertTrue(way.startswith(f"<{ISSUER}/unsubscribe?token=") and way.endswith(">"), way)
            ways[person] = way[1:-1]
            for part in ("plain", "html"):
                self.assertIn(ways[person], mail.get_body(part).get_content())
        self.assertNotIn(deaf.email, [mail["to"] for _, mail in sink.mails])
        # Whoever scans the mail opens the link, which changes nothing; the mail program posts, and knows no cookie.
        self.assertEqual(requests.get(ways[ada], timeout=30).status_code, 200)
        self.assertTrue(has_agreed(ada))
        for _ in range(2):
            left = requests.post(ways[ada], data={"List-Unsubscribe": "One-Click"}, allow_redirects=False, timeout=30)
            self.assertEqual(left.status_code, 200, left.text)
        self.assertFalse(has_agreed(ada))
        self.assertTrue(has_agreed(bob), "nobody else is unsubscribed")
        api("POST", "announcements", {"subject": "Open again", "text": "The servers have moved."})
        sink.until("the second to bob", lambda: [1 for _, mail in sink.mails if (mail["to"], mail["subject"]) == (bob.email, "Open again")], PATIENCE)
        self.assertEqual([mail["subject"] for _, mail in sink.mails if mail["to"] == ada.email], ["Closed on Monday"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
