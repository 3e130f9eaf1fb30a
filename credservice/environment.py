"""Reading settings from the environment: what cannot be read is told with the name of its variable."""

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


class Environment(environ.FileAwareEnv):  # type: ignore[misc]  # it brings no types
    """``NAME``, or the content of the file that ``NAME_FILE`` names. Raises ImproperlyConfigured, never with a value
    of ``NAME_FILE``'s file in it."""

    def get_value(self, var: str, *args: Any, **options: Any) -> Any:
        """The value of ``var``; see django-environ's Env.get_value."""
        one_of(var)
        try:
            return super().get_value(var, *args, **options)
        except OSError as error:
            raise _refusal(f"{var}_FILE", f"{error.strerror}: {os.environ.get(f'{var}_FILE')}") from None
        except UnicodeDecodeError:
            raise _refusal(f"{var}_FILE", "the file is no UTF-8 text") from None
        except ValueError as error:
            raise _refusal(var, str(error)) from None

    def number(self, name: str, default: int, least: int = 0) -> int:
        """A whole number, ``least`` or more."""
        number = int(self.int(name, default=default))
        if number < least:
            raise _refusal(name, f"{number} is less than {least}")
        return number


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


def _refusal(name: str, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"A setting cannot be read: {name}: {reason}. See docs/configuration.md.")
