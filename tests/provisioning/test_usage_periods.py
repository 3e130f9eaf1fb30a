"""Periods are half-open, to the microsecond, and months are UTC's."""

import itertools
from datetime import UTC, datetime

import pytest

from provisioning.manifold.measures import period_end
from tests.provisioning.usage import measured, report

MAY, JUNE, JULY = "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"


@pytest.fixture
def use(vendor, honey, resource_id):
    """Report 1, 10, 100, ... at these times, so that a sum tells which of them count."""

    def use(*times):
        reports = [report(f"k{n}", resource=resource_id, quantity=10**n, at=at) for n, at in enumerate(times)]
        assert vendor.batch(*reports).status_code == 200

    return use


@pytest.fixture
def honey_of(door, resource_id):
    return lambda start, end: measured(door, resource_id, start, end)["honey"]


def test_the_start_counts_and_the_end_does_not(use, honey_of):
    use("2026-04-30T23:59:59.999999Z", MAY, "2026-05-31T23:59:59.999999Z", JUNE)
    assert honey_of(MAY, JUNE) == 110
    assert honey_of(JUNE, JULY) == 1000


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("10:00:00", "11:00:00", 111),
        ("10:00:00.000001", "11:00:00", 110),
        ("10:00:00", "10:59:59.999999", 11),
        ("10:00:00", "11:00:00.000001", 1111),
        ("10:59:59.999999", "11:00:00.000001", 1100),
        ("10:15:00", "10:15:00.000001", 0),
        ("10:30:00", "10:30:00.000001", 10),
        ("10:30:00.000001", "12:30:00", 11100),
        ("09:00:00", "13:00:00", 11111),
        ("11:30:00", "12:00:00", 0),
    ],
)
def test_a_period_of_any_length_is_summed_exactly(use, honey_of, start, end, expected):
    use(*(f"2026-05-10T{time}Z" for time in ("10:00:00", "10:30:00", "10:59:59.999999", "11:00:00", "12:00:00")))
    assert honey_of(f"2026-05-10T{start}Z", f"2026-05-10T{end}Z") == expected


@pytest.mark.parametrize(
    ("month", "last_day", "following"),
    [
        ("2025-02", 28, "2025-03"),
        ("2024-02", 29, "2024-03"),
        ("2000-02", 29, "2000-03"),
        ("2026-04", 30, "2026-05"),
        ("2026-07", 31, "2026-08"),
        ("2025-12", 31, "2026-01"),
    ],
)
@pytest.mark.parametrize("asked", ["{following}-01T00:00:00Z", "{month}-{last_day}T23:59:59.000Z"])
def test_a_month_is_whole_however_its_end_is_written(use, honey_of, month, last_day, following, asked):
    last = f"{month}-{last_day}T23:59:59"
    use(f"{month}-01T00:00:00Z", f"{last}Z", f"{last}.999999Z", f"{following}-01T00:00:00Z")
    assert honey_of(f"{month}-01T00:00:00Z", asked.format(**locals())) == 111


def test_the_last_second_of_a_day_within_a_month_is_an_end_like_any_other(use, honey_of):
    use("2026-05-30T23:59:58.999999Z", "2026-05-30T23:59:59Z")
    assert honey_of(MAY, "2026-05-30T23:59:59Z") == 1


@pytest.mark.parametrize(
    ("end", "meant"),
    [
        ("2026-05-31T23:59:58.999999+00:00", None),
        ("2026-05-31T23:59:59+00:00", "2026-06-01T00:00:00+00:00"),
        ("2026-05-31T23:59:59.999999+00:00", "2026-06-01T00:00:00+00:00"),
        ("2026-06-01T00:00:00+00:00", None),
        ("2026-06-01T00:00:00.000001+00:00", None),
        ("2026-06-01T01:59:59+02:00", "2026-06-01T00:00:00+00:00"),
        ("2026-05-31T23:59:59+02:00", None),
        ("0001-01-01T00:00:00+14:00", "1900-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_an_end_in_the_last_second_of_a_utc_month_is_the_start_of_the_next(end, meant):
    assert period_end(datetime.fromisoformat(end)) == datetime.fromisoformat(meant or end)


def test_times_with_an_offset_are_the_moments_that_they_name(use, honey_of):
    use("2026-06-01T01:59:59+02:00", "2026-06-01T02:00:00+02:00", "2026-05-31T18:29:59-05:30")
    assert honey_of(MAY, JUNE) == 101
    assert honey_of("2026-05-01T02:00:00+02:00", "2026-06-01T02:00:00+02:00") == 101


def test_offsets_of_half_an_hour_cut_hours_rightly(use, honey_of):
    use("2026-04-30T18:29:59.999999Z", "2026-04-30T18:30:00Z", "2026-04-30T19:00:00Z", "2026-05-31T18:29:59Z")
    use_of_may = honey_of("2026-05-01T00:00:00+05:30", "2026-06-01T00:00:00+05:30")
    assert use_of_may == 1110


def test_consecutive_periods_count_everything_once(use, honey_of):
    use(MAY, "2026-05-10T10:20:30.5Z", "2026-05-10T10:20:30.500001Z", "2026-05-31T23:59:59.5Z", JUNE)
    cuts = [MAY, "2026-05-10T10:20:30.500001Z", "2026-05-10T10:40:00Z", JUNE, JULY]
    assert sum(honey_of(*pair) for pair in itertools.pairwise(cuts)) == 11111 == honey_of(MAY, JULY)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
        ("1969-12-31T23:59:59Z", "2100-01-01T00:00:00Z"),
    ],
)
def test_the_longest_periods_are_summed_as_well(use, honey_of, start, end):
    use(MAY, JUNE)
    assert honey_of(start, end) == 11


def test_a_period_before_all_reports_is_zero(use, honey_of):
    use(MAY)
    assert honey_of("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:01+14:00") == 0


def test_the_ends_are_echoed_as_they_were_sent(use, door, resource_id):
    use("2026-05-31T23:59:59Z")
    query = f"period_start={MAY}&period_end=2026-05-31T23:59:59.000Z"
    body = door.get(f"/v1/resources/{resource_id}/measures?{query}").json()
    assert (body["period_end"], body["measures"]) == ("2026-05-31T23:59:59.000Z", {"honey": 1})


def test_a_nanosecond_is_cut_not_rounded(use, honey_of):
    use("2026-05-31T23:59:59.999999999Z")
    assert (honey_of(MAY, JUNE), honey_of(JUNE, JULY)) == (1, 0)


def test_a_leap_second_is_of_the_month_that_it_ends(use, honey_of):
    use("2016-12-31T23:59:60Z")
    assert honey_of("2016-12-01T00:00:00Z", "2017-01-01T00:00:00Z") == 1


def test_this_month_may_be_reported_to_its_end(use, honey_of):
    now = datetime.now(UTC)
    use(f"{now:%Y-%m}-28T23:59:59Z")
    assert honey_of(f"{now:%Y-%m}-01T00:00:00Z", f"{now:%Y-%m}-28T23:59:59.5Z") == 1
