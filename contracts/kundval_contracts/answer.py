"""What the cores answer: lines, postings, obligations, notices, rejections. Same shapes in file, RPC and page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from .codes import LineKind, LineStatus, ObligationKind, ObligationState, Role, SubjectKind

CURRENCY = "SEK"

#: The kinds of obligation that the caseload format knows. Its list is closed: the suite plans others beside them.
CASELOAD_KINDS = frozenset(
    {
        ObligationKind.MAPPING_AND_PLAN,
        ObligationKind.STUDY_GUIDANCE,
        ObligationKind.WEEKLY_CONTACT,
        ObligationKind.JOB_SEARCH_QUOTA,
        ObligationKind.PLACEMENT,
        ObligationKind.FOLLOWUP_MEETING,
        ObligationKind.THREE_PARTY_MEETING,
        ObligationKind.MONTHLY_REPORT,
        ObligationKind.FINAL_REPORT,
        ObligationKind.BIP_ASSESSMENT,
        ObligationKind.PREMIUM_FOLLOW_UP,
        ObligationKind.BONUS_CLAIM,
        ObligationKind.WORKPLACE_FOLLOW_UP,
        ObligationKind.SERVE_TRIPARTITE_AGREEMENT,
        ObligationKind.PROMPT_NOTICE,
        ObligationKind.WEEKLY_MINIMUM,
        ObligationKind.SYV,
    }
)
#: The notices that are about an obligation of any kind, which only its rules tell in the answer.
_GENERAL_NOTICES = frozenset({"OBLIGATION_DUE_SOON", "OBLIGATION_OVERDUE"})


def money(amount: Decimal) -> str:
    """Two decimals, as on the wire. Raises ValueError if that would round."""
    exact = amount.quantize(Decimal("0.01"))
    if exact != amount:
        raise ValueError(f"{amount} has more than two decimals")
    return f"{exact:.2f}"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence by its code and the values in it, so that it can be said in another language too.

    `values` are strings: dates and amounts as on the wire, numbers, codes, opaque ids; never personal data.
    """

    code: str
    values: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "values": dict(self.values)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Said:
        """The sentence that `as_json` wrote."""
        return cls(row["code"], row["values"])


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a derivation: `amount` starts or adds, `factor` multiplies what stands so far, `divisor` divides it.

    A share of a month is a factor and a divisor (`21` days of `31`), so that nothing is rounded on the way.
    `what` is a stable text without personal data, `said` the same by its code. `facts` are the ids of the facts from
    which the numbers of this step come. `recompute(steps)` gives the amount.
    """

    what: str
    amount: Decimal | None = None
    factor: Decimal | None = None
    divisor: Decimal | None = None
    said: Said | None = None
    facts: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {"what": self.what}
        if self.amount is not None:
            row["amount"] = str(self.amount)
        if self.factor is not None:
            row["factor"] = str(self.factor)
        if self.divisor is not None:
            row["divisor"] = str(self.divisor)
        if self.said is not None:
            row["said"] = self.said.as_json()
        if self.facts:
            row["facts"] = list(self.facts)
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Step:
        """The step that `as_json` wrote."""
        numbers = {name: Decimal(row[name]) for name in ("amount", "factor", "divisor") if name in row}
        said = Said.from_json(row["said"]) if "said" in row else None
        return cls(row["what"], **numbers, said=said, facts=tuple(row.get("facts", ())))


def running(steps: Iterable[Step]) -> Iterator[Decimal]:
    """What stands after each step of a derivation, exact."""
    total = Decimal(0)
    for step in steps:
        if step.amount is not None:
            total += step.amount
        if step.factor is not None:
            total *= step.factor
        if step.divisor is not None:
            total /= step.divisor
        yield total


def recompute(steps: Iterable[Step]) -> Decimal:
    """The amount that a derivation leads to, rounded half up to the öre at the end."""
    *_, total = (Decimal(0), *running(steps))
    return total.quantize(Decimal("0.01"), ROUND_HALF_UP)


def recompute_tree(tree: Mapping[str, Any]) -> Decimal:
    """The amount that an explanation in its JSON form leads to, by nothing but what stands in it.

    `tree` is the `tree` of `billing.explanation`. A step that starts from a posting takes what that posting's own
    explanation leads to, so that an amount that is taken back is traced to how it came about.
    """
    steps = []
    for row in tree["steps"]:
        amount, factor, divisor = (
            None if row[name] is None else Decimal(row[name]) for name in ("amount", "factor", "divisor")
        )
        if row["posting"] is not None:
            amount = recompute_tree(row["posting"])
        steps.append(Step(row["text"], amount, factor, divisor))
    return recompute(steps)


@dataclass(frozen=True, slots=True)
class Line:
    """A billing line: what is due to a provider for a period, its status and why."""

    assignment: str
    provider: str
    kind: LineKind
    sequence: int
    start: date
    end: date
    amount: Decimal
    status: LineStatus
    payable_from: date | None
    rules: tuple[str, ...]
    because: str
    steps: tuple[Step, ...] = ()
    #: `because` by its code; not part of the answer
    said: Said | None = None
    #: ids of the facts that decided what the line stands at; not part of the answer
    facts: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, int]:
        return (self.assignment, self.provider, self.kind.value, self.sequence)

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "provider": self.provider,
            "kind": self.kind.value,
            "sequence": self.sequence,
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "amount": money(self.amount),
            "currency": CURRENCY,
            "status": self.status.value,
            "payable_from": self.payable_from.isoformat() if self.payable_from else None,
            "rules": list(self.rules),
            "because": self.because,
        }


@dataclass(frozen=True, slots=True)
class Posting:
    """A signed row of the ledger. `reverses` is the run whose posting of the same line it takes back."""

    run: date
    assignment: str
    provider: str
    kind: LineKind
    sequence: int
    amount: Decimal
    reverses: date | None = None
    rules: tuple[str, ...] = ()
    because: str = ""
    steps: tuple[Step, ...] = ()
    said: Said | None = None
    facts: tuple[str, ...] = ()
    #: the period of the line, half-open; not part of the answer
    start: date | None = None
    end: date | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        return (self.assignment, self.provider, self.kind.value, self.sequence)

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run.isoformat(),
            "assignment": self.assignment,
            "provider": self.provider,
            "kind": self.kind.value,
            "sequence": self.sequence,
            "amount": money(self.amount),
            "reverses": self.reverses.isoformat() if self.reverses else None,
        }


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something that somebody must have done by `due` (plus a tolerance)."""

    assignment: str
    kind: ObligationKind
    sequence: int
    due: date | None
    responsible: Role
    state: ObligationState
    met_on: date | None
    rules: tuple[str, ...]
    #: day after which it is OVERDUE, i.e. due + tolerance; not part of the answer
    overdue_after: date | None = None
    #: who is in charge, when the responsible role is PROVIDER; not part of the answer
    provider: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.assignment, self.kind.value, self.sequence)

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "kind": self.kind.value,
            "sequence": self.sequence,
            "due": self.due.isoformat() if self.due else None,
            "responsible": self.responsible.value,
            "state": self.state.value,
            "met_on": self.met_on.isoformat() if self.met_on else None,
            "rules": list(self.rules),
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that somebody is to get, once. `sequence` tells two of a kind on a day apart.

    `assignment` is the id of what `about` says, an assignment as a rule. `round` counts how often it was told before.
    """

    assignment: str
    kind: str
    to: Role
    on: date
    rules: tuple[str, ...]
    sequence: int = 1
    #: provider to whom it goes when `to` is PROVIDER; not part of the answer
    provider: str | None = None
    #: codes, dates and amounts that the text needs; never names or free text; not part of the answer
    values: Mapping[str, str] = field(default_factory=dict)
    about: SubjectKind = SubjectKind.ASSIGNMENT
    round: int = 0

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        return (self.assignment, self.kind, self.to.value, self.on.isoformat(), self.sequence)

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "kind": self.kind,
            "to": self.to.value,
            "on": self.on.isoformat(),
            "rules": list(self.rules),
        }


@dataclass(frozen=True, slots=True)
class Rejection:
    """A fact that the rules do not let take effect. `fact` counts from 0 in the order of the file."""

    assignment: str
    fact: int
    code: str
    message: str
    rules: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "fact": self.fact,
            "code": self.code,
            "message": self.message,
            "rules": list(self.rules),
        }


def totals(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sums of the PAYABLE lines by assignment, provider and kind (lines in their JSON form)."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        if line["status"] == LineStatus.PAYABLE.value:
            sums[line["assignment"], line["provider"], line["kind"]] += Decimal(line["amount"])
    return [
        {"assignment": assignment, "provider": provider, "kind": kind, "amount": money(amount)}
        for (assignment, provider, kind), amount in sorted(sums.items())
    ]


#: fields of an obligation in the answer; a service shows more of it
OBLIGATION_FIELDS = ("assignment", "kind", "sequence", "due", "responsible", "state", "met_on", "rules")


def _by(*names: str) -> Any:
    return lambda row: tuple("" if row[name] is None else row[name] for name in names)


@cache
def _caseload_rules() -> frozenset[str]:
    """The rules that an obligation of a kind of the format can name."""
    from .obligations import terms  # which reads a file: only who gives an answer needs it

    return frozenset(one for kind in CASELOAD_KINDS for one in terms()[kind].rules)


def _of_the_format(obligations: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The obligations of the format's kinds with the format's fields; a service shows more of them."""
    for row in obligations:
        if row["kind"] in CASELOAD_KINDS:
            yield {name: row[name] for name in OBLIGATION_FIELDS}


#: fields of a notice in the answer; a service shows more of it
NOTICE_FIELDS = ("assignment", "kind", "to", "on", "rules")


def is_in_caseload(notice: Mapping[str, Any]) -> bool:
    """Whether a notice, as a service shows it, is of a kind of the format and told for the first time."""
    from .notices import CASELOAD_NOTICES  # as above

    return notice["kind"] in CASELOAD_NOTICES and not notice.get("round", 0)


def _notices_of_the_format(notices: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The notices of the format's kinds with the format's fields, each told once.

    Without those about an obligation of a kind that the format does not know.
    """
    for row in notices:
        general = row["kind"] in _GENERAL_NOTICES
        if is_in_caseload(row) and not (general and _caseload_rules().isdisjoint(row["rules"])):
            yield {name: row[name] for name in NOTICE_FIELDS}


def answer(
    as_of: date,
    lines: Iterable[dict[str, Any]],
    postings: Iterable[dict[str, Any]],
    obligations: Iterable[dict[str, Any]],
    notices: Iterable[dict[str, Any]],
    rejections: Iterable[dict[str, Any]],
) -> dict[str, Any]:
    """The whole answer of `simulate` and `play`, sorted so that equal contents are equal bytes.

    Obligations of kinds that the caseload format does not know, and the notices about them, are left out.
    """
    held = list(lines)
    return {
        "as_of": as_of.isoformat(),
        "lines": sorted(held, key=_by("assignment", "from", "kind", "sequence", "provider")),
        "postings": sorted(
            postings, key=_by("assignment", "run", "kind", "sequence", "provider", "amount", "reverses")
        ),
        "totals": totals(held),
        "obligations": sorted(_of_the_format(obligations), key=_by("assignment", "due", "kind", "sequence")),
        "notices": sorted(
            _notices_of_the_format(notices),
            key=lambda row: json.dumps([row[k] for k in ("assignment", "on", "kind", "to", "rules")]),
        ),
        "rejections": sorted(rejections, key=_by("assignment", "fact", "code")),
    }
