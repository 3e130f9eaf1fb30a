"""Runs `make run`: everything from nothing to a served set-up, in the foreground, and ends all of it on Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from django.conf import settings

from credservice.core.checkout import HOME, SERVER
from credservice.core.environment import read_value
from credservice.devserver import Refusal, demo, envfile
from credservice.devserver.bootstrap import make_administrator, set_up
from credservice.devserver.demo_vendor import Vendor
from credservice.devserver.file_lock import FileLock
from credservice.devserver.layout import Layout
from credservice.devserver.postgres import EmbeddedPostgres
from credservice.devserver.service import Service
from credservice.devserver.terminal import step

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run() -> int:
    """Set up, serve, and stay until interrupted (exit status 0) or until a part of it ends by itself (a Refusal)."""
    layout = Layout.from_environment()
    for number in _ENDINGS:
        signal.signal(number, _interrupt)
    with ExitStack() as stack:
        try:
            _hold(layout, stack)
            layout.require_free_port()
            print(f"credservice: development set-up in {layout.shown(layout.var_dir)}/", flush=True)
            vendor = _bring_up(layout, stack)
            services = _serve(layout, vendor, stack)
            _announce(layout, *make_administrator())
            Service.watch(services)
        except KeyboardInterrupt:
            print("\nStopping ...", flush=True)
        finally:
            for number in _ENDINGS:  # what follows is short, and has to be finished
                signal.signal(number, signal.SIG_IGN)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _hold(layout: Layout, stack: ExitStack) -> None:
    """One run for each state folder. From here on, everything works beside it."""
    layout.var_dir.mkdir(parents=True, exist_ok=True)
    (layout.var_dir / "log").mkdir(exist_ok=True, mode=0o700)
    lock = FileLock(layout.lock)
    if not lock.acquire():
        raise Refusal(f"It runs already in {layout.shown(layout.var_dir)}/: stop that one, or choose another VAR_DIR.")
    stack.callback(lock.release)
    os.environ["VAR_DIR"] = str(layout.var_dir)
    os.chdir(HOME)


def _bring_up(layout: Layout, stack: ExitStack) -> Vendor:
    database, server = _database(layout, stack)
    demo.make_secrets(layout.var_dir / "demo")
    vendor = Vendor.prepare(layout, server)
    envfile.write(layout.var_dir / envfile.NAME, database | vendor.settings() | {"PUBLIC_URL": layout.url})
    with (layout.var_dir / "log" / "setup.log").open("a") as log:
        set_up([demo.SetUpFile(demo.DEMO_FILE), *vendor.set_up_files()], log)
    return vendor


def _serve(layout: Layout, vendor: Vendor, stack: ExitStack) -> list[Service]:
    logs, metrics = layout.var_dir / "log", layout.var_dir / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # what a killed run counted
    metrics.mkdir(mode=0o700)
    worker = [sys.executable, "-m", "credservice", "worker"]
    # The server refuses to take it from the file alone: see credservice.checks.
    mode = os.environ.get("ENVIRONMENT") or "development"
    with step("Server and worker"):
        services = [
            *vendor.start(stack, logs),
            stack.enter_context(Service("worker", worker, logs / "worker.log", ENVIRONMENT=mode)),
            stack.enter_context(
                Service(
                    "server",
                    SERVER,
                    logs / "server.log",
                    PROMETHEUS_MULTIPROC_DIR=str(metrics),
                    ENVIRONMENT=mode,
                    DRAIN_SECONDS="0",  # no load balancer has to notice
                )
            ),
        ]
        for service in services[-2:]:  # both at once: each may have something to finish
            stack.callback(service.ask_to_end)
        services[-1].await_health(layout.health_url)
    return services


def _database(layout: Layout, stack: ExitStack) -> tuple[dict[str, str], EmbeddedPostgres | None]:
    """The variables that tell where the database is; starts the embedded one where the user names none."""
    given = os.environ.get("DATABASE_URL")
    if not given and (file := os.environ.get("DATABASE_URL_FILE")):
        given = read_value(Path(file))
    if given:
        return {"DATABASE_URL": given, envfile.EMBEDDED: "no"}, None
    with step("PostgreSQL"):
        server = stack.enter_context(EmbeddedPostgres(layout.var_dir / "postgres"))
    return {"DATABASE_URL": server.url, envfile.EMBEDDED: "yes"}, server


def _announce(layout: Layout, name: str, password: str | None) -> None:
    change = layout.command(f"changepassword {name}")
    login = f"{name}, password {password} (shown only now)" if password else name
    if settings.OIDC_ONLY:
        login = f"by the identity provider; in an emergency {login}"
    print(
        f"""
credservice answers at {layout.url}

  Console  {layout.url}/admin/
  Login    {login}
           another password: {change}
  Logs     {layout.shown(layout.var_dir / "log")}/  (warnings appear here too)

Try it in a second terminal:

  # MindCloud asks for an end user's credential, signed
  {layout.command(demo.exchange_command(layout))}

  # the marketplace goes through every case of the provider API
  {layout.command(demo.provider_command(layout))}

  # the same of a product whose work is finished later, by callbacks
  {layout.command(demo.provider_command(layout, demo.SLOW_PROVIDER))}

  # an Open Service Broker platform goes through every case of its API
  {layout.command(demo.broker_command(layout))}

  # the marketplace's user opens the page of a resource in a browser
  {layout.command("simulate_sso")}

Ctrl-C stops everything; so does, from another terminal: kill {os.getpid()}
""",
        flush=True,
    )
