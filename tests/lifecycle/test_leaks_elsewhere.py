"""A leak marks what other lines have of its secrets, and nothing that several share in public."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from credservice.credentials import tasks
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_issue, revoke, rotate, start_issue
from credservice.credentials.shared_values import holders_elsewhere
from credservice.credentials.transitions import value_digest
from credservice.credentials.vendor_values import put_credential
from tests.support.concurrency import at_once

ACTOR, NONE = "user:olga", timedelta(0)
KEY, OTHER_KEY, URL = "the-key-that-leaked", "another-key-for-acme", "https://acme.example.com/api"

pytestmark = pytest.mark.django_db


def enter(number, **values):
    """Another customer's, by the policy of these names."""
    names = sorted(values)
    policy, _ = CredentialPolicy.objects.get_or_create(
        name="-".join(names), defaults={"issuer": "static", "options": {"names": names}}
    )
    return start_issue(policy=policy, context={}, subject=f"end_user:{number}", actor=ACTOR, entered=values)


def entered(number, key=KEY):
    return enter(number, accessKey=key, secret=f"the-secret-of-number-{number}", baseUrl=URL)


def replace(credential, number=9, overlap=None):
    values = {"accessKey": OTHER_KEY + str(number), "secret": f"the-next-secret-{number}", "baseUrl": URL}
    return rotate(credential=anew(credential), actor=ACTOR, entered=values, overlap=overlap)


def report(credential):
    return revoke(credential=credential, actor=ACTOR, reason="in a log", leaked=True)


def anew(credential):
    return Credential.objects.select_related("policy").get(pk=credential.pk)


def jobs():
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'credentials.note_leak_elsewhere'")
        return [row[0] if isinstance(row[0], dict) else json.loads(row[0]) for row in cursor.fetchall()]


def work():
    """Do what is enqueued, twice: a job may be done once more."""
    for job in jobs() * 2:
        tasks.note_leak_elsewhere(**job)


def rotated(credential):
    replace(credential, overlap=NONE)


def put(credential):
    values = {"accessKey": OTHER_KEY, "secret": "the-next-secret-9", "baseUrl": URL}
    put_credential(credential=credential, policy=credential.policy, values=values, actor=ACTOR, overlap=NONE)


@pytest.mark.parametrize("act", [rotated, put, report])
def test_what_another_line_has_of_it_is_marked_and_goes_on(trail, act):
    leaking, holder, apart = entered(1), entered(2), entered(3, OTHER_KEY)
    act(leaking)
    assert [job["credential_id"] for job in jobs()] == [str(leaking.pk)]
    work()
    marked = anew(holder)
    assert (marked.is_usable(), marked.state_word()) == (True, "leaked, active")
    assert marked.leaked_by == f"credential:{leaking.pk}"
    line = trail.one(action="credential.leak_noted", object_id=str(holder.pk))
    assert (line.actor, line.detail["why"]) == (ACTOR, f"a value of it leaked with {leaking.version_name()}")
    assert anew(apart).leaked_at is None  # it has the address alone


def test_a_job_of_an_older_release_finds_it_by_all_that_was_erased():
    leaking, holder, apart = entered(1), entered(2), entered(3, OTHER_KEY)
    report(leaking)
    tasks.note_leak_elsewhere(str(leaking.pk))
    assert [bool(anew(each).leaked_at) for each in (holder, apart)] == [True, False]


PUBLIC = {"grantType": "client_credentials"}


def test_a_public_value_marks_nobody_and_is_taken_again():
    several = [enter(n, clientSecret=f"the-secret-of-number-{n}", **PUBLIC) for n in range(5)]
    report(several[0])
    work()
    assert [bool(anew(each).leaked_at) for each in several] == [True, False, False, False, False]
    assert enter(6, clientSecret="the-secret-of-number-6", **PUBLIC).state == "active"


def test_the_pages_foretell_what_the_job_marks():
    """Also where the other one calls the address something else: it is no secret of the one that leaked."""
    leaking = enter(1, baseUrl="https://api.acme.example/v1", apiKey="the-key-of-number-1")
    others = [enter(n, target="https://api.acme.example/v1", token=f"the-token-of-{n}") for n in range(2, 4)]
    others.append(enter(4, target="the-key-of-number-1", token="the-token-of-number-4"))
    foretold = {each.pk for each in holders_elsewhere(leaking)}
    report(leaking)
    work()
    assert {each.pk for each in others if anew(each).leaked_at} == foretold == {others[-1].pk}


def test_no_holder_of_an_address_is_opened(django_assert_num_queries, monkeypatch):
    leaking = entered(1)
    for n in range(2, 6):
        entered(n, OTHER_KEY)
    report(leaking)
    [job], opened = jobs(), []
    monkeypatch.setattr(Credential, "open", lambda each: opened.append(each) or {})
    with django_assert_num_queries(2):  # the one that leaked, and those that have its key: none
        tasks.note_leak_elsewhere(**job)
    assert opened == []


@pytest.mark.parametrize(("tenant", "is_marked"), [("the-tenant-of-acme", True), ("the-tenant-of-globex", False)])
def test_where_none_is_a_secret_by_itself_they_are_one_together(tenant, is_marked):
    leaking = enter(1, client_id="the-client-of-all", tenant="the-tenant-of-acme")
    other = enter(2, client_id="the-client-of-all", tenant=tenant)
    report(leaking)
    work()
    assert bool(anew(other).leaked_at) is is_marked


def marked(number=2):
    leaking, holder = entered(1), entered(number)
    report(leaking)
    work()
    return anew(holder)


def test_an_ordinary_rotation_leaves_the_marked_one_its_overlap():
    holder = marked()
    replace(holder)
    assert (anew(holder).state, anew(holder).is_usable()) == ("retiring", True)


def test_a_rotation_as_leaked_ends_it():
    holder = marked()
    replace(holder, overlap=NONE)
    assert (anew(holder).state, anew(holder).sealed_values, anew(holder).leaked_by) == ("revoked", None, ACTOR)


def test_one_that_leaked_with_its_own_line_later_ends_with_any_rotation(trail):
    older = entered(2)
    holder = enter_same_key(older)
    leaking = entered(1)
    report(leaking)
    work()
    assert anew(holder).leaked_by == f"credential:{leaking.pk}"
    report(older)
    assert anew(holder).leaked_by == ACTOR
    replace(holder)
    assert anew(holder).state == "revoked"
    assert len(trail.all(action="credential.leak_noted", object_id=str(holder.pk))) == 2


def enter_same_key(credential):
    values = {"accessKey": KEY, "secret": "the-next-secret-of-it", "baseUrl": URL}
    return rotate(credential=credential, actor=ACTOR, entered=values)


def test_its_own_report_after_that_is_kept_while_its_successor_waits(active, outside):
    Credential.objects.filter(pk=active.pk).update(leaked_at=timezone.now(), leaked_by="credential:1")
    outside.fault("before-issue", "down")
    rotate(credential=anew(active), actor=ACTOR, overlap=NONE)
    outside.heal("before-issue")
    later = rotate(credential=anew(active), actor="user:eve", overlap=timedelta(days=1), force_reason="it hangs")
    finish_issue(later, actor=ACTOR, insist=True)
    assert (anew(active).is_usable(), anew(active).leaked_by) == (False, ACTOR)


def test_a_retiring_version_of_another_line_that_goes_on_ends_as_leaked(trail):
    leaking, holder = entered(1), entered(2)
    later = replace(holder)
    report(leaking)
    work()
    ended = anew(holder)
    assert (ended.state, ended.sealed_values, ended.leaked_by) == ("revoked", None, f"credential:{leaking.pk}")
    assert trail.one(action="credential.revoked", object_id=str(holder.pk)).actor == ACTOR
    assert (anew(later).is_usable(), anew(later).leaked_at) == (True, None)


def test_one_that_is_all_that_its_line_hands_out_is_marked_until_its_planned_end():
    leaking, holder = entered(1), entered(2)
    revoke(credential=replace(holder), actor=ACTOR, reason="wrong")
    report(leaking)
    work()
    found = anew(holder)
    assert (found.state_word(), found.is_usable(), found.is_leaked_and_live()) == ("leaked, retiring", True, True)
    Credential.objects.filter(pk=holder.pk).update(retires_at=timezone.now())
    tasks.end(str(holder.pk))
    ended = anew(holder)
    assert (ended.state, ended.outside, ended.sealed_values) == ("revoked", "leaked", None)


def test_a_marked_one_that_expires_is_erased():
    holder = marked()
    Credential.objects.filter(pk=holder.pk).update(expires_at=timezone.now())
    assert tasks.expire_due() == 1
    assert (anew(holder).state, anew(holder).sealed_values) == ("expired", None)


def test_a_successor_that_is_entered_elsewhere_meanwhile_is_not_marked_for_the_one_before():
    leaking, holder = entered(1), entered(2)
    report(leaking)
    later = replace(holder, overlap=NONE)
    work()
    assert anew(later).leaked_at is None


@pytest.mark.django_db(transaction=True)
def test_jobs_of_two_leaks_and_a_report_do_not_wait_in_a_circle():
    """Each line has a version that retires and one that is active, both with the key."""
    old = [entered(n) for n in (1, 2)]
    new = [enter_same_key(each) for each in old]
    digests = json.dumps([[value_digest(KEY).hex()]])
    acts = [
        lambda: tasks.note_leak_elsewhere(str(new[0].pk), digests),
        lambda: tasks.note_leak_elsewhere(str(new[1].pk), digests),
        lambda: report(old[0]) and None,
        lambda: report(old[1]) and None,
    ]
    assert at_once(lambda n: acts[n](), len(acts)) == [None] * len(acts)
    assert {anew(each).state for each in old} == {"revoked"}
    assert all(anew(each).is_leaked_and_live() for each in new)
