"""The derivation of a line or a posting as a tree: rules, conditions, the facts behind each number, the arithmetic.

A tree says nothing new. It puts beside a line what the line names: the facts by their ids, the running value of its
steps, the posting that is taken back with its own tree, and what became known since. Words come later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from kundval_contracts.answer import Line, Posting, Step, running
from kundval_contracts.case import Case
from kundval_contracts.codes import FactKind, LineKind, Programme
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.tariffs import Model, in_force
from kundval_contracts.timeline import Timeline

from .conditions import Condition, conditions

#: The facts that money looks at, each with the fields that matter there: codes, days, numbers, opaque ids.
MATTERS: Mapping[FactKind, tuple[str, ...]] = MappingProxyType(
    {
        FactKind.DECIDED: ("end_date",),
        FactKind.PROVIDER_CHOSEN: ("provider",),
        FactKind.DECLINED: ("provider",),
        FactKind.STEPPED_BACK: (),
        FactKind.STARTED: (),
        FactKind.PROVIDER_SWITCH: ("provider", "approved"),
        FactKind.SWITCH_NOTIFIED: ("provider",),
        FactKind.TRACK_DECIDED: ("programme",),
        FactKind.MANUAL_DECISION: ("about", "approved"),
        FactKind.EXITED: (
            "kind",
            "first_day",
            "workplace",
            "extent_pct",
            "employment_form",
            "contract_until",
            "hourly_cover_until",
            "csn_eligible",
            "study_start_support",
            "household_support",
            "household_income_support",
            "documents",
        ),
        FactKind.REASSESSED: ("outcome",),
        FactKind.PREMIUM_FOLLOW_UP: ("month", "continues"),
        FactKind.BROKE_OFF: (),
        FactKind.RESUMED: ("provider",),
        FactKind.WORKPLACE_CHANGED: ("workplace", "gap_days"),
        FactKind.EB_PAID: ("from", "to", "scope"),
        FactKind.BONUS_CLAIMED: ("certified", "documents", "covers_until"),
        FactKind.RESULT_REPORTED: ("amount",),
        FactKind.EXTENDED: (),
    }
)

#: What nobody but the municipality is shown: a provider gets the sentence of the rule, and not what a household got.
OF_THE_MUNICIPALITY = frozenset({FactKind.EB_PAID})
#: Fields that say what a household lives on.
OF_THE_HOUSEHOLD = frozenset({"household_support", "household_income_support"})
#: Fields that say where somebody is.
PLACES = frozenset({"provider", "workplace"})


@dataclass(frozen=True, slots=True)
class Learned:
    """A fact as it became known: `learned_on` is the first business date on which it could count.

    in_effect: False if what became known is that it does not count (any more). decisive: whether the answer of today
    would be another without it; None where nobody has asked.
    """

    fact: Fact
    learned_on: date | None = None
    in_effect: bool = True
    decisive: bool | None = None


#: The parts of a tariff that give each kind of line its money.
MODELS: Mapping[LineKind, tuple[Model, ...]] = MappingProxyType(
    {
        LineKind.MONTHLY_FEE: (Model.AMI_MONTHLY_FEE, Model.JOBBPENG_FEE),
        LineKind.SPEED_PREMIUM: (Model.AMI_SPEED_PREMIUM,),
        LineKind.RESULT_BONUS: (Model.RESULT_BONUS_FLAT, Model.RESULT_BONUS_TIERS),
        LineKind.BASE: (Model.SOM_PERIOD_BASE, Model.RUM_MONTH_BASE),
        LineKind.RESULT: (Model.REPORTED_RESULT,),
        LineKind.SOM_SPEED_PREMIUM: (Model.SOM_SPEED_PREMIUM,),
        LineKind.RUM_SPEED_PREMIUM: (Model.RUM_SPEED_PREMIUM,),
    }
)


@dataclass(frozen=True, slots=True)
class Basis:
    """The tariff that a line's money comes from, and the clause that it stands in.

    valid_from: its version; None: there is one without a date. locked_on: the decision that it is locked to (WE-52).
    """

    programme: Programme
    valid_from: date | None
    locked_on: date
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """A step with what stands after it, exact; `posting` is the tree of the posting that it starts from."""

    step: Step
    result: Decimal
    facts: tuple[Fact, ...] = ()
    posting: Tree | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """The derivation of `about`. `facts` decided where it stands; `learned` is why a posting was taken back."""

    about: Line | Posting
    rows: tuple[Row, ...]
    conditions: tuple[Condition, ...] = ()
    facts: tuple[Fact, ...] = ()
    learned: tuple[Learned, ...] = ()
    entry: int | None = None
    basis: Basis | None = None

    @property
    def amount(self) -> Decimal:
        return self.about.amount


@rule("NACKA-11")
def basis_of(about: Line | Posting, case: Case, settings: RuleSettings) -> Basis | None:
    """The tariff behind a line or posting: what its steps say of the version, else the one locked by the decision.

    None if no tariff has such money: the line comes from another time.
    """
    decided_on = Timeline(case, settings).decided_on
    if decided_on is None:
        return None
    said = {name: value for step in about.steps if step.said for name, value in step.said.values.items()}
    # the employment service may have decided another track or level than the assignment began with
    programme = Programme(said.get("track") or said.get("level") or case.programme)
    try:
        terms = in_force(settings, programme, decided_on, case.delivery_area)
    except LookupError:
        return None
    part = terms.part(*MODELS[about.kind])
    if part is None:
        return None
    version = _day(said.get("tariff.tariff") or said.get("tariff")) or terms.version.valid_from
    return Basis(programme, version, decided_on, part.source)


def _day(text: str | None) -> date | None:
    """The day that a step names as the version of its tariff; None where it names something else, or nothing."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None


def tree_of_line(line: Line, facts: Mapping[str, Fact], basis: Basis | None = None) -> Tree:
    """The tree of a line. `facts`: by id, all that are held of the assignment; an id that is not among them is left
    out.
    """
    rows = tuple(_rows(line.steps, facts, None))
    return Tree(line, rows, conditions(line), _named(line.facts, facts), basis=basis)


def tree_of_posting(
    posting: Posting,
    facts: Mapping[str, Fact],
    *,
    entry: int | None = None,
    before: Tree | None = None,
    learned: Iterable[Learned] = (),
    basis: Basis | None = None,
) -> Tree:
    """The tree of a posting. `before`: of the posting that it takes back; `learned`: what became known in between.

    Raises ValueError for a posting that takes back another amount than `before` has.
    """
    if before is not None and (posting.reverses is None or before.amount != -posting.amount):
        raise ValueError("a posting is taken back in full, by the exact negative of its amount")
    rows = tuple(_rows(posting.steps, facts, before))
    return Tree(posting, rows, (), _named(posting.facts, facts), tuple(learned), entry, basis)


def taken_back_by(postings: Sequence[tuple[int, Posting]], entry: int) -> int | None:
    """The entry that `entry` takes back: of the same line and run, with the exact negative of the amount, and not
    taken back before. None if it takes nothing back. `postings` are all of the assignment, oldest first.
    """
    open_: dict[tuple[object, ...], list[int]] = {}
    for number, posting in postings:
        if posting.reverses is None:
            open_.setdefault((*posting.key, posting.run, posting.amount), []).append(number)
            continue
        stands = open_.get((*posting.key, posting.reverses, -posting.amount), [])
        earlier = stands.pop(0) if stands else None
        if number == entry:
            return earlier
    return None


def _rows(steps: Sequence[Step], facts: Mapping[str, Fact], before: Tree | None) -> Iterator[Row]:
    for number, (step, result) in enumerate(zip(steps, running(steps), strict=True)):
        yield Row(step, result, _named(step.facts, facts), before if number == 0 else None)


def _named(ids: Iterable[str], facts: Mapping[str, Fact]) -> tuple[Fact, ...]:
    return tuple(facts[one] for one in dict.fromkeys(ids) if one in facts)
