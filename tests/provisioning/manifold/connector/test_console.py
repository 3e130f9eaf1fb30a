"""Shows operators slow work, and what they can do about it."""

import pytest

from provisioning.models import Callback, CredentialRotation, Operation, Resource, ResourceCredential
from tests.provisioning.conftest import new_id
from tests.provisioning.manifold.connector.conftest import work
from tests.support.console import _plain_static_files, _quick_passwords, admin, console  # noqa: F401 - fixtures
from tests.support.http_server import Answer
from tests.support.pages import send, url


@pytest.fixture
def alarming(ask, connector):
    """A credential's callback of which the connector has another outcome."""
    resource_id = new_id()
    ask.put_resource(resource_id)
    work()
    with connector.answering_first(409):
        answer = ask.put_credential(new_id(), resource_id)
    work()
    return Callback.objects.get(partner_id=answer.callback.id)


def test_lists_and_pages_show_no_value(console, alarming):  # noqa: F811
    for address in (url(Callback, "changelist"), url(Operation, "changelist"), url(alarming), url(alarming.operation)):
        page = console.get(address)
        assert (page.status_code, "token-0" in page.content.decode()) == (200, False)
    assert alarming.partner_id in console.get(f"{url(Callback, 'changelist')}?q={alarming.partner_id}").content.decode()
    assert console.get(f"{url(Operation, 'changelist')}?q={alarming.operation.resource.partner_id}").status_code == 200


def test_pages_show_what_belongs_to_them(console, alarming):  # noqa: F811
    operation = alarming.operation
    assert url(operation) in console.get(url(operation.resource)).content.decode()
    assert url(alarming) in console.get(url(operation)).content.decode()
    assert "operation.succeeded" in console.get(url(operation)).content.decode()
    assert "callback.conflict" in console.get(url(alarming)).content.decode()


def test_a_rotation_is_asked_for_and_closed(console, ask, connector, trail):  # noqa: F811
    resource_id = new_id()
    ask.put_resource(resource_id)
    work()
    ask.put_credential(new_id(), resource_id)
    work()
    binding = ResourceCredential.objects.get()
    assert send(console, url(binding, "ask-rotation"), why="seen in a log").status_code == 302
    rotation = CredentialRotation.objects.get()
    assert url(rotation) in console.get(url(binding)).content.decode()
    assert send(console, url(rotation, "close"), why="settled by phone").status_code == 302
    assert trail.one(action="credential_rotation.closed").actor == "user:root"


def test_the_overview_says_that_somebody_has_to_look(console, alarming):  # noqa: F811
    assert "1 callback of which the marketplace has another outcome" in console.get("/admin/").content.decode()


def test_it_is_sent_again(console, alarming, trail):  # noqa: F811
    assert send(console, url(alarming, "resend")).status_code == 302
    work()
    alarming.refresh_from_db()
    assert (alarming.state, trail.one(action="callback.resent").actor) == ("delivered", "user:root")


def test_it_is_closed_with_a_reason(console, alarming, trail):  # noqa: F811
    assert send(console, url(alarming, "close"), why="").status_code == 200
    assert send(console, url(alarming, "close"), why="settled by phone").status_code == 302
    alarming.refresh_from_db()
    assert (alarming.state, alarming.sealed_body) == ("closed", None)
    assert trail.one(action="callback.closed").detail["why"] == "settled by phone"


def test_an_operation_is_given_up_and_the_marketplace_is_told(console, ask, vendor_endpoint, trail):  # noqa: F811
    vendor_endpoint.around = lambda received, answered: Answer(503)
    answer = ask.put_resource(new_id())
    work()
    operation = Operation.objects.get()
    assert send(console, url(operation, "give-up"), why="the vendor is out of business").status_code == 302
    work()
    assert (answer.callback.content["state"], Resource.objects.get().state) == ("error", "failed")
    assert trail.one(action="operation.failed").actor == "user:root"


def test_figures(client, alarming):
    page = client.get("/metrics").content.decode()
    assert 'credservice_callbacks{protocol="manifold",state="conflict"} 1.0' in page
