"""Foretells which changes of a signature profile may have calls refused that hold now."""

import copy
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from credservice.audit.models import AuditEvent
from credservice.keys.models import SigningSecret
from credservice.keys.services import generate_secret
from exchange.audit import ACTION
from exchange.models import Platform
from exchange.models.platforms import PROFILE
from exchange.services.grants import new_secret_set
from exchange.services.signature_impact import (
    _OF_ANY_CALL,
    _OTHERWISE_SIGNED,
    _STRICTER,
    foretell_refusals,
    none_held_since,
)

NETWORKS = ["203.0.113.0/24", "2001:db8::/32"]


@pytest.fixture
def platform(db):
    made = Platform.objects.create(name="acme", secrets=new_secret_set("acme"))
    secret, _ = generate_secret(secret_set=made.secrets, actor="test")
    secret.last_used_at = timezone.now() - timedelta(minutes=5)
    secret.save(update_fields=["last_used_at"])
    return made


def impact(platform, before, after):
    old, new = copy.copy(platform), copy.copy(platform)
    for obj, values in ((old, before), (new, before | after)):
        for name, value in values.items():
            setattr(obj, name, value)
    return foretell_refusals(old, new)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"construction": "sha256-message-secret"}, "construction otherwise, calls that are signed as now are"),
        (
            {},
            {"timestamp_header": ""},
            "timestamp header otherwise, calls that are signed as now are refused with 401.",
        ),
        ({}, {"public_prefix": "/api"}, "With public prefix otherwise, calls that are signed as now are refused"),
        (
            {"lower_case_method": True},
            {"lower_case_method": False},
            "lower case method otherwise, calls that are signed",
        ),
        ({}, {"signed_path": "target"}, "With signed path otherwise, calls that are sent as now may be refused."),
        (
            {},
            {"tolerance_seconds": 299},
            "With tolerance seconds otherwise, calls that are sent as now may be refused.",
        ),
        ({}, {"single_use_signatures": True}, "single use signatures otherwise, calls that are sent as now may be"),
        ({}, {"source_networks": NETWORKS}, "source networks otherwise, calls that are sent as now may be refused."),
        ({"source_networks": NETWORKS}, {"source_networks": ["203.0.113.0/25", NETWORKS[1]]}, "source networks"),
        ({"ids_from_query": True}, {"ids_from_query": False}, "ids from query otherwise"),
        (
            {"require_signature": False, "source_networks": NETWORKS},
            {"require_signature": True},
            "With require signature otherwise",
        ),
        (
            {},
            {"public_prefix": "/api", "tolerance_seconds": 60, "construction": "sha256-message-secret"},
            "With construction, public prefix and tolerance seconds otherwise, calls that are signed as now are",
        ),
    ],
)
def test_what_may_refuse_is_told(platform, before, after, told):
    found = impact(platform, before, after)
    assert told in found.sentence()
    assert {*found.settings} == {*after}
    assert f" 5\xa0minutes ago, by the secret {found.secret.hint}. With " in found.sentence()
    assert " 5\xa0minutes ago, by one of its secrets. With " in found.sentence(named=False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"tolerance_seconds": 600}),
        ({}, {"timestamp_header": "x-timestamp"}),
        ({"single_use_signatures": True}, {"single_use_signatures": False}),
        ({}, {"ids_from_query": True}),
        ({"source_networks": NETWORKS}, {"source_networks": []}),
        ({"source_networks": NETWORKS}, {"source_networks": ["203.0.0.0/16", *NETWORKS[1:]]}),
        ({"source_networks": NETWORKS}, {"require_signature": False}),
        ({"require_signature": False, "source_networks": NETWORKS}, {"construction": "sha256-message-secret"}),
        ({}, {"approve_installations": True, "requests_per_minute": 5}),
    ],
)
def test_what_lets_as_many_pass_is_not(platform, before, after):
    assert impact(platform, before, after) is None


def changed(platform, minutes_ago=3, **values):
    for name, value in values.items():
        setattr(platform, name, value)
    with time_machine.travel(timezone.now() - timedelta(minutes=minutes_ago), tick=False):
        platform.save()
    return Platform.objects.get(pk=platform.pk)


OTHERWISE = {"construction": "sha256-message-secret", "tolerance_seconds": 60}


def test_the_way_back_from_a_profile_that_no_call_has_held_with_is_free(platform):
    original = copy.copy(platform)
    wrong = changed(platform, **OTHERWISE)
    assert foretell_refusals(wrong, original) is None
    third = copy.copy(wrong)
    third.lower_case_method = True
    assert foretell_refusals(wrong, third) is None  # nothing that is known to hold is lost


def test_the_way_back_from_a_call_without_signature_is_free(platform):
    original = copy.copy(platform)
    assert (
        foretell_refusals(changed(platform, require_signature=False, source_networks=["10.0.0.0/8"]), original) is None
    )


@pytest.mark.parametrize("after", [{"require_signature": True}, {"source_networks": NETWORKS[:1]}])
def test_calls_of_an_unsigned_platform_are_known_by_the_trail(platform, after):
    SigningSecret.objects.update(last_used_at=None)
    unsigned = {"require_signature": False, "source_networks": NETWORKS}
    assert impact(platform, unsigned, after) is None
    at = timezone.now() - timedelta(minutes=3)
    AuditEvent.objects.create(action=ACTION, actor="platform:acme", outcome="granted", at=at)
    found = impact(platform, unsigned, after)
    assert {*found.settings} == {*after}
    assert "the last one 3\xa0minutes ago, unsigned. With " in found.sentence()
    assert impact(platform, {}, {"construction": "sha256-message-secret"}) is None  # a signed one's are not


def test_once_a_call_has_held_with_the_new_profile_the_way_back_asks(platform):
    original = copy.copy(platform)
    new = changed(platform, **OTHERWISE)
    SigningSecret.objects.update(last_used_at=timezone.now())
    assert foretell_refusals(new, original).settings == ("construction",)


def test_a_change_that_let_its_calls_pass_does_not_hide_the_next_one(platform):
    wider = changed(platform, tolerance_seconds=600)
    otherwise = copy.copy(wider)
    otherwise.construction = "sha256-message-secret"
    found = foretell_refusals(wider, otherwise)
    assert found.sentence(named=False) == (
        "Its last call that held came 5\xa0minutes ago, by one of its secrets: before its settings were changed "
        "3\xa0minutes ago. With construction otherwise, calls that are signed as then are refused with 401."
    )


def test_until_a_call_can_show_the_way_back_asks_as_calls_may_hold_with_what_is_new(platform):
    original = copy.copy(platform)
    new = changed(platform, minutes_ago=1, **OTHERWISE)
    found = foretell_refusals(new, original)
    assert found.sentence(named=False) == (
        "Its signature profile was changed 1\xa0minute ago: whether calls hold with it shows 2 minutes after that. The "
        "last that is known to have held came 5\xa0minutes ago, by one of its secrets. With construction otherwise, "
        "calls that are signed as now are refused with 401."
    )
    assert none_held_since(new) is None
    silent = changed(platform, **OTHERWISE | {"lower_case_method": True})
    Platform.objects.update(earlier_profiles=silent.earlier_profiles[-1:])
    assert none_held_since(Platform.objects.get()) is not None


def test_only_changes_of_the_profile_are_noted(platform):
    changed(platform, approve_installations=True)
    platform.tolerance_seconds = 60
    platform.save(update_fields=["is_active"])
    assert Platform.objects.get().earlier_profiles == []
    platform.save(update_fields=["tolerance_seconds"])
    [[_, others]] = Platform.objects.get().earlier_profiles
    assert others == {"tolerance_seconds": 300}


def test_every_setting_of_the_profile_is_judged():
    assert {*_OTHERWISE_SIGNED, *_STRICTER, *_OF_ANY_CALL} == {*PROFILE}
    assert {*Platform().profile.__slots__} <= {*PROFILE}
