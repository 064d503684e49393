"""What came of a caseload, as a page for people: a pure function of what the services answer.

The page is at most 100 columns wide and says nothing about when or how fast it was made, so that the same caseload
gives the same page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from textwrap import wrap
from typing import Any

from .story import WIDTH, Told, kronor, render

#: providers in the table of payments; the others are added up in one row
TOP = 10
#: how the columns of payments are headed, and in which order
_KINDS = {"MONTHLY_FEE": "monthly fees", "SPEED_PREMIUM": "speed premium", "RESULT_BONUS": "result bonus"}
_STATES = ("MET", "OVERDUE", "OPEN", "CANCELLED")

_MEANING = {
    "IN_ASSESSMENT": "not decided, or refused for what can be mended",
    "REJECTED": "not eligible",
    "DECIDED": "decided",
    "AWAITING_CHOICE": "the client has not chosen a provider",
    "OFFERED": "the provider has not answered",
    "ACCEPTED": "accepted, not started",
    "ACTIVE": "running",
    "REASSESSMENT": "running; a new assessment is asked for",
    "SWITCHING": "running; a switch of provider waits for approval",
    "EXITED_PENDING_REVIEW": "over; a person must look at it",
    "SUSTAINABILITY": "ended in work, studies or own business that counts",
    "BROKEN_OFF": "broken off; the client may resume",
    "SETTLED": "broken off, and the period is over",
    "CLOSED": "ended without premium and bonus",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """The answers of the four summary methods, as they came."""

    assignment: Mapping[str, Any]
    scheduling: Mapping[str, Any]
    billing: Mapping[str, Any]
    notifications: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def page(figures: Figures, example: Told | None, correction: Mapping[str, Any] | None, agreement: str) -> str:
    """The whole page. `correction` is a posting that takes one back, with its reason; `agreement` a closing line."""
    parts = [
        _head(figures.assignment),
        _section("Assignments by state", _states(figures.assignment["states"])),
        _section("Paid to providers, SEK (corrections deducted)", _paid(figures.billing["paid"])),
        _section("Deadlines", _deadlines(figures.scheduling["obligations"])),
        _section("Messages", _messages(figures.notifications)),
        _section("Corrections", _corrections(figures.billing, correction)),
        _section("Facts that the rules refused", _refused(figures.assignment["rejections"])),
    ]
    if example is not None:
        told = render(example, brief=True).rstrip("\n").split("\n")
        parts.append(_section("One assignment, krona by krona", told))
    return "\n".join([*parts, agreement]) + "\n"


def interesting(postings: Iterable[Mapping[str, Any]]) -> str | None:
    """The assignment with the most to explain: premium, bonus, correction, more than one provider; then the first."""
    seen: dict[str, set[str]] = defaultdict(set)
    for row in postings:
        seen[row["assignment"]] |= {row["kind"], f"to {row['provider']}"}
        if row["reverses"]:
            seen[row["assignment"]] |= {"correction", f"correction of {row['kind']}"}
    return min(seen, key=lambda name: (-len(seen[name]), name)) if seen else None


def largest_correction(postings: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The posting that takes the most back; of equal ones the first by assignment, run and line."""
    back = [row for row in postings if row["reverses"]]
    order = ("assignment", "run", "kind", "sequence")
    return min(back, key=lambda row: (Decimal(row["amount"]), *(row[name] for name in order))) if back else None


# --- sections ----------------------------------------------------------------------------------------


def _head(summary: Mapping[str, Any]) -> str:
    return (
        f"{summary['assignments']:,} assignments, {summary['facts']:,} facts stated about them,"
        f" business date {summary['business_date']}.\n"
    )


def _section(title: str, rows: Iterable[str]) -> str:
    return "\n".join([title, *(f"  {row}".rstrip() for row in rows), ""])


def _states(states: Mapping[str, int]) -> Iterator[str]:
    order = [*_MEANING, *sorted(set(states) - set(_MEANING))]
    for state in order:
        if states.get(state):
            yield f"{state:22} {states[state]:6,}  {_MEANING.get(state, '')}"


def _paid(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        sums[row["provider"]][row["kind"]] += Decimal(row["amount"])
    kinds = [kind for kind in _KINDS if any(kind in held for held in sums.values())]
    kinds += sorted({kind for held in sums.values() for kind in held} - set(kinds))

    def line(name: str, parts: Iterable[Mapping[str, Decimal]]) -> str:
        held = list(parts)
        cells = [sum((part.get(kind, Decimal(0)) for part in held), Decimal(0)) for kind in kinds]
        return f"{name:16}" + "".join(f"{kronor(cell):>17}" for cell in [*cells, sum(cells, Decimal(0))])

    yield f"{'':16}" + "".join(f"{_KINDS.get(kind, kind)[:16]:>17}" for kind in kinds) + f"{'in all':>17}"
    ranked = sorted(sums, key=lambda name: (-sum(sums[name].values(), Decimal(0)), name))
    for name in ranked[:TOP]:
        yield line(name, [sums[name]])
    if ranked[TOP:]:
        yield line(f"{len(ranked[TOP:])} others", (sums[name] for name in ranked[TOP:]))
    yield line("in all", sums.values())


def _deadlines(kinds: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    def line(name: str, states: Mapping[str, int]) -> str:
        met, missed = states.get("MET", 0), states.get("OVERDUE", 0)
        share = f"{round(100 * met / (met + missed)):4} %" if met + missed else ""
        return f"{name:28}" + "".join(f"{states.get(state, 0):10,}" for state in _STATES) + f"{share:>10}"

    yield f"{'':28}{'met':>10}{'missed':>10}{'open':>10}{'cancelled':>10}{'share met':>11}"
    total: dict[str, int] = defaultdict(int)
    for kind in sorted(kinds):
        yield line(kind, kinds[kind])
        for state, count in kinds[kind].items():
            total[state] += count
    yield line("in all", total)


def _messages(summary: Mapping[str, Any]) -> Iterator[str]:
    """Who was to be told what. What became of the messages depends on how fast the year is played and is left out."""
    to = ", ".join(f"{count:,} to {role.lower().replace('_', ' ')}s" for role, count in summary["recipients"].items())
    yield from wrap(f"{sum(summary['notices'].values()):,} notices{f': {to}' if to else ''}.", WIDTH - 4)
    ranked = sorted(summary["notices"].items(), key=lambda item: (-item[1], item[0]))
    cells = [f"{kind:28}{count:8,}" for kind, count in ranked]
    half = (len(cells) + 1) // 2
    for left, right in zip(cells[:half], [*cells[half:], ""], strict=False):
        yield f"{left}      {right}"


def _corrections(summary: Mapping[str, Any], example: Mapping[str, Any] | None) -> Iterator[str]:
    yield f"{summary['corrections']:,} postings took an earlier one back, {kronor(summary['corrected'])} SEK in all."
    if example is not None:
        what = f"{example['kind']} {example['sequence']} of {example['assignment']}"
        said = (
            f"The largest: {what}, posted to {example['provider']} on {example['reverses']}, was taken back on"
            f" {example['run']} ({kronor(example['amount'])}). {example.get('because', '')}"
        )
        yield from wrap(said.strip(), WIDTH - 4)


def _refused(codes: Mapping[str, int]) -> Iterator[str]:
    for code, count in sorted(codes.items(), key=lambda item: (-item[1], item[0])):
        yield f"{code:34}{count:5,}"


__all__ = ["Figures", "interesting", "largest_correction", "page"]
