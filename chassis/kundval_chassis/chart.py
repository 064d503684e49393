"""Small charts as SVG that everybody can read: `bars`, `lines`, `spider`.

No library: none gives SVG with title, description and text as text without a big dependency, and what is needed here is
a few rectangles and lines. Every picture says in words what it shows (`role="img"`, title, description); series differ
by pattern, dash and mark, never by colour alone; it scales by its viewBox; the same input gives the same bytes. Texts
may be anything: they are escaped. What is to stand beside a value as text is the caller's, in the caller's language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

WIDTH = 720
_FONT = 'font-family="Arial, Helvetica, sans-serif"'
_INK, _GRID = "#1a1a1a", "#767676"
#: each stands out from white by more than 4.5 to 1
_COLOURS = ("#0b4f8a", "#a3341c", "#00594c", "#5b2a86", "#6b4e00", "#333333")
_DASHES = ("", "8 4", "2 3", "10 3 2 3", "5 5", "1 5")
_MARKS = ("circle", "square", "triangle", "diamond", "cross", "ring")
#: XML knows no other control characters, not even escaped
_CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: wide enough for a character of the text size used, in an ordinary font
_CHARACTER = 7.2


@dataclass(frozen=True, slots=True)
class Series:
    """Values in the order of the chart's labels; None where there is none. `texts` stand beside the values."""

    name: str
    values: tuple[Decimal | int | None, ...]
    texts: tuple[str, ...]


class WrongShape(ValueError):
    """The series do not fit the labels."""


def bars(title: str, description: str, labels: Sequence[str], series: Sequence[Series], *, lang: str, key: str) -> str:
    """Horizontal bars, grouped by label: one for each series. Values are not negative.

    `key` makes the ids unique where several charts stand on one page. Raises WrongShape.
    """
    _check(labels, series)
    left = 16 + min(280, max((_width(label) for label in labels), default=0))
    right = 16 + max((_width(text) for one in series for text in one.texts), default=0)
    room = max(80.0, WIDTH - left - right)
    top = _top(series)
    thick, gap = 20, 14
    y = 16.0
    body: list[str] = []
    for place, label in enumerate(labels):
        middle = y + thick * len(series) / 2
        body.append(_text(left - 8, middle + 5, _short(label, left - 16), anchor="end"))
        for number, one in enumerate(series):
            value = one.values[place]
            length = 0.0 if value is None else room * float(value) / top
            if value is not None:
                body.append(
                    f'<rect x="{left}" y="{_n(y + 2)}" width="{_n(max(length, 1.0))}" height="{thick - 4}"'
                    f' fill="url(#{_id(key)}-p{number % len(_COLOURS)})" stroke="{_colour(number)}"/>'
                )
            body.append(_text(left + length + 6, y + thick / 2 + 5, one.texts[place]))
            y += thick
        y += gap
    body.append(f'<line x1="{left}" y1="8" x2="{left}" y2="{_n(y - gap + 8)}" stroke="{_INK}" stroke-width="1"/>')
    if len(series) > 1:
        y = _legend(body, series, key, y + 8, patterns=True)
    return _svg(title, description, y + 8, body, lang, key, defs=_patterns(key, len(series)))


def lines(title: str, description: str, labels: Sequence[str], series: Sequence[Series], *, lang: str, key: str) -> str:
    """Lines over time: `labels` along the bottom from left to right. A value that is missing interrupts its line.

    Values are not negative. Raises WrongShape.
    """
    _check(labels, series)
    left, bottom, height = 64, 300, 268
    top = _top(series)
    step = (WIDTH - left - 40) / max(1, len(labels) - 1)
    body: list[str] = []
    for part in range(5):
        y = bottom - height * part / 4
        body.append(f'<line x1="{left}" y1="{_n(y)}" x2="{WIDTH - 40}" y2="{_n(y)}" stroke="{_GRID}"'
                    ' stroke-width="0.5"/>')  # fmt: skip
        body.append(_text(left - 8, y + 5, _tick(top * part / 4), anchor="end"))
    every = max(1, math.ceil(max((_width(label) + 10 for label in labels), default=1) / step))
    for place, label in enumerate(labels):
        if place % every == 0:
            body.append(_text(left + step * place, bottom + 22, label, anchor="middle"))
    for number, one in enumerate(series):
        points = [
            None if value is None else (left + step * place, bottom - height * float(value) / top)
            for place, value in enumerate(one.values)
        ]
        for run in _runs(points):
            if len(run) > 1:
                body.append(_path(run, number))
            body += [_mark(x, y, number) for x, y in run]
    y = _legend(body, series, key, bottom + 44, patterns=False)
    return _svg(title, description, y + 8, body, lang, key)


def spider(
    title: str,
    description: str,
    axes: Sequence[str],
    series: Sequence[Series],
    *,
    low: int,
    high: int,
    lang: str,
    key: str,
) -> str:
    """A spider diagram: one axis for each area, from `low` in the middle to `high` outside; one outline for each
    series, so that a person's assessments over time lie over one another. An area without a value interrupts its
    outline.

    Raises WrongShape, also for fewer than three axes, a scale without length, or a value outside of it.
    """
    _check(axes, series)
    if len(axes) < 3 or high <= low:
        raise WrongShape("a spider diagram has three axes or more, and a scale from low to high")
    if any(value is not None and not low <= value <= high for one in series for value in one.values):
        raise WrongShape(f"a value is outside of the scale from {low} to {high}")
    x0, y0, radius = WIDTH / 2, 210.0, 150.0

    def at(place: int, share: float) -> tuple[float, float]:
        angle = 2 * math.pi * place / len(axes) - math.pi / 2
        return x0 + radius * share * math.cos(angle), y0 + radius * share * math.sin(angle)

    body: list[str] = []
    rings = min(high - low, 5)
    for ring in range(1, rings + 1):
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in (at(place, ring / rings) for place in range(len(axes))))
        body.append(f'<polygon points="{corners}" fill="none" stroke="{_GRID}" stroke-width="0.5"/>')
        body.append(_text(x0 + 4, y0 - radius * ring / rings + 14, _tick(low + (high - low) * ring / rings), size=12))
    for place, label in enumerate(axes):
        x, y = at(place, 1)
        body.append(f'<line x1="{_n(x0)}" y1="{_n(y0)}" x2="{_n(x)}" y2="{_n(y)}" stroke="{_GRID}"'
                    ' stroke-width="0.5"/>')  # fmt: skip
        x, y = at(place, 1.08)
        side = "middle" if abs(x - x0) < 8 else "start" if x > x0 else "end"
        room = WIDTH - x - 4 if side == "start" else x - 4 if side == "end" else WIDTH - 8
        body.append(_text(x, y + (0 if y < y0 - 8 else 10), _short(label, room), anchor=side))
    for number, one in enumerate(series):
        points = [
            None if value is None else at(place, (float(value) - low) / (high - low))
            for place, value in enumerate(one.values)
        ]
        whole = [point for point in points if point is not None]
        if len(whole) == len(points):
            body.append(_path(whole, number, closed=True))
        else:
            body += [_path(run, number) for run in _runs([*points, points[0]]) if len(run) > 1]
        body += [_mark(x, y, number) for x, y in whole]
    y = _legend(body, series, key, y0 + radius + 48, patterns=False)
    return _svg(title, description, y + 8, body, lang, key)


# --- parts -------------------------------------------------------------------------------------------------


def _check(labels: Sequence[str], series: Sequence[Series]) -> None:
    if not labels or not series:
        raise WrongShape("a chart has labels and at least one series")
    for one in series:
        if not len(labels) == len(one.values) == len(one.texts):
            raise WrongShape(f"{one.name}: {len(labels)} labels, {len(one.values)} values, {len(one.texts)} texts")
        if any(value is not None and (not Decimal(value).is_finite() or value < 0) for value in one.values):
            raise WrongShape(f"{one.name}: a value is negative or no number")


def _svg(title: str, description: str, height: float, body: Iterable[str], lang: str, key: str, defs: str = "") -> str:
    name = _id(key)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_n(height)}" role="img" lang="{_x(lang)}"'
        f' xml:lang="{_x(lang)}" aria-labelledby="{name}-t {name}-d" {_FONT} font-size="14" fill="{_INK}">'
        f'<title id="{name}-t">{_x(title)}</title><desc id="{name}-d">{_x(description)}</desc>{defs}'
        f'<rect width="{WIDTH}" height="{_n(height)}" fill="#ffffff"/>{"".join(body)}</svg>\n'
    )


def _patterns(key: str, count: int) -> str:
    """A pattern for each series; the first is full, the others are lines, dots and squares of their colour on white."""
    shapes = (
        '<rect width="8" height="8" fill="{c}"/>',
        '<path d="M-2 2 L2 -2 M0 8 L8 0 M6 10 L10 6" stroke="{c}" stroke-width="2"/>',
        '<circle cx="4" cy="4" r="2.2" fill="{c}"/>',
        '<path d="M0 4 H8" stroke="{c}" stroke-width="3"/>',
        '<path d="M4 0 V8" stroke="{c}" stroke-width="3"/>',
        '<path d="M0 0 L8 8 M8 0 L0 8" stroke="{c}" stroke-width="1.5"/>',
    )
    found = []
    for number in range(min(count, len(_COLOURS))):
        inner = shapes[number].replace("{c}", _COLOURS[number])
        found.append(
            f'<pattern id="{_id(key)}-p{number}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8" fill="#ffffff"/>{inner}</pattern>'
        )
    return f"<defs>{''.join(found)}</defs>"


def _legend(body: list[str], series: Sequence[Series], key: str, y: float, *, patterns: bool) -> float:
    """Names of the series with their pattern, or line and mark; the height below it."""
    for number, one in enumerate(series):
        if patterns:
            body.append(f'<rect x="16" y="{_n(y - 12)}" width="36" height="14"'
                        f' fill="url(#{_id(key)}-p{number % len(_COLOURS)})" stroke="{_colour(number)}"/>')  # fmt: skip
        else:
            body.append(_path([(16, y - 5), (52, y - 5)], number))
            body.append(_mark(34, y - 5, number))
        body.append(_text(60, y, _short(one.name, WIDTH - 68)))
        y += 22
    return y - 10


def _path(points: Sequence[tuple[float, float]], number: int, *, closed: bool = False) -> str:
    dash = _DASHES[number % len(_DASHES)]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    shape = "polygon" if closed else "polyline"
    return f'<{shape} points="{corners}" fill="none" stroke="{_colour(number)}" stroke-width="2"{dashes}/>'


def _mark(x: float, y: float, number: int) -> str:
    kind, colour = _MARKS[number % len(_MARKS)], _colour(number)
    if kind in ("circle", "ring"):
        fill = colour if kind == "circle" else "#ffffff"
        return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
    shapes = {
        "square": "M-4 -4 H4 V4 H-4 Z",
        "triangle": "M0 -5 L5 4 H-5 Z",
        "diamond": "M0 -6 L6 0 L0 6 L-6 0 Z",
        "cross": "M-5 -5 L5 5 M-5 5 L5 -5",
    }
    return (
        f'<path d="{shapes[kind]}" transform="translate({_n(x)} {_n(y)})" fill="{colour}" stroke="{colour}"'
        ' stroke-width="2"/>'
    )


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Stretches without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 14) -> str:
    how = "" if anchor == "start" else f' text-anchor="{anchor}"'
    small = "" if size == 14 else f' font-size="{size}"'
    return f'<text x="{_n(x)}" y="{_n(y)}"{how}{small}>{_x(text)}</text>'


def _top(series: Sequence[Series]) -> float:
    """The end of the scale: the largest value, rounded up to 1, 2 or 5 times a power of ten."""
    most = max((float(value) for one in series for value in one.values if value is not None), default=0.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= most * (1 - 1e-9))


def _tick(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _width(text: str) -> float:
    return _CHARACTER * len(text)


def _short(text: str, room: float) -> str:
    """The text, cut where it would leave its room; the description of the chart has it in full."""
    most = max(3, int(room / _CHARACTER + 0.01))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _n(value: float) -> str:
    """A coordinate with one decimal, the same on every machine; there is no minus zero."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _id(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", key) or "chart"


def _x(text: str) -> str:
    return escape(_CONTROL.sub("", text), quote=True)
