"""manage.py and wsgi.py end with a sentence where the set-up is not sound."""

import os
import subprocess
import sys

import pytest
from django.db import OperationalError, ProgrammingError, connection
from psycopg.errors import AdminShutdown, InsufficientPrivilege, OutOfMemory, UndefinedTable

from credservice.core.startup import does_not_answer, what_it_lacks
from tests.checks.test_start import url_of_the_test_database
from tests.support.paths import ROOT

NOWHERE = {"DATABASE_URL": "postgres://u:p@//nonexistent/db"}
GOOD = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdef",
    "ENCRYPTION_KEYS": "k1:MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
    "ALLOWED_HOSTS": "credentials.example.com",
}


@pytest.fixture
def enter(tmp_path, bare_environment):
    """Run Python in production mode with no more settings than these."""

    def enter(*arguments, **settings):
        environment = {**bare_environment, "VAR_DIR": str(tmp_path), **NOWHERE, **settings}
        command = [sys.executable, "-W", "ignore", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    return enter


def test_a_python_without_django_is_told_which_one_has_it(enter):
    done = enter("-S", "manage.py", "apply")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert ".venv/bin/python manage.py" in done.stderr


def test_the_server_names_every_setting_that_is_missing(enter):
    done = enter("-c", "import credservice.wsgi")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    for name in GOOD:
        assert name in done.stderr


def test_the_server_says_that_the_database_does_not_answer(enter):
    done = enter("-c", "import credservice.wsgi", **GOOD)
    assert done.returncode == 3
    assert done.stderr.startswith("credservice does not start: the database does not answer")
    assert GOOD["SECRET_KEY"] not in done.stderr


@pytest.mark.parametrize(
    "settings", [{"SESSION_SECONDS": "soon"}, {"SECRET_KEY": "", "SECRET_KEY_FILE": "/nonexistent/file"}]
)
def test_a_setting_that_cannot_be_read_is_one_sentence(enter, settings):
    for arguments, status in [(("manage.py", "apply"), 2), (("-c", "import credservice.wsgi"), 3)]:
        done = enter(*arguments, **(GOOD | settings))
        assert done.returncode == status
        assert "A setting cannot be read" in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", ["migrate", "check --database default", "export", "worker --once"])
def test_a_command_says_that_the_database_does_not_answer(enter, arguments):
    done = enter("manage.py", *arguments.split(), **GOOD)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("The database does not answer: ")
    assert "Traceback" not in done.stderr


def test_what_a_database_objects_to_is_no_silence():
    refused = OperationalError("out of memory")
    refused.__cause__ = OutOfMemory("out of memory")
    assert does_not_answer(refused) is None
    refused.__cause__ = AdminShutdown("terminating")
    assert does_not_answer(refused) == "the database does not answer: out of memory"


def test_an_export_that_reads_nothing_writes_nothing(enter):
    done = enter("manage.py", "export", **GOOD)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (
            InsufficientPrivilege(),
            "The database refuses: a right is missing. The tables' owner runs migrate",
        ),
        (UndefinedTable(), "The database lacks what this release needs"),
        (OutOfMemory(), None),
        (None, None),
    ],
)
def test_what_a_database_lacks_is_a_sentence(cause, sentence):
    error = ProgrammingError()
    error.__cause__ = cause
    assert what_it_lacks(error) == sentence or sentence in what_it_lacks(error)


@pytest.mark.django_db(transaction=True)
def test_the_trails_own_refusal_is_no_missing_right(trail):
    with pytest.raises(ProgrammingError) as caught, connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_auditseal")
    assert what_it_lacks(caught.value) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("arguments", ["export", "export_audit", "showmigrations", "help"])
def test_a_reader_who_has_gone_away_is_no_traceback(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-W", "ignore", "manage.py", *arguments.split()]
    environment = os.environ | {"DATABASE_URL": url_of_the_test_database(), "LOG_LEVEL": "ERROR"}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert done.returncode == 1
    assert "The reader went away" in done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipeError" not in done.stderr
