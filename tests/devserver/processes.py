"""Looking at processes from outside."""

import os
import time


def first_line(process):
    """Read what a program prints first, as text."""
    with open(process.stdout.fileno(), closefd=False) as output:
        return output.readline().strip()


def gone(pid, seconds=10.0):
    """Tell whether the process ends within that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
