"""Pages that connect: what belongs to an object is on its page, bounded, with a link to all of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe

from credservice.adminkit.templatetags.cards import cut_words, under
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.credentials import services
from exchange.models import Grant
from tests.support.console import World
from tests.support.pages import url

TITLES = {
    "end_user": [
        *("Grants and their credentials", "Installations", "At the platforms"),
        *("All its credentials, newest first", "Last hand-outs", "Trail"),
    ],
    "installation": ["Its own grant", "Grant of its end user", "Trail", "Trail of its end user"],
    "credential": ["Versions, newest first", "Grants that hand it out", "Last handed out", "Trail"],
    "resource": [
        *("Resource credentials", "Credentials", "Operations", "Usage by the hour"),
        *("Looking at its page now", "Trail"),
    ],
    "resource_credential": ["Versions of its credential, newest first", "Rotations asked of the marketplace", "Trail"],
    "grant": ["Versions of its credential, newest first", "Trail"],
    "integration": ["Installations", "Trail"],
    "platform": ["Integrations", "Trail"],
    "marketplace": ["Trusted keys", "Products", "Trail", "What it did"],
    "trusted_key": ["Live keys that it endorsed", "Trail"],
    "product": ["Plans", "Features", "Trail"],
    "policy": ["Integrations that use it", "Products that use it", "Trail"],
}


def cards(client: Client, obj: Any) -> dict[str, Any]:
    page = client.get(url(obj))
    assert page.status_code == 200
    return {card.title: card for card in page.context["cards"]}


@pytest.mark.parametrize(("kind", "titles"), TITLES.items())
def test_a_page_shows_what_belongs_to_it(console: Client, world: World, kind: str, titles: list[str]) -> None:
    assert list(cards(console, getattr(world, kind))) == titles


def test_a_credential_that_is_handed_out_no_more_says_what_is(console: Client, world: World) -> None:
    successor = services.rotate(
        credential=world.credential, actor="test", entered={"apiKey": "v" * 40}, overlap=timedelta(0)
    )
    successor.refresh_from_db()
    assert "Hands out now" not in cards(console, successor)["Grants that hand it out"].heads
    [line] = cards(console, world.credential)["Grants that handed it out"].lines()
    assert (url(successor) in str(line[1]), f"entered {str(successor.pk)[:8]} (active)" in str(line[1])) == (
        True,
        True,
    )
    services.revoke(credential=successor, actor="test", reason="leaked")
    [line] = cards(console, world.credential)["Grants that handed it out"].lines()
    assert line[1] == "nothing"


@pytest.mark.parametrize("kind", TITLES)
def test_all_of_them_is_a_list_that_opens(console: Client, world: World, kind: str) -> None:
    for card in cards(console, getattr(world, kind)).values():
        if card.link:
            listed = {row.pk for row in console.get(card.link).context["cl"].result_list}
            assert {row.pk for row in card.rows} == listed, card.title


@pytest.mark.parametrize("kind", ["end_user", "credential", "resource", "integration"])
def test_the_number_of_queries_does_not_grow(console: Client, world: World, kind: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            console.get(url(getattr(world, kind)))
        return len(captured)

    def add(n: int) -> None:
        installation = world.make_installation(f"more-{n}")
        key = world.make_key()
        Grant.objects.create(
            integration=world.integration, end_user=world.end_user, installation=installation, line=key.line
        )
        record(Line.about(world.credential, "test.done", "test"))

    add(0)
    queries()
    few = queries()
    for n in range(1, 12):
        add(n)
    assert queries() <= few


def test_a_credential_shows_who_fetched_it_last(console: Client, world: World) -> None:
    for n in range(5):
        record(
            Line(
                action="exchange.credential",
                actor="platform:mindcloud",
                outcome="granted",
                object_type="credential",
                object_id=world.credential.pk,
                detail={"installation": f"inst_{n}"},
            )
        )
    lines = cards(console, world.credential)["Last handed out"].lines()
    assert [line[1:3] for line in lines] == [("the platform mindcloud", f"inst_{n}") for n in (4, 3, 2, 1, 0)]


def test_a_credential_shows_its_successor(console: Client, world: World) -> None:
    key = world.make_key()
    successor = services.rotate(credential=key, actor="test")
    assert {row.pk for row in cards(console, key)["Versions, newest first"].rows} == {key.pk, successor.pk}
    assert url(successor) in console.get(url(key)).content.decode()


def test_a_card_is_bounded(console: Client, world: World) -> None:
    for n in range(12):
        world.make_installation(f"more-{n}")
    assert len(cards(console, world.end_user)["Installations"].lines()) == 5


def test_a_card_without_rows_says_so(console: Client, world: World) -> None:
    assert "None reported yet." in console.get(url(world.resource)).content.decode()


def test_nobody_sees_a_card_of_a_list_that_is_not_his(world: World) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_enduser"))
    client = Client()
    client.force_login(clerk)
    with CaptureQueriesContext(connection) as captured:
        assert list(cards(client, world.end_user)) == ["At the platforms"]
    tables = (AuditEvent._meta.db_table, "credentials_credential", "exchange_grant")
    assert not [q for q in captured.captured_queries if any(f'FROM "{table}"' in q["sql"] for table in tables)]


def test_long_words_of_a_cell_are_cut_in_the_middle_and_whole_on_hover() -> None:
    word = f"begin{'0' * 240}<b>&end"
    cell = str(cut_words(format_html('<td title="{}"><a href="/{}">of {}</a></td>', word, word, word)))
    assert cell.count(str(escape(word))) == 3  # the title and the address that were there, and the cut word's title
    assert f'of <span title="{escape(word)}">{word[:22]}…0000&lt;b&gt;&amp;end</span></a>' in cell


def test_a_bracket_in_an_attribute_begins_no_text() -> None:
    cell = mark_safe(f"""<td x-on:click="a => '{"b" * 60}'" class='[&>svg]:{"c" * 60}'>d</td>""")
    assert cut_words(cell) == cell


def test_a_uuid_and_sentences_are_left_as_they_are() -> None:
    cell = format_html("<td>{} {}</td>", "10fbfe62-cc65-449f-b926-78c9e1f457b2", "many words " * 30)
    assert cut_words(cell) == cell


def test_the_cells_of_several_columns_are_named() -> None:
    assert under(["a", "<b>", ""], ["One", 'T"wo', "Three"]) == [
        '<td data-label="One">a</td>',
        '<td data-label="T&quot;wo">&lt;b&gt;</td>',
        '<td data-label="Three"></td>',
    ]
    assert under(["a", "b"], ["One", "Two"]) == ["<td>a</td>", "<td>b</td>"]
