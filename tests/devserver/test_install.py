"""requirements/install: every obstacle is one sentence. (That it installs is what every other test stands on.)"""

import os
import shutil
import subprocess

import pytest

from tests.support.paths import ROOT


@pytest.fixture
def checkout(tmp_path):
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def _install(checkout, python):
    environment = os.environ | {"PYTHON": str(python)}
    return subprocess.run(
        [checkout / "requirements" / "install", "run"], env=environment, capture_output=True, text=True
    )


def _python(folder, script):
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("script", ["exit 127  # a shim for a Python that is not installed", "exit 1  # an old one"])
def test_without_a_recent_python_it_says_which_one_it_needs(checkout, script):
    done = _install(checkout, _python(checkout, script))
    assert done.returncode == 1
    assert done.stderr == (
        "credservice needs Python 3.11 or later: install it, or name one with PYTHON=/path/to/python3.\n"
    )


def test_without_venv_it_says_what_to_install(checkout):
    done = _install(checkout, _python(checkout, 'case "$2" in *venv*) exit 1;; esac'))
    assert done.returncode == 1
    assert "python3-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_done_where_the_lock_is_installed_already(checkout):
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/bin/true")
    shutil.copy(checkout / "requirements" / "dev.txt", checkout / ".venv" / "installed-dev.txt")
    done = _install(checkout, "/nonexistent")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
