"""Makes the application that a WSGI server loads: `gunicorn -c python:credservice.gunicorn credservice.wsgi`."""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connections

from credservice.core.startup import does_not_answer, load_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credservice.settings")
_NOT_STARTED = 3  # gunicorn gives up at once on this status, instead of trying again


def _load() -> WSGIHandler:
    """Load the application of a sound set-up; anything else ends the process with a sentence on its error output."""
    try:
        load_settings()
        django.setup(set_prefix=False)
        from credservice.handlers import Application  # here: its layers need Django's settings

        application = Application()
        _check()
    except ImproperlyConfigured as error:
        raise _not_started(str(error)) from None
    except PermissionError as error:
        raise _not_started(f"this process's user may not open {error.filename}. Give it the right to.") from None
    except OperationalError as error:
        sentence = does_not_answer(error) or f"the database refuses: {' '.join(str(error).split())}"
        raise _not_started(sentence) from None
    return application


def _not_started(sentence: str) -> SystemExit:
    print(f"credservice does not start: {sentence}", file=sys.stderr)
    return SystemExit(_NOT_STARTED)


def _check() -> None:
    # Here: it needs models, which are there once Django is loaded.
    from credservice.checks import refuse_unsound_start

    try:
        refuse_unsound_start(serving=True)
    finally:
        connections.close_all()  # the workers are forked from here: none may inherit one


application = _load()
