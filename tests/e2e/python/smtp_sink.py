"""A mail server on loopback: with TLS from the first byte, with STARTTLS, or with neither; it can be changed
while it runs, and it keeps what it is given and what it was told before."""

import base64
import email
import email.policy
import socketserver
import ssl
import threading


class Sink:
    def __init__(self, port, user, password):
        self.login = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.mails, self.told = [], []
        self.context, self.is_wrapped, self.offers_starttls = None, False, False
        self.changed = threading.Condition()
        sink = self

        class Conversation(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    sink.converse(self.request)
                except (OSError, EOFError) as error:
                    sink.hear(f"({type(error).__name__})", "")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self.server = Server(("127.0.0.1", port), Conversation)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def behave(self, cert=None, key=None, is_wrapped=False, offers_starttls=False):
        """From the next connection on."""
        context = None
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
        self.context, self.is_wrapped, self.offers_starttls = context, is_wrapped, offers_starttls
        self.told.clear()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def hear(self, line, how):
        with self.changed:
            self.told.append((how, line))
            self.changed.notify_all()

    def keep(self, how, content):
        with self.changed:
            self.mails.append((how, email.message_from_bytes(content, policy=email.policy.default)))
            self.changed.notify_all()

    def until(self, what, found, seconds):
        """Waits for `found()` to answer something."""
        with self.changed:
            if not self.changed.wait_for(found, seconds):
                raise AssertionError(f"waited in vain: {what}; heard {self.told}; mails {self.mails}")
            return found()

    def mail_to(self, address, seconds):
        def found():
            return next((it for it in self.mails if it[1]["to"] == address), None)
        return self.until(f"a mail to {address}", found, seconds)

    def converse(self, plain):
        stream, how = plain, "plain"
        stream.settimeout(30)
        self.hear("(connected)", how)
        if self.is_wrapped:
            stream, how = self.context.wrap_socket(plain, server_side=True), "tls"
        file = stream.makefile("rwb")
        say(file, "220 sink")
        while line := file.readline():
            line = line.decode("latin-1").strip()
            self.hear(line, how)
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                is_offered = self.offers_starttls and how == "plain"
                say(file, "250-sink", "250-AUTH PLAIN", "250 STARTTLS" if is_offered else "250 8BITMIME")
            elif word == "STARTTLS" and self.offers_starttls:
                say(file, "220 go on")
                stream, how = self.context.wrap_socket(plain, server_side=True), "tls"
                file = stream.makefile("rwb")
            elif word == "AUTH":
                say(file, "235 welcome" if line.split(" ")[-1] == self.login else "535 no")
            elif word == "DATA":
                say(file, "354 go on")
                content = b"".join(iter(file.readline, b".\r\n"))
                self.keep(how, content)
                say(file, "250 taken")
            elif word == "QUIT":
                say(file, "221 bye")
                return
            else:
                say(file, "250 ok")


def say(file, *lines):
    for line in lines:
        file.write(line.encode() + b"\r\n")
    file.flush()
