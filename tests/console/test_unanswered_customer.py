"""The page of a customer who gets nothing says so, why, and what to do."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from credservice.audit import Line, record
from exchange.admin import customers
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.pages import send, url

TENANT = {"apiKey": "$credential.apiKey", "tenant": "$end_user.tenant"}


def needs(client: Client, end_user: EndUser) -> list[tuple[str, str]]:
    return [(step.sentence, step.link) for step in client.get(url(end_user)).context["next_steps"]]


def facts(client: Client, end_user: EndUser) -> dict[str, str]:
    return {fact.name: str(fact.value) for fact in client.get(url(end_user)).context["header"].facts}


def refuse(world: World, reason: str = "incomplete_answer") -> None:
    detail = {"installation": "inst_1", "end_user": "eu_1"}
    subject = world.end_user.subject
    record(Line("exchange.credential", "platform:mindcloud", "refused", reason, subject=subject, detail=detail))


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (TENANT, "the customer has no attribute tenant. Write it under attributes"),
        ({"site": "$installation.site"}, "the installation has no attribute site. Write it among the installation's"),
        ({"key": "$credential.other"}, "its credential has no value other. Replace the credential's values"),
    ],
)
def test_it_says_what_an_answer_lacks(console: Client, world: World, shape: dict[str, str], said: str) -> None:
    assert needs(console, world.end_user) == []
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=shape)
    ((sentence, link),) = needs(console, world.end_user)
    assert sentence.startswith(f"inst_1 of int_1 gets no answer: {said}")
    assert console.get(link).status_code == 200


def test_it_leads_to_the_credential_that_takes_new_values(console: Client, world: World) -> None:
    Integration.objects.filter(pk=world.integration.pk).update(response_shape={"key": "$credential.other"})
    ((_, link),) = needs(console, world.end_user)
    assert link == url(world.credential)


def test_it_says_all_that_an_answer_lacks_at_once(console: Client, world: World) -> None:
    shape = {"r": "$end_user.region", "p": "$end_user.plan", "id": "$end_user.external_id", "s": "$installation.site"}
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=shape | {"o": "$credential.other"})
    EndUser.objects.update(external_id="")
    ((sentence, link),) = needs(console, world.end_user)
    assert sentence == (
        "inst_1 of int_1 gets no answer: the customer has no attribute plan and no attribute region and no external_id"
        ", and the installation has no attribute site, and its credential has no value other. "
        "Write them under attributes. Re-bind it to your customer. Write it among the installation's attributes. "
        "Replace the credential's values"
    )
    assert link.endswith("#field-attributes")
    ids = {"integration": "int_1", "installation": "inst_1", "end_user": "eu_1"}
    tried = console.get(url(world.platform, "test-exchange"), ids).context["trial"]
    assert tried.message == (
        "The answer cannot be filled: the customer has no attributes 'plan' or 'region' or 'external_id', "
        "and the installation has no attribute 'site', and the credential has no value 'other'."
    )


def test_who_may_not_write_an_attribute_is_told_who_may(console: Client, world: World) -> None:
    operator = role_client("Operator")
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=TENANT)
    ((sentence, _),) = needs(operator, world.end_user)
    assert sentence.endswith("the customer has no attribute tenant. A secrets manager can write it under attributes")
    shape = {"account": "$end_user.external_id"}
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=shape)
    EndUser.objects.update(external_id="")
    ((sentence, link),) = needs(console, world.end_user)
    assert sentence.endswith("Re-bind it to your customer")
    assert console.get(link).status_code == 200
    ((sentence, _),) = needs(operator, world.end_user)
    assert sentence.endswith("A secrets manager can re-bind it to your customer")


def test_it_says_that_nothing_is_granted_once(console: Client, world: World) -> None:
    Grant.objects.all().delete()
    ((sentence, link),) = needs(console, world.end_user)
    assert sentence == "inst_1 of int_1 gets no answer: its values would have to be entered. Grant a credential"
    page = console.get(link)
    assert page.context["consequences"][0].startswith("acme · eu_1 · mindcloud gets a credential for int_1, for all of")
    assert console.post(link, {"form_id": page.context["form_id"], "value_0": "k" * 20}).status_code == 302
    assert Grant.objects.get().integration == world.integration
    Grant.objects.all().delete()
    ((_, link),) = needs(role_client("Viewer"), world.end_user)
    assert link == url(world.installation)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: EndUser.objects.update(is_active=False), "inst_1 gets no answer yet: its end user is suspended."),
        (
            lambda: Integration.objects.update(is_active=False),
            "inst_1 gets no answer yet: its integration is suspended.",
        ),
        (lambda: Platform.objects.update(is_active=False), "inst_1 gets no answer yet: its platform is suspended."),
        (lambda: Integration.objects.update(response_shape=TENANT), "inst_1 gets no answer yet: the customer has no"),
        (lambda: Installation.objects.update(state="pending"), "inst_1 gets no answer yet: it waits for approval."),
        (lambda: Installation.objects.update(state="refused"), "inst_1 gets no answer yet: it is refused."),
        (
            lambda: Installation.objects.all().delete(),
            "Its first installation waits for approval at its first exchange.",
        ),
    ],
)
def test_a_grant_says_before_and_after_who_gets_no_answer_all_the_same(
    console: Client, world: World, change: Callable[[], object], said: str
) -> None:
    Grant.objects.all().delete()
    change()
    parties = urlencode({"integration": world.integration.pk, "end_user": world.end_user.pk, "installation": ""})
    link = f"{url(Grant, 'add')}?{parties}"
    assert any(line.startswith(said) for line in console.get(link).context["consequences"])
    page = unescape(send(console, link, value_0="k" * 20).client.get(url(Grant.objects.get())).content.decode())
    assert f"The credential is granted. {said}" in page


def test_a_grant_to_whom_gets_an_answer_says_so(console: Client, world: World) -> None:
    Grant.objects.all().delete()
    parties = urlencode({"integration": world.integration.pk, "end_user": world.end_user.pk, "installation": ""})
    link = f"{url(Grant, 'add')}?{parties}"
    assert not any("no answer" in line for line in console.get(link).context["consequences"])
    page = send(console, link, value_0="k" * 20).client.get(url(Grant.objects.get())).content.decode()
    assert "The credential is granted: the next exchange hands it out." in page


def test_it_says_that_the_integration_is_suspended(console: Client, world: World) -> None:
    Integration.objects.update(is_active=False)
    assert needs(console, world.end_user) == [
        ("inst_1 of int_1 gets no answer: the integration is suspended. Resume the integration", url(world.integration))
    ]


def test_it_says_that_the_platform_is_suspended(console: Client, world: World) -> None:
    Platform.objects.update(is_active=False)
    said = "Its platform mindcloud is suspended: all of its calls are refused. Resume the platform"
    for obj in (world.end_user, world.installation):
        steps = console.get(url(obj)).context["next_steps"]
        assert [(step.sentence, step.link) for step in steps] == [(said, url(world.platform))]


def test_what_is_not_to_be_answered_is_no_warning(console: Client, world: World) -> None:
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=TENANT)
    Installation.objects.update(state="suspended")
    assert needs(console, world.end_user) == []


def test_it_shows_the_last_refused_call(console: Client, world: World) -> None:
    assert "Last refused call" not in facts(console, world.end_user)
    refuse(world, "no_grant")
    refuse(world)
    assert "just now</time>: incomplete answer</a>" in facts(console, world.end_user)["Last refused call"]
    page = console.get(url(world.end_user))
    (shown,) = [str(list(card.lines())) for card in page.context["cards"] if card.title == "Trail"]
    assert "The platform mindcloud's call to fetch a credential" in unescape(shown).replace("\\'", "'")
    assert "installation inst_1 was refused: incomplete answer" in shown


def test_a_call_that_was_refused_long_ago_is_not_shown(
    console: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(world)
    monkeypatch.setattr(customers, "LATELY", timedelta(0))
    assert "Last refused call" not in facts(console, world.end_user)


def test_the_last_refused_call_is_found_by_the_index_of_subjects(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # as where the table is large
    assert "subject_id_idx" in customers.newest_lines(world.end_user).explain()


def test_the_answers_page_says_who_gets_none_today(console: Client, world: World) -> None:
    assert "today" not in console.get(url(world.integration, "shape")).content.decode()
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=TENANT)
    page = console.get(url(world.integration, "shape"))
    (told,) = page.context["consequences"]
    assert told.startswith("1 installation gets no answer today: <a")
    assert url(world.end_user) in told
    assert told.endswith("inst_1</a> (the customer has no attribute tenant).")
