"""The first step of every entry point: settings that cannot be read end it with a sentence, not with a traceback."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

_SHUTTING_DOWN = "57"  # PostgreSQL's class of states for an operator's intervention


def load_settings() -> None:
    """Read the settings now. Raises ImproperlyConfigured, also for a value of the wrong kind or an unreadable file."""
    try:
        hasattr(settings, "INSTALLED_APPS")
    except (ValueError, OSError) as error:
        raise ImproperlyConfigured(f"A setting cannot be read: {error}. See docs/configuration.md.") from error


def does_not_answer(error: OperationalError) -> str | None:
    """One sentence where the database cannot be reached; None for what a database that is there objects to."""
    state = getattr(error.__cause__, "sqlstate", None)
    if state is not None and not state.startswith(_SHUTTING_DOWN):
        return None
    return f"the database does not answer: {' '.join(str(error).split())}"
