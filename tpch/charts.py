"""Charts as SVG text, drawn with plain arithmetic; colours come from classes, which whoever shows them defines."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from statistics import median

_WIDTH, _HEIGHT = 1032, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 18, 28
_RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)

_WIDE_SPREAD = 15
"""From a largest value of so many times the median on, short bars are told apart on a logarithmic scale only."""

_HEADING = 30
"""The height of a heading."""

_ROW, _NAMES, _VALUES = 34, 150, 190
"""Of charts with horizontal bars: the height of a bar with its gap, and the widths left and right of the bars."""

Scale = Callable[[float], float]
"""From a value to its height on the page."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its value, the class that colours it, and what a pointer over it reads."""

    value: float
    css: str
    tip: str


@dataclass(frozen=True, slots=True)
class Group:
    """The bars of one query, side by side."""

    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One horizontal bar with its name before and its value, in words, behind it."""

    name: str
    value: float
    css: str
    text: str


def seconds_chart(groups: tuple[Group, ...]) -> str:
    """Vertical bars: from zero on a linear scale, or on a logarithmic one when a few are much longer than the rest."""
    values = [bar.value for group in groups for bar in group.bars if bar.value > 0]
    top = max(values, default=1.0)
    place, floor, axis = (_logarithmic if values and top > _WIDE_SPREAD * median(values) else _linear)(values or [1.0])
    parts = [*axis, *_bars(groups, place, floor), _line(place(floor), "base"), *_labels(groups)]
    return _svg("Seconds of each query", parts)


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a chart that stands alone: a title, what is beside it, and the styles that go inside."""

    title: str
    beside: str
    styles: str


def ratio_chart(groups: tuple[Group, ...], mean: float, heading: Heading | None = None) -> str:
    """Bars up or down from 1 on a logarithmic scale, and a line at the geometric mean, named here or in the heading."""
    values = [bar.value for group in groups for bar in group.bars] + [mean]
    low, high = min(0.7, *values) / 1.08, max(1.5, *values) * 1.08

    def place(value: float) -> float:
        return _TOP + math.log(high / value) / math.log(high / low) * (_HEIGHT - _TOP - _BOTTOM)

    ticks = [(place(value), f"{value:g}x") for value in _RATIO_TICKS if low <= value <= high]
    line = place(mean)
    parts = [
        *_axis(ticks),
        *_bars(groups, place, 1.0),
        _line(place(1.0), "base"),
        _line(line, "mean"),
        *([] if heading else [_mean_label(line, mean)]),
        *_labels(groups),
    ]
    return _svg("Seconds of Shoal over those of the rival, for each query", parts, heading)


def row_chart(title: str, rows: tuple[Row, ...], mark: float | None = None) -> str:
    """Horizontal bars from zero, and a line at ``mark``."""
    top = max((row.value for row in rows), default=1.0) or 1.0
    height = _ROW * len(rows) + 8

    def place(value: float) -> float:
        return _NAMES + value / top * (_WIDTH - _NAMES - _VALUES)

    # Below the bars and their values, which are to be read.
    shown = mark is not None and mark <= top
    line = f'<line class="base" x1="{place(mark or 0):.1f}" x2="{place(mark or 0):.1f}" y1="0" y2="{height}"/>'
    parts = [_row(row, 4 + _ROW * index, place) for index, row in enumerate(rows)]
    return _svg(title, [line, *parts] if shown else parts, height=height)


def _row(row: Row, y: int, place: Scale) -> str:
    middle = y + (_ROW - 8) / 2 + 4
    return (
        f'<text x="{_NAMES - 10}" y="{middle}" text-anchor="end">{escape(row.name)}</text>'
        f'<rect class="{row.css}" x="{_NAMES}" y="{y}" width="{max(place(row.value) - _NAMES, 1.0):.1f}" '
        f'height="{_ROW - 8}" rx="3"/>'
        f'<text class="strong" x="{place(row.value) + 8:.1f}" y="{middle}">{escape(row.text)}</text>'
    )


def _linear(values: list[float]) -> tuple[Scale, float, list[str]]:
    """The scale, the value at the foot of the bars, and the axis."""
    top = max(values)
    step = _nice_step(top / 5)
    limit = step * math.ceil(top / step)

    def place(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / limit * (_HEIGHT - _TOP - _BOTTOM)

    ticks = [(place(step * i), f"{step * i:g}") for i in range(round(limit / step) + 1)]
    return place, 0.0, _axis(ticks)


def _logarithmic(values: list[float]) -> tuple[Scale, float, list[str]]:
    """The scale, the value at the foot of the bars, and the axis."""
    # The shortest bar is to be seen as well.
    low, high = math.floor(math.log10(min(values)) - 0.1), math.ceil(math.log10(max(values)) + 1e-9)

    def place(value: float) -> float:
        share = (math.log10(max(value, 10.0**low)) - low) / (high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    ticks = [(place(10.0**power), f"{10.0**power:g}") for power in range(low, high + 1)]
    return place, 10.0**low, _axis(ticks)


def _mean_label(y: float, mean: float) -> str:
    text = f"geometric mean {mean:.2f}x"
    return f'<text class="strong" x="{_WIDTH - _RIGHT}" y="{y - 6:.1f}" text-anchor="end">{text}</text>'


def _svg(title: str, parts: Iterable[str], heading: Heading | None = None, height: int = _HEIGHT) -> str:
    body = "\n".join(parts)
    top = 0
    if heading is not None:
        top = _HEADING
        body = (
            f"<title>{escape(heading.title)}</title>\n<desc>{escape(f'{title}; {heading.beside}')}</desc>\n"
            f"<style>{heading.styles}</style>\n"
            f'<text class="title" x="{_LEFT}" y="-10">{escape(heading.title)}</text>\n'
            f'<text class="strong" x="{_WIDTH - _RIGHT}" y="-10" text-anchor="end">{escape(heading.beside)}</text>\n'
            f"{body}"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {-top} {_WIDTH} {height + top}" role="img" '
        f'aria-label="{escape(title)}">\n{body}\n</svg>'
    )


def _axis(ticks: Iterable[tuple[float, str]]) -> list[str]:
    parts = []
    for y, text in ticks:
        parts.append(_line(y, "grid"))
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    return parts


def _line(y: float, css: str) -> str:
    return f'<line class="{css}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _bars(groups: tuple[Group, ...], place: Scale, base: float) -> list[str]:
    parts = []
    pitch = _pitch(groups)
    for index, group in enumerate(groups):
        width = min(30.0, pitch * 0.78 / max(len(group.bars), 1))
        gap = 2.0 if width > 8 else 1.0
        left = _LEFT + pitch * (index + 0.5) - width * len(group.bars) / 2
        for offset, bar in enumerate(group.bars):
            upper, lower = sorted((place(bar.value), place(base)))
            parts.append(
                f'<rect class="{bar.css}" x="{left + width * offset + gap / 2:.1f}" y="{upper:.1f}" '
                f'width="{width - gap:.1f}" height="{max(lower - upper, 1.0):.1f}" rx="{min(2.0, width / 4):.1f}">'
                f"<title>{escape(bar.tip)}</title></rect>"
            )
    return parts


def _labels(groups: tuple[Group, ...]) -> list[str]:
    pitch = _pitch(groups)
    return [
        f'<text x="{_LEFT + pitch * (index + 0.5):.1f}" y="{_HEIGHT - 8}" text-anchor="middle">'
        f"{escape(group.label)}</text>"
        for index, group in enumerate(groups)
    ]


def _pitch(groups: tuple[Group, ...]) -> float:
    return (_WIDTH - _LEFT - _RIGHT) / max(len(groups), 1)


def _nice_step(raw: float) -> float:
    """The next of 1, 2, 2.5 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
