"""The page of the notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kundval_contracts.notices import NoticeTerms, Route, notice_table
from kundval_contracts.obligations import Step
from kundval_contracts.obligations import terms as obligation_terms

from .markdown import code, listed, page, table

NOTICES_INTRO = (
    "Who is told what, of which cause, how soon and by which way, as it is for every municipality: "
    "[notices.toml](../../contracts/kundval_contracts/data/notices.toml), whose head explains the keys. A municipality "
    "changes urgency, channels, repetition, escalation, and whether a role is told at all, with the setting "
    "`notices.table` ([how](../how-to/messages.md#change-who-is-told-what)). Everybody but clients has the inbox "
    "besides, whatever the channels.\n\n"
    "*While*: what has to hold for the notice to be sent, told again and escalated; what does not hold any more is "
    "withdrawn before it leaves. Without it the notice is worth sending whatever comes after. *Told again* and *rises* "
    "are counted from the day of the notice. A client is told by e-mail or SMS only that there is something to read."
)


def notices_page() -> str:
    rows = [row for terms in notice_table().values() for row in _notice_rows(terms)]
    columns = ("kind", "to", "urgency", "channels, in order", "told again", "rises", "while", "causes", "rules")
    risen: dict[tuple[Step, ...], list[str]] = {}
    for terms in obligation_terms().values():
        if terms.escalation:
            risen.setdefault(terms.escalation, []).append(terms.kind)
    return page(
        "Notices",
        NOTICES_INTRO,
        table(columns, rows),
        "## Obligations that rise",
        RISING,
        table(("obligations", "rise"), ((listed(kinds), _steps(steps)) for steps, kinds in risen.items())),
    )


RISING = (
    "`OBLIGATION_DUE_SOON` and `OBLIGATION_OVERDUE` go to whoever answers for the obligation, `OBLIGATION_ESCALATED` "
    "to whom it rises, counted from the first day of the delay, with all that was told before. The steps are data: "
    "[obligations.toml](../../contracts/kundval_contracts/data/obligations.toml)."
)


def _notice_rows(terms: NoticeTerms) -> Iterator[tuple[str, ...]]:
    """A row for each role; what all have in common stands in the first."""
    still = "" if terms.still == "ALWAYS" else code(terms.still)
    days = f"{terms.lapses_after_days} days" if terms.lapses_after_days else ""
    common = ("; ".join(filter(None, (still, days))), listed(terms.causes), ", ".join(terms.rules))
    for place, route in enumerate(terms.routes.values()):
        yield (
            code(terms.kind),
            code(route.role),
            "nobody is told" if route.off else code(route.urgency),
            listed(route.channels),
            _repeated(route),
            _steps(route.escalation),
            *(common if place == 0 else ("", "", "")),
        )


def _repeated(route: Route) -> str:
    if route.repeat is None:
        return ""
    return f"each {_number_of(route.repeat.every_workdays, 'working day')}, {_number_of(route.repeat.most, 'time')}"


def _steps(steps: Iterable[Step]) -> str:
    return ", ".join(map(_step, steps))


def _step(step: Step) -> str:
    after = f"after {_number_of(step.after, 'working day' if step.workdays else 'day')}" if step.after else "at once"
    return f"to {code(step.to)} {after}"


def _number_of(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
