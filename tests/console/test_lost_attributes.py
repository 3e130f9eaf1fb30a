"""An end user's page asks before attributes go without which installations get no answer."""

import pytest
from django.test import Client

from exchange.models import EndUser, Installation, Integration
from tests.conftest import Trail
from tests.support.console import World
from tests.support.pages import attributes as typed
from tests.support.pages import url

WHY = "1 installation would get no answer: inst_1 (the customer has no attribute tenant)."


@pytest.fixture
def asking(world: World) -> World:
    """A customer whose attribute is in its answers."""
    shape = {"apiKey": "$credential.apiKey", "tenant": "$end_user.tenant", "site": "$installation.site"}
    Integration.objects.filter(pk=world.integration.pk).update(response_shape=shape)
    EndUser.objects.update(attributes={"tenant": "t-1"})
    Installation.objects.update(attributes={"site": "s-1"})
    return world


def attributes(asking: World) -> dict[str, str]:
    return dict(EndUser.objects.get(pk=asking.end_user.pk).attributes)


def test_the_field_says_what_the_integrations_of_this_customer_ask_for(console: Client, asking: World) -> None:
    page = console.get(url(asking.end_user)).content.decode()
    assert "Facts that answers may hold. Integrations of this customer ask for <code>tenant</code> (int_1)." in page
    Integration.objects.update(response_shape={"apiKey": "$credential.apiKey"})
    assert "No integration of this customer asks for one." in console.get(url(asking.end_user)).content.decode()


def test_it_is_saved_with_a_tick_alone(console: Client, asking: World, trail: Trail) -> None:
    sent = {"name": "Acme", **typed(plan="gold")}
    page = console.post(url(asking.end_user), sent)
    assert page.status_code == 200
    assert WHY in page.content.decode()
    assert (
        "Nothing is saved yet. Add what is missing first, or tick this to save it all the same."
        in page.content.decode()
    )
    assert attributes(asking) == {"tenant": "t-1"}
    tick = page.context["adminform"].form.fields["confirmed"].widget.attrs["value"]
    # Set beside something else, it does not count.
    assert console.post(url(asking.end_user), sent | typed() | {"confirmed": tick}).status_code == 200
    assert console.post(url(asking.end_user), sent | {"confirmed": tick}).status_code == 302
    assert attributes(asking) == {"plan": "gold"}
    detail = trail.one(action="end_user.changed").detail
    assert set(detail["changes"]) == {"name", "attributes"}
    assert detail["accepted_changed_answers"] == {"different": 0, "unanswered": 1, "not_all_looked_at": 0}


def test_another_value_is_saved_at_once(console: Client, asking: World) -> None:
    assert console.post(url(asking.end_user), typed(tenant="t-2")).status_code == 302
    assert attributes(asking) == {"tenant": "t-2"}


def test_an_installations_page_asks_as_well(console: Client, asking: World) -> None:
    page = console.post(url(asking.installation), typed())
    assert "inst_1 (the installation has no attribute site)" in page.content.decode()
    tick = page.context["adminform"].form.fields["confirmed"].widget.attrs["value"]
    assert console.post(url(asking.installation), typed() | {"confirmed": tick}).status_code == 302


@pytest.mark.parametrize("name", ["a b", "external_id"])
def test_an_attribute_that_an_answer_cannot_name_is_refused_where_it_is_new(
    console: Client, asking: World, name: str
) -> None:
    values = {"tenant": "t-1", name: "x"}
    form = console.post(url(asking.end_user), {"name": "", **typed(**values)}).context["adminform"].form
    (sentence,) = form.errors["attributes"]
    assert sentence.startswith(
        {"a b": "“a b” is not a name: begin with", "external_id": "external_id: an answer takes your own id"}[name]
    )
    EndUser.objects.update(attributes=values)
    assert console.post(url(asking.end_user), {"name": "Ada", **typed(**values)}).status_code == 302
    assert EndUser.objects.get(pk=asking.end_user.pk).name == "Ada"


def test_an_installation_has_an_external_id_of_its_own(console: Client, asking: World) -> None:
    values = typed(site="s-1", external_id="x")
    assert console.post(url(asking.installation), values).status_code == 302
    assert Installation.objects.get().attributes == {"site": "s-1", "external_id": "x"}
