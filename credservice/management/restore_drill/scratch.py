"""Makes a scratch database, brings a dump back into it, and drops it, whatever happens in between."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from credservice.management.restore_drill import Unusable
from credservice.management.restore_drill.libpq import Config, connect, for_programs

PREFIX = "credservice_restore_drill_"
_ARCHIVE, _TAR = b"PGDMP", b"toc.dat\x00"  # how pg_dump's custom and tar formats begin
_COMPLETE = b"-- PostgreSQL database dump complete"  # how a plain one ends
_TAIL = 4096
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user
"""
_SHOWN = 800  # characters of what a program says


@contextmanager
def scratch_database(server: Config) -> Iterator[Config]:
    """Make an empty database on the server, and drop it at the end. Raises :class:`Unusable` where it cannot.

    Signals wait while it is made and while it is dropped: Ctrl-C would leave a copy, with everything that is in it.
    """
    name = f"{PREFIX}{secrets.token_hex(6)}"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        _create(server, name)
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield {**server, "NAME": name}
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            _drop(server, name)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _create(server: Config, name: str) -> None:
    create = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0")
    try:
        with connect(server) as connection:
            connection.execute(create.format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise Unusable(
            f"No scratch database can be made on the server of RESTORE_DATABASE_URL: {_one_line(str(error))}. "
            "Its role needs CREATEDB, and its database is only connected to."
        ) from None


def _drop(server: Config, name: str) -> None:
    try:
        with connect(server) as connection:
            # Not WITH (FORCE), which is refused while autovacuum is at work there. Without it that is ended.
            connection.execute(_END_SESSIONS, [name])
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise Unusable(f"The scratch database {name} is still there: {_one_line(str(error))}. Drop it.") from None


def left_behind(server: Config) -> list[str]:
    """Name the scratch databases of drills that were killed, or are under way."""
    with connect(server) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        return [name for (name,) in found.fetchall()]


def restore(dump: Path, target: Config) -> None:
    """Bring the dump back. Raises :class:`Unusable` where it is not whole, or PostgreSQL's program refuses it."""
    conninfo, environment = for_programs(target)
    if is_archive(dump):
        # Whose the tables are, and who else may use them, says the server that it is brought back to for good.
        options = ("--exit-on-error", "--no-owner", "--no-privileges", "--no-comments")
        command = ["pg_restore", *options, f"--dbname={conninfo}", str(dump)]
    else:
        _check_plain(dump)
        command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={conninfo}", f"--file={dump}"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed names, found on PATH as an operator's shell finds them
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    except FileNotFoundError:
        raise Unusable(f"{command[0]} is not on PATH: install PostgreSQL's client programs.") from None
    if done.returncode:
        said = _one_line(done.stderr.decode(errors="replace"))[:_SHOWN]
        raise Unusable(f"{dump} cannot be restored: {said or f'{command[0]} ended with {done.returncode}'}")


def is_archive(dump: Path) -> bool:
    """Tell pg_restore's formats from SQL. Raises :class:`Unusable` for a file that cannot be read."""
    if dump.is_dir():
        return True
    try:
        with dump.open("rb") as file:
            return file.read(len(_TAR)).startswith((_ARCHIVE, _TAR))
    except OSError as error:
        raise Unusable(f"{dump}: {error.strerror}.") from None


def _check_plain(dump: Path) -> None:
    """Find what psql would do without a word: end with half of the rows, or go to another database."""
    with dump.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        if _COMPLETE not in file.read():
            raise Unusable(f"{dump} is no dump of PostgreSQL, or its end is missing.")
        file.seek(0)
        if any(line.startswith((b"\\connect", b"\\c ")) for line in file):
            raise Unusable(f"{dump} names its own database (pg_dump --create): make it without, or in custom format.")


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
