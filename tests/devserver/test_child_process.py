"""Child processes end with their owner."""

import signal
import subprocess
import sys
import time

from credservice.devserver.child_process import LeashedProcess
from tests.devserver.processes import first_line, gone
from tests.support.interrupts import default_interrupts

OWNER = """
import time
from credservice.devserver.child_process import LeashedProcess
print(LeashedProcess(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""


def test_the_child_ends_when_its_owner_is_killed():
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        child = int(first_line(owner))
        owner.send_signal(signal.SIGKILL)
    assert gone(child)


def test_a_child_that_ignores_the_signal_ends_with_its_killed_owner_too():
    stubborn = OWNER.replace(
        '["sleep", "60"]', """["sh", "-c", "trap '' TERM; while :; do sleep 0.2; done"], grace=2"""
    )
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE) as owner:
        child = int(first_line(owner))
        time.sleep(0.3)
        owner.send_signal(signal.SIGKILL)
    assert not gone(child, seconds=0.5)
    assert gone(child)


def test_stop_sends_the_signal_and_returns_the_status():
    with default_interrupts():
        process = LeashedProcess(["sleep", "60"], stop_signal=signal.SIGINT)
    assert process.poll() is None
    assert process.stop() == -signal.SIGINT


def test_a_child_that_ignores_the_signal_is_killed():
    process = LeashedProcess(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
    time.sleep(0.3)
    assert process.stop(timeout=0.2) == -signal.SIGKILL


def test_a_child_that_ended_by_itself_keeps_its_status():
    process = LeashedProcess(["sh", "-c", "exit 7"])
    while process.poll() is None:
        time.sleep(0.01)
    assert process.stop() == process.stop() == 7
