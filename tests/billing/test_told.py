"""What billing tells of money as facts, days and payment runs come: on a database, without a broker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from kundval_billing import payments
from kundval_billing.claims import hear, view
from kundval_billing.claims import store as claims
from kundval_billing.payments import holds
from kundval_chassis import agenda, held, migrate, outbox
from kundval_chassis.db import Pool
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Case
from kundval_contracts.codes import FactKind
from kundval_contracts.envelope import Event
from kundval_contracts.events import EVENTS, fact_event
from kundval_contracts.inputs import PROVIDER
from kundval_contracts.rpc import CallerRole
from kundval_contracts.settings import dump_settings

from .builders import ami1, ami2, claim, d, decision, exited, follow_ups, on, studies
from .builders import tenant as terms

CONTROLLER = Caller("nina", CallerRole.CONTROLLER, None, None)
EXIT = exited("2024-06-20")  # AMI 2, month 4; settle date 2024-12-20


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test") as made:
        yield made


class Books:
    """Billing of one municipality: takes events in as the service does, and remembers what it has read of its own."""

    def __init__(self, pool: Pool, *, without: str | None = None):
        self.pool, self.name = pool, f"t-{uuid.uuid4().hex[:12]}"
        self.sequence = self.read = 0
        who = terms()
        data = {
            "municipality": "nacka",
            "settings": {name: value for name, value in dump_settings(who.settings.values).items() if name != without},
            "tariffs": [],
            "providers": [PROVIDER.dump(one) for one in who.providers.values()],
        }
        self.take(self.event("assignment.tenant_opened", self.name, data))

    def event(self, name: str, subject: str, data: dict[str, Any]) -> Event:
        self.sequence += 1
        return Event(
            id=outbox.new_id(),
            name=name,
            version=1,
            subject=subject,
            tenant=self.name,
            time=datetime.now(UTC),
            sequence=self.sequence,
            data=data,
            correlation_id="c-1",
            traceparent="00-11111111111111111111111111111111-2222222222222222-01",
        )

    def take(self, *events: Event) -> None:
        """As `BillingService.on_events`."""
        with self.pool.tx() as tx:
            payments.turn(tx, {self.name})
            changed = held.apply(tx, events)
            agenda.wake(tx, changed)
            agenda.wake_tenants(tx, events)
            hear.take_in(tx, events, changed)

    def facts(self, case: Case, kinds: Sequence[FactKind] | None = None) -> list[Event]:
        """The events of a case: that it exists, and its facts."""
        name = case.assignment
        head: dict[str, Any] = {
            "assignment": name,
            "programme": case.programme.value,
            "delivery_area": None,
            "plan": {"step_up": []},
        }
        told = [self.event("assignment.registered", name, head)]
        for fact in case.facts:
            if kinds is None or fact.kind in kinds:
                told.append(self.event(f"assignment.{fact.kind}", name, fact_event(name, fact, 1)))
        return told

    def add(self, case: Case) -> None:
        self.take(*self.facts(case))

    def withdraw(self, case: Case, kind: FactKind) -> None:
        fact = case.of(kind)[-1]
        data = {"assignment": case.assignment, "fact_id": fact.id, "fact": kind.value, "revision": 2}
        self.take(self.event("assignment.fact_withdrawn", case.assignment, data))

    def day(self, day: str) -> None:
        self.take(self.event("assignment.day_opened", self.name, {"date": day}))

    def run(self, day: str) -> None:
        with self.pool.tx() as tx:
            payments.turn(tx, {self.name})
            payments.run_payments(tx, held.load_tenant(tx, self.name), d(day))

    def news(self) -> list[tuple[str, dict[str, Any]]]:
        """(event without its service, data) of what was published since the last time, without `billing.posted`."""
        with self.pool.tx(readonly=True) as tx:
            rows = tx.query(
                "SELECT sequence, name, data FROM event WHERE tenant = %s AND sequence > %s ORDER BY sequence",
                (self.name, self.read),
            )
        for row in rows:
            self.read = row["sequence"]
            EVENTS[row["name"]].schema.load(row["data"])
        return [
            (row["name"].partition(".")[2], row["data"])
            for row in rows
            if row["name"] not in ("billing.posted", "billing.payment_held")
        ]

    def names(self) -> list[str]:
        return [name for name, _ in self.news()]

    def claims(self, *, staff: bool = True, **wanted: Any) -> list[dict[str, Any]]:
        request = {"assignment": None, "state": None, "after": None, "limit": 10, **wanted}
        with self.pool.tx(readonly=True) as tx:
            who = held.load_tenant(tx, self.name)
            return list(view.claims(tx, who, request, wanted.get("provider"), staff=staff)["claims"])

    def questions(self, after: str | None = None, limit: int = 10) -> dict[str, Any]:
        with self.pool.tx(readonly=True) as tx:
            return view.questions(tx, held.load_tenant(tx, self.name), after, limit)

    def overlap(self, assignment: str, *others: str, revision: int = 1) -> None:
        data = {
            "assignment": assignment,
            "revision": revision,
            "others": list(others),
            "grounds": ["SIX_MONTHS"] if others else [],
        }
        self.take(self.event("assignment.claims_overlap", assignment, data))


def named(case: Case, name: str) -> Case:
    return replace(case, assignment=name)


# --- one life -----------------------------------------------------------------------------------------


def test_a_life_is_told_step_by_step_and_each_step_once(pool: Pool) -> None:
    books = Books(pool)
    books.add(ami2(EXIT, *follow_ups([5, 6]), claim("2024-12-27")))
    assert books.names() == []  # no business date: nothing stands anywhere yet
    books.day("2024-03-15")
    [(name, opened)] = books.news()
    assert (name, opened["state"], opened["as_of"]) == ("month_opened", "ACCRUING", "2024-03-15")
    [month] = opened["months"]
    assert month == {
        "provider": "alfa",
        "kind": "MONTHLY_FEE",
        "sequence": 1,
        "before": None,
        "amount": "8000.00",
        "from": "2024-03-15",
        "to": "2024-04-15",
        "payable_from": "2024-04-15",
        "rules": ["AMI-10.1-a"],
    }
    books.day("2024-04-14")
    assert books.names() == []
    books.day("2024-04-15")
    assert books.names() == ["month_payable", "month_opened"]
    books.run("2024-04-15")
    [(name, paid)] = books.news()
    assert (name, paid["months"][0]["before"], paid["months"][0]["amount"]) == ("month_paid", "PAYABLE", "8000.00")
    books.run("2024-04-15")
    assert books.names() == []
    books.day("2024-06-20")
    told = books.news()
    assert [name for name, _ in told] == ["month_payable", "premium_planned", "bonus_clock_started"]
    planned, clock = told[1][1], told[2][1]
    assert (clock["amount"], clock["settle_on"], clock["rules"][0]) == ("20000.00", "2024-12-20", "AMI-10.2-e")
    assert [row["sequence"] for row in planned["months"]] == list(range(5, 13))
    assert planned["exit"] == clock["exit"]
    books.day("2024-08-15")
    assert books.names() == ["premium_payable"]
    books.day("2024-10-15")
    assert books.names() == ["premium_payable", "premium_held"]
    books.run("2024-10-15")
    assert books.names() == ["month_paid", "premium_paid"]
    books.day("2024-12-20")
    held_again, claimable = books.news()
    assert (held_again[0], claimable[0], claimable[1]["before"]) == ("premium_held", "bonus_claimable", "CLOCK_RUNNING")
    books.day("2024-12-27")
    assert books.names() == ["bonus_approved"]
    books.run("2024-12-27")
    [(name, bonus)] = books.news()
    assert (name, bonus["before"], bonus["amount"]) == ("bonus_paid", "APPROVED", "20000.00")


def test_a_fact_that_counts_already_is_told_at_once_and_taken_back_when_it_is(pool: Pool) -> None:
    books, life = Books(pool), ami2(EXIT)
    books.take(*books.facts(life, [fact.kind for fact in life.facts if fact.kind is not FactKind.EXITED]))
    books.day("2024-07-01")
    assert books.names() == ["month_payable", "month_opened"]
    books.take(*books.facts(life, [FactKind.EXITED]))
    assert books.names() == ["month_payable", "premium_planned", "bonus_clock_started"]
    assert [row["state"] for row in books.claims()] == ["CLOCK_RUNNING"]
    books.withdraw(life, FactKind.EXITED)
    told = dict(books.news())
    assert sorted(told) == ["month_opened", "state_withdrawn"]
    assert [(row["kind"], row["before"]) for row in told["state_withdrawn"]["items"]] == [
        ("RESULT_BONUS", "CLOCK_RUNNING"),
        *[("SPEED_PREMIUM", "PLANNED")] * 8,
    ]
    assert told["month_opened"]["months"][0]["before"] == "PAYABLE"
    assert books.claims() == []


def test_told_late_it_is_told_as_it_stands_and_in_whatever_order_the_facts_come(pool: Pool) -> None:
    life = ami2(EXIT, *follow_ups([5, 6]), claim("2024-12-27"))
    one, other = Books(pool), Books(pool)
    one.add(life)
    one.day("2025-01-01")
    first = [(name, data["state"]) for name, data in one.news()]
    other.day("2025-01-01")
    for event in reversed(other.facts(life)):
        other.take(event)
    with pool.tx(readonly=True) as tx:
        told = [claims.told(tx, books.name, ["A-001"])["A-001"].items for books in (one, other)]
    assert told[0] == told[1]
    assert ("bonus_approved", "APPROVED") in first
    assert not [name for name, _ in first if name in ("bonus_clock_started", "bonus_claimable")]


def test_only_cases_that_can_have_changed_are_looked_at(pool: Pool) -> None:
    books = Books(pool)
    books.add(ami2())
    books.add(named(ami1(), "A-002"))
    books.day("2024-03-20")
    with pool.tx(readonly=True) as tx:
        waiting = {row["assignment"]: row["until"] for row in tx.query(
            "SELECT assignment, until FROM told WHERE tenant = %s", (books.name,)
        )}  # fmt: skip
        looked = [case.assignment for cases in claims.due(tx, books.name, d("2024-04-14")) for case in cases]
    assert waiting == {"A-001": date(2024, 4, 15), "A-002": date(2025, 3, 3)}
    assert looked == []


def test_a_case_without_a_tariff_keeps_no_other_from_being_told(pool: Pool) -> None:
    books = Books(pool, without="AMI2_MONTHLY_FEE")
    books.add(ami2())
    books.add(named(ami1(decided="2024-03-15"), "A-002"))
    books.day("2024-03-20")
    assert [data["assignment"] for _, data in books.news()] == ["A-002"]


# --- claims and questions ------------------------------------------------------------------------------


def test_a_claim_is_listed_with_its_evidence_its_test_and_what_it_waits_for(pool: Pool) -> None:
    books = Books(pool)
    wrong = exited("2024-06-20", documents=["FINAL_REPORT", "EMPLOYMENT_CONTRACT", "STUDY_CERTIFICATE"])
    books.add(ami2(wrong, claim("2024-12-27")))
    books.day("2025-01-01")
    [row] = books.claims(state=None, provider="alfa")[:1]
    assert (row["kind"], row["state"], row["since"]) == ("RESULT_BONUS", "SUPPLEMENT_REQUESTED", date(2025, 1, 1))
    assert row["evidence"] == {
        "required": ["EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"],
        "either": False,
        "have": ["EMPLOYMENT_CONTRACT"],
        "missing": ["EMPLOYMENT_CERTIFICATE"],
        "not_needed": ["STUDY_CERTIFICATE"],
        "complete_on": None,
    }
    assert (row["tier"], f"{row['stake']:.2f}", row["settle_on"]) == ("AMI-10.2-e", "20000.00", date(2024, 12, 20))
    assert row["claims"] == [{"on": date(2024, 12, 27), "certified": True}]
    assert row["assistance"] == {"scope": "HOUSEHOLD", "found": False}
    assert "EMPLOYMENT_CERTIFICATE" in row["said"]["sv"]
    told = dict(books.news())
    assert told["bonus_supplement_requested"]["documents"] == ["EMPLOYMENT_CERTIFICATE"]
    assert [one["kind"] for one in books.claims(state=None)].count("SPEED_PREMIUM") == 5  # on hold for the document


@pytest.mark.rule("AMI-9-d")
def test_a_provider_is_told_no_more_of_assistance_than_the_rule(pool: Pool) -> None:
    books = Books(pool)
    eb = on("2024-09-15", "eb_paid", from_="2024-08-01", to="2024-09-01", scope="HOUSEHOLD")
    books.add(ami2(EXIT, eb))
    books.day("2024-10-01")
    blocked = dict(books.news())["bonus_blocked"]
    assert "AMI-9-d" in blocked["rules"]
    assert not {"scope", "household", "assistance"} & set(blocked)
    [mine] = [row for row in books.claims(staff=False, provider="alfa") if row["kind"] == "RESULT_BONUS"]
    [staff] = [row for row in books.claims() if row["kind"] == "RESULT_BONUS"]
    assert (mine["assistance"]["found"], staff["assistance"]["found"]) == (None, True)
    assert (mine["state"], mine["overlap"]) == ("BLOCKED", None)


def test_what_a_person_must_decide_is_listed_oldest_first_until_it_is_decided(pool: Pool) -> None:
    books = Books(pool)
    half = studies("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=60, household_income_support=True)
    books.add(named(ami2(half), "A-003"))
    later = exited("2024-06-20", first_day="2024-07-01")
    books.add(named(ami2(later, claim("2025-01-01")), "A-002"))
    # AMI 1 of 90 days from 2025-03-03: 2025-06-01 is out of them, and within three months
    books.add(named(ami1(exited("2025-06-01")), "A-001"))
    books.day("2025-06-02")
    found = books.questions()["questions"]
    assert [(row["assignment"], row["code"], row["since"].isoformat()) for row in found] == [
        ("A-003", "HALF_TIME_STUDIES", "2024-06-20"),
        ("A-002", "LATER_START", "2025-01-01"),
        ("A-001", "BOUNDARY", "2025-06-01"),
    ]
    assert [row["about"] for row in found] == ["BONUS", "BONUS", "BOUNDARY"]
    first = books.questions(limit=2)
    assert [row["assignment"] for row in first["questions"]] == ["A-003", "A-002"]
    rest = books.questions(after=first["next"], limit=2)
    assert ([row["assignment"] for row in rest["questions"]], rest["next"]) == (["A-001"], None)
    decided = named(ami2(later, claim("2025-01-01"), decision("2025-06-03")), "A-002")
    books.day("2025-06-03")
    books.take(*books.facts(decided, [FactKind.MANUAL_DECISION]))
    assert [row["assignment"] for row in books.questions()["questions"]] == ["A-003", "A-001"]
    [row] = [row for row in books.claims(assignment="A-002") if row["kind"] == "RESULT_BONUS"]
    assert (row["state"], row["decision"]["approved"], row["questions"]) == ("APPROVED", True, [])


@pytest.mark.rule("AMI-10.2-a")
def test_claims_of_one_person_that_overlap_are_held_until_a_person_has_looked_or_they_overlap_no_more(
    pool: Pool,
) -> None:
    books = Books(pool)
    books.add(ami2(EXIT, claim("2024-12-27")))
    books.day("2025-01-01")
    books.overlap("A-001", "A-009")
    [row] = [row for row in books.claims() if row["kind"] == "RESULT_BONUS"]
    assert (row["state"], row["overlap"]["others"], row["overlap"]["open"]) == ("APPROVED", ["A-009"], True)
    assert [one["code"] for one in row["questions"]] == ["DUPLICATE_CLAIM"]
    [asked] = books.questions()["questions"]
    assert (asked["code"], asked["about"], asked["since"]) == ("DUPLICATE_CLAIM", None, date(2025, 1, 1))
    with pool.tx() as tx:
        who = held.load_tenant(tx, books.name)
        [hold] = tx.query("SELECT * FROM hold WHERE tenant = %s", (books.name,))
        holds.end(tx, who, {"hold": hold["hold"], "note": None}, CONTROLLER)
    assert (hold["reason"], hold["kind"], hold["who"]) == ("DUPLICATE_CLAIM", "RESULT_BONUS", "billing")
    assert books.questions()["questions"] == []
    books.overlap("A-001", revision=2)
    books.overlap("A-001", "A-009", revision=1)  # old news
    assert [row["overlap"] for row in books.claims() if row["kind"] == "RESULT_BONUS"] == [None]
    # another overlap is another question, and its hold goes by itself
    books.overlap("A-001", "A-010", revision=3)
    assert [one["code"] for one in books.questions()["questions"]] == ["DUPLICATE_CLAIM"]
    books.overlap("A-001", revision=4)
    with pool.tx(readonly=True) as tx:
        ended = tx.query(
            "SELECT hold_end.who FROM hold_end JOIN hold USING (hold) WHERE tenant = %s ORDER BY hold", (books.name,)
        )
    assert [one["who"] for one in ended] == ["nina", "billing"]
    assert books.questions()["questions"] == []
