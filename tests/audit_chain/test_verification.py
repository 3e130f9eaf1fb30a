"""Finds what somebody did past the triggers, and tells it in plain words."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent, AuditSeal
from credservice.audit_chain.anchors import read_anchors
from credservice.audit_chain.links import Broken
from credservice.audit_chain.sealing import seal_settled
from credservice.audit_chain.signatures import SIGNED
from credservice.audit_chain.verification import verify
from credservice.core.exceptions import Invalid
from credservice.keys import jose
from credservice.keys.models import SigningKey
from tests.support.audit_chain import unguarded


def tamper(statement, *parameters):
    with unguarded() as cursor:
        cursor.execute(statement, parameters)
        assert cursor.rowcount > 0


def anchor_of_last():
    """The head of the chain's end, as an anchor."""
    seal = AuditSeal.objects.latest("number")
    return f"{seal.number}:{bytes(seal.head).hex()}"


def line(number):
    """The id of a line, counted from the first one."""
    return AuditEvent.objects.order_by("id").values_list("pk", flat=True)[number]


def test_an_untouched_trail_holds(chain):
    chain(3, 4)
    report = verify()
    assert (report.batches, report.lines, report.unsealed_since) == (2, 7, None)
    assert report.head == bytes(AuditSeal.objects.last().head).hex()


@pytest.mark.parametrize(
    "change",
    [
        "action = 'other'",
        "outcome = 'failed'",
        "reason = 'x'",
        "actor = 'user:bob'",
        "object_type = 'other'",
        "object_id = '9'",
        "subject = 'end_user:1'",
        "source = '203.0.113.9'",
        "request_id = 'x'",
        """detail = '{"a": 1}'""",
        "at = at + interval '1 microsecond'",
    ],
)
def test_a_changed_line_is_found(chain, change):
    chain(3, 4, 2)
    tamper(f"UPDATE audit_auditevent SET {change} WHERE id = %s", line(4))
    with pytest.raises(Broken, match=r"Batch 2 is broken .* one of its 4 lines of \d{4}-\d\d was changed"):
        verify()


def test_a_deleted_line_is_found(chain):
    chain(3, 4)
    tamper("DELETE FROM audit_auditevent WHERE id = %s", line(5))
    with pytest.raises(Broken, match=r"Batch 2 is broken .* 1 of its 4 lines of .* were deleted"):
        verify()


INSERT = "INSERT INTO audit_auditevent (id, at, action, outcome, actor) SELECT {}, 'forged', 'done', 'x' {}"


@pytest.mark.parametrize(
    "place",
    [
        "id, at + interval '1 second'",  # with another line's id
        "id, at - interval '1 second'",
        "-5, at",  # before the first one
        "id, at + interval '40 days'",  # in another month
    ],
)
def test_an_inserted_line_is_found(chain, place):
    chain(3, 4)
    tamper(INSERT.format(place, "FROM audit_auditevent WHERE id = %s"), line(1))
    with pytest.raises(Broken, match=r"Batch 1 is broken .* 1 lines of .* inserted"):
        verify()


def test_two_lines_that_changed_places_are_found(chain):
    chain(3)
    one, other = line(0), line(1)
    tamper("UPDATE audit_auditevent SET id = 0 - id WHERE id = %s", one)
    tamper("UPDATE audit_auditevent SET id = %s WHERE id = %s", one, other)
    tamper("UPDATE audit_auditevent SET id = %s WHERE id = 0 - %s", other, one)
    with pytest.raises(Broken, match="Batch 1"):
        verify()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM audit_auditseal WHERE number = 2", "Batch 2 is missing"),
        ("DELETE FROM audit_auditseal WHERE number = 1", "Batch 1 is missing"),
        ("UPDATE audit_auditseal SET sealed_at = sealed_at - interval '1 day' WHERE number = 2", "Batch 2 was changed"),
        ("UPDATE audit_auditseal SET up_to_id = up_to_id + 1 WHERE number = 2", "Batch 2 was changed"),
        ("UPDATE audit_auditseal SET parts = '[]' WHERE number = 2", "Batch 2 was changed"),
        ("UPDATE audit_auditseal SET kind = 'retention' WHERE number = 2", "Batch 2 was changed"),
        ("UPDATE audit_auditseal SET mac = set_byte(mac, 9, get_byte(mac, 9) # 1) WHERE number = 2", "not sealed by"),
        ("UPDATE audit_auditseal SET mac = '\\x00' WHERE number = 2", "not sealed by"),
        (
            "UPDATE audit_auditseal SET signature = set_byte(signature, 9, 9 # get_byte(signature, 9)) WHERE number=2",
            "its signature is wrong",
        ),
        ("UPDATE audit_auditseal SET previous = head WHERE number = 2", "does not follow"),
    ],
)
def test_a_changed_chain_is_found(chain, statement, sentence):
    chain(2, 2, 2)
    tamper(statement)
    with pytest.raises(Broken, match=sentence):
        verify()


def _forge(number, change=lambda seal: None):
    """Rewrite a link as somebody can who has the database and a signing key of their own, but not our keys."""
    key = jose.generate_jwk("EdDSA")
    public = jose.public_jwk(key, "EdDSA")
    SigningKey.objects.create(
        algorithm="EdDSA", kid=public["kid"], public_jwk=public, state="retired", activates_at="2026-01-01T00:00Z"
    )
    seal = AuditSeal.objects.get(number=number)
    change(seal)
    head = seal.computed_head()
    tamper(
        "UPDATE audit_auditseal SET parts = %s::jsonb, head = %s, kid = %s, signature = %s WHERE number = %s",
        *(json.dumps(seal.parts), head, public["kid"], key.private_key.sign(SIGNED + head), number),
    )


def test_a_chain_that_is_signed_anew_with_a_key_of_their_own_is_found(chain):
    chain(2, 2)
    _forge(2)
    with pytest.raises(Broken, match="Batch 2 was not sealed by this service: its authentication code is not ours"):
        verify()


def test_an_exchanged_signing_key_is_found(chain):
    chain(1)
    public = jose.public_jwk(jose.generate_jwk("EdDSA"), "EdDSA")
    SigningKey.objects.filter(kid=AuditSeal.objects.get().kid).update(public_jwk=public)
    with pytest.raises(Broken, match="was exchanged"):
        verify()


def test_a_retired_key_still_proves_what_it_signed(chain):
    from credservice.keys.signing_keys import generate_signing_key

    chain(1)
    generate_signing_key(algorithm="EdDSA", actor="user:ann", leaked=True)
    seal_settled()
    assert verify().batches == 2
    assert len({seal.kid for seal in AuditSeal.objects.all()}) == 2


def test_an_end_that_was_cut_off_is_found_by_an_anchor(chain):
    chain(2, 2)
    head = bytes(AuditSeal.objects.get(number=2).head).hex()
    tamper("DELETE FROM audit_auditevent WHERE id > %s", AuditSeal.objects.get(number=1).up_to_id)
    tamper("DELETE FROM audit_auditseal WHERE number = 2")
    assert verify().batches == 1
    with pytest.raises(Broken, match="An anchor names batch 2, and the chain ends at batch 1"):
        verify(read_anchors(f"2:{head}"))


def test_another_head_than_the_anchors_is_found(chain):
    chain(2)
    with pytest.raises(Broken, match="Batch 1 is not the one that was anchored"):
        verify(read_anchors("1:" + "ab" * 32))


def test_anchors_are_read_from_a_log(chain, tmp_path):
    chain(2)
    head = bytes(AuditSeal.objects.get().head).hex()
    log = tmp_path / "log"
    log.write_text(f'not json "head"\n{{"head": 5}}\n{{"event": "audit_sealed", "number": 1, "head": "{head}"}}\n')
    (anchor,) = read_anchors(str(log))
    assert (anchor.number, anchor.head) == (1, head)
    assert verify([anchor]).batches == 1


def test_a_log_of_text_is_refused_and_the_message_says_what_is_read(tmp_path):
    log = tmp_path / "log"
    log.write_text(f"2026-12-01T10:00:00Z [info     ] audit_sealed  head={'ab' * 32} number=1\n")
    with pytest.raises(Invalid, match=r"holds no anchor.* only lines of JSON are read, which production writes"):
        read_anchors(str(log))


@pytest.mark.parametrize("written", ["1:abc", "/nonexistent", "", "/dev/null"])
def test_what_is_no_anchor_is_refused(written):
    with pytest.raises(Invalid):
        read_anchors(written)


def test_lines_after_the_last_batch_are_told(chain):
    chain(2)
    record(Line(action="test.act", actor="x"))
    assert verify().unsealed_since is not None
    assert not verify().is_overdue


def test_the_command_says_what_held_and_records_it(chain, trail, capsys):
    chain(3)
    call_command("verify_audit", anchor=[anchor_of_last()])
    assert "3 lines in 1 batch" in capsys.readouterr().out
    assert trail.one(action="audit.verified").detail["lines"] == 3


def test_the_command_fails_with_the_sentence_and_records_it(chain, trail):
    chain(3)
    tamper("DELETE FROM audit_auditevent WHERE id = %s", line(1))
    with pytest.raises(CommandError, match="Batch 1 is broken") as failed:
        call_command("verify_audit")
    assert failed.value.returncode == 1
    assert trail.one(action="audit.verified").outcome == "failed"


def test_the_command_fails_where_old_lines_are_not_sealed(chain):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES (now() - interval '2h', 'a', 'done', 'x')"
        )
    with pytest.raises(CommandError, match="not sealed") as failed:
        call_command("verify_audit")
    assert failed.value.returncode == 2


def test_the_command_refuses_what_is_no_anchor(chain):
    with pytest.raises(CommandError, match="NUMBER:HEAD"):
        call_command("verify_audit", anchor=["nonsense"])
