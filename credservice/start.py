"""The first step of every entry point: settings that cannot be read end it with a sentence, not with a traceback."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def load_settings() -> None:
    """Read the settings now. Raises ImproperlyConfigured, also for a value of the wrong kind or an unreadable file."""
    try:
        hasattr(settings, "INSTALLED_APPS")
    except (ValueError, OSError) as error:
        raise ImproperlyConfigured(f"A setting cannot be read: {error}. See docs/configuration.md.") from error
