"""The values of what has ended are erased; what they were is still recognised."""

from base64 import b64encode
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from credservice.core.exceptions import Conflict
from credservice.credentials import key_lookup, tasks
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_issue, force_end, reveal, revoke, rotate, start_issue
from credservice.credentials.transitions import has_or_had
from credservice.crypto import Place, seal

ACTOR = "user:ann"
OLD, SHORT = "a-value-that-has-leaked", "hunter2"


@pytest.fixture
def entered(db):
    policy = CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["apiKey"]})
    return lambda value: start_issue(
        policy=policy, context={}, subject="end_user:1", actor=ACTOR, entered={"apiKey": value}
    )


def ended(credential, days):
    """Revoke it, so many days ago."""
    revoke(credential=credential, actor=ACTOR, reason="no longer needed")
    Credential.objects.filter(pk=credential.pk).update(ended_at=timezone.now() - timedelta(days=days))
    return credential.pk


def sweep():
    while tasks.erase_ended():
        pass


def has_values(pk):
    return Credential.objects.filter(pk=pk, sealed_values__isnull=False).exists()


def test_values_are_erased_thirty_days_after_the_end(entered, trail):
    old, recent, live = (
        ended(entered("one-long-enough"), 31),
        ended(entered("two-long-enough"), 29),
        entered("three").pk,
    )
    sweep()
    assert [has_values(pk) for pk in (old, recent, live)] == [False, True, True]
    line = trail.one(action="credential.erased")
    assert (line.object_id, line.actor, line.detail["why"]) == (str(old), "worker", "ended 30 days ago")


def test_a_setting_says_after_how_many_days(entered, settings):
    settings.ERASE_ENDED_DAYS = 0
    gone = ended(entered(OLD), 0)
    sweep()
    assert not has_values(gone)


def test_an_expired_one_is_erased_as_well(entered):
    expired = entered(OLD)
    long_ago = timezone.now() - timedelta(days=40)
    Credential.objects.update(state="expired", expires_at=long_ago, ended_at=long_ago)
    sweep()
    assert not has_values(expired.pk)


def test_a_predecessor_is_erased_while_its_line_goes_on(entered):
    first = entered(OLD)
    second = rotate(credential=first, actor=ACTOR, entered={"apiKey": "the-next-value"})
    first.refresh_from_db()
    gone = ended(first, 31)
    sweep()
    assert (has_values(gone), has_values(second.pk)) == (False, True)


def test_a_leaked_one_is_erased_at_once(entered, trail):
    first = entered(OLD)
    rotate(credential=first, actor=ACTOR, entered={"apiKey": "the-next-value"}, overlap=timedelta(0))
    assert not has_values(first.pk)
    line = trail.one(action="credential.erased")
    assert (line.object_id, line.actor, line.detail["why"]) == (str(first.pk), ACTOR, "leaked")


def test_a_policy_without_overlap_does_not_mean_that_it_has_leaked(entered):
    first = entered(OLD)
    CredentialPolicy.objects.update(overlap=timedelta(0))
    first = Credential.objects.select_related("policy").get(pk=first.pk)
    rotate(credential=first, actor=ACTOR, entered={"apiKey": "the-next-value"})
    assert has_values(first.pk)


def test_one_that_is_revoked_because_it_leaked_is_erased_at_once(entered):
    revoked = revoke(credential=entered(OLD), actor=ACTOR, reason="in a log", leaked=True)
    assert not has_values(revoked.pk)


def test_also_where_it_was_revoked_before(entered):
    revoked = revoke(credential=entered(OLD), actor=ACTOR, reason="no longer needed")
    assert has_values(revoked.pk)
    revoke(credential=revoked, actor=ACTOR, reason="in a log", leaked=True)
    assert not has_values(revoked.pk)


def test_a_leaked_one_that_must_be_ended_outside_is_erased_before_that_is_done(active, outside):
    outside.fault("before-revoke", "down")
    revoked = revoke(credential=active, actor=ACTOR, reason="in a log", leaked=True)
    assert (revoked.state, has_values(active.pk)) == ("retiring", False)
    outside.heal("before-revoke")
    tasks.end(str(active.pk))
    assert (Credential.objects.get(pk=active.pk).state, outside.live()) == ("revoked", set())


def test_a_leaked_one_goes_on_until_its_successor_is_there(active):
    successor = rotate(credential=active, actor=ACTOR, overlap=timedelta(0))
    assert has_values(active.pk)
    finish_issue(successor, actor=ACTOR)
    assert not has_values(active.pk)


def test_where_only_one_may_live_a_leaked_one_is_erased_first(outside, db):
    policy = CredentialPolicy.objects.create(name="single", issuer="one_only")
    first = finish_issue(start_issue(policy=policy, context={}, subject="", actor=ACTOR), actor=ACTOR)
    rotate(credential=first, actor=ACTOR, overlap=timedelta(0))
    assert not has_values(first.pk)


def test_an_erased_one_is_still_found_by_what_it_was(entered):
    revoked = revoke(credential=entered(OLD), actor=ACTOR, reason="in a log", leaked=True)
    assert [found.pk for found in key_lookup.report_leak(f"a log with {OLD} in it", actor=ACTOR)] == [revoked.pk]


@pytest.mark.parametrize("value", [OLD, SHORT])
def test_what_an_erased_one_was_is_known_also_where_it_is_short(entered, value):
    revoked = revoke(credential=entered(value), actor=ACTOR, reason="in a log", leaked=True)
    erased = Credential.objects.get(pk=revoked.pk)
    assert has_or_had(erased, {"apiKey": value})
    assert not has_or_had(erased, {"apiKey": "another"})
    assert not has_or_had(entered(f"not {value}"), {"apiKey": "another"})


def test_a_reveal_says_that_it_was_erased(entered):
    revoked = revoke(credential=entered(OLD), actor=ACTOR, reason="in a log", leaked=True)
    with pytest.raises(Conflict, match="were erased after its end"):
        reveal(credential=Credential.objects.get(pk=revoked.pk), actor=ACTOR, reason="to look at it")


def test_one_that_does_not_open_is_erased_all_the_same(entered):
    gone, other = ended(entered(OLD), 31), entered("another-value")
    Credential.objects.filter(pk=gone).update(sealed_values=other.sealed_values)
    sweep()
    assert not has_values(gone)


@pytest.fixture
def with_copy(active):
    """One of which the issuer keeps a copy, to end it by."""
    copy = b64encode(seal(b"token", Place("credentials.credential", active.pk, "handle"))).decode()
    Credential.objects.filter(pk=active.pk).update(handle=active.handle | {"sealed": copy})
    return Credential.objects.select_related("policy").get(pk=active.pk)


def test_the_issuers_copy_is_erased_when_it_has_ended(with_copy, outside):
    others = {name: value for name, value in with_copy.handle.items() if name != "sealed"}
    revoke(credential=with_copy, actor=ACTOR, reason="in a log", leaked=True)
    assert "sealed" in Credential.objects.get(pk=with_copy.pk).handle
    tasks.end(str(with_copy.pk))
    assert Credential.objects.get(pk=with_copy.pk).handle == others


def test_the_issuers_copy_of_one_that_is_forced_is_erased_too(with_copy, outside):
    outside.fault("before-revoke", "down")
    ending = revoke(credential=with_copy, actor=ACTOR, reason="no longer needed")
    force_end(credential=ending, actor=ACTOR, reason="the vendor is gone")
    assert "sealed" not in Credential.objects.get(pk=with_copy.pk).handle


def test_the_copy_of_one_that_an_older_version_ended_is_erased_with_its_values(with_copy):
    Credential.objects.update(state="revoked", ended_at=timezone.now() - timedelta(days=31))
    sweep()
    assert "sealed" not in Credential.objects.get(pk=with_copy.pk).handle


def test_it_is_found_by_an_index(db):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM credentials_credential WHERE ended_at <= now() AND sealed_values IS NOT NULL "
            "AND state NOT IN ('pending', 'active', 'retiring') ORDER BY ended_at LIMIT 500"
        )
        assert "credentials_to_erase" in "\n".join(line for (line,) in cursor.fetchall())


def test_the_sweep_of_the_minute_erases_more_than_a_batch(entered, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH", 2)
    gone = [ended(entered(f"value-number-{number}"), 31) for number in range(5)]
    tasks.sweep(timestamp=0)
    assert not any(map(has_values, gone))
