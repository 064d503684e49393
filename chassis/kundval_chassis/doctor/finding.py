"""A finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: where the pages of the runbook are, in the repository and in the built documentation
RUNBOOKS = "docs/runbooks"


class Level(StrEnum):
    """How bad it is. OK: nothing to do. WARN: somebody looks today. BAD: something is wrong now."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """area: a service, "broker" or "suite". what, consequence and action are for a person; runbook is a page's slug.

    Of one that is OK only `what` is said.
    """

    level: Level
    area: str
    what: str
    consequence: str = ""
    action: str = ""
    runbook: str | None = None


def ok(area: str, what: str) -> Finding:
    return Finding(Level.OK, area, what)


def warn(area: str, what: str, consequence: str, action: str, runbook: str | None = None) -> Finding:
    return Finding(Level.WARN, area, what, consequence, action, runbook)


def bad(area: str, what: str, consequence: str, action: str, runbook: str | None = None) -> Finding:
    return Finding(Level.BAD, area, what, consequence, action, runbook)
