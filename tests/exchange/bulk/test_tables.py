"""Keeps what somebody writes into a cell in that cell, also where its row cannot be read."""

import io

import pytest

from credservice.core.exceptions import Invalid
from exchange.bulk.csv_reader import read_csv
from exchange.bulk.ndjson_reader import MAX_LINE

INJECTED = "\nvictim,enduser_victim,,int_abc123,the value of somebody else\n"
HEADING = "external_id,end_user_id,name,integration_id,value.apiKey\n"


def table(name: str, encoding: str = "utf-8") -> bytes:
    cell = name.replace('"', '""')
    return f'{HEADING}c-1,e-1,"{cell}",int_abc123,k-1\nc-2,e-2,,int_abc123,k-2\n'.encode(encoding)


def read(content: bytes):
    return [(each.line, each.row.external_id if each.row else None) for each in read_csv(io.BytesIO(content))]


def test_a_cell_that_is_not_utf8_ends_where_its_quotes_say():
    assert read(table(f"Caf\xe9{INJECTED}", "latin-1")) == [(2, None), (5, "c-2")]


@pytest.mark.parametrize("name", [f"x\n{'A' * 70_000}{INJECTED}", "x" + f"\n{'A' * 60_000}" * 3 + INJECTED])
def test_nothing_is_read_after_a_row_that_is_too_long_to_be_told_from_the_next(name):
    (entry,) = read_csv(io.BytesIO(table(name)))
    assert entry.error is not None
    assert (entry.line, "Nothing after it was read" in entry.error.message) == (2, True)


def test_nothing_is_read_after_a_broken_row_that_leaves_a_quote_open():
    assert read(f'{HEADING}c-1,"a"b,"x{INJECTED}",i,k\n'.encode()) == [(2, None)]


@pytest.mark.parametrize(("size", "is_too_long"), [(MAX_LINE // 2 - 100, False), (MAX_LINE // 2, True)])
def test_a_row_of_several_lines_is_as_long_as_one_line_may_be(size, is_too_long):
    entry = next(read_csv(io.BytesIO(table("A" * size + "\n" + "A" * size))))
    assert entry.error is not None  # no name is so long
    assert ("longer than 64 KiB" in entry.error.message) == is_too_long


def test_a_fact_with_a_nul_is_refused():
    (entry,) = read_csv(io.BytesIO(b"external_id,attribute.a\nc-1,x\x00y\n"))
    assert entry.error is not None
    assert "NUL" in entry.error.message


def test_a_heading_with_a_nul_is_refused():
    with pytest.raises(Invalid, match="UTF-16"):
        list(read_csv(io.BytesIO(b"external_id,attribute.a\x00\nc-1,x\n")))


def test_an_overlap_is_not_cut_to_a_shorter_one():
    content = b"external_id,integration_id,overlap_seconds\nc-1,int_abc123,00000000003600\n"
    assert read(content) == [(2, None)]


@pytest.mark.parametrize(
    ("heading", "sentence"),
    [
        ("sep=,\nexternal_id,name", "The first line is sep=,"),
        ("sep=;\nexternal_id;name", "The first line is sep=,"),
        ("external_id,name,,", "Column 3 of the heading is empty"),
        ("external_id,,name", "Column 2 of the heading is empty"),
        (",external_id", "Column 1 of the heading is empty"),
    ],
)
def test_a_heading_that_a_spreadsheet_made_is_named(heading, sentence):
    with pytest.raises(Invalid, match=sentence):
        list(read_csv(io.BytesIO(f"{heading}\nc-1,Ada,,\n".encode())))


def test_ids_with_blanks_and_invisible_characters_are_refused_by_column():
    content = "external_id,end_user_id,name\ncase09-a ,eu-a,Ada\ncase09-b,eu-b\u200b,Bo\ncase09-c,eu-c ,Cy\nd,eu-d,Di\n"
    entries = list(read_csv(io.BytesIO(content.encode())))
    places = [[each.pointer for each in entry.error.errors] if entry.error else [] for entry in entries]
    assert places == [["/external_id"], ["/end_user_id"], ["/end_user_id"], []]
