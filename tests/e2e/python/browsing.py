"""A browser that goes from host to host below localhost."""

from urllib.parse import urlsplit

import requests

from person import ISSUER, Everywhere

PAGE = {"Accept": "text/html,*/*;q=0.8"}
# What a browser says when a link of the page itself is followed.
PRESSED = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def resolved(url):
    """The address to connect to, and the host to ask for: names below localhost are this machine."""
    parts = urlsplit(url)
    address = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
    return address, parts.netloc


class Browser:
    """Keeps cookies by host and follows redirects one by one."""

    def __init__(self, issuer_session):
        self.jars = {urlsplit(ISSUER).netloc: issuer_session}

    def jar(self, host):
        if host not in self.jars:
            self.jars[host] = requests.Session()
            self.jars[host].cookies.set_policy(Everywhere())
        return self.jars[host]

    def ask(self, url, method="GET", **more):
        headers = {**PAGE, **more.pop("headers", {})}
        if urlsplit(url).netloc == urlsplit(ISSUER).netloc:
            return self.jar(urlsplit(ISSUER).netloc).request(method, url, headers=headers, allow_redirects=False, timeout=30, **more)
        address, host = resolved(url)
        return self.jar(host).request(method, address, headers={**headers, "Host": host}, allow_redirects=False, timeout=30, **more)

    def open(self, url, steps=12):
        """The page at the end, and the hosts on the way."""
        way = []
        for _ in range(steps):
            answer = self.ask(url)
            if not answer.is_redirect:
                return answer, way
            to = answer.headers["Location"]
            if to.startswith("/"):
                parts = urlsplit(url)
                to = f"{parts.scheme}://{parts.netloc}{to}"
            way.append(urlsplit(to).netloc + urlsplit(to).path)
            url = to
        raise AssertionError(way)
