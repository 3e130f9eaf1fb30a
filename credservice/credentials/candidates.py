"""What in a text may be a value: for whoever finds a key in a log, a ticket or an address."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

# Between words; and within them, where addresses, assignments and sentences have a key between other things. Keys may
# hold these as well (a token's dots, the padding of Base64): so neighbouring parts are tried together, too.
_BLANKS = re.compile(r"[\s\"'`,;<>(){}\[\]]+")
_JOINTS = re.compile(r"([=:&@/?#.|%\\!*~$^+])")
MOST_PARTS = 8  # of a value; more would make very many of a text that is nothing but joints


def candidates(text: str, shortest: int) -> Iterator[str]:
    """Each part of ``text`` that may be a value of ``shortest`` characters or more, once.

    All of it, its words, and what stands between joints of them; of an address, also as it is without its escapes.
    """
    seen: set[str] = set()
    for each in _parts(text.strip()):
        if len(each) >= shortest and each not in seen:
            seen.add(each)
            yield each


def _parts(text: str) -> Iterator[str]:
    yield text
    for word in _BLANKS.split(text):
        yield from _of_word(word)
        if "%" in word:
            for decoded in _BLANKS.split(unquote(word)):
                yield from _of_word(decoded)


def _of_word(word: str) -> Iterator[str]:
    yield word
    pieces = _JOINTS.split(word)  # parts at even places, the joints between them at odd ones
    for first in range(0, len(pieces), 2):
        for last in range(first, min(first + 2 * MOST_PARTS, len(pieces)), 2):
            yield "".join(pieces[first : last + 1])
