"""The comparison as a page for everybody: read on a screen, by a screen reader, or on paper; in Swedish and English.

It needs no script, sets nothing and loads nothing; every cell says in words what a colour or an empty place would.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from kundval_chassis.chart import Series, bars
from kundval_chassis.html import template
from kundval_contracts.codes import ExitKind
from kundval_contracts.rules import rule

from .texts import Texts, texts


@rule("NACKA-7")
def render(table: Mapping[str, Any], lang: str) -> str:
    """The page of a comparison in its JSON form (`shown.content`). The same table gives the same bytes."""
    words = texts(lang)
    kinds = [kind.value for kind in ExitKind if kind.value in table["together"]["exits"]]
    return template(__package__).render(
        lang=lang,
        skip_to="compare",
        title=words.say("title", programme=words.programme(table["programme"])),
        table=table,
        kinds=kinds,
        say=words.say,
        exit=words.exit,
        share=lambda value: words.share(Decimal(value)),
        number=lambda value: words.number(Decimal(value)),
        interval=lambda figure, shares: words.range_of(Decimal(figure["low"]), Decimal(figure["high"]), shares=shares),
        chart=Markup(_chart(table, words)) if table["rows"] else "",
    )


def _chart(table: Mapping[str, Any], words: Texts) -> str:
    """Bars of the share that supports itself; the description says every bar in words."""
    rows = table["rows"]
    said = [_said(row["self_supporting"], words) for row in rows]
    values = [row["self_supporting"]["value"] for row in rows]
    series = Series(
        words.say("self_supporting"), tuple(None if one is None else Decimal(one) for one in values), tuple(said)
    )
    described = " ".join(f"{row['name']}: {text}." for row, text in zip(rows, said, strict=True))
    return bars(
        words.say("chart"), described, [row["name"] for row in rows], [series], lang=words.lang, key="self-supporting"
    ).strip()


def _said(figure: Mapping[str, Any], words: Texts) -> str:
    if figure["suppressed"]:
        return words.say("suppressed")
    if figure["value"] is None:
        return words.say("new")
    return f"{words.share(Decimal(figure['value']))} {words.say('of', n=figure['n'])}"
