"""Foretells what becomes of calls at the address without a name, and tells which platform answered there before."""

import copy
from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from exchange.audit import ACTION
from exchange.models import Platform
from exchange.services.default_impact import foretell_default, former_default
from exchange.services.grants import new_secret_set


@pytest.fixture
def platform(db):
    return Platform.objects.create(name="acme", secrets=new_secret_set("acme"), is_default=True)


def called(actor="platform:acme", **ago):
    AuditEvent.objects.create(action=ACTION, actor=actor, outcome="granted", at=timezone.now() - timedelta(**ago))


def unset(platform, **more):
    after = copy.copy(platform)
    after.is_default = False
    return foretell_default(platform, after, **more)


def test_calls_that_nobody_answers_then_are_told(platform):
    called(hours=3)
    called(minutes=5)
    assert unset(platform).sentence() == (
        "Its last call came 5\xa0minutes ago. Calls to /credential-exchange, without its name, are refused with 401 "
        "from then on."
    )


def test_so_are_those_that_another_platform_gets(platform):
    called(minutes=5)
    other = Platform(name="other", is_default=True)
    assert " without its name, come to other from then on." in unset(platform, others=[other]).sentence()


def test_a_platform_that_does_not_call_or_stays_the_default_is_not(platform):
    called(days=31)
    called("unproven:acme", minutes=5)
    called("platform:other", minutes=5)
    assert unset(platform) is None
    called(minutes=5)
    assert foretell_default(platform, copy.copy(platform)) is None
    platform.is_default = False
    assert unset(platform) is None


def changed(platform, to, **more):
    detail = {"changes": {"is_default": {"from": not to, "to": to}}}
    record(Line("platform.changed", "user:root", object_type="platform", object_id=platform.pk, detail=detail))


def test_the_former_default_platform_is_the_last_one_that_is_none_again(platform):
    assert former_default() is None
    other = Platform.objects.create(name="other", secrets=new_secret_set("other"))
    changed(platform, False)
    assert former_default() is None  # it is again
    changed(other, False)
    changed(platform, True)
    assert str(former_default()) == "other answered there until just now"
