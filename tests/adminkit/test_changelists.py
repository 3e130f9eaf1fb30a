"""Lists scale: a constant number of queries, no counting, no scan, pages by key, searches by index."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credservice.adminkit.model_admin import MAX_OTHERS
from credservice.adminkit.models import BulkRun
from credservice.audit import Line, record
from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential
from credservice.credentials.services import start_issue
from exchange.models import EndUser, Grant, Installation, Platform
from exchange.services.grants import new_secret_set
from provisioning.models import Resource, ResourceCredential
from tests.support.console import World
from tests.support.pages import ask_bulk, url

LARGE = [AuditEvent, Credential, EndUser, Grant, Installation, Resource, ResourceCredential]


@pytest.fixture
def crowd(world: World) -> World:
    """120 more rows in each large table."""
    end_users = [EndUser(platform=world.platform, end_user_id=f"eu_{n:03}x") for n in range(120)]
    EndUser.objects.bulk_create(end_users)
    keys = [world.make_key() for _ in range(120)]
    for n, (end_user, key) in enumerate(zip(end_users, keys, strict=True)):
        Grant.objects.create(integration=world.integration, end_user=end_user, line=key.line)
        world.make_installation(f"inst_{n:03}x", "pending" if n < 3 else "active")
        resource = world.make_resource(f"resource-{n:03}")
        ResourceCredential.objects.create(
            marketplace=world.marketplace, partner_id=f"credential-{n:03}", resource=resource, credential=key
        )
    return world


def _queries(console: Client, address: str) -> list[str]:
    console.get(address)  # warms what is kept in memory
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert console.get(address).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("model", LARGE, ids=lambda model: model.__name__)
def test_the_number_of_queries_does_not_grow(console: Client, world: World, model: Any, request: Any) -> None:
    few = len(_queries(console, url(model, "changelist")))
    request.getfixturevalue("crowd")
    # One more: a list that has a second page asks PostgreSQL for its estimate of the rows.
    assert len(_queries(console, url(model, "changelist"))) <= few + 1


@pytest.mark.parametrize("model", LARGE, ids=lambda model: model.__name__)
def test_nothing_is_counted(console: Client, crowd: World, model: Any) -> None:
    assert not [sql for sql in _queries(console, url(model, "changelist")) if "count(" in sql.lower()]


@pytest.mark.parametrize("model", LARGE, ids=lambda model: model.__name__)
def test_pages_go_through_every_row_once_and_back(console: Client, crowd: World, model: Any) -> None:
    wanted = list(model.objects.order_by(*_order(model)).values_list("pk", flat=True))
    address, seen, pages = url(model, "changelist"), [], 0
    while address:
        changelist = console.get(address).context["cl"]
        seen += [row.pk for row in changelist.result_list]
        following, pages = changelist.paginator.following, pages + 1
        address = url(model, "changelist") + following if following else ""
    assert seen == wanted
    assert pages >= 3
    back = console.get(url(model, "changelist") + changelist.paginator.previous).context["cl"]
    assert [row.pk for row in back.result_list] == wanted[(pages - 2) * 50 : (pages - 1) * 50]


@pytest.mark.parametrize("cursor", ["after~nonsense", "before~", "after~1~2~3", "99", "after~\ufffd~x"])
def test_a_broken_cursor_is_the_first_page(console: Client, world: World, cursor: str) -> None:
    assert console.get(url(EndUser, "changelist"), {"p": cursor}).status_code == 200


@pytest.mark.parametrize(
    ("kind", "term"),
    [
        ("end_user", "eu_1"),
        ("end_user", "acme"),
        ("end_user", "{pk}"),
        ("installation", "inst_1"),
        ("credential", "{subject}"),
        ("credential", "{line}"),
        ("resource", "2686c96868emyj61cgt2ma7vdntg4"),
        ("resource_credential", "27q0x2n0rkhhyd0z0mv4n1y8q1k3e"),
        ("secret", "{hint}"),
        ("live_key", "{public_key}"),
        ("grant", "{line}"),
    ],
)
def test_it_finds_by_id(console: Client, world: World, kind: str, term: str) -> None:
    obj = getattr(world, kind)
    fields = {field.name: getattr(obj, field.name) for field in obj._meta.concrete_fields}
    found = console.get(url(type(obj), "changelist"), {"q": f" {term.format(pk=obj.pk, **fields)} "})
    assert obj.pk in [row.pk for row in found.context["cl"].result_list]


def test_it_finds_a_key_by_its_hint(console: Client, world: World) -> None:
    key = world.make_key()
    found = console.get(url(Credential, "changelist"), {"q": key.hint}).context["cl"].result_list
    assert [row.pk for row in found] == [key.pk]


@pytest.mark.parametrize(
    ("kind", "term"),
    [
        *[
            (kind, term)
            for kind in ("credential", "grant", "installation")
            for term in ("acme", "eu_1", "The Acme Corp")
        ],
        ("resource_credential", "2686c96868emyj61cgt2ma7vdntg4"),
    ],
)
def test_it_finds_what_is_a_customers(console: Client, world: World, kind: str, term: str) -> None:
    EndUser.objects.filter(pk=world.end_user.pk).update(name="The Acme Corporation")
    obj = getattr(world, kind)
    found = console.get(url(type(obj), "changelist"), {"q": term}).context["cl"].result_list
    assert obj.pk in [row.pk for row in found]
    EndUser.objects.update(name="other", external_id="other", end_user_id="other")
    Resource.objects.update(partner_id="other")
    assert not console.get(url(type(obj), "changelist"), {"q": term}).context["cl"].result_list


def test_a_bulk_act_on_all_that_match_takes_a_customers(console: Client, world: World) -> None:
    start_issue(policy=world.key_policy, context={}, subject="", actor="test")
    address = ask_bulk(console, Credential, "revoke", [world.credential], "?q=acme", select_across="1")
    run = console.get(address).context["run"]
    of_the_customer = Credential.objects.filter(subject=world.end_user.subject).values_list("pk", flat=True)
    assert {item.object_id for item in run.items.all()} == {str(pk) for pk in of_the_customer}


def test_credentials_are_found_by_what_hands_them_out(console: Client, world: World) -> None:
    """Also by a narrower grant; old versions as well, unless a state is asked for."""
    other = world.make_integration("int_2", world.key_policy)
    narrow, ended = world.make_key(), world.make_key()
    Grant.objects.create(
        integration=other, end_user=world.end_user, installation=world.make_installation("inst_2"), line=narrow.line
    )
    Credential.objects.filter(pk=ended.pk).update(line=narrow.line, state="revoked")
    empty = Platform.objects.create(name="empty", secrets=new_secret_set("empty"))

    def found(**query: object) -> set[object]:
        address = f"{url(Credential, 'changelist')}?{urlencode(query)}"
        return {row.pk for row in console.get(address).context["cl"].result_list}

    assert found(integration=other.pk) == {narrow.pk, ended.pk}
    assert found(integration=other.pk, state__exact="active") == {narrow.pk}
    assert found(integration=world.integration.pk) == {world.credential.pk}
    assert found(platform=world.platform.pk) == {narrow.pk, ended.pk, world.credential.pk}
    assert found(platform=empty.pk) == found(integration=empty.pk) == found(integration="nonsense") == set()


@pytest.mark.parametrize("kind", ["integration", "platform"])
def test_a_page_leads_to_the_credentials_that_it_hands_out(console: Client, world: World, kind: str) -> None:
    obj = getattr(world, kind)
    ended = world.make_key()
    Credential.objects.filter(pk=ended.pk).update(line=world.credential.line, state="revoked")
    (link,) = re.findall(r'href="([^"]+)"[^>]*>Active ones<', console.get(url(obj)).content.decode())
    listed = console.get(unescape(link))
    assert [row.pk for row in listed.context["cl"].result_list] == [world.credential.pk]
    assert f'<option value="{obj.pk}" selected>{obj}</option>' in listed.content.decode()


def test_a_filter_that_only_a_link_sets_names_what_it_shows(console: Client, world: World) -> None:
    assert "By customer" not in console.get(url(Credential, "changelist")).content.decode()
    for query, name in (({"subject": world.end_user.subject}, "acme"), ({"line": world.credential.line}, "entered")):
        page = console.get(url(Credential, "changelist"), query)
        assert world.credential in page.context["cl"].result_list
        assert re.search(rf"<option value=\"[^\"]+\" selected>\s*{name}", page.content.decode())


@pytest.fixture
def bulk_customers(world: World) -> list[Installation]:
    """One customer more than a search by customer looks for, with an installation each, by the customers' keys."""
    users = [EndUser(platform=world.platform, end_user_id=f"b{n}", name=f"Bulk {n}") for n in range(MAX_OTHERS + 1)]
    return Installation.objects.bulk_create(
        Installation(
            platform=world.platform, integration=world.integration, end_user=user, installation_id=str(user.pk)
        )
        for user in sorted(EndUser.objects.bulk_create(users), key=lambda user: user.pk)
    )


def test_a_search_by_too_many_customers_says_so_and_bulk_acts_refuse_it(
    console: Client, bulk_customers: list[Installation]
) -> None:
    told = "More than 200 end users match."
    assert told in console.get(url(Installation, "changelist"), {"q": "bulk"}).content.decode()
    address = ask_bulk(console, Installation, "suspend", bulk_customers[:1], "?q=bulk", select_across="1")
    page = console.get(address).content.decode()
    assert f"{told} Search for a whole id, or use a filter instead. Nothing was changed." in page
    assert not BulkRun.objects.exists()
    bulk_customers[0].delete()
    EndUser.objects.get(pk=bulk_customers[0].end_user_id).delete()
    assert told not in console.get(url(Installation, "changelist"), {"q": "bulk"}).content.decode()
    ask_bulk(console, Installation, "suspend", bulk_customers[1:2], "?q=bulk", select_across="1")
    assert BulkRun.objects.get().total == MAX_OTHERS


def test_what_is_ticked_is_taken_whatever_was_searched_for(console: Client, bulk_customers: list[Installation]) -> None:
    ask_bulk(console, Installation, "suspend", bulk_customers[-3:], "?q=bulk", select_across="0")
    assert BulkRun.objects.get().total == 3


def test_only_who_may_look_at_customers_searches_by_them(world: World) -> None:
    EndUser.objects.filter(pk=world.end_user.pk).update(name="Acme")
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_credential"))
    client = Client()
    client.force_login(clerk)
    address = url(Credential, "changelist") + "?q=acme"
    assert client.get(address).context["cl"].result_list == []
    clerk.user_permissions.add(Permission.objects.get(codename="view_enduser"))
    assert client.get(address).context["cl"].result_list


def test_it_finds_nothing_by_a_part_of_an_id(console: Client, world: World) -> None:
    page = console.get(url(EndUser, "changelist"), {"q": "eu_"})
    assert page.context["cl"].result_list == []
    assert "Ids are matched whole" in page.content.decode()


def test_the_trail_is_found_by_object_subject_and_request(console: Client, world: World) -> None:
    record(Line(action="test.done", actor="test", object_id="object-1", subject="resource:abc"))
    line = AuditEvent.objects.first()
    assert line is not None
    for term in ("object-1", "resource:abc", str(line.pk)):
        found = console.get(url(AuditEvent, "changelist"), {"q": term}).context["cl"].result_list
        assert [row.pk for row in found] == [line.pk], term


def test_the_trail_is_filtered_by_what_occurs(console: Client, world: World) -> None:
    record(Line(action="test.done", actor="test"))
    page = console.get(url(AuditEvent, "changelist"), {"action": "test.done"})
    assert {row.action for row in page.context["cl"].result_list} == {"test.done"}
    assert "signing_secret.created" in page.content.decode()


def test_filters_and_pages_go_together(console: Client, crowd: World) -> None:
    page = console.get(url(Installation, "changelist"), {"state__exact": "active"}).context["cl"]
    assert "state__exact=active" in page.paginator.following
    following = console.get(url(Installation, "changelist") + page.paginator.following).context["cl"]
    assert {row.state for row in following.result_list} == {"active"}


@pytest.mark.parametrize(
    "query",
    [
        {"sealed_values__isnull": "0"},
        {"lookup__gt": "a"},
        {"policy__name__startswith": "a"},
        {"hint__icontains": "a"},
        {"q": "a\x00b"},
        {"line": "nonsense"},
        {"state__exact": "nonsense"},
        {"policy__id__exact": "nonsense"},
        {"e": "1"},
        {"all": ""},
        {"o": "1.-2"},
        {"_to_field": "lookup"},
        {"q": "9" * 400},
    ],
)
def test_odd_queries_are_answered_with_a_page(console: Client, world: World, query: dict[str, str]) -> None:
    response = console.get(url(Credential, "changelist"), query, follow=True)
    assert response.status_code in (200, 400)
    assert "<html" in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"at_from_0": "soon", "at_from_1": "x"},
        {"at_to_0": "9999-12-31"},
        {"action": "nonsense"},
        {"outcome__exact": "nonsense"},
        {"q": "9" * 30},
        {"p": "after~" + "9" * 30},
        {"_facets": "True"},
    ],
)
def test_odd_questions_to_the_trail_are_answered(console: Client, world: World, query: dict[str, str]) -> None:
    assert console.get(url(AuditEvent, "changelist"), query).status_code == 200


def test_no_filter_counts_its_choices(console: Client, world: World) -> None:
    page = console.get(url(Installation, "changelist"), {"_facets": "True"}).content.decode()
    assert "Show counts" not in page
    address = url(Installation, "changelist") + "?_facets=True"
    assert not [sql for sql in _queries(console, address) if "count(" in sql.lower()]


def test_a_column_that_is_no_filter_is_not_a_question(console: Client, world: World) -> None:
    for lookup in ("sealed_values__isnull", "lookup__gt", "hint__startswith", "policy__options__contains"):
        assert console.get(url(Credential, "changelist"), {lookup: "1"}).status_code == 400


def test_choices_in_forms_are_searched_by_whole_ids(console: Client, crowd: World) -> None:
    where = {"app_label": "exchange", "model_name": "grant", "field_name": "end_user"}
    found = console.get("/admin/autocomplete/", where | {"term": "eu_007x"}).json()
    assert [entry["text"] for entry in found["results"]] == ["eu_007x · mindcloud"]


def _choices(console: Client, field: str, **query: Any) -> list[str]:
    where = {"app_label": "exchange", "model_name": "grant", "field_name": field}
    return [entry["text"] for entry in console.get("/admin/autocomplete/", where | query).json()["results"]]


def _namesakes(world: World) -> None:
    """Acme on two platforms."""
    other = Platform.objects.create(name="other", secrets=new_secret_set("other"))
    for platform, end_user_id in ((world.platform, "eu_7"), (other, "eu_8")):
        EndUser.objects.create(platform=platform, end_user_id=end_user_id, name="Acme Bears")


def test_end_users_of_one_name_are_told_apart(console: Client, world: World) -> None:
    _namesakes(world)
    found = _choices(console, "end_user", term="acme b")
    assert sorted(found) == ["Acme Bears · eu_7 · mindcloud", "Acme Bears · eu_8 · other"]
    assert _choices(console, "end_user", term="bears") == []


def test_choices_are_narrowed_by_what_the_form_has(console: Client, world: World) -> None:
    _namesakes(world)
    chosen = {"chosen_integration": str(world.integration.pk)}
    assert _choices(console, "end_user", term="Acme B", **chosen) == ["Acme Bears · eu_7 · mindcloud"]
    other = {"chosen_end_user": str(EndUser.objects.get(end_user_id="eu_7").pk)}
    assert _choices(console, "installation", term="", **other) == []
    assert _choices(console, "installation", term="", chosen_end_user=str(world.end_user.pk)) == ["inst_1"]
    assert _choices(console, "installation", term="", chosen_end_user="nonsense") == ["inst_1"]


def test_names_are_searched_by_an_index(world: World) -> None:
    EndUser.objects.bulk_create(
        EndUser(platform=world.platform, end_user_id=f"n_{n}", name=f"Customer {n}") for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE exchange_enduser")
    assert "exchange_enduser_name" in EndUser.objects.filter(name__istartswith="customer 299").explain()


def _order(model: Any) -> list[str]:
    return ["-pk"] if model is AuditEvent else ["-created_at", "-pk"]
