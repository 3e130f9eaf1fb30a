"""A caller that stalls for longer than its lease: it spoils nothing of what somebody else did meanwhile."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from credservice.core.exceptions import Unavailable
from credservice.credentials import tasks
from credservice.credentials.models import Credential, CredentialPolicy, Lease
from credservice.credentials.services import finish_end, finish_issue, revoke, start_issue
from credservice.issuers.base import Issued, Issuer, IssuerUnavailable

pytestmark = pytest.mark.django_db(transaction=True)


class StallingIssuer(Issuer):
    """Makes another token at each call; as ``role`` a new password of the same thing. The first call stalls."""

    live: list[str]
    number: int
    stalls, goes_on = threading.Event(), threading.Event()
    trouble: Exception | None

    def check_options(self, options):
        pass

    def value_names(self, options):
        return ("TOKEN",)

    def issue(self, request):
        cls = type(self)
        token, cls.number = f"token-number-{cls.number}", cls.number + 1
        self.live.append(token)
        self._stall()
        is_role = request.options.get("role", False)
        return Issued({"TOKEN": token}, handle={"name": "the-role" if is_role else token})

    def revoke(self, credential_id, options, handle):
        self._stall()
        if handle["name"] in self.live:
            self.live.remove(handle["name"])

    def _stall(self):
        if not self.stalls.is_set():
            self.stalls.set()
            assert self.goes_on.wait(20)
            if self.trouble is not None:
                raise self.trouble


@pytest.fixture
def issuer(settings):
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {"stalls": {"BACKEND": f"{__name__}.StallingIssuer"}}
    StallingIssuer.live, StallingIssuer.number, StallingIssuer.trouble = [], 0, None
    StallingIssuer.stalls.clear()
    StallingIssuer.goes_on.clear()
    return StallingIssuer


@pytest.fixture
def pending(issuer):
    policy = CredentialPolicy.objects.create(name="tokens", issuer="stalls")
    return start_issue(policy=policy, context={}, subject="", actor="test")


@pytest.fixture
def role(pending):
    CredentialPolicy.objects.update(options={"role": True})
    return pending


def fresh(credential):
    return Credential.objects.get(pk=credential.pk)


def overtaken(credential, act, others):
    """Return what ``act`` does that stalls at the issuer while ``others`` run, its lease being over."""
    results = []

    def run():
        try:
            results.append(act(fresh(credential)))
        except Unavailable as error:
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert StallingIssuer.stalls.wait(20)
    Lease.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    try:
        others()
    finally:
        StallingIssuer.goes_on.set()
        thread.join(20)
    return results[0]


def issue(credential):
    return finish_issue(credential, actor="test", insist=True)


def do_surplus():
    """Run the jobs that a caller without its lease has left; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'credentials.end_surplus' RETURNING args")
        jobs = cursor.fetchall()
    for (arguments,) in jobs:
        tasks.end_surplus(**json.loads(arguments))
    return len(jobs)


def test_what_it_made_is_ended_and_what_the_other_one_made_is_kept(pending, issuer, trail, caplog):
    late = overtaken(pending, issue, lambda: issue(fresh(pending)))
    assert "lease_lost" in caplog.text
    assert (late.state, late.handle, late.open()) == ("active", {"name": "token-number-1"}, {"TOKEN": "token-number-1"})
    assert (fresh(pending).handle, fresh(pending).open()) == (late.handle, late.open())
    trail.one(action="credential.issued")
    assert do_surplus() == 1
    assert issuer.live == ["token-number-1"]
    trail.one(action="credential.surplus_ended")


def test_its_token_is_ended_though_the_credential_has_ended_meanwhile(pending, issuer):
    def make_and_end():
        issue(fresh(pending))
        finish_end(revoke(credential=fresh(pending), actor="test", reason="no longer used"), actor="test")

    assert overtaken(pending, issue, make_and_end).state == "revoked"
    assert issuer.live == ["token-number-0"]
    do_surplus()
    assert issuer.live == []


def test_where_nobody_has_made_it_the_caller_is_told_to_ask_again_and_the_surplus_waits(pending, issuer):
    late = overtaken(pending, issue, lambda: Lease.objects.all().delete())
    assert isinstance(late, Unavailable)
    assert fresh(pending).state == "pending"
    with pytest.raises(Unavailable, match="not made yet"):
        tasks.end_surplus(str(pending.pk), '{"name": "token-number-0"}', "00")
    issue(fresh(pending))
    do_surplus()
    assert issuer.live == ["token-number-1"]


def test_values_that_it_has_perhaps_spoiled_are_replaced_soon(role, issuer, trail):
    overtaken(role, issue, lambda: issue(fresh(role)))
    do_surplus()
    assert len(issuer.live) == 2  # the same role: nothing was ended
    trail.one(action="credential.values_in_doubt")
    tasks.rotate_due()
    assert Credential.objects.get(predecessor=role).state == "pending"


def test_an_attempt_that_failed_is_not_noted_at_what_the_other_one_made(pending, issuer):
    issuer.trouble = IssuerUnavailable("no answer")
    late = overtaken(pending, issue, lambda: issue(fresh(pending)))
    assert (late.state, late.attempts, late.failure) == ("active", 0, "")
    assert do_surplus() == 0


def test_an_end_that_the_other_one_brought_about_is_not_written_twice(pending, issuer, trail):
    issuer.stalls.set()
    issue(pending)
    issuer.stalls.clear()
    ending = revoke(credential=fresh(pending), actor="test", reason="no longer used")

    def end(credential):
        return finish_end(credential, actor="test", insist=True)

    late = overtaken(ending, end, lambda: end(fresh(ending)))
    assert (late.state, late.ended_at) == ("revoked", fresh(pending).ended_at)
    trail.one(action="credential.revoked")
