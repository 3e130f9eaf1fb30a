"""The fixtures of a signed-in console, with one row of everything."""

from tests.support.console import (
    _every_refusal_recorded,
    _plain_static_files,
    _quick_passwords,
    admin,
    console,
    worker,
    world,
)

__all__ = [
    "_every_refusal_recorded",
    "_plain_static_files",
    "_quick_passwords",
    "admin",
    "console",
    "worker",
    "world",
]
