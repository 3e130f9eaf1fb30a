"""gunicorn's own settings: whom it believes, and where it listens."""

import runpy
import socket
import subprocess
import sys

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser

from credservice.local.place import ROOT

FORGED = b"GET /v1/admin/ HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /v1\r\nX-Forwarded-Proto: https\r\n\r\n"


@pytest.mark.parametrize("peer", ["", ("127.0.0.1", 1234)])
def test_nobody_moves_a_request_to_another_path_or_scheme(peer, monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))  # the module would make one for good
    settings, config = runpy.run_module("credservice.gunicorn"), Config()
    for name in ("forwarded_allow_ips", "forwarder_headers", "secure_scheme_headers"):
        config.set(name, settings[name])
    request = next(get_parser(config, iter([FORGED]), peer))
    assert (request.scheme, [name for name, _ in request.headers]) == ("http", ["HOST", "X-FORWARDED-PROTO"])


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


@pytest.mark.parametrize(
    "settings", [{"BIND": "x.invalid"}, {"PORT": "http"}, {"WEB_WORKERS": "x"}, {"WEB_THREADS": "0"}], ids=str
)
def test_a_setting_that_it_cannot_use_is_named(tmp_path, settings):
    done = serve(tmp_path, **{"PORT": "0"} | settings)
    [(name, value)] = settings.items()
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith(f"credservice does not start: {name}={value} is no ")
    assert "Traceback" not in done.stderr
