"""development.env: made once, kept, for the owner's eyes only."""

import base64
import stat

import environ
import pytest

from credservice.devserver import envfile
from credservice.devserver.file_lock import FileLock

DATABASE = {"DATABASE_URL": "postgres://u:p@//run/here/db", "EMBEDDED_POSTGRES": "yes"}


@pytest.fixture
def path(tmp_path):
    envfile.write(tmp_path / envfile.NAME, DATABASE)
    return tmp_path / envfile.NAME


def test_only_the_owner_reads_it(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_holds_strong_keys_of_its_own(path, tmp_path):
    envfile.write(tmp_path / "other.env", DATABASE)
    values, other = envfile.read(path), envfile.read(tmp_path / "other.env")
    name, _, key = values["ENCRYPTION_KEYS"].partition(":")
    assert (name, len(base64.b64decode(key, validate=True))) == ("k1", 32)
    assert len(values["SECRET_KEY"]) >= 50
    assert {values[key] for key in ("SECRET_KEY", "ENCRYPTION_KEYS")}.isdisjoint(other.values())


def test_settings_read_what_was_written_and_the_environment_wins(path, monkeypatch):
    monkeypatch.setattr("os.environ", {"SECRET_KEY": "from the environment"})
    monkeypatch.setattr(environ.Env, "ENVIRON", __import__("os").environ)
    environ.Env.read_env(path, overwrite=False)
    assert envfile.read(path) | {"SECRET_KEY": "from the environment"} == environ.Env.ENVIRON


def test_a_second_write_keeps_keys_and_changes_only_the_database(path):
    before = envfile.read(path)
    envfile.write(path, {"DATABASE_URL": "postgres:///other", "EMBEDDED_POSTGRES": "no"})
    assert envfile.read(path) == before | {"DATABASE_URL": "postgres:///other", "EMBEDDED_POSTGRES": "no"}


def test_lines_of_the_user_stay(path):
    path.write_text(path.read_text() + "# mine\nLOG_LEVEL=DEBUG")
    envfile.write(path, {**DATABASE, "DATABASE_URL": "postgres:///other"})
    assert "# mine\n" in path.read_text()
    assert envfile.read(path)["LOG_LEVEL"] == "DEBUG"
    assert envfile.read(path)["DATABASE_URL"] == "postgres:///other"


def test_an_interrupted_write_is_overcome(path):
    path.with_suffix(".unfinished").write_text("half of")
    envfile.write(path, {**DATABASE, "DATABASE_URL": "postgres:///other"})
    assert not path.with_suffix(".unfinished").exists()


def test_the_embedded_database_waits_for_a_run(path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", DATABASE["DATABASE_URL"])
    assert envfile.waits_for_run(path.parent)


def test_it_does_not_wait_while_a_run_serves(path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", DATABASE["DATABASE_URL"])
    lock = FileLock(path.parent / envfile.RUN_LOCK)
    assert lock.acquire()
    assert not envfile.waits_for_run(path.parent)
    lock.release()


def test_a_database_of_the_users_own_waits_for_nothing(path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    assert not envfile.waits_for_run(path.parent)
