"""The kill drill: a short run prints zeros, what is forged is found, and an interrupted one leaves nothing."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from provisioning.checker.connector.callbacks import Callback
from tests.devserver.running import bare_environment
from tests.drill.__main__ import report
from tests.drill.figures import HALVES, LOST, OUTSIDE, PROMISES, SEALS, TRAIL, TWICE, ZEROS, Figures
from tests.drill.kill import KillDrill, stage
from tests.drill.ledger import Promise
from tests.drill.load import LOCAL
from tests.drill.platform import QUEUE
from tests.drill.processes import VICTIMS
from tests.support.paths import ROOT

COMMAND = "python -m tests.drill kill --seed 1"
ROUNDS = sum(VICTIMS.values())  # the whole pack
BREAK = """
    UPDATE credentials_credential SET sealed_values = set_byte(sealed_values, 40, get_byte(sealed_values, 40) # 1)
    WHERE id = %s RETURNING id"""
UNBIND = "DELETE FROM provisioning_resourcecredential WHERE partner_id = %s"


@pytest.fixture
def folder(monkeypatch):
    """Make the folder of a drill's files. Run as root, the database's account has to pass through."""
    folder = Path(tempfile.mkdtemp(prefix="credservice-test-"))
    folder.chmod(0o711)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


def left_in(folder):
    """Files, and processes that know of them; a moment is given to those that see that they are not needed."""
    others = [process for process in psutil.process_iter() if process.pid != os.getpid()]
    ending = [process for process in others if str(folder) in known_by(process)]
    return [*folder.iterdir(), *psutil.wait_procs(ending, timeout=10)[1]]


def known_by(process):
    try:
        return " ".join([*process.cmdline(), *process.environ().values()])
    except psutil.Error:
        return ""


def live_orders(ledger, product):
    return [order.id for order in ledger.orders if order.product == product and order.history and not order.removing]


def forge(played_on):
    """Lose what was acknowledged, halve what is one, forget a line and a callback, break a seal, and leave a credential
    outside."""
    rows, ledger = played_on.service.rows, played_on.partners.ledger
    for product in (LOCAL, QUEUE):
        lost, halved, *_ = live_orders(ledger, product)
        ((gone,),) = rows(f"{UNBIND} RETURNING credential_id", lost)
        rows("DELETE FROM credentials_credential WHERE id = %s RETURNING id", gone)
        ((unbound,),) = rows(f"{UNBIND} RETURNING credential_id", halved)
        rows(BREAK, unbound)
    user = next(user for user in ledger.end_users if user.history)
    rows("UPDATE exchange_enduser SET is_active = false WHERE external_id = %s RETURNING id", user.name)
    ledger.handed_out.append("a-request-without-a-line")
    ledger.promises.append(Promise("PUT", [], Callback("0", with_credentials=False), given=True))
    played_on.vendor.make("made-for-nobody")


def test_the_figures_are_zeros_until_something_is_forged(folder, capsys):
    figures, rng = Figures(), random.Random(1)
    with stage(figures, rng) as played_on:
        KillDrill(played_on, rng).play(ROUNDS)
        assert figures.faults == {}
        assert report(figures, COMMAND, 0) == 0
        table = dict(line.rsplit(None, 1) for line in capsys.readouterr().out.splitlines()[1:])
        assert {name: table[name] for name in ZEROS} == dict.fromkeys(ZEROS, "0")
        assert {name: int(table[f"  {name}"]) for name in VICTIMS} == VICTIMS
        KillDrill(played_on, rng, tamper=forge).play(1)
        forged = {order.product for order in played_on.partners.ledger.orders if order.id in str(figures.faults[TWICE])}
    assert forged >= {LOCAL, QUEUE}
    assert set(figures.faults) >= {LOST, TWICE, HALVES, TRAIL, OUTSIDE, PROMISES, SEALS}
    assert report(figures, COMMAND, 0) == 1
    assert f"To repeat it: {COMMAND}" in capsys.readouterr().out
    assert left_in(folder) == []


def test_an_interrupted_drill_leaves_nothing(folder):
    command = [sys.executable, "-m", "tests.drill", "kill"]
    settings = bare_environment() | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as drill:
        while not list(folder.glob("credservice-drill-*/demo")):  # its database runs, and a command on it
            assert drill.poll() is None
            time.sleep(0.05)
        drill.send_signal(signal.SIGINT)
        said, _ = drill.communicate(timeout=60)
    assert drill.returncode == 130, said
    assert left_in(folder) == []
