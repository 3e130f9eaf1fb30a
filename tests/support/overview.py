"""Opens the console's first page, and makes what it shows."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credservice.audit import Line, record
from credservice.statistics.models import Tally


def overview(client: Client, **query: str) -> Any:
    page = client.get(reverse("admin:index"), query)
    assert page.status_code == 200
    return page


def tally(name: str, number: int, hours_ago: int = 0, series: str = "exchange") -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    Tally.objects.create(series=series, hour=hour, name=name, count=number)


def refuse(reason: str, times: int, actor: str = "unproven:mindcloud", **detail: str) -> None:
    for _ in range(times):
        record(Line("exchange.credential", actor, outcome="refused", reason=reason, detail=detail))
