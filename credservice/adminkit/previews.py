"""Limits how often one operator is shown what reads much: previews while somebody types, and trials."""

from django.http import HttpRequest

from credservice.core.exceptions import TooMany
from credservice.limits.counter import count_call

PER_MINUTE = 120  # of one user, on all pages: two a second, where a page asks at each pause in typing


def too_many(request: HttpRequest) -> str:
    """Count a preview of this user. Returns the sentence that stands in its place; empty where it may be shown."""
    try:
        count_call(f"preview:{request.user.pk}", PER_MINUTE)
    except TooMany as error:
        return f"Those were {PER_MINUTE} previews in this minute. The next is shown in {error.retry_after} s."
    return ""
