#!/usr/bin/env python
"""Django's command line. Works beside `make run` with nothing exported: settings find what it keeps under var/."""

import os
import sys

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError
except ModuleNotFoundError:
    sys.exit("This Python has no Django. Write: .venv/bin/python manage.py ... (`make run` makes .venv).")


def main() -> int:
    """The exit status: 2 where the settings refuse, 1 where the database, a key or a key service is missing, otherwise
    the command's."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credservice.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from credservice.crypto.envelope import SealError
    from credservice.crypto.keyring import KeyServiceError
    from credservice.start import does_not_answer, load_settings

    try:
        load_settings()  # now: later a refusal becomes an "unknown command"
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyServiceError, SealError) as error:
        print(f"{error}. See docs/keys.md.", file=sys.stderr)
        return 1
    except OperationalError as error:
        from credservice.local import envfile

        sentence = does_not_answer(error)
        if sentence is None:
            raise
        if envfile.waits_for_run(settings.VAR_DIR):
            sentence = "The embedded PostgreSQL does not run: start `make run` first."
        print(sentence[0].upper() + sentence[1:], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
