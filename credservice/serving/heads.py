"""Reads the head of a request as strictly as RFC 9112 allows. Two readings of one request are what attacks live on:
where another server could read it otherwise, it is refused.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

MAX_LINE = 4094  # of the request line, in bytes
MAX_FIELD = 8190
MAX_FIELDS = 100
MAX_HEAD = 32 * 1024

_REQUEST_LINE = re.compile(r"([A-Z][A-Z-]{2,19}) ([!-~]+) HTTP/1\.([01])")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(r"[0-9]{1,18}")
# No controls, and no half of a line end without the other (RFC 9112, 2.2; RFC 9110, 5.5); but a CR may be the last so
# far. Written so that nothing is tried twice.
_SOUND = re.compile(rb"(?:[\t -~\x80-\xff]*+\r\n)*+[\t -~\x80-\xff]*+\r?")
# Fields of one value: a second one leaves open which of them counts (RFC 9110, 5.3).
_ONCE = frozenset({"HTTP_HOST", "CONTENT_LENGTH", "CONTENT_TYPE"})


class Malformed(Exception):
    """Bytes that are no request which can be answered as HTTP. ``kind`` names the fault without quoting them."""

    def __init__(self, kind: str, status: str = "400 Bad Request") -> None:
        super().__init__(kind)
        self.kind, self.status = kind, status


@dataclass(slots=True)
class Head:
    """The request line and fields of a request. ``fields`` are named as in a WSGI environment."""

    method: str
    target: str
    path: str
    query: str
    version: str
    fields: dict[str, str]
    length: int
    chunked: bool
    keeps: bool
    expects: bool


def check_part(part: bytearray, start: int) -> None:
    """Refuse a head of which the end has not come yet, as soon as it can be no sound one. ``start``: checked so far."""
    if start and part[start - 1] == 0x0D:
        start -= 1
    if not _SOUND.fullmatch(part, start):
        raise Malformed("InvalidCharacter")
    end = part.find(b"\r\n", 0, MAX_LINE + 2)
    if end < 0 and len(part) > MAX_LINE + 1:
        raise Malformed("LongRequestLine", "414 URI Too Long")
    if end >= 0:
        _request_line(part[:end].decode("latin-1"))
    if len(part) > MAX_HEAD:
        raise Malformed("LongHead", "431 Request Header Fields Too Large")


def parse(content: bytes) -> Head:
    """Read a head, with the line end of its last line. Raises Malformed."""
    if content.find(b"\r\n", 0, MAX_LINE + 2) < 0:
        raise Malformed("LongRequestLine", "414 URI Too Long")
    if len(content) > MAX_HEAD:
        raise Malformed("LongHead", "431 Request Header Fields Too Large")
    if not _SOUND.fullmatch(content):
        raise Malformed("InvalidCharacter")
    line, *lines = content[:-2].decode("latin-1").split("\r\n")
    method, target, minor = _request_line(line)
    fields = _fields(lines)
    if minor == "1" and "HTTP_HOST" not in fields:
        raise Malformed("MissingHost")
    path, query = _path_and_query(target, fields.get("HTTP_HOST", ""))
    chunked = _is_chunked(fields, minor)
    return Head(
        method=method,
        target=target,
        path=unquote_to_bytes(path).decode("latin-1") if "%" in path else path,
        query=query,
        version=f"HTTP/1.{minor}",
        fields=fields,
        length=_length(fields),
        chunked=chunked,
        keeps=_keeps(fields.get("HTTP_CONNECTION", ""), minor),
        expects=_expects(fields, minor),
    )


def _request_line(line: str) -> tuple[str, str, str]:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise Malformed("InvalidRequestLine")
    return match[1], match[2], match[3]


def _fields(lines: list[str]) -> dict[str, str]:
    if len(lines) > MAX_FIELDS:
        raise Malformed("ManyFields", "431 Request Header Fields Too Large")
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if len(line) > MAX_FIELD:
            raise Malformed("LongField", "431 Request Header Fields Too Large")
        key = _key(name) if colon else _key("")
        if key is None:
            continue
        value = value.strip(" \t")
        if key in fields:
            if key in _ONCE:
                raise Malformed("RepeatedField")
            value = f"{fields[key]},{value}"
        fields[key] = value
    return fields


@lru_cache(maxsize=1024)
def _key(name: str) -> str | None:
    """Name a field as WSGI does. One with an underscore has no name there that another field could not have too."""
    if not _TOKEN.fullmatch(name):
        raise Malformed("InvalidHeaderName")
    if "_" in name:
        return None
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"


def _path_and_query(target: str, host: str) -> tuple[str, str]:
    """Split the target. One in absolute form has to name the host of its Host (RFC 9112, 3.2.2)."""
    if not target.startswith("/"):
        scheme, separator, rest = target.partition("://")
        authority, slash, path = rest.partition("/")
        if scheme.lower() not in ("http", "https") or not separator or authority.lower() != host.lower():
            raise Malformed("InvalidTarget")
        target = slash + path or "/"
    path, _, query = target.partition("?")
    return path, query


def _is_chunked(fields: dict[str, str], minor: str) -> bool:
    value = fields.get("HTTP_TRANSFER_ENCODING")
    if value is None:
        return False
    codings = [coding.strip(" \t").lower() for coding in value.split(",")]
    # Without chunked at the end nobody can tell where the body ends (RFC 9112, 6.3); with a length it has two ends.
    if codings.count("chunked") != 1 or codings[-1] != "chunked" or minor == "0" or "CONTENT_LENGTH" in fields:
        raise Malformed("InvalidTransferEncoding")
    if len(codings) > 1:
        raise Malformed("UnsupportedTransferCoding", "501 Not Implemented")
    return True


def _length(fields: dict[str, str]) -> int:
    value = fields.get("CONTENT_LENGTH")
    if value is None:
        return 0
    if not _LENGTH.fullmatch(value):
        raise Malformed("InvalidContentLength")
    return int(value)


def _keeps(connection: str, minor: str) -> bool:
    options = {option.strip(" \t").lower() for option in connection.split(",")} if connection else set()
    return "close" not in options and (minor == "1" or "keep-alive" in options)


def _expects(fields: dict[str, str], minor: str) -> bool:
    value = fields.get("HTTP_EXPECT")
    if value is None or minor == "0":
        return False
    if value.lower() != "100-continue":
        raise Malformed("ExpectationFailed", "417 Expectation Failed")
    return True
