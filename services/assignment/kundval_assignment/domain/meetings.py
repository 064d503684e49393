"""What a meeting that scheduling tells of is as facts about an assignment (SM-M2, SM-M5, SM-M6).

What a meeting was about is for whoever held it to state: a meeting about a self-assessment, an assessment or study
guidance does not say what came of it. The start-up meeting is the start (SM-A11), and contact with the client is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from kundval_contracts.codes import Channel, FactKind, MeetingKind, Party
from kundval_contracts.facts import Fact, load_fact
from kundval_contracts.meeting_facts import fact_id
from kundval_contracts.rules import rule

BOOKED, HELD, MISSED = "scheduling.meeting_booked", "scheduling.meeting_held", "scheduling.meeting_missed"
CANCELLED, REASSIGNED = "scheduling.meeting_cancelled", "scheduling.meeting_reassigned"
#: the events from which facts follow, or cease to
NEEDS = frozenset({BOOKED, HELD, MISSED, CANCELLED, REASSIGNED})

_K = FactKind
Row = Mapping[str, Any]


def matters(name: str, told: Row) -> bool:
    """Whether an event can change facts: not one about a meeting that never had a time here, or was held elsewhere."""
    return not told.get("elsewhere") if name == HELD else told.get("starts_at") is not None


def facts_of(name: str, told: Row, today: date) -> Iterator[Fact]:
    """The facts that an event tells, known today."""
    if name == BOOKED:
        yield _fact(told, f"booked.{told['revision']}", _K.MEETING_BOOKED, today, **_which(told))
    elif name == MISSED:
        yield _fact(told, "missed", _K.MEETING_MISSED, today, **_which(told))
    elif name == HELD:
        yield from _held(told, today)


@rule("AMI-3-a", "AMI-3-b", "AF-SOM-22", "LOKA-41")
def _held(told: Row, today: date) -> Iterator[Fact]:
    kind, there = MeetingKind(told["kind"]), told.get("attended") is not False
    if there:
        yield _fact(told, "held", _K.MEETING_HELD, today, **_which(told))
    if kind is MeetingKind.START_UP:
        yield _fact(told, "started", _K.STARTED, today)
    if kind in (MeetingKind.WEEKLY_CONTACT, MeetingKind.SYV):
        # guidance is not booked anywhere but in the supplier's premises
        place = "SUPPLIER_PREMISES" if kind is MeetingKind.SYV else None
        yield _fact(
            told,
            "contact",
            _K.CONTACT,
            today,
            channel=Channel(told["mode"]).value if told.get("mode") else Channel.OTHER.value,
            party=Party.CLIENT.value,
            minutes=told.get("minutes"),
            individual=True,
            place=place,
        )
    if kind is MeetingKind.GROUP_SESSION and told.get("activity"):
        yield _fact(
            told,
            "attendance",
            _K.GROUP_ATTENDANCE,
            today,
            activity=told["activity"],
            session=told["meeting"],
            attended=there,
        )


def _which(told: Row) -> dict[str, Any]:
    return {"meeting": told["kind"], "sequence": told["sequence"]}


def _fact(told: Row, what: str, kind: FactKind, today: date, **fields: Any) -> Fact:
    on = date.fromisoformat(told["on"]) if told.get("on") else today
    row = {"fact": kind.value, "on": on, "known_on": max(on, today), **fields}
    return load_fact(row, -1, fact_id(told["meeting"], what))
