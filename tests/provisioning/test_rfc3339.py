"""Points in time, in the one form that the document names."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.rfc3339 import parse_rfc3339


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-05-01T00:00:00Z", datetime(2018, 5, 1, tzinfo=UTC)),
        ("2018-05-01t00:00:00z", datetime(2018, 5, 1, tzinfo=UTC)),
        ("2018-05-01T00:00:00.000Z", datetime(2018, 5, 1, tzinfo=UTC)),
        ("2018-05-01T00:00:00.123456789Z", datetime(2018, 5, 1, 0, 0, 0, 123456, tzinfo=UTC)),
        ("2018-05-01T02:30:00+02:30", datetime(2018, 5, 1, tzinfo=UTC)),
        ("2018-04-30T20:00:00-04:00", datetime(2018, 5, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_it_reads(text, moment):
    assert parse_rfc3339(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2018-05-01",
        "2018-05-01 00:00:00Z",
        "2018-05-01T00:00:00",
        "2018-05-01T00:00Z",
        "2018-13-01T00:00:00Z",
        "2018-02-30T00:00:00Z",
        "2018-05-01T24:00:00Z",
        "2018-05-01T00:00:61Z",
        "2018-05-01T00:00:00+0200",
        "2018-05-01T00:00:00+24:00",
        "2018-05-01T00:00:00+02:60",
        "0000-05-01T00:00:00Z",
        "٢٠١٨-05-01T00:00:00Z",
        " 2018-05-01T00:00:00Z",
        "2018-05-01T00:00:00Z\n",
        "Sun, 05 Mar 2017 23:53:08 GMT",
        "2018-05-01T00:00:00Z,2018-05-01T00:00:00Z",
    ],
)
def test_it_refuses(text):
    with pytest.raises(ValueError, match=r"."):
        parse_rfc3339(text)


@given(st.datetimes(), st.integers(-1439, 1439))
def test_it_reads_what_was_written(moment, minutes):
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_rfc3339(aware.isoformat()) == aware


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert parse_rfc3339(text).tzinfo is not None
