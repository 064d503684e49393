"""`simulate(caseload, as_of)`: the pure cores of the installed services over a caseload. No broker, no database.

The cores are found by the entry point group `kundval.core`; the part of a service that is not installed stays
empty. Nothing here knows a rule: it only decides what each core gets to see, and when.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import entry_points
from typing import Any

from kundval_contracts.answer import Line, Notice, Obligation, Posting, Rejection, answer
from kundval_contracts.case import Case, Tenant
from kundval_contracts.caseload import Assignment, Caseload

GROUP = "kundval.core"


@dataclass(frozen=True, slots=True)
class Cores:
    """The core functions of the installed services; None where a service is not installed."""

    judge: Callable[..., Any] | None = None
    obligations: Callable[..., tuple[Obligation, ...]] | None = None
    lines: Callable[..., tuple[Line, ...]] | None = None
    settle: Callable[..., tuple[Posting, ...]] | None = None
    notices: Callable[..., tuple[Notice, ...]] | None = None


def installed() -> Cores:
    """The cores of this environment. A service that is installed but broken raises its own ImportError."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    return Cores(**{name: found[name].load() for name in Cores.__dataclass_fields__ if name in found})


@dataclass(slots=True)
class Outcome:
    """What the cores say about one assignment."""

    assignment: str
    state: str | None = None
    lines: tuple[Line, ...] = ()
    postings: list[Posting] = field(default_factory=list)
    obligations: tuple[Obligation, ...] = ()
    notices: tuple[Notice, ...] = ()
    rejections: tuple[Rejection, ...] = ()


def simulate(caseload: Caseload, as_of: date | None = None, cores: Cores | None = None) -> dict[str, Any]:
    """The answer of the caseload format, as JSON values. `as_of` overrides the caseload's."""
    return answer_of(as_of or caseload.as_of, list(outcomes(caseload, as_of, cores)))


def answer_of(as_of: date, results: Sequence[Outcome]) -> dict[str, Any]:
    """The outcomes of all assignments as the answer of the caseload format."""
    return answer(
        as_of,
        (row.as_json() for one in results for row in one.lines),
        (row.as_json() for one in results for row in one.postings),
        (row.as_json() for one in results for row in one.obligations),
        (row.as_json() for one in results for row in one.notices),
        (row.as_json() for one in results for row in one.rejections),
    )


def outcomes(caseload: Caseload, as_of: date | None = None, cores: Cores | None = None) -> Iterator[Outcome]:
    """The outcome of every assignment, in the file's order, with the derivations that the answer leaves out."""
    seen = caseload.at(as_of) if as_of is not None else caseload
    cores = cores or installed()
    tenant = seen.tenant()
    runs = [replace(tenant, business_date=run) for run in seen.runs]
    today = replace(tenant, business_date=seen.as_of)
    for assignment in seen.assignments:
        yield outcome(assignment, runs, today, cores)


def outcome(assignment: Assignment, runs: Iterable[Tenant], today: Tenant, cores: Cores) -> Outcome:
    """One assignment: the payment runs in order, each with what was known then, and the answer of today.

    runs, today: the tenant on each of these business dates.
    """
    result = Outcome(assignment.id)
    known = _Knowledge(assignment, today, cores)
    if cores.lines is not None and cores.settle is not None:
        for dated in runs:
            run = _day(dated)
            case = known.case(run)
            if case.facts:
                lines = cores.lines(case, dated, run)
                result.postings += cores.settle(tuple(result.postings), lines, run, dated)
    as_of = _day(today)
    if cores.judge is not None:
        judgement = cores.judge(assignment.case(as_of), assignment.client, today)
        result.rejections, result.state = judgement.rejections, str(judgement.state)
    case = known.case(as_of)
    if cores.lines is not None:
        result.lines = tuple(cores.lines(case, today, as_of))
    if cores.obligations is not None:
        result.obligations = tuple(cores.obligations(case, today, as_of))
    if cores.notices is not None:
        result.notices = tuple(cores.notices(case, result.obligations, tuple(result.postings), today, as_of))
    return result


class _Knowledge:
    """The facts in effect by day; judged again only when a further fact has become known."""

    def __init__(self, assignment: Assignment, tenant: Tenant, cores: Cores) -> None:
        self._assignment, self._tenant, self._judge = assignment, tenant, cores.judge
        self._days = sorted(fact.known_on for fact in assignment.facts)
        self._known: int | None = None
        self._case = Case(assignment.id, assignment.programme)

    def case(self, day: date) -> Case:
        """The case as the other services hold it on `day`; every stated fact if assignment is not installed."""
        known = bisect_right(self._days, day)
        if self._known != known:
            self._known = known
            self._case = stated = self._assignment.case(day)
            if self._judge is not None and known:
                self._case = stated.having(self._judge(stated, self._assignment.client, self._tenant).in_effect)
        return self._case


def _day(tenant: Tenant) -> date:
    if tenant.business_date is None:
        raise ValueError("the tenant has no business date")
    return tenant.business_date
