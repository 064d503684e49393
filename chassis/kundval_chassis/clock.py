"""The machine's clock, for the edge only: no core reads it, the business date is passed in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SWEDEN = ZoneInfo("Europe/Stockholm")


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def business_date(instant: datetime | None = None) -> date:
    """The date in Sweden at `instant` (aware; default: now)."""
    if instant is not None and instant.tzinfo is None:
        raise ValueError("an instant without offset has no date in Sweden")
    return (instant or now()).astimezone(SWEDEN).date()
