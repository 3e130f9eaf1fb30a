"""Takes ids out of what people paste: quotes, a header, a line of a log, JSON, an assignment."""

import re
from collections.abc import Collection

MAX_PIECES = 10  # of a line

_BEFORE, _AFTER = frozenset("\"'`<({["), frozenset("\"'`>)}],;")
_SCHEME = re.compile(r"^(authorization:\s*)?(bearer|basic|token)\s+", re.IGNORECASE)
_BETWEEN = re.compile(r"""[\s"'`,;<>(){}\[\]=&?/|]|[^\x00-\x7f\w]|:(?=\s|")""")
_ID = re.compile(r"(?=.*[a-zA-Z])(?=.*[\d_-])[\w.:@-]{5,255}")
_OURS = re.compile(r"(\w+:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile("[0-9a-f]{32,}", re.IGNORECASE)
_MIXED = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))


def is_like_a_key(word: str) -> bool:
    """Tell whether it is one word as keys, tokens and passwords are: console/search.js asks the same."""
    if len(word) < 20 or len(word.split()) > 1 or _OURS.fullmatch(word):
        return False
    return len(word) >= 40 or bool(_HEX.fullmatch(word)) or all(kind.search(word) for kind in _MIXED)


def unwrapped(text: str) -> str:
    """Take off what is around an id that was copied: quotes, a comma, the scheme of a header."""
    return _stripped(_SCHEME.sub("", _stripped(text))) or text


def _stripped(text: str) -> str:
    """Take marks and blanks off both ends. No expression: one that tries each beginning of a long row of blanks takes
    the square of its length."""
    start, end = 0, len(text)
    while start < end and _surrounds(text[start], _BEFORE):
        start += 1
    while start < end and _surrounds(text[end - 1], _AFTER):
        end -= 1
    return text[start:end]


def _surrounds(character: str, marks: Collection[str]) -> bool:
    """Tell if this is a blank or one of the marks, or typographic: quotes, a byte order mark, a zero-width joint."""
    is_typographic = not character.isascii() and not (character.isalnum() or character == "_")
    return character in marks or character.isspace() or is_typographic


def pieces(text: str) -> list[str]:
    """List what may be an id in a line: words with letters and with digits or joints, once each."""
    words = list(dict.fromkeys(word for word in _BETWEEN.split(text) if _ID.fullmatch(word)))
    return [] if words == [text] else words[:MAX_PIECES]
