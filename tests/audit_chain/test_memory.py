"""The sealer goes on only from the chain that is remembered outside of the database, and verification compares it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent, AuditSeal
from credservice.audit_chain.anchors import Anchor
from credservice.audit_chain.links import Broken
from credservice.audit_chain.memory import head_file, remember, remembered
from credservice.audit_chain.retention import drop_old_months
from credservice.audit_chain.sealing import seal_settled
from credservice.audit_chain.status import chain_state
from credservice.audit_chain.tasks import seal
from credservice.audit_chain.verification import verify
from tests.support.audit_chain import unguarded


@pytest.fixture
def kept(chain, django_capture_on_commit_callbacks):
    """As ``chain``, and what follows a commit is done: the heads go outside."""

    def write(*batches):
        with django_capture_on_commit_callbacks(execute=True):
            chain(*batches)

    return write


@pytest.fixture
def attack():
    """As the tables' owner with the triggers off: change a line of batch 2, and delete the seals from there on."""

    def forge():
        with unguarded() as cursor:
            after = AuditSeal.objects.get(number=2).after_id
            cursor.execute("UPDATE audit_auditevent SET actor = 'user:bob' WHERE id = %s", [after + 1])
            assert cursor.rowcount == 1
            cursor.execute("DELETE FROM audit_auditseal WHERE number >= 2")

    return forge


def run(**options):
    """Return the exit status of verify_audit, and its sentence."""
    try:
        call_command("verify_audit", **options)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, ""


def head(number):
    return bytes(AuditSeal.objects.get(number=number).head).hex()


def test_the_sealer_refuses_a_chain_that_was_cut_back(kept, attack, trail, caplog):
    kept(2, 2, 2)
    attack()
    seal(0)
    assert AuditSeal.objects.count() == 1
    assert "audit_sealing_refused" in caplog.text
    refused = trail.one(action="audit.sealing_refused")
    assert refused.outcome == "refused"
    assert "The head of batch 3" in refused.detail["why"]
    assert "which ends at batch 1:" in refused.detail["why"]
    assert "The head of batch 3" in chain_state().refused
    seal(0)  # a minute later: told in the log alone
    assert len(trail.all(action="audit.sealing_refused")) == 1
    code, sentence = run()
    assert code == 1
    assert "An anchor names batch 3, and the chain ends at batch 1" in sentence


def test_the_anchor_file_alone_is_memory_enough(kept, attack, settings, tmp_path):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    kept(2, 2, 2)
    attack()
    head_file().unlink()  # as in a new container
    with pytest.raises(Broken, match="The head of batch 3"):
        seal_settled()
    assert run()[0] == 1


def test_without_either_the_forged_lines_are_sealed_and_it_says_that_nothing_was_compared(kept, attack):
    kept(2, 2, 2)
    attack()
    head_file().unlink()
    assert seal_settled() == 4
    head_file().unlink()  # verified elsewhere
    code, sentence = run()
    assert code == 3
    assert "Nothing from outside of the database was compared" in sentence


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM audit_auditseal",
        "UPDATE audit_auditseal SET up_to_id = after_id WHERE number = 3",
        "UPDATE audit_auditseal SET head = previous WHERE number = 3",
        "DELETE FROM audit_auditseal WHERE number = 2",  # the remembered one is 2
    ],
)
def test_a_changed_end_is_not_gone_on_from(kept, change):
    kept(2, 2, 2)
    remember(Anchor(2, head(2)))
    record(Line(action="test.act", actor="x"))
    with unguarded() as cursor:
        cursor.execute(change)
    with pytest.raises(Broken):
        seal_settled()


def test_the_last_link_must_be_ours_also_where_nothing_is_remembered(kept):
    kept(2)
    head_file().unlink()
    record(Line(action="test.act", actor="x"))
    with unguarded() as cursor:
        cursor.execute("UPDATE audit_auditseal SET up_to_id = 0")
    with pytest.raises(Broken, match="was changed"):
        seal_settled()


def test_a_head_that_is_older_than_the_end_is_fine_and_comes_up_to_it(kept):
    kept(2, 2, 2)
    remember(Anchor(1, head(1)))  # another machine sealed the others
    assert seal_settled() == 0
    assert remembered() == Anchor(3, head(3))


def test_no_month_is_dropped_from_a_chain_that_was_cut_back(kept, settings):
    with unguarded() as cursor:
        cursor.execute("SELECT audit_make_partition('2020-01-01')")
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES ('2020-01-15+00', 'a', 'done', 'x')"
        )
    kept(1)
    remember(Anchor(9, "ab" * 32))
    settings.AUDIT_RETENTION_DAYS = 365
    assert drop_old_months(actor="worker") == []
    assert AuditSeal.objects.count() == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"number": 1}', "\udc80"])
def test_a_memory_that_cannot_be_read_is_no_empty_one(kept, content):
    kept(1)
    head_file().write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(Broken, match="cannot be read"):
        seal_settled()


def test_a_folder_that_cannot_be_written_to_stops_no_sealing(chain, settings, caplog, tmp_path):
    (tmp_path / "file").write_text("")
    settings.VAR_DIR = tmp_path / "file" / "var"
    remember(Anchor(1, "ab" * 32))
    assert "audit_head_not_kept" in caplog.text


def test_the_memory_is_replaced_whole(kept):
    kept(1, 1)
    assert json.loads(head_file().read_text()) == {"number": 2, "head": head(2)}
    assert [path.name for path in head_file().parent.iterdir()] == [head_file().name]


def test_an_operator_accepts_a_restored_chain_with_a_reason(kept, attack, settings, tmp_path, trail):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    kept(2, 2, 2)
    attack()  # or an older copy: the same to the sealer
    seal(0)
    with pytest.raises(CommandError, match="needs a reason"):
        call_command("verify_audit", accept=" ")
    call_command("verify_audit", accept="restored the backup of Monday")
    accepted = trail.one(action="audit.chain_accepted")
    assert accepted.detail == {"why": "restored the backup of Monday", "number": 1, "head": head(1)}
    assert accepted.actor.startswith("command:verify_audit:")
    assert chain_state().refused == ""
    kept(1)
    assert AuditSeal.objects.count() == 2
    assert run() == (0, "")
    assert run(anchor=[settings.AUDIT_ANCHOR_FILE]) == (0, "")


def test_a_database_that_was_made_anew_is_accepted(kept, attack):
    kept(2, 2)
    with unguarded() as cursor:
        cursor.execute("DELETE FROM audit_auditseal")
        cursor.execute("DELETE FROM audit_auditevent")
    assert run()[0] == 1
    assert run(accept="a database of its own") == (0, "")
    kept(1)
    assert run() == (0, "")


def test_a_chain_that_does_not_hold_by_itself_is_not_accepted(kept, trail):
    kept(2, 2)
    with unguarded() as cursor:
        cursor.execute("DELETE FROM audit_auditseal WHERE number = 1")
    assert run(accept="it will do")[0] == 1
    assert trail.all(action="audit.chain_accepted") == []


def test_the_anchor_file_is_compared_by_default(kept, settings, tmp_path, capsys):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    kept(1, 1)
    assert run() == (0, "")
    assert "Anchors compared: 2." in capsys.readouterr().out
    with Path(settings.AUDIT_ANCHOR_FILE).open("a") as file:
        file.write(json.dumps({"number": 1, "head": "ab" * 32}) + "\n")
    code, sentence = run()
    assert code == 1
    assert "Batch 1 is not the one that was anchored" in sentence


def test_each_of_two_heads_of_one_batch_is_compared(kept):
    kept(1)
    assert run(anchor=["1:" + "ab" * 32, f"1:{head(1)}"])[0] == 1


def test_what_cannot_be_used_has_its_own_status(kept):
    assert run(anchor=["nonsense"])[0] == 4


def test_late_batches_and_time_that_goes_back_are_reported(kept, trail, capsys):
    kept(1)
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        kept(1)
    kept(1)
    report = verify()
    assert (report.late, report.backwards) == ([2], [3])
    assert run() == (0, "")
    told = capsys.readouterr().err
    assert "Sealed over an hour after a line of theirs: batches 2." in told
    assert "Sealed before the batch before them, by the clock: batches 3." in told
    assert trail.one(action="audit.verified").detail["late"] == [2]


def test_a_batch_with_an_old_line_before_a_new_one_is_late(kept):
    with unguarded() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES (now() - interval '2h', 'a', 'done', 'x')"
        )
    kept(1)
    assert verify().late == [1]
    assert AuditEvent.objects.latest("id").action == "test.act"
