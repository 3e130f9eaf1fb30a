"""The units for systemd, judged by systemd itself where it is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from credservice.core.worker_health import BEAT_SECONDS
from tests.deploy.facts import SETTINGS
from tests.support.paths import ROOT

UNITS = ROOT / "deploy/systemd"
SERVICES = sorted(UNITS.glob("*.service"))
TIMERS = sorted(UNITS.glob("*.timer"))


def values(path: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", path.read_text(), re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for path in (*SERVICES, *TIMERS):
        # Nothing is installed where the units expect it.
        text = path.read_text().replace("/opt/credservice/bin/credservice", "/bin/true")
        (tmp_path / path.name).write_text(text)
    # A template is judged by what a timer makes of it.
    names = [path.name for path in (*SERVICES, *TIMERS) if "@" not in path.name] + ["credservice@migrate.service"]
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *(str(tmp_path / n) for n in names)]
    done = subprocess.run(command, capture_output=True, text=True)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "credservice" in line]
    assert (done.returncode, complaints) == (0, [])


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_unit_runs_one_of_our_commands_as_nobody_who_could_own_it(path: Path) -> None:
    commands = {found for line in values(path, "ExecStart") for found in re.findall(r"bin/credservice (\S+)", line)}
    assert commands <= {*get_commands(), "serve", "%i"}
    assert values(path, "User")[0].startswith("credservice")
    assert (values(path, "NoNewPrivileges"), values(path, "ProtectSystem")) == (["yes"], ["strict"])
    assert values(path, "CapabilityBoundingSet") == [""]


def test_systemd_starts_a_worker_anew_that_hangs() -> None:
    worker = UNITS / "credservice-worker.service"
    assert (values(worker, "Type"), values(worker, "Restart")) == (["notify"], ["always"])
    assert float(values(worker, "WatchdogSec")[0]) > 2 * BEAT_SECONDS


@pytest.mark.parametrize("path", TIMERS, ids=lambda path: path.name)
def test_a_timer_starts_a_unit_that_is_there(path: Path) -> None:
    (unit,) = values(path, "Unit") or [path.with_suffix(".service").name]
    template, _, command = unit.removesuffix(".service").partition("@")
    known = command in get_commands() and (UNITS / f"{template}@.service").exists()
    assert (UNITS / unit).exists() or known
    assert values(path, "Persistent") == ["yes"]


def test_every_variable_is_a_setting_and_every_secret_a_file() -> None:
    named = set(re.findall(r"^([A-Z_]+)=", (UNITS / "credservice.env").read_text(), re.MULTILINE))
    assert {name.removesuffix("_FILE") for name in named} <= SETTINGS
    assert not named & {"SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"}


def test_a_backup_has_its_name_once_it_is_whole(tmp_path: Path) -> None:
    """The unit's own lines, with a pg_dump that fails, and with one that does not."""
    lines = values(UNITS / "credservice-backup.service", "ExecStart")
    script = re.fullmatch(r"/bin/sh -ec '(.*)'", lines[0]).group(1).replace("$$", "$").replace("%%", "%")  # type: ignore[union-attr]
    for status, expected in ((1, []), (0, [".dump"])):
        for left in tmp_path.glob("credservice-*"):
            left.unlink()
        program = tmp_path / "pg_dump"
        program.write_text(f'#!/bin/sh\nfor last; do :; done\necho x > "${{last#--file=}}"\nexit {status}\n')
        program.chmod(0o755)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "STATE_DIRECTORY": str(tmp_path)}
        done = subprocess.run(["/bin/sh", "-ec", script], env=environment, capture_output=True, text=True)
        assert (done.returncode == 0) == (status == 0), done.stderr
        assert [path.suffix for path in tmp_path.glob("credservice-*.dump")] == expected
