"""Reads settings from the environment, or from files; what cannot be read is told with the name of its variable."""

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, overload

import environ
from django.core.exceptions import ImproperlyConfigured

from credservice.core.database_url import UnreadableAddress, read_database_url
from credservice.core.setting_forms import fault_of_text

FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def read_value(file: Path) -> str:
    """Read the one value that a file holds, without what editors add: a byte order mark, line breaks at the end.

    Raises OSError, and UnicodeDecodeError for what is no UTF-8.
    """
    return file.read_bytes().decode("utf-8-sig").rstrip("\r\n")


class Environment:
    """Reads ``NAME``, or the file that ``NAME_FILE`` names. Raises ImproperlyConfigured, which quotes no file."""

    def text(self, name: str, default: str = "") -> str:
        value = _without_quotes(name)
        return default if value is None else value

    def secret(self, name: str) -> str:
        """Read a text as it is, quotes included: it is compared with nothing but itself."""
        return _value(name) or ""

    def texts(self, name: str, default: Iterable[str] = (), among: Collection[str] = ()) -> list[str]:
        """Read texts with commas between them, each one of ``among`` where these are given."""
        value = _value(name)
        texts = list(default) if value is None else [part.strip() for part in value.split(",") if part.strip()]
        if among and not set(texts) <= set(among):
            raise _refusal(name, f"it takes {', '.join(among)}, with a comma between them")
        return texts

    def number(self, name: str, default: int, least: int = 0) -> int:
        """Read a whole number, ``least`` or more."""
        value = _value(name)
        try:
            number = default if value is None else int(value)
        except ValueError as error:
            raise _refusal(name, str(error)) from None
        if number < least:
            raise _refusal(name, f"{number} is less than {least}")
        return number

    @overload
    def flag(self, name: str, default: bool) -> bool: ...

    @overload
    def flag(self, name: str, default: None) -> bool | None: ...

    def flag(self, name: str, default: bool | None) -> bool | None:
        """Read true or false, in one of their usual words."""
        value = _value(name)
        try:
            return default if value is None else FLAGS[value.strip().lower()]
        except KeyError:
            raise _refusal(name, "write true or false") from None

    def json(self, name: str, default: Any) -> Any:
        value = _without_quotes(name)
        try:
            return default if value is None else json.loads(value)
        except ValueError as error:
            raise _refusal(name, str(error)) from None

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Read the address of a PostgreSQL as Django's settings have it."""
        try:
            return read_database_url(self.text(name) or default)
        except UnreadableAddress as error:
            raise ImproperlyConfigured(f"{name} {error}") from None


def one_of(name: str) -> None:
    """Refuse ``NAME`` and ``NAME_FILE`` at once: one would win, and nobody be told which."""
    if os.environ.get(name) and os.environ.get(f"{name}_FILE"):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Take one of them out.")


def read_beside(file: Path) -> None:
    """Add the file's variables to the environment, which wins over them, also by ``NAME_FILE``."""
    given = set(os.environ)
    environ.Env.read_env(file, overwrite=False)
    for name in set(os.environ) - given:
        if os.environ.get(f"{name}_FILE"):
            del os.environ[name]


def _without_quotes(name: str) -> str | None:
    """Only a shell takes quotes off: env files of containers and service managers may leave them on."""
    value = _value(name)
    fault = fault_of_text(value or "")
    if fault:
        raise _refusal(name, f"it {fault}")
    return value


def _value(name: str) -> str | None:
    one_of(name)
    file = os.environ.get(f"{name}_FILE")
    if not file:
        return os.environ.get(name)
    try:
        return read_value(Path(file))
    except OSError as error:
        raise _refusal(f"{name}_FILE", f"{error.strerror}: {file}") from None
    except UnicodeDecodeError:
        raise _refusal(f"{name}_FILE", "the file is no UTF-8 text") from None


def _refusal(name: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"A setting cannot be read: {name}: {reason}. See docs/configuration.md.")
