"""Draws plots as SVG: no script, no inline style, light and dark by the stylesheet's classes.

Text stands beside the drawing and not in it, so that it keeps its size on a phone; a table says the same to whoever
cannot see it. The classes ``console-series-N`` give the colours.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 720, 160  # of the drawing; it stretches to the page
GAP = 0.2  # of a bar's place
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Series:
    """One colour of a plot. ``None`` where nothing was measured; ``colour`` is the N of ``console-series-N``."""

    name: str
    values: Sequence[float | None]
    colour: int | None = None
    link: str = ""  # of its entry in the legend
    links: Sequence[str] = ()  # of its part of each label


def bars(points: Sequence[tuple[str, float]], *, title: str, unit: str = "") -> SafeString:
    """Draw a bar for each (label, value), from left to right; ``unit`` is a word after each number."""
    return stacked([label for label, _ in points], [Series(title, [value for _, value in points])], title, unit)


def stacked(labels: Sequence[str], series: Sequence[Series], title: str, unit: str = "") -> SafeString:
    """Draw a bar for each label, made of a part for each series."""
    sums = [sum(one.values[i] or 0 for one in series) for i in range(len(labels))]
    return _figure(labels, series, title, unit, ceiling(max(sums, default=0)), _stacks)


def lines(labels: Sequence[str], series: Sequence[Series], title: str, unit: str = "") -> SafeString:
    """Draw a line for each series, with a gap where it has no value."""
    top = max((value for one in series for value in one.values if value is not None), default=0)
    return _figure(labels, series, title, unit, ceiling(top), _lines)


def ceiling(value: float) -> float:
    """Return the next round number that is not below ``value``: the top of an axis. At least 1."""
    if value <= 1:
        return 1
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value)


def shown(value: float | None) -> str:
    """Write a number as people read it, ``-`` where there is none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.3g}"


Draw = Callable[[Sequence[str], Sequence[Series], str, float], Iterable[SafeString]]


def _figure(
    labels: Sequence[str], series: Sequence[Series], title: str, unit: str, top: float, draw: Draw
) -> SafeString:
    series = [replace(one, colour=n if one.colour is None else one.colour) for n, one in enumerate(series)]
    return format_html(
        '<figure class="console-plot"><figcaption>{}</figcaption>{}'
        '<div class="console-plot-top"><span>{} {}</span></div>'
        '<svg role="{}" viewBox="0 0 {} {}" width="{}" height="{}" preserveAspectRatio="none">'
        "<title>{}</title><desc>{}</desc>{}{}</svg>"
        '<div class="console-plot-labels">{}</div>{}</figure>',
        title,
        _legend(series),
        shown(top),
        unit,
        "group" if any(one.links for one in series) else "img",  # what is in an image cannot be clicked, for a reader
        *(WIDTH, HEIGHT, WIDTH, HEIGHT),
        title,
        _description(labels, series, unit),
        _grid(),
        format_html_join("", "{}", ((part,) for part in draw(labels, series, unit, top))),
        format_html_join("", "<span>{}</span>", ((label,) for label in _some(labels))),
        _table(labels, series, title, unit),
    )


def _stacks(labels: Sequence[str], series: Sequence[Series], unit: str, top: float) -> Iterable[SafeString]:
    place = WIDTH / max(len(labels), 1)
    for i, label in enumerate(labels):
        base = float(HEIGHT)
        for one in series:
            value = one.values[i] or 0
            if not value:
                continue
            height = value / top * HEIGHT
            base -= height
            bar = format_html(
                '<rect class="console-series-{}" x="{}" y="{}" width="{}" height="{}">'
                "<title>{}: {} {} {}</title></rect>",
                *(one.colour, f"{place * (i + GAP / 2):.1f}", f"{base:.1f}"),
                *(f"{place * (1 - GAP):.1f}", f"{height:.1f}"),
                *(label, one.name, shown(value), unit),
            )
            # For a pointer alone: whoever comes by keyboard has the same links in the table.
            yield format_html('<a href="{}" tabindex="-1">{}</a>', one.links[i], bar) if one.links else bar


def _lines(labels: Sequence[str], series: Sequence[Series], unit: str, top: float) -> Iterable[SafeString]:
    place = WIDTH / max(len(labels), 1)
    for one in series:
        for run in _runs(one.values):
            points = [(place * (i + 0.5), HEIGHT - value / top * HEIGHT) for i, value in run]
            if len(points) == 1:  # a short dash: a point alone has no line
                x, y = points[0]
                points = [(x - place / 3, y), (x + place / 3, y)]
            yield format_html(
                '<polyline class="console-line-{}" vector-effect="non-scaling-stroke" points="{}"/>',
                one.colour,
                " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
            )


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for i, value in zip(count(), values, strict=False):
        if value is not None:
            runs[-1].append((i, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _grid() -> SafeString:
    rows = ((WIDTH, y, y) for y in (1, HEIGHT // 2, HEIGHT - 1))
    return format_html_join(
        "",
        '<line class="console-grid" vector-effect="non-scaling-stroke" x1="0" x2="{}" y1="{}" y2="{}"/>',
        rows,
    )


def _legend(series: Sequence[Series]) -> SafeString | str:
    if len(series) < 2 and not any(one.link for one in series):
        return ""
    entries = format_html_join(
        "",
        '<li><span class="console-swatch console-swatch-{}"></span>{}</li>',
        ((one.colour, _linked(one.link, one.name)) for one in series),
    )
    return format_html('<ul class="console-legend">{}</ul>', entries)


def _linked(link: str, text: str) -> SafeString | str:
    return format_html('<a class="text-link" href="{}">{}</a>', link, text) if link else text


def _description(labels: Sequence[str], series: Sequence[Series], unit: str) -> str:
    """Sum up in a sentence what the table says in full: sums would be wrong of latencies, so the highest of each."""
    if not labels:
        return "Nothing yet."
    tops = (
        f"{one.name} at most {shown(max((v or 0 for v in one.values), default=0))} {unit}".strip() for one in series
    )
    return f"From {labels[0]} to {labels[-1]}: {'; '.join(tops)}."


def _some(labels: Sequence[str]) -> list[str]:
    """First, middle and last: more would not fit on a phone."""
    if len(labels) < 4:
        return list(labels)
    return [labels[0], labels[len(labels) // 2], labels[-1]]


def _table(labels: Sequence[str], series: Sequence[Series], title: str, unit: str) -> SafeString:
    heads = format_html_join("", '<th scope="col">{}</th>', ((one.name,) for one in series))
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (label, format_html_join("", "<td>{}</td>", ((_cell(one, i),) for one in series)))
            for i, label in enumerate(labels)
        ),
    )
    return format_html(
        '<details><summary>As a table</summary><div class="console-scroll" tabindex="0" role="region" aria-label="{}">'
        '<table class="console-table"><caption class="sr-only">{}{}</caption>'
        '<thead><tr><th scope="col">Time</th>{}</tr></thead><tbody>{}</tbody></table></div></details>',
        title,
        title,
        f" ({unit})" if unit else "",
        heads,
        rows,
    )


def _cell(one: Series, i: int) -> SafeString | str:
    return _linked(one.links[i] if one.links and one.values[i] else "", shown(one.values[i]))
