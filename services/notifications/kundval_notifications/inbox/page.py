"""An inbox as a page: read on a screen, by a screen reader, or on paper; in Swedish and English.

It needs no script, sets nothing and loads nothing. What is to be told by hand comes first, the overdue at the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from kundval_chassis import held
from kundval_chassis.clock import SWEDEN
from kundval_chassis.db import Tx
from kundval_chassis.html import Words, read_words, template
from kundval_chassis.tokens import Caller
from kundval_contracts.rpc.base import CASE

from . import view

#: notices on a page
NOTICES = 50
#: what is to be told by hand that the page shows; the rest are in the answer of `notifications.tasks`
TASKS = 24
_EVERYTHING: Mapping[str, Any] = {"kind": None, "about": None, "subject": None, "since": None}


@dataclass(frozen=True)
class Texts(Words):
    """The words of one language with what an inbox needs of them."""

    def moment(self, instant: datetime) -> str:
        """An instant by the clock in Sweden."""
        return f"{instant.astimezone(SWEDEN):%Y-%m-%d %H:%M}"


@cache
def texts(lang: str) -> Texts:
    """The words of that language; raises FileNotFoundError for one that there is not."""
    return Texts(lang, read_words(__package__, lang))


def show(tx: Tx, request: Mapping[str, Any], caller: Caller) -> str:
    """The page of an inbox. Raises what `view.inbox` does."""
    found = view.inbox(tx, {**_EVERYTHING, **request, "limit": NOTICES}, caller)
    counted = view.count(tx, request, caller)
    tasks: list[dict[str, Any]] = []
    if caller.role in CASE:
        first = {**request, "subject": None, "overdue": False, "after": None, "limit": TASKS}
        tasks = view.tasks(tx, first, caller)["tasks"]
    tenant = held.tenant_named(tx, request["tenant"])
    return render(found, counted, tasks, view.today_of(tenant).isoformat(), request["lang"])


def render(
    found: Mapping[str, Any],
    counted: Mapping[str, Any],
    tasks: list[dict[str, Any]],
    day: str,
    lang: str,
) -> str:
    """The page of answers of `notifications.inbox`, `.inbox_count` and `.tasks`."""
    words = texts(lang)
    return template(__package__).render(
        lang=lang,
        skip_to="notices",
        title=words.say(f"title_{counted['role']}"),
        say=words.say,
        of=words.of,
        moment=words.moment,
        day=day,
        counted=counted,
        tasks=tasks,
        notices=found["notices"],
        more=found["next"],
    )
