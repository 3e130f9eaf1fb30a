"""Reads secrets by reference, ``env:NAME`` or ``file:PATH``: settings and set-up files hold none themselves."""

import os
from pathlib import Path

from django.conf import settings

from credservice.core.environment import read_value

MAX_BYTES = 64 * 1024


class UnreadableReference(ValueError):
    """The reference leads to no secret. The message names the variable or the file, never a content."""


def check_reference(reference: object) -> str:
    """Return ``reference`` where it has the form of one. Raises :class:`UnreadableReference`."""
    kind, _, name = reference.partition(":") if isinstance(reference, str) else ("", "", "")
    if kind not in ("env", "file") or not name.strip():
        # Not quoted: whoever wrote the secret itself here must not find it in a log.
        raise UnreadableReference(
            "a secret is never written here itself: write env:NAME or file:PATH, for an environment variable or a "
            "file that holds it"
        )
    return str(reference)


def resolve_reference(reference: object) -> str:
    """Read the value that the reference names, without line breaks at its end. Raises :class:`UnreadableReference`.

    Read anew each time, so that a replaced file needs no restart; a relative path starts at ``VAR_DIR``.
    """
    kind, _, name = check_reference(reference).partition(":")
    name = name.strip()
    text = (_from_environment if kind == "env" else read_file)(name).rstrip("\r\n")
    if not text:
        raise UnreadableReference(f"{kind}:{name} is empty")
    if "\x00" in text:
        raise UnreadableReference(f"{kind}:{name} holds a NUL character")
    return text


def read_file(name: str) -> str:
    """Read the value in a file; a relative path starts at ``VAR_DIR``. Raises :class:`UnreadableReference`."""
    path = Path(settings.VAR_DIR) / name
    try:
        if not path.is_file():
            raise _no_file(path)
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableReference(f"{path} is over {MAX_BYTES // 1024} KiB")
        return read_value(path)
    except FileNotFoundError:
        raise _no_file(path) from None
    except OSError as error:
        raise UnreadableReference(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableReference(f"{path} is no UTF-8 text") from None


def _no_file(path: Path) -> UnreadableReference:
    if path.exists():
        return UnreadableReference(f"{path} is no regular file: name one")
    return UnreadableReference(f"there is no file {path}: make it, or name another one (paths start at VAR_DIR)")


def _from_environment(name: str) -> str:
    try:
        return os.environ[name]
    except (KeyError, ValueError):
        raise UnreadableReference(f"the environment variable {name} is not set: set it, or name another one") from None
