"""Words for tests of what `outlook` has beside the notices of the caseload format."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from kundval_contracts.answer import Notice, Posting
from kundval_contracts.case import Case
from kundval_notifications.domain import Heard, Told, outlook
from kundval_scheduling.domain import obligations
from tests.scheduling.builders import d, tenant


def told(
    one: Case,
    as_of: str | date,
    kind: str | None = None,
    given: dict[str, Any] | None = None,
    heard: Iterable[Heard] = (),
    postings: tuple[Posting, ...] = (),
) -> list[Told]:
    """All notices up to a day, or those of a kind, with until when they hold."""
    here = tenant(given)
    day = d(as_of) if isinstance(as_of, str) else as_of
    rows, _ = outlook(one, obligations(one, here, day), postings, here, day, heard)
    return [row for row in rows if kind is None or row.notice.kind == kind]


def brief(rows: Iterable[Told]) -> list[tuple[str, str]]:
    """The day and the role of each."""
    return [(row.notice.on.isoformat(), row.notice.to.value) for row in rows]


def notices(rows: Iterable[Told]) -> list[Notice]:
    return [row.notice for row in rows]


def meeting(what: str, revision: int, on: str, day: str | None, item: str = "m-1", **data: Any) -> Heard:
    """What scheduling told of a meeting: `what` is the end of the event's name, `day` that of the meeting."""
    own = {"kind": "THREE_PARTY_EXTRA", "version": revision, "provider": "alfa", "mandatory": ["CAREER_GUIDE"], **data}
    return Heard(f"scheduling.meeting_{what}", item, revision, d(on), {"day": day, **own})


def heard(name: str, revision: int, on: str, item: str = "", **data: Any) -> Heard:
    return Heard(name, item, revision, d(on), data)
