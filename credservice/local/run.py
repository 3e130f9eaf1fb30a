"""`make run`: everything from nothing to a served set-up, in the foreground, and the end of all of it on Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from credservice.local import Refusal, demo, envfile
from credservice.local.lock import FileLock
from credservice.local.place import ROOT, Place
from credservice.local.postgres import EmbeddedPostgres
from credservice.local.service import Service
from credservice.local.setup import ADMINISTRATOR, make_administrator, set_up
from credservice.local.terminal import step
from credservice.local.vendor import Vendor

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run() -> int:
    """Set up, serve, and stay until interrupted (exit status 0) or until a part of it ends by itself (a Refusal)."""
    place = Place.from_environment()
    for number in _ENDINGS:
        signal.signal(number, _interrupt)
    with ExitStack() as stack:
        try:
            _hold(place, stack)
            place.require_free_port()
            print(f"credservice: development set-up in {place.shown(place.var_dir)}/", flush=True)
            vendor = _bring_up(place, stack)
            services = _serve(place, vendor, stack)
            _announce(place, make_administrator())
            Service.watch(services)
        except KeyboardInterrupt:
            print("\nStopping ...", flush=True)
        finally:
            for number in _ENDINGS:  # what follows is short, and has to be finished
                signal.signal(number, signal.SIG_IGN)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _hold(place: Place, stack: ExitStack) -> None:
    """One run for each state folder. From here on, everything works in the checkout."""
    place.var_dir.mkdir(parents=True, exist_ok=True)
    (place.var_dir / "log").mkdir(exist_ok=True, mode=0o700)
    lock = FileLock(place.lock)
    if not lock.acquire():
        raise Refusal(f"It runs already in {place.shown(place.var_dir)}/: stop that one, or choose another VAR_DIR.")
    stack.callback(lock.release)
    os.environ["VAR_DIR"] = str(place.var_dir)
    os.chdir(ROOT)


def _bring_up(place: Place, stack: ExitStack) -> Vendor:
    database, server = _database(place, stack)
    demo.make_secrets(place.var_dir / "demo")
    vendor = Vendor.prepare(place, server)
    envfile.write(place.var_dir / envfile.NAME, database | vendor.settings() | {"PUBLIC_URL": place.url})
    with (place.var_dir / "log" / "setup.log").open("a") as log:
        set_up([ROOT / demo.DEMO_FILE, *vendor.set_up_files()], log)
    return vendor


def _serve(place: Place, vendor: Vendor, stack: ExitStack) -> list[Service]:
    logs, metrics = place.var_dir / "log", place.var_dir / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # what a killed run counted
    metrics.mkdir(mode=0o700)
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:credservice.gunicorn", "credservice.wsgi"]
    worker = [sys.executable, "manage.py", "worker"]
    # The server refuses to take it from the file alone: see credservice.checks.
    mode = os.environ.get("ENVIRONMENT") or "development"
    with step("Server and worker"):
        services = [
            *vendor.start(stack, logs),
            stack.enter_context(Service("worker", worker, logs / "worker.log", ENVIRONMENT=mode)),
            stack.enter_context(
                Service(
                    "server", gunicorn, logs / "server.log", PROMETHEUS_MULTIPROC_DIR=str(metrics), ENVIRONMENT=mode
                )
            ),
        ]
        for service in services[-2:]:  # both at once: each may have something to finish
            stack.callback(service.ask_to_end)
        services[-1].await_health(place.health_url)
    return services


def _database(place: Place, stack: ExitStack) -> tuple[dict[str, str], EmbeddedPostgres | None]:
    """The variables that tell where the database is; starts the embedded one where the user names none."""
    given = os.environ.get("DATABASE_URL")
    if not given and (file := os.environ.get("DATABASE_URL_FILE")):
        given = Path(file).read_text().strip()
    if given:
        return {"DATABASE_URL": given, envfile.EMBEDDED: "no"}, None
    with step("PostgreSQL"):
        server = stack.enter_context(EmbeddedPostgres(place.var_dir / "postgres"))
    return {"DATABASE_URL": server.url, envfile.EMBEDDED: "yes"}, server


def _announce(place: Place, password: str | None) -> None:
    change = place.command(f"changepassword {ADMINISTRATOR}")
    login = f"{ADMINISTRATOR}, password {password} (shown only now)" if password else ADMINISTRATOR
    print(
        f"""
credservice answers at {place.url}

  Console  {place.url}/admin/
  Login    {login}
           another password: {change}
  Logs     {place.shown(place.var_dir / "log")}/  (warnings appear here too)

Try it in a second terminal:

  # MindCloud asks for an end user's credential, signed
  {place.command(demo.exchange_command(place))}

  # the marketplace goes through every case of the provider API
  {place.command(demo.provider_command(place))}

  # the same of a product whose work is finished later, by callbacks
  {place.command(demo.provider_command(place, demo.SLOW_PROVIDER))}

  # the marketplace's user opens the page of a resource in a browser
  {place.command("simulate_sso")}

Ctrl-C stops everything; so does, from another terminal: kill {os.getpid()}
""",
        flush=True,
    )
