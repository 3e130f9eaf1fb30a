"""A rolling upgrade from the release before, under load: migrate first, then one process after the other.

The release before is run as it was, from its commit; both answer the same partners, on the new schema.
"""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from credservice.devserver.envfile import random_keys
from tests.e2e.partners import TIMEOUT, Manifold, MindCloud, new_id
from tests.support.live import LiveService, own_database
from tests.support.paths import ROOT
from tests.upgrades import previous

PHASE = 10  # rounds of each caller, of two requests
PAUSE = 0.02  # between rounds: a light load
LONGEST = 120
COLUMNS = """
SELECT table_name, column_name, data_type,
    is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' OR is_generated = 'ALWAYS'
FROM information_schema.columns WHERE table_schema = current_schema()
"""
USED = """
import json
from django.apps import apps
models = apps.get_models(include_auto_created=True)
print(json.dumps([[m._meta.db_table, f.column] for m in models for f in m._meta.local_concrete_fields]))
"""


class Load:
    """Partners who call again and again, one after the other of the services that are in the rotation."""

    def __init__(self, services: list[LiveService], stack: ExitStack) -> None:
        self.rotation = services
        self.failures: list[str] = []
        self.rounds = {"exchange": 0, "put": 0}
        self._client = stack.enter_context(httpx2.Client(timeout=TIMEOUT, trust_env=False))
        self._over = threading.Event()
        self._resource = new_id()
        assert Manifold(services[0], self._client).put_resource(self._resource).status_code == 201
        self._handed_out = MindCloud(services[0], self._client).exchange().json()
        callers = {"exchange": self._exchange, "put": self._put}
        self._threads = [threading.Thread(target=self._call, args=caller) for caller in callers.items()]
        for thread in self._threads:
            thread.start()
        stack.callback(self.stop)

    def _call(self, name: str, call: Any) -> None:
        while not self._over.is_set():
            try:
                call(*self.rotation)
            except Exception as error:
                self.failures.append(f"{name}: {type(error).__name__}: {error}")
            self.rounds[name] += 1
            self._over.wait(PAUSE)

    def _exchange(self, *services: LiveService) -> None:
        for service in (services[0], services[-1]):
            answer = MindCloud(service, self._client).exchange()
            assert (answer.status_code, answer.json()) == (200, self._handed_out), answer.text

    def _put(self, *services: LiveService) -> None:
        """Order at one and repeat at another, which must answer the same."""
        ordered = new_id()
        if self.rounds["put"] % 2:
            services = services[::-1]
        first, second = (
            Manifold(service, self._client).put_credential(ordered, self._resource)
            for service in (services[0], services[-1])
        )
        assert (first.status_code, second.status_code) == (201, 201), first.text + second.text
        assert first.json() == second.json()

    def go_on(self) -> None:
        """Wait until both callers have done some whole rounds with the services of now."""
        wanted = {name: rounds + PHASE + 1 for name, rounds in self.rounds.items()}
        for _ in range(int(LONGEST / PAUSE)):
            if all(self.rounds[name] >= rounds for name, rounds in wanted.items()):
                return
            self._over.wait(PAUSE)
        raise AssertionError(f"the callers stand still: {self.rounds}")

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(TIMEOUT)


class Upgrade:
    """A database of the release before, which is upgraded while it is at work; what is seen on the way."""

    def __init__(self, folder: Path, url: str, stack: ExitStack) -> None:
        keys = random_keys() | {"WEB_WORKERS": "1"}
        self.old, self.new = (LiveService(_made(folder / name), url, **keys) for name in ("old", "new"))
        self.old.code = previous.unpack(folder / "code")
        self.old._make()
        (self.new.folder / "metrics").mkdir()
        shutil.copytree(self.old.folder / "demo", self.new.folder / "demo")
        self._start(self.old, stack)
        self.load = Load([self.old], stack)
        self.load.go_on()
        self._migrate()
        self.load.go_on()  # the release before, on the new schema
        self._start(self.new, stack)
        self.load.rotation = [self.old, self.new]
        self.load.go_on()
        self.commands = _at_once(
            old_worker=lambda: self.old.manage("worker", "--once"),
            new_worker=lambda: self.new.manage("worker", "--once"),
            used=lambda: self.old.manage("shell", "-v0", "-c", USED),
        )
        self.used = {tuple(each) for each in json.loads(self.commands["used"].stdout)}
        self.load.rotation = [self.new]
        self.load.go_on()
        self.old.stop()
        self.load.go_on()
        self.load.stop()
        self.commands |= _at_once(
            old_values=lambda: self.old.manage("check_sealed"), new_values=lambda: self.new.manage("check_sealed")
        )

    def _start(self, service: LiveService, stack: ExitStack) -> None:
        stack.callback(service.stop)
        service.start()

    def _migrate(self) -> None:
        self.before = self.old.rows(COLUMNS)
        self.started_too_early = self._start_new_code() if previous.new_migrations() else None
        done = self.new.manage("migrate", "--no-input")
        assert done.returncode == 0, done.stderr
        self.after = self.new.rows(COLUMNS)

    def _start_new_code(self) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "import credservice.wsgi"]
        return subprocess.run(command, cwd=ROOT, env=self.new.environment, capture_output=True, text=True, timeout=60)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _at_once(**calls: Any) -> dict[str, subprocess.CompletedProcess[str]]:
    with ThreadPoolExecutor() as pool:
        return dict(zip(calls, pool.map(lambda call: call(), calls.values()), strict=True))


@pytest.fixture(scope="module")
def upgrade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    previous.need_history()
    with own_database() as url, ExitStack() as stack:
        yield Upgrade(tmp_path_factory.mktemp("rolling"), url, stack)


def test_every_request_is_answered_and_the_same_by_both_releases(upgrade: Upgrade) -> None:
    told = [line for line in upgrade.old.log.read_text().splitlines() if "[info" not in line]
    assert upgrade.load.failures == [], told[-20:]
    assert min(upgrade.load.rounds.values()) >= 5 * PHASE


@pytest.mark.parametrize("command", ["old_worker", "new_worker", "old_values", "new_values"])
def test_both_releases_work_on_what_the_other_one_left(upgrade: Upgrade, command: str) -> None:
    done = upgrade.commands[command]
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_new_release_does_not_start_before_it_is_migrated(upgrade: Upgrade) -> None:
    done = upgrade.started_too_early
    if done is None:
        pytest.skip("this release has no migrations yet")
    assert (done.returncode, "credservice.E020" in done.stderr) == (3, True), done.stderr


def test_no_column_is_gone_or_another_that_the_release_before_uses(upgrade: Upgrade) -> None:
    types = {(table, column): kind for table, column, kind, _ in upgrade.after}
    changed = [
        (table, column)
        for table, column, kind, _ in upgrade.before
        if (table, column) in upgrade.used and types.get((table, column)) != kind
    ]
    assert changed == []


def test_the_release_before_can_insert_without_new_columns(upgrade: Upgrade) -> None:
    tables, known = {row[0] for row in upgrade.before}, {row[:2] for row in upgrade.before}
    new = [row for row in upgrade.after if row[0] in tables and row[:2] not in known]
    assert [row[:2] for row in new if not row[3]] == []
