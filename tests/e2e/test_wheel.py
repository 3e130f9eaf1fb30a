"""The wheel, installed into an empty environment, away from the checkout."""

import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from credservice import __version__
from credservice.devserver.envfile import random_keys
from tests.devserver.running import bare_environment
from tests.support.live import READY_SECONDS, free_port, own_database
from tests.support.paths import ROOT

DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
# Neither what a build reads nor part of a checkout.
LEFT_OUT = shutil.ignore_patterns(".*", "var", "build", "tests", "*.egg-info", "__pycache__")


class Installed:
    """An environment with the wheel and its extra `demo`, at the versions that are locked."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        self.command = str(self.bin / "credservice")
        self._folder = folder
        source = shutil.copytree(ROOT, folder / "source", ignore=LEFT_OUT)
        self._run(
            sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source, source / "credservice_client"
        )
        (wheel,) = folder.glob("credservice-*.whl")
        versions = folder / "versions.txt"
        locked = (ROOT / "requirements/run.txt").read_text()
        versions.write_text("\n".join(re.findall(r"^\S+==[^\\\n]+", locked, re.MULTILINE)))
        self._run(sys.executable, "-m", "venv", folder / "venv")
        self._run(self.bin / "pip", "install", "-q", "-c", versions, f"{wheel}[demo]")
        shutil.rmtree(source)

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(command, env=bare_environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def install_client(self, folder: Path) -> None:
        (wheel,) = self._folder.glob("credservice_client-*.whl")
        self._run(self.bin / "pip", "install", "-q", "--target", folder, wheel)

    @contextlib.contextmanager
    def without_development_server(self) -> Iterator[None]:
        (package,) = self.bin.parent.glob("lib/*/site-packages/credservice/devserver")
        aside = package.rename(self.bin.parent / "aside")
        try:
            yield
        finally:
            aside.rename(package)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def empty():
    """A folder that PostgreSQL's account can reach also when the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="credservice-empty-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_one_command_in_an_empty_folder_answers_a_signed_exchange(installed, empty):
    environment = bare_environment() | {"PORT": str(free_port())}
    with subprocess.Popen([installed.command, "demo"], cwd=empty, env=environment, stdout=-1, text=True) as demo:
        shown = []
        for line in demo.stdout:
            shown.append(line.strip())
            if "Ctrl-C" in line:
                break
        try:
            (typed,) = [line for line in shown if " simulate_exchange " in line]
            done = subprocess.run(shlex.split(typed), cwd=empty, env=environment, capture_output=True, text=True)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate()
    assert (done.returncode, demo.returncode) == (0, 0), (shown, done)
    assert set(json.loads(done.stdout)) == {"apiKey"}


def test_it_serves_in_production_without_the_development_server(installed, tmp_path):
    port = free_port()
    with own_database() as url, installed.without_development_server():
        environment = bare_environment() | random_keys() | {
            "DATABASE_URL": url,
            "ALLOWED_HOSTS": "localhost",
            "PUBLIC_URL": "https://credentials.example.com",
            "VAR_DIR": str(tmp_path),
            "STATIC_ROOT": str(tmp_path / "pages"),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "PORT": str(port),
        }  # fmt: skip
        collect_as_the_image_does(installed, Path(environment["STATIC_ROOT"]))
        for command in (["migrate", "-v", "0"], ["worker", "--once"]):
            subprocess.run([installed.command, *command], cwd="/", env=environment, check=True)
        with subprocess.Popen([installed.command, "serve"], cwd="/", env=environment) as server:
            try:
                await_answer(server, port)
                probe, page = (httpx2.get(f"http://localhost:{port}{path}") for path in ("/readyz", "/admin/login/"))
                (style,) = re.findall(r'href="(/static/console/console[^"]*\.css)"', page.text)
                assert (probe.status_code, page.status_code) == (200, 200)
                assert httpx2.get(f"http://localhost:{port}{style}").status_code == 200
            finally:
                server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


def collect_as_the_image_does(installed: Installed, folder: Path) -> None:
    """Run the step of the Dockerfile: it has no database, and keys that are nobody's."""
    (step,) = re.findall(r"^RUN (STATIC_ROOT=.+?) *&& ", DOCKERFILE, re.MULTILINE)
    step = step.replace("/opt/credservice/static", str(folder)).replace("VAR_DIR=/tmp", f"VAR_DIR={folder}")
    subprocess.run(["sh", "-ec", step], env={"PATH": f"{installed.bin}:{os.defpath}"}, cwd="/", check=True)


def test_it_holds_the_documents(installed):
    (package,) = installed.bin.parent.glob("lib/*/site-packages/credservice/docs")
    held, written = (
        {path.relative_to(folder) for path in folder.rglob("*.*") if "__pycache__" not in path.parts}
        for folder in (package, ROOT / "docs")
    )
    assert held == written


def test_production_does_not_take_the_current_folder_for_its_own(installed, tmp_path):
    environment = bare_environment() | random_keys() | {"DATABASE_URL": "postgres://u:p@//nonexistent/db"}
    done = subprocess.run([installed.command, "check"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "credservice.E019" in done.stderr


def test_the_client_is_installed_alone(installed, tmp_path):
    assert not list(installed.bin.parent.glob("lib/*/site-packages/credservice_client"))
    installed.install_client(tmp_path)
    code = "import credservice_client; print(credservice_client.Client.__name__)"
    command = [sys.executable, "-S", "-c", code]  # nothing but what is in the folder
    done = subprocess.run(command, cwd="/", env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("Client\n", "")
    assert not (tmp_path / "credservice").exists()


def await_answer(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not answers(port):
        assert server.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.05)


def answers(port: int) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return bool(httpx2.get(f"http://localhost:{port}/healthz").json()["version"] == __version__)
    return False
