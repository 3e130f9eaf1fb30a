"""Says how long ago a time was, and how far ahead one is."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.ago import ago


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(days=3), "in 3\xa0days"),  # moments after it was set
        (timedelta(days=2, hours=23), "in 2\xa0days"),
        (timedelta(hours=1), "in 1\xa0hour"),
        (timedelta(seconds=30), "in a moment"),
        (timedelta(0), "just now"),
        (timedelta(seconds=-30), "just now"),
        (timedelta(days=-3), "3\xa0days ago"),
        (timedelta(days=-2, hours=-23), "2\xa0days ago"),
    ],
)
def test_a_time_is_told_by_its_largest_unit(distance: timedelta, words: str) -> None:
    assert ago(timezone.now() + distance) == words
