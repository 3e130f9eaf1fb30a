"""Notes when each of a platform's signing secrets last verified a call."""

from credservice.keys.models import SigningSecret
from credservice.keys.rotation_progress import last_uses


def last_use():
    last_uses.flush()
    return SigningSecret.objects.get().last_used_at


def test_a_call_that_holds_is_noted(door, granted):
    assert last_use() is None
    door.post()
    assert last_use() is not None


def test_a_call_that_is_refused_is_not(door, granted):
    door.post(headers={"X-Signature": "0" * 64})
    assert last_use() is None
