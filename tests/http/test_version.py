"""The release says which one it is wherever somebody asks, and it is written down once."""

import platform
import subprocess
import sys
import tomllib

import pytest
from rest_framework.test import APIClient

from credservice import __version__
from credservice.http.outgoing import client as outgoing
from tests.support.http_server import Answer, http_server
from tests.support.paths import ROOT


def test_it_is_written_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "credservice.__version__"}


def test_the_changelog_has_a_section_for_it_or_for_what_comes_next():
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0] == "## Unreleased" or headings[0].startswith(f"## {__version__} - ")


@pytest.mark.parametrize("argument", ["--version", "version"])
def test_the_command_tells_it_without_any_setting(argument, tmp_path):
    command = [sys.executable, ROOT / "manage.py", argument]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=True)
    assert done.stdout == f"credservice {__version__}\n"


def test_the_probe_tells_it(client):
    assert client.get("/healthz").json()["version"] == __version__


@pytest.mark.django_db
def test_prometheus_counts_processes_by_it(client):
    line = f'credservice_build_info{{python="{platform.python_version()}",version="{__version__}"}} 1.0'
    assert line in client.get("/metrics").content.decode().splitlines()


def test_the_description_of_the_api_tells_it():
    assert (
        APIClient().get("/api/schema/", headers={"Accept": "application/json"}).json()["info"]["version"] == __version__
    )


def test_whom_we_call_is_told_it(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with http_server(lambda _: Answer()) as server, outgoing() as http:
        http.get(server.url)
    assert server.received[0].headers["user-agent"] == f"credservice/{__version__}"
