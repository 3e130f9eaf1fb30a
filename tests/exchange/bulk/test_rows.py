"""Reads rows as NDJSON and as CSV; tells every mistake with its place, and no value in it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credservice.core.exceptions import Invalid
from credservice.vendor_api.problems import InvalidFields
from exchange.bulk.csv_reader import read_csv
from exchange.bulk.ndjson_reader import MAX_LINE, read_ndjson
from exchange.bulk.row_parser import MAX_MISTAKES, Row, parse_row
from tests.exchange.bulk.imports import ndjson, row

# What a cell can say: not empty, and no NUL.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)
# What an id or a name can be; the four are letters that nobody sees.
letters = st.characters(categories=["L", "N", "P"], exclude_characters="\u115f\u1160\u3164\uffa0")
ids = st.text(letters, min_size=1, max_size=20)
grants = st.fixed_dictionaries(
    {"integration_id": ids},
    optional={"installation_id": ids, "values": st.dictionaries(words, words, min_size=1, max_size=2)},
)
rows = st.fixed_dictionaries(
    {"external_id": ids},
    optional={
        "end_user_id": ids,
        "name": ids,
        "state": st.sampled_from(["active", "suspended"]),
        "attributes": st.dictionaries(words, words, min_size=1, max_size=2),
        "grants": st.lists(grants, min_size=1, max_size=1),
    },
)


def as_cells(given_row):
    cells = {name: given_row[name] for name in ("external_id", "end_user_id", "name", "state") if name in given_row}
    cells |= {f"attribute.{name}": text for name, text in given_row.get("attributes", {}).items()}
    for grant in given_row.get("grants", []):
        cells |= {name: grant[name] for name in ("integration_id", "installation_id") if name in grant}
        cells |= {f"value.{name}": text for name, text in grant.get("values", {}).items()}
    return cells


def as_csv(given_rows):
    tables = [as_cells(each) for each in given_rows]
    names = ["external_id", *sorted({name for cells in tables for name in cells} - {"external_id"})]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(tables)
    return out.getvalue().encode()


def read(content: bytes, reader=read_ndjson) -> list[Row | None]:
    return [entry.row for entry in reader(io.BytesIO(content))]


@given(st.lists(rows, min_size=1, max_size=5))
def test_a_table_says_the_same_as_json(given_rows):
    found = read(as_csv(given_rows), read_csv)
    assert found == read(ndjson(*given_rows))
    assert None not in found


@given(st.binary(max_size=200), st.sampled_from([read_ndjson, read_csv]))
def test_any_bytes_are_rows_or_refusals(content, reader):
    prefix = b"external_id\n" if reader is read_csv else b""
    for entry in reader(io.BytesIO(prefix + content)):
        assert (entry.row is None) != (entry.error is None)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"external_id": 7}, "/external_id"),
        ({"external_id": ""}, "/external_id"),
        ({"external_id": "x" * 256}, "/external_id"),
        ({"external_id": "a\nb"}, "/external_id"),
        ({"external_id": "a "}, "/external_id"),
        ({"end_user_id": "e\u200b"}, "/end_user_id"),
        ({"end_user_id": "e "}, "/end_user_id"),
        ({"name": "Ada\u2028Bo"}, "/name"),
        ({"platform": None}, "/platform"),
        ({"state": "gone"}, "/state"),
        ({"attributes": []}, "/attributes"),
        ({"attributes": {"a/b": {}}}, "/attributes/a~1b"),
        ({"unknown": 1}, "/unknown"),
        ({"grants": {}}, "/grants"),
        ({"grants": [7]}, "/grants/0"),
        ({"grants": [{}]}, "/grants/0/integration_id"),
        ({"grants": [{"integration_id": "i", "values": {}}]}, "/grants/0/values"),
        ({"grants": [{"integration_id": "i", "values": {"a": 7}}]}, "/grants/0/values/a"),
        ({"grants": [{"integration_id": "i", "overlap_seconds": -1}]}, "/grants/0/overlap_seconds"),
        ({"grants": [{"integration_id": "i"}, {"integration_id": "i"}]}, "/grants/1"),
    ],
)
def test_each_mistake_has_its_place(fields, pointer):
    (entry,) = read_ndjson(io.BytesIO(ndjson(row(1) | fields)))
    assert entry.error is not None
    assert [each.pointer for each in entry.error.errors] == [pointer]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"[1]", "must be a JSON object"),
        (b"{", "not valid JSON"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b"\xff", "not UTF-8"),
        (b'{"external_id": "' + b"x" * MAX_LINE + b'"}', "longer than 64 KiB"),
    ],
)
def test_what_is_no_row_is_refused_and_the_next_one_read(line, sentence):
    bad, good = read_ndjson(io.BytesIO(ndjson(line, row(2))))
    assert bad.error is not None
    assert sentence in bad.error.message
    assert (good.line, good.row is not None) == (2, True)


def test_empty_lines_count_and_are_nothing_else():
    assert [entry.line for entry in read_ndjson(io.BytesIO(b"\n" + ndjson(row(1)) + b"\n\n" + ndjson(row(2))))] == [
        2,
        5,
    ]


@pytest.mark.parametrize(
    "heading",
    [
        "",
        "name",
        "external_id,external_id",
        "external_id,sk_live_1secret",
        f"external_id,{'secret' * 7}",
        "value.x,secret",
        "customer,my_secret",
        "my_secret;customer",
        "value.",
    ],
)
def test_a_heading_that_is_none_is_refused_without_a_value_in_it(heading):
    with pytest.raises(Invalid) as refusal:
        list(read_csv(io.BytesIO(heading.encode() + b"\nc-1,x\n")))
    assert "secret" not in refusal.value.message


def test_empty_rows_of_a_table_count_and_are_nothing_else():
    content = b'external_id,name\n,\nc-1,x\n,,,,\n"",""\n\nc-2,y\n'
    assert [(each.line, each.error) for each in read_csv(io.BytesIO(content))] == [(3, None), (7, None)]


def test_a_bad_line_of_a_table_is_refused_and_the_next_one_read():
    content = b'external_id,attribute.note\nc-1\nc-2,"a"b\nc-3,\xff\nc-4,"of two\nlines"\nc-5,ok\n'
    found = [(entry.line, entry.row and entry.row.external_id) for entry in read_csv(io.BytesIO(content))]
    assert found == [(2, None), (3, None), (4, None), (5, "c-4"), (7, "c-5")]


def test_of_a_row_with_thousands_of_mistakes_the_first_are_said():
    mistakes = {f"x{number}": 1 for number in range(5_000)}
    (entry,) = read_ndjson(io.BytesIO(ndjson(row(1) | mistakes)))
    assert entry.error is not None
    assert len(entry.error.errors) == MAX_MISTAKES


def test_a_row_is_not_read_beyond_its_most_mistakes():
    class Grants(list[object]):
        read = 0

        def __iter__(self):
            for each in super().__iter__():
                Grants.read += 1
                yield each

    with pytest.raises(InvalidFields) as refusal:
        parse_row(row(1) | {"grants": Grants([{}] * 10_000)})
    assert (len(refusal.value.errors), Grants.read) == (MAX_MISTAKES, MAX_MISTAKES)
