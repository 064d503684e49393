"""A forecast as a page: read on a screen, by a screen reader, or on paper; in Swedish and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from kundval_chassis.html import template
from kundval_contracts.codes import Direction, ForecastBasis

from . import chart
from .words import texts

_RECEIVABLE = Direction.RECEIVABLE.value


def render(answer: Mapping[str, Any], lang: str) -> str:
    """The page of an answer of `billing.forecast` that has a result."""
    words, result = texts(lang), answer["result"]
    totals = {row["direction"]: row for row in result["totals"]}
    income = totals.get(_RECEIVABLE)
    basis = {row["basis"] for row in result["programmes"]}
    return template(__package__).render(
        lang=lang,
        skip_to="programmes",
        title=words.say("title", year=result["year"]),
        answer=answer,
        result=result,
        cost=totals.get(Direction.PAYABLE.value),
        income=income,
        midpoint=ForecastBasis.MIDPOINT.value in basis,
        everything=next((row for row in answer["budget"] if row["programme"] is None), None),
        say=words.say,
        amount=words.amount,
        kronor=words.kronor,
        receivable=_RECEIVABLE,
        chart=Markup(chart.forecast(answer, lang).strip()),
        chart_income=Markup(chart.forecast(answer, lang, _RECEIVABLE).strip()) if income else None,
    )
