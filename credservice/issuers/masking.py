"""Masks secrets in what other people's servers say, before the trail or a page has it: they may quote them."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "[secret]"


def masked(text: str, secrets: Iterable[str]) -> str:
    """``text`` on one line, without any of ``secrets``, also as URLs, forms, JSON and Basic credentials write them."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    # The longest first: one secret may be a part of another, whose rest would stay.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return "".join(character if character.isprintable() else " " for character in text)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield json.dumps(secret)[1:-1]
    yield b64encode(secret.encode(errors="replace")).decode().rstrip("=")
    # With its control characters gone, or made spaces, on the way.
    yield "".join(character if character.isprintable() else " " for character in secret)
