"""Refused calls are kept for the debugger, for a while."""

from datetime import timedelta

from django.utils import timezone

from exchange.models.refused_calls import RefusedCall
from exchange.tasks import forget_refused_calls


def test_they_are_forgotten_after_thirty_days(door, granted):
    for _ in range(2):
        door.post(headers=door.signed(secret="another-secret-of-somebody-else"))
    old, recent = RefusedCall.objects.order_by("at")
    RefusedCall.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=31))
    RefusedCall.objects.filter(pk=recent.pk).update(at=timezone.now() - timedelta(days=29))
    forget_refused_calls(timestamp=0)
    assert list(RefusedCall.objects.values_list("pk", flat=True)) == [recent.pk]
