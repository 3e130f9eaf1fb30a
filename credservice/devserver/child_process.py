"""Starts child processes that end when their owner ends, also when the owner is killed with SIGKILL.

The child's shell leaves a one-line watchdog behind and then becomes the program itself. The watchdog reads a pipe whose
only writer is the owner: when the owner goes, however it goes, the read fails and the watchdog sends the signal. A line
instead of the end means that the program ended in good order, and lets the watchdog go without signalling a number
that may be someone else's by now.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from credservice.devserver.os_account import Account

# $0 is the signal's name, $1 the seconds after which follows the one that nothing survives.
_END = "{ kill -$0 $$; while [ $grace -gt 0 ] && kill -0 $$; do sleep 1; grace=$((grace-1)); done; kill -KILL $$; }"
_WATCHDOG = (
    "grace=$1; shift; exec 3<&0 </dev/null; "
    f'(trap "" INT TERM HUP; {{ read -r _ <&3 || {_END}; }} >/dev/null 2>&1 & ); '
    'exec 3<&-; exec "$@"'
)
_OURSELVES = Account()


class LeashedProcess:
    """A program in a session of its own (a terminal's Ctrl-C does not reach it), tied to this process's life."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace: int = 25,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        account: Account = _OURSELVES,
        output: IO[bytes] | int | None = None,
    ) -> None:
        """Start `command`.

        `grace`: seconds that it has to end in once its owner is gone. `output`: where its standard output and error go.
        `account`: whose process it is to be.
        """
        self._stop_signal, self._asked = stop_signal, False
        reader, self._leash = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCHDOG, stop_signal.name.removeprefix("SIG"), str(grace), *map(str, command)],
                stdin=reader,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
                env=env,
                cwd=cwd,
                user=account.uid,
                group=account.gid,
                extra_groups=account.extra_groups,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._leash)
            raise
        finally:
            os.close(reader)

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Return the exit status, when it has ended by itself; ended too where the wait is interrupted."""
        try:
            self._process.wait()
        finally:
            self.stop()
        return self._process.returncode

    def ask_to_end(self) -> None:
        """Send its stop signal; once only, as many a program takes a second one for impatience."""
        if not self._asked and self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
        self._asked = True

    def ends_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, timeout: float = 15.0) -> int:
        """End the program: its stop signal, and SIGKILL after `timeout` seconds. Returns its exit status."""
        self.ask_to_end()
        if not self.ends_within(timeout):
            self._process.kill()
            self._process.wait()
        self._release()
        return self._process.returncode

    def _release(self) -> None:
        if self._leash >= 0:
            with contextlib.suppress(BrokenPipeError):  # the watchdog itself was killed
                os.write(self._leash, b"\n")
            os.close(self._leash)
            self._leash = -1
