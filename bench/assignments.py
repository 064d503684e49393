"""(f) The assignment service with many assignments: registering, and the questions that are asked all day.

Its database is filled by its own methods in processes without a broker (`bench.programs.fill_assignments`): the
sample's lives under ids of their own, each led to another point, each with a person whose data lie sealed. Of the many
the first `Size.led` are led so, and the others are copies of their rows in all tables (the event log too). Then the
service runs as it would in operations, in a process of its own, and is asked by RPC: token, schemas, a check of who may
see what and, about persons, an entry in the sealed access log. Beside each question stands the same one by hand: SQL
on the same tables over one connection (`bench.by_hand`). All of it once with few assignments and once with many: that
the ratio of the two does not grow is the promise.

Numbers of persons are not invented: whoever is filled in has twelve characters that are none, and those few who are
looked for by number have numbers from the tax agency's published list of test numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from kundval_chassis import sample
from kundval_chassis.tokens import Tokens
from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.client import Client

from . import cases
from .by_hand import ByHand
from .child import Child
from .machine import Machine
from .report import Report, Row, Spread
from .services import Services, prepared
from .suite import client

TENANT, OTHER = "bench", "by-hand"
PATIENCE = 7200.0
MEBIBYTE = 1024 * 1024
FILLERS = 2
DAY, YEAR = sample.AS_OF, sample.AS_OF.year - 1
PROGRAMME = "AMI_2"
#: https://www.skatteverket.se: published test numbers, nobody's
NUMBERS = ("201701012393", "201701102384", "199010102383", "191212121212", "197010632391", "197010632383")
PAGE = 100
FIRST_FACTS = 3
BY_HAND = "SQL by hand"


@dataclass(frozen=True)
class Size:
    """`counts`: assignments, few and many; `led`: how many of them are told fact by fact, the others are copies.
    `calls`: of each question in a round; `batch`: assignments registered.
    """

    counts: tuple[int, int] = (1_000, 100_000)
    led: int = 5_000
    rounds: int = 5
    calls: int = 60
    batch: int = 200
    batches: int = 1


FULL = Size(led=100_000, rounds=9, calls=100)
QUICK = Size(counts=(500, 5_000), led=1_000, rounds=2, calls=30)
TINY = Size(counts=(20, 60), led=40, rounds=1, calls=4, batch=5, batches=1)


@dataclass(frozen=True)
class Question:
    """A method with its request number n, the same by hand, and whether both answers agree.

    most: how many times as long as by hand it may take with many assignments.
    """

    what: str
    method: str
    most: float
    request: Callable[[int], dict[str, Any]]
    by_hand: Callable[[ByHand, int], Any]
    agree: Callable[[Any, Any], bool]
    as_provider: bool = False


@dataclass
class Times:
    """Milliseconds of a question with so many assignments, ours and by hand: of each round the median; of all the
    95th percentile."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    all_ours: list[float] = field(default_factory=list)
    all_theirs: list[float] = field(default_factory=list)

    def add(self, ours: list[float], theirs: list[float]) -> None:
        self.ours.append(median(ours))
        self.theirs.append(median(theirs))
        self.all_ours += ours
        self.all_theirs += theirs

    @property
    def ratio(self) -> Spread:
        return Spread.of([a / b for a, b in zip(self.ours, self.theirs, strict=True)])

    def details(self) -> dict[str, Any]:
        return {
            "ours_ms": [round(one, 3) for one in self.ours],
            "by_hand_ms": [round(one, 3) for one in self.theirs],
            "ours_p95_ms": round(_p95(self.all_ours), 2),
            "by_hand_p95_ms": round(_p95(self.all_theirs), 2),
            "ratio": [round(a / b, 2) for a, b in zip(self.ours, self.theirs, strict=True)],
        }


def _p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]


def questions(count: int, provider: str) -> list[Question]:
    """What is asked with `count` assignments."""

    def number(n: int) -> str:
        # far apart, so that neighbours in an index do not help
        return f"A-{n * 7919 % count:06d}"

    def after(n: int) -> str:
        # the middle and before: a page that is full
        return f"A-{n * 7919 % max(1, count // 2):06d}"

    def clients(n: int) -> dict[str, Any]:
        return {"tenant": TENANT, "provider": provider, "after": after(n), "limit": PAGE}

    start = add_days(add_months(DAY, -12), 1)
    return [
        Question(
            "where one assignment stands",
            "assignment.state",
            20.0,
            lambda n: {"tenant": TENANT, "assignment": number(n)},
            lambda hand, n: hand.state(number(n)),
            lambda ours, hand: ours["state"] == hand["state"] and len(ours["facts"]) == len(hand["facts"]),
        ),
        Question(
            "a person by number",
            "assignment.find_person",
            20.0,
            lambda n: {"tenant": TENANT, "identity_number": NUMBERS[n % len(NUMBERS)]},
            lambda hand, n: hand.find(NUMBERS[n % len(NUMBERS)]),
            lambda ours, hand: hand is not None and ours["person"] == hand,
        ),
        Question(
            f"{PAGE} clients of a provider, asked by it",
            "assignment.assignments",
            10.0,
            clients,
            lambda hand, n: hand.clients(provider, after(n), PAGE),
            _same_page,
            as_provider=True,
        ),
        Question(
            f"{PAGE} clients of a provider, asked by the municipality",
            "assignment.assignments",
            10.0,
            clients,
            lambda hand, n: hand.clients(provider, after(n), PAGE),
            _same_page,
        ),
        Question(
            "choice figures of a programme",
            "assignment.results",
            3.0,
            lambda n: {"tenant": TENANT, "programme": PROGRAMME, "seed": n},
            lambda hand, n: hand.compared(PROGRAMME, start, DAY),
            lambda ours, hand: (
                {row["provider"] for row in hand}
                >= {row["provider"] for row in ours["comparison"]["rows"] if not row["no_figures_yet"]}
            ),
        ),
        Question(
            "figures of a year",
            "assignment.figures",
            3.0,
            lambda n: {"tenant": TENANT, "first_year": YEAR, "last_year": YEAR},
            lambda hand, n: hand.figures(YEAR),
            lambda ours, hand: bool(ours["lines"]) and sum(row["n"] for row in hand) > 0,
        ),
    ]


def _same_page(ours: Any, hand: Any) -> bool:
    return [row["assignment"] for row in ours["assignments"]] == [row["assignment"] for row in hand]


# --- measuring -----------------------------------------------------------------------------------------


@dataclass
class Found:
    """What came of one size: of each question its times, of registering too, and what the filling took."""

    times: dict[str, Times]
    filled: dict[str, Any]
    limits: dict[str, float]


REGISTERING = "an assignment registered with its first facts"
PERSON = "a person registered"
#: what is promised of registering, as `Question.most`
MOST = {PERSON: 25.0, REGISTERING: 20.0}


def measure(machine: Machine, size: Size) -> Report:
    found = {count: _sized(machine, count, size) for count in size.counts}
    few, many = size.counts
    report = Report(details={str(count): _details(one) for count, one in found.items()})
    for what, most in found[many].limits.items():
        for count in size.counts:
            times = found[count].times[what]
            note = "" if what not in MOST else f"in batches of {size.batch}" if what == REGISTERING else "one call each"
            report.rows.append(
                Row(
                    "f",
                    f"{what}, of {count:_}".replace("_", " "),
                    "ms",
                    Spread.of(times.ours),
                    BY_HAND,
                    Spread.of(times.theirs),
                    times.ratio,
                    # the promise is about many; with few it is what the growth is taken from
                    most if count == many else None,
                    at_most=True,
                    note=note,
                )
            )
    for what in found[many].limits:
        small, large = found[few].times[what].ratio, found[many].times[what].ratio
        label = f"ratio of {what}, {many:_} assignments".replace("_", " ")
        growth = Spread.of([large.median / small.median])
        report.rows.append(Row("f", label, "", large, f"{few:_}".replace("_", " "), small, growth, 1.5, at_most=True))
    report.remarks.append(_said(many, found[many].filled))
    return report


def _said(count: int, filled: dict[str, Any]) -> str:
    return (
        f"(f) {filled['facts']:_} facts of {count:_} assignments, the first {filled['led']:_} of them told in"
        f" {filled['told_seconds']:.0f} s ({filled['facts_per_second']} facts a second) by"
        f" {filled['processes']} processes of {filled['peak_mib']} MiB at most; the service has"
        f" {filled['service_mib']} MiB when all has been asked;"
        f" the largest tables have {sum(filled['tables_mib'].values()):.0f} MiB"
    ).replace("_", " ")


def _details(found: Found) -> dict[str, Any]:
    return {**found.filled, "questions": {what: times.details() for what, times in found.times.items()}}


def _sized(machine: Machine, count: int, size: Size) -> Found:
    with ExitStack() as stack:
        services = stack.enter_context(prepared(machine))
        filled = _fill(machine, services, count, size.led)
        hand = stack.enter_context(closing(_by_hand(services)))
        hand.forget_events()
        hand.tidy()
        machine.settle()
        services.start("assignment")
        system = stack.enter_context(client(services))
        for number in NUMBERS:
            system.call("assignment.register_person", tenant=TENANT, identity_number=number)
        provider = next(iter(cases.caseload().providers))
        its_own = stack.enter_context(_as_provider(services, provider))
        asked = questions(count, provider)
        filled["tables_mib"] = hand.sizes()
        filled["states"] = system.call("assignment.summary", tenant=TENANT, timeout=60)["states"]
        times = {one.what: Times() for one in asked}
        for one in asked:
            _ask(one, its_own if one.as_provider else system, hand, size.calls, 0)
        for turn in range(size.rounds):
            for one in asked:
                caller = its_own if one.as_provider else system
                times[one.what].add(*_ask(one, caller, hand, size.calls, turn * size.calls))
        times |= _register(system, hand, count, size)
        filled["service_mib"] = round(services.processes["assignment"].memory_info().rss / MEBIBYTE)
    return Found(times, filled, MOST | {one.what: one.most for one in asked})


def _by_hand(services: Services) -> ByHand:
    env = services.env
    return ByHand(env["KUNDVAL_ASSIGNMENT_DATABASE_URI"], env["KUNDVAL_ASSIGNMENT_PERSON_KEYS"], TENANT, OTHER)


def _as_provider(services: Services, provider: str) -> Client:
    tokens = Tokens(services.env["KUNDVAL_TOKEN_KEY"])
    return Client(
        services.env["KUNDVAL_AMQP_URI"],
        lambda: tokens.mint("PROVIDER", organisation=provider, tenant=TENANT, purpose="bench"),
    )


def _fill(machine: Machine, services: Services, count: int, most: int) -> dict[str, Any]:
    """Fill the database; facts, seconds, and what the processes needed."""
    began, led = time.monotonic(), min(count, most)
    with ExitStack() as stack:
        fillers = [stack.enter_context(Child(machine, "fill_assignments", {}, services.env)) for _ in range(FILLERS)]
        fillers[0].ask("open", tenant=TENANT)
        bounds = [led * place // FILLERS for place in range(FILLERS + 1)]
        for filler, first, last in zip(fillers, bounds, bounds[1:], strict=False):
            filler.tell("fill", tenant=TENANT, first=first, last=last)
        done = [filler.answer(PATIENCE) for filler in fillers]
        told = time.monotonic()
        copied = [
            fillers[0].ask("copy", patience=PATIENCE, tenant=TENANT, led=led, offset=offset, most=count - offset)
            for offset in range(led, count, led)
        ]
    facts = sum(one["facts"] for one in done)
    return {
        "led": led,
        "facts": facts + sum(one["facts"] for one in copied),
        "processes": FILLERS,
        "told_seconds": round(told - began, 1),
        "seconds": round(time.monotonic() - began, 1),
        "facts_per_second": round(sum(one["facts"] / one["seconds"] for one in done)),
        "cpu_ms_per_fact": round(1000 * sum(one["cpu"] for one in done) / facts, 3),
        "peak_mib": round(max(one["peak"] for one in done) / MEBIBYTE),
    }


def _ask(one: Question, caller: Client, hand: ByHand, calls: int, first: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each call, ours and by hand, in turns of one."""
    ours, theirs = [], []
    for n in range(first, first + calls):
        request = one.request(n)
        began = time.perf_counter()
        answer = caller.call(one.method, **request)
        between = time.perf_counter()
        same = one.by_hand(hand, n)
        theirs.append(1000 * (time.perf_counter() - between))
        ours.append(1000 * (between - began))
        assert one.agree(answer, same), f"{one.what} {n}: the answers differ"
    return ours, theirs


def _register(system: Client, hand: ByHand, count: int, size: Size) -> dict[str, Times]:
    """New persons and assignments on the filled database, in milliseconds each; the same rows by hand beside.

    By hand the rows go into the same tables under another tenant, as ready-made text.
    """
    persons, assignments = Times(), Times()
    hand.open_other()
    number = count
    for _ in range(size.rounds):
        measured: list[list[float]] = [[], [], [], []]
        for _ in range(size.batches):
            lives = [cases.life(number + place) for place in range(size.batch)]
            number += size.batch
            names = []
            for _ in lives:
                began = time.perf_counter()
                names.append(system.call("assignment.register_person", tenant=TENANT)["person"])
                measured[0].append(1000 * (time.perf_counter() - began))
            for name in names:
                began = time.perf_counter()
                hand.add_person(name)
                measured[1].append(1000 * (time.perf_counter() - began))
            rows = [
                {**one.registration, "programme": one.source.programme.value, "person": name}
                for one, name in zip(lives, names, strict=True)
            ]
            facts = [row for one in lives for row in one.stated(FIRST_FACTS)]
            began = time.perf_counter()
            system.call("assignment.register", tenant=TENANT, assignments=rows)
            system.call("assignment.record_facts", tenant=TENANT, facts=facts, keep_refused=True)
            measured[2].append(1000 * (time.perf_counter() - began) / size.batch)
            ready = hand.taken([one.id for one in lives])
            began = time.perf_counter()
            hand.put(ready)
            measured[3].append(1000 * (time.perf_counter() - began) / size.batch)
        persons.add(measured[0], measured[1])
        assignments.add(measured[2], measured[3])
    return {PERSON: persons, REGISTERING: assignments}
