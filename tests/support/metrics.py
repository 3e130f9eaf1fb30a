"""Reads an answer of /metrics as Prometheus does."""

from typing import Any

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """All series of one answer."""

    def __init__(self, body: str) -> None:
        self._families = list(text_string_to_metric_families(body))
        self._series = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self._families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """The series' value; 0 where there is none, as a counter that never counted has none."""
        return self._series.get((name, frozenset(labels.items())), 0)

    def has(self, name: str) -> bool:
        return any(name == found for found, _ in self._series)

    def families(self) -> set[str]:
        return {family.name for family in self._families}

    def names(self) -> set[str]:
        """List what a query may name: also of those that have no series yet."""
        names = {name for name, _ in self._series}
        for family in self._families:
            endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
            names |= {family.name + ending for ending in endings}
        return names


def scrape(client: Client) -> Scrape:
    answer: Any = client.get("/metrics")
    assert answer.status_code == 200, answer.content
    return Scrape(answer.content.decode())
