"""Secrets in a set-up file: always a reference, ``env:NAME`` or ``file:PATH``, never a value."""

import os
from pathlib import Path

from django.conf import settings

from credservice.setup.problems import BadValue
from credservice.setup.source import Item

MAX_BYTES = 64 * 1024


def read_secret(item: Item) -> str:
    """The text that a reference names, without the line breaks at its end. Raises :class:`BadValue`."""
    kind, _, name = (item.text or "").partition(":")
    if kind not in ("env", "file") or not name.strip():
        raise BadValue(
            "a secret is never written into this file: write env:NAME for an environment variable or file:PATH for a "
            "file that holds it"
        )
    text = (_from_environment if kind == "env" else read_file)(name.strip()).rstrip("\r\n")
    if not text:
        raise BadValue(f"{kind}:{name.strip()} is empty")
    if "\x00" in text:
        raise BadValue(f"{kind}:{name.strip()} holds a NUL character")
    return text


def read_file(name: str) -> str:
    """The text of a file; a relative path starts at ``VAR_DIR``. Raises :class:`BadValue`."""
    path = Path(settings.VAR_DIR) / name
    try:
        if not path.is_file():
            raise _no_file(path)
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _no_file(path) from None
    except OSError as error:
        raise BadValue(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise BadValue(f"{path} is over {MAX_BYTES // 1024} KiB")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise BadValue(f"{path} is no UTF-8 text") from None


def _no_file(path: Path) -> BadValue:
    if path.exists():
        return BadValue(f"{path} is no regular file: name one")
    return BadValue(f"there is no file {path}: make it, or name another one (paths start at VAR_DIR)")


def _from_environment(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise BadValue(f"the environment variable {name} is not set: set it, or name another one") from None
