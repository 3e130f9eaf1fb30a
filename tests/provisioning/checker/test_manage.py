"""The two doors to the command."""

import logging
import os
import signal
import subprocess
import sys
from io import StringIO
from queue import Queue

import pytest
from django.core.management import call_command

from tests.provisioning.checker.reference import serving
from tests.provisioning.checker.support import MASTER, free_port
from tests.support.interrupts import default_interrupts

ALONE = [sys.executable, "-m", "provisioning.checker"]
ONE = "--only=resource.provision.created"


def test_manage_py_runs_the_checker(key_file):
    out = StringIO()
    with serving(MASTER.public) as reference:
        call_command("check_provider", reference.url, f"--master-key={key_file}", ONE, stdout=out)
    assert "1 passed" in out.getvalue()


def test_the_report_of_manage_py_is_not_mixed_with_the_services_log(key_file, caplog):
    with serving(MASTER.public) as reference, caplog.at_level(logging.INFO):
        call_command("check_provider", reference.url, f"--master-key={key_file}", ONE, stdout=StringIO())
    assert caplog.records == []


def test_manage_py_ends_with_the_exit_code():
    errors = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("check_provider", "nonsense", stderr=errors)
    assert ended.value.code == 2
    assert "is not the URL of a provider" in errors.getvalue()


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the checker without Django's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    return subprocess.run(
        [*ALONE, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def test_the_checker_runs_without_django(key_file):
    with serving(MASTER.public) as reference:
        run = alone(reference.url, "--master-key", str(key_file), ONE)
    assert (run.returncode, run.stderr) == (0, "")
    assert "1 passed" in run.stdout


def test_the_checker_runs_its_connector_alone(key_file, tmp_path):
    port, report = free_port(), tmp_path / "report.xml"
    options = [f"--connector-port={port}", f"--junit={report}", "--only=sso.accepted.done"]
    with serving(MASTER.public, connector=f"http://localhost:{port}/v1") as reference:
        run = alone(reference.url, "--master-key", str(key_file), *options)
    assert (run.returncode, run.stderr, "1 passed" in run.stdout) == (0, "", True)
    assert 'name="sso.accepted.done"' in report.read_text()


def test_the_checker_does_not_import_django():
    code = "import sys, provisioning.checker.cli; print([name for name in sys.modules if name.startswith('django')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "[]\n"


def test_ctrl_c_deletes_what_was_made_and_ends_with_130(key_file):
    started: Queue[subprocess.Popen[str]] = Queue()
    with serving(MASTER.public) as reference:
        make = reference.store.put_credential

        def make_and_interrupt(*arguments):
            made = make(*arguments)
            started.get(timeout=30).send_signal(signal.SIGINT)
            return made

        reference.store.put_credential = make_and_interrupt
        command = [*ALONE, reference.url, "--master-key", str(key_file), "--only", "credential.provision.created"]
        with default_interrupts():
            run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        started.put(run)
        _, errors = run.communicate(timeout=60)
        assert (run.returncode, "Stopped." in errors) == (130, True)
        assert (reference.store.resources, reference.store.credentials) == ({}, {})


def test_a_reader_that_goes_away_ends_the_run_quietly_and_cleaned_up(key_file):
    with serving(MASTER.public) as reference:
        command = [*ALONE, reference.url, "--master-key", str(key_file), "--verbose"]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert run.stdout is not None
        assert run.stderr is not None
        while "resource.provision.repeat" not in run.stdout.readline():
            """Read on."""
        run.stdout.close()
        assert (run.wait(timeout=60), run.stderr.read()) == (130, "")
        run.stderr.close()
        assert reference.store.resources == {}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--plan-features", "{"], "not JSON"),
        (["--plan-features", "[1]"], "features are a JSON object"),
        (["--timeout", "0"], "between 0 and 3600"),
        (["--timeout", "soon"], "between 0 and 3600"),
        (["--callback-timeout", "0"], "between 0 and 3600"),
        (["--connector-port", "any"], "invalid int value"),
        (["--credential", "many"], "invalid choice"),
    ],
)
def test_options_that_cannot_be_read_end_with_2(arguments, reason):
    run = alone("http://127.0.0.1:1", *arguments)
    assert (run.returncode, reason in run.stderr) == (2, True)
