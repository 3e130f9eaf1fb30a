"""Makes entity tags (RFC 9110, 8.8.3), and checks what a caller asks of them before its write is done."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from credservice.core.exceptions import Invalid
from credservice.vendor_api.problems import AlreadyThere, PreconditionFailed

# What changes by itself, and about which nobody writes.
VOLATILE = {"last_used_at", "shared_with"}
_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e]*)"\s*')


def etag_of(shown: Mapping[str, Any]) -> str:
    """Make the tag of an object as it is shown."""
    content = {name: value for name, value in shown.items() if name not in VOLATILE}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).digest()
    return f'"{urlsafe_b64encode(digest[:15]).decode()}"'


def is_unchanged(request: HttpRequest, etag: str) -> bool:
    """Check ``If-None-Match`` of a GET: the caller has this already. Compared weakly (RFC 9110, 13.1.2)."""
    header = request.META.get("HTTP_IF_NONE_MATCH")  # a platform asks often: request.headers copies all of them
    return header is not None and (header.strip() == "*" or etag in {tag for _, tag in _tags(header)})


def require_match(request: HttpRequest, shown: Mapping[str, Any] | None) -> None:
    """Check ``If-Match`` of a write, strongly (RFC 9110, 13.1.1); ``shown`` is the object as it now is, locked.

    Raises :class:`PreconditionFailed` where it is another one by now, or none.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return
    if shown is None:
        raise PreconditionFailed("There is no such object yet, so none matches If-Match.")
    strong = {tag for weak, tag in _tags(header) if not weak} if header.strip() != "*" else None
    if strong is not None and etag_of(shown) not in strong:
        raise PreconditionFailed("The object is another one than If-Match names: it has changed since it was read.")


def require_new(request: HttpRequest, *, created: bool) -> None:
    """Check ``If-None-Match: *`` of a PUT, which may only make a new object. To be called before the commit."""
    header = request.headers.get("If-None-Match")
    if header is None:
        return
    if header.strip() != "*":
        raise Invalid("If-None-Match: send * with a write, or leave it out.")
    if not created:
        raise AlreadyThere("There is such an object already, and If-None-Match asks for a new one.")


def _tags(header: str) -> list[tuple[bool, str]]:
    found, position = [], 0
    while position < len(header):
        match = _TAG.match(header, position)
        if match is None:
            raise Invalid('Write entity tags as they were answered, such as "qL0x...", with commas between them.')
        found.append((match[1] is not None, f'"{match[2]}"'))
        position = match.end()
        if header[position : position + 1] == ",":
            position += 1
    return found
