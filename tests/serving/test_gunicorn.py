"""Checks what the server needs before Django is loaded: where it listens, how many processes and threads."""

import fcntl
import os
import runpy
import select
import socket
import subprocess
import sys

import pytest

from tests.support.paths import ROOT


def serve(tmp_path, **settings):
    """gunicorn with our settings and another application, which needs no database, until it ends."""
    command = [sys.executable, "-m", "gunicorn", "-c", "python:credservice.gunicorn", "wsgiref.simple_server:demo_app"]
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)} | settings
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_it_does_not_share_a_port_with_somebody_who_listens_there(tmp_path):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = serve(tmp_path, PORT=str(port))
    sentence = f"Port {port} on 127.0.0.1 cannot be used (Address already in use): choose another one with PORT=..."
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1] == f"credservice does not start: {sentence}"


def test_of_the_folders_that_others_left_it_removes_what_is_its_own_and_locked_by_nobody(tmp_path):
    left, held, link, elsewhere, file = (
        tmp_path / name
        for name in (
            "credservice-metrics-left",
            "credservice-metrics-held",
            "credservice-metrics-1-x",
            "credservice-metrics-2-x",
            "credservice-metrics-3-x",
        )
    )
    left.mkdir()
    (left / "counter_1.db").write_bytes(b"1")
    held.mkdir()
    (tmp_path / "other").mkdir()
    link.symlink_to(tmp_path / "nowhere")
    elsewhere.symlink_to(tmp_path / "other")
    file.write_bytes(b"")
    lock = os.open(held, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        # A name with nothing behind it: no address is found, and it ends once it has looked around.
        done = serve(tmp_path, PROMETHEUS_MULTIPROC_DIR="", TMPDIR=str(tmp_path), BIND="x.invalid")
    finally:
        os.close(lock)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert {path.name for path in tmp_path.iterdir()} == {held.name, link.name, elsewhere.name, file.name, "other"}


@pytest.mark.parametrize(
    "settings",
    [{"BIND": "x.invalid"}, {"PORT": "http"}, {"WEB_WORKERS": "x"}, {"WEB_THREADS": "0"}, {"DRAIN_SECONDS": "-1"}],
    ids=str,
)
def test_a_setting_that_it_cannot_use_is_named(tmp_path, settings):
    done = serve(tmp_path, **{"PORT": "0"} | settings)
    [(name, value)] = settings.items()
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith(f"credservice does not start: {name}={value} is no ")
    assert "Traceback" not in done.stderr


def test_without_epoll_gunicorns_own_worker_serves(monkeypatch, tmp_path):
    """For development on other systems."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))  # the module would make one for good
    assert runpy.run_module("credservice.gunicorn")["worker_class"] == "credservice.serving.worker.DoorWorker"
    monkeypatch.delattr(select, "epoll")
    assert runpy.run_module("credservice.gunicorn")["worker_class"] == "gthread"
