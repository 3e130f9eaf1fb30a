"""Whoever reports a leak reports values: what else of the line has one of them is not handed out again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import connection, transaction

from credservice.core.exceptions import Invalid
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.rotation_impact import preview_rotation
from credservice.credentials.services import confirm_end, revoke, rotate, start_issue
from credservice.credentials.shared_values import leaking_with
from credservice.credentials.vendor_values import put_credential
from credservice.tasks import rescue
from tests.credentials.lock_order import await_somebody_waiting
from tests.support.concurrency import at_once

ACTOR, NONE = "user:olga", timedelta(0)
URL, KEY, OTHER_KEY = "https://acme.example.com/api", "the-key-that-leaked", "another-key-for-acme"
OLD, NEW, NEWER = "the-first-secret", "the-second-secret", "the-third-secret"


@pytest.fixture
def policy(db):
    options = {"names": ["accessKey", "secret", "baseUrl"]}
    return CredentialPolicy.objects.create(name="entered", issuer="static", options=options)


def values(key=KEY, secret=OLD):
    return {"accessKey": key, "secret": secret, "baseUrl": URL}


@pytest.fixture
def first(policy):
    return start_issue(policy=policy, context={}, subject="end_user:1", actor=ACTOR, entered=values())


@pytest.fixture
def second(first):
    """The same key with another secret: the first one is retiring."""
    return rotate(credential=first, actor=ACTOR, entered=values(secret=NEW))


def anew(credential):
    return Credential.objects.select_related("policy").get(pk=credential.pk)


def rotated(second):
    rotate(credential=second, actor=ACTOR, entered=values(OTHER_KEY, NEWER), overlap=NONE)


def put(second):
    put_credential(credential=second, policy=second.policy, values=values(OTHER_KEY, NEWER), actor=ACTOR, overlap=NONE)


def revoked(second):
    revoke(credential=second, actor=ACTOR, reason="in a log", leaked=True)


def revoked_with_predecessors(second):
    revoke(credential=second, actor=ACTOR, reason="in a log", leaked=True, predecessors=True)


@pytest.mark.parametrize("report", [rotated, put, revoked, revoked_with_predecessors])
def test_a_retiring_version_with_its_value_ends_as_leaked(first, second, trail, report):
    assert anew(first).is_usable()
    report(second)
    ended = anew(first)
    assert (ended.state, ended.sealed_values, ended.leaked_by) == ("revoked", None, ACTOR)
    assert ended.state_word() == "leaked, may still work"
    line = trail.one(action="credential.revoked", object_id=str(first.pk))
    assert line.detail["why"] == f"a value of it leaked with entered {str(second.pk)[:8]}"
    assert line.detail["leaked"] is True
    assert anew(second).leaked_by == ACTOR


@pytest.mark.parametrize("report", [rotated, revoked])
def test_one_that_has_only_the_address_in_common_stays(policy, first, trail, report):
    second = rotate(credential=first, actor=ACTOR, entered=values(OTHER_KEY + "-2", NEW))
    report(second)
    assert (anew(first).is_usable(), anew(first).leaked_at) == (True, None)


def test_the_active_version_is_marked_and_goes_on(first, second, trail):
    revoke(credential=first, actor=ACTOR, reason="in a log", leaked=True)
    live = anew(second)
    assert (live.is_usable(), live.is_leaked_and_live(), live.state_word()) == (True, True, "leaked, active")
    line = trail.one(action="credential.leak_noted")
    assert (line.object_id, line.detail["why"]) == (
        str(second.pk),
        f"a value of it leaked with entered {str(first.pk)[:8]}",
    )
    third = rotate(credential=live, actor=ACTOR, entered=values(OTHER_KEY, NEWER))
    assert (anew(second).state, anew(second).sealed_values) == ("revoked", None)
    revoke(credential=first, actor=ACTOR, reason="once more", leaked=True)
    assert anew(third).leaked_at is None
    trail.one(action="credential.leak_noted")


def test_a_version_that_has_ended_is_erased(first, second, trail):
    revoke(credential=first, actor=ACTOR, reason="no longer needed")
    assert anew(first).sealed_values is not None
    revoked(second)
    ended = anew(first)
    assert (ended.sealed_values, ended.leaked_by, ended.outside) == (None, ACTOR, "leaked")


def test_also_where_the_leaked_one_was_erased_before(first, second, trail):
    revoke(credential=first, actor=ACTOR, reason="in a log", leaked=True)
    Credential.objects.filter(pk=second.pk).update(leaked_at=None, leaked_by="")
    revoke(credential=first, actor=ACTOR, reason="in a log", leaked=True)
    assert anew(second).leaked_by == ACTOR


def test_what_an_older_worker_did_not_know_is_given_to_one_that_does(second):
    revoked(second)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'credentials.end'")
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name LIKE 'credentials.note%'")
        async_to_sync(rescue.func)(0)
        cursor.execute("SELECT DISTINCT status FROM procrastinate_jobs WHERE task_name LIKE 'credentials.note%'")
        assert cursor.fetchall() == [("todo",)]


def test_the_preview_says_what_ends_with_it(first, second):
    name = f"entered {str(first.pk)[:8]}"
    told = f"Version {name} has a value of it, and ends with it."
    assert preview_rotation(anew(second), NONE).sentences()[-1] == told
    assert told not in preview_rotation(anew(second)).sentences()


def test_the_command_says_so_as_well(first, second, capsys):
    call_command("rotate", str(second.pk), "--leaked", "--dry-run")
    assert "has a value of it, and ends with it." in capsys.readouterr().out


@pytest.fixture
def named(policy, first):
    """All of the first one's values, and one that the policy has since: the first one is retiring."""
    policy.options = {"names": [*policy.options["names"], "region"]}
    policy.save()
    return rotate(credential=anew(first), actor=ACTOR, entered=values() | {"region": "eu-1"})


def test_of_one_whose_values_all_live_on_nothing_is_left_to_be_ended(first, named):
    ended = revoke(credential=first, actor=ACTOR, reason="no longer needed")
    assert (ended.outside, ended.state_word(), ended.shared_with) == ("", "revoked", None)
    assert revoke(credential=anew(named), actor=ACTOR, reason="the customer has left").outside == "open"


def test_also_where_the_next_one_comes_without_overlap(policy, first):
    policy.overlap = NONE
    policy.options = {"names": [*policy.options["names"], "region"]}
    policy.save()
    rotate(credential=anew(first), actor=ACTOR, entered=values() | {"region": "eu-1"})
    assert (anew(first).state, anew(first).outside) == ("revoked", "")


def test_a_short_value_that_was_replaced_is_left(policy, db):
    """No digest tells of it."""
    first = start_issue(policy=policy, context={}, subject="", actor=ACTOR, entered=values(secret="hunter2"))
    second = rotate(credential=first, actor=ACTOR, entered=values(secret="hunter3"))
    ended = revoke(credential=first, actor=ACTOR, reason="no longer needed")
    assert (ended.outside, ended.shared_with) == ("open", second.pk)


def test_what_is_left_names_the_version_that_has_values_of_it(first, second):
    ended = revoke(credential=first, actor=ACTOR, reason="no longer needed")
    assert (ended.outside, ended.shared_with) == ("open", second.pk)
    (listed,) = Credential.objects.with_use().in_use()
    assert (listed.pk, listed.shared_with) == (first.pk, second.pk)
    third = rotate(credential=anew(second), actor=ACTOR, entered=values(OTHER_KEY, NEWER))
    assert [row.shared_with for row in Credential.objects.with_use().filter(pk=first.pk)] == [third.pk]  # the address
    revoke(credential=third, actor=ACTOR, reason="the customer has left", predecessors=True)
    assert anew(first).shared_with is None
    assert not Credential.objects.in_use()


def test_of_a_line_that_ends_whole_the_last_one_is_told(first, named):
    revoke(credential=named, actor=ACTOR, reason="the customer has left", predecessors=True)
    assert [anew(each).outside for each in (first, named)] == ["", "open"]


def test_a_leak_of_one_that_lives_on_is_the_live_ones(first, named):
    revoke(credential=first, actor=ACTOR, reason="no longer needed")
    revoke(credential=first, actor=ACTOR, reason="in a log", leaked=True)
    assert (anew(first).outside, anew(named).state_word()) == ("", "leaked, active")


@pytest.fixture
def entered(db):
    """Enter values by a policy of their names, and then others by the names that these have."""

    def enter(given, *later):
        policy = CredentialPolicy.objects.create(name="some", issuer="static", options={"names": [*given]})
        made = [start_issue(policy=policy, context={}, subject="end_user:1", actor=ACTOR, entered=given)]
        for values in later:
            policy.options = {"names": [*values]}
            policy.save()
            made.append(rotate(credential=anew(made[-1]), actor=ACTOR, entered=values))
        return [anew(each) for each in made]

    return enter


SHORT = {"username": "acme", "password": "hunter2"}
NAMELESS = {"client_id": "acme-1", "tenant": "eu-7"}


@pytest.mark.parametrize("given", [SHORT, NAMELESS])
def test_short_values_that_all_went_on_mark_the_active_version(entered, given):
    first, second = entered(given, given | {"region": "eu"})
    revoke(credential=first, actor=ACTOR, reason="in a log", leaked=True)
    assert (anew(first).outside, anew(second).is_leaked_and_live()) == ("", True)
    revoke(credential=second, actor=ACTOR, reason="in a log")
    assert anew(second).outside == "leaked"


@pytest.mark.parametrize("given", [SHORT, NAMELESS, {"access_id": KEY}])
def test_they_end_a_retiring_version(entered, given):
    first, second = entered(given, given | {"region": "eu"})
    revoke(credential=second, actor=ACTOR, reason="in a log", leaked=True)
    assert (anew(first).is_usable(), anew(first).leaked_by) == (False, ACTOR)


def test_a_short_value_that_is_no_secret_by_itself_ends_nothing(entered):
    first, second = entered({"apiKey": KEY, "mode": "live"}, {"apiKey": OTHER_KEY, "mode": "live"})
    revoke(credential=second, actor=ACTOR, reason="in a log", leaked=True)
    assert (anew(first).is_usable(), anew(first).leaked_at) == (True, None)


def test_a_password_that_was_replaced_is_left_outside_though_another_value_reads_the_same(entered):
    [first] = entered({"host": "h", "username": "admin", "password": "admin"})
    rotate(
        credential=first, actor=ACTOR, entered={"host": "h", "username": "admin", "password": "strong"}, overlap=NONE
    )
    assert anew(first).outside == "leaked"


def test_a_short_secret_that_leaked_is_not_entered_again_beside_another_value(entered):
    [first] = entered(SHORT | {"region": "eu"})
    with pytest.raises(Invalid, match="are reported as leaked with this rotation"):
        rotate(credential=first, actor=ACTOR, entered=SHORT | {"region": "us"}, overlap=NONE)
    assert anew(first).leaked_at is None


def test_of_an_ended_version_the_trail_says_with_which_one_it_leaked(first, second, trail):
    revoke(credential=first, actor=ACTOR, reason="no longer needed")
    revoked(second)
    line = trail.one(action="credential.leak_noted", object_id=str(first.pk))
    assert line.detail["why"] == f"a value of it leaked with entered {str(second.pk)[:8]}"


def test_also_what_leaks_with_an_erased_version_is_foretold(first, second):
    revoke(credential=first, actor=ACTOR, reason="in a log", leaked=True)
    Credential.objects.filter(pk=second.pk).update(leaked_at=None, leaked_by="")
    assert [each.pk for each in leaking_with([anew(first)])] == [second.pk]


@pytest.mark.django_db(transaction=True)
def test_two_reports_of_ended_versions_do_not_wait_in_a_circle(first, second):
    revoke(credential=second, actor=ACTOR, reason="the customer has left", predecessors=True)
    both = [anew(first), anew(second)]
    for _ in range(5):
        Credential.objects.update(leaked_at=None, leaked_by="")
        found = at_once(lambda n: revoke(credential=both[n], actor=ACTOR, reason="in a log", leaked=True), 2)
        assert [type(each) for each in found] == [Credential, Credential]


@pytest.mark.django_db(transaction=True)
def test_a_confirmation_while_a_leak_is_noted_is_kept(first, second):
    third = rotate(credential=second, actor=ACTOR, entered=values(secret=NEWER), overlap=timedelta(hours=1))
    revoke(credential=second, actor=ACTOR, reason="no longer needed")

    def report():
        try:
            revoke(credential=third, actor=ACTOR, reason="in a log", leaked=True)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            confirm_end(credential=second, actor=ACTOR)
            reporting = threads.submit(report)
            await_somebody_waiting()
        reporting.result(20)
    assert (anew(second).outside, anew(second).leaked_by) == ("confirmed", ACTOR)
