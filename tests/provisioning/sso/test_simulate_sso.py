"""`manage.py simulate_sso`, as a newcomer runs it beside the service."""

import re
import signal
import socket
import subprocess
import sys

import httpx2
import pytest

from provisioning.checker.keys import MasterKey
from tests.provisioning.sso.served import connecting_to
from tests.support.http_server import unused_port
from tests.support.interrupts import default_interrupts
from tests.support.paths import ROOT


@pytest.fixture
def played(live_service):
    """The command, waiting, and the address that it printed."""
    port = unused_port()
    with connecting_to(live_service, f"http://localhost:{port}/v1"):
        command = [sys.executable, "-u", "manage.py", "simulate_sso", f"--connector-port={port}"]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with default_interrupts():
            process = subprocess.Popen(command, cwd=ROOT, env=live_service.environment, text=True, **streams)
        shown = ""
        while process.poll() is None and "Ctrl-C" not in shown:
            shown += process.stdout.readline()
        yield process, shown
        process.kill()
        process.communicate()


def test_its_address_opens_the_page_and_ctrl_c_leaves_nothing(live_service, played):
    process, shown = played
    address = re.search(r"http://\S+/v1/sso\?\S+", shown)
    assert address, shown
    page = httpx2.get(address[0], follow_redirects=True)
    assert (page.status_code, page.text.count("BEAR_API_KEY") >= 2, "honey" in page.text) == (200, True, True)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, "Nothing of it is left." in rest) == (0, True), rest
    assert httpx2.get(str(page.url), cookies=page.cookies).status_code != 200


def test_it_says_that_no_service_is_running(live_service):
    done = live_service.manage("simulate_sso", f"--url=http://localhost:{unused_port()}", "--connector-port=0")
    assert (done.returncode, "Is it running (make run)?" in done.stderr) == (1, True), done.stderr


def test_it_says_that_the_port_is_in_use(live_service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = live_service.manage("simulate_sso", f"--connector-port={taken.getsockname()[1]}")
    assert (done.returncode, "cannot listen on port" in done.stderr) == (1, True), done.stderr


def test_it_says_that_the_key_is_not_trusted(live_service, tmp_path):
    MasterKey.generate().save(tmp_path / "other.json")
    done = live_service.manage("simulate_sso", f"--master-key={tmp_path / 'other.json'}", "--connector-port=0")
    assert (done.returncode, "does not trust the key" in done.stderr) == (1, True), done.stderr
