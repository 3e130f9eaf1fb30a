"""Plots: SVG drawn on the server."""

from xml.etree import ElementTree

import pytest

from credservice.core.svg_charts import Series, bars, ceiling, lines, shown, stacked


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (1.2, 2), (9, 10), (10, 10), (11, 20), (230, 250), (1001, 2000)]
)
def test_the_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert ceiling(value) == top


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0, "0"), (3, "3"), (12.345, "12.3"), (1234567, "1,234,567")])
def test_numbers_are_written_for_people(value: float | None, text: str) -> None:
    assert shown(value) == text


def test_a_bar_is_as_high_as_its_value() -> None:
    svg = drawing(bars([("one", 5), ("two", 10)], title="Calls"))
    heights = [float(rect.attrib["height"]) for rect in svg.iter("rect")]
    assert heights == [80, 160]


def test_parts_of_a_bar_stand_on_each_other() -> None:
    svg = drawing(stacked(["now"], [Series("good", [6]), Series("bad", [4])], "Calls"))
    low, high = svg.iter("rect")
    assert float(high.attrib["y"]) + float(high.attrib["height"]) == float(low.attrib["y"])


def test_a_line_has_a_gap_where_nothing_was_measured() -> None:
    svg = drawing(lines(["a", "b", "c", "d"], [Series("p95", [1, 2, None, 4])], "Latency", "ms"))
    assert len(list(svg.iter("polyline"))) == 2


def test_labels_and_names_are_escaped() -> None:
    html = stacked(["<b>"], [Series("<i>", [1])], "<u>", "<s>")
    assert not any(tag in html for tag in ("<b>", "<i>", "<u>", "<s>"))


def test_a_table_says_the_same() -> None:
    table = ElementTree.fromstring(bars([("one", 5), ("two", 1234)], title="Calls")).find(".//tbody")
    assert table is not None
    assert [cell.text for cell in table.iter("td")] == ["5", "1,234"]


def test_it_has_a_title_and_no_inline_style() -> None:
    html = bars([("one", 5)], title="Calls")
    title = drawing(html).find("title")
    assert title is not None
    assert title.text == "Calls"
    assert "style=" not in html


def test_an_empty_plot_is_drawn_as_one() -> None:
    assert "Nothing yet." in bars([], title="Calls")


def drawing(html: str) -> ElementTree.Element:
    svg = ElementTree.fromstring(html).find("svg")
    assert svg is not None
    return svg
