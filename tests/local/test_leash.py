"""Child processes end with their owner."""

import os
import signal
import subprocess
import sys
import time

from credservice.local.leash import LeashedProcess

OWNER = """
import sys, time
from credservice.local.leash import LeashedProcess
print(LeashedProcess(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""


def _gone(pid, seconds=5.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_the_child_ends_when_its_owner_is_killed():
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        child = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    assert _gone(child)


def test_stop_sends_the_signal_and_returns_the_status():
    process = LeashedProcess(["sleep", "60"], stop_signal=signal.SIGINT)
    assert process.poll() is None
    assert process.stop() == -signal.SIGINT


def test_a_child_that_ignores_the_signal_is_killed():
    process = LeashedProcess(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
    time.sleep(0.3)
    assert process.stop(timeout=0.2) == -signal.SIGKILL


def test_stop_twice_is_harmless():
    process = LeashedProcess(["sleep", "60"])
    assert process.stop() == process.stop() == -signal.SIGTERM
