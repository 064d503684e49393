"""Charts that everybody can read, as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundval_chassis.chart import WIDTH, Series, WrongShape, bars, lines, spider

SVG = "{http://www.w3.org/2000/svg}"
LABELS = ("2023", "2024", "2025")
AF = Series("Public employment service", (60, None, Decimal("12.5")), ("60", "not shown", "12,5"))
EB = Series("Financial assistance", (0, 20, 90), ("0", "20", "90"))

DRAWN = {
    "bars": lambda *series: bars("Title", "In words.", LABELS, series, lang="sv", key="k"),
    "lines": lambda *series: lines("Title", "In words.", LABELS, series, lang="sv", key="k"),
    "spider": lambda *series: spider("Title", "In words.", LABELS, series, low=0, high=100, lang="sv", key="k"),
}
every = pytest.mark.parametrize("kind", sorted(DRAWN))


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


@every
def test_a_chart_says_in_words_what_it_is_and_scales(kind: str) -> None:
    root = ET.fromstring(DRAWN[kind](AF, EB))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("lang") == "sv"
    named = {element.get("id"): element.text for element in root if element.get("id")}
    assert [named[one] for one in (root.get("aria-labelledby") or "").split()] == ["Title", "In words."]
    assert (root.get("viewBox") or "").startswith(f"0 0 {WIDTH} ")
    assert root.get("width") is None


@every
def test_every_label_and_series_is_there_as_text(kind: str) -> None:
    found = texts(ET.fromstring(DRAWN[kind](AF, EB)))
    assert {*LABELS, AF.name, EB.name} <= set(found)


def test_bars_have_their_values_beside_them_as_text_also_those_that_are_missing() -> None:
    assert {*AF.texts, *EB.texts} <= set(texts(ET.fromstring(DRAWN["bars"](AF, EB))))


@every
def test_series_differ_by_more_than_colour(kind: str) -> None:
    many = [Series(f"s{place}", (10, 20, 30), ("", "", "")) for place in range(6)]
    root = ET.fromstring(DRAWN[kind](*many))
    if kind == "bars":
        shapes = {ET.tostring(pattern[-1]) for pattern in root.iter(f"{SVG}pattern")}
        kinds = {(pattern[-1].tag, pattern[-1].get("d")) for pattern in root.iter(f"{SVG}pattern")}
        assert len(shapes) == len(kinds) == 6
    else:
        outline = f"{SVG}polyline" if kind == "lines" else f"{SVG}polygon"
        dashes = [one.get("stroke-dasharray") for one in root.iter(outline) if one.get("stroke-width") == "2"]
        assert len(set(dashes)) == 6


def test_a_missing_value_interrupts_its_line_and_has_no_mark() -> None:
    root = ET.fromstring(DRAWN["lines"](AF))
    assert len(list(root.iter(f"{SVG}circle"))) == 2 + 1  # two values, and the legend
    assert len(list(root.iter(f"{SVG}polyline"))) == 1  # the legend's own


@every
def test_the_same_input_gives_the_same_bytes(kind: str) -> None:
    assert DRAWN[kind](AF, EB) == DRAWN[kind](AF, EB)


@every
@given(text=st.text(max_size=30))
def test_whatever_a_text_is_the_picture_is_well_formed_and_nothing_in_it_is_markup(kind: str, text: str) -> None:
    hostile = "</text><script>alert(1)</script>" + text
    drawn = {
        "bars": lambda: bars(hostile, hostile, [hostile] * 3, [Series(hostile, (1, 2, 3), (hostile,) * 3)],
                             lang="sv", key=hostile),
        "lines": lambda: lines(hostile, hostile, [hostile] * 3, [Series(hostile, (1, 2, 3), (hostile,) * 3)],
                               lang="sv", key=hostile),
        "spider": lambda: spider(hostile, hostile, [hostile] * 3, [Series(hostile, (1, 2, 3), (hostile,) * 3)],
                                 low=0, high=5, lang="sv", key=hostile),
    }[kind]()  # fmt: skip
    root = ET.fromstring(drawn)
    assert not list(root.iter(f"{SVG}script"))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


@every
@given(values=st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=3, max_size=3))
def test_nothing_is_drawn_outside_of_the_picture(kind: str, values: list[int | None]) -> None:
    series = Series("s", tuple(values), ("", "", ""))
    root = ET.fromstring(DRAWN[kind](series))
    height = float((root.get("viewBox") or "").split()[3])
    for element in root.iter():
        for name, most in (("x", WIDTH), ("cx", WIDTH), ("x2", WIDTH), ("y", height), ("cy", height), ("y2", height)):
            if element.get(name) is not None and element.tag != f"{SVG}pattern":
                assert 0 <= float(element.get(name) or 0) <= most
        for corner in (element.get("points") or "").split():
            x, y = map(float, corner.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= height


def test_on_a_spider_the_lowest_value_is_in_the_middle_and_the_highest_on_the_outermost_ring() -> None:
    series = Series("s", (1, 5, 3, 5), ("",) * 4)
    root = ET.fromstring(spider("t", "d", ["north", "east", "south", "west"], [series], low=1, high=5,
                                lang="sv", key="k"))  # fmt: skip
    [outline] = [one for one in root.iter(f"{SVG}polygon") if one.get("stroke-width") == "2"]
    assert outline.get("points") == "360,210 510,210 360,285 210,210"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: bars("t", "d", [], [EB], lang="sv", key="k"),
        lambda: bars("t", "d", LABELS, [], lang="sv", key="k"),
        lambda: lines("t", "d", LABELS, [Series("s", (1,), ("",))], lang="sv", key="k"),
        lambda: bars("t", "d", ["a"], [Series("s", (-1,), ("",))], lang="sv", key="k"),
        lambda: bars("t", "d", ["a"], [Series("s", (Decimal("NaN"),), ("",))], lang="sv", key="k"),
        lambda: spider("t", "d", ["a", "b"], [Series("s", (1, 1), ("", ""))], low=0, high=5, lang="sv", key="k"),
        lambda: spider("t", "d", LABELS, [EB], low=0, high=50, lang="sv", key="k"),
        lambda: spider("t", "d", LABELS, [EB], low=5, high=5, lang="sv", key="k"),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(WrongShape):
        wrong()
