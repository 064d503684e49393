"""What was known when, kept by a real database: the same history whatever order and however often it is told; and the
answers of the RPC methods over it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from kundval_billing import payments
from kundval_billing.explanations import store
from kundval_billing.service import BillingService
from kundval_chassis import held, migrate, outbox
from kundval_chassis.db import Pool
from kundval_chassis.rpc import checked
from kundval_chassis.tokens import Caller
from kundval_contracts.answer import recompute_tree
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Conflict, InvalidRequest, NotFound
from kundval_contracts.events import fact_event
from kundval_contracts.rpc import METHODS, CallerRole

from .builders import Row, ami2, exited, follow_ups, on

TENANT = "nacka-test"
TERMS = {"AMI1_MONTHLY_FEE": "6000.00", "AMI2_MONTHLY_FEE": "8000.00"}
CONTROLLER = Caller("c", CallerRole.CONTROLLER, None, "test")
GUIDE = Caller("g", CallerRole.CAREER_GUIDE, None, "test")
ALFA = Caller("a", CallerRole.PROVIDER, "alfa", "test", tenant=TENANT)
BETA = Caller("b", CallerRole.PROVIDER, "beta", "test", tenant=TENANT)


class Assignment:
    """The log of the assignment service: what it tells, in its order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def _tell(self, name: str, subject: str, data: Row) -> None:
        sequence = len(self.events) + 1
        time = datetime(2024, 1, 1, tzinfo=UTC)
        self.events.append(Event(outbox.new_id(), f"assignment.{name}", 1, subject, TENANT, time, sequence, data))

    def open(self, **settings: Any) -> None:
        provider = {"ownership": "PRIVATE", "authorised": {"AMI_2": "2024-01-01"}}
        providers = [{"id": name, **provider} for name in ("alfa", "beta")]
        stated = {key: fee for key, fee in {**TERMS, **settings}.items() if fee is not None}
        data = {"municipality": "nacka", "settings": stated, "tariffs": [], "providers": providers}
        self._tell("tenant_opened", TENANT, data)

    def day(self, day: str) -> None:
        self._tell("day_opened", TENANT, {"date": day})

    def state(self, name: str, *rows: Row, first: int = 0, revision: int = 1) -> None:
        if first == 0 and revision == 1:
            data = {"assignment": name, "programme": "AMI_2", "delivery_area": None, "plan": {}}
            self._tell("registered", name, data)
        for place, row in enumerate(rows, first):
            fact = ami2(row).facts[-1] if row["fact"] != "decided" else ami2(decided=row["on"]).facts[0]
            numbered = {"fact_id": str(place), "ordinal": place, "known_on": row.get("known_on", row["on"])}
            self._tell(row["fact"], name, {**fact_event(name, fact, revision), **numbered})

    def withdraw(self, name: str, kind: str, place: int, revision: int = 2) -> None:
        data = {"assignment": name, "fact_id": str(place), "fact": kind, "revision": revision}
        self._tell("fact_withdrawn", name, data)


class Billing:
    """The billing service on a database of its own, without a broker."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.service = BillingService()

    def take(self, events: Iterable[Event]) -> None:
        with self.pool.tx() as tx:
            self.service.on_events(tx, list(events))

    def run(self, day: str) -> Decimal:
        with self.pool.tx() as tx:
            done = payments.run_payments(tx, held.load_tenant(tx, TENANT), date.fromisoformat(day))
        return done.amount

    def ask(self, method: str, by: Caller = CONTROLLER, **fields: Any) -> dict[str, Any]:
        known = METHODS[f"billing.{method}"]
        request = known.load({"tenant": TENANT, **fields})
        with self.pool.tx(readonly=True) as tx:
            # without the broker around it
            carry_out = getattr(BillingService, method).__wrapped__
            return dict(checked(known, carry_out(self.service, tx, request, by), by))

    def history(self) -> list[Any]:
        """What is kept, but for the order in which it came here."""
        with self.pool.tx(readonly=True) as tx:
            return [
                tx.query(f"SELECT {columns} FROM {table} ORDER BY {columns}")
                for table, columns in (
                    ("known", "tenant, assignment, fact_id, revision, in_effect, kind, place, on_day, known_on, data,"
                              " sequence"),
                    ("known_terms", "tenant, sequence, municipality, settings, tariffs, providers"),
                    ("known_day", "tenant, sequence, day"),
                )
            ]  # fmt: skip


@pytest.fixture(scope="module")
def databases(make_database: Any) -> Iterator[list[Pool]]:
    """Two billing services with the same source."""
    pools = []
    for name in ("told-once", "told-again"):
        uri = make_database("billing")
        migrate.apply(uri, "billing")
        pools.append(Pool(uri, name=name).__enter__())
    yield pools
    for pool in pools:
        pool.__exit__(None, None, None)


@pytest.fixture(scope="module")
def told(databases: list[Pool]) -> Assignment:
    """Two assignments. A-1: an exit in June, paid in October; assistance and a break-off become known later. A-2: a
    fact is taken back, stated again and taken back for good. In between the fee is raised for all.
    """
    log = Assignment()
    log.open()
    log.day("2024-03-15")
    start = [
        on("2024-03-15", "decided"),
        on("2024-03-15", "provider_chosen", provider="alfa"),
        on("2024-03-15", "started"),
    ]
    log.state("A-1", *start, exited("2024-06-20"), *follow_ups([4, 5, 6]))
    log.state("A-2", *start)
    return log


@pytest.fixture(scope="module")
def played(databases: list[Pool], told: Assignment) -> Billing:
    """Day by day, with payment runs between, as it happens."""
    billing = Billing(databases[0])
    done = 0

    def until(day: str) -> None:
        nonlocal done
        told.day(day)
        billing.take(told.events[done:])
        done = len(told.events)

    until("2024-10-01")
    assert billing.run("2024-10-01") == Decimal("96000.00")
    told.withdraw("A-2", "started", 2)
    until("2024-11-04")
    assert billing.run("2024-11-04") == Decimal("-48000.00")
    told.state("A-2", on("2024-03-15", "started"), first=2, revision=3)
    told.state("A-1", on("2024-08-20", "broke_off", known_on="2024-11-20"), first=7)
    told.open(AMI2_MONTHLY_FEE="9000.00")
    until("2024-12-02")
    billing.run("2024-12-02")
    told.state("A-1", on("2024-07-01", "eb_paid", from_="2024-07-01", to="2024-08-01", scope="HOUSEHOLD"), first=8)
    until("2025-01-15")
    billing.take(told.events)
    return billing


def test_the_history_is_the_same_whatever_order_it_is_told_in_and_however_often(
    played: Billing, databases: list[Pool], told: Assignment
) -> None:
    rebuilt = Billing(databases[1])
    events = list(told.events) * 2
    random.Random(7).shuffle(events)
    for start in range(0, len(events), 5):
        rebuilt.take(events[start : start + 5])
    assert rebuilt.history() == played.history()
    assert [len(rows) for rows in rebuilt.history()] == [14, 2, 5]
    # without the ledger of the other: it is not in the log, and what was due is
    for day in ("2024-03-14", "2024-05-01", "2024-10-01", "2024-11-04", "2024-12-02", "2025-01-15"):
        ours, theirs = (one.ask("as_known", known_by=day) for one in (rebuilt, played))
        assert [row["due"] for row in ours["lines"]] == [row["due"] for row in theirs["lines"]]
        assert ours["changes"] == theirs["changes"]


@pytest.mark.parametrize("statement", ["UPDATE known SET sequence = 9", "DELETE FROM known", "TRUNCATE known",
                                       "UPDATE known_terms SET sequence = 9", "DELETE FROM known_day"])  # fmt: skip
def test_the_database_refuses_another_past(played: Billing, statement: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), played.pool.tx() as tx:
        tx.execute(statement)


@pytest.mark.parametrize("run", ["2024-10-01", "2024-11-04", "2024-12-02"])
def test_each_past_run_comes_to_what_the_ledger_held_after_it(played: Billing, run: str) -> None:
    answer = played.ask("as_known", known_by=run, at="RUN")
    with played.pool.tx(readonly=True) as tx:
        ledger = tx.value("SELECT sum(amount) FROM entry WHERE tenant = %s AND run <= %s", (TENANT, run))
    assert Decimal(answer["sums"]["due"]) == Decimal(answer["sums"]["posted"]) == ledger
    assert answer["sums"]["owed"] == "0.00"
    assert ledger > 0


def test_the_end_of_a_day_knows_what_was_told_after_its_run(played: Billing) -> None:
    sums = played.ask("as_known", known_by="2024-10-01")["sums"]
    # the start of A-2 was taken back that day, when its fees had been posted
    assert (sums["due"], sums["posted"], sums["owed"]) == ("48000.00", "96000.00", "-48000.00")


def test_the_difference_to_today_is_told_with_what_was_learned(played: Billing) -> None:
    answer = played.ask("as_known", known_by="2024-10-01", at="RUN", assignment="A-1", lang="en")
    (change,) = answer["changes"]
    # the break-off takes month 6 back; five months are dearer by a thousand each
    assert (change["by_time"], change["by_facts"], change["by_terms"]) == ("0.00", "-8000.00", "5000.00")
    assert [(one["fact"], one["known_on"], one["learned_on"], one["decisive"]) for one in change["learned"]] == [
        ("broke_off", "2024-11-20", "2024-11-20", True),
        ("eb_paid", "2024-07-01", "2024-12-02", False),
    ]
    assert change["learned"][0]["text"] == "Break-off 2024-08-20, known 2024-11-20; changes the answer"


def test_a_fact_that_was_taken_back_and_stated_again_is_told_with_the_last_word(played: Billing) -> None:
    (change,) = played.ask("as_known", known_by="2024-10-15", assignment="A-2")["changes"]
    assert [(one["fact"], one["learned_on"], one["in_effect"]) for one in change["learned"]] == [
        ("started", "2024-11-04", True)
    ]


def test_another_day_can_be_computed_for_by_what_was_known_then(played: Billing) -> None:
    then, later = (
        played.ask("as_known", known_by="2024-05-01", assignment="A-2", **more)["sums"]["due"]
        for more in ({}, {"as_of": "2024-08-01"})
    )
    assert (then, later) == ("8000.00", "32000.00")


def test_before_the_first_business_date_nothing_was_owed_and_after_today_nobody_can_say(played: Billing) -> None:
    # what was told before the first business date belongs to no day: nothing could be computed
    answer = played.ask("as_known", known_by="2024-03-14")
    assert {row["due"] for row in answer["lines"]} <= {"0.00"}
    with pytest.raises(InvalidRequest) as refused:
        played.ask("as_known", known_by="2025-01-16", as_of="2025-01-17")
    assert [fault["path"] for fault in refused.value.faults] == ["known_by", "as_of"]
    with pytest.raises(NotFound, match="no payment run of 2024-10-02"):
        played.ask("as_known", known_by="2024-10-02", at="RUN")


def test_pages_of_a_look_back_follow_on_each_other(played: Billing) -> None:
    first = played.ask("as_known", known_by="2024-12-02", limit=1)
    second = played.ask("as_known", known_by="2024-12-02", limit=1, after=first["next"])
    assert ({row["assignment"] for row in first["lines"]}, first["next"]) == ({"A-1"}, "A-1")
    assert {row["assignment"] for row in second["lines"]} == {"A-2"}


def test_an_assignment_without_a_tariff_stops_no_other(make_database: Any) -> None:
    uri = make_database("billing")
    migrate.apply(uri, "billing")
    with Pool(uri, name="without-a-fee") as pool:
        log, billing = Assignment(), Billing(pool)
        log.open(AMI2_MONTHLY_FEE=None)
        log.day("2024-03-15")
        start = [on("2024-03-15", "decided"), on("2024-03-15", "provider_chosen", provider="alfa")]
        log.state("A-1", *start, on("2024-03-15", "started"))
        log.state("A-2", *start)
        log.day("2024-06-01")
        billing.take(log.events)
        answer = billing.ask("as_known", known_by="2024-05-01")
        assert answer["problems"] == [{"assignment": "A-1", "code": "NO_TARIFF"}]
        with pytest.raises(Conflict) as refused:
            billing.ask("explanation", assignment="A-1", kind="MONTHLY_FEE", sequence=1)
        assert refused.value.code == "NO_TARIFF"
        assert (billing.ask("lines")["lines"], billing.ask("explain", assignment="A-1")["lines"]) == ([], [])


# --- explanations ---------------------------------------------------------------------------------------


def entries(played: Billing, assignment: str) -> list[dict[str, Any]]:
    with played.pool.tx(readonly=True) as tx:
        return tx.query(
            "SELECT entry::text AS entry, amount, reverses, kind, sequence FROM entry WHERE tenant = %s"
            " AND assignment = %s ORDER BY entry",
            (TENANT, assignment),
        )


def test_every_entry_of_the_ledger_recomputes_and_what_is_taken_back_says_why(played: Billing) -> None:
    reasons = {}
    for assignment in ("A-1", "A-2"):
        for row in entries(played, assignment):
            tree = played.ask("explanation", assignment=assignment, entry=row["entry"], lang="en")["tree"]
            assert recompute_tree(tree) == row["amount"]
            if row["reverses"] is not None:
                reasons[assignment, row["kind"], row["sequence"]] = [
                    (one["fact"], one["learned_on"], one["in_effect"]) for one in tree["learned"]
                ]
                assert Decimal(tree["steps"][0]["posting"]["amount"]) == -row["amount"]
    assert reasons["A-1", "SPEED_PREMIUM", 6] == [("broke_off", "2024-11-20", True)]
    # taken back on the day of the first run, after it; the second run knew nothing else
    assert reasons["A-2", "MONTHLY_FEE", 1] == [("started", "2024-10-01", False)]


def test_a_provider_is_sent_its_own_explanation_and_gets_nothing_of_anothers(played: Billing) -> None:
    asked = {"assignment": "A-1", "kind": "RESULT_BONUS", "sequence": 1}
    staff = played.ask("explanation", **asked)["tree"]
    own = played.ask("explanation", ALFA, **asked)["tree"]
    assert own["amount"] == staff["amount"]
    assert own["text"] == staff["text"]
    html = played.ask("explanation", ALFA, **asked, form="HTML")["html"]
    assert html.startswith("<!DOCTYPE html>")
    assert "2024-07-01" not in html
    entry = entries(played, "A-1")[0]["entry"]
    for request in (asked, {"assignment": "A-1", "entry": entry}):
        with pytest.raises(NotFound) as others:
            played.ask("explanation", BETA, **request)
        with pytest.raises(NotFound) as nobodys:
            played.ask("explanation", BETA, **{**request, "assignment": "A-999"})
        assert str(others.value).replace("A-1", "A-999") == str(nobodys.value)


def test_who_may_not_know_where_a_protected_person_is_learns_neither_provider_nor_workplace(played: Billing) -> None:
    asked = {"assignment": "A-1", "kind": "SPEED_PREMIUM", "sequence": 5}
    with played.pool.tx() as tx:
        tx.execute("INSERT INTO restricted_subject (tenant, subject, restricted) VALUES (%s, 'A-1', true)", (TENANT,))
    try:
        for form in ("TREE", "TEXT", "HTML"):
            answer = str(played.ask("explanation", GUIDE, **asked, form=form))
            assert "MASKED" in answer
            assert "alfa" not in answer and "W1" not in answer
        with pytest.raises(NotFound):
            played.ask("explanation", GUIDE, **asked, provider="alfa")
        assert "alfa" in str(played.ask("explanation", CONTROLLER, **asked))
        seen = played.ask("as_known", GUIDE, known_by="2024-10-01")
        assert {row["provider"] for row in seen["lines"] if row["assignment"] == "A-1"} == {"MASKED"}
        assert not [row for row in played.ask("as_known", GUIDE, known_by="2024-10-01", provider="alfa")["lines"]
                    if row["assignment"] == "A-1"]  # fmt: skip
    finally:
        with played.pool.tx() as tx:
            tx.execute("DELETE FROM restricted_subject")


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({}, "entry"),
        ({"kind": "MONTHLY_FEE"}, "sequence"),
        ({"sequence": 1}, "kind"),
        ({"kind": "MONTHLY_FEE", "sequence": 1, "entry": "1"}, "entry"),
        ({"entry": "0"}, "entry"),
        ({"entry": "1' OR true"}, "entry"),
        ({"kind": "MONTHLY_FEE", "sequence": 1, "lang": "de"}, "lang"),
    ],
)
def test_what_is_asked_for_must_be_one_thing(wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        METHODS["billing.explanation"].load({"tenant": TENANT, "assignment": "A-1", **wrong})
    assert [fault["path"] for fault in refused.value.faults] == [path]


@pytest.mark.parametrize("asked", [{"entry": "999999999"}, {"kind": "MONTHLY_FEE", "sequence": 99}])
def test_what_there_is_not_is_not_found(played: Billing, asked: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        played.ask("explanation", assignment="A-1", **asked)


def test_what_was_held_before_there_was_a_history_counts_from_the_beginning_until_a_replay(
    played: Billing, fresh_database: str
) -> None:
    migrate.apply(fresh_database, "billing")
    with Pool(fresh_database, name="upgraded") as pool:
        log = Assignment()
        log.open()
        log.day("2024-03-15")
        log.state("A-1", on("2024-03-15", "decided"))
        upgraded = Billing(pool)
        with pool.tx() as tx:
            held.apply(tx, log.events)
            tx.execute(
                "INSERT INTO known (tenant, assignment, fact_id, revision, in_effect, kind, place, on_day, known_on,"
                " data, sequence) SELECT tenant, assignment, fact_id, revision, in_effect, kind, place, on_day,"
                " known_on, data, 0 FROM held_fact"
            )
        told_on = lambda: [one.told_on for one in _revisions(pool)]  # noqa: E731
        assert told_on() == [None]
        upgraded.take(log.events)
        assert told_on() == [date(2024, 3, 15)]


def _revisions(pool: Pool) -> Any:
    with pool.tx(readonly=True) as tx:
        return store.revisions_of(tx, TENANT, ["A-1"])["A-1"]
