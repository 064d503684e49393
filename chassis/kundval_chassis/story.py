"""The story of one assignment, krona by krona: what was told, what is due and why, what was posted, what was to do.

`Told` holds rows in their JSON forms, whether they come from the services or from the pure cores over a file;
`render` turns them into text. Nothing here knows a rule: it only lays out what the services explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from textwrap import wrap
from typing import Any

WIDTH = 100
Row = Mapping[str, Any]

_LINES, _OBLIGATIONS, _NOTICES = "What is due", "What was to be done", "Who was told"
#: fields of a fact that its line shows by value alone, without their names
_PLAIN = ("provider", "kind", "meeting", "workplace")


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that is held about one assignment. `facts` are rows of `assignment.explain`."""

    assignment: str
    programme: str
    state: str | None
    provider: str | None
    facts: Sequence[Row]
    lines: Sequence[Row] = ()
    postings: Sequence[Row] = ()
    obligations: Sequence[Row] = ()
    notices: Sequence[Row] = field(default=())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def render(told: Told, *, brief: bool = False) -> str:
    """The story as text of at most `WIDTH` columns; `brief` counts obligations and notices instead of listing."""
    head = [told.assignment, told.programme, told.state, f"with {told.provider}" if told.provider else None]
    parts = [", ".join(part for part in head if part)]
    parts += _section("What was told", _facts(told.facts))
    parts += _section(f"{_LINES}, and how it is calculated (SEK)", _lines(told.lines))
    parts += _section("What was posted to the ledger (SEK)", _postings(told.postings))
    if brief:
        counts = [
            f"{_OBLIGATIONS}: {_counted(row['state'] for row in told.obligations)}.",
            f"{_NOTICES}: {_counted(row['to'] for row in told.notices)}.",
        ]
        return "\n".join([*parts, "", *counts]) + "\n"
    due = sorted(told.obligations, key=lambda row: (row["due"] or "9999", row["kind"], row["sequence"]))
    parts += _section(_OBLIGATIONS, _obligations(due))
    parts += _section(_NOTICES, _notices(sorted(told.notices, key=lambda row: (row["on"], row["kind"], row["to"]))))
    return "\n".join(parts) + "\n"


def kronor(amount: Decimal | str) -> str:
    """An amount as people read it: thousands apart, two decimals."""
    return f"{Decimal(amount):,.2f}"


def _section(title: str, rows: Iterable[str]) -> list[str]:
    found = list(rows)
    return ["", title, *(f"  {row}" for row in found)] if found else []


def _facts(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        known = f"  known {row['known_on']}" if row["known_on"] != row["on"] else ""
        what = " ".join([row["fact"], *_details(row.get("fields") or {})])
        yield from _hanging(f"{row['on']}  ", f"{what}{known}")
        if not row["in_effect"]:
            for finding in row["findings"] or [{"code": "WITHDRAWN", "message": "", "rules": []}]:
                said = f"refused, {finding['code']}: {finding['message']} {_rules(finding['rules'])}".rstrip()
                yield from _hanging(" " * 14, said)


def _details(fields: Row) -> Iterator[str]:
    for name, value in fields.items():
        if name in _PLAIN and value is not None:
            yield str(value)
        elif value is True:
            yield name
        elif isinstance(value, str | int | float | Decimal) and value is not False:
            yield f"{name}={value}"


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    before: object = None
    for row in rows:
        due = f"payable {row['payable_from']}" if row["payable_from"] else ""
        yield (
            f"{row['from']} - {row['to']}  {_name(row):17}  {row['provider']:10}  {kronor(row['amount']):>10}"
            f"  {row['status']:8}  {due}"
        ).rstrip()
        yield from _hanging("    ", f"{row['because']} {_rules(row['rules'])}")
        steps = row["steps"]
        if steps == before:
            yield "    calculated as the line before"
        else:
            yield from (f"    {_step(step)}" for step in steps)
        before = steps


def _step(step: Row) -> str:
    sign = {"amount": "", "factor": "x ", "divisor": "/ "}
    values = [f"{sign[name]}{_number(step[name])}" for name in sign if step.get(name) is not None]
    return f"{' '.join(values):>14}  {step['what']}"


def _number(value: str) -> str:
    number = Decimal(value)
    return kronor(number) if number == number.quantize(Decimal("0.01")) and abs(number) >= 100 else f"{number:f}"


def _postings(rows: Sequence[Row]) -> Iterator[str]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["provider"]] += Decimal(row["amount"])
        line = f"{row['run']}  {_name(row):17}  {row['provider']:10}  {kronor(row['amount']):>10}"
        yield line + (f"  takes back {row['reverses']}" if row["reverses"] else "")
        if row["reverses"] and row.get("because"):
            yield from _hanging("    ", f"{row['because']} {_rules(row.get('rules', ()))}")
    for provider, amount in sorted(sums.items()):
        yield f"{'sum':10}  {'':17}  {provider:10}  {kronor(amount):>10}"
    if len(sums) > 1:
        yield f"{'sum':10}  {'':17}  {'':10}  {kronor(sum(sums.values(), Decimal(0))):>10}"


def _obligations(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        met = f" on {row['met_on']}" if row["met_on"] else ""
        due = row["due"] or "no day set"
        yield f"{due:10}  {_name(row):29}  {row['responsible']:12}  {row['state']}{met}  {_rules(row['rules'])}"


def _notices(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        yield f"{row['on']:10}  {row['kind']:29}  {row['to']:12}  {_rules(row['rules'])}"


def _name(row: Row) -> str:
    return f"{row['kind']} {row['sequence']}"


def _rules(rules: Iterable[str]) -> str:
    named = ", ".join(rules)
    return f"[{named}]" if named else ""


def _counted(values: Iterable[str]) -> str:
    found: dict[str, int] = defaultdict(int)
    for value in values:
        found[value] += 1
    return ", ".join(f"{count} {value}" for value, count in sorted(found.items())) or "nothing"


def _hanging(head: str, text: str) -> list[str]:
    """`text` after `head`, folded with its further lines below its first; it may stand indented twice."""
    return wrap(text, WIDTH - 4, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False)


__all__ = ["WIDTH", "Told", "kronor", "render"]
