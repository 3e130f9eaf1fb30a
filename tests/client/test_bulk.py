"""Imports of many, in parts, and exports."""

import json
import time

import pytest

from credservice_client import Client, NoAnswer, Unavailable, UnexpectedAnswer, bulk, transport
from tests.client.faults import TOKEN, refusal
from tests.support.http_server import Answer, http_server, unused_port

DONE = Answer(200, b'{"rows": 3, "created": 3, "last_line": 3}')


@pytest.fixture
def hurried(monkeypatch):
    """Pauses as short as a test's patience."""
    monkeypatch.setattr(transport, "_pause", lambda error, attempt: 0.02)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(bulk, "PART_ROWS", 3)


def rows(prefix: str, count: int = 7) -> list[dict[str, object]]:
    grant = {"integration_id": "int_abc123", "values": {"apiKey": f"{prefix}-key"}}
    return [{"external_id": f"{prefix}{n}", "end_user_id": f"{prefix}{n}", "grants": [grant]} for n in range(count)]


def test_it_registers_and_grants_in_parts(api, small_parts):
    seen = []
    receipt = api.import_end_users(rows("many"), progress=seen.append)
    assert (receipt.rows, receipt.created, receipt.failed, receipt.last_line) == (7, 7, 0, 7)
    assert [each.last_line for each in seen] == [3, 6, 7]
    assert api.read_end_user_grant("many6", "int_abc123").credential.state == "active"
    assert api.import_end_users(rows("many")).unchanged == 7


def test_a_file_is_read_line_by_line(api, tmp_path):
    file = tmp_path / "customers.ndjson"
    file.write_text("".join(json.dumps(row) + "\n\n" for row in rows("file", 2)))
    with file.open("rb") as lines:
        assert api.import_end_users(lines, dry_run=True).created == 2
    with file.open() as lines:
        receipt = api.import_end_users(lines)
    assert (receipt.created, receipt.last_line, receipt.dry_run) == (2, 4, False)


def test_a_bad_row_is_named_by_its_line_among_all(api, small_parts):
    bad = [*rows("bad", 4), {"external_id": "bad9", "attributes": 7}, *rows("bad-too", 1)]
    receipt = api.import_end_users(bad)
    assert (receipt.created, receipt.failed) == (5, 1)
    assert [each.line for each in receipt.errors] == [5]
    assert receipt.errors[0].problem["type"] == "urn:credservice:problem:invalid_request"


def test_it_stops_where_one_says_so_and_goes_on_from_there(api, small_parts):
    bad = [*rows("stop", 3), {"external_id": "stop9"}, *rows("stopped", 3)]
    receipt = api.import_end_users(bad, on_error="stop")
    assert (receipt.stopped, receipt.last_line) == (True, 3)
    bad[3] = rows("stopped", 1)[0]
    assert api.import_end_users(bad, after_line=receipt.last_line).last_line == 7


def test_nothing_is_nothing(api):
    assert api.import_end_users([]).rows == 0


def test_a_part_that_passes_is_sent_again(faulty, small_parts):
    answers = [refusal(503, "unavailable", **{"Retry-After": "0"}), DONE, DONE]
    receipt, received = faulty(answers, lambda api: api.import_end_users(rows("x", 6)))
    assert (receipt.created, len(received)) == (6, 3)
    assert received[0].body == received[1].body


def test_a_part_that_takes_longer_than_its_time_out_is_waited_for(hurried):
    done_at = time.monotonic() + 1.0

    def answer(request):
        if len(server.received) == 1:
            time.sleep(max(0, done_at - time.monotonic()))  # the work goes on behind the lost answer
        return DONE if time.monotonic() >= done_at else refusal(503, "unavailable", **{"Retry-After": "5"})

    with http_server(answer) as server, Client(server.url, TOKEN, retry_for=0.1) as api:
        assert api.import_end_users(rows("x", 3), timeout=0.6).created == 3
        assert len(server.received) > 6
        assert len({each.body for each in server.received}) == 1


def test_a_part_is_not_waited_for_for_ever(hurried):
    with http_server(lambda _: refusal(503, "unavailable")) as server, Client(server.url, TOKEN, retry_for=0.1) as api:
        with pytest.raises(Unavailable):
            api.import_end_users(rows("x"), timeout=0.5)
        assert len(server.received) > 5


def test_an_import_does_not_wait_for_a_service_that_is_not_there():
    began = time.monotonic()
    with Client(f"http://localhost:{unused_port()}", TOKEN, retry_for=0.5) as api, pytest.raises(NoAnswer):
        api.import_end_users(rows("x"))
    assert time.monotonic() - began < 5


def test_without_time_for_repeats_an_import_is_sent_once(faulty):
    _, received = faulty([refusal(503, "unavailable")], lambda api: api.import_end_users(rows("x")), retry_for=0)
    assert len(received) == 1


def test_a_failure_says_where_to_go_on(faulty, small_parts):
    error, _ = faulty([DONE, refusal(403, "missing_scope")], lambda api: api.import_end_users(rows("x")))
    assert error.__notes__ == ["Continue with after_line=3."]


@pytest.mark.parametrize("text", ["customers.ndjson", b'{"external_id": "a"}', {"external_id": "a"}])
def test_one_text_or_one_row_is_not_taken_for_many(faulty, text):
    with pytest.raises(TypeError, match="open"):
        faulty([], lambda api: api.import_end_users(text))


def test_a_row_of_two_lines_is_refused(faulty):
    with pytest.raises(ValueError, match="one line"):
        faulty([], lambda api: api.import_end_users(['{"external_id":\n"a"}']))


def test_everything_is_exported_page_by_page(api):
    api.import_end_users(rows("exported", 3))
    names = [each["external_id"] for each in api.export("end_users", page_size=2)]
    assert {"exported0", "exported1", "exported2"} <= set(names)
    assert len(names) == len(set(names))


def test_an_export_that_is_cut_off_is_told(faulty):
    cut = Answer(200, b'{"id": "1"}\n', {"Content-Type": "application/x-ndjson"})
    error, _ = faulty([cut], lambda api: list(api.export("end_users")))
    assert isinstance(error, UnexpectedAnswer)
