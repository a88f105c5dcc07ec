"""Plots as inline SVG: no script, no font, no colour of their own; the page's style colours them.

Every plot is drawn 360 units wide, about the width of a phone, so that its letters are never
scaled far from the size they were drawn in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import Final

import attrs

WIDTH: Final = 360
_LEFT: Final = 52
_RIGHT: Final = 10
_TOP: Final = 10
_BOTTOM: Final = 22
_HEIGHT: Final = 170
_TICKS: Final = 4
_ROW: Final = 34
_BAR_ROW: Final = 20
_LETTER: Final = 6.2
_POINTS_MAX: Final = 240
_THOUSAND: Final = 1000
_CENTS_BELOW: Final = 10


@attrs.frozen(kw_only=True)
class Scale:
    """From values to places: ``low`` lies at ``start``, ``high`` at ``end``, marks at ``step``."""

    low: float
    high: float
    start: float
    end: float
    step: float = 1.0

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


@attrs.frozen(kw_only=True)
class Line:
    """A line of values at equal distances, with the class that colours it."""

    values: Sequence[float]
    style: str


@attrs.frozen(kw_only=True)
class Bar:
    """A named value with the text that is shown when it is pointed at."""

    name: str
    value: float
    hint: str


@attrs.frozen(kw_only=True)
class Span:
    """An estimate with an inner and an outer interval; None where there is none."""

    name: str
    note: str
    estimate: float | None
    inner: tuple[float, float] | None
    outer: tuple[float, float] | None
    style: str


@attrs.frozen(kw_only=True)
class Dot:
    """A place in the unit square with a weight, and the text that is shown when pointed at."""

    x: float
    y: float
    weight: int
    hint: str


def amount(value: float) -> str:
    """Return dollars short enough for an axis: $0.25, -$12, $1.2k."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size >= _THOUSAND**2:
        return f"{sign}${size / _THOUSAND**2:.4g}M"
    if size >= _THOUSAND:
        return f"{sign}${size / _THOUSAND:.4g}k"
    return f"{sign}${size:.2f}" if size < _CENTS_BELOW and size % 1 else f"{sign}${size:.0f}"


def line_plot(
    title: str,
    lines: Sequence[Line],
    *,
    ends: tuple[str, str],
    band: tuple[Sequence[float], Sequence[float]] | None = None,
) -> str:
    """Return lines over time, with a shaded band between two more of them."""
    every = [v for line in lines for v in line.values]
    if band is not None:
        every += [*band[0], *band[1]]
    up, axis = _value_axis([*every, 0.0], _HEIGHT)
    parts = [*axis]
    if band is not None and len(band[0]) > 1:
        there, back = _places(band[1], up), _places(band[0], up)
        parts.append(f'<polygon class="band" points="{" ".join([*there, *reversed(back)])}"/>')
    for line in lines:
        if len(line.values) > 1:
            places = " ".join(_places(line.values, up))
            parts.append(f'<polyline class="{line.style}" points="{places}"/>')
    parts.extend(_ends(ends, _HEIGHT))
    return _svg(title, _HEIGHT, parts)


def day_plot(title: str, bars: Sequence[Bar]) -> str:
    """Return one upright bar for each day."""
    up, axis = _value_axis([bar.value for bar in bars] + [0.0], _HEIGHT)
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(bars))
    gap = min(3.0, step * 0.25)
    parts = [*axis]
    for index, bar in enumerate(bars):
        top, bottom = sorted((up(bar.value), up(0.0)))
        parts.append(
            f'<rect class="{_tone(bar.value)}" x="{_LEFT + index * step + gap / 2:.2f}" '
            f'y="{top:.2f}" width="{step - gap:.2f}" height="{max(0.5, bottom - top):.2f}">'
            f"<title>{escape(bar.hint)}</title></rect>"
        )
    ends = (bars[0].name, bars[-1].name) if bars else ("", "")
    parts.extend(_ends(ends if len(bars) > 1 else (ends[0], ""), _HEIGHT))
    return _svg(title, _HEIGHT, parts)


def bar_plot(title: str, bars: Sequence[Bar]) -> str:
    """Return one lying bar for each name, the name above its bar's start."""
    height = _TOP + len(bars) * _BAR_ROW * 1.7 + 6
    values = [bar.value for bar in bars] + [0.0]
    along = Scale(low=min(values), high=max(values), start=64, end=WIDTH - 64)
    parts = []
    for index, bar in enumerate(bars):
        y = _TOP + index * _BAR_ROW * 1.7
        left, right = sorted((along(bar.value), along(0.0)))
        beyond = right + 4 if bar.value >= 0 else left - 4
        anchor = "start" if bar.value >= 0 else "end"
        parts.append(
            f'<text class="name" x="0" y="{y + 6:.2f}">{_clipped(bar.name, WIDTH)}</text>'
            f'<rect class="{_tone(bar.value)}" x="{left:.2f}" y="{y + 11:.2f}" '
            f'width="{max(0.5, right - left):.2f}" height="12"><title>{escape(bar.hint)}</title>'
            f'</rect><line class="zero" x1="{along(0):.2f}" x2="{along(0):.2f}" '
            f'y1="{y + 8:.2f}" y2="{y + 26:.2f}"/><text x="{beyond:.2f}" y="{y + 21:.2f}" '
            f'text-anchor="{anchor}">{amount(bar.value)}</text>'
        )
    return _svg(title, height, parts)


def span_plot(title: str, spans: Sequence[Span]) -> str:
    """Return one interval beneath the other around a common zero."""
    ends = [v for span in spans for pair in (span.inner, span.outer) if pair for v in pair]
    points = [span.estimate for span in spans if span.estimate is not None]
    height = len(spans) * _ROW + _BOTTOM + 4
    along = _rounded_scale([*ends, *points, 0.0], start=14, end=WIDTH - 14)
    parts = [_upright(along, tick, height - _BOTTOM, amount(tick)) for tick in _ticks(along)]
    for index, span in enumerate(spans):
        y = index * _ROW + 24
        parts.append(
            f'<text class="name" x="0" y="{y - 10}">{_clipped(span.name, WIDTH - 130)}</text>'
            f'<text x="{WIDTH}" y="{y - 10}" text-anchor="end">{escape(span.note)}</text>'
        )
        for pair, style in ((span.outer, "outer"), (span.inner, "inner")):
            if pair is not None:
                parts.append(
                    f'<line class="{style} {span.style}" x1="{along(pair[0]):.2f}" '
                    f'x2="{along(pair[1]):.2f}" y1="{y}" y2="{y}"/>'
                )
        if span.estimate is not None:
            parts.append(
                f'<circle class="dot {span.style}" cx="{along(span.estimate):.2f}" cy="{y}" '
                f'r="4"><title>{escape(span.name)}: {amount(span.estimate)}</title></circle>'
            )
    return _svg(title, height, parts)


def square_plot(title: str, dots: Sequence[Dot], *, names: tuple[str, str]) -> str:
    """Return dots in the unit square with its diagonal; their area is their weight."""
    height = 250.0
    along = Scale(low=0, high=1, start=_LEFT, end=WIDTH - _RIGHT)
    up = Scale(low=0, high=1, start=height - _BOTTOM - 22, end=_TOP)
    parts = [_level(up, tick, amount(tick)) for tick in (0.0, 0.25, 0.5, 0.75, 1.0)]
    parts.append(
        f'<line class="diagonal" x1="{along(0)}" y1="{up(0)}" x2="{along(1)}" y2="{up(1)}"/>'
    )
    most = max((dot.weight for dot in dots), default=1)
    for dot in dots:
        radius = 3.0 + 7.0 * math.sqrt(dot.weight / most)
        parts.append(
            f'<circle class="{_tone(dot.y - dot.x)}" cx="{along(min(1.0, dot.x)):.2f}" '
            f'cy="{up(min(1.0, dot.y)):.2f}" r="{radius:.2f}"><title>{escape(dot.hint)}</title>'
            "</circle>"
        )
    for tick in (0.0, 0.5, 1.0):
        anchor = {0.0: "start", 1.0: "end"}.get(tick, "middle")
        parts.append(
            f'<text x="{along(tick)}" y="{height - _BOTTOM}" text-anchor="{anchor}">'
            f"{amount(tick)}</text>"
        )
    parts.append(
        f'<text class="name" x="{(WIDTH + _LEFT) / 2}" y="{height - 6}" text-anchor="middle">'
        f"{escape(names[0])} → · ↑ {escape(names[1])}</text>"
    )
    return _svg(title, height, parts)


def thinned(values: Sequence[float]) -> list[float]:
    """Return at most 240 of the values at equal distances, the first and the last among them."""
    if len(values) <= _POINTS_MAX:
        return list(values)
    last = len(values) - 1
    return [values[round(i * last / (_POINTS_MAX - 1))] for i in range(_POINTS_MAX)]


def lowest(values: Sequence[float]) -> list[float]:
    """Return at most 240 values at equal distances, each the lowest since the one before."""
    if len(values) <= _POINTS_MAX:
        return list(values)
    ends = [-(-(i + 1) * len(values) // _POINTS_MAX) for i in range(_POINTS_MAX)]
    return [min(values[begin:end]) for begin, end in pairwise([0, *ends])]


def _svg(title: str, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _tone(value: float) -> str:
    return "up" if value >= 0 else "down"


def _places(values: Sequence[float], up: Scale) -> list[str]:
    shown = thinned(values)
    along = Scale(low=0, high=max(1, len(shown) - 1), start=_LEFT, end=WIDTH - _RIGHT)
    return [f"{along(i):.1f},{up(value):.1f}" for i, value in enumerate(shown)]


def _value_axis(values: Sequence[float], height: float) -> tuple[Scale, list[str]]:
    up = _rounded_scale(values, start=height - _BOTTOM, end=_TOP)
    return up, [_level(up, tick, amount(tick)) for tick in _ticks(up)]


def _rounded_scale(values: Sequence[float], *, start: float, end: float) -> Scale:
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1.0, high + 1.0
    step = _step(high - low)
    return Scale(
        low=math.floor(low / step) * step,
        high=math.ceil(high / step) * step,
        start=start,
        end=end,
        step=step,
    )


def _step(spread: float) -> float:
    """Return the distance of about four marks: 1, 2 or 5 times a power of ten."""
    rough = spread / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _ticks(scale: Scale) -> list[float]:
    first, last = round(scale.low / scale.step), round(scale.high / scale.step)
    return [round(number * scale.step, 9) for number in range(first, last + 1)]


def _level(up: Scale, value: float, label: str) -> str:
    y, style = up(value), "zero" if value == 0 else "grid"
    return (
        f'<line class="{style}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.2f}" y2="{y:.2f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.2f}" text-anchor="end">{label}</text>'
    )


def _upright(along: Scale, value: float, height: float, label: str) -> str:
    x, style = along(value), "zero" if value == 0 else "grid"
    return (
        f'<line class="{style}" x1="{x:.2f}" x2="{x:.2f}" y1="0" y2="{height:.2f}"/>'
        f'<text x="{x:.2f}" y="{height + 14:.2f}" text-anchor="middle">{label}</text>'
    )


def _ends(ends: tuple[str, str], height: float) -> Iterable[str]:
    yield f'<text x="{_LEFT}" y="{height - 5}">{escape(ends[0])}</text>'
    yield (
        f'<text x="{WIDTH - _RIGHT}" y="{height - 5}" text-anchor="end">{escape(ends[1])}</text>'
    )


def _clipped(text: str, width: float) -> str:
    most = int(width / _LETTER)
    return escape(text if len(text) <= most else f"{text[: most - 1]}…")
