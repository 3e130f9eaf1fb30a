"""PUT /callbacks/:id of the connector that the checker runs, over real HTTP."""

from threading import Timer

import httpx2
import pytest

from provisioning.checker.connector import Connector
from provisioning.checker.connector.callbacks import form_problem
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Request
from tests.provisioning.checker.test_connector import BASIC, CLIENT, OWN, users

DONE = b'{"state": "done", "message": "It is done."}'
OTHER = b'{"state": "error", "message": "It is not."}'


@pytest.fixture
def connector():
    with Connector(0, CLIENT) as running:
        yield running


@pytest.fixture
def http(connector):
    with httpx2.Client(base_url=connector.url, trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture
def callback(connector):
    """Of a resource's provisioning that was answered with 202."""
    callback_id = new_id()
    url = f"{connector.url}/callbacks/{callback_id}"
    headers = (("X-Callback-ID", callback_id), ("X-Callback-URL", url))
    expected = connector.expect(Request("PUT", "/v1/resources/x", headers))
    expected.promised.set()
    return expected


def own(http):
    token = http.post("/oauth/tokens", data=OWN, auth=BASIC).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def put(http, callback, body=DONE, headers=None):
    return http.put(f"/callbacks/{callback.id}", content=body, headers=headers or own(http)).status_code


def test_a_repeat_that_is_equal_to_the_byte_is_204_again(http, callback):
    assert [put(http, callback) for _ in range(2)] == [204, 204]
    assert (callback.accepted, callback.problem) == (True, None)


@pytest.mark.parametrize("body", [OTHER, DONE + b"\n"], ids=["another outcome", "another byte"])
def test_another_body_is_a_conflict(http, callback, body):
    assert [put(http, callback), put(http, callback, body)] == [204, 409]
    assert callback.problem == "a repeated callback has another body; repeats must be equal to the byte"


def test_a_callback_without_the_providers_own_token_is_unauthorised(http, connector, callback):
    json_type = {"Content-Type": "application/json"}
    statuses = [put(http, callback, headers=json_type)]
    statuses.append(put(http, callback, headers={**json_type, "Authorization": "Bearer nonsense"}))
    statuses.append(put(http, callback, headers={**json_type, **users(http, connector, new_id())}))
    assert (statuses, callback.accepted) == ([401, 401, 401], False)
    assert callback.refusals[-1] == "a token that was not granted by client_credentials"


def test_an_unknown_callback_is_not_found(http):
    assert http.put(f"/callbacks/{new_id()}", content=DONE, headers=own(http)).status_code == 404


def test_a_callback_that_overtakes_its_202_is_let_by(http, callback):
    callback.promised.clear()
    Timer(0.1, callback.promised.set).start()
    assert put(http, callback) == 204


def test_a_fault_is_shown_once_and_its_repeat_is_compared(http, connector):
    callback_id = new_id()
    headers = (("X-Callback-ID", callback_id), ("X-Callback-URL", f"{connector.url}/callbacks/{callback_id}"))
    with connector.answering_first(500):
        callback = connector.expect(Request("DELETE", "/v1/resources/x", headers))
    callback.promised.set()
    assert [put(http, callback), put(http, callback, OTHER), put(http, callback)] == [500, 409, 204]


def test_a_token_that_is_refused_on_purpose_stays_refused(http, connector, callback):
    callback.faults.append(401)
    mine = own(http)
    assert [put(http, callback, headers=mine) for _ in range(2)] == [401, 401]
    assert put(http, callback) == 204


def test_a_foreign_callback_url_is_not_awaited(connector):
    headers = (("X-Callback-ID", new_id()), ("X-Callback-URL", "http://callbacks.example/v1/callbacks/x"))
    assert connector.expect(Request("PUT", "/v1/resources/x", headers)) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"state": "done", "message": "It is done."}', "has no `credentials`"),
        (b'{"state": "done", "message": "It is done.", "credentials": {}}', "at least one named value"),
        (
            b'{"state": "done", "message": "It is done.", "credentials": {"A": 7}}',
            "value of A is no text",
        ),
        (b'{"state": "done", "message": "It is done.", "credentials": {"a-b": "s3cret"}}', "credential name 'a-b'"),
        (b'["done"]', "JSON, but not an object"),
        (b'{"state": "done"}', "`message` must be a text"),
    ],
)
def test_what_is_wrong_with_a_callback_is_said_without_its_values(body, reason):
    problem = form_problem("application/json", body, with_credentials=True)
    assert problem is not None
    assert reason in problem
    assert "s3cret" not in problem
