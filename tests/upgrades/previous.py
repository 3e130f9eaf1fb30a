"""The release before this one: its files, as the history has them.

``PREVIOUS`` names the commit; docs/releasing.md says when it moves on.
"""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.paths import ROOT

COMMIT = (Path(__file__).parent / "PREVIOUS").read_text().split()[-1]


def need_history() -> None:
    """Skip where there is no history, as in an archive of the source or a shallow clone."""
    if not (ROOT / ".git").exists():
        pytest.skip("a checkout without history has no release before it")
    if _git("cat-file", "-t", COMMIT).returncode and (ROOT / ".git/shallow").exists():
        pytest.skip("a shallow clone has no release before it: git fetch --unshallow")


def files() -> set[str]:
    """Every file of that release, as a path from the root."""
    listed = _git("ls-tree", "-r", "-z", "--name-only", COMMIT)
    listed.check_returncode()
    return set(listed.stdout.decode().split("\0"))


def new_migrations() -> set[Path]:
    """Every file of a migration that this release has brought."""
    before = files()
    folders = (ROOT / name for name in ("credservice", "exchange", "provisioning"))
    found = {path for folder in folders for path in folder.rglob("migrations/0*.py")}
    return {path for path in found if str(path.relative_to(ROOT)) not in before}


def unpack(folder: Path) -> Path:
    """Lay its files out in a folder, and return the folder: a checkout of it.

    It runs with the packages that this release is tested with: no index is asked, nothing is built.
    """
    archive = _git("archive", "--format=tar", COMMIT)
    archive.check_returncode()
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _git(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", ROOT, *command], capture_output=True, check=False)
