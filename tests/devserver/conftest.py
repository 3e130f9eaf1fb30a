"""Folders and servers of their own for the tests of the tooling."""

import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from credservice.devserver.postgres import EmbeddedPostgres
from tests.devserver import running


def _reachable_folder():
    """One that the server's account can reach also when the tests run as root; pytest's own tmp_path is closed."""
    folder = Path(tempfile.mkdtemp(prefix="credservice-state-"))
    folder.chmod(0o711)
    yield folder / "postgres"
    shutil.rmtree(folder)


state_dir = pytest.fixture(_reachable_folder, name="state_dir")
shared_dir = pytest.fixture(_reachable_folder, name="shared_dir", scope="module")


@pytest.fixture(scope="module")
def shared(shared_dir):
    """A running server for tests that leave it as it is."""
    with EmbeddedPostgres(shared_dir, durable=False) as server:
        yield server


@pytest.fixture
def postgres(state_dir):
    with EmbeddedPostgres(state_dir, durable=False) as server:
        yield server


bare_environment = pytest.fixture(running.bare_environment, name="bare_environment")


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
