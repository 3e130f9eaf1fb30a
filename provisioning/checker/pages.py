"""Checks what the browser gets at the end of a single sign-on."""

import re
from html.parser import HTMLParser
from http.cookies import CookieError, SimpleCookie

from provisioning.checker import expect
from provisioning.checker.failures import Failure
from provisioning.checker.messages import Reply, header_values

# Fewer letters than this explain nothing.
SHORTEST_TEXT = 10
UNSHOWN = ("script", "style", "head", "template")
PROGRAMMERS_WORDS = re.compile(r"Traceback \(most recent call last\)|\bat \S+\.(?:js|java|go|rb|py):\d+")


def signed_on(reply: Reply) -> None:
    """Expect the dashboard, or the way there."""
    expect.status(reply, 200, 302, 303)
    if reply.status != 200 and not reply.header("location"):
        raise Failure(f"a {reply.status} needs a Location that leads to the dashboard", reply)


def refused(reply: Reply) -> None:
    """Expect 401 with a page that a person can read, and no session."""
    expect.status(reply, 401)
    if reply.header("content-type").partition(";")[0].strip().lower() != "text/html":
        kind = reply.header("content-type")
        raise Failure(f"a person's browser gets a page (text/html), not {kind!r}", reply)
    text = shown_text(reply)
    if len(text) < SHORTEST_TEXT:
        raise Failure("the page has no text that tells a person what is wrong", reply)
    if PROGRAMMERS_WORDS.search(text):
        raise Failure("the page shows the provider's stack trace", reply)
    started = sorted(cookies(reply))
    if started:
        raise Failure(f"a refused sign-on starts a session: it sets the cookie {', '.join(started)}", reply)


def cookies(reply: Reply) -> dict[str, str]:
    """List the cookies that are set, without those that are deleted."""
    kept: dict[str, str] = {}
    for value in header_values(reply.headers, "set-cookie"):
        try:
            parsed = SimpleCookie(value)
        except CookieError:
            continue
        kept.update({name: item.value for name, item in parsed.items() if item.value and item["max-age"] != "0"})
    return kept


def shown_text(reply: Reply) -> str:
    parser = _Text()
    parser.feed(reply.body.decode("utf-8", "replace"))
    parser.close()
    return " ".join(" ".join(parser.parts).split())


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unshown = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSHOWN and not self._unshown:
            self._unshown = tag
        elif tag == "body":
            self._unshown = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unshown:
            self._unshown = ""

    def handle_data(self, data: str) -> None:
        if not self._unshown:
            self.parts.append(data)
