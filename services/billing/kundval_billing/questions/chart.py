"""The answers as pictures that also say in words what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from kundval_chassis.chart import Series, bars, lines
from kundval_contracts.codes import Direction

from .form import SCENARIOS
from .words import Texts, in_million, texts

#: the most rows of a picture
ROWS = 24
_PAYABLE = Direction.PAYABLE.value


def what_if(result: Mapping[str, Any], by: str, lang: str) -> str:
    """Before and after by month, provider, programme or kind, as SVG; of many those that differ most."""
    words = texts(lang)
    every = result[f"{by}s"]
    rows = sorted(every, key=lambda row: (-abs(Decimal(row["difference"])), row["direction"], row[by]))[:ROWS]
    if by == "month":
        rows.sort(key=lambda row: (row["direction"], row[by]))
    title = words.say("what_if", by=words.say(f"by_{by}"))
    if not rows:
        nothing = Series(words.say("before"), (0,), (words.say("nothing"),))
        return bars(title, words.say("nothing"), ["-"], [nothing], lang=lang, key="what-if")
    names = [_name(words, row[by], row["direction"]) for row in rows]
    described = [
        words.say(
            "what_if_row",
            name=name,
            before=words.kronor(row["before"]),
            after=words.kronor(row["after"]),
            difference=words.amount(row["difference"], sign=True),
        )
        for name, row in zip(names, rows, strict=True)
    ]
    if len(rows) < len(every):
        described.insert(0, words.say("what_if_some", n=len(rows), of=len(every)))
    before = Series(
        words.say("before"),
        tuple(Decimal(row["before"]) for row in rows),
        tuple(words.amount(row["before"]) for row in rows),
    )
    after = Series(
        words.say("after"),
        tuple(Decimal(row["after"]) for row in rows),
        tuple(f"{words.amount(row['after'])} ({words.amount(row['difference'], sign=True)})" for row in rows),
    )
    return bars(title, " ".join(described), names, [before, after], lang=lang, key="what-if")


def forecast(answer: Mapping[str, Any], lang: str, direction: str = _PAYABLE) -> str:
    """Low, expected and high from the beginning of the year, and the budget, as SVG.

    answer: of `billing.forecast`, with a result.
    """
    words = texts(lang)
    rows = [row for row in answer["result"]["months"] if row["direction"] == direction]
    title = words.say("chart" if direction == _PAYABLE else "chart_income")
    if not rows:
        rows = [{"month": str(answer["result"]["year"]), **dict.fromkeys(SCENARIOS, "0.00")}]
    labels = [row["month"][-2:] for row in rows]
    described = [
        words.say("chart_month", month=row["month"], **{name: words.million(row[name]) for name in SCENARIOS})
        for row in rows
    ]
    series = [_line(words.say(name), [row[name] for row in rows]) for name in reversed(SCENARIOS)]
    total = next((row for row in answer["budget"] if row["programme"] is None), None)
    if total is not None and direction == _PAYABLE:
        described.insert(0, words.say("chart_budget", amount=words.million(total["amount"])))
        series.append(_line(words.say("budget"), [total["amount"]] * len(rows)))
    return lines(title, " ".join(described), labels, series, lang=lang, key=f"forecast-{direction.lower()}")


def _line(name: str, amounts: Sequence[str]) -> Series:
    return Series(name, tuple(in_million(amount) for amount in amounts), ("",) * len(amounts))


def _name(words: Texts, name: str, direction: str) -> str:
    return name if direction == _PAYABLE else words.say("receivable", name=name)
