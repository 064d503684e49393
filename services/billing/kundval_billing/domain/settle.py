"""Payment runs (rulebook SM-P3, P4, P10, P11, B10): the difference between what is due and what was posted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from kundval_contracts.answer import Line, Posting
from kundval_contracts.case import Tenant
from kundval_contracts.codes import LineKind, LineStatus
from kundval_contracts.phrases import say, step, text
from kundval_contracts.rules import rule

Key = tuple[str, str, str, int]


@rule("AMI-10-a", "AMI-9-b", "AMI-10.1-f")
def settle(posted: Sequence[Posting], lines: Iterable[Line], run: date, tenant: Tenant) -> tuple[Posting, ...]:
    """The new postings of the run on `run`, in a fixed order; () when nothing has changed.

    A line counts if it is PAYABLE with `payable_from <= run`. Where what is due differs from what stands, every
    standing posting of the line is taken back in full and the new amount is posted, so that each row of the
    ledger is either a whole amount with its derivation or the exact negative of one. Nothing is set off between
    lines: premium and bonus are settled apart (AMI-10-a).
    """
    held = {line.key: line for line in lines}
    books: dict[Key, list[Posting]] = {}
    for posting in posted:
        books.setdefault(posting.key, []).append(posting)
    new: list[Posting] = []
    for key in sorted({*held, *books}):
        new += _difference(held.get(key), standing(books.get(key, ())), run, tenant)
    return tuple(new)


def _difference(line: Line | None, stands: Sequence[Posting], run: date, tenant: Tenant) -> Iterator[Posting]:
    due = due_by(line, run)
    net = sum((posting.amount for posting in stands), Decimal(0))
    if net == due or (net > due and keeps_premium(line, tenant)):
        return
    for posting in stands:
        yield _taken_back(posting, line, run)
    if line is not None and due:
        key = (line.assignment, line.provider, line.kind, line.sequence)
        yield Posting(
            run, *key, due, None, line.rules, line.because, line.steps, line.said, line.facts, line.start, line.end
        )


def due_by(line: Line | None, run: date) -> Decimal:
    """What of a line is payable on `run`."""
    if line is None or line.status is not LineStatus.PAYABLE:
        return Decimal(0)
    return line.amount if line.payable_from is not None and line.payable_from <= run else Decimal(0)


@rule("AMI-10.1-f")
def keeps_premium(line: Line | None, tenant: Tenant) -> bool:
    """AMB-14 A: a premium month that was paid before the break-off became known stays paid.

    Only the break-off is meant: a month that became an ordinary one, was refused by a person or is on hold is
    settled like any other line.
    """
    return (
        line is not None
        and line.kind is LineKind.SPEED_PREMIUM
        and tenant.settings["premium.clawback"] == "NONE"
        and line.status in (LineStatus.STOPPED, LineStatus.PAYABLE)
    )


def standing(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The postings of one line that have not been taken back, in the order given."""
    taken = Counter((posting.reverses, -posting.amount) for posting in postings if posting.reverses is not None)
    left: list[Posting] = []
    for posting in postings:
        if posting.reverses is not None:
            continue
        mark = (posting.run, posting.amount)
        if taken[mark]:
            taken[mark] -= 1
        else:
            left.append(posting)
    return tuple(left)


def _taken_back(posting: Posting, line: Line | None, run: date) -> Posting:
    # a line that there is no more keeps no sentence; one without a code comes from before there were codes
    said = say("posting.taken_back", why=(line and line.said) or say("posting.not_due"))
    return Posting(
        run,
        posting.assignment,
        posting.provider,
        posting.kind,
        posting.sequence,
        -posting.amount,
        posting.run,
        line.rules if line is not None else posting.rules,
        text(said),
        (step("step.posted", posting.amount, run=posting.run), step("step.taken_back", factor=Decimal(-1))),
        said,
        line.facts if line is not None else (),
        posting.start,
        posting.end,
    )


def next_change(lines: Iterable[Line], day: date) -> date | None:
    """The first day after `day` on which time alone can change what is payable; None if only a fact can.

    A planned line may become payable, and at the end of a month that is paid already the next one begins.
    """
    days = [one for line in lines for one in (line.start, line.end, line.payable_from) if one is not None and one > day]
    return min(days, default=None)
