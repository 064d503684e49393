"""A municipality made by chance, its knowledge day by day, and an office that handles its money by a bad connection.

`Told` is assignment without its database: the facts of a history as the judge lets them take effect, told as events in
the order in which they become known. `Office` is billing on a real database: it takes the events in, makes the runs,
and does what persons do with payments, in any order. Before any statement of anything the connection may be lost; then
nothing may have changed, and the same is sent again.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import psycopg

from kundval_assignment.domain import judge
from kundval_billing.domain import lines, settle
from kundval_billing.payments.run import run_payments, turn
from kundval_billing.service import BillingService
from kundval_chassis import held, outbox
from kundval_chassis.db import Pool, Tx, is_outage
from kundval_contracts.answer import Line, Posting
from kundval_contracts.case import Case, Tenant
from kundval_contracts.caseload import Assignment, Caseload, read
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Conflict
from kundval_contracts.events import fact_event
from kundval_contracts.facts import Fact
from kundval_contracts.inputs import PLAN
from kundval_contracts.settings import dump_settings, dump_tariffs
from tests.acceptance.histories import LAST, MIXED, history

from .books import Books, Row
from .papers import COMPANY, EMPLOYMENT_SERVICE, MUNICIPALITY

#: payment runs on random days, and one on the last day
RUNS = 8
FIRST_RUN = date(2024, 6, 1)
PERSONS = ("pia", "per", "cia", "ann", "bo", "dan")
#: how often what a person does is tried on a connection that is lost, and how often an answer is lost after the commit
LOST, UNANSWERED = 0.65, 0.1
#: facts and runs of all assignments are lost more rarely: they take longer
LONG = frozenset({"facts", "run"})
AGREED = {"from": "2024-01-01", "reference": "SB-17"}
#: alfa has agreed to self-billing from the beginning; the others become known after so many runs, and gamma never does
BECOMES_KNOWN = {"beta": 3, "delta": 5}
CUSTOMER_KNOWN = 3


# --- what becomes known when -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Municipality:
    """A caseload, and the days on which facts are taken back and tariffs become known."""

    caseload: Caseload
    withdrawals: dict[date, list[tuple[str, int]]]
    tariffs_told: dict[date, int]

    @property
    def facts(self) -> int:
        return sum(len(one.facts) for one in self.caseload.assignments)


def municipality(seed: int, assignments: int, *, corrected: bool) -> Municipality:
    """The same for the same arguments. `corrected`: facts are withdrawn, and tariffs become known after their day."""
    dice = Random(f"municipality {seed}")
    made = history(seed, MIXED, assignments)
    providers = [{**made.caseload["providers"][n % 2], "id": name} for n, name in enumerate(("alfa", "beta"))]
    providers += [{**providers[0], "id": name} for name in ("gamma", "delta")]
    lives = [_elsewhere(life, dice) for life in made.caseload["assignments"]]
    runs = sorted({*dice.sample(_days(FIRST_RUN, LAST), RUNS), LAST})
    changes = sorted(dice.sample(_days(date(2024, 3, 2), date(2025, 1, 31)), 2))
    tariffs = [
        {"valid_from": day.isoformat(), "AMI1_MONTHLY_FEE": 6000 + 100 * n, "AMI2_MONTHLY_FEE": 8000 + 150 * n}
        for n, day in enumerate((date(2024, 1, 1), *changes))
    ]
    document = {**made.caseload, "providers": providers, "assignments": lives, "tariffs": tariffs}
    document["payment_runs"] = [run.isoformat() for run in runs]
    withdrawals: defaultdict[date, list[tuple[str, int]]] = defaultdict(list)
    for one in made.withdrawals if corrected else ():
        withdrawals[dice.choice(_days(FIRST_RUN, LAST))].append((one.assignment, one.place))
    late = [timedelta(days=dice.choice((30, 200, 450)) if corrected else 0) for _ in changes]
    told = {date(2024, 1, 1): 1}
    for number, day in enumerate(sorted(day + later for day, later in zip(changes, late, strict=True)), 2):
        told[day] = number
    return Municipality(read(document), dict(withdrawals), told)


def _elsewhere(life: Row, dice: Random) -> Row:
    """The life with beta's or alfa's part in the hands of another provider, so that there are four."""
    old, new = dice.choice((("", ""), ("alfa", "delta"), ("beta", "gamma"), ("beta", "delta")))
    return dict(json.loads(json.dumps(life).replace(f'"{old}"', f'"{new}"'))) if old else life


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days)]


class Told:
    """What assignment tells of a municipality, in the order of knowledge; and the cases as they stand by then."""

    def __init__(self, whole: Municipality, tenant: str):
        self.whole, self.name = whole, tenant
        self.events: list[Event] = []
        self.terms: Tenant = replace(whole.caseload.tenant(tenant), business_date=None)
        self.cases: dict[str, Case] = {}
        self._judged_by = whole.caseload.tenant(tenant)
        self._assignments = {one.id: one for one in whole.caseload.assignments}
        self._news: defaultdict[date, set[str]] = defaultdict(set)
        self._withdrawn: defaultdict[str, set[int]] = defaultdict(set)
        self._revisions: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for one in whole.caseload.assignments:
            for fact in one.facts:
                self._news[fact.known_on].add(one.id)
        for day, taken in whole.withdrawals.items():
            self._news[day] |= {name for name, _ in taken}
        self.days = sorted(day for day in {*self._news, *whole.tariffs_told} if day <= whole.caseload.as_of)

    def learn(self, day: date) -> list[Event]:
        """The events of a day; afterwards it is the business date."""
        before = len(self.events)
        if day in self.whole.tariffs_told:
            self._open(self.whole.tariffs_told[day])
        for name, place in self.whole.withdrawals.get(day, ()):
            self._withdrawn[name].add(place)
        for name in sorted(self._news.get(day, ())):
            self._judge(self._assignments[name], day)
        self._tell("day_opened", self.name, {"date": day.isoformat()})
        self.terms = replace(self.terms, business_date=day)
        return self.events[before:]

    def _open(self, tariffs: int) -> None:
        whole = self._judged_by
        settings = replace(whole.settings, tariffs=whole.settings.tariffs[:tariffs])
        self.terms = replace(self.terms, settings=settings)
        providers = [
            {"id": one.id, "ownership": one.ownership.value,
             "authorised": {code.value: day.isoformat() for code, day in one.authorised.items()}}
            for one in whole.providers.values()
        ]  # fmt: skip
        data = {"settings": dump_settings(settings.values), "tariffs": dump_tariffs(settings.tariffs)}
        data |= {"municipality": whole.municipality, "providers": providers}
        self._tell("tenant_opened", self.name, data)

    def _judge(self, one: Assignment, day: date) -> None:
        stated = one.case(day)
        stated = stated.having(fact for fact in stated.facts if fact.place not in self._withdrawn[one.id])
        before = self.cases.get(one.id)
        if before is None:
            data = {"programme": one.programme.value, "delivery_area": one.delivery_area, "plan": PLAN.dump(one.plan)}
            self._tell("registered", one.id, {"assignment": one.id, **data})
        after = stated.having(judge(stated, one.client, self._judged_by).in_effect)
        was, now = ({fact.id: fact for fact in (case.facts if case else ())} for case in (before, after))
        for fact in now.values():
            if fact.id not in was:
                self._tell(fact.kind.value, one.id, fact_event(one.id, fact, self._next(one.id, fact)))
        for fact in was.values():
            if fact.id not in now:
                data = {"assignment": one.id, "fact_id": fact.id, "fact": fact.kind.value}
                self._tell("fact_withdrawn", one.id, {**data, "revision": self._next(one.id, fact)})
        self.cases[one.id] = after

    def _next(self, assignment: str, fact: Fact) -> int:
        self._revisions[assignment][fact.id] += 1
        return self._revisions[assignment][fact.id]

    def _tell(self, name: str, subject: str, data: Row) -> None:
        time, number = datetime(2024, 1, 1, tzinfo=UTC), len(self.events) + 1
        self.events.append(Event(outbox.new_id(), f"assignment.{name}", 1, subject, self.name, time, number, data))


class Fresh:
    """The ledger as the pure core alone makes it, run by run."""

    def __init__(self) -> None:
        self.posted: defaultdict[str, list[Posting]] = defaultdict(list)
        self.due: dict[str, tuple[Line, ...]] = {}

    def run(self, told: Told, day: date) -> None:
        for name, case in told.cases.items():
            self.due[name] = lines(case, told.terms, day)
            self.posted[name] += settle(self.posted[name], self.due[name], day, told.terms)


# --- the office ------------------------------------------------------------------------------------------------


class Losing:
    """A connection that is lost before the statement with that number; 0: never. `done` counts them."""

    def __init__(self, conn: Any, at: int):
        self._conn, self._at, self.done = conn, at, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self._next()
        return self._conn.execute(*args, **kwargs)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        self._next()
        return self._conn.cursor(*args, **kwargs)

    def _next(self) -> None:
        self.done += 1
        if self.done == self._at:
            self._conn.close()

    @property
    def lost(self) -> bool:
        return 0 < self._at <= self.done


#: what persons do, and how often of a hundred times; a step is what comes next for a payment
ACTS = {"step": 60, "anything": 12, "dispute": 6, "propose": 6, "hold": 9, "free": 3, "close": 4}
ANYTHING = ("check_payment", "attest_payment", "approve_payment", "dispute_payment", "withdraw_payment",
            "release_payments", "acknowledge_payment")  # fmt: skip
#: what was lost leaves nothing in these; everything else that is written goes with a row of one of them
APPENDED = ("entry", "payment_entry", "payment_act", "document", "hold", "hold_end", "period_close", "event", "known")


@dataclass
class Office:
    """Billing of one municipality. `done` counts what was done by its name, `refused` the codes of what was not."""

    pool: Pool
    tenant: str
    dice: Random
    #: none: a connection is never lost
    lost: float = LOST
    crashes: int = 0
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    runs: list[date] = field(default_factory=list)
    _long: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.books = Books.known(self.pool, self.tenant)
        self.service = BillingService()

    # --- sent again until it is done

    def send(self, name: str, work: Callable[[Tx], Any], *, repeatable: bool = True) -> Any:
        """Do it, however often the connection is lost; None if it is refused.

        repeatable: done again by the same person it changes nothing, which is looked at now and then.
        """
        before: Row | None = None
        while True:
            fatal = self.dice.random() < (self.lost / 2 if name in LONG else self.lost)
            at = self.dice.randint(1, self._long.get(name, 8)) if fatal else 0
            if fatal and before is None:
                before = self.counts()
            conn: Losing | None = None
            try:
                with self.pool.tx() as tx:
                    conn = Losing(tx.conn, at)
                    tx.conn = conn  # type: ignore[assignment]
                    answer = work(tx)
            except psycopg.Error as error:
                assert conn is not None and conn.lost and is_outage(error), error
                assert self.counts() == before, name
                self.crashes += 1
            except Conflict as conflict:
                self.refused[str(conflict.code)] += 1
                return None
            else:
                assert not conn.lost
                self._long[name] = conn.done
                self.done[name] += 1
                if repeatable and self.dice.random() < UNANSWERED:
                    self._again(name, work)
                return answer

    def _again(self, name: str, work: Callable[[Tx], Any]) -> None:
        before = self.counts()
        # a release that parked the payment instead is refused the second time
        with suppress(Conflict), self.pool.tx() as tx:
            work(tx)
        assert self.counts() == before, f"{name} was done twice"

    def counts(self) -> Row:
        columns = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in APPENDED)
        return self.books.query(f"SELECT {columns}, (SELECT sum(last) FROM number_series) AS numbers")[0]

    def call(self, method: str, who: str, role: str = "CONTROLLER", /, **fields: Any) -> Any:
        return self.send(method, lambda tx: self.books.within(tx, method, who, role, **fields))

    # --- facts and runs

    def take(self, events: Sequence[Event]) -> None:
        self.send("facts", lambda tx: self.service.on_events(tx, list(events)))

    def run(self, day: date) -> None:
        def work(tx: Tx) -> None:
            turn(tx, [self.tenant])
            run_payments(tx, held.load_tenant(tx, self.tenant), day)

        self.send("run", work, repeatable=False)
        entries = self.counts()["entry"]
        self.send("run", work, repeatable=False)
        assert self.counts()["entry"] == entries, "the same run again posts nothing"
        self.runs.append(day)

    def parties(self) -> None:
        """Who becomes known by so many runs."""
        since = "2024-01-01"
        if not self.runs:
            vat = {"PRIVATE": {"treatment": "STANDARD_25"}, "MUNICIPAL": {"treatment": "OUTSIDE_SCOPE"}}
            payer = {"role": "MUNICIPALITY", "valid_from": since, "vat_by_ownership": vat}
            self.books.call("set_payer", party=_party(MUNICIPALITY, "Nacka kommun"), **payer)
            self.books.call(
                "set_payee", provider="alfa", valid_from=since, party=_party(COMPANY, "Alfa AB"), self_billing=AGREED
            )
        if len(self.runs) == CUSTOMER_KNOWN:
            customer = _party(EMPLOYMENT_SERVICE, "Kunden", vat={"treatment": "STANDARD_25"})
            self.books.call("set_payer", role="CUSTOMER", valid_from=since, party=customer)
        for name, runs in BECOMES_KNOWN.items():
            if len(self.runs) == runs:
                more = {"self_billing": AGREED} if name == "delta" else {}
                party = _party(COMPANY, name)
                self.books.call("set_payee", provider=name, valid_from=since, party=party, **more)

    # --- what persons do

    def acts(self, count: int, assignments: Sequence[str]) -> None:
        """So many acts by random persons."""
        for _ in range(count):
            (kind,) = self.dice.choices(*zip(*ACTS.items(), strict=True))
            if kind == "propose":
                self.call("propose_payments", self._who(), run=self.dice.choice(self.runs[-2:]).isoformat())
            elif kind == "hold":
                self._hold(assignments)
            elif kind == "free":
                self._free()
            elif kind == "close":
                month = self.dice.choice(self.runs).isoformat()[:7]
                self.call("close_period", self._who(), month=month)
            else:
                self._step(kind)

    def finish(self) -> None:
        """Everything that can go out goes out: holds are ended and each payment is taken as far as it comes."""
        for hold in self._holds():
            self.call("release_hold", "ann", hold=hold)
        for row in self._payments():
            if row["state"] == "DISPUTED" or row["problem"] in ("AGREEMENT_CHANGED", "TERMS_CHANGED"):
                self.call("withdraw_payment", "ann", payment=row["payment"])
        self.call("propose_payments", "pia", run=self.runs[-1].isoformat())
        for row in self._payments():
            while row["state"] not in _AT_REST and self._next_step(row, steadily=True) is not None:
                row = self.books.payment(row["payment"])

    def _who(self) -> str:
        return self.dice.choice(PERSONS)

    def _payments(self) -> list[Row]:
        return list(self.books.call("payments", limit=1000)["payments"])

    def _holds(self) -> list[int]:
        return [one["hold"] for one in self.books.call("holds", limit=1000)["holds"] if one["ended_on"] is None]

    def _hold(self, assignments: Sequence[str]) -> None:
        waiting = [row["provider"] for row in self._payments() if row["state"] in _BEFORE_RELEASE]
        about: Row = {"provider": self.dice.choice(waiting or ["alfa"])}
        if self.dice.random() < 0.5:
            about = {"assignment": self.dice.choice(assignments)}
        self.call("hold", self._who(), **about, reason="UNDER_REVIEW")

    def _free(self) -> None:
        if holds := self._holds():
            self.call("release_hold", self._who(), hold=self.dice.choice(holds))

    def _step(self, kind: str) -> None:
        rows = [row for row in self._payments() if kind == "anything" or row["state"] not in _AT_REST]
        if kind == "dispute":
            rows = [row for row in rows if row["self_billing"] and row["state"] in _BEFORE_RELEASE]
        if not rows:
            return
        row = self.dice.choice(rows)
        if kind == "step":
            self._next_step(row)
        else:
            self._do("dispute_payment" if kind == "dispute" else self.dice.choice(ANYTHING), row)

    def _next_step(self, row: Row, *, steadily: bool = False) -> Any:
        """What comes next for a payment, by anybody; `steadily`: by somebody who may."""
        methods = {
            "PROPOSED": "check_payment",
            "CHECKED": "attest_payment",
            "ATTESTED": "approve_payment" if row["self_billing"] else "release_payments",
            "APPROVED": "release_payments",
            "DISPUTED": "approve_payment" if row["attestations"] == 2 else self.dice.choice(ANYTHING[:2]),
            "RELEASED": "acknowledge_payment",
            "REJECTED": "acknowledge_payment",
            "ACKNOWLEDGED": "reconcile",
            "HELD": "release_hold",
        }
        method = methods[row["state"]]
        if method == "release_hold":
            self._free()
            return None
        if not steadily:
            return self._do(method, row)
        acts = self.books.payment(row["payment"])["acts"]
        busy = {act["who"] for act in acts if act["act"] in ("PROPOSED", "ATTESTED")}
        (who, *_) = [one for one in PERSONS if one not in busy]
        return self._do(method, row, who)

    def _do(self, method: str, row: Row, who: str | None = None) -> Any:
        payment, who = row["payment"], who or self._who()
        if method in ("approve_payment", "dispute_payment"):
            return self.call(method, row["provider"], "PROVIDER", payment=payment)
        if method == "acknowledge_payment":
            due = self.books.payment(payment)["due"]
            rejected = self.dice.random() < 0.2
            outcome = {"voucher": f"{'R' if rejected else 'V'}-{payment}", "amount": due}
            outcome["outcome"] = "REJECTED" if rejected else "ACCEPTED"
            return self.call(method, who, payment=payment, **outcome)
        if method == "reconcile":
            due = self.books.payment(payment)["due"]
            return self.call(method, who, rows=[{"voucher": row["voucher"], "amount": due}])
        if method == "release_payments" and self.dice.random() < 0.3:
            return self.call(method, who, run=row["run"])
        return self.call(method, who, payment=payment)


#: what waits for something else than a person's next act, or for nothing any more
_AT_REST = frozenset({"RECONCILED", "WITHDRAWN", "PARKED"})
_BEFORE_RELEASE = frozenset({"PROPOSED", "CHECKED", "ATTESTED", "APPROVED", "HELD"})


def _party(number: str, name: str, **more: Any) -> Row:
    given = {"name": name, "organisation_number": number, "street": "Storgatan 1", "postal_code": "131 81"}
    given |= {"city": "Nacka", "payment_terms_days": 30, "vat_number": f"SE{number}01", "bankgiro": "9912346"}
    return {**given, "f_skatt": number == COMPANY, **more}
