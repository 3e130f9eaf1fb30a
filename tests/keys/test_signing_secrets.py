"""Signing secrets: made, entered, rotated with an overlap, retired, revealed."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid
from credservice.keys.models import SigningSecret, SigningSecretSet
from credservice.keys.services import (
    enter_secret,
    erase_ended_secrets,
    fingerprint,
    generate_secret,
    is_text_of,
    retire_secret,
    reveal_secret,
)
from tests.support.concurrency import at_once

ACTOR = "user:ann"
TEXT = "a partner's secret, 29 bytes."
HOUR = timedelta(hours=1)


@pytest.fixture
def secret_set(db):
    return SigningSecretSet.objects.create(label="platform p")


def live(secret_set, now=None):
    return [secret.open().decode() for secret in secret_set.live(now)]


def test_a_generated_secret_has_32_random_bytes(secret_set):
    texts = {generate_secret(secret_set=secret_set, actor=ACTOR)[1] for _ in range(3)}
    assert len(texts) == 3
    assert all(len(text) == 43 for text in texts)


def test_a_generated_secret_is_the_current_one(secret_set):
    secret, text = generate_secret(secret_set=secret_set, actor=ACTOR)
    assert (secret.state, secret.generated, secret.open().decode()) == ("current", True, text)
    assert live(secret_set) == [text]


def test_an_entered_secret_is_kept_as_it_is_without_its_margins(secret_set):
    secret = enter_secret(secret_set=secret_set, text=f"  {TEXT}\n", actor=ACTOR)
    assert secret.open().decode() == TEXT
    assert not secret.generated


def test_twenty_four_bytes_are_enough(secret_set):
    enter_secret(secret_set=secret_set, text="abcdefghijklmnopqrstuvwx", actor=ACTOR)
    enter_secret(secret_set=secret_set, text="äöüßéèàâêîôû", actor=ACTOR)
    assert secret_set.secrets.count() == 2


@pytest.mark.parametrize("text", ["", "   ", "abcdefghijklmnopqrstuvw", " " * 20 + "abcdefghijklmnop", "aaaabbbb" * 4])
def test_a_short_or_repetitive_secret_is_refused(secret_set, text):
    with pytest.raises(Invalid, match="must have at least 24 bytes of random text"):
        enter_secret(secret_set=secret_set, text=text, actor=ACTOR)
    assert not secret_set.secrets.exists()


def test_a_secret_with_half_a_character_is_refused(secret_set):
    with pytest.raises(Invalid, match="a character that is none"):
        enter_secret(secret_set=secret_set, text=TEXT + "\ud800", actor=ACTOR)


def test_the_one_before_stays_good_for_the_overlap(secret_set):
    first = generate_secret(secret_set=secret_set, actor=ACTOR)[1]
    second = generate_secret(secret_set=secret_set, actor=ACTOR, overlap=HOUR)[1]
    assert live(secret_set) == [second, first]
    assert live(secret_set, timezone.now() + HOUR) == [second]


def test_a_second_rotation_does_not_extend_an_overlap(secret_set):
    first = generate_secret(secret_set=secret_set, actor=ACTOR)[0]
    generate_secret(secret_set=secret_set, actor=ACTOR, overlap=HOUR)
    generate_secret(secret_set=secret_set, actor=ACTOR, overlap=10 * HOUR)
    first.refresh_from_db()
    assert first.ends_at < timezone.now() + HOUR


def test_a_rotation_does_not_extend_an_end_that_was_set(secret_set):
    first = generate_secret(secret_set=secret_set, actor=ACTOR)[0]
    end = timezone.now() + HOUR
    SigningSecret.objects.update(ends_at=end)
    generate_secret(secret_set=secret_set, actor=ACTOR, overlap=10 * HOUR)
    first.refresh_from_db()
    assert (first.state, first.ends_at) == ("previous", end)


@pytest.mark.parametrize("overlap", [timedelta(0), -HOUR])
def test_leaked_ends_every_earlier_secret_at_once(secret_set, overlap):
    for _ in range(3):
        generate_secret(secret_set=secret_set, actor=ACTOR)
    text = generate_secret(secret_set=secret_set, actor=ACTOR, overlap=overlap)[1]
    assert live(secret_set) == [text]
    assert secret_set.secrets.filter(state="retired", ends_at__lte=timezone.now()).count() == 3


def test_a_previous_secret_can_be_retired_early(secret_set):
    first, _ = generate_secret(secret_set=secret_set, actor=ACTOR)
    _, text = generate_secret(secret_set=secret_set, actor=ACTOR)
    retire_secret(secret=first, actor=ACTOR)
    assert live(secret_set) == [text]


def test_the_current_secret_cannot_be_retired(secret_set):
    secret, text = generate_secret(secret_set=secret_set, actor=ACTOR)
    with pytest.raises(Conflict, match="Make a new one first"):
        retire_secret(secret=secret, actor=ACTOR)
    assert live(secret_set) == [text]


def test_retiring_twice_is_harmless(secret_set, trail):
    first, _ = generate_secret(secret_set=secret_set, actor=ACTOR)
    generate_secret(secret_set=secret_set, actor=ACTOR)
    retire_secret(secret=first, actor=ACTOR)
    with time_machine.travel(timezone.now() + HOUR):
        retire_secret(secret=first, actor=ACTOR)
    assert first.ends_at < timezone.now()
    assert len(trail.all(action="signing_secret.retired")) == 1


def test_a_pending_or_retired_secret_verifies_nothing(secret_set):
    secret, _ = generate_secret(secret_set=secret_set, actor=ACTOR)
    for state in ("pending", "retired"):
        SigningSecret.objects.filter(pk=secret.pk).update(state=state)
        assert live(secret_set) == []


def test_sets_do_not_touch_each_other(secret_set):
    other = SigningSecretSet.objects.create(label="platform q")
    text = generate_secret(secret_set=other, actor=ACTOR)[1]
    generate_secret(secret_set=secret_set, actor=ACTOR, overlap=timedelta(0))
    assert live(other) == [text]


def test_the_database_keeps_one_current_secret(secret_set):
    secret, _ = generate_secret(secret_set=secret_set, actor=ACTOR)
    with pytest.raises(IntegrityError, match="keys_signingsecret_one_current"), transaction.atomic():
        SigningSecret.objects.create(secret_set=secret_set, sealed=bytes(secret.sealed), hint="h")


def test_the_database_wants_an_end_of_a_previous_secret(secret_set):
    generate_secret(secret_set=secret_set, actor=ACTOR)
    with pytest.raises(IntegrityError, match="keys_signingsecret_previous_ends"), transaction.atomic():
        SigningSecret.objects.update(state="previous")


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_leave_one_current_secret(secret_set):
    results = at_once(lambda _: generate_secret(secret_set=secret_set, actor=ACTOR), 8)
    texts = {text for _, text in results}
    assert secret_set.secrets.filter(state="current").count() == 1
    assert set(live(secret_set)) == texts


def test_hints_tell_secrets_apart_and_are_no_plain_digest(secret_set):
    import hashlib

    secret = enter_secret(secret_set=secret_set, text=TEXT, actor=ACTOR)
    assert secret.hint == fingerprint(TEXT) != fingerprint(TEXT + ".")
    assert secret.hint not in hashlib.sha256(TEXT.encode()).hexdigest()


def test_revealing_says_the_text_and_leaves_a_line(secret_set, trail):
    secret = enter_secret(secret_set=secret_set, text=TEXT, actor=ACTOR)
    assert reveal_secret(secret=secret, actor=ACTOR, reason=" lost by partner ") == TEXT
    event = trail.one(action="signing_secret.revealed")
    assert (event.actor, event.object_id, event.detail["why"]) == (ACTOR, str(secret.pk), "lost by partner")


@pytest.mark.parametrize("reason", ["", "  ", "ab", " ab "])
def test_revealing_needs_a_reason(secret_set, trail, reason):
    secret = enter_secret(secret_set=secret_set, text=TEXT, actor=ACTOR)
    with pytest.raises(Invalid, match="Say why"):
        reveal_secret(secret=secret, actor=ACTOR, reason=reason)
    assert trail.all(action="signing_secret.revealed") == []


def test_every_change_leaves_a_line_without_the_secret(secret_set, trail):
    first, text = generate_secret(secret_set=secret_set, actor=ACTOR)
    enter_secret(secret_set=secret_set, text=TEXT, actor=ACTOR)
    retire_secret(secret=first, actor=ACTOR)
    assert [event.action for event in trail.all()] == [
        "signing_secret.created",
        "signing_secret.created",
        "signing_secret.retired",
    ]
    assert all(text not in str(vars(event)) and TEXT not in str(vars(event)) for event in trail.all())


def _text_is_kept(secret):
    return SigningSecret.objects.filter(pk=secret.pk, sealed__isnull=False).exists()


def test_the_text_of_a_leaked_secret_is_erased_at_once(secret_set, trail):
    secret = enter_secret(secret_set=secret_set, text=TEXT, actor=ACTOR)
    generate_secret(secret_set=secret_set, actor=ACTOR, overlap=timedelta(0))
    assert not _text_is_kept(secret)
    assert trail.one(action="signing_secret.erased").detail["why"] == "leaked"


def test_the_text_of_one_that_has_ended_is_erased_after_thirty_days(secret_set, trail):
    secret = enter_secret(secret_set=secret_set, text=TEXT, actor=ACTOR)
    current, _ = generate_secret(secret_set=secret_set, actor=ACTOR, overlap=HOUR)
    for days, kept in ((29, True), (31, False)):
        with time_machine.travel(timezone.now() + HOUR + timedelta(days=days)):
            erase_ended_secrets(actor="worker")
        assert _text_is_kept(secret) is kept
    assert _text_is_kept(current)
    assert trail.one(action="signing_secret.erased").object_id == str(secret.pk)


def test_an_erased_secret_is_not_revealed_and_still_known(secret_set):
    secret = enter_secret(secret_set=secret_set, text=TEXT, actor=ACTOR)
    generate_secret(secret_set=secret_set, actor=ACTOR, overlap=timedelta(0))
    secret.refresh_from_db()
    with pytest.raises(Conflict, match="erased after its end"):
        reveal_secret(secret=secret, actor=ACTOR, reason="to compare")
    assert is_text_of(secret, TEXT)
    assert not is_text_of(secret, "another secret of a partner")


def test_the_database_keeps_the_text_of_one_that_is_current(secret_set):
    enter_secret(secret_set=secret_set, text=TEXT, actor=ACTOR)
    with pytest.raises(IntegrityError, match="keys_signingsecret_live_has_text"), transaction.atomic():
        SigningSecret.objects.update(sealed=None)
