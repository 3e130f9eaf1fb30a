"""A database that cannot do is told before anything is written to it."""

import os
import secrets

import psycopg
import pytest

from tests.checks.test_start import check_refusal, run
from tests.support.live import conninfo, drop_database, own_database

SENTENCE = "The database's encoding is SQL_ASCII; it must be UTF8. Make another one: CREATE DATABASE"


@pytest.fixture(scope="module")
def ascii_database():
    base = os.environ["DATABASE_URL"]
    name = f"ascii_{secrets.token_hex(6)}"
    with psycopg.connect(conninfo(base), autocommit=True) as server:
        provider = "LOCALE_PROVIDER libc" if server.info.server_version >= 150000 else ""
        locale = f"{provider} LC_COLLATE 'C' LC_CTYPE 'C'"
        server.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 {locale}")
        yield f"{base.partition('?')[0].rpartition('/')[0]}/{name}"
        drop_database(server, name)


@pytest.mark.parametrize("command", ["migrate -v0", "check --database default"])
def test_a_command_refuses_a_database_that_is_not_utf8(ascii_database, command, tmp_path):
    done = run(["manage.py", *command.split()], {"DATABASE_URL": ascii_database}, tmp_path)
    check_refusal(done, 1, "credservice.E016", SENTENCE)


@pytest.mark.parametrize("command", [["-c", "import credservice.wsgi"], ["manage.py", "worker", "--once"]])
def test_nothing_starts_on_a_database_that_is_not_utf8(ascii_database, command, tmp_path):
    check_refusal(run(command, {"DATABASE_URL": ascii_database}, tmp_path), 3, "credservice.E016", SENTENCE)


def test_migrate_says_which_settings_are_missing_as_the_others_do(tmp_path):
    names = ("SECRET_KEY", "ENCRYPTION_KEYS", "ALLOWED_HOSTS", "DATABASE_URL", "PUBLIC_URL")
    commands = (["migrate"], ["worker"], ["check", "--database", "default"])
    told = [run(["manage.py", *command], dict.fromkeys(names, ""), tmp_path) for command in commands]
    for done in told:
        assert done.returncode == 1
        assert not [number for number in ("E001", "E002", "E003", "E013") if number not in done.stderr]
        assert "Traceback" not in done.stderr
        assert "does not answer" not in done.stderr


@pytest.mark.parametrize("command", [["-c", "import credservice.wsgi"], ["manage.py", "worker", "--once"]])
def test_nothing_starts_on_a_server_that_only_reads(command, tmp_path):
    url = f"{os.environ['DATABASE_URL'].partition('?')[0]}?options=-c%20default_transaction_read_only%3Don"
    done = run(command, {"DATABASE_URL": url}, tmp_path)
    assert done.returncode != 0
    assert "o server at DATABASE_URL takes writes: name the primary" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["-c", "import credservice.wsgi"], ["manage.py", "worker", "--once"]])
def test_nothing_starts_on_the_schema_of_an_earlier_release(command, tmp_path):
    with own_database() as earlier:
        done = run(command, {"DATABASE_URL": earlier}, tmp_path)
    check_refusal(done, 3, "credservice.E020", "The database lacks what this release needs: the migration ")
    assert "Run: .venv/bin/python manage.py migrate" in done.stderr
