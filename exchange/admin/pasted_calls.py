"""Reads a call that was pasted into the signature debugger: as a log or a proxy shows it, or a curl command."""

import re
import shlex
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from credservice.adminkit.widgets import CharField
from exchange.signatures.verify import SignedRequest, as_environ

MAX_PASTED = 8000
_REQUEST_LINE = re.compile(r"(POST|PUT|GET|PATCH|DELETE) (\S+)( HTTP/[0-9.]+)?", re.IGNORECASE)
_HEADER = re.compile(r"([A-Za-z0-9-]+):[ \t]*(.*)")
EXAMPLE = """POST /credential-exchange/mindcloud HTTP/1.1
X-Timestamp: 1763640000
X-Signature: 5f2b..."""


class PastedForm(forms.Form):
    pasted = CharField(
        label="Or paste one",
        max_length=MAX_PASTED,
        help_text="The request line and the headers, as a log or a proxy shows them, or a curl command. The body "
        "is not signed.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5, "placeholder": EXAMPLE}),
    )

    def clean_pasted(self) -> SignedRequest:
        return parse_pasted(self.cleaned_data["pasted"])


def parse_pasted(text: str) -> SignedRequest:
    """Read a request line and headers, with blanks around them. Raises ValidationError, saying what is missing."""
    lines = [line.strip() for line in _without_curl(text.strip()).splitlines()]
    first = _REQUEST_LINE.fullmatch(lines[0]) if lines else None
    try:
        parts = urlsplit(first[2] if first else "")
    except ValueError:
        first = None
    if first is None:
        raise ValidationError(
            "Begin with the request line, such as POST /credential-exchange/mindcloud HTTP/1.1, or paste a whole curl "
            "command."
        )
    if not text.isascii():
        raise ValidationError("Paste it as it was sent: a request's line and headers are ASCII.")
    headers = {match[1]: match[2] for line in lines[1:] if (match := _HEADER.fullmatch(line))}
    return SignedRequest(first[1], parts.path, parts.query, as_environ(headers))


def _without_curl(text: str) -> str:
    """Write a curl command, such as simulate_exchange prints, as the request that it sends. Other text stays."""
    command = text.removeprefix("$ ")
    if not command.startswith("curl "):
        return text
    try:
        words = iter(shlex.split(re.sub(r"\\\r?\n", " ", command))[1:])
    except ValueError:  # a quote is not closed
        return text
    method, target, headers = "GET", "", []
    for word in words:
        if word in ("-X", "--request"):
            method = next(words, "")
        elif word in ("-H", "--header"):
            headers.append(next(words, ""))
        elif word in ("-d", "--data"):
            next(words, "")
        elif not word.startswith("-"):
            target = target or word
    return "\n".join([f"{method} {target}", *headers])
