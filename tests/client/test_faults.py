"""The client when things go wrong: services that hang, refuse, lie or are somebody else."""

import copy
import json
import logging
import pickle
import time
import traceback

import httpx2
import pytest

from credservice_client import (
    Client,
    Forbidden,
    NoAnswer,
    Problem,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
)
from tests.client.faults import END_USER, TOKEN, refusal
from tests.support.http_server import Answer, raw_server, unused_port

VALUE = "value-that-must-never-show"


@pytest.mark.parametrize(
    "passing",
    [
        refusal(503, "unavailable", **{"Retry-After": "0"}),
        refusal(503, "mindcloud_unavailable"),
        refusal(429, "too_many_requests", **{"Retry-After": "1"}),
        refusal(409, "idempotency_key_in_use"),
        Answer(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
        Answer(504, b""),
    ],
)
def test_what_passes_is_asked_again_under_the_same_key(faulty, passing):
    answer, received = faulty([passing, passing])
    assert answer.external_id == "c"
    assert len(received) == 3
    assert len({each.headers["idempotency-key"] for each in received}) == 1


def test_each_call_has_a_key_of_its_own(faulty):
    _, received = faulty([], lambda api: [api.put_end_user("c"), api.put_end_user("c")])
    assert len({each.headers["idempotency-key"] for each in received}) == 2


@pytest.mark.parametrize(("status", "code"), [(400, "invalid_request"), (409, "conflict"), (500, "internal_error")])
def test_what_does_not_pass_is_told_at_once(faulty, status, code):
    error, received = faulty([refusal(status, code)])
    assert isinstance(error, Problem)
    assert (error.status, error.code, error.detail, error.request_id, len(received)) == (status, code, "D", "r1", 1)


def test_mindclouds_refusal_is_no_fault_of_a_proxys(faulty):
    error, received = faulty([refusal(502, "mindcloud_refused")])
    assert isinstance(error, Unavailable)
    assert len(received) == 1


def test_a_code_that_is_new_is_told_by_its_status(faulty):
    error, _ = faulty([refusal(403, "something_new")])
    assert isinstance(error, Forbidden)
    assert error.code == "something_new"


def test_it_waits_as_long_as_it_is_told(faulty):
    began = time.monotonic()
    faulty([refusal(503, "unavailable", **{"Retry-After": "1"})])
    assert time.monotonic() - began >= 1


def test_it_does_not_wait_longer_than_it_may(faulty):
    began = time.monotonic()
    error, received = faulty([refusal(429, "too_many_requests", **{"Retry-After": "60"})], retry_for=5)
    assert isinstance(error, TooManyRequests)
    assert (error.retry_after, len(received)) == (60, 1)
    assert time.monotonic() - began < 4


def test_it_gives_up_in_the_end(faulty):
    error, received = faulty([refusal(503, "unavailable", **{"Retry-After": "0"})] * 20)
    assert isinstance(error, Unavailable)
    assert len(received) == 5


def test_without_time_for_repeats_there_is_one_attempt(faulty):
    _, received = faulty([refusal(503, "unavailable")], retry_for=0)
    assert len(received) == 1


def test_a_service_that_is_not_there_is_no_answer():
    port = unused_port()
    with Client(f"http://localhost:{port}", TOKEN, retry_for=0) as api, pytest.raises(NoAnswer) as caught:
        api.introspect(VALUE)
    assert f"http://localhost:{port}/api/v1/introspect: ConnectError" in str(caught.value)
    assert not caught.value.was_sent


def test_a_service_that_hangs_is_left():
    began = time.monotonic()
    with (
        raw_server(lambda connection: time.sleep(3)) as port,
        Client(f"http://localhost:{port}", TOKEN, timeout=0.2, retry_for=0) as api,
        pytest.raises(NoAnswer),
    ):
        api.introspect(VALUE)
    assert time.monotonic() - began < 2


def test_a_lost_answer_is_asked_for_again():
    requests = []
    with (
        raw_server(lambda connection: requests.append(connection.recv(65536))) as port,
        Client(f"http://localhost:{port}", TOKEN, retry_for=2) as api,
        pytest.raises(NoAnswer, match=r"Remote|Read"),  # reset, where it had not read the body yet
    ):
        api.put_end_user("c")
    assert len(requests) > 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>"),
        Answer(200, b"[]"),
        Answer(200, b'{"id": 7}'),
        Answer(200, json.dumps(END_USER | {"name": None}).encode()),
        Answer(200, json.dumps(END_USER | {"created_at": "yesterday"}).encode()),
        Answer(404, b'{"error": "a proxy\'s"}'),
        Answer(404, b'{"errors": 7}', {"Content-Type": "application/problem+json"}),
        Answer(200, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        Answer(307, b"", {"Location": "http://localhost:1/elsewhere"}),
    ],
)
def test_what_no_service_of_ours_answers_is_told(faulty, answer):
    error, received = faulty([answer])
    assert isinstance(error, UnexpectedAnswer)
    assert (error.status, len(received)) == (answer.status, 1)


def test_a_next_link_leads_to_no_other_place(faulty):
    pages = [
        Answer(200, json.dumps({"items": [], "next": "http://elsewhere.example/api/v1/x?cursor=c2"}).encode()),
        Answer(200, json.dumps({"items": [END_USER], "next": None}).encode()),
    ]
    found, received = faulty(pages, lambda api: list(api.list_end_users(state="active")))
    assert [each.external_id for each in found] == ["c"]
    assert received[1].path == "/api/v1/end-users?state=active&cursor=c2"


def test_a_next_link_that_leads_nowhere_is_told(faulty):
    answer = Answer(200, json.dumps({"items": [], "next": "/api/v1/end-users"}).encode())
    error, _ = faulty([answer], lambda api: list(api.list_end_users()))
    assert isinstance(error, UnexpectedAnswer)


def test_neither_token_nor_value_is_ever_shown(faulty, caplog):
    caplog.set_level(logging.DEBUG)
    answers = [refusal(503, "unavailable", **{"Retry-After": "0"}), refusal(400, "invalid_request")]
    error, _ = faulty(answers, lambda api: api.put_end_user_grant("c", "i", values={"apiKey": VALUE}))
    shown = [str(error), repr(error), caplog.text, repr(error.__cause__), repr(error.__context__)]
    shown += traceback.format_exception(error)
    with Client("http://localhost:1", TOKEN) as api:
        shown += [repr(api), repr(vars(api))]
    assert not [text for text in shown if TOKEN in text or VALUE in text]
    assert "unavailable" in caplog.text


def test_a_repeat_is_logged_once_and_is_no_warning(faulty, caplog):
    caplog.set_level(logging.INFO)
    faulty([refusal(503, "unavailable")])
    (record,) = [each for each in caplog.records if not each.name.startswith("http")]
    assert (record.name, record.levelname) == ("credservice_client", "INFO")


def test_values_are_in_no_repr(faulty):
    revealed, _ = faulty(
        [Answer(200, json.dumps({"values": {"apiKey": VALUE}}).encode())],
        lambda api: api.reveal_credential("c", "a test"),
    )
    assert revealed.values == {"apiKey": VALUE}
    assert VALUE not in repr(revealed)


def test_an_error_can_be_copied_and_sent_to_another_process(faulty):
    error, _ = faulty([refusal(403, "missing_scope")])
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(other), str(other)) == (type(error), str(error))


@pytest.mark.parametrize(
    "url",
    ["", "localhost", "ftp://host", "https://", "https://host?a=b", "http://user:pw@localhost", "https://:pw@host"],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="url: give"):
        Client(url, TOKEN)


def test_an_address_below_the_api_is_refused():
    with pytest.raises(ValueError, match="leave /api/v1 out"):
        Client("https://credentials.example.com/api/v1/", TOKEN)


def test_a_token_goes_over_http_only_where_one_says_so():
    with pytest.raises(ValueError, match="insecure=True"):
        Client("http://credentials.example.com", TOKEN)
    Client("http://credentials.example.com", TOKEN, insecure=True).close()


@pytest.mark.parametrize("token", ["", "two words", "line\n", "schlüssel"])
def test_a_token_that_is_none_is_refused_and_not_shown(token):
    with pytest.raises(ValueError, match="this is none") as caught:
        Client("https://credentials.example.com", token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(("part", "said"), [("", "is empty"), (".", "own id"), ("..", "own id"), ("a/b", "own id")])
def test_an_id_that_would_be_another_path_is_refused(faulty, part, said):
    with pytest.raises(ValueError, match=said):
        faulty([], lambda api: api.read_end_user(part))


@pytest.mark.parametrize("given", [{"idempotency_key": "a\r\nX: y"}, {"idempotency_key": "é"}, {"if_match": '"a"\n'}])
def test_what_no_header_holds_is_refused_and_not_sent(faulty, given):
    with pytest.raises(ValueError, match="give printable ASCII"):
        faulty([], lambda api: api.put_end_user("c", **given))


def test_an_etag_that_is_none_is_refused_and_not_left_out(faulty):
    with pytest.raises(ValueError, match="if_match: this is empty"):
        faulty([], lambda api: api.put_end_user("c", if_match=""))


def test_what_is_missing_in_the_environment_is_named(monkeypatch):
    monkeypatch.delenv("CREDSERVICE_URL", raising=False)
    monkeypatch.setenv("CREDSERVICE_TOKEN", "")
    with pytest.raises(ValueError, match="CREDSERVICE_URL and CREDSERVICE_TOKEN"):
        Client.from_environment()


def test_a_client_of_ones_own_stays_open(monkeypatch):
    monkeypatch.setenv("CREDSERVICE_URL", "https://credentials.example.com")
    monkeypatch.setenv("CREDSERVICE_TOKEN", TOKEN)
    Client.from_environment().close()
    with httpx2.Client() as own:
        with Client("https://credentials.example.com", TOKEN, http=own):
            pass
        assert not own.is_closed
