"""The workload as the service gives it: counted in the database, as data, as CSV and as a page."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from kundval_chassis.db import Pool, Tx
from kundval_contracts.answer import Obligation
from kundval_contracts.client import Client
from kundval_contracts.codes import (
    MeetingKind,
    MeetingState,
    ObligationKind,
    ObligationState,
    ResourceKind,
    Role,
)
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from kundval_scheduling import store as obligations_of
from kundval_scheduling.domain import staffing
from kundval_scheduling.domain.active import Active
from kundval_scheduling.domain.instants import Span
from kundval_scheduling.domain.meeting import Meeting
from kundval_scheduling.domain.workload import UNBOOKED, Horizon, Scope, tally, without_follow_up
from kundval_scheduling.meetings import store as meetings_of
from kundval_scheduling.workload import page, store
from tests.acceptance.builders import assignment, exited
from tests.assignment.test_results_service import outline
from tests.suite import Suite, Town, client, suite, town

__all__ = ["client", "suite", "town"]

TODAY = date(2026, 11, 26)
SCOPES = (Scope(), Scope(team="north"), Scope(provider="alfa"))
TEAMS = ("north", "south", None)


@pytest.fixture
def pool(suite: Suite) -> Iterator[Pool]:
    with Pool(suite.databases["scheduling"]) as made:
        yield made


@dataclass
class Rows:
    """What was put into the database."""

    obligations: list[Obligation]
    meetings: list[Meeting]
    teams: dict[str, str | None]
    active: list[Active]
    claims: list[tuple[str, Span]]


def somewhen(random: Random, around: int = 150) -> date | None:
    return None if random.random() < 0.1 else TODAY + timedelta(days=random.randrange(-60, around))


def fill(tx: Tx, tenant: str, seed: int, count: int = 60) -> Rows:
    """Random rows of everything that is counted, straight into the tables."""
    random = Random(seed)
    names = [f"A-{number}" for number in range(count)]
    teams = {name: random.choice(TEAMS) for name in names}
    tx.insert_rows("participant", ("tenant", "assignment", "client", "team"),
                   [(tenant, name, f"p-{name}", team) for name, team in teams.items()])  # fmt: skip
    obligations = [
        Obligation(
            name, kind, sequence, due, random.choice(list(Role)), random.choice(list(ObligationState)), None, (),
            due + timedelta(days=random.choice([0, 14])) if due else None, random.choice([None, "alfa", "beta"]),
        )
        for name in names
        for kind in random.sample(list(ObligationKind), 5)
        for sequence in (1, 2)
        for due in [somewhen(random)]
    ]  # fmt: skip
    obligations_of.save(tx, tenant, obligations)
    meetings, claims = _meetings(tx, tenant, random, names)
    active = [
        Active(name, first, first + timedelta(days=random.randrange(1, 400)) if random.random() < 0.8 else None,
               random.choice(["alfa", "beta"]))
        for name in names[: count // 2]
        for first in [TODAY - timedelta(days=random.randrange(300))]
    ]  # fmt: skip
    store.save_active(tx, tenant, {one.assignment: (one,) for one in active})
    return Rows(obligations, meetings, teams, active, claims)


def _meetings(tx: Tx, tenant: str, random: Random, names: list[str]) -> tuple[list[Meeting], list[tuple[str, Span]]]:
    hours = [{"weekday": weekday, "start": "08:00", "end": "17:00"} for weekday in range(1, 6)]
    tx.insert_rows(
        "resource",
        ("tenant", "resource", "kind", "team", "provider", "fte", "hours"),
        [
            (tenant, "g-1", ResourceKind.STAFF.value, "north", None, Decimal("0.5"), hours),
            (tenant, "g-2", ResourceKind.STAFF.value, "south", None, Decimal(1), hours),
            (tenant, "s-1", ResourceKind.STAFF.value, None, "alfa", Decimal("0.75"), hours),
            (tenant, "room", ResourceKind.ROOM.value, "north", None, Decimal(1), []),
        ],
    )
    found, claims = [], []
    for number in range(80):
        state = random.choice(list(MeetingState))
        start = datetime(2026, 11, 20, 7, 30, tzinfo=UTC) + timedelta(hours=9 * number)
        timed = state is MeetingState.BOOKED or random.random() < 0.2
        span = Span(start, start + timedelta(minutes=random.choice([30, 60, 90]))) if timed else None
        found.append(
            Meeting(
                f"m-{number}", random.choice(list(MeetingKind)), state, random.choice([None, *names]),
                sequence=random.choice([1, 2]), target=somewhen(random), book_by=somewhen(random),
                booker=random.choice([None, *Role]), provider=random.choice([None, "alfa"]),
                team=random.choice(TEAMS), span=span,
            )
        )  # fmt: skip
        if span is not None and state is MeetingState.BOOKED:
            claims += [(who, span) for who in random.sample(["g-1", "g-2", "s-1", "room"], 2)]
    columns = ("tenant", "meeting", "kind", "state", "assignment", "sequence", "target", "book_by", "booker",
               "provider", "team", "starts_at", "ends_at")  # fmt: skip
    tx.insert_rows(
        "meeting",
        columns,
        [
            (tenant, one.id, one.kind.value, one.state.value, one.assignment, one.sequence, one.target, one.book_by,
             one.booker.value if one.booker else None, one.provider, one.team,
             one.span.start.isoformat() if one.span else None, one.span.end.isoformat() if one.span else None)
            for one in found
        ],
    )  # fmt: skip
    by_span = {one.span: one.id for one in found if one.span is not None}
    for who, span in claims:
        tx.execute(
            "INSERT INTO claim (tenant, resource, meeting, during) VALUES (%s, %s, %s, tstzrange(%s, %s))",
            (tenant, who, by_span[span], span.start, span.end),
        )
    away = Span(datetime(2026, 12, 14, 23, tzinfo=UTC), datetime(2026, 12, 16, 23, tzinfo=UTC))
    tx.execute("DELETE FROM claim WHERE tenant = %s AND resource = 'g-2' AND during && tstzrange(%s, %s)",
               (tenant, away.start, away.end))  # fmt: skip
    tx.execute(
        "INSERT INTO claim (tenant, resource, absence, during) VALUES (%s, 'g-2', 'a-1', tstzrange(%s, %s))",
        (tenant, away.start, away.end),
    )
    return found, [(who, span) for who, span in claims if who != "g-2" or not span.overlaps(away)]


def ask(town: Town, method: str = "workload", by: Client | None = None, **fields: Any) -> dict[str, Any]:
    return dict((by or town.client).call(f"scheduling.{method}", tenant=town.name, **fields))


def filled(town: Town, pool: Pool, seed: int = 1) -> Rows:
    town.day(TODAY.isoformat())
    with pool.tx() as tx:
        return fill(tx, town.name, seed)


# --- counted as the core counts ----------------------------------------------------------------------------


@pytest.mark.rule("NACKA-13", "LOKA-64")
@pytest.mark.parametrize("seed", [1, 2])
def test_the_database_counts_what_the_core_counts(town: Town, pool: Pool, seed: int) -> None:
    put = filled(town, pool, seed)
    with pool.tx(readonly=True) as tx:
        assert meetings_of.meetings(tx, town.name, [one.id for one in put.meetings]) == put.meetings
        for horizon in (Horizon(TODAY), Horizon(TODAY, 1), Horizon(date(2026, 12, 31), 52)):
            for scope in SCOPES:
                expected = tally(put.obligations, put.meetings, put.teams, horizon, scope)
                counted = store.tally(tx, town.name, scope, horizon)
                assert counted.counts == expected.counts and counted.counts
                assert counted.expected == expected.expected
                mine = [one for one in put.active if scope.covers(put.teams[one.assignment], one.provider)]
                assert store.active_by_week(tx, town.name, scope, horizon) == staffing.active_by_week(mine, horizon)
                assert store.active_on(tx, town.name, scope, TODAY) == sum(one.on(TODAY) for one in mine)
                listed = without_follow_up(mine, put.obligations, put.meetings, horizon.day)
                rows = store.without_follow_up(tx, town.name, scope, horizon.day, limit=1000, protected=True)
                assert [row["assignment"] for row in rows] == listed
                count = store.count_without_follow_up(tx, town.name, scope, horizon.day, protected=True)
                assert count == len(listed)
            for staff in (["g-1"], ["g-1", "g-2", "s-1"], []):
                spans = [span for who, span in put.claims if who in staff]
                assert store.booked(tx, town.name, staff, horizon) == staffing.booked(spans, horizon)


# --- as an answer ------------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-64")
def test_the_answer_adds_up_and_holds_demand_against_capacity(town: Town, pool: Pool) -> None:
    filled(town, pool)
    answer = ask(town)
    for part in ("weeks", "kinds", "teams"):
        for name in ("due", "overdue", "met", "unbooked"):
            assert sum(row[name] for row in answer[part]) == answer["total"][name] > 0
    assert [row["team"] for row in answer["teams"]] == ["north", "south", None]
    assert [row["week"] for row in answer["capacity"]][:2] == ["2026-W48", "2026-W49"]
    assert answer["staff"] == {"persons": 3, "full_time_equivalents": "2.250", "without_hours": 0}
    week = answer["capacity"][3]
    # 14 to 20 December: g-2 keeps 45 hours open, works 40, and is away two days of five
    assert week["monday"] == "2026-12-14" and week["capacity"] == 1200 + 2400 * 3 // 5 + 1800
    for row in answer["capacity"]:
        assert row["demand"] == row["booked"] + row["unbooked"] + row["expected"] + row["contacts"]
        assert row["missing"] == max(0, row["demand"] - row["capacity"]) and row["short"] == (row["missing"] > 0)
    assert not answer["contacts_counted"]


def test_a_team_is_shown_its_own_and_its_staff(town: Town, pool: Pool) -> None:
    put = filled(town, pool)
    answer = ask(town, team="north", weeks=4)
    assert (answer["team"], answer["teams"], len(answer["capacity"])) == ("north", [], 4)
    assert answer["staff"]["full_time_equivalents"] == "0.500"
    unbooked = [one for one in put.meetings if one.state in UNBOOKED and one.span is None]
    of_north = [one for one in unbooked if (put.teams.get(one.assignment or "") or one.team) == "north"]
    assert answer["total"]["unbooked"] == len(of_north)


def test_a_provider_is_shown_its_own_and_nothing_of_teams(town: Town, pool: Pool, suite: Suite) -> None:
    filled(town, pool)
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name) as alfa:
        own = ask(town, by=alfa)
        assert own == ask(town, provider="alfa") | {"without_follow_up": own["without_follow_up"]}
        assert own["provider"] == "alfa" and own["teams"] == []
        assert own["total"] != ask(town)["total"]
        assert not {row["team"] for row in csv_rows(ask(town, "workload_csv", by=alfa))} - {""}
        assert {row["provider"] for row in town.ask("scheduling.without_follow_up", by=alfa)} == {"alfa"}
        for fields in ({"provider": "beta"}, {"team": "north"}):
            for method in ("workload", "workload_csv", "workload_page", "without_follow_up"):
                with pytest.raises(Forbidden):
                    ask(town, method, by=alfa, **fields)


def test_wrong_requests_are_refused(town: Town) -> None:
    for fields in ({"weeks": 0}, {"weeks": 53}, {"team": "north", "provider": "alfa"}, {"team": "two words"}):
        with pytest.raises(InvalidRequest):
            ask(town, **fields)
    town.settle()
    with pytest.raises(Conflict) as raised:
        ask(town)
    assert raised.value.code == "NO_BUSINESS_DATE"
    with pytest.raises(NotFound):
        town.client.call("scheduling.workload", tenant="nowhere")


# --- from the facts ----------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-13")
def test_an_assignment_is_active_from_its_start_until_it_ends(town: Town) -> None:
    town.add(
        assignment("AMI_2", "2024-03-15", name="A-1"),
        assignment("AMI_2", "2024-03-15", exited("2024-05-20"), name="A-2"),
        assignment("JOBBPENG_BASIC", "2024-03-15", name="A-3"),
    )
    town.day("2024-05-20")
    answer = ask(town)
    # nothing of the rules follows up the third one
    assert (answer["active"], answer["without_follow_up"]) == (3, {"total": 1, "assignments": ["A-3"]})
    assert town.ask("scheduling.without_follow_up", limit=1) == [
        {"assignment": "A-3", "since": "2024-03-15", "provider": "alfa", "team": None}
    ]
    town.day("2024-05-21")
    assert ask(town)["active"] == 2
    town.day("2025-03-15")
    assert ask(town)["active"] == 1
    town.open(settings={"AMI1_MONTHLY_FEE": 1, "AMI2_MONTHLY_FEE": 1, "workload.contact_minutes": 30})
    town.settle()
    weeks = ask(town, provider="alfa")
    assert weeks["contacts_counted"] and [row["contacts"] for row in weeks["capacity"]] == [30] * 12


@pytest.mark.rule("NACKA-13")
def test_a_list_of_one_providers_assignments_names_no_protected_person(town: Town, pool: Pool, suite: Suite) -> None:
    town.add(*(assignment("JOBBPENG_BASIC", "2024-03-15", name=name) for name in ("A-1", "A-2")))
    town.day("2024-05-20")
    with pool.tx() as tx:
        tx.execute("INSERT INTO restricted_subject VALUES (%s, 'A-1', true, 1)", (town.name,))
    with suite.client("TEAM_MANAGER", subject="m") as manager, suite.client("CONTROLLER", subject="c") as controller, \
            suite.client("PROVIDER", organisation="alfa", tenant=town.name) as alfa:  # fmt: skip

        def named(by: Client, **fields: Any) -> tuple[list[str], list[Any]]:
            rows = town.ask("scheduling.without_follow_up", by=by, **fields)
            first = ask(town, by=by, **fields)["without_follow_up"]
            assert first["total"] == len(first["assignments"]) == len(rows)
            return first["assignments"], [row["provider"] for row in rows]

        assert named(manager, provider="alfa") == (["A-2"], ["alfa"])
        assert named(manager) == (["A-1", "A-2"], ["MASKED", "alfa"])
        assert named(controller, provider="alfa") == named(alfa) == (["A-1", "A-2"], ["alfa", "alfa"])


# --- as CSV and as a page ----------------------------------------------------------------------------------


def csv_rows(answer: dict[str, Any]) -> list[dict[str, str]]:
    text: str = answer["csv"]
    assert text.startswith("\ufeff") and text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_the_csv_says_the_same_in_whole_numbers_and_carries_no_formula(town: Town, pool: Pool) -> None:
    filled(town, pool)
    with pool.tx() as tx:
        for table in ("participant", "meeting"):
            tx.execute(f"UPDATE {table} SET team = '@south' WHERE tenant = %s AND team = 'south'", (town.name,))
    answer, rows = ask(town), csv_rows(ask(town, "workload_csv"))
    numbers = {"due": 0, "overdue": 0, "met": 0, "unbooked": 0}
    column = {"OPEN": "due", "OVERDUE": "overdue", "MET": "met"}
    for row in rows:
        assert re.fullmatch(r"\d+", row["number"])
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
        if row["subject"] != "MINUTES":
            numbers[column[row["state"]] if row["subject"] == "OBLIGATION" else "unbooked"] += int(row["number"])
    assert numbers == answer["total"]
    assert {row["team"] for row in rows} == {"north", "'@south", ""}
    minutes = [row for row in rows if row["subject"] == "MINUTES" and row["kind"] == "CAPACITY"]
    assert [int(row["number"]) for row in minutes] == [row["capacity"] for row in answer["capacity"]]
    assert minutes[0]["week"] == "2026-W48" and minutes[0]["monday"] == "2026-11-23"


@pytest.mark.parametrize(
    ("lang", "words"),
    [("sv", ("Arbetsläge för enheten north", "Vecka 53 2026, 28 dec–3 jan", "Uppföljningsmöte", "saknas")),
     ("en", ("Workload of the team north", "Week 53 of 2026, 28 Dec to 3 Jan", "Follow-up meeting", "missing"))],
)  # fmt: skip
def test_the_page_can_be_read_by_everybody(town: Town, pool: Pool, lang: str, words: tuple[str, ...]) -> None:
    filled(town, pool)
    with pool.tx() as tx:
        tx.execute("DELETE FROM resource WHERE tenant = %s", (town.name,))
    html = ask(town, "workload_page", team="north", lang=lang)["html"]
    read = outline(html)
    text = " ".join(read.text)
    assert [word for word in words if word not in text] == []
    assert read.all("html")[0]["lang"] == lang
    assert not read.all("script", "link", "img", "iframe", "form")
    ids = [one["id"] for one in read.all(*{tag for tag, _ in read.tags}) if "id" in one]
    assert len(ids) == len(set(ids))
    assert read.all("a")[0]["href"] == "#weeks" and "weeks" in ids
    assert len(read.all("caption")) == len(read.all("table")) == 3
    assert all(one.get("scope") in ("col", "row") for one in read.all("th"))
    assert all(one["aria-labelledby"] in ids for one in read.all("div"))
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and set(levels[1:]) == {2}
    picture = ET.fromstring(html[html.index("<svg") : html.index("</svg>") + len("</svg>")])
    said = "".join(picture.itertext())
    assert picture.get("role") == "img" and ("v53:" in said or "W53:" in said)


def test_the_page_escapes_what_others_have_named(town: Town, pool: Pool) -> None:
    filled(town, pool)
    hostile = '<img src=x onerror="alert(1)">'
    answer = ask(town)
    for row in (*answer["weeks"], *answer["capacity"]):
        row["monday"] = row["monday"] and date.fromisoformat(row["monday"])
    answer["teams"][0]["team"] = answer["without_follow_up"]["assignments"][0] = hostile
    for whose in ("team", "provider"):
        html = page.render(answer | {whose: hostile}, "en")
        assert hostile not in html and html.count("&lt;img") == 4
        assert outline(html).all("img") == []


def test_the_commands_print_the_table_the_csv_and_the_page(town: Town, pool: Pool, suite: Suite) -> None:
    filled(town, pool)
    table = suite.kundval("workload", "--tenant", town.name)
    assert table.returncode == 0 and "2026-W53" in table.stdout and "2.250" in table.stdout, table.stderr
    assert "period,week" in suite.kundval("workload", "--tenant", town.name, "--csv").stdout
    printed = suite.kundval("workload-page", "--tenant", town.name, "--team", "north", "--lang", "en")
    assert printed.stdout.startswith("<!DOCTYPE html>")
    assert suite.kundval("workload", "--tenant", "nowhere").returncode == 1
