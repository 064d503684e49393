"""Plans of a team's meetings: asked for, made in a process of their own, and nothing booked before it is accepted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from kundval_contracts.client import Client
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tests.conftest import Servers
from tests.scheduling.diary import Diary
from tests.suite import Suite, client, eventually, running, suite, town

__all__ = ["client", "suite", "town"]

M3 = "FOLLOWUP_AMI2_M3"
Row = dict[str, Any]


def made(diary: Diary, plan: str, seconds: float = 120) -> Row:
    """The plan, when it has been made or has failed."""

    def look() -> Row | None:
        found = diary.call("plan", plan=plan, lang="en")
        return None if found["plan"]["state"] in ("REQUESTED", "RUNNING") else found

    return dict(eventually(look, seconds))


def asked(diary: Diary, **fields: Any) -> str:
    return str(diary.call("request_plan", team="north", weeks=2, **fields)["plan"])


def of_m3(plan: Row) -> dict[str, Row]:
    return {row["assignment"]: row for row in plan["meetings"] if row["kind"] == M3}


def booked(diary: Diary) -> list[str]:
    return sorted(row["assignment"] for row in diary.meetings(states=["BOOKED"]) if row["kind"] == M3)


@pytest.mark.rule("AMI-7.2-b", "AMI-8.2-b")
def test_a_plan_books_nothing_until_it_is_accepted_and_then_what_is_still_possible(client: Client) -> None:
    diary = Diary(client, "A-1", "A-2", "A-3")
    with pytest.raises(Conflict) as none:
        diary.call("request_plan", team="south")
    assert none.value.code == "NOTHING_TO_PLAN"
    name = asked(diary)
    with pytest.raises(Conflict) as twice:
        asked(diary)
    assert twice.value.code == "PLAN_UNDER_WAY"
    plan = made(diary, name)
    assert (plan["plan"]["state"], plan["plan"]["from"], plan["plan"]["until"]) == (
        "PROPOSED", "2026-05-05", "2026-05-18",
    )  # fmt: skip
    rows = of_m3(plan)
    assert {row["state"] for row in rows.values()} == {"PROPOSED"}
    assert len({row["starts_at"] for row in rows.values()}) == 3  # kim and alfa-1 are in all of them
    assert all({who["resource"] for who in row["parties"]} == {"kim", "alfa-1"} for row in rows.values())
    assert plan["plan"]["figures"]["placed"] == plan["plan"]["rows"]["PROPOSED"]
    assert booked(diary) == []
    # meanwhile somebody else takes the time of one
    taken = rows["A-2"]
    diary.call("set_absence", absence="leave", resource="kim", starts_at=taken["starts_at"], ends_at=taken["ends_at"])
    some = diary.call("accept_plan", plan=name, meetings=[rows["A-1"]["meeting"]])
    assert (some["booked"], some["refused"]) == ([rows["A-1"]["meeting"]], [])
    assert some["left"] == plan["plan"]["rows"]["PROPOSED"] - 1
    assert booked(diary) == ["A-1"]
    rest = diary.call("accept_plan", plan=name)
    assert taken["meeting"] in rest["refused"] and rows["A-3"]["meeting"] in rest["booked"]
    assert booked(diary) == ["A-1", "A-3"]
    after = made(diary, name)
    assert after["plan"]["state"] == "ACCEPTED"
    refused = of_m3(after)["A-2"]
    assert (refused["state"], refused["code"]) == ("REFUSED", "ALREADY_TAKEN")
    assert refused["text"] == "Somebody or something has been taken since the plan was made."
    with pytest.raises(Conflict) as over:
        diary.call("accept_plan", plan=name)
    assert over.value.code == "PLAN_STATE"


def test_a_protected_person_is_in_no_plan_and_what_cannot_be_placed_says_why(client: Client, suite: Suite) -> None:
    diary = Diary(client, "A-1", "A-2")
    person = client.call("assignment.register_person", tenant=diary.town.name, name="Someone")["person"]
    client.call("assignment.link_person", tenant=diary.town.name, assignment="A-1", person=person)
    client.call("assignment.protect_person", tenant=diary.town.name, person=person, kind="PROTECTED_REGISTRATION")
    never = [{"weekday": 7, "start": "08:00", "end": "09:00"}]
    row = {"assignment": "A-2", "client": "p-A-2", "guide": "kim", "contact": "alfa-1", "team": "north"}
    diary.call("set_participants", participants=[{**row, "hours": never}])
    diary.settle()
    name = asked(diary, solver="GREEDY")
    rows = of_m3(made(diary, name))
    assert (rows["A-1"]["code"], rows["A-1"]["text"]) == (
        "PROTECTED", "Protected identity: book the meeting by hand.",
    )  # fmt: skip
    assert rows["A-1"]["starts_at"] is None and rows["A-1"]["parties"] == []
    assert rows["A-2"]["code"] == "CLIENT_UNAVAILABLE"
    with suite.client("CAREER_GUIDE") as guide, pytest.raises(Forbidden):
        diary.call("request_plan", guide, team="north")
    with pytest.raises(InvalidRequest) as past:
        asked(diary, **{"from": "2026-05-04"})
    assert [fault["path"] for fault in past.value.faults] == ["from"]
    with pytest.raises(NotFound):
        diary.call("accept_plan", plan=name, meetings=["unknown"])
    diary.call("reject_plan", plan=name)
    assert [one["state"] for one in diary.call("plans", team="north")["plans"]] == ["REJECTED"]
    assert booked(diary) == []


def test_who_comes_to_be_protected_after_a_plan_was_made_is_hidden_in_it_and_not_booked_by_it(client: Client) -> None:
    diary = Diary(client, "A-1", "A-2", "A-3")
    never = [{"weekday": 7, "start": "08:00", "end": "09:00"}]
    row = {"assignment": "A-2", "client": "p-A-2", "guide": "kim", "contact": "alfa-1", "team": "north"}
    diary.call("set_participants", participants=[{**row, "hours": never}])
    name = asked(diary, solver="GREEDY")
    before = of_m3(made(diary, name))
    assert [(before[one]["state"], before[one]["code"]) for one in sorted(before)] == [
        ("PROPOSED", None), ("NOT_PLACED", "CLIENT_UNAVAILABLE"), ("PROPOSED", None),
    ]  # fmt: skip
    for assignment in ("A-1", "A-2"):
        person = client.call("assignment.register_person", tenant=diary.town.name, name="Someone")["person"]
        client.call("assignment.link_person", tenant=diary.town.name, assignment=assignment, person=person)
        client.call("assignment.protect_person", tenant=diary.town.name, person=person, kind="FICTITIOUS")
    diary.settle()
    rows = of_m3(made(diary, name))
    assert rows["A-3"] == before["A-3"]
    for hidden in (rows["A-1"], rows["A-2"]):
        assert (hidden["code"], hidden["others"], hidden["parties"]) == ("PROTECTED", 0, [])
        told = ("on", "starts_at", "ends_at", "mode", "interpreter", "place", "room")
        assert not [one for one in told if hidden[one] is not None]
    answer = diary.call("accept_plan", plan=name, meetings=[rows["A-1"]["meeting"], rows["A-3"]["meeting"]])
    assert (answer["booked"], answer["refused"]) == ([rows["A-3"]["meeting"]], [rows["A-1"]["meeting"]])
    assert booked(diary) == ["A-3"]


def test_a_plan_survives_a_killed_service_and_fails_with_a_code_if_its_solver_dies(
    servers: Servers, tmp_path: Path
) -> None:
    def solver(service: psutil.Process) -> psutil.Process | None:
        return next((one for one in service.children() if "kundval_scheduling.plans" in one.cmdline()), None)

    quick = {"KUNDVAL_PLAN_SECONDS": "5"}
    with running(servers, tmp_path, "assignment", "scheduling", settings=quick) as suite, suite.client() as client:
        diary = Diary(client, "A-1", "A-2")
        name = asked(diary)
        left: psutil.Process = eventually(lambda: solver(psutil.Process(suite.processes["scheduling"].pid)))
        suite.kill("scheduling")
        # nobody is left for whom it would work
        eventually(lambda: not left.is_running() or left.status() == psutil.STATUS_ZOMBIE)
        suite.start("scheduling")
        plan = made(diary, name)
        assert {row["state"] for row in of_m3(plan).values()} == {"PROPOSED"}
        assert booked(diary) == []
        other = asked(diary)
        found: psutil.Process = eventually(lambda: solver(psutil.Process(suite.processes["scheduling"].pid)))
        found.kill()
        died = made(diary, other)["plan"]
        assert (died["state"], died["failure"]) == ("FAILED", "DIED")
        # the one before is still there to be accepted
        assert [one["state"] for one in diary.call("plans")["plans"]] == ["FAILED", "PROPOSED"]
