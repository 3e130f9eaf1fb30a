"""A platform's signature profile, by which calls hold, is changed in its form only where that is accepted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.audit.models import AuditEvent
from credservice.keys.models import SigningSecret
from exchange.audit import ACTION
from exchange.models import Platform
from tests.support.pages import send, url

TOLD = "Its calls hold with the present settings: the last one just now, by the secret "


@pytest.fixture
def held(world):
    SigningSecret.objects.filter(pk=world.secret.pk).update(last_used_at=timezone.now())
    return world


PROFILE = {
    "construction": "hmac-sha256",
    "timestamp_header": "X-Timestamp",
    "tolerance_seconds": "300",
    "signed_path": "path",
    "require_signature": "on",
}


def saved(console, world, **changes):
    return send(console, url(world.platform), **PROFILE | changes)


def test_it_asks_for_a_tick_and_notes_that_it_was_set(held, console, trail):
    page = saved(console, held, lower_case_method="on")
    form = page.context["adminform"].form
    assert "Nothing is saved yet." in form.errors["confirmed"][0]
    assert TOLD + held.secret.hint in form.fields["confirmed"].help_text
    assert 'name="confirmed"' in page.content.decode()
    assert not Platform.objects.get().lower_case_method
    tick = form.fields["confirmed"].widget.attrs["value"]
    other = saved(console, held, construction="sha256-message-secret", confirmed=tick)
    assert "confirmed" in other.context["adminform"].form.errors
    assert saved(console, held, lower_case_method="on", confirmed=tick).status_code == 302
    assert Platform.objects.get().lower_case_method
    detail = trail.one(action="platform.changed").detail
    assert detail["accepted_changed_answers"] == {"settings_that_calls_hold_with": 1}


def test_what_lets_more_calls_pass_is_not_asked_about(held, console):
    assert saved(console, held, tolerance_seconds="600").status_code == 302
    assert Platform.objects.get().tolerance_seconds == 600


@pytest.mark.parametrize("last_used_at", [None, timezone.now() - timedelta(days=31)])
def test_a_platform_of_which_no_call_held_lately_is_asked_nothing(world, console, trail, last_used_at):
    SigningSecret.objects.update(last_used_at=last_used_at)
    assert saved(console, world, lower_case_method="on").status_code == 302
    assert "accepted_changed_answers" not in trail.one(action="platform.changed").detail


def test_a_limit_below_the_calls_of_a_minute_asks_for_a_tick(world, console, trail):
    now = timezone.now()
    for _ in range(3):
        AuditEvent.objects.create(action=ACTION, actor="platform:mindcloud", outcome="granted", at=now)
    assert saved(console, world, requests_per_minute="3").status_code == 302
    form = saved(console, world, requests_per_minute="2").context["adminform"].form
    tick = form.fields["confirmed"]
    assert tick.label == "Save it and refuse calls over the limit"
    assert "a limit of 2 a minute has 1 refused with 429." in tick.help_text
    confirmed = tick.widget.attrs["value"]
    assert saved(console, world, requests_per_minute="2", confirmed=confirmed).status_code == 302
    *_, line = trail.all(action="platform.changed")
    assert line.detail["accepted_changed_answers"] == {"calls_over_the_limit": 1}


def test_the_default_of_a_platform_that_calls_asks_for_a_tick(world, console, trail):
    assert saved(console, world, is_default="on").status_code == 302
    assert saved(console, world).status_code == 302  # of one that does not call, it is free
    assert saved(console, world, is_default="on").status_code == 302
    AuditEvent.objects.create(action=ACTION, actor="platform:mindcloud", outcome="granted", at=timezone.now())
    form = saved(console, world).context["adminform"].form
    assert form.errors["confirmed"] == [
        "Nothing is saved yet. Leave the default platform as before, or tick this and save again."
    ]
    tick = form.fields["confirmed"]
    assert tick.label == "Save it and refuse calls without its name"
    assert "Calls to /credential-exchange, without its name, are refused with 401 from then on." in tick.help_text
    assert Platform.objects.get().is_default
    assert saved(console, world, confirmed=tick.widget.attrs["value"]).status_code == 302
    assert not Platform.objects.get().is_default
    *_, line = trail.all(action="platform.changed")
    assert line.detail["accepted_changed_answers"] == {"default_platforms_called": 1}
