"""The console's first page: what is going on, in numbers, plots and links."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credservice.audit import Line, record
from credservice.credentials.models import Credential
from tests.support.console import World
from tests.support.overview import overview, refuse, tally
from tests.support.pages import url


def test_numbers_bars_and_words_lead_into_the_trail(console: Client, world: World) -> None:
    tally("granted", 1)
    tally("wrong_signature", 2)
    refuse("wrong_signature", 2)
    record(Line("exchange.credential", "platform:mindcloud", outcome="granted"))
    text = overview(console).content.decode()
    links = [
        html.unescape(link) for link in re.findall(r'<a (?:class="text-link" )?href="([^"]*auditevent[^"]*)"', text)
    ]
    numbers = {len(console.get(link).context["cl"].result_list) for link in links if "at_from" in link}
    assert numbers == {1, 2}


def test_exchanges_are_told_by_platform(console: Client, world: World) -> None:
    tally("granted", 90)
    tally("mindcloud", 90, series="exchange.granted")
    tally("mindcloud", 10, series="exchange.refused", hours_ago=1)
    refuse("wrong_signature", 1)
    refuse("unknown_end_user", 1, "platform:mindcloud")
    (row,) = overview(console).context["platforms"]
    assert (row["name"], row["answered"], row["refused"], row["share"]) == ("mindcloud", "90", "10", "10 %")
    assert len(console.get(row["refused_link"]).context["cl"].result_list) == 2


def test_calls_of_marketplaces_are_told_by_marketplace(console: Client, world: World) -> None:
    tally("manifold", 3, series="marketplace.answered")
    tally("manifold", 1, series="marketplace.refused")
    record(Line("resource.put", "marketplace:manifold", outcome="refused"))
    record(Line("resource.put", "unproven:manifold", outcome="refused", reason="wrong_password"))
    record(Line("credential.issued", "marketplace:manifold"))
    page = overview(console)
    (row,) = page.context["marketplaces"]
    assert (row["name"], row["answered"], row["refused"], row["share"]) == ("manifold", "3", "1", "25 %")
    assert len(console.get(row["refused_link"]).context["cl"].result_list) == 2
    assert len(console.get(row["answered_link"]).context["cl"].result_list) == 2
    assert "Marketplace calls" in page.content.decode()


@pytest.mark.parametrize(
    ("outcome", "sentence"), [("answered", ""), ("refused", "No partner has been answered yet"), ("", "has called yet")]
)
def test_a_call_of_a_marketplace_is_a_partners(console: Client, db: None, outcome: str, sentence: str) -> None:
    if outcome:
        tally("cf", 1, series=f"marketplace.{outcome}")
    text = overview(console).content.decode()
    assert sentence in text
    assert ("Connect your first partner" in text) == bool(sentence)


def test_who_may_not_see_the_trail_gets_no_links_into_it(world: World) -> None:
    tally("granted", 1)
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_platform"))
    client = Client()
    client.force_login(clerk)
    assert "auditevent" not in overview(client).content.decode()


@pytest.mark.parametrize(("granted", "share"), [(0, "100 %"), (27, "10 %"), (97, "3 %"), (2_999_997, "under 0.01 %")])
def test_the_share_of_refusals_is_told_in_plain_digits(console: Client, world: World, granted: int, share: str) -> None:
    tally("granted", granted)
    tally("unknown_end_user", 3)
    assert overview(console).context["totals"][2][:2] == ("Refused, share of all calls", share)


def test_a_newcomers_refused_calls_are_shown(console: Client, db: None) -> None:
    tally("unknown_end_user", 3)
    text = overview(console).content.decode()
    assert "No partner has been answered yet" in text
    assert "unknown end user" in text


def test_exchanges_and_refusals_are_drawn(console: Client, world: World) -> None:
    tally("granted", 1200)
    tally("unknown_end_user", 3, hours_ago=2)
    tally("0.005", 100, series="exchange.seconds")
    page = overview(console)
    totals = [("Granted", "1,200"), ("Refused", "3"), ("Refused, share of all calls", "0.25 %")]
    assert [total[:2] for total in page.context["totals"]] == totals
    text = page.content.decode()
    assert "unknown end user" in text
    assert "4.95 ms" in text


def test_an_unknown_period_is_the_day(console: Client, world: World) -> None:
    tally("granted", 1, hours_ago=30)
    assert overview(console, period="x").context["totals"][0][:2] == ("Granted", "0")
    assert overview(console, period="7d").context["totals"][0][:2] == ("Granted", "1")


def test_credentials_are_counted_by_state_with_their_lists(console: Client, world: World) -> None:
    rows = overview(console).context["states"]["rows"]
    assert [row["count"] for row in rows] == ["2"]
    assert len(console.get(rows[0]["link"]).context["cl"].result_list) == 2


def test_what_ends_next_stands_first(console: Client, world: World) -> None:
    soon, later = world.make_key(), world.make_key()
    Credential.objects.filter(pk=soon.pk).update(expires_at=timezone.now() + timedelta(hours=2))
    Credential.objects.filter(pk=later.pk).update(rotates_at=timezone.now() + timedelta(days=3))
    coming = overview(console).context["coming"]
    assert [(row["link"], row["verb"]) for row in coming] == [(url(soon), "expires"), (url(later), "rotates")]


def test_the_number_of_queries_does_not_grow(console: Client, world: World, worker: None) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            overview(console)
        return len(captured)

    queries()
    few = queries()
    for n in range(20):
        world.make_installation(f"waiting-{n}", "pending")
        Credential.objects.filter(pk=world.make_key().pk).update(expires_at=timezone.now() + timedelta(days=n + 1))
        tally(f"reason-{n}", 1)
    assert queries() == few


def test_nothing_is_shown_of_what_one_may_not_see(world: World) -> None:
    world.make_installation("inst_2", "pending")
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_plan"))
    client = Client()
    client.force_login(clerk)
    with CaptureQueriesContext(connection) as captured:
        page = overview(client)
    assert page.context["needed"] == []
    assert "states" not in page.context
    tables = ("exchange_installation", "credentials_credential")
    assert not [query for query in captured.captured_queries if any(table in query["sql"] for table in tables)]


@pytest.mark.parametrize("pattern", [r"<[^>]+ style=", r"<[^>]+ on[a-z]+="])
def test_our_own_parts_need_no_inline_style_or_script(console: Client, world: World, pattern: str) -> None:
    tally("granted", 5)
    text = overview(console).content.decode()
    own = text[text.index('id="needs-you"') : text.index("</figure>", text.rindex("<figure"))]
    assert not re.search(pattern, own)
