"""Control as a page: read on a screen, by a screen reader, or on paper; in Swedish and English.

It needs no script, sets nothing and loads nothing. What a picture shows stands in words beside it, and in a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from markupsafe import Markup

from kundval_chassis.chart import Series, bars, lines
from kundval_chassis.html import Words, read_words, template
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import AnomalyState, ControlFigure, ControlUnit

from ..domain.anomalies import percent
from ..domain.control import ALL

F = ControlFigure
#: the figures in the tables by provider and by programme
COLUMNS = (
    F.PAYABLE_NET,
    F.CORRECTED_SHARE,
    F.CLIENTS,
    F.EXITS,
    F.QUALIFYING_EXITS,
    F.RESULTS_DUE,
    F.RESULTS_HELD,
    F.COST_PER_CLIENT,
    F.COST_PER_RESULT,
)
_MONTHS = (F.PAYABLE_POSTED, F.PAYABLE_CORRECTED, F.PAYABLE_NET, F.CLIENTS, F.EXITS, F.RESULTS_HELD)
_HEAD = (F.PAYABLE_NET, F.COST_PER_CLIENT, F.COST_PER_EXIT, F.COST_PER_RESULT, F.HELD_SHARE)
#: ids that are shown of one anomaly; the rest are in the answer of `billing.anomalies`
SHOWN = 24


@dataclass(frozen=True)
class Texts(Words):
    """The words of one language with what control needs of them."""

    def value(self, line: Mapping[str, Any]) -> str:
        """The value of a figure with its unit; a dash where there is none."""
        value, unit = line["value"], line["unit"]
        if value is None:
            return self.say("nothing")
        if unit is ControlUnit.SHARE:
            return self.say("percent", n=self._decimals(str((Decimal(value) * 100).quantize(Decimal("0.1")))))
        if unit is ControlUnit.SEK:
            return self.money(Decimal(value))
        return self._decimals(value) if unit is ControlUnit.DAYS else value

    def money(self, amount: Decimal) -> str:
        """Kronor and öre with groups of three, not to be broken over lines."""
        return self.say("money", amount=self._decimals(f"{amount:,.2f}".replace(",", "\u00a0").replace("-", "\u2212")))

    def share(self, value: str) -> str:
        return self.say("percent", n=percent(Decimal(value)))

    def _decimals(self, number: str) -> str:
        return number.replace(".", self.say("decimal_mark"))


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    return Texts(lang, read_words(__package__, lang))


def render(figures: Sequence[Mapping[str, Any]], anomalies: Mapping[str, Any], lang: str) -> str:
    """The page of answers of `billing.figures` (by month, provider, programme) and `billing.anomalies`."""
    words = texts(lang)
    by_month, by_provider, by_programme = figures
    whole = _table(by_month)[ALL]
    found = anomalies["anomalies"]
    return template(__package__).render(
        lang=lang,
        skip_to="stands-out",
        title=words.say("title", first=by_month["from"], last=add_days(by_month["to"], -1)),
        say=words.say,
        of=words.of,
        value=words.value,
        money=words.money,
        share=words.share,
        as_of=by_month["as_of"],
        head=[whole[one] for one in _HEAD],
        whole=list(whole.values()),
        months=_parts(by_month),
        month_columns=_MONTHS,
        splits=(("provider", _parts(by_provider)), ("programme", _parts(by_programme))),
        columns=COLUMNS,
        budget=by_month["budget"],
        budget_chart=Markup(_budget(by_month["budget"], words)),
        reference=by_month["reference"],
        reference_origin=by_month["reference"][lang],
        chart=Markup(_course(by_month, words)),
        open=[one for one in found if one["state"] is AnomalyState.OPEN],
        set_aside=[one for one in found if one["state"] is AnomalyState.SET_ASIDE],
        not_judged=anomalies["not_judged"],
        smallest=anomalies["smallest_group"],
        shown=SHOWN,
        definitions=by_month["definitions"],
    )


def _table(answer: Mapping[str, Any]) -> dict[str, dict[ControlFigure, Mapping[str, Any]]]:
    rows: dict[str, dict[ControlFigure, Mapping[str, Any]]] = {}
    for line in answer["lines"]:
        rows.setdefault(line["part"], {})[line["figure"]] = line
    return rows


def _parts(answer: Mapping[str, Any]) -> dict[str, dict[ControlFigure, Mapping[str, Any]]]:
    return {part: row for part, row in _table(answer).items() if part != ALL}


def _budget(budget: Mapping[str, Any] | None, words: Texts) -> str:
    """What was spent and the budget as two bars; nothing without a budget."""
    if budget is None:
        return ""
    spent, amount = words.money(budget["spent"]), words.money(budget["amount"])
    labels = [words.say("spent"), words.say("budget")]
    values = (max(budget["spent"], Decimal(0)), budget["amount"])
    series = Series(words.say("budget_chart"), values, (spent, amount))
    described = words.say("budget_described", spent=spent, amount=amount)
    return bars(words.say("budget_chart"), described, labels, [series], lang=words.lang, key="budget").strip()


def _course(by_month: Mapping[str, Any], words: Texts) -> str:
    """What was posted and taken back in each month as lines; nothing if there is no month with money."""
    months = _parts(by_month)
    if not months:
        return ""
    posted = [Decimal(row[F.PAYABLE_POSTED]["value"]) for row in months.values()]
    back = [-Decimal(row[F.PAYABLE_CORRECTED]["value"]) for row in months.values()]
    described = " ".join(
        words.say("chart_month", month=month, posted=words.money(there), back=words.money(taken))
        for month, there, taken in zip(months, posted, back, strict=True)
    )
    series = [
        Series(words.say(name), tuple(values), ("",) * len(values))
        for name, values in (("chart_posted", posted), ("chart_back", back))
    ]
    return lines(words.say("chart"), described, list(months), series, lang=words.lang, key="months").strip()
