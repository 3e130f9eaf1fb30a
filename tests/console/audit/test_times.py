"""Narrows the trail to a time: what is asked in which form, and what is said of what cannot be read."""

from html import unescape

import pytest

from credservice.audit import Line, record
from tests.console.audit.conftest import LIST, found
from tests.console.audit.test_filters import field, text_of

DAY, TIME = "Write it as 2026-11-21 (UTC).", "Write it as 13:05 (UTC)."


@pytest.mark.parametrize(
    ("query", "name", "told"),
    [
        ({"at_from_0": "yesterday"}, "at_from_0", f'"yesterday" is no day. {DAY}'),
        ({"at_from_0": "01.12.2026"}, "at_from_0", f'"01.12.2026" is no day. {DAY}'),
        ({"at_to_0": "2026-13-45"}, "at_to_0", f'"2026-13-45" is no day. {DAY}'),
        ({"at_to_0": "9999-12-31"}, "at_to_0", f'"9999-12-31" is no day. {DAY}'),
        ({"at_from_0": "<i>"}, "at_from_0", f'"<i>" is no day. {DAY}'),
        ({"at_from_0": "2026-12-01", "at_from_1": "noon"}, "at_from_1", f'"noon" is no time. {TIME}'),
        ({"at_to_0": "2026-12-01", "at_to_1": "25:00"}, "at_to_1", f'"25:00" is no time. {TIME}'),
        ({"at_from_1": "12:00"}, "at_from_0", "Say the day as well, such as 2026-11-21 (UTC)."),
        (
            {"at_from_0": "2026-12-02", "at_to_0": "2026-12-01"},
            "at_to_0",
            "The end of the time is before its beginning.",
        ),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field_and_in_place_of_the_list(console, query, name, told):
    record(Line("test.act", "user:ann"))
    page = console.get(LIST, query)
    assert not page.context["cl"].result_list
    assert unescape(page.content.decode()).count(told) == 2
    assert "Nothing fits" not in text_of(console, **query)
    boxes = {each: field(console, each, **query) for each in query}
    assert {each: box.value() for each, box in boxes.items()} == query
    assert list(field(console, name, **query).errors) == [told]
    if name in query:  # a browser would show nothing of it in an input for days
        assert boxes[name].field.widget.input_type == "text"


def test_an_export_with_such_a_time_is_refused_with_the_same_sentence(console, trail):
    address = f"{LIST}export/?at_from_0=yesterday"
    for answer in (console.get(address), console.post(address, {"format": "csv"})):
        assert answer.status_code == 400
        assert f'"yesterday" is no day. {DAY}' in unescape(answer.content.decode())
    assert trail.all(action="audit.exported") == []


def test_the_browsers_own_inputs_ask_in_utc(console):
    page = console.get(LIST).content.decode()
    assert page.count('type="date"') == page.count('type="time"') == 2
    assert page.count("As 2026-11-21, in UTC") == page.count("As 13:05, in UTC") == 2
    for name, label in (("at_from_0", "From: day (UTC)"), ("at_to_1", "To: time (UTC)")):
        assert field(console, name).label == label


def test_the_end_is_included_to_the_minute(console):
    record(Line("test.act", "user:ann"))
    whole = {"at_from_0": "2020-01-01", "at_from_1": "00:00:00", "at_to_0": "2199-12-31", "at_to_1": "23:59"}
    assert "test.act" in found(console, **whole)
    assert found(console, **whole | {"at_to_0": "2020-01-01", "at_to_1": "00:00"}) == []
