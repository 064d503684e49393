"""What a service holds of assignments: the same whatever the order of arrival, and however often it arrives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from kundval_chassis import held, outbox
from kundval_chassis.db import Pool, Tx
from kundval_contracts.case import Plan, Step
from kundval_contracts.codes import FactKind, Programme
from kundval_contracts.envelope import Event
from kundval_contracts.events import fact_event, fact_from_event
from kundval_contracts.facts import KEPT_HERE, load_fact
from tests.assignment.test_state_machine import TABLE

from .eventing import TENANT, event, migrated

PLAN = {"extent_pct": 50, "job_search_quota": 5, "step_up": [{"from": "2024-06-01", "extent_pct": 100}]}
FIELDS: dict[FactKind, dict[str, Any]] = {
    **{FactKind(kind): fields for kind, (_, fields) in TABLE.items()},
    FactKind.DECIDED: {"end_date": "2025-03-15"},
    FactKind.PROVIDER_CHOSEN: {"provider": "alfa"},
    FactKind.ACCEPTED: {"provider": None},
    FactKind.CONTACT: {"channel": "PHONE", "minutes": 30},
    FactKind.JOBS_APPLIED: {"count": 6, "month": 2},
    FactKind.PLACEMENT_STARTED: {
        "workplace": "W1", "signatures": ["CLIENT", "EMPLOYER"], "agreement": {"tasks": "x"},
    },
    FactKind.OFFER_DECLINED: {"offer": "WORK", "receives_eb": True},
    FactKind.MEETING_BOOKED: {"meeting": "THREE_PARTY_DECLINED_OFFER"},
    FactKind.MEETING_HELD: {"meeting": "FOLLOWUP_AMI2_M3", "sequence": 1},
    FactKind.MEETING_MISSED: {"meeting": "FOLLOWUP_AMI2_M3", "sequence": 2},
    FactKind.MONTHLY_REPORT: {"month": 1, "extent_pct": 50, "deviation_reason": "ill", "attachments": ["a"]},
    FactKind.BIP_ASSESSED: {"scores": {"a": 1}},
    FactKind.PROVIDER_SWITCH: {"provider": "beta", "approved": True},
    FactKind.EXITED: {
        "kind": "WORK_FULL_TIME", "first_day": "2024-06-20", "workplace": "W1", "extent_pct": 100,
        "documents": ["FINAL_REPORT", "EMPLOYMENT_CONTRACT"],
    },
    FactKind.PREMIUM_FOLLOW_UP: {"month": 4, "continues": True},
    FactKind.RESUMED: {"provider": "alfa"},
    FactKind.WORKPLACE_CHANGED: {"workplace": "W2", "gap_days": 0},
    FactKind.EB_PAID: {"from": "2024-07-01", "to": "2024-08-01", "scope": "CLIENT"},
    FactKind.BONUS_CLAIMED: {"certified": True, "documents": ["FINAL_REPORT"], "covers_until": "2024-12-31"},
    FactKind.MANUAL_DECISION: {"about": "BONUS", "approved": True, "by": "N. N."},
    FactKind.RESULT_REPORTED: {"amount": "1234.50", "reason": "because"},
    FactKind.HOURS_REPORTED: {"hours_per_week": "12.5"},
    FactKind.PLACEMENT_ENDED: {"hours_per_week": "10"},
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(database: str) -> Iterator[Pool]:
    with migrated(database, "billing") as opened:
        yield opened


@pytest.fixture
def pool(shared: Pool) -> Pool:
    with shared.tx() as tx:
        tx.execute("TRUNCATE event, outbox, inbox, tenant, held_case, held_fact")
    return shared


def registered(assignment: str, sequence: int = 1, **changes: Any) -> Event:
    data = {"assignment": assignment, "programme": "AMI_2", "delivery_area": None, "plan": PLAN, **changes}
    return event(0, name="assignment.registered", assignment=assignment, sequence=sequence, data=data)


def recorded(
    assignment: str, kind: str, place: int, /, revision: int = 1, day: str = "2024-05-01", **own: Any
) -> Event:
    fact = load_fact({"on": day, "fact": kind, **own}, place)
    return event(0, name=f"assignment.{kind}", assignment=assignment, data=fact_event(assignment, fact, revision))


def withdrawn(assignment: str, kind: str, place: int, revision: int) -> Event:
    data = {"assignment": assignment, "fact_id": str(place), "fact": kind, "revision": revision}
    return event(0, name="assignment.fact_withdrawn", assignment=assignment, data=data)


def opened(sequence: int = 1, **changes: Any) -> Event:
    data = {
        "municipality": "nacka",
        "settings": {"AMI2_MONTHLY_FEE": "8000.00"},
        "tariffs": [{"valid_from": "2024-01-01", "AMI2_MONTHLY_FEE": "8100.00"}],
        "providers": [{"id": "alfa", "ownership": "PRIVATE", "authorised": {"AMI_2": "2024-01-01"}}],
        **changes,
    }
    return event(0, name="assignment.tenant_opened", assignment=TENANT, sequence=sequence, data=data)


def day_opened(day: str) -> Event:
    return event(0, name="assignment.day_opened", assignment=TENANT, data={"date": day})


def content(tx: Tx) -> list[list[dict[str, Any]]]:
    return [
        tx.query("SELECT * FROM tenant ORDER BY tenant"),
        tx.query("SELECT * FROM held_case ORDER BY tenant, assignment"),
        tx.query("SELECT * FROM held_fact ORDER BY tenant, assignment, fact_id"),
    ]


def test_a_case_is_held_with_its_plan_and_facts_in_order(pool: Pool) -> None:
    with pool.tx() as tx:
        touched = held.apply(
            tx,
            [
                registered("A-1"),
                recorded("A-1", "started", 2, day="2024-05-03"),
                recorded("A-1", "decided", 1),
                recorded("A-1", "results_shown", 0),
                registered("A-2", delivery_area="area", programme="RUM_A"),
            ],
        )
        assert touched == {(TENANT, "A-1"), (TENANT, "A-2")}
        first, second = held.load_cases(tx, touched)
    assert (first.assignment, first.programme) == ("A-1", Programme.AMI_2)
    assert first.plan == Plan(50, 5, (Step(date(2024, 6, 1), 100),))
    assert [fact.kind for fact in first.facts] == [FactKind.RESULTS_SHOWN, FactKind.DECIDED, FactKind.STARTED]
    assert (second.delivery_area, second.facts) == ("area", ())


@pytest.mark.parametrize("kind", [kind for kind in FactKind if kind not in KEPT_HERE])
def test_a_fact_is_read_back_exactly_as_its_event_says_it(pool: Pool, kind: FactKind) -> None:
    arriving = recorded("A-1", kind, 7, **FIELDS.get(kind, {}))
    with pool.tx() as tx:
        held.apply(tx, [registered("A-1"), arriving])
        (case,) = held.load_cases(tx, [(TENANT, "A-1")])
    assert case.facts == (fact_from_event(arriving.name, arriving.data),)


def test_amounts_come_back_as_decimals_never_as_floats(pool: Pool) -> None:
    with pool.tx() as tx:
        held.apply(tx, [registered("A-1"), recorded("A-1", "result_reported", 1, amount="1234.50")])
        (case,) = held.load_cases(tx, [(TENANT, "A-1")])
    assert case.facts[0]["amount"] == Decimal("1234.50")
    assert isinstance(case.facts[0]["amount"], Decimal)


def test_a_fact_that_comes_before_its_assignment_is_kept(pool: Pool) -> None:
    with pool.tx() as tx:
        assert held.apply(tx, [recorded("A-1", "decided", 1)]) == {(TENANT, "A-1")}
        assert held.load_cases(tx, [(TENANT, "A-1")]) == []
    with pool.tx() as tx:
        assert held.apply(tx, [registered("A-1")]) == {(TENANT, "A-1")}
        (case,) = held.load_cases(tx, [(TENANT, "A-1")])
    assert len(case.facts) == 1


def test_a_fact_whose_withdrawal_came_first_does_not_count(pool: Pool) -> None:
    with pool.tx() as tx:
        held.apply(tx, [registered("A-1"), withdrawn("A-1", "decided", 1, 2)])
    with pool.tx() as tx:
        assert held.apply(tx, [recorded("A-1", "decided", 1, 1)]) == set()
        assert held.load_cases(tx, [(TENANT, "A-1")])[0].facts == ()
        assert held.apply(tx, [recorded("A-1", "decided", 1, 3)]) == {(TENANT, "A-1")}
        assert len(held.load_cases(tx, [(TENANT, "A-1")])[0].facts) == 1


def test_what_changes_nothing_touches_nothing(pool: Pool) -> None:
    events = [registered("A-1"), recorded("A-1", "decided", 1)]
    with pool.tx() as tx:
        assert held.apply(tx, events) == {(TENANT, "A-1")}
        assert held.apply(tx, events) == set()
        assert held.apply(tx, []) == set()


def test_any_order_and_any_repetition_of_the_same_events_gives_the_same(pool: Pool) -> None:
    events = [opened(1), opened(9, municipality="kramfors"), day_opened("2024-05-01"), day_opened("2024-07-01")]
    for number in range(4):
        assignment = f"A-{number}"
        events += [registered(assignment, 2), registered(assignment, 5, plan={"extent_pct": 100, "step_up": []})]
        for place in range(4):
            events += [
                recorded(assignment, "decided", place, 1),
                withdrawn(assignment, "decided", place, 2),
                recorded(assignment, "started", place, 3 if place % 2 else 1),
            ]
    dice = random.Random(7)
    outcomes = []
    for _ in range(6):
        dice.shuffle(events)
        with pool.tx() as tx:
            tx.execute("TRUNCATE tenant, held_case, held_fact")
        position = 0
        while position < len(events):
            size = dice.randint(1, 12)
            with pool.tx() as tx:
                held.apply(tx, events[position : position + size] + dice.sample(events[:position], min(3, position)))
            position += size
        with pool.tx(readonly=True) as tx:
            outcomes.append(content(tx))
    # of two revisions 1 of one fact any may win; no service publishes that
    assert all(outcome[:2] == outcomes[0][:2] for outcome in outcomes)
    in_effect = [[(f["assignment"], f["fact_id"], f["revision"], f["in_effect"]) for f in o[2]] for o in outcomes]
    assert all(one == in_effect[0] for one in in_effect)
    assert {f["in_effect"] for f in outcomes[0][2]} == {True, False}
    assert outcomes[0][0][0]["business_date"] == date(2024, 7, 1)
    assert outcomes[0][0][0]["municipality"] == "kramfors"


def test_a_tenant_is_held_with_settings_tariffs_providers_and_day(pool: Pool) -> None:
    with pool.tx() as tx:
        held.apply(tx, [day_opened("2024-07-01")])
        with pytest.raises(held.NotOpened):
            held.load_tenant(tx, TENANT)
        held.apply(tx, [opened()])
        tenant = held.load_tenant(tx, TENANT)
    assert (tenant.id, tenant.municipality, tenant.business_date) == (TENANT, "nacka", date(2024, 7, 1))
    assert tenant.settings["AMI2_MONTHLY_FEE"] == Decimal("8000.00")
    assert tenant.settings.fee(Programme.AMI_2, date(2024, 3, 1)) == (Decimal("8100.00"), date(2024, 1, 1))
    assert tenant.providers["alfa"].authorised == {Programme.AMI_2: date(2024, 1, 1)}


def test_two_tenants_may_use_the_same_ids(pool: Pool) -> None:
    other = Event(**{**_fields(registered("A-1", programme="AMI_1")), "tenant": "other", "id": outbox.new_id()})
    with pool.tx() as tx:
        held.apply(tx, [registered("A-1"), other])
        found = held.load_cases_by_key(tx, [(TENANT, "A-1"), ("other", "A-1")])
    assert [(key, case.programme) for key, case in found] == [
        ((TENANT, "A-1"), Programme.AMI_2),
        (("other", "A-1"), Programme.AMI_1),
    ]


def test_every_case_of_a_tenant_comes_in_chunks(pool: Pool) -> None:
    with pool.tx() as tx:
        held.apply(tx, [registered(f"A-{n:03}") for n in range(25)] + [recorded("A-007", "decided", 1)])
        chunks = list(held.tenant_cases(tx, TENANT, chunk=10))
        assert list(held.tenant_cases(tx, "other")) == []
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    assert [case.assignment for chunk in chunks for case in chunk] == [f"A-{n:03}" for n in range(25)]
    assert len(chunks[0][7].facts) == 1


def test_positions_tell_how_far_a_service_is(pool: Pool) -> None:
    with pool.tx() as tx:
        tx.execute(
            "INSERT INTO inbox (id, source, tenant, sequence) SELECT gen_random_uuid(), 'assignment', %s, n"
            " FROM generate_series(1, 3) AS n",
            (TENANT,),
        )
        data = {"assignment": "A-1", "run": "2024-07-01", "postings": []}
        tx.publish("billing.posted", subject="A-1", tenant=TENANT, data=data)
        tx.publish("billing.posted", subject="A-1", tenant="other", data=data)
    with pool.tx(readonly=True) as tx:
        assert held.positions(tx, TENANT) == {"published": 1, "handled": {"assignment": 3}, "outbox": 1}
        assert held.positions(tx, "nobody") == {"published": 0, "handled": {}, "outbox": 0}


def _fields(given: Event) -> dict[str, Any]:
    return {name: getattr(given, name) for name in Event.__slots__}
