"""The server's own numbers, read before Django is: a wrong one ends it with a sentence."""

import os
import sys
from typing import NoReturn


def number(name: str, default: int, least: int, most: int) -> int:
    """A setting that is a whole number from ``least`` to ``most``; anything else ends the server."""
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        refuse(f"{name}={text} is no whole number from {least} to {most}. See docs/configuration.md.")
    return int(text)


def refuse(sentence: str) -> NoReturn:
    """End the server before it begins, with exit code 3, as its other refusals to start."""
    print(f"credservice does not start: {sentence}", file=sys.stderr)
    raise SystemExit(3)
