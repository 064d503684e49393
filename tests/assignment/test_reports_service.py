"""Reports and documents in the running service: drafts, submissions that state facts, returns, approval, evidence."""

from __future__ import annotations

import hashlib
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kundval_assignment.domain.reports import MOVES, Trigger
from kundval_assignment.reports.agreement import MANDATORY
from kundval_assignment.reports.scanner import Clamd
from kundval_contracts.client import Client
from kundval_contracts.codes import ReportState
from kundval_contracts.errors import (
    Conflict,
    FactRefused,
    Forbidden,
    InvalidRequest,
    KundvalError,
    NotFound,
    Unavailable,
)
from tests.acceptance.builders import assignment, bare, exited, fact
from tests.conftest import Servers
from tests.suite import Suite, Town, client, running, suite, town

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
MONTHLY = {"progression": "She greets the customers now.", "extent_pct": 100}
TEXT = b"Anst\xc3\xa4llningsintyg"


@pytest.fixture
def alfa(suite: Suite, town: Town) -> Iterator[Client]:
    """Provider alfa, in this town."""
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name, subject="alfa-staff-1") as made:
        yield made


@pytest.fixture
def beta(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", organisation="beta", tenant=town.name) as made:
        yield made


@pytest.fixture
def guide(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("CAREER_GUIDE", subject="guide-1") as made:
        yield made


@pytest.fixture
def running_town(town: Town) -> Town:
    """An AMI 2 that alfa has run for a month: 14 April is the last day of month 1."""
    town.add(assignment("AMI_2", D))
    town.client.call("assignment.open_day", tenant=town.name, date="2024-04-14")
    return town


class Desk:
    """What somebody does with the reports of A-1."""

    def __init__(self, town: Town, who: Client):
        self.town, self.who = town, who

    def _call(self, what: str, kind: str, sequence: int, **fields: Any) -> dict[str, Any]:
        call = {"tenant": self.town.name, "assignment": "A-1", "kind": kind, "sequence": sequence, **fields}
        return dict(self.who.call(f"assignment.{what}", **call))

    def save(
        self, kind: str, sequence: int, contents: dict[str, Any], *attachments: str, **more: Any
    ) -> dict[str, Any]:
        fields = {"contents": contents, "attachments": list(attachments), **more}
        return self._call("save_report", kind, sequence, **fields)

    def submit(self, kind: str, sequence: int, **more: Any) -> dict[str, Any]:
        return self._call("submit_report", kind, sequence, **more)

    def hand_in(self, kind: str, sequence: int, contents: dict[str, Any], *attachments: str) -> dict[str, Any]:
        self.save(kind, sequence, contents, *attachments)
        return self.submit(kind, sequence)

    def send_back(self, kind: str, sequence: int, reason: str = "The days are wrong.", **more: Any) -> dict[str, Any]:
        return self._call("return_report", kind, sequence, reason=reason, **more)

    def approve(self, kind: str, sequence: int, **more: Any) -> dict[str, Any]:
        return self._call("approve_report", kind, sequence, **more)

    def show(self, kind: str, sequence: int, **more: Any) -> dict[str, Any]:
        return self._call("report", kind, sequence, **more)

    def list(self, **more: Any) -> dict[str, dict[str, Any]]:
        """By kind and sequence."""
        return {
            f"{row['kind']} {row['sequence']}": row for row in self.town.ask("assignment.reports", self.who, **more)
        }

    def add(self, document: str, code: str = "OTHER", content: bytes | str = TEXT, **more: Any) -> dict[str, Any]:
        """`content`: bytes, or what is sent in place of their base64."""
        packed = content if isinstance(content, str) else b64encode(content).decode()
        fields = {"type": "TEXT", "content": packed, **more}
        call = {"tenant": self.town.name, "assignment": "A-1", "document": document, "code": code, **fields}
        return dict(self.who.call("assignment.add_document", **call))


def state(town: Town, *facts: dict[str, Any]) -> None:
    """State facts of A-1 at the next free places."""
    rows = [{"assignment": "A-1", "id": f"by-hand-{one['on']}-{one['fact']}", **one} for one in facts]
    town.client.call("assignment.record_facts", tenant=town.name, facts=rows)


def day(town: Town, on: str) -> None:
    """Open a business date, and wait for nobody."""
    town.client.call("assignment.open_day", tenant=town.name, date=on)


def kinds(town: Town, *, in_effect: bool = True) -> list[str]:
    return [row["fact"] for row in town.states("A-1")["facts"] if row["in_effect"] is in_effect]


def told(suite: Suite, town: Town, prefix: str = "assignment.report_") -> list[tuple[str, dict[str, Any]]]:
    """The events about reports of a town, in order: name without prefix, data."""
    with psycopg.connect(suite.databases["assignment"]) as connection:
        rows = connection.execute(
            "SELECT name, data FROM event WHERE tenant = %s AND name LIKE %s ORDER BY sequence",
            (town.name, f"{prefix}%"),
        ).fetchall()
    return [(name.removeprefix(prefix), data) for name, data in rows]


# --- from draft to approval ------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.1-c")
def test_a_monthly_report_goes_from_expected_over_draft_to_approved_and_states_its_fact(
    running_town: Town, alfa: Client, guide: Client, suite: Suite
) -> None:
    provider, municipal = Desk(running_town, alfa), Desk(running_town, guide)
    row = provider.list()["MONTHLY 1"]
    assert (row["state"], row["provider"], row["version"], row["fact"]) == ("EXPECTED", "alfa", 0, None)

    drafted = provider.save("MONTHLY", 1, {"progression": "x"})
    assert drafted["state"] == "DRAFT"
    assert [(one["path"], one["rules"]) for one in drafted["lacks"]] == [("contents.extent_pct", ["AMI-8.1-d"])]
    assert kinds(running_town)[-1] == "started"

    provider.save("MONTHLY", 1, MONTHLY)
    handed_in = provider.submit("MONTHLY", 1)
    assert (handed_in["state"], handed_in["version"], handed_in["fact"]) == ("SUBMITTED", 1, "report:MONTHLY:1.1:1")
    assert kinds(running_town)[-1] == "monthly_report"

    municipal.approve("MONTHLY", 1)
    shown = municipal.show("MONTHLY", 1)
    assert (shown["state"], shown["approved_on"], shown["in_effect"]) == ("APPROVED", "2024-04-14", True)
    [version] = shown["versions"]
    assert (version["author"], version["contents"], version["submitted_on"]) == ("alfa-staff-1", MONTHLY, "2024-04-14")
    names = [(name, data["kind"], data["sequence"]) for name, data in told(suite, running_town)]
    assert names == [("submitted", "MONTHLY", 1), ("approved", "MONTHLY", 1)]


def test_nothing_that_a_report_says_in_words_leaves_the_service(
    running_town: Town, alfa: Client, guide: Client, suite: Suite
) -> None:
    secrets = ("She greets the customers now.", "tired since the winter", "The days are wrong.", "Anställningsintyg")
    Desk(running_town, alfa).add("d-1")
    contents = MONTHLY | {"extent_pct": 50, "deviation_reason": secrets[1]}
    Desk(running_town, alfa).hand_in("MONTHLY", 1, contents, "d-1")
    Desk(running_town, guide).send_back("MONTHLY", 1, secrets[2])
    with pytest.raises(KundvalError) as refused:
        Desk(running_town, alfa).save("MONTHLY", 1, {"progression": [secrets[0]], "deviation_reason": 7})
    assert not [secret for secret in secrets if secret in str(refused.value)]
    with psycopg.connect(suite.databases["assignment"]) as connection:
        events = connection.execute("SELECT data::text FROM event WHERE tenant = %s", (running_town.name,)).fetchall()
    assert len(events) > 5
    assert not [secret for secret in secrets for (data,) in events if secret in data]
    assert not [secret for secret in secrets if secret in suite.log("assignment")]


# --- the table, every pair ---------------------------------------------------------------------------------

FIX = MONTHLY | {"implementation_plan": "as agreed"}


def bring(town: Town, alfa: Client, guide: Client, state: ReportState) -> None:
    """Bring MONTHLY 1 into a state."""
    provider, municipal = Desk(town, alfa), Desk(town, guide)
    if state not in (ReportState.EXPECTED, ReportState.OVERDUE):
        provider.save("MONTHLY", 1, MONTHLY)
    if state in (ReportState.SUBMITTED, ReportState.RETURNED, ReportState.APPROVED):
        provider.submit("MONTHLY", 1)
    if state is ReportState.RETURNED:
        municipal.send_back("MONTHLY", 1)
    if state is ReportState.APPROVED:
        municipal.approve("MONTHLY", 1)
    if state is ReportState.OVERDUE:
        provider.save("MONTHLY", 1, MONTHLY)
        day(town, "2024-04-20")
    assert Desk(town, guide).list()["MONTHLY 1"]["state"] == state


@pytest.mark.parametrize(("state", "trigger"), list(product(ReportState, Trigger)), ids=str)
def test_every_state_takes_what_the_table_says_and_refuses_the_rest(
    town: Town, alfa: Client, guide: Client, state: ReportState, trigger: Trigger
) -> None:
    due = {"monthly_report.due_day": 5, "AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000}
    town.open(settings=due)
    town.add(assignment("AMI_2", D))
    day(town, "2024-04-14")
    bring(town, alfa, guide, state)
    provider, municipal = Desk(town, alfa), Desk(town, guide)
    do: dict[Trigger, Callable[[], Any]] = {
        Trigger.SAVE: lambda: provider.save("MONTHLY", 1, FIX),
        Trigger.SUBMIT: lambda: provider.submit("MONTHLY", 1),
        Trigger.RETURN: lambda: municipal.send_back("MONTHLY", 1),
        Trigger.APPROVE: lambda: municipal.approve("MONTHLY", 1),
        Trigger.DUE_PASSED: lambda: day(town, "2024-04-20"),
    }
    before = municipal.show("MONTHLY", 1)
    after = MOVES.get((state, trigger))
    if after is None and trigger is not Trigger.DUE_PASSED:
        with pytest.raises(Conflict) as refused:
            do[trigger]()
        assert refused.value.code == "REPORT_STATE"
        assert refused.value.rules[0].startswith("SM-R")
        assert municipal.show("MONTHLY", 1) == before
        return
    do[trigger]()
    expected = after or state
    if state is ReportState.OVERDUE and expected is ReportState.DRAFT:
        expected = ReportState.OVERDUE  # a draft does not make it come in time
    assert municipal.show("MONTHLY", 1)["state"] == expected


# --- returned and sent in again ------------------------------------------------------------------------------


def test_a_returned_report_states_nothing_until_it_is_in_again_under_another_id_and_both_versions_are_kept(
    running_town: Town, alfa: Client, guide: Client, suite: Suite
) -> None:
    provider, municipal = Desk(running_town, alfa), Desk(running_town, guide)
    first = provider.hand_in("MONTHLY", 1, MONTHLY)
    municipal.send_back("MONTHLY", 1, "Say more about the plan.")
    assert "monthly_report" not in kinds(running_town)
    shown = provider.show("MONTHLY", 1)
    assert (shown["state"], shown["return_reason"], shown["fact"]) == ("RETURNED", "Say more about the plan.", None)
    assert shown["contents"] == MONTHLY

    second = provider.hand_in("MONTHLY", 1, FIX)
    assert (second["version"], second["fact"]) == (2, "report:MONTHLY:1.1:2")
    assert second["checksum"] != first["checksum"]
    assert kinds(running_town)[-1] == "monthly_report"
    versions = provider.show("MONTHLY", 1)["versions"]
    assert [(one["version"], one["contents"], one["returned_on"]) for one in versions] == [
        (1, MONTHLY, "2024-04-14"),
        (2, FIX, None),
    ]
    with psycopg.connect(suite.databases["assignment"]) as connection:
        for column in ("contents = '{}'", "checksum = ''", "author = 'x'"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(f"UPDATE report_version SET {column} WHERE tenant = %s", (running_town.name,))  # type: ignore[arg-type]
            connection.rollback()


@pytest.mark.rule("AMI-10.1-c")
def test_a_premium_that_was_paid_on_a_returned_report_is_taken_back_and_paid_again_on_the_next(
    town: Town, alfa: Client, guide: Client
) -> None:
    provider, municipal = Desk(town, alfa), Desk(town, guide)
    town.add(assignment("AMI_2", D, exited("2024-06-20")))
    town.day("2024-08-20")
    provider.hand_in("PREMIUM_FOLLOWUP", 5, {"continues": True})
    town.day("2024-09-01")
    town.run("2024-09-01")
    assert town.balance()["SPEED_PREMIUM"] == 8000
    municipal.send_back("PREMIUM_FOLLOWUP", 5)
    town.day("2024-10-01")
    town.run("2024-10-01")
    assert town.balance()["SPEED_PREMIUM"] == 0
    # late, but in: the month was on hold, not forfeited (AMB-32)
    provider.hand_in("PREMIUM_FOLLOWUP", 5, {"continues": True})
    town.day("2024-11-01")
    town.run("2024-11-01")
    assert town.balance()["SPEED_PREMIUM"] == 8000


# --- what a submission must hold ---------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.1-d")
def test_a_report_that_is_not_complete_is_refused_with_every_field_and_rule_and_nothing_is_stored(
    running_town: Town, alfa: Client
) -> None:
    provider = Desk(running_town, alfa)
    provider.save("MONTHLY", 1, {"extent_pct": 40})
    before = provider.show("MONTHLY", 1)
    with pytest.raises(InvalidRequest) as refused:
        provider.submit("MONTHLY", 1)
    assert refused.value.code == "REPORT_INCOMPLETE"
    assert refused.value.rules == ("AMI-8.1-c", "AMI-8.1-d")
    assert [fault["path"] for fault in refused.value.faults] == ["contents.progression", "contents.deviation_reason"]
    assert provider.show("MONTHLY", 1) == before


def test_contents_that_do_not_fit_the_kind_are_named_by_path(running_town: Town, alfa: Client) -> None:
    provider = Desk(running_town, alfa)
    with pytest.raises(InvalidRequest) as refused:
        provider.save("MONTHLY", 1, {"extent_pct": 101, "colour": "red", "progression": 7}, "d-1", "d-1")
    assert sorted(fault["path"] for fault in refused.value.faults) == [
        "attachments",
        "contents.colour",
        "contents.extent_pct",
        "contents.progression",
    ]
    with pytest.raises(InvalidRequest) as refused:
        provider.save("MONTHLY", 1, MONTHLY, "no-such")
    assert [fault["path"] for fault in refused.value.faults] == ["attachments[0]"]
    assert provider.list()["MONTHLY 1"]["state"] == "EXPECTED"


@pytest.mark.rule("AMI-9.2-b", "AMI-8.2-c")
def test_a_final_report_with_its_evidence_ends_the_intervention(
    running_town: Town, alfa: Client, guide: Client
) -> None:
    provider = Desk(running_town, alfa)
    day(running_town, "2024-06-20")
    contents = {"on": "2024-06-20", "kind": "WORK_FULL_TIME", "first_day": "2024-06-24", "extent_pct": 100}
    provider.add("d-1", "EMPLOYMENT_CONTRACT")
    provider.save("FINAL", 1, contents, "d-1")
    with pytest.raises(InvalidRequest) as refused:
        provider.submit("FINAL", 1)
    assert (refused.value.rules, refused.value.faults[0]["path"]) == (("AMI-9.2-b",), "attachments")
    provider.add("d-2", "EMPLOYMENT_CERTIFICATE")
    lacks = provider.save("FINAL", 1, contents, "d-1", "d-2")["lacks"]
    assert [lack["path"] for lack in lacks] == ["contents.workplace"], "what the exit itself must carry"
    handed_in = provider.hand_in("FINAL", 1, contents | {"workplace": "W1"}, "d-1", "d-2")
    stood = running_town.states("A-1")
    assert (stood["state"], stood["facts"][-1]["fact"], stood["facts"][-1]["on"]) == (
        "SUSTAINABILITY",
        "exited",
        "2024-06-20",
    )
    [row] = [
        row
        for row in running_town.client.call("assignment.explain", tenant=running_town.name, assignment="A-1")["rows"]
        if row["fact"] == "exited"
    ]
    assert row["fields"]["documents"] == ["FINAL_REPORT", "EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE"]
    # returned, the intervention runs again
    Desk(running_town, guide).send_back("FINAL", 1)
    assert running_town.states("A-1")["state"] == "ACTIVE"
    assert handed_in["fact"] == "report:FINAL:1.1:1"


def test_a_final_report_of_an_exit_that_was_stated_before_must_agree_with_it_and_its_evidence_counts_with_the_claim(
    running_town: Town, alfa: Client
) -> None:
    provider = Desk(running_town, alfa)
    state(running_town, exited("2024-06-20", documents=[]))
    day(running_town, "2024-07-01")
    for number, code in enumerate(("EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE")):
        provider.add(f"d-{number}", code)
    contents = {"on": "2024-06-21", "kind": "WORK_FULL_TIME"}
    assert [lack["path"] for lack in provider.save("FINAL", 1, contents, "d-0", "d-1")["lacks"]] == ["contents.on"]
    handed_in = provider.hand_in("FINAL", 1, contents | {"on": "2024-06-20"}, "d-0", "d-1")
    assert (handed_in["state"], handed_in["fact"]) == ("SUBMITTED", None)
    assert kinds(running_town).count("exited") == 1
    running_town.day("2024-12-20")
    provider.hand_in("SIX_MONTH_CERTIFICATE", 1, {"certified": True})
    running_town.day("2025-01-01")
    running_town.run("2025-01-01")
    assert running_town.balance()["RESULT_BONUS"] == 20000


@pytest.mark.rule("AMI-10.2-c")
def test_the_certificate_is_the_claim_and_comes_no_day_too_early(town: Town, alfa: Client) -> None:
    provider = Desk(town, alfa)
    town.add(assignment("AMI_2", D, exited("2024-06-20")))
    day(town, "2024-12-19")
    assert "SIX_MONTH_CERTIFICATE 1" not in provider.list()
    with pytest.raises(NotFound) as refused:
        provider.save("SIX_MONTH_CERTIFICATE", 1, {"certified": True})
    assert (refused.value.code, refused.value.rules) == ("REPORT_NOT_EXPECTED", ("SM-R1",))
    day(town, "2024-12-20")
    provider.hand_in("SIX_MONTH_CERTIFICATE", 1, {"certified": True})
    assert kinds(town)[-1] == "bonus_claimed"


def test_a_fact_that_does_not_count_is_refused_with_its_report_and_the_draft_stays(
    running_town: Town, alfa: Client
) -> None:
    provider = Desk(running_town, alfa)
    state(running_town, fact("2024-03-20", "job_search_restricted", until="2024-04-10"))
    provider.save("MONTHLY", 1, MONTHLY)
    with pytest.raises(FactRefused) as refused:
        provider.submit("MONTHLY", 1)
    assert refused.value.rules == ("AMI-1.3.1-a",)
    shown = provider.show("MONTHLY", 1)
    assert (shown["state"], shown["version"], shown["versions"]) == ("DRAFT", 0, [])


@pytest.mark.rule("LOKA-5")
def test_the_municipality_answers_the_commissioner_and_a_provider_does_not(
    running_town: Town, alfa: Client, guide: Client
) -> None:
    asked = fact(
        "2024-03-16", "referred", source="FK", commission_end="2024-06-30", commission_question="Can she work?"
    )
    running_town.register(bare("LOCAL", name="A-2"))
    rows = [{"assignment": "A-2", "id": "r", **asked}]
    running_town.client.call("assignment.record_facts", tenant=running_town.name, facts=rows, keep_refused=True)
    [row] = running_town.ask("assignment.reports", guide, assignment="A-2")
    assert (row["kind"], row["provider"], row["due"]) == ("COMMISSIONER_REPLY", None, "2024-06-30")
    which = {"tenant": running_town.name, "assignment": "A-2", "kind": "COMMISSIONER_REPLY", "sequence": 1}
    with pytest.raises(Forbidden):
        alfa.call("assignment.save_report", **which, contents={"answer": "no"})
    guide.call("assignment.save_report", **which, contents={"answer": "Half-time, with a helping hand."})
    assert guide.call("assignment.submit_report", **which)["state"] == "SUBMITTED"
    facts = running_town.states("A-2")["facts"]
    assert (facts[-1]["fact"], facts[-1]["in_effect"]) == ("commissioner_replied", True)


# --- approval --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.1-e")
def test_a_report_of_a_deviation_is_approved_when_the_extra_meeting_has_been_decided_about(
    running_town: Town, alfa: Client, guide: Client, suite: Suite
) -> None:
    provider, municipal = Desk(running_town, alfa), Desk(running_town, guide)
    provider.hand_in("MONTHLY", 1, MONTHLY | {"extent_pct": 50, "deviation_reason": "x"})
    assert told(suite, running_town)[-1][1]["deviation"] is True
    with pytest.raises(Conflict) as refused:
        municipal.approve("MONTHLY", 1)
    assert (refused.value.code, refused.value.rules) == ("DEVIATION_UNDECIDED", ("AMI-8.1-e", "SM-R6"))
    state(running_town, fact("2024-04-14", "deviation_reviewed", month=1, outcome="EXTRA_MEETING"))
    assert municipal.approve("MONTHLY", 1)["state"] == "APPROVED"


def test_what_does_not_count_is_not_approved(running_town: Town, alfa: Client, guide: Client) -> None:
    handed_in = Desk(running_town, alfa).hand_in("MONTHLY", 1, MONTHLY)
    running_town.withdraw("A-1", handed_in["fact"])
    assert Desk(running_town, guide).show("MONTHLY", 1)["in_effect"] is False
    with pytest.raises(Conflict) as refused:
        Desk(running_town, guide).approve("MONTHLY", 1)
    assert refused.value.code == "FACT_NOT_IN_EFFECT"


def test_a_report_whose_fact_was_stated_without_it_is_in_and_cannot_be_returned(
    running_town: Town, alfa: Client, guide: Client
) -> None:
    state(running_town, fact("2024-04-14", "monthly_report", month=1))
    row = Desk(running_town, alfa).list()["MONTHLY 1"]
    assert (row["state"], row["version"], row["submitted_on"]) == ("SUBMITTED", 0, "2024-04-14")
    for attempt in (Desk(running_town, guide).send_back, Desk(running_town, guide).approve):
        with pytest.raises(Conflict) as refused:
            attempt("MONTHLY", 1)
        assert refused.value.code == "REPORT_NOT_SAVED"


# --- late -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.1-c")
def test_a_report_is_overdue_from_the_day_after_it_is_told_once_and_still_may_come(
    town: Town, alfa: Client, suite: Suite
) -> None:
    provider = Desk(town, alfa)
    town.add(assignment("AMI_2", D, exited("2024-06-20")))
    for on, overdue in (("2024-08-13", False), ("2024-08-14", False), ("2024-08-15", True), ("2024-08-20", True)):
        day(town, on)
        assert (provider.list()["PREMIUM_FOLLOWUP 5"]["state"] == "OVERDUE") is overdue, on
    data = {"assignment": "A-1", "kind": "PREMIUM_FOLLOWUP", "sequence": 5, "part": 1, "due": "2024-08-14"}
    assert told(suite, town) == [("overdue", {**data, "revision": 1})]
    provider.hand_in("PREMIUM_FOLLOWUP", 5, {"continues": True})
    assert provider.list()["PREMIUM_FOLLOWUP 5"]["state"] == "SUBMITTED"
    # a day that skips several due days tells each
    day(town, "2024-12-01")
    names = [(name, data["sequence"]) for name, data in told(suite, town)]
    assert names == [("overdue", 5), ("submitted", 5), ("overdue", 6), ("overdue", 7), ("overdue", 8)]
    revisions = [data["revision"] for _, data in told(suite, town)]
    assert revisions == sorted(set(revisions))


def test_a_report_that_was_due_long_ago_is_overdue_again_when_it_is_returned(
    town: Town, alfa: Client, guide: Client, suite: Suite
) -> None:
    town.add(assignment("AMI_2", D, exited("2024-06-20")))
    day(town, "2024-08-14")
    Desk(town, alfa).hand_in("PREMIUM_FOLLOWUP", 5, {"continues": True})
    day(town, "2024-09-01")
    Desk(town, guide).send_back("PREMIUM_FOLLOWUP", 5)
    assert [name for name, _ in told(suite, town)] == ["submitted", "returned", "overdue"]
    row = Desk(town, alfa).list()["PREMIUM_FOLLOWUP 5"]
    assert (row["state"], row["overdue"]) == ("RETURNED", True)


def test_without_a_due_day_no_monthly_report_is_overdue(running_town: Town, alfa: Client, suite: Suite) -> None:
    day(running_town, "2024-09-01")
    rows = Desk(running_town, alfa).list(kinds=["MONTHLY"])
    assert {row["state"] for row in rows.values()} == {"EXPECTED"}
    assert told(suite, running_town) == []


# --- at once, and twice ---------------------------------------------------------------------------------------------


def test_the_same_submission_again_has_its_effect_once(running_town: Town, alfa: Client) -> None:
    Desk(running_town, alfa).save("MONTHLY", 1, MONTHLY)
    which = {"tenant": running_town.name, "assignment": "A-1", "kind": "MONTHLY", "sequence": 1}
    answers = [alfa.call("assignment.submit_report", idempotency_key="once", **which) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert kinds(running_town).count("monthly_report") == 1
    assert len(Desk(running_town, alfa).show("MONTHLY", 1)["versions"]) == 1


def test_of_two_who_submit_at_once_one_does_and_the_other_is_told(running_town: Town, suite: Suite) -> None:
    clients = [
        suite.client("PROVIDER", organisation="alfa", tenant=running_town.name, subject=f"s-{n}") for n in range(4)
    ]
    Desk(running_town, clients[0]).save("MONTHLY", 1, MONTHLY)
    gate = threading.Barrier(len(clients))

    def submit(one: Client) -> str:
        gate.wait()
        try:
            return str(Desk(running_town, one).submit("MONTHLY", 1)["state"])
        except Conflict as refused:
            return refused.code

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = sorted(pool.map(submit, clients))
    for one in clients:
        one.close()
    assert answers == ["REPORT_STATE"] * 3 + ["SUBMITTED"]
    assert kinds(running_town).count("monthly_report") == 1


def test_who_changes_what_another_has_changed_since_is_told(running_town: Town, alfa: Client) -> None:
    provider = Desk(running_town, alfa)
    first = provider.save("MONTHLY", 1, MONTHLY, revision=0)
    provider.save("MONTHLY", 1, FIX, revision=first["revision"])
    for attempt in (
        lambda: provider.save("MONTHLY", 1, MONTHLY, revision=first["revision"]),
        lambda: provider.submit("MONTHLY", 1, revision=first["revision"]),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "REPORT_CHANGED"
    assert provider.show("MONTHLY", 1)["contents"] == FIX


# --- who sees what --------------------------------------------------------------------------------------------------


def test_a_provider_reads_and_writes_its_own_reports_and_documents_alone(
    running_town: Town, alfa: Client, beta: Client, guide: Client
) -> None:
    own, other = Desk(running_town, alfa), Desk(running_town, beta)
    own.add("d-1")
    own.hand_in("MONTHLY", 1, MONTHLY, "d-1")
    which = {"tenant": running_town.name, "assignment": "A-1"}
    for attempt in (
        lambda: other.show("MONTHLY", 1),
        lambda: other.save("MONTHLY", 1, MONTHLY),
        lambda: other.submit("MONTHLY", 1),
        lambda: other.add("d-2"),
        lambda: beta.call("assignment.document", **which, document="d-1"),
        lambda: beta.call("assignment.documents", **which),
        lambda: beta.call("assignment.agreement_template", **which),
        lambda: other.send_back("MONTHLY", 1),
        lambda: own.send_back("MONTHLY", 1),
        lambda: own.approve("MONTHLY", 1),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert other.list() == {}
    assert "MONTHLY 1" in own.list()
    # nor what the municipality has put there
    Desk(running_town, guide).add("d-3", "TRIAL_CALCULATION")
    with pytest.raises(Forbidden):
        alfa.call("assignment.document", **which, document="d-3")
    with pytest.raises(InvalidRequest):
        own.save("FINAL", 1, {}, "d-3")
    assert [row["document"] for row in running_town.ask("assignment.documents", alfa, assignment="A-1")] == ["d-1"]


def test_after_a_switch_each_has_the_months_that_ended_with_it_and_no_draft_passes_on(
    running_town: Town, alfa: Client, beta: Client
) -> None:
    before, after = Desk(running_town, alfa), Desk(running_town, beta)
    day(running_town, "2024-05-16")
    before.hand_in("MONTHLY", 1, MONTHLY)
    before.save("MONTHLY", 3, {"progression": "what alfa has seen"})
    state(running_town, fact("2024-05-20", "provider_switch", provider="beta", approved=True))
    day(running_town, "2024-06-20")
    assert set(before.list()) == {"MONTHLY 1", "MONTHLY 2"}
    assert set(after.list()) == {"MONTHLY 3", "MONTHLY 4", "FINAL 1"}
    assert after.list()["MONTHLY 3"]["state"] == "EXPECTED"
    assert after.show("MONTHLY", 3)["contents"] == {}
    for attempt in (
        lambda: before.show("MONTHLY", 3),
        lambda: before.save("MONTHLY", 4, MONTHLY),
        lambda: before.submit("MONTHLY", 3),
        lambda: after.show("MONTHLY", 1),
    ):
        with pytest.raises(Forbidden):
            attempt()
    # what alfa still owes it may still bring
    assert before.hand_in("MONTHLY", 2, MONTHLY)["state"] == "SUBMITTED"
    assert after.hand_in("MONTHLY", 3, MONTHLY)["state"] == "SUBMITTED"


def test_lists_are_filtered_and_paged_by_assignment(town: Town, alfa: Client, guide: Client) -> None:
    town.add(*(assignment("AMI_2", D, name=f"A-{n}") for n in range(1, 6)))
    day(town, "2024-04-14")
    Desk(town, alfa).hand_in("MONTHLY", 1, MONTHLY)
    for who in (guide, alfa):
        rows = town.ask("assignment.reports", who, kinds=["MONTHLY"], limit=2)
        assert [row["assignment"] for row in rows] == [f"A-{n}" for n in range(1, 6)]
    assert [row["assignment"] for row in town.ask("assignment.reports", guide, states=["SUBMITTED"])] == ["A-1"]
    assert town.ask("assignment.reports", guide, provider="beta") == []
    assert {row["kind"] for row in town.ask("assignment.reports", guide, assignment="A-2")} == {"MONTHLY", "FINAL"}


def test_before_a_business_date_there_are_no_reports(town: Town, alfa: Client) -> None:
    town.add(assignment("AMI_2", D))
    with pytest.raises(Conflict) as refused:
        Desk(town, alfa).list()
    assert refused.value.code == "NO_BUSINESS_DATE"


# --- documents ------------------------------------------------------------------------------------------------------


def test_a_document_comes_back_as_it_was_with_who_when_type_size_and_checksum(
    running_town: Town, alfa: Client, guide: Client
) -> None:
    digest = hashlib.sha256(TEXT).hexdigest()
    row = Desk(running_town, alfa).add("d-1", "EMPLOYMENT_CERTIFICATE", sha256=digest)
    assert {name: row[name] for name in ("code", "type", "size", "sha256", "scan", "provider", "author")} == {
        "code": "EMPLOYMENT_CERTIFICATE",
        "type": "TEXT",
        "size": len(TEXT),
        "sha256": digest,
        "scan": "NOT_SCANNED",
        "provider": "alfa",
        "author": "alfa-staff-1",
    }
    assert Desk(running_town, alfa).add("d-1", "EMPLOYMENT_CERTIFICATE") == row, "again, it is no news"
    with pytest.raises(Conflict) as refused:
        Desk(running_town, alfa).add("d-1", "EMPLOYMENT_CERTIFICATE", b"another")
    assert refused.value.code == "DOCUMENT_ID_TAKEN"
    got = guide.call("assignment.document", tenant=running_town.name, assignment="A-1", document="d-1")
    assert got["content"] == b64encode(TEXT).decode()
    with pytest.raises(NotFound):
        guide.call("assignment.document", tenant=running_town.name, assignment="A-1", document="d-2")


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"content": "#!/bin/sh\n"}, "content", "EXECUTABLE"),
        ({"content": "<script>x</script>"}, "content", "MARKUP"),
        ({"content": ""}, "content", "EMPTY"),
        ({"type": "PDF", "content": "plain"}, "type", "TYPE_DIFFERS"),
        ({"content": "x", "sha256": "0" * 64}, "sha256", "CHECKSUM_DIFFERS"),
        ({"content": "x" * (5 * 2**20 + 1)}, "content", "TOO_LARGE"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_document_that_may_not_be_stored_is_refused_with_the_reason_and_nothing_is_stored(
    running_town: Town, alfa: Client, fields: dict[str, Any], path: str, reason: str
) -> None:
    packed = fields | {"content": fields["content"].encode()}
    with pytest.raises(InvalidRequest) as refused:
        Desk(running_town, alfa).add("d-1", **packed)
    assert refused.value.code == "DOCUMENT_REFUSED"
    assert [(fault["path"], fault["message"]) for fault in refused.value.faults] == [(path, reason)]
    assert running_town.ask("assignment.documents", alfa, assignment="A-1") == []


@pytest.mark.parametrize("content", ["eA", "eA==\n", "e A=", "eA=", "eB==", "e-_=", "åA==", "eA==eA=="])
def test_base64_is_strict(running_town: Town, alfa: Client, content: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Desk(running_town, alfa).add("d-1", content=content)
    assert [fault["path"] for fault in refused.value.faults] == ["content"]


def test_the_largest_document_goes_through_the_bus_and_back(running_town: Town, alfa: Client) -> None:
    large = b"0123456789abcde\n" * (5 * 2**16)
    assert Desk(running_town, alfa).add("d-1", content=large)["size"] == 5 * 2**20
    got = alfa.call("assignment.document", tenant=running_town.name, assignment="A-1", document="d-1")
    assert len(got["content"]) == (5 * 2**20 + 2) // 3 * 4


@pytest.mark.rule("LOKA-48", "LOKA-37")
def test_the_basis_of_an_application_is_a_file_for_those_who_work_with_the_client(
    running_town: Town, alfa: Client, guide: Client, suite: Suite
) -> None:
    municipal = Desk(running_town, guide)
    municipal.add("d-1", "BENEFIT_BASIS", file="application-1")
    municipal.add("d-2", "BENEFIT_BASIS", b"a supplement", file="application-1")
    municipal.add("d-3", "SUBSIDY_BASIS", file="subsidy-1")
    rows = running_town.ask("assignment.documents", guide, assignment="A-1", file="application-1")
    assert [row["document"] for row in rows] == ["d-1", "d-2"]
    with suite.client("CONTROLLER") as controller:
        assert running_town.ask("assignment.documents", controller, assignment="A-1") == []
        with pytest.raises(Forbidden) as refused:
            controller.call("assignment.document", tenant=running_town.name, assignment="A-1", document="d-1")
        assert refused.value.code == "HEALTH_DATA"
    assert running_town.ask("assignment.documents", alfa, assignment="A-1") == []


def test_a_stored_document_stays_as_it_was(running_town: Town, alfa: Client, suite: Suite) -> None:
    Desk(running_town, alfa).add("d-1")
    with psycopg.connect(suite.databases["assignment"]) as connection, pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute("UPDATE document SET content = 'x', size = 1 WHERE tenant = %s", (running_town.name,))


# --- the virus scanner ------------------------------------------------------------------------------------------------


class Scanner:
    """A server that speaks INSTREAM as clamd does, and finds EICAR; `answer` makes it say something else."""

    def __init__(self, answer: bytes | None = None):
        self.answer = answer
        self.seen: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                assert stream.read(10) == b"zINSTREAM\0"
                data = b""
                while size := int.from_bytes(stream.read(4), "big"):
                    data += stream.read(size)
                self.seen.append(data)
                found = b"stream: Eicar-Test-Signature FOUND" if b"EICAR" in data else b"stream: OK"
                connection.sendall((found if self.answer is None else self.answer) + b"\0")

    def close(self) -> None:
        with suppress(OSError):
            # closing alone does not wake who waits in accept
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def scanner() -> Iterator[Scanner]:
    made = Scanner()
    yield made
    made.close()


def test_the_adapter_sends_every_byte_and_reads_the_answer(scanner: Scanner) -> None:
    port, large = Clamd("127.0.0.1", scanner.port, timeout=5), bytes(range(256)) * 1000
    assert port.infected(large) is False
    assert port.infected(b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE") is True
    assert scanner.seen[0] == large


@pytest.mark.parametrize("answer", [b"", b"INSTREAM size limit exceeded. ERROR", b"stream: OK?", b"x" * 10_000])
def test_an_answer_that_is_no_answer_is_none(answer: bytes) -> None:
    made = Scanner(answer)
    with pytest.raises(Unavailable) as refused:
        Clamd("127.0.0.1", made.port, timeout=5).infected(b"x")
    assert refused.value.code == "SCANNER_UNAVAILABLE"
    made.close()


def test_with_a_scanner_a_document_is_stored_clean_or_not_at_all(
    servers: Servers, scanner: Scanner, tmp_path: Path
) -> None:
    address = {"KUNDVAL_ASSIGNMENT_SCANNER": f"clamd://127.0.0.1:{scanner.port}"}
    with running(servers, tmp_path, "assignment", settings=address) as one, one.client() as caller:
        town = Town(caller)
        town.add(assignment("AMI_2", D))
        day(town, "2024-04-14")
        desk = Desk(town, caller)
        assert desk.add("d-1")["scan"] == "CLEAN"
        with pytest.raises(InvalidRequest) as refused:
            desk.add("d-2", content=b"X5O!P%@AP EICAR test file")
        assert refused.value.faults == [{"path": "content", "message": "VIRUS"}]
        scanner.close()
        with pytest.raises(Unavailable) as away:
            desk.add("d-3", retry=False)
        assert away.value.code == "SCANNER_UNAVAILABLE"
        assert [row["document"] for row in town.ask("assignment.documents", assignment="A-1")] == ["d-1"]


# --- the tripartite agreement -----------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-6.3.1-e")
@pytest.mark.parametrize(("language", "word"), [("sv", "Arbetsschema"), ("en", "Work schedule")])
def test_the_agreement_comes_as_data_and_text_with_its_three_contents_and_signatures_and_ids_only(
    running_town: Town, alfa: Client, language: str, word: str
) -> None:
    which = {"tenant": running_town.name, "assignment": "A-1", "workplace": "W1", "language": language}
    made = alfa.call("assignment.agreement_template", **which)
    known = {field["name"]: field["value"] for field in made["fields"]}
    assert {name: value for name, value in known.items() if value} == {
        "assignment": "A-1",
        "provider": "alfa",
        "workplace": "W1",
    }
    assert all(field["required"] for field in made["fields"] if field["name"] in MANDATORY)
    assert set(MANDATORY) < set(known)
    assert [one["who"] for one in made["signatures"]] == ["CLIENT", "PROVIDER", "EMPLOYER"]
    for field in made["fields"]:
        assert f"{field['label']}:" in made["text"]
    assert word in made["text"]
    assert max(map(len, made["text"].splitlines())) < 100


# --- a protected person ---------------------------------------------------------------------------------------------


def test_what_is_said_of_a_protected_person_is_for_named_readers_and_the_provider_in_charge(
    running_town: Town, alfa: Client, guide: Client, suite: Suite
) -> None:
    name, provider, municipal = running_town.name, Desk(running_town, alfa), Desk(running_town, guide)
    provider.add("d-1")
    provider.hand_in("MONTHLY", 1, MONTHLY, "d-1")
    person = guide.call("assignment.register_person", tenant=name)["person"]
    guide.call("assignment.link_person", tenant=name, assignment="A-1", person=person)
    assert municipal.show("MONTHLY", 1)["contents"] == MONTHLY
    guide.call("assignment.protect_person", tenant=name, person=person, kind="PROTECTED_REGISTRATION")

    assert {row["provider"] for row in municipal.list().values()} == {"MASKED"}
    assert municipal.list(provider="alfa") == {}, "nobody is found by asking for a provider"
    [row] = running_town.ask("assignment.documents", guide, assignment="A-1")
    assert (row["provider"], row["author"]) == ("MASKED", "MASKED")
    template = guide.call("assignment.agreement_template", tenant=name, assignment="A-1")
    assert "alfa" not in template["text"]
    for attempt in (
        lambda: municipal.show("MONTHLY", 1),
        lambda: guide.call("assignment.document", tenant=name, assignment="A-1", document="d-1"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert provider.show("MONTHLY", 1)["contents"] == MONTHLY
    assert alfa.call("assignment.document", tenant=name, assignment="A-1", document="d-1")["size"] == len(TEXT)

    with suite.client("TEAM_MANAGER", subject="manager-1") as manager:
        manager.call(
            "assignment.allow_reader", tenant=name, person=person, reader="guide-1", reason="x", until="2024-12-31"
        )
    assert municipal.show("MONTHLY", 1)["provider"] == "alfa"
    assert guide.call("assignment.document", tenant=name, assignment="A-1", document="d-1")["provider"] == "alfa"
