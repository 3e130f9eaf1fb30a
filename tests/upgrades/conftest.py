"""The service of today on a database of an older version, migrated, with everybody outside there again."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from tests.support.live import LiveService, own_database
from tests.upgrades.dump import expected_of, restore
from tests.upgrades.outside import Outside, outside_world

MIGRATE = ["migrate", "--no-input"]
# The last is for the console's pages.
COMMANDS = (["makemigrations", "--check", "--dry-run"], ["check_sealed"], ["collectstatic", "--no-input"])
Done = dict[str, subprocess.CompletedProcess[str]]


@dataclass
class Upgraded:
    """``commands`` are those that were run before the server was started, by name."""

    service: LiveService
    outside: Outside
    expected: dict[str, Any]
    commands: Done

    @property
    def url(self) -> str:
        return str(self.service.base_url)

    def api(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> httpx2.Response:
        """One call of the vendor API, with the token that the database knows."""
        given = {"Authorization": f"Bearer {token or self.expected['token']}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.request(method, f"{self.url}{path}", json=body, headers=given, timeout=30, trust_env=False)

    def column(self, statement: str, *parameters: Any) -> list[Any]:
        """The first column of what the database says."""
        return [row[0] for row in self.service.rows(statement, *parameters)]


@contextmanager
def upgraded_from(name: str, *after: list[str]) -> Iterator[Upgraded]:
    """Restore the dump, migrate, serve it, and have a worker do what was left to do.

    ``after`` are commands that follow the migration, one after the other. What they bind is served without the setting
    that accepts what is not bound.
    """
    expected = expected_of(name)
    with (
        own_database() as database_url,
        outside_world(expected["known"], "/away") as outside,
        TemporaryDirectory(prefix="credservice-upgraded-") as folder,
    ):
        urls = (expected["outside"], outside.url)
        restore(name, database_url, made_at=datetime.fromisoformat(expected["made_at"]), urls=urls)
        settings = expected["settings"] | outside.environment() | {"WEB_WORKERS": "1", "ACCEPT_ROW_BOUND": "true"}
        service = LiveService(Path(folder), database_url, **settings)
        _make_folders(service.folder, expected["secrets"])
        commands = _run(service, MIGRATE) | _run(service, *COMMANDS)
        for command in after:
            commands |= _run(service, command)
        if "bind_sealed" in commands:
            del service.environment["ACCEPT_ROW_BOUND"]
        service.start()
        try:
            commands |= _run(service, ["worker", "--once"])
            commands |= _run(service, ["verify_audit", "--anchor", expected["audit"]["anchor"]])
            yield Upgraded(service, outside, expected, commands)
        finally:
            service.stop()


def _run(service: LiveService, *commands: list[str]) -> Done:
    """Each in a process of its own, at once."""
    with ThreadPoolExecutor() as pool:
        done = pool.map(lambda command: service.manage(*command), commands)
    return {command[0]: outcome for command, outcome in zip(commands, done, strict=True)}


def _make_folders(folder: Path, secrets: dict[str, str]) -> None:
    """Set what the server needs, and the partners' own secrets where :mod:`tests.e2e.partners` looks for them."""
    for name in ("metrics", "static", "demo"):
        (folder / name).mkdir()
    for name, text in secrets.items():
        (folder / "demo" / name).write_text(text)
