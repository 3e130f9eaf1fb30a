"""Tell an operator of a credential that has leaked, until nothing of it is handed out any more."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils.html import strip_tags

from credservice.adminkit.labels import label
from credservice.adminkit.sentences import plain_sentence
from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import finish_issue, revoke, rotate, start_issue
from credservice.credentials.tasks import note_leak_elsewhere
from tests.lifecycle.outside import Outside
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.overview import overview
from tests.support.pages import ask_bulk, run_bulk, send, url

WHY = "found in a public repository"


@pytest.fixture
def outside(tmp_path: Path, settings: Any) -> Outside:
    outside = Outside(tmp_path / "outside")
    backend = {"BACKEND": "tests.lifecycle.outside.FolderIssuer", "OPTIONS": {"folder": str(outside.folder)}}
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {"folder": backend}
    return outside


@pytest.fixture
def made_outside(world: World, outside: Outside) -> Credential:
    policy = CredentialPolicy.objects.create(name="passwords", issuer="folder")
    subject = world.end_user.subject
    return finish_issue(start_issue(policy=policy, context={}, subject=subject, actor="test"), actor="test")


@pytest.fixture
def leaked(console: Client, made_outside: Credential, outside: Outside) -> Credential:
    """Rotated as leaked while its issuer is down."""
    outside.fault("before-issue", "down")
    rotate(credential=made_outside, actor="user:olga", overlap=timedelta(0))
    return Credential.objects.select_related("policy").get(pk=made_outside.pk)


def lines(console: Client) -> dict[str, set[Any]]:
    """The overview's lines, each with what it leads to; red ones alone."""
    needed = [line for line in overview(console).context["needed"] if line["urgent"]]
    return {line["sentence"]: rows(console, line["link"]) for line in needed}


def rows(console: Client, link: str) -> set[Any]:
    return {row.pk for row in console.get(link).context["cl"].result_list}


def text(console: Client, address: str) -> str:
    return " ".join(strip_tags(console.get(address).content.decode()).split())


@pytest.mark.django_db(transaction=True)
def test_the_message_after_the_rotation_says_that_it_is_not_ended(
    console: Client, made_outside: Credential, outside: Outside
) -> None:
    outside.fault("before-issue", "down")
    answer = send(console, url(made_outside, "rotate"), overlap="none", why=WHY)
    [message] = get_messages(answer.wsgi_request)
    assert message.level_tag == "warning"
    assert "The leaked one is not ended yet: it is still handed out until its successor is there." in message.message
    assert url(made_outside, "revoke") in message.message


@pytest.mark.django_db(transaction=True)
def test_where_the_issuer_works_there_is_nothing_left_to_say(console: Client, made_outside: Credential) -> None:
    answer = send(console, url(made_outside, "rotate"), overlap="none", why=WHY)
    [message] = get_messages(answer.wsgi_request)
    assert (message.level_tag, "not ended" in message.message) == ("success", False)


def test_its_page_says_so_and_leads_to_the_end(console: Client, leaked: Credential) -> None:
    page = console.get(url(leaked))
    (step,) = page.context["next_steps"]
    assert step.sentence.startswith("The leaked one is not ended yet: it is still handed out")
    assert (step.link, step.urgent) == (url(leaked, "revoke"), True)
    assert label("leaked, active") in page.content.decode()
    assert "Leaked reported just now by olga" in text(console, url(leaked))
    line = AuditEvent.objects.get(object_id=leaked.pk, action="credential.leak_noted")
    assert plain_sentence(line).startswith("olga reported the leaked credential")


def test_whoever_may_not_revoke_it_is_not_led_there(leaked: Credential) -> None:
    page = role_client("Viewer").get(url(leaked))
    assert (page.status_code, page.context["next_steps"]) == (200, [])


def test_the_overview_leads_to_what_is_still_handed_out(
    console: Client, leaked: Credential, made_outside: Credential, worker: None
) -> None:
    told = "1 leaked credential is still handed out: its successor waits for the issuer"
    assert lines(console) == {told: {leaked.pk}}
    send(console, url(leaked, "revoke"), why="do not wait")
    assert lines(console) == {}


def test_also_where_no_successor_will_come(console: Client, leaked: Credential, worker: None) -> None:
    Credential.objects.filter(predecessor=leaked).update(state="failed")
    told = "1 leaked credential is still handed out, without a successor to come: rotate it as leaked, or revoke it"
    assert lines(console) == {told: {leaked.pk}}
    assert "no successor is being made" in text(console, url(leaked))


@pytest.mark.parametrize("attempts", [1, 5])
def test_a_leaked_one_whose_end_fails_has_a_line_of_its_own(
    console: Client, leaked: Credential, world: World, worker: None, attempts: int
) -> None:
    """From the first attempt in vain: until one holds, the key works."""
    other = world.make_key()
    ending = Credential.objects.filter(pk__in=[leaked.pk, other.pk])
    ending.update(state="retiring", retires_at=leaked.created_at, attempts=attempts)
    told = {sentence: found for sentence, found in lines(console).items() if "issuer" in sentence[10:]}
    leaks = {"1 leaked credential still works in your product: the issuer fails to end it": {leaked.pk}}
    stuck = {"1 revocation stuck: the issuer keeps failing": {other.pk}} if attempts == 5 else {}
    assert told == leaks | stuck
    word = "leaked, stuck" if attempts == 5 else "leaked, ending"
    assert label(word) in console.get(url(leaked)).content.decode()


def test_one_that_was_forced_to_its_end_is_still_a_leaked_one(
    console: Client, leaked: Credential, worker: None
) -> None:
    Credential.objects.filter(pk=leaked.pk).update(state="retiring", retires_at=leaked.created_at, attempts=5)
    send(console, url(leaked, "force-end"), why="its product was shut down")
    told = {sentence.partition(" may still work")[0]: found for sentence, found in lines(console).items()}
    assert told["1 leaked, force-ended credential"] == {leaked.pk}
    assert label("leaked, force-ended") in console.get(url(leaked)).content.decode()


@pytest.mark.parametrize("word", ["leaked, active", "leaked, stuck", "leaked, ending", "leaked, force-ended"])
def test_what_has_leaked_is_red(word: str) -> None:
    assert label(word) == label("leaked, may still work").replace("leaked, may still work", word)


def test_the_preview_promises_no_end_that_has_to_wait(console: Client, leaked: Credential, world: World) -> None:
    Credential.objects.filter(predecessor=leaked).update(attempts=2)
    page = text(console, url(leaked, "rotate"))
    assert "It has leaked: revoke it as soon as its successor is there" in page
    assert "The issuer folder fails right now" in page
    assert "Revoke now (leaked)" in text(console, url(world.make_key(), "rotate"))


def test_nor_does_that_of_many(console: Client, leaked: Credential) -> None:
    address = ask_bulk(console, Credential, "rotate", [leaked])
    assert "Issuers that fail right now" not in text(console, address)
    Credential.objects.filter(predecessor=leaked).update(attempts=2)
    assert "Issuers that fail right now: folder." in text(console, address)


@pytest.fixture
def line_of_two(world: World) -> tuple[Credential, Credential]:
    """A retiring credential and its successor."""
    old = world.make_key()
    return old, rotate(credential=old, actor="test")


def test_only_what_was_ticked_has_leaked(console: Client, line_of_two: tuple[Credential, Credential]) -> None:
    old, new = line_of_two
    address = ask_bulk(console, Credential, "revoke", [new])
    told = (
        "1 retiring predecessor of these is still good: ended too where that is ticked below, and not marked as leaked."
    )
    assert told in text(console, address)
    send(console, address, why=WHY, leaked="on", predecessors="on")
    assert dict(Credential.objects.values_list("pk", "state"))[old.pk] == "revoked"
    assert reported(old, new) == ["", "user:root"]


def test_a_predecessor_that_was_ticked_as_well_has_leaked_too(
    console: Client, line_of_two: tuple[Credential, Credential]
) -> None:
    old, new = line_of_two
    assert "retiring predecessor" not in text(console, ask_bulk(console, Credential, "revoke", [new, old]))
    run_bulk(console, Credential, "revoke", [new, old], why=WHY, leaked="on", predecessors="on")
    assert reported(old, new) == ["user:root", "user:root"]


def test_what_was_left_out_has_not_leaked(
    console: Client, made_outside: Credential, outside: Outside, world: World
) -> None:
    outside.fault("before-revoke", "down")
    new = finish_issue(rotate(credential=made_outside, actor="test"), actor="test")
    send(console, url(made_outside, "revoke"), why="no longer needed")
    run_bulk(console, Credential, "revoke", [made_outside, new], why=WHY, leaked="on", predecessors="on")
    assert reported(made_outside, new) == ["", "user:root"]


def reported(*credentials: Credential) -> list[str]:
    by = dict(Credential.objects.values_list("pk", "leaked_by"))
    return [by[credential.pk] for credential in credentials]


@pytest.fixture
def same_key(world: World) -> tuple[Credential, Credential]:
    """A retiring credential and its successor, which has the same key and another secret."""
    world.policy.options = {"names": ["accessKey", "secret"]}
    world.policy.save()
    subject, key = world.end_user.subject, {"accessKey": "the-key-of-both-versions"}
    old = start_issue(
        policy=world.policy, context={}, subject=subject, actor="test", entered=key | {"secret": "the-first-secret"}
    )
    return old, rotate(credential=old, actor="test", entered=key | {"secret": "the-second-secret"})


def test_the_pages_say_what_leaks_with_it(console: Client, same_key: tuple[Credential, Credential]) -> None:
    old, new = (row.version_name() for row in same_key)
    told = f"Version {old} has a value of it, and ends with it"
    assert f"{told}." in text(console, url(same_key[1], "replace"))
    assert f"{told} if it has leaked." in text(console, url(same_key[1], "revoke"))
    assert (
        f"Version {new} has a value of it, and is marked as leaked if it has leaked: it is handed out until you "
        "rotate it as leaked."
    ) in text(console, url(same_key[0], "revoke"))


def test_so_do_those_of_many(console: Client, same_key: tuple[Credential, Credential]) -> None:
    old, new = same_key
    page = text(console, ask_bulk(console, Credential, "revoke", [new]))
    assert "1 other version has a value of these, and ends with them if these have leaked." in page
    assert "retiring predecessor" not in page
    page = text(console, ask_bulk(console, Credential, "revoke", [old]))
    assert "1 other version has a value of these, and is marked as leaked if these have leaked." in page
    assert "other version" not in text(console, ask_bulk(console, Credential, "revoke", [old, new]))
    run_bulk(console, Credential, "revoke", [new], why=WHY, leaked="on", predecessors="")
    assert reported(old, new) == ["user:root", "user:root"]


def test_a_version_that_leaked_with_another_says_why(console: Client, same_key: tuple[Credential, Credential]) -> None:
    old, new = same_key
    send(console, url(new, "revoke"), why=WHY, leaked="on")
    assert f"revoked the leaked credential {old.version_name()}" in text(console, url(old))
    assert f"a value of it leaked with {new.version_name()}" in text(console, url(old))


def test_the_live_version_with_a_leaked_value_asks_for_other_values(
    console: Client, same_key: tuple[Credential, Credential], worker: None
) -> None:
    old, new = same_key
    send(console, url(old, "revoke"), why=WHY, leaked="on", ended_outside="on")
    told = "1 leaked credential is still handed out, without a successor to come: rotate it as leaked, or revoke it"
    assert lines(console) == {told: {new.pk}}
    (step,) = console.get(url(new)).context["next_steps"]
    assert step.sentence.endswith("no successor is being made. Replace values as leaked, or revoke it")
    assert step.link == url(new, "replace")


@pytest.fixture
def elsewhere(world: World, same_key: tuple[Credential, Credential]) -> Credential:
    """The same customer's on another line, with the key of the first version."""
    entered = {"accessKey": "the-key-of-both-versions", "secret": "a-secret-of-the-other"}
    subject = world.end_user.subject
    return start_issue(policy=world.policy, context={}, subject=subject, actor="test", entered=entered)


def report_elsewhere(console: Client, leaking: Credential) -> None:
    send(console, url(leaking, "revoke"), why=WHY, leaked="on", ended_outside="on")
    note_leak_elsewhere(str(leaking.pk))


def test_one_of_another_line_says_with_which_it_leaked_and_offers_to_rotate_it_so(
    console: Client, same_key: tuple[Credential, Credential], elsewhere: Credential
) -> None:
    old, _ = same_key
    assert console.get(url(elsewhere, "replace")).context["form"]["overlap"].value() == "policy"
    report_elsewhere(console, old)
    assert f"Leaked with {old.version_name()} for acme, reported just now" in text(console, url(elsewhere))
    assert url(old) in console.get(url(elsewhere)).content.decode()
    form = console.get(url(elsewhere, "replace")).context["form"]
    assert (form["overlap"].value(), len(form.fields["overlap"].choices)) == ("none", 2)


def test_one_that_was_reported_itself_is_offered_no_overlap(console: Client, leaked: Credential) -> None:
    form = console.get(url(leaked, "rotate")).context["form"]
    assert [value for value, _ in form.fields["overlap"].choices] == ["none"]
    assert "It stays valid for" not in text(console, url(leaked, "rotate"))


def test_one_of_another_line_that_retires_and_is_handed_out_is_an_open_point(
    console: Client, same_key: tuple[Credential, Credential], elsewhere: Credential, worker: None
) -> None:
    values = {"accessKey": "another-key-of-acme", "secret": "another-secret-of-acme"}
    later = rotate(credential=elsewhere, actor="test", entered=values)
    ends = "1 other credential has a value of it, and ends with it if it has leaked, as a newer version follows: "
    assert f"{ends}{elsewhere.version_name()}" in text(console, url(same_key[1], "revoke"))
    revoke(credential=later, actor="test", reason="wrong")
    stays = "1 other credential has a value of it, and is marked as leaked if it has leaked: "
    assert f"{stays}{elsewhere.version_name()}" in text(console, url(same_key[1], "revoke"))
    revoke(credential=same_key[0], actor="test", reason="no longer needed", ended_outside=True)
    report_elsewhere(console, same_key[1])
    told = "1 leaked credential is still handed out, without a successor to come: rotate it as leaked, or revoke it"
    assert lines(console)[told] == {elsewhere.pk}
    (step,) = console.get(url(elsewhere)).context["next_steps"]
    assert (step.link, step.urgent) == (url(elsewhere, "replace"), True)


@pytest.mark.parametrize("act", ["revoke", "rotate"])
def test_those_of_many_say_that_other_lines_may_have_secrets_of_them(
    console: Client, leaked: Credential, act: str
) -> None:
    told = "If these have leaked, credentials of other lines that have a secret of them are marked as leaked, too"
    assert told in text(console, ask_bulk(console, Credential, act, [leaked]))


def test_who_revokes_what_lives_outside_is_told_that_it_may_work_until_its_issuer_has_ended_it(
    console: Client, made_outside: Credential
) -> None:
    answer = send(console, url(made_outside, "revoke"), why=WHY)
    assert [message.message for message in get_messages(answer.wsgi_request)] == [
        "The revocation is under way. Until its issuer has ended it, it may still work in your product: this page "
        "shows when it has."
    ]
