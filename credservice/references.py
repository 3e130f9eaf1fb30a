"""Secrets by reference, ``env:NAME`` or ``file:PATH``: how settings name a secret that they must not hold."""

import os
from pathlib import Path

from django.conf import settings

MAX_BYTES = 64 * 1024


class UnreadableReference(ValueError):
    """The reference leads to no secret. The message names the variable or the file, never a content."""


def check_reference(reference: object) -> str:
    """``reference`` where it has the form of one. Raises :class:`UnreadableReference`."""
    kind, _, name = reference.partition(":") if isinstance(reference, str) else ("", "", "")
    if kind not in ("env", "file") or not name.strip():
        # Not quoted: whoever wrote the secret itself here must not find it in a log.
        raise UnreadableReference("a secret is given as env:NAME or file:PATH, never as itself")
    return str(reference)


def resolve_reference(reference: str) -> str:
    """The text that the reference names, without the line breaks at its end. Raises :class:`UnreadableReference`.

    Read anew each time, so that a replaced file needs no restart; a relative path starts at ``VAR_DIR``.
    """
    kind, _, name = check_reference(reference).partition(":")
    text = (_from_environment(name) if kind == "env" else _from_file(name)).rstrip("\r\n")
    if not text or "\x00" in text:
        raise UnreadableReference(f"{reference} is empty or holds a NUL character")
    return text


def _from_environment(name: str) -> str:
    try:
        return os.environ[name]
    except (KeyError, ValueError):
        raise UnreadableReference(f"the environment variable {name} is not set") from None


def _from_file(name: str) -> str:
    path = Path(settings.VAR_DIR) / name
    try:
        if path.exists() and not path.is_file():
            raise UnreadableReference(f"{path} is no regular file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UnreadableReference(f"{path} is over {MAX_BYTES // 1024} KiB")
        return content.decode()
    except UnicodeDecodeError:
        raise UnreadableReference(f"{path} is no UTF-8 text") from None
    except (OSError, ValueError) as error:
        if isinstance(error, UnreadableReference):
            raise
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise UnreadableReference(f"{path} cannot be read: {reason}") from None
