"""Reads JSON of partners strictly: one meaning or none."""

import json
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from credservice.core.exceptions import Invalid, Unsupported, escaped

MAX_DEPTH = 16
TOO_LARGE_NUMBER = "The body holds a number that is too large."


class NamedTwice(ValueError):
    """``pointer`` is the JSON pointer (RFC 6901) of the key that came twice in one object."""

    pointer = ""


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse the JSON object in ``body``.

    Raises ValueError, with a sentence for the caller, for anything that two readers could understand differently or
    that the database cannot hold: no UTF-8, duplicate keys, NaN, lone surrogates, NUL, nesting deeper than 16.
    """
    try:
        value = _decoder.decode(body.decode("utf-8"))
    except NamedTwice as error:
        error.pointer = _place_of_twice(body)
        raise
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    except UnicodeDecodeError:
        raise ValueError("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        # Where, and never what: it may be a value.
        raise ValueError(f"The body is not valid JSON, at line {error.lineno}, column {error.colno}.") from None
    if not isinstance(value, dict):
        raise ValueError("The body must be a JSON object.")
    # Without an escape, a text is what UTF-8 and the decoder have let through: sound.
    if b"\\u" in body or not all(isinstance(item, str) for item in value.values()):
        _check(value, MAX_DEPTH)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NamedTwice("The body names the same key twice.")
    return found


def _place_of_twice(body: bytes) -> str:
    """Find where a key came twice, of a body that was refused for it: read once more, with all pairs kept."""
    try:
        value: Any = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return ""  # behind it, the body is worse
    left: list[tuple[str, Any]] = [("", value)]
    while left:
        pointer, value = left.pop()
        items = enumerate(value) if isinstance(value, list) else value if isinstance(value, _Pairs) else ()
        named: set[Any] = set()
        for name, item in items:
            place = f"{pointer}/{escaped(name)}"
            if name in named:
                return place
            named.add(name)
            left.append((place, item))
    return ""


class _Pairs(tuple[tuple[str, Any], ...]):
    """A JSON object with whatever keys came twice."""


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON.")


def _integer(digits: str) -> int:
    if len(digits) > 308:
        raise ValueError(TOO_LARGE_NUMBER)
    return int(digits)


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int | float) and not -1e308 < value < 1e308:
        raise ValueError(TOO_LARGE_NUMBER)
    elif isinstance(value, dict | list):
        if depth == 0:
            raise ValueError("The body is nested too deeply.")
        for item in value:
            _check(item, depth - 1)
        if isinstance(value, dict):
            for item in value.values():
                _check(item, depth - 1)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ValueError("The body holds a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("The body holds a lone surrogate.") from None


# One for all: json.loads would make a new one each time.
_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_integer)


class StrictJSONParser(BaseParser):
    """Lets DRF read by :func:`parse_object`: 400 with its sentence."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        # The request's cached body: the signature was checked over the same bytes.
        request = (parser_context or {})["request"]
        refuse_encoded(request.META)
        announced = request.META.get("CONTENT_LENGTH") or ""
        if announced.isdecimal() and int(announced) != len(request.body):
            raise ParseError("The body ended early.")
        try:
            return parse_object(request.body)
        except NamedTwice as error:
            raise Invalid(str(error), pointer=error.pointer) from None
        except ValueError as error:
            raise ParseError(str(error)) from None


def refuse_encoded(headers: Mapping[str, Any]) -> None:
    """Refuse a body in a coding: nobody decompresses here. Raises :class:`Unsupported` (RFC 9110, 8.4 and 15.5.16)."""
    coding = str(headers.get("HTTP_CONTENT_ENCODING", "")).strip()
    if coding.lower() not in ("", "identity"):
        raise Unsupported("The body has a Content-Encoding. Send it as it is, without one.")
