"""What is kept of the notices is the same for any order, repetition and batching of the same events."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from kundval_chassis import migrate, outbox
from kundval_chassis.db import Pool
from kundval_contracts.case import Case
from kundval_contracts.codes import DeliveryChannel, Role
from kundval_contracts.envelope import Event
from kundval_contracts.events import EVENTS, fact_event
from kundval_notifications import keep
from kundval_notifications.delivery.routing import Router
from kundval_notifications.domain.party import Party
from kundval_scheduling.domain import obligations
from tests.scheduling.builders import ami2, case, d, on, start, tenant

TENANT = "t"
SETTINGS = {"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000, "supervision.interval_months": 12}
PROVIDERS = [
    {"id": name, "ownership": "PRIVATE", "authorised": {"AMI_2": "2023-01-01", "JOBBPENG_BASIC": "2023-01-01"}}
    for name in ("alfa", "beta")
]
LAST = "2024-06-20"
NOON = datetime(2024, 6, 20, 10, tzinfo=UTC)


# --- a town's events ------------------------------------------------------------------------------------


class Told:
    """The events of three services, each with its place among those of its source."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._numbers = {source: count(1) for source in ("assignment", "scheduling", "billing")}

    def add(self, name: str, **data: Any) -> None:
        schema = EVENTS[name].schema
        assert not schema.validate(data), (name, schema.validate(data))
        number = next(self._numbers[name.partition(".")[0]])
        self.events.append(Event(outbox.new_id(), name, 1, data.get("assignment", TENANT), TENANT, NOON, number, data))

    def case(self, one: Case, days: Sequence[str]) -> None:
        """A case as assignment tells it, and its obligations as scheduling does on each of these days."""
        name = one.assignment
        plan = {"extent_pct": 100, "job_search_quota": 5, "step_up": []}
        self.add("assignment.registered", assignment=name, programme=one.programme.value, plan=plan)
        for fact in one.facts:
            self.add(f"assignment.{fact.kind}", **fact_event(name, fact, 1))
        before: dict[Any, Any] = {}
        for revision, day in enumerate(days, 1):
            rows = {row.key: row for row in obligations(one.known_by(d(day)), tenant(), d(day))}
            changed = [row for key, row in rows.items() if before.get(key) != row]
            self.add(
                "scheduling.obligations_changed",
                assignment=name,
                revision=revision,
                as_of=day,
                changed=[_obligation(row) for row in changed],
                removed=[{"kind": key[1], "sequence": key[2]} for key in before if key not in rows],
            )
            before = rows


def _obligation(row: Any) -> dict[str, Any]:
    shown = {name: value for name, value in row.as_json().items() if name != "assignment"}
    late = row.overdue_after.isoformat() if row.overdue_after else None
    return {**shown, "overdue_after": late, "provider": row.provider}


def _meeting(assignment: str, revision: int, as_of: str, starts: str, **data: Any) -> dict[str, Any]:
    return {
        "meeting": "m-1", "assignment": assignment, "kind": "THREE_PARTY_EXTRA", "sequence": 1, "attempt": 1,
        "revision": revision, "version": revision, "needed": False, "booker": "PROVIDER", "provider": "alfa",
        "mandatory": ["CAREER_GUIDE", "CLIENT"], "rules": [], "on": as_of, "as_of": as_of, "starts_at": starts, **data,
    }  # fmt: skip


def town() -> list[Event]:
    told = Told()
    told.add("assignment.tenant_opened", municipality="nacka", settings=SETTINGS, tariffs=[], providers=PROVIDERS)
    days = ["2024-04-30", LAST]
    told.case(
        ami2(
            on("2024-05-02", "coordinator_requested"),
            on("2024-05-15", "coordinator_brokered"),
            on("2024-05-16", "contact"),
            on("2024-05-20", "obstacle_found", known_on="2024-06-03"),
            on("2024-05-21", "unit_assigned", unit="unit-1"),
        ),
        days,
    )
    absent = on("2024-05-01", "absence_reported", days=9, cause="EXCUSED")
    other = case("JOBBPENG_BASIC", *start("2024-03-15", "2024-03-28"), absent)
    told.case(Case("A-002", other.programme, other.plan, None, other.facts), days)
    told.add("scheduling.meeting_booked", **_meeting("A-001", 1, "2024-05-02", "2024-05-20T08:00:00Z"))
    told.add("scheduling.meeting_rebooked", **_meeting("A-001", 2, "2024-05-06", "2024-06-24T08:00:00Z"))
    told.add(
        "scheduling.meeting_answered",
        assignment="A-001", meeting="m-1", version=2, role="CLIENT", response="DECLINED", mandatory=True,
        booker="PROVIDER", as_of="2024-05-07",
    )  # fmt: skip
    for name, revision in (("report_returned", 4), ("report_submitted", 5)):
        more = {"version": 2} if name == "report_submitted" else {}
        report = {"kind": "MONTHLY", "sequence": 1, "part": 1, "revision": revision, "as_of": f"2024-05-1{revision}"}
        told.add(f"assignment.{name}", assignment="A-001", **report, **more)
    unregistered = {"assignment": "A-001", "since": "2024-05-08"}
    late = {"assignment": "A-001", "kind": "FINAL", "sequence": 1, "due": "2024-06-05"}
    told.add("assignment.af_registration_missing", **unregistered, missing=True, revision=1, as_of="2024-05-08")
    told.add("assignment.af_report_overdue", **late, overdue=True, revision=2, as_of="2024-06-06")
    told.add("assignment.af_registration_missing", **unregistered, missing=False, revision=3, as_of="2024-05-10")
    for message, state, day in (
        ("a-1", "NOT_APPROVED", "2024-06-07"), ("a-2", "SENT", "2024-06-07"), ("a-2", "FAILED", "2024-06-08"),
        ("a-1", "READY", "2024-06-10"), ("a-1", "NOT_APPROVED", "2024-06-17"),
    ):  # fmt: skip
        told.add(
            "assignment.af_dispatch_changed", assignment="A-001", message=message, kind="PERIODIC", number=0,
            revision=1, state=state, provider="alfa", due=None, late=False, as_of=day,
        )  # fmt: skip
    told.add(
        "assignment.claims_overlap", assignment="A-001", revision=1, others=["A-9"], grounds=[], as_of="2024-06-01"
    )
    told.add(
        "assignment.provider_review_opened", provider="beta", programmes=["AMI_2"], on="2024-05-01", causes=["FINDING"]
    )
    told.add("assignment.provider_review_closed", provider="beta", programmes=["AMI_2"], on="2024-06-01")
    told.add("assignment.provider_supervised", provider="alfa", channels={"ON_SITE": ["2023-12-01"]})
    bill = {"payment": 12, "run": "2024-05-31", "provider": "alfa", "direction": "PAYABLE"}
    told.add("billing.payment_attested", **bill, self_billing=True, as_of="2024-06-03")
    told.add("billing.payment_parked", **{**bill, "payment": 13}, code="VAT_NOT_SET", as_of="2024-06-03")
    told.add("billing.payment_released", **{**bill, "payment": 13}, amount="1.00", documents=[], as_of="2024-06-14")
    for day in days:
        told.add("scheduling.day_opened", date=day)
    return told.events


# --- how it is taken in ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(make_database: Callable[..., str]) -> Iterator[Pool]:
    uri = make_database("notifications")
    migrate.apply(uri, "notifications")
    with Pool(uri, name="keep") as made:
        yield made


@pytest.fixture
def pool(shared: Pool) -> Pool:
    emptied(shared)
    return shared


def emptied(pool: Pool) -> None:
    with pool.tx() as tx:
        tx.execute(
            "TRUNCATE notice, message, dispatch, dispatch_notice, attempt, receipt, message_act, heard, holder, agenda,"
            " held_obligation, held_posting, payment_agenda, tenant, held_case, held_fact, event, outbox CASCADE"
        )


class Nobody:
    """A directory without addresses: what is for staff lies in their inbox, clients have to be told by hand."""

    def parties(self, pool: Pool, tenant: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[int, Party]:
        return {row["notice"]: Party(Role(row["recipient"]), "*") for row in rows}

    def mark(self, channel: DeliveryChannel, address: str) -> bytes:
        return b""


def taken_in(pool: Pool, events: list[Event], chance: random.Random, after: Callable[[], None] = lambda: None) -> None:
    """In batches as chance has them, with some told twice."""
    waiting = list(events)
    while waiting:
        size = chance.randint(1, 40)
        batch, waiting = waiting[:size], waiting[size:]
        with pool.tx() as tx:
            keep.follow(tx, batch + chance.sample(batch, min(3, len(batch))))
        after()


def standing(pool: Pool) -> set[tuple[Any, ...]]:
    with pool.tx() as tx:
        rows = tx.query(
            "SELECT about, subject, kind, recipient, on_day, sequence, round, provider, rules, details, lapses_on,"
            " overtaken_at IS NOT NULL AS overtaken FROM notice WHERE superseded_at IS NULL"
        )
    return {tuple(repr(value) for value in row.values()) for row in rows}


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return town()


def test_any_order_repetition_and_batching_gives_the_same_notices(pool: Pool, events: list[Event]) -> None:
    taken_in(pool, events, random.Random(1))
    expected = standing(pool)
    with pool.tx() as tx:
        # by it a restored service knows what may have been sent before
        assert tx.value("SELECT count(*) FROM notice WHERE caused_at IS NULL") == 0
    kinds = {row[2].strip("'") for row in expected}
    assert kinds >= {
        "COORDINATOR_REQUESTED", "COORDINATOR_TO_INFORM", "OBSTACLE_FOUND", "ABSENCE_TO_REPORT", "FOLLOW_UP_MISSING",
        "MEETING_MOVED", "MEETING_DECLINED", "REPORT_RETURNED", "CLAIMS_OVERLAP", "PROVIDER_REVIEW", "PROVIDER_IDLE",
        "PAYMENT_PARKED", "PAYMENT_TO_APPROVE", "OBLIGATION_ESCALATED", "OBLIGATION_OVERDUE", "DECISION",
        "SUPERVISION_OVERDUE", "AF_REGISTRATION_MISSING", "AF_REPORT_NOT_APPROVED", "AF_REPORT_LATE",
    }  # fmt: skip
    for seed in range(2, 8):
        emptied(pool)
        chance = random.Random(seed)
        shuffled = list(events)
        chance.shuffle(shuffled)
        taken_in(pool, shuffled, chance)
        assert standing(pool) == expected, seed


def test_with_sending_in_between_nothing_goes_out_twice_and_what_stands_at_the_end_was_told(
    pool: Pool, events: list[Event]
) -> None:
    router = Router(pool, Nobody(), (), now=lambda: NOON)
    told: dict[int, str] = {}

    def send() -> None:
        while router.work():
            pass
        with pool.tx() as tx:
            now = {row["notice"]: row["state"] for row in tx.query("SELECT notice, state FROM message")}
        assert all(now[notice] == state for notice, state in told.items())
        told.update({notice: state for notice, state in now.items() if state in ("SENT", "BY_HAND")})

    chance = random.Random(11)
    shuffled = list(events)
    chance.shuffle(shuffled)
    taken_in(pool, shuffled, chance, send)
    with pool.tx() as tx:
        rows = tx.query(
            "SELECT m.state, superseded_at IS NULL AND overtaken_at IS NULL AND (lapses_on IS NULL OR lapses_on > %s)"
            " AS of_use FROM message m JOIN notice USING (notice)",
            (d(LAST),),
        )
    assert {row["state"] for row in rows if row["of_use"]} <= {"SENT", "BY_HAND"}
    assert {row["state"] for row in rows} == {"SENT", "BY_HAND", "WITHDRAWN"}


def test_after_a_downtime_what_is_of_no_use_any_more_is_withdrawn_and_the_rest_told_late(
    pool: Pool, events: list[Event]
) -> None:
    with pool.tx() as tx:
        keep.follow(tx, events)
    router = Router(pool, Nobody(), (), now=lambda: NOON)
    while router.work():
        pass
    with pool.tx() as tx:
        rows = tx.query(
            "SELECT kind, round, late, caused_at, m.state, m.reason FROM notice JOIN message m USING (notice)"
        )
    asked = {row["round"]: (row["state"], row["reason"]) for row in rows if row["kind"] == "COORDINATOR_REQUESTED"}
    assert asked == {0: ("WITHDRAWN", "OVERTAKEN"), 1: ("WITHDRAWN", "OVERTAKEN")}
    assert {row["reason"] for row in rows if row["kind"] == "OBLIGATION_DUE_SOON"} == {"LAPSED"}
    assert {
        (row["state"], row["late"]) for row in rows if row["kind"] == "COORDINATOR_TO_INFORM" and row["round"] == 2
    } == {("SENT", True)}
    assert {row["caused_at"] for row in rows} == {NOON}


def test_a_fact_that_is_taken_back_takes_its_notice_back_and_brings_it_again(pool: Pool, events: list[Event]) -> None:
    with pool.tx() as tx:
        keep.follow(tx, events)
    (found,) = [one for one in events if one.name == "assignment.coordinator_brokered"]
    taken_back = {
        "assignment": "A-001", "fact_id": found.data["fact_id"], "fact": "coordinator_brokered", "revision": 2,
    }  # fmt: skip
    stands = standing(pool)
    with pool.tx() as tx:
        keep.follow(tx, [_again(found, "assignment.fact_withdrawn", taken_back)])
        assert (
            tx.value("SELECT count(*) FROM notice WHERE kind = 'COORDINATOR_TO_INFORM' AND superseded_at IS NULL") == 0
        )
        # nobody has brokered it, so it is to be told of anew
        rows = tx.query(
            "SELECT round, overtaken_at IS NULL AS holds FROM notice WHERE kind = 'COORDINATOR_REQUESTED'"
            " ORDER BY round"
        )
        assert [(row["round"], row["holds"]) for row in rows] == [(0, False), (1, False), (2, True)]
        keep.follow(tx, [_again(found, found.name, {**found.data, "revision": 3})])
    assert standing(pool) == stands


def test_of_messages_to_the_employment_service_stands_what_is_not_settled(pool: Pool, events: list[Event]) -> None:
    with pool.tx() as tx:
        keep.follow(tx, events)
        rows = tx.query(
            "SELECT kind, recipient, on_day::text AS day, provider FROM notice WHERE kind LIKE 'AF\\_%' AND round = 0"
            " AND superseded_at IS NULL AND sequence IN (SELECT sequence FROM notice WHERE overtaken_at IS NULL)"
            " ORDER BY kind, on_day, recipient"
        )
    assert [(row["kind"], row["day"], row["recipient"], row["provider"]) for row in rows] == [
        ("AF_REPORT_LATE", "2024-06-06", "CAREER_GUIDE", None),
        ("AF_REPORT_NOT_APPROVED", "2024-06-08", "CAREER_GUIDE", None),
        ("AF_REPORT_NOT_APPROVED", "2024-06-17", "CAREER_GUIDE", None),
        ("AF_REPORT_NOT_APPROVED", "2024-06-17", "PROVIDER", "alfa"),
    ]


def _again(event: Event, name: str, data: Mapping[str, Any]) -> Event:
    return Event(
        outbox.new_id(),
        name,
        1,
        event.subject,
        TENANT,
        event.time + timedelta(hours=1),
        event.sequence + 1000,
        dict(data),
    )


@pytest.mark.rule("NACKA-14")
def test_a_switch_that_is_known_late_takes_what_has_not_been_told_to_the_provider_that_has_the_client(
    pool: Pool,
) -> None:
    told_ = Told()
    told_.add("assignment.tenant_opened", municipality="nacka", settings=SETTINGS, tariffs=[], providers=PROVIDERS)
    told_.case(ami2(on("2024-05-20", "provider_switch", provider="beta", approved=True, known_on="2024-06-20")), [LAST])
    switch = next(one for one in told_.events if one.name == "assignment.provider_switch")
    before = [one for one in told_.events if one is not switch]
    told_.add("scheduling.day_opened", date=LAST)
    late = (
        "SELECT on_day, provider, read_at, details->>'due' AS due FROM notice WHERE kind = 'OBLIGATION_OVERDUE'"
        " AND recipient = 'PROVIDER' AND details->>'obligation' = 'WEEKLY_CONTACT' ORDER BY on_day"
    )
    with pool.tx() as tx:
        keep.follow(tx, [*before, told_.events[-1]])
        rows = tx.query(late)
        assert {row["provider"] for row in rows} == {"alfa"} and rows[-1]["on_day"] > d("2024-05-20")
        tx.execute("UPDATE notice SET read_at = now(), read_by = 'a'")
        keep.follow(tx, [switch])
        after = tx.query(late)
    assert [row["due"] for row in after] == [row["due"] for row in rows]
    assert [row["provider"] for row in after] == ["alfa" if r["on_day"] < d("2024-05-20") else "beta" for r in after]
    # whom it is for now has not read it
    assert all((row["read_at"] is None) == (row["provider"] == "beta") for row in after)
    kept = standing(pool)
    emptied(pool)
    with pool.tx() as tx:
        keep.follow(tx, told_.events)
    assert standing(pool) == kept


def test_who_holds_a_case_is_kept_as_the_facts_have_it(pool: Pool, events: list[Event]) -> None:
    (found,) = [one for one in events if one.name == "assignment.unit_assigned"]
    taken_back = {"assignment": "A-001", "fact_id": found.data["fact_id"], "fact": "unit_assigned", "revision": 2}
    with pool.tx() as tx:
        keep.follow(tx, events)
        assert tx.query("SELECT assignment, unit FROM holder") == [{"assignment": "A-001", "unit": "unit-1"}]
        keep.follow(tx, [_again(found, "assignment.fact_withdrawn", taken_back)])
        assert tx.query("SELECT assignment, unit FROM holder") == [{"assignment": "A-001", "unit": None}]


def test_no_time_place_or_amount_of_what_is_heard_is_kept(pool: Pool, events: list[Event]) -> None:
    with pool.tx() as tx:
        keep.follow(tx, events)
        kept = {key for row in tx.query("SELECT data FROM heard") for key in row["data"]}
    assert kept <= {
        "day", "kind", "version", "provider", "mandatory", "role", "response", "booker", "sequence", "others", "run",
        "code", "self_billing", "programmes", "ground", "channels", "state", "due", "overdue", "since", "missing",
    }  # fmt: skip
