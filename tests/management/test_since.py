"""The lines that a backup lacks are sorted: what would be good again after a restore, and what is not known to it."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from credservice.adminkit import sentence_words as words
from credservice.audit.models import AuditEvent
from credservice.keys.models import SigningKey
from credservice.keys.signing_keys import generate_signing_key
from credservice.management.restore_drill.copy import End
from credservice.management.restore_drill.since import (
    BACK,
    CHANGED,
    CREDENTIALS,
    ENDED,
    ISSUED,
    MADE,
    NO_POWER,
    RETIRING,
    Since,
)
from credservice.management.restore_drill.telling import tell_lines
from tests.lifecycle.conftest import outside  # noqa: F401 - a fixture
from tests.support.actions import composed, written
from tests.support.console import World

# What neither ends nor tightens anything, and so is not told. Whoever adds an action decides: told, or one of these.
UNTOLD = {
    # Looked at, handed out, sent or written down, with nothing ended by it.
    *("audit.exported", "audit.verified", "broker_password.recognised", "credential.copied"),
    *("credential.handed_out", "credential.recognised", "credential.revealed", "data.exported", "end_user.creation"),
    *("end_user.creation_settled", "end_user.created_at_mindcloud", "end_user.token_minted"),
    *("event_delivery.replayed", "event_endpoint.pinged", "event_endpoint.replayed", "exchange.credential"),
    *("readiness.probe", "service_token.recognised", "signing_key.reminded", "signing_secret.recognised"),
    *("signing_secret.reminded", "signing_secret.revealed", "signing_secret.used", "sso.handed_over", "sso.redeemed"),
    *("sso.signed_on", "usage.reported", "user.confirmed", "user.second_factor_used", "user.signed_in"),
    # Asked for and refused.
    *("console.page", "credential.issue", "invitation.open", "sso.sign_on", "user.password_change"),
    *("user.password_check", "user.second_factor", "user.sign_in", "vendor_api.call"),
    # Other lines tell what came of it.
    *("credential.end_confirmed", "credential.retried", "credential.rotation_started", "credential.surplus_ended"),
    *("credential.values_in_doubt", "import.committed", "resource.provisioned", "setup.applied"),
    *("resource_credential.due_for_rotation",),
    # The end of what had ended; the worker erases it again.
    "credential.erased",
    # A restore ends all sessions, by another SECRET_KEY and end_sessions --all.
    *("sso.signed_out", "user.signed_out"),
    # The trail itself.
    *("audit.chain_accepted", "audit.month_dropped", "audit.sealing_refused"),
}
# What is told where its facts say so: see the cases below.
BY_ITS_FACTS = {"signing_key.activated", "signing_secret.erased", "user.roles_set"}


def line(action, object_id="1", pk=1, actor="", **detail):
    kind = action.partition(".")[0]
    found = AuditEvent(pk=pk, action=action, outcome="done", object_type=kind, object_id=object_id, actor=actor)
    found.detail = detail
    return found


def changed(kind, **changes):
    return line(f"{kind}.changed", changes=changes)


def sorted_as(*lines):
    found = Since(lines, {})
    return [name for name, told in found.lines.items() if told]


@pytest.mark.django_db
def test_each_action_is_told_or_sorted_as_one_that_ends_nothing():
    actions = {action for action in written() | composed() | {*words.DONE} if action not in CREDENTIALS}
    actions = {action for action in actions if action.partition(".")[0] not in NO_POWER}
    actions = {action for action in actions if action.rpartition(".")[2] not in (*MADE, *BACK)}
    assert {action for action in actions if not sorted_as(line(action))} == UNTOLD | BY_ITS_FACTS


@pytest.mark.parametrize(
    ("told", "what"),
    [
        (changed("user", is_active={"from": True, "to": False}), ENDED),
        (changed("user", groups={"from": ["Operators", "Viewers"], "to": ["Viewers"]}), ENDED),
        (changed("user", password={}), ENDED),
        (line("user.roles_set", **{"from": ["Viewers"], "to": []}), ENDED),
        (changed("installation", state={"from": "active", "to": "suspended"}), ENDED),
        (changed("trusted_key", ends_at={"from": None, "to": "2026-01-01"}), ENDED),
        (line("trusted_key.changed"), ENDED),
        (changed("platform", require_signature={"from": False, "to": True}), ENDED),
        (changed("four_eyes", bulk_revoke={"from": False, "to": True}), ENDED),
        (line("user.second_factor_reset"), ENDED),
        (line("user.second_factor_added"), ENDED),
        (line("credential.leak_noted"), ENDED),
        (line("signing_secret.erased", why="leaked"), ENDED),
        (changed("four_eyes", bulk_revoke={"from": True, "to": False}), CHANGED),
        (changed("platform", require_signature={"from": True, "to": False}), CHANGED),
        (changed("user", groups={"from": ["Viewers"], "to": ["Operators", "Viewers"]}), CHANGED),
        (changed("platform", tolerance_seconds={"from": 300, "to": 60}), CHANGED),
        (line("end_user.changed", fields=["attributes"]), CHANGED),
        (line("grant.renewed", credential="2", line_before="1"), CHANGED),
        (line("resource.plan_changed"), CHANGED),
        (line("user.roles_set", **{"from": [], "to": ["Viewers"]}), None),
        (line("signing_secret.erased", why="ended 30 days ago"), None),
        (line("callback.closed"), None),
        (line("operation.refused"), None),
    ],
)
def test_a_line_tells_whether_something_was_ended(told, what):
    assert sorted_as(told) == ([what] if what else [])


def test_what_was_given_back_and_taken_again_is_ended():
    verbs = ("suspended", "resumed", "suspended")
    found = Since([line(f"end_user.{verb}", pk=pk) for pk, verb in enumerate(verbs, 1)], {})
    assert [each.pk for each in found.lines[ENDED]] == [3]


def test_what_was_made_and_ended_since_is_not_good_for_the_backup():
    assert sorted_as(line("approval.asked"), line("approval.used", pk=2)) == []
    assert sorted_as(line("credential.issued"), line("credential.leak_noted", pk=2)) == []


def credentials(*actions, issuer, **detail):
    return Since([line(action, policy="p", **detail) for action in actions], {"p": issuer})


def test_a_credential_that_was_issued_and_revoked_since_is_not_good_for_the_backup():
    found = credentials("credential.issued", "credential.revoking", "credential.revoked", issuer="api_key")
    assert found.counts() == {ISSUED: {"api_key": 1}, ENDED: {}}
    assert (found.revoked_here(), found.revoked_outside(), found.known_outside()) == ([], [], [])


@pytest.mark.usefixtures("outside")
def test_one_that_was_issued_since_is_known_outside_until_its_issuer_has_ended_it():
    """Of one that was ended by force, or by an issuer that the settings no longer name, nobody can say so."""
    issued, ended = "credential.issued", "credential.revoked"
    assert credentials(issued, "credential.revoking", issuer="folder").known_outside() == ["1"]
    assert credentials(issued, ended, issuer="folder").known_outside() == []
    assert credentials(issued, ended, issuer="folder", forced=True).known_outside() == ["1"]
    assert credentials(issued, ended, issuer="gone").known_outside() == ["1"]


@pytest.mark.parametrize("issuer", ["api_key", "gone"])
def test_a_rotation_whose_overlap_still_ran_has_a_predecessor_without_an_end(issuer):
    found = credentials(RETIRING, issuer=issuer)
    assert (found.retiring, found.counts()[ENDED]) == ({"1": issuer}, {issuer: 1})


def test_one_whose_overlap_is_over_was_revoked():
    found = credentials(RETIRING, "credential.revoking", "credential.revoked", issuer="api_key")
    assert (list(found.retiring), found.revoked_here(), found.counts()[ENDED]) == ([], ["1"], {"api_key": 1})


def test_what_expired_is_over_for_the_backup_as_well():
    found = credentials("credential.expired", issuer="gone")
    assert (found.revoked_outside(), found.counts()[ENDED]) == ([], {})


@pytest.mark.django_db
def test_a_new_signing_key_takes_over_from_the_one_that_the_copy_has():
    activated = line("signing_key.activated", kid="new", algorithm="ES256")
    assert sorted_as(activated) == []
    generate_signing_key(algorithm="ES256", actor="test")
    assert SigningKey.objects.get().state == SigningKey.State.CURRENT
    found = Since([activated, line("signing_key.activated", pk=2, kid="newer", algorithm="ES256")], {})
    assert found.lines[ENDED] == [activated]


def told_of(*lines):
    told = []
    for pk, each in enumerate(lines, 10**6):  # after those that the copy has
        each.pk = pk
    tell_lines(lines, End(0, datetime.now(UTC), 0, datetime.now(UTC)), {}, told.append, every=True)
    return told


@pytest.mark.django_db
def test_a_predecessor_that_has_no_end_for_the_backup_is_named():
    assert told_of(line(RETIRING, policy="p")) == [
        "Issued since: none.",
        "Ended since: 1 by policy p.",
        "Replaced, with an overlap, and without an end for the backup: 1.",
    ]


@pytest.mark.django_db
def test_an_account_that_the_copy_does_not_know_is_not_told_of():
    """An invited one, say, whose owner adds a second factor at once."""
    known = User.objects.create_user("ann")
    told = told_of(*(line("user.second_factor_added", str(pk), actor="system") for pk in (known.pk, known.pk + 1)))
    assert told == [
        "Issued since: none.",
        "Ended since: 1 other thing.",
        "Ended or tightened, and as before for the backup:",
        "  line 1000000: The service added a second factor to user ann",
    ]


@pytest.mark.django_db
def test_what_the_copy_knows_of_resources_is_told():
    world = World()
    told = told_of(
        line("resource.suspended", str(world.resource.pk)),
        line("resource_credential.deprovisioned", str(world.resource.resource_credentials.get().pk)),
        line("resource.suspended", "e81ba2cb-0000-0000-0000-000000000000"),
    )
    assert "Ended since: 2 other things." in told


@pytest.mark.parametrize(("later", "told"), [([True], 0), ([True, False], 1), ([False], 2)])
def test_a_suspension_by_a_file_that_was_taken_back_is_not_told(db, later, told):
    lines = [
        line("platform.changed", pk=pk, changes={"is_active": {"from": not value, "to": value}})
        for pk, value in enumerate([False, *later], start=1)
    ]
    assert len(Since(lines, {}).lines[ENDED]) == told
