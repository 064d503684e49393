"""A controller's figures and what stands out, on a real database: recounted from everything that is there."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from kundval_billing.control import hear, page
from kundval_billing.domain.bonus import failure
from kundval_billing.domain.view import View
from kundval_billing.questions import budgets
from kundval_chassis import held, migrate
from kundval_chassis.db import Pool
from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.case import Case
from kundval_contracts.codes import LineKind
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Forbidden, InvalidRequest, NotFound
from kundval_contracts.timeline import Exit

from .books import Books, Papers
from .builders import ami2, claim, exited, on
from .lives import lives

Row = dict[str, Any]
DAY = "2026-03-15"
RUNS = [date(2024, 9, 1), date(2025, 3, 1), date(2025, 8, 1), date(2026, 3, 1)]


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    migrate.apply(database, "billing")
    with Pool(database) as opened:
        yield opened


@pytest.fixture(scope="module")
def filled(pool: Pool) -> Books:
    """Books over random lives, after payment runs that each knew what was known on their day."""
    books = Books(pool, DAY)
    with pytest.MonkeyPatch.context() as patch:
        Papers().use(patch)
        books.hold_cases(*lives(150, seed=7))
        for run in RUNS:
            books.run(run.isoformat())
    return books


def cells(answer: Row) -> dict[tuple[str, str], tuple[str | None, int | None]]:
    return {(line["part"], line["figure"]): (line["value"], line["n"]) for line in answer["lines"]}


def entries(books: Books, start: date, end: date) -> list[Row]:
    return books.query("SELECT * FROM entry WHERE tenant = %s AND run >= %s AND run < %s", books.name, start, end)


def exits_of(books: Books) -> list[tuple[View, Exit]]:
    """Every exit with its view, from all facts of all cases."""
    day = date.fromisoformat(DAY)
    with books.pool.tx(readonly=True) as tx:
        settings = held.load_tenant(tx, books.name).settings
        views = [View(one.known_by(day), settings, day) for chunk in held.tenant_cases(tx, books.name) for one in chunk]
    return [(one, ended) for one in views for ended in one.timeline.exits]


# --- figures -------------------------------------------------------------------------------------------

#: by what -> the part of an entry; the part of an exit that counts on a day
PARTS: dict[str, tuple[Callable[[Row], str], Callable[[View, Exit, date], str]]] = {
    "PROVIDER": (lambda row: row["provider"], lambda one, ended, on: ended.provider),
    "PROGRAMME": (lambda row: row["programme"], lambda one, ended, on: one.case.programme.value),
    "MONTH": (lambda row: row["run"].isoformat()[:7], lambda one, ended, on: on.isoformat()[:7]),
    "KIND": (lambda row: row["kind"], lambda one, ended, on: ""),
}
PERIODS = [("2024-03-01", "2026-04-01"), ("2025-01-01", "2026-01-01"), ("2025-02-10", "2025-06-02")]


@pytest.mark.rule("NACKA-10", "NACKA-12", "NACKA-19")
@pytest.mark.parametrize("by", PARTS)
@pytest.mark.parametrize(("start", "end"), PERIODS)
def test_figures_are_what_a_recount_of_everything_gives(filled: Books, by: str, start: str, end: str) -> None:
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    found = cells(filled.call("figures", **{"from": start, "to": end, "by": by}))
    of_entry, of_exit = PARTS[by]
    rows = entries(filled, first, last)
    everything = exits_of(filled)
    parts = {part for part, _ in found}
    assert parts > {"ALL"}
    assert {of_entry(row) for row in rows} <= parts
    for part in parts:
        own = [row for row in rows if part in ("ALL", of_entry(row))]
        assert found[part, "PAYABLE_NET"] == (f"{sum(row['amount'] for row in own) + 0:.2f}", len(own))
        taken = [row["amount"] for row in own if row["amount"] < 0]
        assert found[part, "PAYABLE_CORRECTED"] == (f"{sum(taken) + Decimal(0):.2f}", len(taken))
        assert found[part, "CLIENTS"][1] == len({row["assignment"] for row in own})
        net = sum((row["amount"] for row in own), Decimal(0))
        base = sum((row["amount"] for row in own if row["kind"] == "MONTHLY_FEE"), Decimal(0))
        if net:
            assert Decimal(found[part, "BASE_SHARE"][0] or "") == round(base / net, 4)
        if by == "KIND" and part != "ALL":
            assert (part, "EXITS") not in found
            continue
        ended = [
            (one, exit_) for one, exit_ in everything
            if first <= exit_.on < last and (part == "ALL" or of_exit(one, exit_, exit_.on) == part)
        ]  # fmt: skip
        assert found[part, "EXITS"][1] == len(ended)
        assert found[part, "QUALIFYING_EXITS"][1] == sum(one.timeline.leads_to_money(exit_) for one, exit_ in ended)
        over = [
            (one, exit_) for one, exit_ in everything
            for settles in [one.timeline.window(exit_).end]
            if first <= settles < last and settles <= date.fromisoformat(DAY) and one.timeline.leads_to_money(exit_)
            and (part == "ALL" or of_exit(one, exit_, settles) == part)
        ]  # fmt: skip
        kept = sum(failure(one, exit_) is None for one, exit_ in over)
        assert (found[part, "RESULTS_DUE"][1], found[part, "RESULTS_HELD"][1]) == (len(over), kept)
        cost = f"{round(net / kept, 2):.2f}" if kept else None
        assert found[part, "COST_PER_RESULT"] == (cost, kept)


@pytest.mark.parametrize("by", PARTS)
def test_the_parts_add_up_to_the_whole_and_that_is_the_ledger(filled: Books, by: str) -> None:
    found = cells(filled.call("figures", **{"from": "2024-01-01", "to": "2027-01-01", "by": by}))
    parts = {part for part, _ in found} - {"ALL"}
    assert len(parts) > 1
    for figure in ("PAYABLE_POSTED", "PAYABLE_CORRECTED", "PAYABLE_NET", "EXITS", "RESULTS_HELD"):
        if by == "KIND" and not figure.startswith("PAYABLE"):
            continue
        whole = Decimal(found["ALL", figure][0] or "")
        assert whole != 0 and sum(Decimal(found[part, figure][0] or "") for part in parts) == whole
    ledger = filled.query("SELECT sum(amount) AS amount FROM entry WHERE tenant = %s", filled.name)
    assert Decimal(found["ALL", "PAYABLE_NET"][0] or "") == ledger[0]["amount"]


def test_days_to_the_bonus_count_from_the_exit_to_the_run(filled: Books) -> None:
    found = cells(filled.call("figures", **{"from": "2024-01-01", "to": "2027-01-01"}))
    exits = {(one.case.assignment, exit_.fact.id): exit_.on for one, exit_ in exits_of(filled)}
    days = [
        (row["run"] - exits[row["assignment"], fact]).days
        for row in entries(filled, date(2024, 1, 1), date(2027, 1, 1))
        if row["kind"] == LineKind.RESULT_BONUS and row["revision"] == 1
        for fact in row["facts"]
        if (row["assignment"], fact) in exits
    ]
    assert len(days) > 20
    assert found["ALL", "DAYS_TO_BONUS"] == (str(round(Decimal(sum(days)) / len(days), 1)), len(days))


def test_without_a_period_it_is_the_year_of_the_business_date(filled: Books) -> None:
    plain = filled.call("figures")
    assert plain == filled.call("figures", year=2026)
    assert plain == filled.call("figures", **{"from": "2026-01-01", "to": "2027-01-01"})
    for wrong in ({"from": "2026-01-01"}, {"year": 2026, "from": "2026-01-01", "to": "2026-02-01"},
                  {"from": "2026-01-01", "to": "2026-01-01"}, {"by": "CLIENT"}):  # fmt: skip
        with pytest.raises(InvalidRequest):
            filled.call("figures", **wrong)


@pytest.mark.rule("NACKA-19")
def test_the_source_s_total_is_a_reference_and_no_budget(filled: Books) -> None:
    answer = filled.call("figures")
    assert answer["budget"] is None
    reference = answer["reference"]
    assert (reference["amount"], reference["persons"], reference["per_person"]) == ("40000000.00", 1100, "36364.00")
    assert "NACKA-19" in reference["sv"] and "NACKA-19" in reference["en"]
    assert {row["figure"] for row in answer["definitions"]} == {line["figure"] for line in answer["lines"]}


def test_spending_is_held_against_the_budget_of_the_calendar_year(filled: Books) -> None:
    with filled.pool.tx() as tx:
        budgets.set_amount(tx, filled.name, 2025, "TOTAL", Decimal("1000000.00"), "ann", date(2025, 1, 2))
    found = filled.call("figures", **{"from": "2025-03-01", "to": "2025-04-01"})["budget"]
    spent = sum(row["amount"] for row in entries(filled, date(2025, 1, 1), date(2026, 1, 1)))
    assert found["year"] == 2025 and found["spent"] == f"{spent:.2f}"
    assert Decimal(found["left"]) == 1_000_000 - spent
    assert Decimal(found["share"]) == round(spent / 1_000_000, 4)
    assert filled.call("figures", **{"from": "2025-12-01", "to": "2026-02-01"})["budget"] is None


def test_a_statistician_sees_no_small_groups_and_no_single_provider(filled: Books) -> None:
    with pytest.raises(Forbidden, match="staff"):
        filled.call("figures", "s", "STATISTICIAN", by="PROVIDER")
    asked = {"from": "2024-06-01", "to": "2024-12-01", "by": "MONTH"}
    mine, theirs = filled.call("figures", **asked), filled.call("figures", "s", "STATISTICIAN", **asked)
    hidden = [line for line in theirs["lines"] if line["suppressed"]]
    assert hidden and all(line["value"] is None and line["n"] is None for line in hidden)
    assert not any(line["suppressed"] for line in mine["lines"])
    small = {(line["part"], line["figure"]) for line in mine["lines"] if line["unit"] == "NUMBER" and 0 < line["n"] < 5}
    assert small and small <= {(line["part"], line["figure"]) for line in hidden}
    for role in ("PROVIDER", "OPERATIONS"):
        with pytest.raises(Forbidden):
            filled.call("figures", "alfa", role)


def test_the_csv_has_a_line_for_each_figure_of_each_part(filled: Books) -> None:
    answer = filled.call("figures", by="PROGRAMME")
    text = filled.call("figures_csv", by="PROGRAMME")["csv"]
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(row["part"], row["figure"], row["value"]) for row in rows] == [
        (line["part"], line["figure"], line["value"] or "") for line in answer["lines"]
    ]


# --- what stands out -----------------------------------------------------------------------------------


def test_nothing_stands_out_in_ordinary_lives(filled: Books) -> None:
    answer = filled.call("anomalies")
    assert (answer["from"], answer["to"]) == ("2024-03-16", "2026-03-16")
    assert answer["anomalies"] == []


def planted(provider: str, number: int, random: Random) -> Case:
    """An exit in the last days of month six, at one workplace; all follow-ups on the day of the claim."""
    decided = add_days(date(2024, 4, 1), random.randrange(150))
    ended = add_days(add_months(decided, 6), -random.randrange(1, 6))
    settle = add_months(ended, 6)
    claimed = add_days(settle, 20).isoformat()
    rows = [
        on(decided.isoformat(), "decided"),
        on(decided.isoformat(), "provider_chosen", provider=provider),
        on(decided.isoformat(), "accepted"),
        on(decided.isoformat(), "started"),
        exited(ended.isoformat(), workplace="W-SAME"),
        *(on(claimed, "premium_follow_up", month=month, continues=True) for month in range(7, 13)),
        on((settle + timedelta(days=number % 5)).isoformat(), "broke_off"),
        claim(claimed),
    ]
    one = ami2(*rows)
    return replace(one.having(one.facts[len(one.facts) - len(rows) :]), assignment=f"P-{number:03}")


@pytest.fixture(scope="module")
def suspicious(pool: Pool) -> Books:
    books = Books(pool, DAY)
    random = Random(3)
    with pytest.MonkeyPatch.context() as patch:
        Papers().use(patch)
        books.hold_cases(*lives(120, seed=11), *(planted("gamma", number, random) for number in range(40)))
        books.run(DAY)
    return books


def test_what_was_planted_is_found_with_its_reasons_and_assignments(suspicious: Books) -> None:
    answer = suspicious.call("anomalies")
    found = {one["kind"]: one for one in answer["anomalies"]}
    assert set(found) == {
        "SAME_WORKPLACE", "EXIT_BEFORE_LIMIT", "BREAK_OFF_AFTER_SETTLE", "FOLLOW_UPS_AT_ONCE", "FOLLOW_UPS_LATE",
    }  # fmt: skip
    assert {one["provider"] for one in found.values()} == {"gamma"}
    for one in found.values():
        own = {name for name in one["assignments"] if name.startswith("P-")}
        assert len(own) >= 30 and one["total"] == len(one["assignments"]) and one["state"] == "OPEN"
        assert one["severity"] == "HIGH" and one["text"]["sv"] and "gamma" in one["text"]["en"]
        assert str(one["count"]) in one["text"]["en"] and str(one["n"]) in one["text"]["sv"]
    # where the client works is no matter for a list
    assert "W-SAME" not in json.dumps(answer)
    assert suspicious.call("anomalies", provider="alfa")["anomalies"] == []


def test_protected_persons_are_no_part_of_a_workplace(suspicious: Books) -> None:
    with suspicious.pool.tx() as tx:
        tx.execute(
            "INSERT INTO restricted_subject (tenant, subject, restricted, sequence) VALUES (%s, 'P-001', true, 1)",
            (suspicious.name,),
        )
    [one] = [one for one in suspicious.call("anomalies")["anomalies"] if one["kind"] == "SAME_WORKPLACE"]
    assert "P-001" not in one["assignments"] and "P-002" in one["assignments"]


def test_what_is_set_aside_says_why_and_comes_back_with_enough_new(suspicious: Books) -> None:
    early = {"from": "2024-03-01", "to": "2024-12-01"}
    limit = next(
        one for one in suspicious.call("anomalies", **early)["anomalies"] if one["kind"] == "EXIT_BEFORE_LIMIT"
    )
    reason = "Looked at every one of them; a course ended in those weeks."
    done = suspicious.call("set_aside_anomaly", anomaly=limit["anomaly"], reason=reason, **early)
    assert (done["state"], done["on"]) == ("SET_ASIDE", DAY)
    suspicious.call("set_aside_anomaly", anomaly=limit["anomaly"], reason=reason, **early)
    assert len(suspicious.query("SELECT FROM anomaly_set_aside WHERE tenant = %s", suspicious.name)) == 1

    def listed(**fields: str) -> Row:
        rows = suspicious.call("anomalies", **fields)["anomalies"]
        return next(one for one in rows if one["anomaly"] == limit["anomaly"])

    assert listed(**early)["state"] == "SET_ASIDE"
    assert listed(**early)["set_aside"] == {"by": "ann", "on": DAY, "reason": reason, "again": False}
    later = listed()
    assert later["total"] > 1.25 * limit["total"]
    assert (later["state"], later["set_aside"]["again"]) == ("OPEN", True)
    html = suspicious.call("control_page", lang="en", **early)["html"]
    assert reason in html and "Set aside by ann" in html
    with pytest.raises(NotFound):
        suspicious.call("set_aside_anomaly", anomaly="0" * 16, reason="x")
    for wrong in ("", "  \n ", "x" * 1001):
        with pytest.raises(InvalidRequest):
            suspicious.call("set_aside_anomaly", anomaly=limit["anomaly"], reason=wrong)
    with pytest.raises(Forbidden):
        suspicious.call("anomalies", "guide", "CAREER_GUIDE")


def test_reused_evidence_is_kept_both_ways_round_and_told_again_is_no_news(filled: Books) -> None:
    data = {"assignment": "A-000001", "document": "d-1", "others": ["A-000002"], "on": "2025-01-05"}
    event = Event("e-1", hear.NEWS, 1, "A-000001", filled.name, datetime(2025, 1, 5, tzinfo=UTC), 1, data)
    for _ in range(2):
        with filled.pool.tx() as tx:
            hear.take(tx, [event, event])
    found = [one for one in filled.call("anomalies")["anomalies"] if one["kind"] == "EVIDENCE_REUSED"]
    assert found and {tuple(one["assignments"]) for one in found} == {("A-000001", "A-000002")}
    assert {one["since"] for one in found} == {"2025-01-05"} and {one["chance"] for one in found} == {None}
    with filled.pool.tx() as tx:
        tx.execute("DELETE FROM evidence_reuse WHERE tenant = %s", (filled.name,))


# --- the page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_the_page_says_everything_in_words_and_loads_nothing(suspicious: Books, lang: str) -> None:
    html = suspicious.call("control_page", lang=lang, **{"from": "2024-03-01", "to": "2026-04-01"})["html"]
    assert f'<html lang="{lang}">' in html and "<script" not in html and "src=" not in html and "url(h" not in html
    words = page.texts(lang)
    assert words.say("stands_out_about") in html and words.of("anomaly", "SAME_WORKPLACE") in html
    for picture in re.findall(r"<svg.*?</svg>", html, re.S):
        ET.fromstring(picture)
        assert "<desc" in picture
    assert "2026-03: " in html
    assert len(re.findall("<h1", html)) == 1
    ids = re.findall(r'id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-labelledby="([^" ]+)"', html)) <= set(ids)


def test_a_page_of_nothing_is_a_page(pool: Pool) -> None:
    html = Books(pool, DAY).call("control_page", lang="en")["html"]
    assert "Nothing was posted in the period." in html and "Nothing stands out." in html
