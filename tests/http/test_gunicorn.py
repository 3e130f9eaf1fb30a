"""gunicorn's own settings: whom it believes."""

import runpy

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser

FORGED = b"GET /v1/admin/ HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /v1\r\nX-Forwarded-Proto: https\r\n\r\n"


@pytest.mark.parametrize("peer", ["", ("127.0.0.1", 1234)])
def test_nobody_moves_a_request_to_another_path_or_scheme(peer, monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))  # the module would make one for good
    settings, config = runpy.run_module("credservice.gunicorn"), Config()
    for name in ("forwarded_allow_ips", "forwarder_headers", "secure_scheme_headers"):
        config.set(name, settings[name])
    request = next(get_parser(config, iter([FORGED]), peer))
    assert (request.scheme, [name for name, _ in request.headers]) == ("http", ["HOST", "X-FORWARDED-PROTO"])
