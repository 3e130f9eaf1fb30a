#!/usr/bin/env python
"""Django's command line. Works beside `make run` with nothing exported: settings find what it keeps under var/."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError


def main() -> int | str:
    """The exit status, or the sentence to end with."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credservice.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    try:
        hasattr(settings, "INSTALLED_APPS")  # loads them: a refusal now, not an "unknown command" later
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 2
    except OperationalError:
        from credservice.local import envfile

        if not envfile.waits_for_run(settings.VAR_DIR):
            raise
        return "The embedded PostgreSQL does not run: start `make run` first."
    return 0


if __name__ == "__main__":
    sys.exit(main())
