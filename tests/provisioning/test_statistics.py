"""Each call of a marketplace counts for the console's overview."""

from collections.abc import Iterator

import pytest

from credservice.statistics import counters
from tests.provisioning.conftest import new_id, order


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    counters._counted.clear()
    yield
    counters._counted.clear()


def counted() -> dict[tuple[str, str], int]:
    return {(series, name): number for (_, series, name), number in counters._counted.items()}


def test_calls_count_as_answered_or_refused(door, bear, marketplace):
    resource_id = new_id()
    assert door.put(f"/v1/resources/{resource_id}", order(resource_id)).status_code == 201
    assert door.put(f"/v1/resources/{resource_id}", {}).status_code == 400
    assert counted() == {("marketplace.answered", marketplace.name): 1, ("marketplace.refused", marketplace.name): 1}


def test_a_call_of_nobody_counts_for_none(door, bear):
    assert door.delete(f"/v1/resources/{new_id()}", header="none").status_code == 401
    assert counted() == {}
