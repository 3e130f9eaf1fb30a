"""Throwaway set-ups leave nothing behind, also not those of killed processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from credservice.devserver import ephemeral
from tests.devserver.processes import first_line, gone

OWNER = """
import os, time
os.environ.pop("DATABASE_URL", None)
from credservice.devserver.ephemeral import throwaway
with throwaway() as environment:
    print(environment["VAR_DIR"], flush=True)
    time.sleep(60)
"""


def test_nothing_is_left_afterwards(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres:///mine")
    with ephemeral.throwaway() as environment:
        folder = Path(environment["VAR_DIR"]).parent
        assert "DATABASE_URL" not in environment
    assert not folder.exists()


def test_what_a_killed_process_left_is_swept_and_what_lives_is_not(monkeypatch):
    monkeypatch.setattr(ephemeral, "_STARTING_SECONDS", -60)
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        folder = Path(first_line(owner)).parent
        server = int((folder / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])
        ephemeral._sweep()
        assert folder.exists()
        owner.send_signal(signal.SIGKILL)
    assert gone(server)
    ephemeral._sweep()
    assert not folder.exists()


def test_a_command_runs_in_a_set_up_of_its_own():
    show = "import os; print(os.environ['VAR_DIR'], os.environ['ENCRYPTION_KEYS'])"
    command = [sys.executable, "-m", "credservice.devserver", "throwaway", sys.executable, "-c", show]
    var_dir, keys = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not os.path.exists(var_dir)
    assert keys != os.environ["ENCRYPTION_KEYS"]
