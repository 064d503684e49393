"""(j) Notices: from events that are taken in to mails that a mail server has.

An assignment is decided on, and its client is told: one event, one notice, one mail for each of so many clients, so
that nothing can be told together. The steps are those of the service, one after the other in one process, so that each
can be told: `keep.follow` in transactions of 200 events, routing, handing over to a mail server that runs in a process
of its own. Beside it the same mails, ready-made, by a bare loop over smtplib on one connection to the same server,
which records nothing.

Then a municipality whose notifications service was away for a month: what happened meanwhile is taken in at once, and
everybody gets what still holds, told together. And what finds the messages that wait when very many are settled.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .child import Child
from .machine import Machine
from .report import Report, Row, Spread

MEBIBYTE = 1024 * 1024
PATIENCE = 7200.0
PEER = "a bare loop over smtplib"
#: at least a tenth of what sending alone gives; at most so much longer with very many settled
SHARE, GROWTH = 0.1, 1.5
STEPS = ("keep", "route", "send")
LOOKS = {
    "to route": "500 messages to be routed",
    "to hand over": "50 dispatches taken up",
    "sent": "one dispatch taken up, begun and entered as sent",
    "depth": "the depth of the queue, for metrics",
    "queue": "the queue as operations see it",
}

Found = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """mails: in each of `rounds`. away: assignments of the municipality whose service was away. settled: messages."""

    mails: int = 1_000
    rounds: int = 5
    away: int = 11_000
    settled: tuple[int, ...] = (10_000, 1_000_000)
    scans: int = 5


QUICK = Size(mails=500, rounds=3, away=600, settled=(10_000, 50_000), scans=3)
TINY = Size(mails=20, rounds=1, away=60, settled=(100, 400), scans=1)


def measure(machine: Machine, size: Size) -> Report:
    report = Report()
    with Child(machine, "mail_server", {}) as server:
        port = server.ask("port")["port"]
        rounds = _one_each(machine, server, port, size)
        away = _after_a_month(machine, server, port, size.away)
    scans = _scans(machine, port, size)
    report.details = {"one_each": rounds, "away": away, "scans": {str(count): one for count, one in scans.items()}}
    report.rows += _rates(rounds, size.mails)
    report.rows.append(_away_row(away))
    report.rows += _scan_rows(scans)
    return report


# --- one mail for each ---------------------------------------------------------------------------------


def _one_each(machine: Machine, server: Child, port: int, size: Size) -> list[Found]:
    found: list[Found] = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kundval-bench-"))
        database = stack.enter_context(machine.database())
        ours = stack.enter_context(Child(machine, "notices", {"database": database, "port": port}))
        theirs = stack.enter_context(Child(machine, "smtp_loop", {"port": port}))
        # the first is to warm up
        ours.ask("decisions", patience=PATIENCE, count=size.mails * (size.rounds + 1))
        for number in range(size.rounds + 1):
            one: Found = {}
            machine.settle()
            server.ask("empty")
            ours.ask("tidy")
            used = server.cpu
            one["keep"] = ours.ask("decide", patience=PATIENCE, start=number * size.mails, count=size.mails)
            one["route"] = ours.ask("route", patience=PATIENCE)
            one["send"] = ours.ask("send", patience=PATIENCE)
            one["server"] = server.cpu - used
            taken = server.ask("count")
            assert set(taken.values()) == {size.mails}, f"not one mail for each: {taken}"
            mails = Path(folder, "mails")
            one |= server.ask("write", file=str(mails))
            theirs.ask("load", file=str(mails))
            server.ask("empty")
            one["loop"] = theirs.ask("send", patience=PATIENCE)
            assert server.ask("count")["mails"] == size.mails, "the loop has lost mails"
            if number:
                found.append(one)
        found[-1]["peak"] = ours.ask("states")["peak"]
    return found


def _rates(rounds: list[Found], mails: int) -> list[Row]:
    whole = [mails / sum(one[step]["seconds"] for step in STEPS) for one in rounds]
    loop = [mails / one["loop"]["seconds"] for one in rounds]
    ratio = Spread.of([ours / theirs for ours, theirs in zip(whole, loop, strict=True)])
    each = {step: Spread.of([1000 * one[step]["seconds"] / mails for one in rounds]).median for step in STEPS}
    note = ", ".join(f"{step} {ms:.2f}" for step, ms in each.items()) + " ms each; "
    note += f"{rounds[0]['bytes'] / mails / 1024:.1f} KiB each; memory {rounds[-1]['peak'] / MEBIBYTE:.0f} MiB"
    rows = [
        Row("j", "events to delivered mails", "1/s", Spread.of(whole), PEER, Spread.of(loop), ratio, SHARE, note=note)
    ]
    for step, what in (("keep", "events taken in, notices kept"), ("route", "routed"), ("send", "handed over")):
        rates = Spread.of([mails / one[step]["seconds"] for one in rounds])
        rows.append(Row("j", what, "1/s", rates, note=_shares([one[step] for one in rounds], mails)))
    return rows


def _shares(steps: list[Found], number: int) -> str:
    """Processor time for each, over all rounds, of the program and of the database's process that serves it."""
    python, sql = (1000 * sum(one[name] for one in steps) / len(steps) / number for name in ("python", "sql"))
    return f"processor time for each: Python {python:.2f} ms, database {sql:.2f} ms"


# --- a month later -------------------------------------------------------------------------------------


def _after_a_month(machine: Machine, server: Child, port: int, count: int) -> Found:
    with ExitStack() as stack:
        database = stack.enter_context(machine.database())
        ours = stack.enter_context(Child(machine, "notices", {"database": database, "port": port}))
        found = {"assignments": count, **ours.ask("downtime", patience=PATIENCE, count=count)}
        machine.settle()
        server.ask("empty")
        found["keep"] = ours.ask("return", patience=PATIENCE)
        found["route"] = ours.ask("route", patience=PATIENCE)
        found["send"] = ours.ask("send", patience=PATIENCE)
        found |= ours.ask("states")
        found |= server.ask("count")
        assert found["mails"] == found["ids"] == found["dispatches"], "a mail was sent twice, or not at all"
        found |= ours.ask("again", patience=PATIENCE)
        assert not found["pending"], "the same events again have told somebody something"
    return found


def _away_row(found: Found) -> Row:
    seconds = sum(found[step]["seconds"] for step in STEPS)
    notices = sum(found["states"].values()) - found["told_before"]
    note = ", ".join(f"{step} {found[step]['seconds']:.1f}" for step in STEPS)
    note += f" s; {_n(found['events'])} events; {_n(found['carried'])} notices, {_n(found['late'])} of them late, in"
    note += f" {_n(found['mails'])} mails to {_n(found['addresses'])} addresses; {_states(found)}"
    note += f"; memory {found['peak'] / MEBIBYTE:.0f} MiB"
    what = f"after a month away: {_n(notices)} notices of {_n(found['assignments'])} assignments"
    return Row("j", what, "s", Spread.of([seconds]), note=note)


def _states(found: Found) -> str:
    states = {**found["states"]}
    states["SENT INBOX"] = states.get("SENT INBOX", 0) - found["told_before"]
    return ", ".join(f"{_n(number)} {state}" for state, number in sorted(states.items()) if number)


# --- very many settled ---------------------------------------------------------------------------------


def _scans(machine: Machine, port: int, size: Size) -> dict[int, list[Found]]:
    with ExitStack() as stack:
        sides: dict[int, Child] = {}
        for count in size.settled:
            database = stack.enter_context(machine.database())
            sides[count] = stack.enter_context(Child(machine, "notices", {"database": database, "port": port}))
            sides[count].ask("settled", patience=PATIENCE, count=count)
        machine.settle()
        found: dict[int, list[Found]] = {count: [] for count in sides}
        # in turns, so that what else the machine does falls on all sizes; the first is to warm up
        for number in range(size.scans + 1):
            for count, side in sides.items():
                one = side.ask("scan", patience=PATIENCE, calls=20)
                if number:
                    found[count].append(one)
    return found


def _scan_rows(scans: dict[int, list[Found]]) -> list[Row]:
    least, most = min(scans), max(scans)
    rows = []
    for look, what in LOOKS.items():
        small, large = ([one[look] for one in scans[count]] for count in (least, most))
        growth = Spread.of([b / a for a, b in zip(small, large, strict=True)])
        label, peer = f"{what}, {_n(most)} settled", f"{_n(least)} settled"
        rows.append(Row("j", label, "ms", Spread.of(large), peer, Spread.of(small), growth, GROWTH, at_most=True))
    return rows


def _n(number: int) -> str:
    return f"{number:_}".replace("_", " ")
