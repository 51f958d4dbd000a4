"""Two charts as SVG text, drawn with plain arithmetic; colours come from the classes of ``report.css``."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 1032, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 8, 18, 28
_RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)

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


def seconds_chart(groups: tuple[Group, ...]) -> str:
    """Vertical bars from zero on a linear scale of seconds."""
    top = max((bar.value for group in groups for bar in group.bars), default=1.0) or 1.0
    step = _nice_step(top / 5)
    limit = step * math.ceil(top / step)

    def place(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / limit * (_HEIGHT - _TOP - _BOTTOM)

    ticks = [(step * i, f"{step * i:g}") for i in range(round(limit / step) + 1)]
    axis = _axis((place(value), text) for value, text in ticks)
    parts = [*axis, *_bars(groups, place, 0.0), _line(place(0.0), "base"), *_labels(groups)]
    return _svg("Seconds of each query", parts)


def ratio_chart(groups: tuple[Group, ...], mean: float) -> str:
    """Bars up or down from 1 on a logarithmic scale, and a line at the geometric mean."""
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
        _mean_label(line, mean),
        *_labels(groups),
    ]
    return _svg("Seconds of Shoal over those of the rival, for each query", parts)


def _mean_label(y: float, mean: float) -> str:
    text = f"geometric mean {mean:.2f}x"
    return f'<text class="strong" x="{_WIDTH - _RIGHT}" y="{y - 6:.1f}" text-anchor="end">{text}</text>'


def _svg(title: str, parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<div class="scroll"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">\n'
        f"{body}\n</svg></div>"
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
        width = min(30.0, pitch * 0.72 / max(len(group.bars), 1))
        left = _LEFT + pitch * (index + 0.5) - width * len(group.bars) / 2
        for offset, bar in enumerate(group.bars):
            upper, lower = sorted((place(bar.value), place(base)))
            parts.append(
                f'<rect class="{bar.css}" x="{left + width * offset + 1:.1f}" y="{upper:.1f}" width="{width - 2:.1f}" '
                f'height="{max(lower - upper, 1.0):.1f}" rx="2"><title>{escape(bar.tip)}</title></rect>'
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
