"""The workload as a page: read on a screen, by a screen reader, or on paper; in Swedish and English.

It needs no script, sets nothing and loads nothing. What the picture shows stands in words beside it, and again in a
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from markupsafe import Markup

from kundval_chassis.chart import Series, lines
from kundval_chassis.html import Words, read_words, template
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import WorkloadPeriod

_TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Texts(Words):
    """The words of one language with what a workload needs of them."""

    def hours(self, minutes: int) -> str:
        """A length of time in hours and minutes, exactly."""
        return self.say("hours", hours=minutes // 60, minutes=minutes % 60)

    def number(self, value: str) -> str:
        """A number with the decimals it has, those that are zero left out."""
        return value.rstrip("0").rstrip(".").replace(".", self.say("decimal_mark"))

    def week(self, row: Mapping[str, Any]) -> str:
        """A week by its number and days, or what is before, after or without a day."""
        if row.get("period", WorkloadPeriod.WEEK) != WorkloadPeriod.WEEK:
            return self.of("period", row["period"])
        monday: date = row["monday"]
        sunday = add_days(monday, 6)
        year, number, _ = monday.isocalendar()
        return self.say("week", number=number, year=year, first=self._day(monday), last=self._day(sunday))

    def short_week(self, monday: date) -> str:
        return self.say("week_short", number=monday.isocalendar().week)

    def _day(self, day: date) -> str:
        return self.say("day", day=day.day, month=self.words["month"][str(day.month)])

    def kind(self, row: Mapping[str, Any]) -> str:
        return self.of("meeting" if row["subject"] == "MEETING" else "obligation", row["kind"])


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    return Texts(lang, read_words(__package__, lang))


def render(answer: Mapping[str, Any], lang: str) -> str:
    """The page of an answer of `scheduling.workload`. A team and a provider are called by their ids."""
    words = texts(lang)
    whose = "team" if answer["team"] is not None else "provider" if answer["provider"] is not None else "everybody"
    return template(__package__).render(
        lang=lang,
        skip_to="weeks",
        title=words.say(f"title_{whose}", name=answer["team"] or answer["provider"]),
        answer=answer,
        say=words.say,
        week=words.week,
        kind=words.kind,
        hours=words.hours,
        number=words.number,
        short=sum(row["short"] for row in answer["capacity"]),
        chart=Markup(_chart(answer["capacity"], words)),
    )


def _chart(rows: list[Mapping[str, Any]], words: Texts) -> str:
    """Capacity and demand as lines over the weeks; the description says every week in words."""
    described = " ".join(
        words.say(
            "chart_short" if row["short"] else "chart_enough",
            week=words.short_week(row["monday"]),
            capacity=words.hours(row["capacity"]),
            demand=words.hours(row["demand"]),
            missing=words.hours(row["missing"]),
        )
        for row in rows
    )
    series = [
        Series(words.say(name), tuple(_in_hours(row[name]) for row in rows), ("",) * len(rows))
        for name in ("capacity", "demand")
    ]
    labels = [words.short_week(row["monday"]) for row in rows]
    return lines(words.say("chart"), described, labels, series, lang=words.lang, key="capacity").strip()


def _in_hours(minutes: int) -> Decimal:
    """For the picture alone."""
    return (Decimal(minutes) / 60).quantize(_TENTH, ROUND_HALF_UP)
