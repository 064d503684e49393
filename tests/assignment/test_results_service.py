"""Comparisons and figures as the service gives them: counted from stored outcomes, shown, kept, printed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from random import Random
from typing import Any

import psycopg
import pytest

from kundval_assignment.domain.choice import tally, window
from kundval_assignment.domain.figures import count
from kundval_assignment.domain.outcomes import Outcome, outcome
from kundval_assignment.results import store
from kundval_chassis.db import Pool
from kundval_contracts.case import Case
from kundval_contracts.client import Client
from kundval_contracts.codes import ExitKind, Programme
from kundval_contracts.errors import Conflict, FactRefused, Forbidden, InvalidRequest, NotFound
from kundval_contracts.facts import load_fact
from kundval_contracts.inputs import CLIENT
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Timeline
from tests.acceptance.builders import assignment, bare, broke_off, eb_paid, exited, fact
from tests.suite import Suite, Town, client, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
TODAY = "2025-06-30"
KINDS = ("WORK_FULL_TIME", "STUDY_FULL_TIME", "OWN_BUSINESS", "BENEFIT_OTHER_PUBLIC", "DISCONTINUED")


@pytest.fixture
def pool(suite: Suite) -> Iterator[Pool]:
    with Pool(suite.databases["assignment"]) as made:
        yield made


@pytest.fixture
def alfa(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name) as made:
        yield made


@pytest.fixture
def statistician(suite: Suite) -> Iterator[Client]:
    with suite.client("STATISTICIAN") as made:
        yield made


def lives(number: int, seed: int) -> list[dict[str, Any]]:
    """So many random lives of assignments, some of them with every turn that a figure looks at."""
    random = Random(seed)
    found = []
    for place in range(number):
        decided = date(2024, 3, 1) + timedelta(days=random.randrange(450))
        programme = random.choice(["AMI_1", "AMI_2"])
        facts: list[dict[str, Any]] = []

        def day(after: int, start: date = decided) -> str:
            return (start + timedelta(days=after)).isoformat()

        for after in sorted(random.sample(range(1, 60), random.randrange(4))):
            facts.append(fact(day(after), "contact", channel=random.choice(["IN_PERSON", "PHONE"])))
        if random.random() < 0.3:
            facts.append(fact(day(61), "provider_switch", provider="beta", approved=True))
        if random.random() < 0.4:
            facts.append(fact(day(62), "activity_held", activity=random.choice(["kitchen", "cv"]), category="EQUIP",
                              minutes=random.randrange(200)))  # fmt: skip
        if random.random() < 0.3:
            facts.append(fact(day(63), "progress_step", kind=random.choice(["MORE_HOURS", "CONFIDENCE"])))
        if random.random() < 0.8:
            last = 65 + random.randrange(20)
            facts.append(exited(day(last), random.choice(KINDS)))
            kind = facts[-1]["kind"]
            if random.random() < 0.2 and kind in KINDS[:3]:
                facts.append(broke_off(day(last + 50)))
            elif random.random() < 0.2:
                facts.append(eb_paid(day(last + 20), day(last + 40)))
        found.append(assignment(programme, decided.isoformat(), *facts, name=f"L-{place}"))
    return found


def whole(client_document: dict[str, Any], on: str, settings: dict[str, Any]) -> Outcome:
    """The outcome of a document whose facts are all in effect, by the pure core."""
    facts = [load_fact(row, place) for place, row in enumerate(client_document["facts"])]
    case = Case(client_document["id"], Programme(client_document["programme"])).having(facts)
    reading = Timeline(case, RuleSettings(settings))
    return outcome(case, reading, CLIENT.load(client_document["client"]), date.fromisoformat(on))


def ended(number: int, *, held: int, name: str = "E", provider: str = "alfa", kind: str = "WORK_FULL_TIME",
          programme: str = "AMI_2") -> list[dict[str, Any]]:  # fmt: skip
    """Assignments that ended with the provider after 98 days; the work of `held` of them was not broken off."""
    found = []
    for place in range(number):
        more = [] if place < held or not kind.startswith("WORK") else [broke_off("2024-08-01")]
        document = assignment(programme, D, exited("2024-06-20", kind), *more, name=f"{name}-{place}")
        for row in document["facts"]:
            if row["fact"] == "provider_chosen":
                row["provider"] = provider
        found.append(document)
    return found


def compare(town: Town, by: Client | None = None, **fields: Any) -> dict[str, Any]:
    answer = (by or town.client).call("assignment.results", tenant=town.name, programme="AMI_2", **fields)
    return dict(answer["comparison"])


def of(table: dict[str, Any], provider: str) -> dict[str, Any]:
    return next(row for row in table["rows"] if row["provider"] == provider)


# --- in step with the facts -------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7", "NACKA-22", "LOKA-9", "LOKA-20", "LOKA-50")
def test_what_the_database_counts_is_what_the_pure_functions_count(town: Town, pool: Pool) -> None:
    documents = lives(60, seed=7)
    town.add(*documents)
    town.day(TODAY)
    assert town.ask("assignment.rejections") == []
    rows = [whole(document, TODAY, {}) for document in documents]
    with pool.tx(readonly=True) as tx:
        for day in (date(2024, 5, 31), date(2024, 12, 30), date.fromisoformat(TODAY)):
            for programme in (Programme.AMI_1, Programme.AMI_2):
                for months in (6, 24):
                    span = window(day, RuleSettings({"figures.window_months": months}))
                    expected = {
                        name: one for name, one in tally(rows, programme, span).items() if one != type(one)(name)
                    }
                    counted = store.tallies(tx, town.name, programme, span)
                    assert {name: one for name, one in counted.items() if one != type(one)(name)} == expected
            for year in (2022, 2023, 2024, 2025, 2026):
                assert store.year(tx, town.name, year, day) == count(rows, year, day)


def test_rows_that_say_the_same_as_before_are_not_touched(town: Town, pool: Pool) -> None:
    town.add(*ended(3, held=3))
    town.day(TODAY)

    def versions() -> list[tuple[str, str]]:
        with pool.tx(readonly=True) as tx:
            rows = tx.query("SELECT assignment, xmin::text FROM outcome WHERE tenant = %s ORDER BY 1", (town.name,))
        return [(row["assignment"], row["xmin"]) for row in rows]

    before = versions()
    town.open()  # judges every assignment anew
    assert versions() == before
    town.state("E-1", fact("2024-07-01", "eb_paid", **{"from": "2024-07-01", "to": "2024-07-02", "scope": "CLIENT"}))
    assert [row != old for row, old in zip(versions(), before, strict=True)] == [False, True, False]


def test_a_fact_that_is_withdrawn_is_gone_from_the_figures(town: Town) -> None:
    documents = ended(6, held=6)
    town.add(*documents)
    town.day(TODAY)
    assert of(compare(town), "alfa")["days"]["n"] == 6
    for document in documents[:1]:
        town.withdraw(document["id"], str(len(document["facts"]) - 1))
    town.settle()
    # the period of the assignment ran out instead, so that it ended all the same
    table = compare(town)
    assert of(table, "alfa")["exits"]["PERIOD_ENDED"]["value"] == "0.1667"


def test_a_period_that_has_run_out_by_the_business_date_has_ended(town: Town) -> None:
    town.add(*[assignment("AMI_2", D, name=f"P-{place}") for place in range(5)])
    town.day("2025-03-14")
    assert of(compare(town), "alfa")["days"] == {"value": None, "n": 0, "low": None, "high": None, "suppressed": False}
    town.day("2025-03-15")
    assert of(compare(town), "alfa")["days"]["value"] == "365.0"


# --- comparing ---------------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
def test_anybody_may_compare_providers_a_provider_too(town: Town, alfa: Client) -> None:
    town.add(*ended(8, held=6), *ended(5, held=1, name="B", provider="beta"))
    town.day(TODAY)
    table = compare(town, alfa)
    assert {row["provider"] for row in table["rows"]} == {"alfa", "beta"}
    assert of(table, "alfa")["name"] == "Alfa"
    assert of(table, "alfa")["self_supporting"] | {"low": "", "high": ""} == {
        "value": "0.7500", "n": 8, "low": "", "high": "", "suppressed": False,
    }  # fmt: skip
    assert table["together"]["self_supporting"]["n"] == 13
    assert (table["on"], table["window_start"]) == (TODAY, "2023-07-01")


@pytest.mark.rule("NACKA-7")
def test_the_order_is_drawn_anew_and_its_seed_gives_it_again(town: Town) -> None:
    town.day(TODAY)
    tables = [compare(town) for _ in range(40)]
    orders = {tuple(row["provider"] for row in table["rows"]) for table in tables}
    assert orders == {("alfa", "beta"), ("beta", "alfa")}  # the same 40 times: once in 2**39
    assert all(row["no_figures_yet"] for table in tables for row in table["rows"])
    assert compare(town, seed=tables[0]["seed"]) == tables[0]


def test_only_providers_that_can_be_chosen_on_the_day_are_compared(town: Town) -> None:
    town.open(providers=[
        {"id": "alfa", "name": "Alfa", "authorised": {"AMI_2": "2024-01-01"}},
        {"id": "late", "name": "Late", "authorised": {"AMI_2": "2025-07-01"}},
        {"id": "other", "name": "Other", "authorised": {"AMI_1": "2024-01-01"}},
    ])  # fmt: skip
    town.day(TODAY)
    assert [row["provider"] for row in compare(town)["rows"]] == ["alfa"]
    town.day("2025-07-01")
    assert {row["provider"] for row in compare(town)["rows"]} == {"alfa", "late"}


def test_without_a_business_date_there_is_nothing_to_compare_by(town: Town) -> None:
    with pytest.raises(Conflict) as refused:
        compare(town)
    assert refused.value.code == "NO_BUSINESS_DATE"


# --- showing, and keeping what was shown -------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
def test_what_is_shown_is_kept_as_it_was_and_opens_the_choice(town: Town, pool: Pool) -> None:
    town.add(*ended(8, held=6), bare("AMI_2", fact("2025-06-01", "decided"), name="new"))
    town.day(TODAY)
    shown = town.client.call("assignment.show_results", tenant=town.name, assignment="new")
    assert (shown["assignment"], shown["made_for"], shown["on"]) == ("new", "CHOICE", TODAY)
    text = json.dumps(shown["content"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == shown["sha256"]
    standing = town.states("new")
    assert standing["state"] == "AWAITING_CHOICE"
    assert [row["fact"] for row in standing["facts"]] == ["decided", "results_shown"]
    chosen = {"assignment": "new", "id": "chosen", **fact(TODAY, "provider_chosen", provider="alfa")}
    town.send([chosen])
    town.add(*ended(4, held=0, name="later"))
    again = town.client.call("assignment.snapshot", tenant=town.name, snapshot=shown["snapshot"])
    assert again == shown
    for statement in ("UPDATE shown_results SET content = '{}'", "DELETE FROM shown_results", "TRUNCATE shown_results"):
        with pytest.raises(psycopg.errors.RaiseException, match="kept as it was"), pool.tx() as tx:
            tx.execute(statement)


def test_the_same_command_again_shows_once(town: Town) -> None:
    town.register(bare("AMI_2"))
    town.state("A-1", fact("2025-06-01", "decided"))
    town.day(TODAY)
    request = {"tenant": town.name, "assignment": "A-1"}
    first, second = (
        town.client.submit("assignment.show_results", request, idempotency_key=f"once-{town.name}").result()
        for _ in range(2)
    )
    assert first == second
    assert len(town.states("A-1")["facts"]) == 2


def test_nothing_is_kept_of_what_could_not_be_shown(town: Town, pool: Pool) -> None:
    town.register(bare("AMI_2"))
    town.day(TODAY)
    call = town.client.call
    with pytest.raises(FactRefused) as refused:
        call("assignment.show_results", tenant=town.name, assignment="A-1")
    assert "SM-A7" in refused.value.rules
    with pytest.raises(InvalidRequest) as early:
        call("assignment.show_results", tenant=town.name, assignment="A-1", on="2025-07-01")
    assert [fault["path"] for fault in early.value.faults] == ["on"]
    with pytest.raises(NotFound):
        call("assignment.show_results", tenant=town.name, assignment="nobody")
    with pytest.raises(NotFound):
        call("assignment.snapshot", tenant=town.name, snapshot="nothing")
    with pool.tx(readonly=True) as tx:
        assert tx.value("SELECT count(*) FROM shown_results WHERE tenant = %s", (town.name,)) == 0
    assert town.states("A-1")["facts"] == []


def test_a_provider_sees_neither_snapshots_nor_who_waits(town: Town, alfa: Client) -> None:
    for method in ("show_results", "rank", "snapshot", "awaiting_choice", "figures"):
        with pytest.raises(Forbidden):
            alfa.call(f"assignment.{method}", tenant=town.name, assignment="A-1")


# --- who has not chosen --------------------------------------------------------------------------------------


@pytest.mark.rule("NACKA-7")
@pytest.mark.parametrize(("today", "due"), [("2025-06-14", False), ("2025-06-15", True), ("2025-06-16", True)])
def test_who_has_not_chosen_is_to_be_reminded_after_the_days_of_the_setting(town: Town, today: str, due: bool) -> None:
    town.open(settings={"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000, "choice.days": 14})
    town.add(
        bare("AMI_2", fact("2025-05-30", "decided"), fact("2025-06-01", "results_shown"), name="waits"),
        assignment("AMI_2", "2025-06-01", name="has-chosen"),
    )
    town.register(bare("AMI_2", name="undecided"))
    town.day(today)
    assert town.ask("assignment.awaiting_choice") == [
        {"assignment": "waits", "programme": "AMI_2", "since": "2025-06-01", "remind_on": "2025-06-15",
         "reminder_due": due}
    ]  # fmt: skip


def test_while_nobody_has_said_after_how_many_days_no_reminder_is_due(town: Town) -> None:
    town.add(*[bare("AMI_2", fact("2025-05-30", "decided"), name=f"W-{place}") for place in range(3)])
    town.day(TODAY)
    rows = town.ask("assignment.awaiting_choice", limit=2)
    assert [(row["assignment"], row["remind_on"], row["reminder_due"]) for row in rows] == [
        ("W-0", None, False), ("W-1", None, False), ("W-2", None, False),
    ]  # fmt: skip


@pytest.mark.rule("AF-SOM-24")
def test_for_the_municipalitys_own_programmes_nobody_ranks(town: Town) -> None:
    town.add(bare("AMI_2", fact("2025-05-30", "decided"), name="own"))
    town.day(TODAY)
    with pytest.raises(FactRefused) as refused:
        town.client.call("assignment.rank", tenant=town.name, assignment="own")
    assert (refused.value.code, refused.value.rules) == ("WRONG_PROGRAMME", ("AF-SOM-24", "NACKA-7"))


@pytest.mark.rule("AF-SOM-24")
def test_a_ranking_is_proposed_and_kept_while_a_choice_is_awaited(town: Town) -> None:
    providers = [{"id": name, "name": name, "authorised": {"SOM_1": "2024-01-01"}} for name in ("alfa", "beta")]
    town.open(municipality="trelleborg", providers=providers)
    town.register(bare("SOM_1", name="som"))
    town.day(TODAY)
    with pytest.raises(Conflict) as early:
        town.client.call("assignment.rank", tenant=town.name, assignment="som")
    assert early.value.code == "NO_CHOICE_AWAITED"
    town.state("som", fact("2025-06-01", "decided"))
    ranked = town.client.call("assignment.rank", tenant=town.name, assignment="som")
    assert ranked["made_for"] == "RANKING"
    assert ranked["content"]["ranking"] == [row["provider"] for row in ranked["content"]["rows"]]
    assert town.client.call("assignment.snapshot", tenant=town.name, snapshot=ranked["snapshot"]) == ranked
    assert [row["fact"] for row in town.states("som")["facts"]] == ["decided"]  # a proposal is no choice


# --- figures -------------------------------------------------------------------------------------------------


def lines_of(town: Town, by: Client, **fields: Any) -> dict[tuple[int, str, str], dict[str, Any]]:
    answer = by.call("assignment.figures", tenant=town.name, **{"first_year": 2024, "last_year": 2024, **fields})
    return {(row["year"], row["figure"], row["part"]): row for row in answer["lines"]}


def referred(number: int, source: str, name: str, **fields: Any) -> list[dict[str, Any]]:
    found = []
    for document in ended(number, held=number, name=name):
        first = fact("2024-03-01", "referred", source=source, **fields)
        seen = [
            fact("2024-03-01", "preparation_opened"),
            fact("2024-03-01", "prepared", relevant=True, purpose="work"),
            fact("2024-03-02", "assessed", channel="IN_PERSON", needs=["GUIDANCE"]),
            fact("2024-03-03", "af_checked", result="NONE_SUITABLE"),
            fact("2024-03-03", "described", other_actors_checked=True),
        ]
        document["facts"] = [first, *seen, *document["facts"]]
        document["facts"][6] |= {"needs": ["GUIDANCE"], "reason": "as assessed"}
        document["facts"][7] |= {"snapshot": "shown-elsewhere"}
        found.append(document)
    return found


@pytest.mark.rule("LOKA-9", "LOKA-63", "NACKA-22")
def test_a_statistician_sees_the_figures_and_small_groups_are_kept_back(town: Town, statistician: Client) -> None:
    town.add(*referred(7, "EB", "eb"), *referred(6, "KAA", "kaa"), *referred(2, "FK", "fk", commission_end="2025-01-01",
             commission_question="what next"), *referred(5, "EB", "mo", ground="MEANINGFUL_OCCUPATION"))  # fmt: skip
    town.day(TODAY)
    assert town.ask("assignment.rejections") == []
    found = lines_of(town, statistician)
    assert found[2024, "PARTICIPANTS", "ALL"]["value"] == "15"
    assert found[2024, "PARTICIPANTS", "EB"]["value"] == "7"
    assert found[2024, "PARTICIPANTS", "FK"]["suppressed"]
    assert found[2024, "PARTICIPANTS", "KAA"]["suppressed"]  # or FK could be computed
    assert found[2024, "OTHER_GROUND", "MEANINGFUL_OCCUPATION"]["value"] == "5"
    assert found[2024, "SIX_MONTH_RETENTION", "ALL"]["value"] == "1.0000"
    with pytest.raises(Forbidden):
        statistician.call("assignment.state", tenant=town.name, assignment="eb-0")


@pytest.mark.rule("LOKA-20", "LOKA-56", "LOKA-57")
def test_a_value_from_elsewhere_is_kept_with_its_origin_and_the_one_taken_last_counts(
    town: Town, statistician: Client, pool: Pool
) -> None:
    town.add(*ended(10, held=10))
    town.day(TODAY)
    value = {"tenant": town.name, "what": "FULL_TIME_EQUIVALENTS", "year": 2024, "origin": "Kolada"}
    record = "assignment.record_yearly_value"
    town.client.call(record, **value, value="5", taken_on="2025-03-01")
    town.client.call(record, **value, value="4", taken_on="2025-04-01")
    town.client.call(record, **value | {"year": 2023}, value="1", taken_on="2025-05-01")
    ratio = lines_of(town, statistician)[2024, "PER_FTE", "ALL"]
    assert (ratio["value"], ratio["origin"], ratio["taken_on"]) == ("2.5", "Kolada", "2025-04-01")
    told = {"year": 2024, "value": "2.5", "origin": "own count", "taken_on": "2025-06-01"}
    ratio = lines_of(town, statistician, full_time_equivalents=told)[2024, "PER_FTE", "ALL"]
    assert (ratio["value"], ratio["origin"]) == ("4.0", "own count")
    with pytest.raises(InvalidRequest) as refused:
        lines_of(town, statistician, full_time_equivalents=told | {"year": 2023})
    assert [(fault["path"], "LOKA-20" in fault["message"]) for fault in refused.value.faults] == [
        ("full_time_equivalents.year", True)
    ]
    with pytest.raises(psycopg.errors.RaiseException), pool.tx() as tx:
        tx.execute("UPDATE yearly_value SET value = 1")
    with pytest.raises(Forbidden):
        statistician.call(record, **value, value="5", taken_on="2025-03-01")


@pytest.mark.rule("LOKA-56", "LOKA-57")
def test_what_others_have_published_stands_beside_with_its_origin(town: Town, statistician: Client) -> None:
    town.open(municipality="harryda")
    town.day(TODAY)
    answer = statistician.call("assignment.figures", tenant=town.name, first_year=2021, last_year=2021)
    told = [row for row in answer["published"] if row["code"] == "participants_per_fte"]
    assert {row["value"] for row in told} == {"22", "32"}  # both of two that contradict one another (INC-15)
    assert all(row["origin"] for row in told)


@pytest.mark.parametrize(("first", "last"), [(2024, 2023), (1990, 2020), (0, 1)])
def test_years_that_are_none_are_refused(town: Town, statistician: Client, first: int, last: int) -> None:
    with pytest.raises(InvalidRequest):
        lines_of(town, statistician, first_year=first, last_year=last)


@pytest.mark.rule("LOKA-20")
def test_the_csv_and_the_chart_say_what_the_figures_say(town: Town, statistician: Client) -> None:
    town.add(*ended(10, held=10))
    town.day(TODAY)
    years = {"tenant": town.name, "first_year": 2023, "last_year": 2025}
    rows = statistician.call("assignment.figures", **years)["lines"]
    text = statistician.call("assignment.figures_csv", **years)["csv"]
    read = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [(row["year"], row["figure"], row["part"], row["value"]) for row in read] == [
        (str(row["year"]), row["figure"], row["part"], row["value"] or "") for row in rows
    ]
    for figure in ("PARTICIPANTS", "PARTICIPANTS_SHARE", "PER_FTE", "KOLADA_MINUTES"):
        for lang, word in (("sv", "Deltaga"), ("en", "Participants")):
            drawn = statistician.call("assignment.figures_chart", **years, figure=figure, lang=lang)["svg"]
            root = ET.fromstring(drawn)
            assert root.get("lang") == lang
            assert word in "".join(root.itertext())
    one = statistician.call("assignment.figures_chart", tenant=town.name, first_year=2024, last_year=2024)["svg"]
    assert "100" in "".join(ET.fromstring(one).itertext())


# --- the page ------------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """What an assistive technology is told: the tree, with every element closed as it should be."""

    VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title", "desc"):
            self.text.append(data.strip())

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def outline(html: str) -> Outline:
    read = Outline()
    read.feed(html)
    assert read.open == []
    return read


@pytest.fixture(scope="module")
def busy(suite: Suite) -> Iterator[Town]:
    """A town with three providers: alfa with figures, beta with too few, and one whose name is hostile and new."""
    hostile = '<img src=x onerror="alert(1)"> & Co'
    authorised = {"AMI_2": "2024-01-01"}
    with suite.client() as made:
        town = Town(made, providers=[
            {"id": "alfa", "name": "Alfa", "authorised": authorised},
            {"id": "beta", "name": "Beta", "authorised": authorised},
            {"id": "new", "name": hostile, "authorised": authorised},
        ])  # fmt: skip
        town.add(*ended(8, held=6), *ended(3, held=0, name="B", provider="beta", kind="BENEFIT_OTHER_PUBLIC"))
        town.day(TODAY)
        yield town


@pytest.fixture
def alfa_there(suite: Suite, busy: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", organisation="alfa", tenant=busy.name) as made:
        yield made


@pytest.mark.rule("NACKA-7")
@pytest.mark.parametrize(
    ("lang", "words"),
    [("sv", ("Jämför anordnarna", "visas inte", "inga siffror än", "75 %")),
     ("en", ("Compare the providers", "not shown", "no figures yet", "75%"))],
)  # fmt: skip
def test_the_page_can_be_read_by_everybody(busy: Town, alfa_there: Client, lang: str, words: tuple[str, ...]) -> None:
    html = alfa_there.call("assignment.results_page", tenant=busy.name, programme="AMI_2", lang=lang)["html"]
    page = outline(html)
    assert html.startswith("<!DOCTYPE html>")
    assert page.all("html") == [{"lang": lang}]
    assert all(word in page.text or any(word in text for text in page.text) for word in words)
    headings = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3", "h4")]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    for landmark in ("header", "main", "footer"):
        assert len(page.all(landmark)) == 1
    assert len(page.all("caption")) == len(page.all("table")) == 2
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        for name in ("aria-labelledby",):
            assert set((attributes.get(name) or "").split()) <= set(ids)
        assert not any(name.startswith("on") for name in attributes)
    for region in (one for one in page.all("div") if one.get("role") == "region"):
        assert region["tabindex"] == "0"
        assert region["aria-labelledby"]
    [picture] = page.all("svg")
    assert picture["role"] == "img"
    assert [link["href"] for link in page.all("a")] == ["#compare"]
    assert "compare" in ids


def test_the_page_carries_no_script_loads_nothing_and_a_name_is_never_markup(busy: Town, alfa_there: Client) -> None:
    html = alfa_there.call("assignment.results_page", tenant=busy.name, programme="AMI_2")["html"]
    page = outline(html)
    assert not page.all("script", "img", "link", "iframe", "form")
    assert "&lt;img src=x" in html
    assert "@media print" in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_what_is_kept_back_is_on_the_page_in_no_form(busy: Town, alfa_there: Client) -> None:
    html = alfa_there.call("assignment.results_page", tenant=busy.name, programme="AMI_2", lang="en")["html"]
    assert "Other public compensation" not in html  # only those kept back have had it
    table = compare(busy)
    assert table["together"]["days"]["suppressed"]
    assert of(table, "beta")["days"]["n"] is None


def test_the_page_of_a_snapshot_is_what_was_shown(busy: Town) -> None:
    busy.register(bare("AMI_2", name="chooser"))
    busy.state("chooser", fact("2025-06-01", "decided"))
    shown = busy.client.call("assignment.show_results", tenant=busy.name, assignment="chooser")
    fields = {"tenant": busy.name, "snapshot": shown["snapshot"]}
    html = busy.client.call("assignment.snapshot_page", **fields)["html"]
    assert html == busy.client.call("assignment.snapshot_page", **fields)["html"]
    live = busy.client.call("assignment.results_page", tenant=busy.name, programme="AMI_2",
                            seed=shown["content"]["seed"])["html"]  # fmt: skip
    assert html == live
    assert "chooser" not in html


def test_a_programme_without_providers_has_a_page_that_says_so(busy: Town, alfa_there: Client) -> None:
    html = alfa_there.call("assignment.results_page", tenant=busy.name, programme="SOM_1")["html"]
    assert "ingen anordnare" in html
    assert outline(html).all("table") == []


def test_the_command_prints_the_page(busy: Town, suite: Suite) -> None:
    done = suite.kundval("results-page", "--tenant", busy.name, "--programme", "AMI_2", "--lang", "sv", "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout == busy.client.call("assignment.results_page", tenant=busy.name, programme="AMI_2", seed=1)["html"]
    )
    assert suite.kundval("results-page", "--tenant", "nowhere", "--programme", "AMI_2").returncode == 1


@pytest.mark.parametrize("kind", list(ExitKind))
@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_kind_of_exit_has_words(kind: ExitKind, lang: str) -> None:
    from kundval_assignment.results.texts import texts

    assert texts(lang).exit(kind.value) != kind.value
    assert texts(lang).words.keys() == texts("sv").words.keys()
    assert {name: set(part) for name, part in texts(lang).words.items()} == {
        name: set(part) for name, part in texts("sv").words.items()
    }
