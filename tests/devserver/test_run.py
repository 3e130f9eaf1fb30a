"""`make run`, from an empty state folder to the end of everything it started."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from tests.devserver.running import RUN, Run, bare_environment
from tests.support.live import free_port


@pytest.fixture(scope="module")
def first_run(shared_dir):
    """A run from nothing, for the test that ends it."""
    run = Run(shared_dir, free_port(), bare_environment())
    yield run
    if run.process.poll() is None:
        run.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def served_before(first_run):
    """A state folder as a first run leaves it, to copy: a run from nothing takes several times as long."""
    if first_run.process.poll() is None:
        first_run.shown()
        assert first_run.end(signal.SIGINT)[1] == 0
    return first_run.var_dir


@pytest.fixture(scope="module")
def shared_run(served_before):
    """A run that serves, for tests that leave it so."""
    run = Run(_copy(served_before, served_before.with_name("shared")), free_port(), bare_environment())
    run.shown()
    yield run
    assert run.end(signal.SIGTERM)[1] == 0


def _copy(folder, to):
    subprocess.run(["cp", "-a", folder, to], check=True)  # with the owners of files
    return to


@pytest.fixture
def start(served_before, state_dir):
    """Start another run on what a first one has left."""
    runs, port = [], free_port()
    _copy(served_before, state_dir)

    def start(**settings):
        runs.append(Run(state_dir, port, bare_environment() | settings))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            everything = run.everything()
            run.end(signal.SIGTERM)
            psutil.wait_procs(everything, timeout=30)


def _status(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status


def _json(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_it_serves_from_nothing_and_ctrl_c_ends_all_of_it(first_run):
    run = first_run
    shown = run.shown()
    [password] = re.findall(r"admin, password (\S+)", shown)
    assert _status(f"{run.url}/healthz") == _status(f"{run.url}/readyz") == 200
    assert re.findall(r"manage\.py (\w+)", shown)[1:] == ["simulate_exchange", *["check_provider"] * 3, "simulate_sso"]
    everything = run.everything()
    assert "postgres" in {process.name() for process in everything}

    assert "runs already" in run.second(*RUN).stderr
    login = "from django.contrib.auth import authenticate as a; print(bool(a(username='admin', password='%s')))"
    assert run.second(sys.executable, "manage.py", "shell", "-v0", "-c", login % password).stdout == "True\n"

    output, status = run.end(signal.SIGINT)
    assert re.fullmatch(
        r"Stopping \.\.\.(\nThe \w+ finishes what it has begun, in 30 s at most \.\.\.)*", output.strip()
    )
    assert status == 0
    assert psutil.wait_procs(everything, timeout=10)[1] == []
    stopped = run.second(sys.executable, "manage.py", "showmigrations")
    assert stopped.stderr.splitlines()[-1] == "The embedded PostgreSQL does not run: start `make run` first."
    assert stopped.returncode == 1
    assert "Traceback" not in stopped.stderr


def test_its_vendor_is_told_what_happens(shared_run):
    ids = "--platform mindcloud --integration int_generated --installation install_generated --end-user enduser_456def"
    asked = shared_run.second(sys.executable, "manage.py", "simulate_exchange", *ids.split(), "--url", shared_run.url)
    assert asked.returncode == 0, asked.stderr
    [port] = re.findall(r"127\.0\.0\.1:(\d+)/events", (shared_run.var_dir / "demo" / "events.yaml").read_text())
    deadline = time.monotonic() + 30
    while not (events := _json(f"http://127.0.0.1:{port}/events")) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [event["type"] for event in events] == ["credential.issued"]


def test_every_issuer_makes_a_credential_in_it(shared_run):
    fields = {"jwt": "token", "webhook": "apiKey", "oauth2": "accessToken", "postgresql": "databaseUrl"}
    for issuer, field in fields.items():
        ids = f"--platform issuers --integration {issuer} --installation my-{issuer} --end-user customer"
        asked = shared_run.second(
            sys.executable, "manage.py", "simulate_exchange", *ids.split(), "--url", shared_run.url
        )
        assert asked.returncode == 0, asked.stderr
        assert json.loads(asked.stdout)[field]


def test_without_the_vendor_it_goes_on_and_says_when_to_ask_again(start):
    run = start()
    run.shown()
    vendor = next(process for process in run.everything() if "vendor_endpoint.py" in " ".join(process.cmdline()))
    vendor.kill()
    ids = "--platform issuers --integration webhook --installation my-webhook --end-user customer"
    asked = run.second(sys.executable, "manage.py", "simulate_exchange", *ids.split(), "--url", run.url)
    assert (asked.returncode, json.loads(asked.stdout)["code"]) == (1, "unavailable")
    assert _status(f"{run.url}/readyz") == 200


CHANGE = """
from exchange.models import EndUser
from credservice.events.models import EventEndpoint
EndUser.objects.filter(external_id="customer-1", attributes={"region": "eu-central"}).update(attributes={})
EventEndpoint.objects.update(description="mine")
"""
LOOK = """
from exchange.models import EndUser
from credservice.events.models import EventEndpoint
print(EndUser.objects.get(end_user_id="enduser_456def").attributes, EventEndpoint.objects.get().description)
"""


def test_it_starts_again_after_it_was_killed_and_changes_nothing_and_shows_no_password_twice(start):
    first = start()
    assert "nothing was missing; what you changed of it stays" in first.shown()
    assert first.second(sys.executable, "manage.py", "shell", "-v0", "-c", CHANGE).returncode == 0
    events = (first.var_dir / "demo" / "events.yaml").read_text()
    everything = first.everything()
    first.end(signal.SIGKILL)
    assert psutil.wait_procs(everything, timeout=40)[1] == []

    second = start()
    assert "password" not in re.sub(r"changepassword|another password|--password-file \S+", "", second.shown())
    assert _status(f"{second.url}/readyz") == 200
    assert second.second(sys.executable, "manage.py", "shell", "-v0", "-c", LOOK).stdout == "{} mine\n"
    assert (first.var_dir / "demo" / "events.yaml").read_text() == events
    assert second.end(signal.SIGTERM)[1] == 0


def test_it_names_the_way_in_that_the_settings_leave_open(start):
    corp = {"name": "Corp", "issuer": "http://127.0.0.1:9", "client_id": "x", "roles": {"x": ["Operator"]}}
    providers = {"OIDC_PROVIDERS": json.dumps({"corp": corp}), "OIDC_CORP_CLIENT_SECRET": "x"}
    shown = start(OIDC_ONLY="true", EMERGENCY_ACCOUNT="break-glass", **providers).shown()
    assert re.search(r"Login    by the identity provider; in an emergency break-glass, password \S+ \(shown", shown)
    assert "changepassword break-glass" in shown


def test_the_end_of_the_server_is_the_end_of_the_run(start):
    run = start()
    run.shown()
    server = next(process for process in run.everything() if "credservice.wsgi" in process.cmdline())
    server.terminate()
    output = run.process.communicate(timeout=60)[0]
    assert "The server ended with status 0." in output
    assert run.process.returncode == 1


def test_keys_that_do_not_open_its_database_are_refused_in_a_sentence(start):
    run = start(ENCRYPTION_KEYS="k2:MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=")
    shown, _ = run.process.communicate(timeout=60)
    assert run.process.returncode == 3
    assert "(credservice.E007)" in shown
    assert "is wrapped by key 'k1', which ENCRYPTION_KEYS does not name" in shown
    assert "Traceback" not in shown
