"""Questions about money in the database, without a broker: the queue, the reckoning in its own process, the budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from kundval_billing.questions import budgets, chart, form, page, reckon, show, store
from kundval_billing.questions.__main__ import SNAPSHOT
from kundval_billing.questions.work import ATTEMPTS, QuestionWork
from kundval_chassis import held, migrate
from kundval_chassis.background import Failed, next_job
from kundval_chassis.db import Pool, connect
from kundval_contracts.answer import money
from kundval_contracts.case import Case
from kundval_contracts.codes import Programme, QuestionKind, QuestionState
from kundval_contracts.events import EVENTS
from kundval_contracts.facts import dump_fields
from tests.billing.builders import ami1, ami2, claim, exited, follow_ups, jobbpeng

Row = dict[str, Any]
BUDGET = Decimal(60000)
TENANT = "nacka-1"
DRAFT = {"kundval_draft": 1, "title": "half", "settings": {"bonus.max": "10000.00"}}
CASES = {
    "A-1": ami2(exited("2024-06-20"), *follow_ups(range(5, 13)), claim("2024-12-20")),
    "A-2": ami1(decided="2024-11-01"),
    "A-3": jobbpeng(),
    "A-4": ami2(decided="2024-10-15"),
}


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database, name="test") as made:
        with made.tx() as tx:
            hold(tx, TENANT, CASES, date(2025, 1, 31))
        yield made


def hold(tx: Any, tenant: str, cases: dict[str, Case], day: date) -> None:
    """Put a tenant and its cases where the events of the assignment service would have put them."""
    settings = {"AMI1_MONTHLY_FEE": "6000.00", "AMI2_MONTHLY_FEE": "8000.00", "state_reimbursement_share": "0.9"}
    tx.insert_rows(
        "tenant",
        ("tenant", "municipality", "settings", "tariffs", "providers", "sequence", "business_date"),
        [(tenant, "nacka", settings, [], [], 1, day)],
    )
    tx.insert_rows(
        "held_case",
        ("tenant", "assignment", "programme", "delivery_area", "plan", "sequence"),
        [(tenant, name, one.programme.value, None, {}, 1) for name, one in cases.items()],
    )
    tx.insert_rows(
        "held_fact",
        ("tenant", "assignment", "fact_id", "revision", "in_effect", "kind", "place", "on_day", "known_on", "data"),
        [
            (tenant, name, fact.id, 1, True, fact.kind.value, fact.place, fact.on, fact.known_on, dump_fields(fact))
            for name, one in cases.items()
            for fact in one.facts
        ],
    )
    assert f"assignment.{next(iter(cases.values())).facts[0].kind}" in EVENTS


def ask(pool: Pool, kind: QuestionKind, name: str, **asked: Any) -> None:
    year = asked.get("year")
    one = store.Question(
        name, kind, "", year, date(2025, 1, 31), asked, QuestionState.REQUESTED, "kim", date(2025, 1, 31)
    )
    with pool.tx() as tx:
        store.add(tx, TENANT, one)


def question(pool: Pool, name: str) -> store.Question:
    with pool.tx(readonly=True) as tx:
        found = store.one(tx, TENANT, name)
    assert found is not None
    return found


def work(database: str) -> QuestionWork:
    made = QuestionWork()
    made.configure({"KUNDVAL_QUESTION_SECONDS": 60, "KUNDVAL_BILLING_DATABASE_URI": database})
    return made


def carry_out(database: str, times: int) -> None:
    with connect(database) as conn:
        for _ in range(times):
            assert next_job(conn, work(database))
        assert not next_job(conn, work(database))


def test_two_questions_queue_and_are_answered_over_one_state_each(pool: Pool, database: str) -> None:
    ask(pool, QuestionKind.WHAT_IF, "q-1", draft=DRAFT, assignments=None)
    ask(pool, QuestionKind.FORECAST, "q-2", year=2025, new_per_month={"AMI_1": 1})
    assert [question(pool, name).ahead for name in ("q-1", "q-2")] == [0, 1]
    carry_out(database, 2)
    first, second = question(pool, "q-1"), question(pool, "q-2")
    assert (first.state, first.ahead, second.state) == (QuestionState.DONE, 0, QuestionState.DONE)
    # two reports of the months to come are stated, and not known yet
    facts = sum(len(one.facts) for one in CASES.values()) - 2
    assert first.snapshot == {"business_date": "2025-01-31", "assignments": 4, "facts": facts} == second.snapshot
    assert first.result is not None and second.result is not None
    assert [row["difference"] for row in first.result["totals"]] == ["-10000.00"]
    assert {row["programme"] for row in second.result["programmes"]} == {"AMI_1", "AMI_2", "JOBBPENG_BASIC"}
    assert [row["assignments"] for row in second.result["inflow"]] == [11]


def test_the_process_answers_as_the_function_does_for_all_or_for_chosen_assignments(pool: Pool) -> None:
    with pool.tx(readonly=True) as tx:

        def answer(draft: Row, **more: Any) -> Row:
            job = {"tenant": TENANT, "kind": "WHAT_IF", "as_of": "2025-01-31", "asked": {"draft": draft, **more}}
            return reckon.answer(tx, job)

        assert answer(DRAFT)["result"] == question(pool, "q-1").result
        later = answer({**DRAFT, "decided_from": "2024-03-16"})["result"]
        assert (later["changed"], later["decided_from"]) == (0, "2024-03-16")
        assert answer({**DRAFT, "decided_from": "2024-03-15"})["result"]["changed"] == 1
        assert answer(DRAFT, assignments=["A-2", "A-9"])["snapshot"]["assignments"] == 1


def test_a_tariff_that_is_missing_a_process_that_dies_and_one_that_is_begun_too_often_are_told_apart(
    pool: Pool, database: str
) -> None:
    with pool.tx() as tx:
        tx.execute("UPDATE tenant SET settings = settings - 'AMI2_MONTHLY_FEE'")
    ask(pool, QuestionKind.WHAT_IF, "q-5", draft=DRAFT, assignments=None)
    carry_out(database, 1)
    with pool.tx() as tx:
        tx.execute("""UPDATE tenant SET settings = settings || '{"AMI2_MONTHLY_FEE": "8000.00"}'""")
    ask(pool, QuestionKind.WHAT_IF, "q-6", draft={"not": "a draft"}, assignments=None)
    carry_out(database, 1)
    ask(pool, QuestionKind.WHAT_IF, "q-7", draft=DRAFT, assignments=None)
    with pool.tx() as tx:
        tx.execute("UPDATE question SET attempts = %s WHERE question = 'q-7'", (ATTEMPTS,))
    carry_out(database, 1)
    failures = [(one.state, one.failure) for one in (question(pool, name) for name in ("q-5", "q-6", "q-7"))]
    assert failures == [(QuestionState.FAILED, code) for code in ("NO_TARIFF", "DIED", "GAVE_UP")]


def test_a_question_that_was_left_under_way_is_taken_up_first_and_one_put_back_waits_again(
    pool: Pool, database: str
) -> None:
    for name in ("q-8", "q-9"):
        ask(pool, QuestionKind.WHAT_IF, name, draft=DRAFT, assignments=["A-2"])
    doing = work(database)
    with pool.tx() as tx:
        store.begin(tx, TENANT, "q-9")
        assert doing.take(tx) == (TENANT, "q-9")
        doing.put_back(tx, (TENANT, "q-9"))
        store.put_back(tx, TENANT, "q-9")  # nothing to put back twice
        assert doing.take(tx) == (TENANT, "q-8")
        with pytest.raises(Failed, match="BROKEN_OUTPUT"):
            doing.done(tx, (TENANT, "q-8"), b"{")
        for name in ("q-8", "q-9"):
            doing.failed(tx, (TENANT, name), "DIED")
        assert store.waiting(tx, TENANT) == 1  # only what is under way can fail
        tx.execute("DELETE FROM question WHERE question = 'q-9'")


def test_the_process_is_told_the_address_by_its_input_alone_and_can_write_nothing(pool: Pool, database: str) -> None:
    with pool.tx() as tx:
        job = work(database).prepare(tx, (TENANT, "q-1"))
    assert json.loads(job.input)["database"] == database
    assert not any(database in part for part in job.command)
    with connect(database) as conn:
        conn.execute(SNAPSHOT)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            conn.execute("DELETE FROM tenant")


# --- budget --------------------------------------------------------------------------------------------


def test_a_budget_has_versions_the_latest_holds_and_the_database_refuses_to_change_one(pool: Pool) -> None:
    with pool.tx() as tx:
        assert budgets.budget_of(tx, TENANT, 2024) is None
        for about, amount in (("TOTAL", "100.00"), ("TOTAL", "120.00"), ("TOTAL", "120.00"), ("AMI_1", "50.00")):
            budgets.set_amount(tx, TENANT, 2024, about, Decimal(amount), "kim", date(2025, 1, 31))
        found = budgets.budget_of(tx, TENANT, 2024)
        assert found is not None and (found.total, found.programmes) == (120, {Programme.AMI_1: Decimal("50.00")})
        budgets.set_amount(tx, TENANT, 2024, "TOTAL", None, "kim", date(2025, 1, 31))
        without = budgets.budget_of(tx, TENANT, 2024)
        assert without is not None and (without.amount, without.total) == (None, 50)
        assert budgets.budget_of(tx, TENANT, 2023) is None and budgets.budget_of(tx, "other", 2024) is None
        versions = budgets.show(tx, held.load_tenant(tx, TENANT), 2024)["versions"]
    assert [(row["about"], row["version"], row["amount"] and money(row["amount"])) for row in versions] == [
        ("AMI_1", 1, "50.00"), ("TOTAL", 1, "100.00"), ("TOTAL", 2, "120.00"), ("TOTAL", 3, None),
    ]  # fmt: skip
    for statement in ("UPDATE budget SET amount = 1", "DELETE FROM budget", "TRUNCATE budget"):
        with pytest.raises(psycopg.errors.RestrictViolation), pool.tx() as tx:
            tx.execute(statement)


@pytest.mark.rule("NACKA-34")
def test_WE_51_the_state_pays_its_share_of_the_appropriation_where_a_share_is_set(pool: Pool) -> None:
    with pool.tx() as tx:
        budgets.set_amount(tx, TENANT, 2026, "APPROPRIATION", Decimal(10_000_000), "kim", None)
        tenant = held.load_tenant(tx, TENANT)
        shown = budgets.show(tx, tenant, 2026)
        assert shown["reimbursement"]["amount"] == 9_000_000 and shown["total"] is None
        assert budgets.show(tx, tenant, 2027)["reimbursement"]["amount"] is None
        tx.execute("UPDATE tenant SET settings = settings - 'state_reimbursement_share'")
        off = budgets.show(tx, held.load_tenant(tx, TENANT), 2026)["reimbursement"]
        assert (off["share"], off["amount"]) == (None, None)


def test_a_forecast_is_held_against_the_budget_that_is_set_when_it_is_looked_at(pool: Pool) -> None:
    with pool.tx() as tx:
        tenant, one = held.load_tenant(tx, TENANT), question(pool, "q-2")
        assert show.forecast(tx, tenant, one)["budget"] == []
        budgets.set_amount(tx, TENANT, 2025, "TOTAL", BUDGET, "kim", None)
        answer = show.forecast(tx, tenant, one)
    (row,) = answer["budget"]
    assert row["programme"] is None
    (total,) = answer["result"]["totals"]
    left = {name: BUDGET - Decimal(total[spent]) for name, spent in (("low", "high"), ("high", "low"))}
    assert {name: Decimal(row[name]) for name in left} == left
    assert Decimal(row["low"]) < Decimal(row["expected"]) < Decimal(row["high"])
    courses = {name: [Decimal(one[name]) for one in answer["result"]["months"]] for name in form.SCENARIOS}
    for name, course in courses.items():
        first = next((number for number, total in enumerate(course, 1) if total > BUDGET), None)
        assert row[f"{name}_exceeds_in"] == (first and f"2025-{first:02d}"), name
    assert row["high_exceeds_in"] is not None and row["low_exceeds_in"] is None
    for lang, word in (("en", "Forecast of 2025"), ("sv", "Prognos för 2025")):
        html = page.render(answer, lang)
        assert f"<h1>{word}</h1>" in html and f'<html lang="{lang}">' in html
        assert html.count("<table>") == html.count("<caption") and 'role="img"' in html
        assert "AMI_2" in html and "<script" not in html


def test_a_difference_is_drawn_with_its_numbers_in_words_and_given_as_csv(pool: Pool) -> None:
    result = question(pool, "q-1").result
    assert result is not None
    for by in ("month", "provider", "programme", "kind"):
        svg = chart.what_if(result, by, "en")
        assert "10,000.00" in svg and "-10,000.00" in svg and "<desc" in svg
    rows = form.what_if_csv(result).splitlines()
    assert rows[0].endswith("direction,provider,programme,month,kind,before,after,difference")
    assert rows[1:] == ["PAYABLE,alfa,AMI_2,2024-12,RESULT_BONUS,20000.00,10000.00,-10000.00"]
    many = {**result, "groups": result["groups"] * (form.GROUPS + 3)}
    assert form.bounded(many)["left_off"] == 3 and len(form.bounded(many)["groups"]) == form.GROUPS
