"""(i) Billing at size: a month of a municipality with very many assignments, and what looks at all of them.

The sample's assignments of AMI and Jobbpeng, and every fifth one of Stöd och matchning or Rusta och matcha, are copied
into billing's held tables as often as needed. A first payment run posts everything up to a day in the middle of their
time. Then come, each in a process of its own as the service's:

- the month: the business date moves by a month, what has become payable is told, and a run posts it. Beside the run
  stands INSERT ... SELECT of the same entries and rows, as one would write it by hand, into empty tables of the same
  shape.
- everything computed again: the agenda is emptied, and the run looks at all and posts nothing. Beside it COPY of the
  rows that it reads.
- what if: a draft over everything. Beside it the lines of the same cases twice, the cases being in memory already: the
  rest is loading and adding up.
- payments: those of the month are proposed, checked, attested, approved and released with their documents. One that
  corrects an invoice to the employment service is parked, for what was posted before the month is not released.

The promise is that each takes as long for an assignment (or an entry) whatever their number. Of every step it is told
how its time divides into Python, the database's process, and waiting for disk or core.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any

from kundval_chassis import sample
from kundval_contracts.calendar import add_months

from .child import Child
from .machine import Machine
from .report import Report, Row, Spread

MEBIBYTE = 1024 * 1024
PATIENCE = 7200.0
#: of the first run: two of five assignments are under way, and get a month in the next one
FIRST = date(2024, 12, 1)
AS_OF = sample.AS_OF.isoformat()
#: the most by which the time for each may grow from the smallest to the largest size
LINEAR = 1.25

Found = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """`rounds` for each of `counts`: so many months, and so many times everything else but the payments."""

    counts: tuple[int, ...] = (10_000, 100_000)
    rounds: tuple[int, ...] = (3, 1)


FULL = Size(counts=(10_000, 100_000, 300_000), rounds=(3, 1, 1))
QUICK = Size(counts=(1_000, 3_000), rounds=(2, 1))
TINY = Size(counts=(60, 120), rounds=(1, 1))


@dataclass(frozen=True)
class Step:
    """A step of which a row tells: its peer, of what it takes a time each, and the name of that."""

    name: str
    what: str
    peer: str = ""
    peer_name: str = ""
    each: str = "assignments"


STEPS = (
    Step("day", "the date moved by a month: told"),
    Step("month", "the month's run", "insert", "INSERT … SELECT of its entries"),
    Step("again", "everything computed again", "copy", "COPY of what it reads"),
    Step("ask", "what if, over everything", "compute", "the lines twice, in memory"),
    Step("propose", "payments proposed", each="entries"),
    Step("release", "payments released", each="entries"),
)


def measure(machine: Machine, size: Size) -> Report:
    found = {count: _sized(machine, count, rounds) for count, rounds in zip(size.counts, size.rounds, strict=True)}
    report = Report(details={str(count): one for count, one in found.items()})
    for step in STEPS:
        report.rows += [_row(step, count, one) for count, one in found.items()]
    report.rows += [_growth(step, found) for step in STEPS]
    for count, one in found.items():
        report.remarks.append(
            f"(i) {_n(count)} assignments: {one['facts'] / count:.1f} facts each; the first run posted"
            f" {_n(one['first']['postings'])} entries in {one['first']['seconds']:.0f} s ({_shares([one['first']])});"
            f" computing the lines is {_computing(one):.0%} of the processor time of the question"
        )
    return report


def _computing(found: Found) -> float:
    """What share of the processor time of "what if" the lines alone take."""
    asked = sum(one["python"] + one["sql"] for one in found["ask"])
    return float(sum(one["python"] for one in found["compute"]) / asked)


def _row(step: Step, count: int, found: Found) -> Row:
    ours = found[step.name]
    seconds = Spread.of([one["seconds"] for one in ours])
    rates = [_number(step, count, one) / one["seconds"] for one in ours]
    note = f"{_n(round(Spread.of(rates).median))} {step.each} a second; {_shares(ours)};"
    note += f" memory {max(one['peak'] for one in ours) / MEBIBYTE:.0f} MiB{_more(step, ours[-1])}"
    label = f"{step.what}, {_n(count)}"
    if not step.peer:
        return Row("i", label, "s", seconds, note=note)
    theirs = [one["seconds"] for one in found[step.peer]]
    ratio = Spread.of([one["seconds"] / other for one, other in zip(ours, theirs, strict=True)])
    return Row("i", label, "s", seconds, step.peer_name, Spread.of(theirs), ratio, at_most=True, note=note)


def _growth(step: Step, found: dict[int, Found]) -> Row:
    """The time for each with the largest size beside that with the smallest; the processor time alone as a note."""
    least, most = min(found), max(found)
    times, work = [], []
    for count in (least, most):
        steps = [(one, _number(step, count, one)) for one in found[count][step.name]]
        times.append(Spread.of([1000 * one["seconds"] / number for one, number in steps]))
        work.append(Spread.of([1000 * (one["python"] + one["sql"]) / number for one, number in steps]).median)
    ratio = times[1].median / times[0].median
    note = f"processor time alone: {work[1]:.3f} and {work[0]:.3f} ms"
    if work[0]:
        note += f", ratio {work[1] / work[0]:.2f}"
    what, peer = f"{step.what}: for each of the {step.each}, {_n(most)}", _n(least)
    return Row("i", what, "ms", times[1], peer, times[0], Spread.of([ratio]), LINEAR, at_most=True, note=note)


def _number(step: Step, count: int, one: Found) -> int:
    return count if step.each == "assignments" else int(one["entries"])


def _more(step: Step, found: Found) -> str:
    match step.name:
        case "month":
            return f"; {_n(found['postings'])} entries"
        case "ask":
            return f"; {_n(found['changed'])} assignments would change"
        case "propose":
            return f"; {found['payments']} payments, the largest of {_n(found['largest'])} entries"
        case "release":
            return f"; {found['payments']} payments, {found['documents']} documents; {found['parked']} parked"
    return ""


def _shares(steps: list[Found]) -> str:
    """How the time divides, over all rounds. Where the kernel counts in ticks, a hundredth of a second is nothing."""
    whole = sum(one["seconds"] for one in steps)
    python, sql = (min(1.0, sum(one[name] for one in steps) / whole) for name in ("python", "sql"))
    return f"Python {python:.0%}, database {sql:.0%}, waiting {max(0.0, 1 - python - sql):.0%}"


def _sized(machine: Machine, count: int, rounds: int) -> Found:
    with ExitStack() as stack:
        database = stack.enter_context(machine.database())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kundval-bench-"))

        # what is not measured, and the peers
        beside = stack.enter_context(Child(machine, "billing", {"database": database}))

        def aside(command: str, **fields: Any) -> Found:
            return beside.ask(command, patience=PATIENCE, **fields)

        def step(command: str, **fields: Any) -> Found:
            machine.settle()
            with Child(machine, "billing", {"database": database}) as child:
                return child.ask(command, patience=PATIENCE, **fields)

        found: Found = {"facts": aside("seed", count=count, day=FIRST.isoformat())["facts"]}
        found["first"] = step("run", day=FIRST.isoformat())
        aside("set_parties")
        aside("tidy")
        # what was posted before goes on payments that stay proposed: those of the months alone are released
        found["first_proposed"] = aside("propose", day=FIRST.isoformat())
        months = [add_months(FIRST, number + 1).isoformat() for number in range(rounds)]
        for name in ("day", "month", "insert", "propose", "release", "again", "copy", "ask", "compute"):
            found[name] = []
        for month in months:
            found["day"].append(step("begin_day", day=month))
            found["month"].append(step("run", day=month))
            machine.settle()
            found["insert"].append(aside("insert", day=month))
            aside("tidy")
            found["propose"].append(step("propose", day=month))
            aside("agree", day=month)
            found["release"].append(step("release", day=month))
        for _ in range(rounds):
            aside("wake")
            found["again"].append(step("run", day=months[-1]))
            machine.settle()
            found["copy"].append(aside("copy", folder=folder))
            found["ask"].append(step("ask", as_of=AS_OF))
            found["compute"].append(aside("compute", as_of=AS_OF))
        assert not any(one["postings"] for one in found["again"]), "a run posted something for no reason"
    return found


def _n(number: int) -> str:
    return f"{number:_}".replace("_", " ")
