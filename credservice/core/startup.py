"""Loads the settings, as every entry point does first: what cannot be read ends it with a sentence, no traceback.

And says of an error of the database what is to be done about it, where that is known.
"""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from psycopg.errors import DiskFull, InsufficientPrivilege, UndefinedColumn, UndefinedTable

from credservice.core.availability import causes, is_away
from credservice.core.checkout import COMMAND

MIGRATE = f"Run: {COMMAND} migrate"
GRANT = (
    "The tables' owner runs migrate, and gives the service's role its rights: "
    f"{COMMAND} grant_role ROLE (docs/operating.md)"
)
_RAISED_BY_A_TRIGGER = "exec_stmt_raise"  # such as the trail's, which nobody may change


def load_settings() -> None:
    """Read the settings now. Raises ImproperlyConfigured, also for a value of the wrong kind or an unreadable file."""
    try:
        hasattr(settings, "INSTALLED_APPS")
    except (ValueError, OSError) as error:
        raise ImproperlyConfigured(f"A setting cannot be read: {error}. See docs/configuration.md.") from error


def start_tracing() -> None:
    """Trace from now on, where the settings ask for it. For a process that serves or works, after its fork."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        from credservice.core.spans import begin

        begin()


def does_not_answer(error: DatabaseError) -> str | None:
    """Say in a sentence that the database cannot be reached; None where one that is there objects to something."""
    if not is_away(error):
        return None
    if "read-only" in str(error):
        return "no server at DATABASE_URL takes writes: name the primary, or all servers with a comma between them"
    return f"the database does not answer: {' '.join(str(error).split())}"


def what_it_lacks(error: BaseException) -> str | None:
    """Say in a sentence what the database lacks: a right, naming the table, or tables, or room. None for anything else.

    ``error`` is the driver's, or has it among its causes.
    """
    for found in causes(error):
        if isinstance(found, InsufficientPrivilege) and found.diag.source_function != _RAISED_BY_A_TRIGGER:
            return f"The database refuses: {found.diag.message_primary or 'a right is missing'}. {GRANT}"
        if isinstance(found, UndefinedTable | UndefinedColumn):
            return f"The database lacks what this release needs: {found.diag.message_primary}. {MIGRATE}"
        if isinstance(found, DiskFull):
            return "The database's disk is full, so nothing can be recorded or handed out: make room on it."
    return None
