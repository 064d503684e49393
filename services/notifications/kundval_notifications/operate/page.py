"""The operator's view as a page: read on a screen, by a screen reader, or on paper; in Swedish and English.

It needs no script, sets nothing and loads nothing. What the picture shows stands in words beside it, and in a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from markupsafe import Markup

from kundval_chassis import clock
from kundval_chassis.chart import Series, lines
from kundval_chassis.db import Tx
from kundval_chassis.html import Words, read_words, template
from kundval_chassis.tokens import Caller
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import MessageState

from ..inbox import page as inbox_page
from . import view

#: failures that the page shows; the rest are in the answer of `notifications.failures`
FAILURES = 24
#: states of a message that has gone out
_OUT = frozenset({MessageState.SENT, MessageState.DELIVERED})


@dataclass(frozen=True)
class Texts(Words):
    """The words of one language with what the operator's view needs of them. Names of kinds, roles and states are those
    of the inbox.
    """

    def of(self, table: str, code: str) -> str:
        if table in self.words:
            return super().of(table, code)
        return inbox_page.texts(self.lang).of(table, code)

    def moment(self, instant: datetime) -> str:
        return inbox_page.texts(self.lang).moment(instant)

    def share(self, value: str | None) -> str:
        """A share of one in per cent with one decimal; a dash where there is none."""
        if value is None:
            return self.say("nothing")
        number = (Decimal(value) * 100).quantize(Decimal("0.1"))
        return self.say("percent", n=str(number).replace(".", self.say("decimal_mark")))

    def seconds(self, row: Mapping[str, Any]) -> str:
        if not row["messages"]:
            return self.say("nothing")
        return f"{row['median']} · {row['p90']} · {row['p99']}"


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    return Texts(lang, read_words(__package__, lang))


def show(tx: Tx, request: Mapping[str, Any], caller: Caller) -> str:
    """The page of a tenant. Raises what `view.figures` does."""
    failed = {**request, "channel": None, "since": None, "retrying": False, "after": None, "limit": FAILURES}
    return render(
        view.queue(tx, request), view.failures(tx, failed, caller), view.figures(tx, request), clock.now(),
        request["lang"],
    )  # fmt: skip


def render(
    queue: Mapping[str, Any], failures: Mapping[str, Any], figures: Mapping[str, Any], now: datetime, lang: str
) -> str:
    """The page of answers of `notifications.queue`, `.failures` and `.figures`."""
    words = texts(lang)
    return template(__package__).render(
        lang=lang,
        skip_to="failures",
        title=words.say("title"),
        say=words.say,
        of=words.of,
        moment=words.moment,
        share=words.share,
        seconds=words.seconds,
        at=words.moment(now),
        first=figures["from"],
        last=add_days(figures["to"], -1),
        queue=queue,
        waiting=sum(row["messages"] for row in queue["waiting"]),
        leaving=sum(row["dispatches"] for row in queue["leaving"]),
        failures=failures["failures"],
        more=failures["next"] is not None,
        periods=figures["periods"],
        total=figures["total"],
        volumes=_volumes(figures["volumes"]),
        chart=Markup(_chart(figures, words)),
    )


def _volumes(rows: Sequence[Mapping[str, Any]]) -> list[tuple[tuple[str, str | None, str], int]]:
    """By kind, channel and state in the whole period, the most frequent first."""
    added: Counter[tuple[str, str | None, str]] = Counter()
    for row in rows:
        added[row["kind"], row["channel"], row["state"]] += row["messages"]
    return sorted(added.items(), key=lambda one: (-one[1], *map(str, one[0])))


def _chart(figures: Mapping[str, Any], words: Texts) -> str:
    """All messages and those that have gone out as lines over the periods; nothing without any."""
    periods = [row["period"] for row in figures["periods"]]
    if not periods:
        return ""
    every: Counter[str] = Counter()
    out: Counter[str] = Counter()
    for row in figures["volumes"]:
        every[row["period"]] += row["messages"]
        if row["state"] in _OUT:
            out[row["period"]] += row["messages"]
    described = " ".join(
        words.say("chart_point", period=period, all=every[period], out=out[period]) for period in periods
    )
    series = [
        Series(words.say(name), tuple(counted[period] for period in periods), ("",) * len(periods))
        for name, counted in (("chart_all", every), ("chart_out", out))
    ]
    return lines(words.say("chart"), described, periods, series, lang=words.lang, key="messages").strip()
