"""Tell what may still work outside after its end here: before, afterwards, and until it is confirmed."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from credservice.adminkit.links import short
from credservice.adminkit.sentences import plain_sentence
from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import revoke, rotate, start_issue
from credservice.credentials.tasks import sweep
from tests.conftest import Trail
from tests.support.console import World
from tests.support.pages import ask_bulk, run_bulk, send, url

WHY = "found in a public repository"


def needed(console: Client) -> list[str]:
    return [line["sentence"] for line in console.get(reverse("admin:index")).context["needed"]]


def messages_of(page: Any) -> str:
    return " ".join(strip_tags(str(message)) for message in get_messages(page.wsgi_request))


def found_by(console: Client, link: str) -> list[object]:
    return [row.pk for row in console.get(link).context["cl"].result_list]


@pytest.fixture
def leaked(console: Client, world: World) -> Credential:
    """The entered key, revoked as leaked."""
    send(console, url(world.credential, "revoke"), why=WHY, leaked="on")
    return Credential.objects.get(pk=world.credential.pk)


def test_revoking_an_entered_key_says_that_it_works_elsewhere(console: Client, world: World) -> None:
    page = console.get(url(world.credential, "revoke"))
    assert "works in your product until somebody ends it there" in page.content.decode()
    assert "ended_outside" in page.context["form"].fields


def test_revoking_a_key_that_is_checked_here_asks_nothing(console: Client, world: World) -> None:
    key = world.make_key()
    assert "ended_outside" not in console.get(url(key, "revoke")).context["form"].fields
    send(console, url(key, "revoke"), why=WHY, leaked="on")
    key.refresh_from_db()
    assert (key.state, key.outside, key.state_word()) == ("revoked", "", "revoked")


def test_a_leaked_one_stays_an_open_point_until_it_is_confirmed(
    console: Client, leaked: Credential, worker: None, trail: Trail
) -> None:
    assert (leaked.state, leaked.state_word()) == ("revoked", "leaked, may still work")
    assert needed(console) == [
        "1 leaked credential may still work in your product: end it there, but for values that its page says are still "
        "used, then confirm its end on that page"
    ]
    send(console, url(leaked, "confirm-end"), why="deleted in Acme's settings")
    leaked.refresh_from_db()
    assert (leaked.state_word(), needed(console)) == ("revoked", [])
    assert trail.one(action="credential.end_confirmed").detail["why"] == "deleted in Acme's settings"


def test_after_its_end_it_is_still_told_that_it_had_leaked(console: Client, leaked: Credential) -> None:
    send(console, url(leaked, "confirm-end"), why="Ticket 4711")
    first = short(str(leaked.pk))
    page = " ".join(strip_tags(console.get(url(leaked)).content.decode()).split())
    assert "Leaked reported just now by root" in page
    assert f"root revoked the leaked credential entered {first}" in page
    assert f"root confirmed that the leaked credential entered {first} for acme was ended outside: Ticket 4711" in page


def test_a_rotation_says_that_it_was_for_a_leak_and_what_it_replaced(console: Client, world: World) -> None:
    old = world.credential
    (field,) = [name for name in console.get(url(old, "replace")).context["form"].fields if name.startswith("value")]
    answer = send(console, url(old, "replace"), **{"overlap": "none", field: "another value of twenty"})
    assert answer.status_code == 302
    [message] = get_messages(answer.wsgi_request)
    assert (message.level_tag, "It may still work in your product" in message.message) == ("warning", True)
    new = Credential.objects.get(predecessor=old)
    told = [plain_sentence(line) for line in AuditEvent.objects.filter(object_id=new.pk)]
    names = [short(str(row.pk)) for row in (new, old)]
    assert told == [
        f"root issued credential entered {names[0]} for acme, which replaced the leaked credential entered {names[1]}"
    ]
    assert plain_sentence(AuditEvent.objects.get(object_id=old.pk, action="credential.revoked")) == (
        f"root revoked the leaked credential entered {names[1]} for acme: rotated without overlap"
    )


def test_it_can_be_confirmed_with_the_revocation(console: Client, world: World, worker: None) -> None:
    send(console, url(world.credential, "revoke"), why=WHY, leaked="on", ended_outside="on")
    world.credential.refresh_from_db()
    assert (world.credential.outside, needed(console)) == ("confirmed", [])


def test_a_leak_of_what_has_ended_before_is_noted(console: Client, world: World, worker: None) -> None:
    send(console, url(world.credential, "revoke"), why="the customer has left")
    assert needed(console)[0].startswith("1 ended credential may still work")
    revoke(credential=world.credential, actor="test", reason=WHY, leaked=True)
    assert needed(console)[0].startswith("1 leaked credential may still work")


def test_replacing_values_without_an_overlap_leaves_the_old_ones_open(console: Client, world: World) -> None:
    address = url(world.credential, "replace")
    answer = console.get(send(console, address, value_0="a-new-key", overlap="none")["Location"])
    assert "end it there, then confirm its end here" in answer.content.decode()
    world.credential.refresh_from_db()
    assert world.credential.state_word() == "leaked, may still work"


def test_what_leaked_with_it_is_to_be_ended_outside_too(console: Client, world: World) -> None:
    key = world.credential.open()["apiKey"]
    CredentialPolicy.objects.filter(pk=world.policy.pk).update(options={"names": ["apiKey", "secret"]})
    older = Credential.objects.get(pk=world.credential.pk)
    newer = rotate(credential=older, actor="test", entered={"apiKey": key, "secret": "a-secret-of-acme"})
    values = {"value_0": "a-new-key-of-acme", "value_1": "a-new-secret-of-acme"}
    answer = console.get(send(console, url(newer, "replace"), **values, overlap="none")["Location"])
    told = "1 other version of its line may still work in your product, too: end it, and confirm its end."
    assert told in answer.content.decode()


def test_those_are_confirmed_in_bulk_and_found_by_the_filter(console: Client, leaked: Credential) -> None:
    address = url(Credential, "changelist") + "?state__exact=may-still-work"
    assert [row.pk for row in console.get(address).context["cl"].result_list] == [leaked.pk]
    run_bulk(console, Credential, "confirm_end", [leaked], why="")
    assert list(console.get(address).context["cl"].result_list) == []


def test_nothing_is_confirmed_of_what_is_good(console: Client, world: World) -> None:
    page = console.get(url(world.credential, "confirm-end"))
    assert "Nothing is known to be left" in page.content.decode()


def test_a_forced_end_has_a_word_and_a_filter_of_its_own(console: Client, world: World) -> None:
    key = world.make_key()
    past = timezone.now() - timedelta(hours=1)
    Credential.objects.filter(pk=key.pk).update(state="retiring", retires_at=past, attempts=5)
    send(console, url(key, "force-end"), why="its product was shut down")
    key.refresh_from_db()
    assert (key.state, key.state_word()) == ("revoked", "force-ended")
    found = console.get(url(Credential, "changelist") + "?state__exact=force-ended").context["cl"].result_list
    assert [row.pk for row in found] == [key.pk]


def test_a_forced_end_stays_an_open_point_until_it_is_confirmed(
    console: Client, world: World, leaked: Credential, worker: None
) -> None:
    """Each of the overview's lines leads to what it counts, and the customer's to all."""
    key, other = world.make_key(), world.make_key()
    Credential.objects.filter(pk=other.pk).update(state="revoked", outside="open")
    Credential.objects.filter(pk=key.pk).update(state="retiring", retires_at=timezone.now(), attempts=5)
    send(console, url(key, "force-end"), why="its product was shut down")
    lines = console.get(reverse("admin:index")).context["needed"]
    told = {line["sentence"].partition(" may still work")[0]: found_by(console, line["link"]) for line in lines}
    assert told == {
        "1 leaked credential": [leaked.pk],
        "1 ended credential": [other.pk],
        "1 force-ended credential": [key.pk],
    }
    (step,) = [step for step in console.get(url(world.end_user)).context["next_steps"] if "may still work" in step[0]]
    assert step.sentence.startswith("3 ended credentials, 1 of them leaked, may still work in your product: end")
    assert set(found_by(console, step.link)) == {leaked.pk, other.pk, key.pk}
    send(console, url(key, "confirm-end"), why="looked there")
    assert len(needed(console)) == 2


@pytest.fixture
def token(world: World) -> Credential:
    """One that only its expiry, in half an hour, can end."""
    world.key_policy.issuer, world.key_policy.lifetime = "jwt", timedelta(minutes=30)
    world.key_policy.overlap = timedelta(minutes=5)
    world.key_policy.options = {"audience": "https://api.example.com"}
    world.key_policy.save()
    return start_issue(policy=world.key_policy, context={}, subject=world.end_user.subject, actor="test")


def test_a_token_that_ends_by_itself_is_no_open_point(console: Client, token: Credential, worker: None) -> None:
    form = console.get(url(token, "revoke"))
    assert "It works until it expires" in form.content.decode()
    assert "ended_outside" not in form.context["form"].fields
    told = messages_of(send(console, url(token, "revoke"), why=WHY))
    assert "It is revoked here." in told
    assert (
        f"It works until it expires, at {token.expires_at:%Y-%m-%d %H:%M} UTC, unless your product refuses it" in told
    )
    token.refresh_from_db()
    assert (token.state_word(), needed(console)) == ("revoked", [])
    assert "Works until" in console.get(url(token)).content.decode()
    Credential.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert "Works until" not in console.get(url(token)).content.decode()


@pytest.mark.parametrize("act", [("revoke", {"leaked": "on"}), ("rotate", {"overlap": "none"})])
def test_one_that_has_leaked_is_one_until_it_has_expired(
    console: Client, token: Credential, worker: None, trail: Trail, act: tuple[str, dict[str, str]]
) -> None:
    page, chosen = act
    told = messages_of(send(console, url(token, page), why=WHY, **chosen))
    assert "It works until it expires, at" in told
    token.refresh_from_db()
    assert (token.state, token.state_word()) == ("revoked", "leaked, may still work")
    (line,) = console.get(reverse("admin:index")).context["needed"]
    assert found_by(console, line["link"]) == [token.pk]
    assert "then this point clears by itself." in console.get(url(token, "confirm-end")).content.decode()
    sweep(0)
    token.refresh_from_db()
    assert token.outside == "leaked"
    Credential.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    sweep(0)
    token.refresh_from_db()
    assert (token.outside, token.state_word(), needed(console)) == ("confirmed", "revoked", [])
    assert trail.one(action="credential.end_confirmed").detail["why"] == "it has expired"


def test_the_expiry_of_an_entered_key_ends_nothing_outside(console: Client, leaked: Credential) -> None:
    Credential.objects.filter(pk=leaked.pk).update(expires_at=timezone.now())
    sweep(0)
    leaked.refresh_from_db()
    assert leaked.state_word() == "leaked, may still work"


@pytest.fixture
def same_key(console: Client, world: World) -> tuple[Credential, Credential]:
    """An ended credential, and the version after it, which has the same key and another secret."""
    world.policy.options = {"names": ["accessKey", "secret"]}
    world.policy.save()
    key = {"accessKey": "the-key-of-both-versions"}
    old = start_issue(
        policy=world.policy,
        context={},
        subject=world.end_user.subject,
        actor="test",
        entered=key | {"secret": "the-first-secret"},
    )
    new = rotate(credential=old, actor="test", entered=key | {"secret": "the-second-secret"})
    old.refresh_from_db()
    return old, new


def text(console: Client, address: str) -> str:
    return " ".join(strip_tags(console.get(address).content.decode()).split())


def test_nobody_is_told_to_end_what_the_next_version_hands_out(
    console: Client, world: World, same_key: tuple[Credential, Credential], worker: None
) -> None:
    old, new = same_key
    before = text(console, url(old, "revoke"))
    left = "its accessKey: leave that until that version is replaced."
    assert f"In your product, version {new.version_name()} uses {left}" in before
    told = (
        f"It may still work in your product, but version {new.version_name()} still uses {left} End its other values "
        "there, then confirm its end here."
    )
    assert told in messages_of(send(console, url(old, "revoke"), why=WHY))
    (step,) = console.get(url(old)).context["next_steps"]
    assert (f"{step.sentence}.", step.link) == (told, url(old, "confirm-end"))
    assert told in text(console, url(old, "confirm-end"))
    assert needed(console) == [
        "1 ended credential may still work in your product: end it there, but for values that its page says are still "
        "used, then confirm its end on that page"
    ]
    bulk = text(console, ask_bulk(console, Credential, "confirm_end", [old]))
    assert "Of 1 of these, leave the values that another version still uses: as its page names them." in bulk
    assert "Other credentials may use values of these, too: look at the page of each, which names them." in bulk
    customer = [step.sentence for step in console.get(url(world.end_user)).context["next_steps"]]
    assert any("but for values that its page says are still used" in sentence for sentence in customer)


@pytest.fixture
def elsewhere(world: World, same_key: tuple[Credential, Credential]) -> Credential:
    """Another customer's, with the key and the secret of the ended one."""
    return start_issue(
        policy=world.policy,
        context={},
        subject="end_user:00000000-0000-0000-0000-000000000001",
        actor="test",
        entered={"accessKey": "the-key-of-both-versions", "secret": "the-first-secret"},
    )


def test_nor_what_another_line_hands_out(
    console: Client, same_key: tuple[Credential, Credential], elsewhere: Credential
) -> None:
    old, new = same_key
    told = (
        f"It may still work in your product, but version {new.version_name()} still uses its accessKey: leave that "
        f"until that version is replaced. Credential {elsewhere.version_name()} still uses its accessKey and secret: "
        "leave those until that credential is replaced. End whatever else it has there, then confirm its end here."
    )
    assert told in messages_of(send(console, url(old, "revoke"), why=WHY))
    (step,) = console.get(url(old)).context["next_steps"]
    assert f"{step.sentence}." == told
    assert told in text(console, url(old, "confirm-end"))
    revoke(credential=new, actor="test", reason=WHY)
    alone = f"It may still work in your product, but credential {elsewhere.version_name()} still uses"
    assert alone in text(console, url(old))


def test_what_leaks_elsewhere_is_said_before(
    console: Client, world: World, same_key: tuple[Credential, Credential], elsewhere: Credential
) -> None:
    old, new = same_key
    told = (
        f"1 other credential has a value of it, and is marked as leaked if it has leaked: {elsewhere.version_name()}."
    )
    for each in (old, new):
        assert told in text(console, url(each, "revoke"))
    assert told.replace(" if it has leaked", "") in text(console, url(new, "replace"))
    assert "marked as leaked" not in text(console, url(world.credential, "replace"))
    for key in ("one", "two", "three"):
        values = {"accessKey": "the-key-of-both-versions", "secret": f"the-secret-{key}"}
        start_issue(policy=world.policy, context={}, subject=world.end_user.subject, actor="test", entered=values)
    page = text(console, url(old, "revoke"))
    named = page.partition("4 other credentials have a value of it, and are marked as leaked if it has leaked: ")[2]
    named = named.partition(" They are handed out until you rotate them as leaked.")[0]
    assert (named.count(" for acme"), named.count(", "), named.endswith(" and others.")) == (3, 2, True)


def test_that_one_which_has_ended_had_leaked_is_reported_on_a_page_of_its_own(
    console: Client, same_key: tuple[Credential, Credential], elsewhere: Credential, trail: Trail
) -> None:
    old, new = same_key
    assert "revoke it, and tick that it has leaked" in text(console, url(new, "report-leak"))
    assert "If it has leaked, revoke it, and say that." in text(console, url(old, "replace"))
    send(console, url(old, "revoke"), why="no longer needed")
    assert "If it has leaked, report it as leaked." in text(console, url(old, "replace"))
    assert url(old, "report-leak") in console.get(url(old)).content.decode()
    page = text(console, url(old, "report-leak"))
    assert f"Version {new.version_name()} has a value of it, and is marked as leaked: it is handed out until" in page
    assert f"1 other credential has a value of it, and is marked as leaked: {elsewhere.version_name()}." in page
    answer = send(console, url(old, "report-leak"), why=WHY)
    assert "It is reported as leaked. It may still work in your product" in messages_of(answer)
    ended = Credential.objects.get(pk=old.pk)
    assert (ended.state_word(), ended.leaked_by, ended.sealed_values) == ("leaked, may still work", "user:root", None)
    assert trail.one(action="credential.leak_noted", object_id=str(old.pk)).detail["why"] == WHY
    assert Credential.objects.get(pk=new.pk).state_word() == "leaked, active"
    assert url(old, "report-leak") not in console.get(url(old)).content.decode()
    assert "reported as leaked already" in text(console, url(old, "report-leak"))


def test_what_is_to_be_left_is_named_also_where_the_ended_one_is_erased(
    console: Client, same_key: tuple[Credential, Credential]
) -> None:
    old, new = same_key
    send(console, url(old, "revoke"), why=WHY, leaked="on")
    assert Credential.objects.get(pk=old.pk).sealed_values is None
    left = f"version {new.version_name()} still uses its accessKey: leave that until that version is replaced."
    assert left in text(console, url(old, "confirm-end"))


def test_what_lives_on_whole_is_no_open_point(
    console: Client, same_key: tuple[Credential, Credential], world: World, worker: None
) -> None:
    world.policy.options = {"names": ["accessKey", "secret", "region"]}
    world.policy.save()
    new = Credential.objects.select_related("policy").get(pk=same_key[1].pk)
    newest = rotate(credential=new, actor="test", entered=new.open() | {"region": "eu-1"})
    send(console, url(new, "revoke"), why=WHY)
    assert needed(console) == []
    assert Credential.objects.get(pk=new.pk).state_word() == "revoked"
    send(console, url(newest, "revoke"), why=WHY, predecessors="on")
    assert needed(console) == [
        "2 ended credentials may still work in your product: end each there, but for values that its page says are "
        "still used, then confirm its end on that page"
    ]
