"""Makes and knows the files of one embedded PostgreSQL cluster: its folder, programs, passwords and data."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from credservice.devserver import Refusal
from credservice.devserver.child_process import LeashedProcess
from credservice.devserver.os_account import Account, home_for, programs_for

ADMIN = "postgres"
OWNER = "credservice"
# The same on every machine, whatever its languages: sorting by code point, letters by Unicode.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_SOCKET_NAME = "/.s.PGSQL.5432"
_LONGEST_SOCKET = 103  # sun_path holds 104 bytes with its final NUL on macOS, 108 on Linux


class Cluster:
    """The files that belong to `state_dir`; opening it makes what is missing. The caller holds the folder's lock."""

    def __init__(self, state_dir: Path, *, durable: bool) -> None:
        self.account = Account.choose()
        self.home = home_for(state_dir, self.account, durable=durable)
        self._thrown_away = not durable and self.home != state_dir
        self.programs = programs_for(self.home, self.account)
        self.data = self.home / "data"
        self.log = state_dir / "postgres.log"
        self._passwords = self.home / "passwords"
        self._distant_socket = state_dir / "socket-at"
        if not self.data.exists():
            self._initialise(sync=durable)
        if self.data.stat().st_uid != (os.geteuid() if self.account.uid is None else self.account.uid):
            raise Refusal(f"{self.data} belongs to another user: run as that user, or choose another VAR_DIR.")

    @property
    def _environment(self) -> dict[str, str]:
        """For the programs. Nothing of ours is in it: they need no key of the service."""
        return {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self.home)}

    def password(self, role: str) -> str:
        return self._passwords.read_text().splitlines()[(ADMIN, OWNER).index(role)]

    def make_socket_dir(self) -> Path:
        """Make an empty folder for the socket; elsewhere where a socket's address cannot hold a path this deep."""
        self._remove_distant_socket_dir()
        folder = self.home / "socket"
        if len(os.fsencode(folder)) + len(_SOCKET_NAME) <= _LONGEST_SOCKET:
            self._make_folder(folder)
            return folder
        folder = Path(tempfile.mkdtemp(prefix="credservice-"))
        self.account.own(folder)
        self._distant_socket.write_text(str(folder))
        return folder

    def _remove_distant_socket_dir(self) -> None:
        if self._distant_socket.exists():
            shutil.rmtree(self._distant_socket.read_text(), ignore_errors=True)
            self._distant_socket.unlink()

    def _make_folder(self, path: Path) -> None:
        """An empty folder that only the server's account may enter."""
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        self.account.own(path)

    def remove_strays(self) -> None:
        """Remove, after a stop, what was put outside the state folder for this run only."""
        self._remove_distant_socket_dir()
        if self._thrown_away:
            shutil.rmtree(self.home, ignore_errors=True)

    def running_server(self) -> int | None:
        """Return the process id of a PostgreSQL at work on the data, if any.

        A pid file whose number by now is another program's (after a reboot, in a container) is removed; one whose
        process is gone is left to PostgreSQL, which first looks for what that server's backends left.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            if Path(psutil.Process(pid).cwd()) == self.data.resolve():
                return pid
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None
        except (ValueError, psutil.AccessDenied):
            pass  # cut off while being written; or a process of an account that is not ours
        pid_file.unlink(missing_ok=True)
        return None

    def _initialise(self, *, sync: bool) -> None:
        """Run initdb in a folder that gets its name when complete: an interrupted one is no cluster."""
        self._make_passwords()
        unfinished = self.home / "data.unfinished"
        self._make_folder(unfinished)
        command = [str(self.programs / "initdb"), "--pgdata", str(unfinished), "--username", ADMIN, *_LOCALE]
        command += ["--auth", "scram-sha-256", "--pwfile", str(self._passwords), *([] if sync else ["--no-sync"])]
        if self.launch(command).wait():
            raise Refusal(f"PostgreSQL's initdb failed; its output ends with: {self.log_tail()}")
        unfinished.rename(self.data)

    def launch(self, command: Sequence[str | Path], stop_signal: signal.Signals = signal.SIGTERM) -> LeashedProcess:
        """Start one of the programs, under the account, with its output in the log."""
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            return LeashedProcess(
                command,
                stop_signal=stop_signal,
                env=self._environment,
                cwd=self.home,
                account=self.account,
                output=output,
            )

    def log_tail(self, lines: int = 5) -> str:
        """Return the last lines that the program launched last has written."""
        text = self.log.read_bytes()[self._log_start :].decode(errors="replace")
        return " | ".join(text.strip().splitlines()[-lines:])

    def _make_passwords(self) -> None:
        """One line for each role; initdb reads the first."""
        self._passwords.unlink(missing_ok=True)
        self._passwords.touch(mode=0o600)
        self._passwords.write_text("".join(f"{secrets.token_urlsafe(32)}\n" for _ in (ADMIN, OWNER)))
        self.account.own(self._passwords)
