"""Opens the database past a pooler, by DATABASE_DIRECT_URL where it is set, for what needs a session of its own."""

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler


def is_chosen() -> bool:
    """Tell whether it is another address than the one that everything else goes to."""
    return settings.DIRECT_DATABASE is not settings.DATABASES[DEFAULT_DB_ALIAS]


def new_connection() -> BaseDatabaseWrapper:
    """Make a connection of Django's, which opens with its first statement."""
    return ConnectionHandler({DEFAULT_DB_ALIAS: settings.DIRECT_DATABASE})[DEFAULT_DB_ALIAS]


def parameters() -> dict[str, Any]:
    """Return the driver's parameters for connections that are not Django's."""
    found: dict[str, Any] = new_connection().get_connection_params()
    del found["cursor_factory"], found["context"]
    return found


def use_it() -> None:
    """Have all of this process's statements go there from now on."""
    if is_chosen():
        connection.close()
        connection.settings_dict.update(settings.DIRECT_DATABASE)
