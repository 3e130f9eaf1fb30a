"""Tells once what comes to need attention, by e-mail and by an event, and what is settled."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from credservice.adminkit.models import Notice
from credservice.console.notices import INTERVAL, MAIL_TASK, tell_changes
from credservice.console.tasks import mail_notice
from credservice.events.emit import forget_wanted
from credservice.events.models import Event, EventEndpoint
from exchange.models import Installation
from tests.support.console import CANARY, World
from tests.support.mail_server import mail_server

WAITING = "1 installation waiting for approval"


@pytest.fixture
def told(settings: Any, world: World, worker: None) -> Callable[[], list[str]]:
    """Look, as the worker does: the mails that it has left to send since the last look."""
    settings.NOTICE_EMAILS, settings.CONSOLE_URL = ["ops@example.com"], "https://console.example.com"
    seen: set[int] = set()

    def look() -> list[str]:
        tell_changes()
        jobs = ProcrastinateJob.objects.filter(task_name=MAIL_TASK).exclude(pk__in=seen)
        found = {job.pk: job.args["text"] for job in jobs}
        seen.update(found)
        return list(found.values())

    look()
    return look


def an_hour_passes() -> None:
    Notice.objects.update(told_at=timezone.now() - INTERVAL)


def test_what_appears_and_what_is_settled_is_told_once(told: Any, world: World) -> None:
    waiting = world.make_installation("inst_2", "pending")
    (mail,) = told()
    assert f"Needs attention:\n- {WAITING}\n  https://console.example.com/admin/exchange/installation/?" in mail
    assert CANARY not in mail
    assert told() == []
    Installation.objects.filter(pk=waiting.pk).update(state="active")
    an_hour_passes()
    assert told()[0].startswith(f"Settled:\n- {WAITING}")
    assert told() == []


def test_what_is_settled_within_the_hour_is_told_an_hour_after_it_appeared(told: Any, world: World) -> None:
    waiting = world.make_installation("inst_2", "pending")
    told()
    Installation.objects.filter(pk=waiting.pk).update(state="active")
    assert told() == []
    Notice.objects.update(told_at=timezone.now() - INTERVAL + timedelta(minutes=1))
    assert told() == []
    an_hour_passes()
    assert told()[0].startswith(f"Settled:\n- {WAITING}")


def test_what_comes_and_goes_is_told_once_an_hour(told: Any, world: World) -> None:
    waiting = world.make_installation("inst_2", "pending")
    assert len(told()) == 1
    for state in ("active", "pending", "active", "pending"):
        Installation.objects.filter(pk=waiting.pk).update(state=state)
        assert told() == []
    an_hour_passes()
    assert told() == []  # it is as it was told


def test_a_larger_number_of_the_same_kind_is_no_news(told: Any, world: World) -> None:
    world.make_installation("inst_2", "pending")
    told()
    world.make_installation("inst_3", "pending")
    an_hour_passes()
    assert told() == []
    assert Notice.objects.get(sentence__contains="waiting for approval").sentence.startswith("2 ")


def test_an_endpoint_that_takes_the_event_is_told(settings: Any, world: World, worker: None) -> None:
    EventEndpoint.objects.all().delete()
    EventEndpoint.objects.create(
        name="chat", url="https://chat.example.com", types=["attention.changed"], secrets=world.platform.secrets
    )
    forget_wanted()
    world.make_installation("inst_2", "pending")
    tell_changes()
    forget_wanted()
    data = json.loads(Event.objects.get(type="attention.changed").body)["data"]
    assert set(data) == {"id", "appeared", "ended"}
    assert WAITING in [line["sentence"] for line in data["appeared"]]
    assert not ProcrastinateJob.objects.filter(task_name=MAIL_TASK).exists()


def test_nothing_is_noted_where_nobody_is_told(world: World, worker: None) -> None:
    EventEndpoint.objects.all().delete()
    forget_wanted()
    world.make_installation("inst_2", "pending")
    tell_changes()
    assert not Notice.objects.exists()


def test_a_mail_reaches_a_mail_server(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.NOTICE_EMAILS, settings.DEFAULT_FROM_EMAIL = ["ops@example.com"], "credservice@example.com"
    with mail_server() as (port, taken):
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
        mail_notice(subject="credservice: 1 to look at", text=WAITING)
    assert "Subject: credservice: 1 to look at" in taken[0]
    assert "To: ops@example.com" in taken[0]
    assert WAITING in taken[0]
