"""Tell a probe of the workers on this machine."""

import asyncio
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from credservice.core import worker_health
from credservice.core.worker_health import FOLDER, Heart, report


def beating(var_dir: Path, look: Callable[[], object], *, is_at_work: bool = True) -> object:
    """Return what ``look`` does while a heart beats."""

    async def run() -> object:
        with Heart(var_dir) as heart:
            beats = asyncio.create_task(heart.keep_beating(lambda: is_at_work))
            await asyncio.sleep(0)
            found = look()
            beats.cancel()
            await asyncio.wait([beats])
            return found

    return asyncio.run(run())


@contextmanager
def written(path: Path, text: str) -> Iterator[None]:
    """A file that a living worker keeps."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(text)
        file.flush()
        yield


def test_where_none_runs_it_says_so(tmp_path):
    assert report(tmp_path) == (False, f"No worker runs here: none keeps its file in {tmp_path / FOLDER}.")


def test_one_that_beats_is_alive_until_it_ends(tmp_path):
    is_well, sentence = beating(tmp_path, lambda: report(tmp_path))
    assert (is_well, sentence.endswith("is alive: its last sign of life is 0 s old.")) == (True, True)
    assert (report(tmp_path)[0], list((tmp_path / FOLDER).iterdir())) == (False, [])


def test_one_that_waits_for_its_database_is_alive(tmp_path):
    is_well, sentence = beating(tmp_path, lambda: report(tmp_path), is_at_work=False)
    assert (is_well, "has waited for its database for 0 s" in sentence) == (True, True)


def test_one_whose_loop_stands_still_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_health, "HANGS_AFTER", -1)
    is_well, sentence = beating(tmp_path, lambda: report(tmp_path))
    assert (is_well, "hangs: its last sign of life" in sentence) == (False, True)


def test_what_a_killed_one_left_is_not_taken_for_one_that_hangs_and_the_next_clears_it_away(tmp_path):
    left = tmp_path / FOLDER / "4711.json"
    left.parent.mkdir()
    left.write_text(json.dumps([time.monotonic() - 1000, None]))
    assert report(tmp_path)[1].startswith("No worker runs here")
    assert beating(tmp_path, left.exists) is False


@pytest.mark.parametrize("text", ["", "[", "5", '["x"]'])
def test_what_cannot_be_read_is_no_sign_of_life(tmp_path, text):
    with written(tmp_path / FOLDER / f"{socket.gethostname()}-1.json", text):
        assert report(tmp_path)[1].startswith("No worker runs here")
        assert "is alive" in beating(tmp_path, lambda: report(tmp_path)[1])


def test_one_of_another_machine_that_shares_the_folder_is_not_told_of_and_keeps_its_file(tmp_path):
    other = tmp_path / FOLDER / f"other.{socket.gethostname()}-{os.getpid()}.json"
    with written(other, json.dumps([time.monotonic() - 1000, None])):
        assert report(tmp_path)[1].startswith("No worker runs here")
        assert beating(tmp_path, lambda: (report(tmp_path)[0], other.exists())) == (True, True)


def test_one_that_waits_from_its_start_says_since_when(tmp_path):
    with Heart(tmp_path) as heart:
        for _ in range(2):
            heart.beat(is_at_work=False)
        assert "has waited for its database for 0 s" in report(tmp_path)[1]


def test_a_folder_that_cannot_be_written_to_stops_no_worker(tmp_path):
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    assert beating(tmp_path, lambda: "at work") == "at work"


@pytest.fixture
def told(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield lambda: [systemd.recv(64) for _ in range(2)]


def test_systemd_is_told_that_it_is_ready_and_alive(tmp_path, told):
    assert beating(tmp_path, told) == [b"READY=1", b"WATCHDOG=1"]
