"""`make run`, as a terminal has it."""

import os
import subprocess
import sys

import psutil

from tests.support.paths import ROOT

RUN = [sys.executable, "-m", "credservice.devserver", "run"]


class Run:
    """A `make run` on a port and a state folder of its own."""

    def __init__(self, var_dir, port, environment):
        self.var_dir = var_dir
        self.environment = environment | {"VAR_DIR": str(var_dir), "PORT": str(port)}
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            RUN, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def shown(self):
        """Read what it prints until it serves."""
        lines = []
        for line in self.process.stdout or ():
            lines.append(line)
            if "Ctrl-C" in line:
                break
        return "".join(lines)

    def everything(self):
        """All processes that it started, wherever they hang now."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number):
        """Its output after the signal, and its exit status."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[0], self.process.returncode

    def second(self, *command):
        """Something in a second terminal: same state folder, nothing else."""
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)


def bare_environment():
    """This process's environment without the settings of the test run."""
    settings = {"DATABASE_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "ALLOWED_HOSTS", "ENVIRONMENT", "VAR_DIR"}
    return {name: value for name, value in os.environ.items() if name not in settings}
