"""Inboxes and what is to be told by hand: who sees what, in which order, once read or told; on a real database."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest

from kundval_chassis.db import Pool
from kundval_contracts.codes import ByHandReason, MessageState, NoticeKind, NoticeStanding, Role, SubjectKind, Urgency
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from kundval_contracts.rpc import METHODS
from kundval_notifications.inbox import page

from .desk import TODAY, Desk, desk, pool
from .pages import Outline, check

__all__ = ["desk", "pool"]

Row = dict[str, Any]
YESTERDAY = TODAY - timedelta(days=1)


def numbers(rows: list[Row]) -> list[int]:
    return [row["notice"] for row in rows]


def hold(desk: Desk, **guides: str | None) -> None:
    cases = [{"assignment": name.replace("_", "-"), "guide": guide} for name, guide in guides.items()]
    desk.call("hold_cases", "boss", "TEAM_MANAGER", cases=cases)


# --- whose ---------------------------------------------------------------------------------------------


def test_a_career_guide_sees_what_is_about_its_own_cases_and_those_of_nobody_and_on_request_all(desk: Desk) -> None:
    before = desk.notice(subject="A-1")
    hold(desk, A_1="gun", A_2="kim")
    own, kims, nobodys = desk.notice(subject="A-1"), desk.notice(subject="A-2"), desk.notice(subject="A-3")
    of_provider = desk.notice("PROVIDER_REVIEW", subject="alfa", about="PROVIDER")
    mine = [of_provider, nobodys, own, before]
    assert numbers(desk.inbox()) == numbers(desk.inbox(limit=1)) == mine
    assert numbers(desk.inbox(scope="ALL")) == sorted([*mine, kims], reverse=True)
    assert numbers(desk.inbox("kim")) == [of_provider, nobodys, kims]
    assert numbers(desk.inbox("eva", "CASE_WORKER")) == [of_provider, nobodys]


def test_who_takes_over_a_case_takes_over_its_notices_and_who_gives_it_back_leaves_them_to_all(desk: Desk) -> None:
    hold(desk, A_1="gun")
    number = desk.notice(subject="A-1")
    assert numbers(desk.inbox("kim")) == []
    hold(desk, A_1="kim")
    assert (numbers(desk.inbox("gun")), numbers(desk.inbox("kim"))) == ([], [number])
    hold(desk, A_1=None)
    assert numbers(desk.inbox("gun")) == numbers(desk.inbox("kim")) == [number]


def test_a_case_that_there_is_not_is_held_by_nobody_and_nor_are_those_named_with_it(desk: Desk) -> None:
    number = desk.notice(subject="A-1")
    with pytest.raises(NotFound, match="A-99"):
        desk.call("hold_cases", cases=[{"assignment": one, "guide": "gun"} for one in ("A-1", "A-99")])
    assert numbers(desk.inbox("kim")) == [number]


def test_a_provider_sees_what_is_told_to_itself(desk: Desk) -> None:
    own = desk.notice(to="PROVIDER")
    desk.notice(to="PROVIDER", provider="beta")
    desk.notice()
    desk.notice("DECISION", "CLIENT")
    assert numbers(desk.inbox("alfa", "PROVIDER")) == numbers(desk.inbox("alfa", "PROVIDER", scope="ALL")) == [own]
    assert "provider" not in desk.inbox("alfa", "PROVIDER")[0]


def test_a_team_manager_sees_its_own_of_its_unit_and_on_request_those_of_career_guides(desk: Desk) -> None:
    for assignment, unit in (("A-1", "north"), ("A-2", "south")):
        desk.sql("INSERT INTO holder (tenant, assignment, unit) VALUES (%s, %s, %s)", desk.name, assignment, unit)
    desk.sql("INSERT INTO party (tenant, role, party, unit) VALUES (%s, 'TEAM_MANAGER', 'boss', 'north')", desk.name)
    north, south, none = (desk.notice("OBLIGATION_ESCALATED", "TEAM_MANAGER", f"A-{one}") for one in (1, 2, 3))
    guides = desk.notice(subject="A-1")
    boss = ("boss", "TEAM_MANAGER")
    assert numbers(desk.inbox(*boss)) == [none, north]
    assert numbers(desk.inbox(*boss, scope="ALL")) == numbers(desk.inbox("other", boss[1])) == [none, south, north]
    assert numbers(desk.inbox(*boss, role="CAREER_GUIDE")) == [guides]


def test_a_controller_sees_its_own(desk: Desk) -> None:
    own = desk.notice("PAYMENT_PARKED", "CONTROLLER", "7", about="PAYMENT", details={"run": "2026-11-01", "code": "X"})
    desk.notice()
    assert numbers(desk.inbox("carl", "CONTROLLER")) == [own]


@pytest.mark.parametrize(
    ("role", "others"),
    [
        ("PROVIDER", ("CLIENT", "CAREER_GUIDE", "TEAM_MANAGER", "CONTROLLER")),
        ("CAREER_GUIDE", ("CLIENT", "PROVIDER", "TEAM_MANAGER", "CONTROLLER")),
        ("CASE_WORKER", ("CLIENT", "PROVIDER", "TEAM_MANAGER", "CONTROLLER")),
        ("TEAM_MANAGER", ("CLIENT", "PROVIDER", "CONTROLLER")),
        ("CONTROLLER", ("CLIENT", "PROVIDER", "CAREER_GUIDE", "TEAM_MANAGER")),
        ("SYSTEM", ("CLIENT", "PROVIDER")),
    ],
)
def test_nobody_reads_an_inbox_that_is_not_its_own(desk: Desk, role: str, others: tuple[str, ...]) -> None:
    for other in others:
        for method in ("inbox", "inbox_count", "inbox_page"):
            with pytest.raises(Forbidden) as raised:
                desk.call(method, "alfa", role, role=other)
            assert raised.value.code == "NOT_YOUR_INBOX"


def test_no_tenant_sees_what_is_told_in_another(desk: Desk, pool: Pool) -> None:
    number = Desk(pool).notice()
    assert desk.inbox(scope="ALL") == []
    with pytest.raises(NotFound):
        desk.call("mark_read", notices=[number])


# --- what is in it -------------------------------------------------------------------------------------


def test_a_notice_comes_with_its_words_in_both_languages_and_what_there_is_to_know_of_it(desk: Desk) -> None:
    details = {"obligation": "MONTHLY_REPORT", "number": "3", "due": "2026-11-20"}
    number = desk.notice(on=YESTERDAY, details=details, late=True, round=2)
    found = desk.inbox()[0]
    said = found.pop("words")
    assert found == {
        "notice": number, "about": "ASSIGNMENT", "subject": "A-1", "kind": "OBLIGATION_OVERDUE", "to": "CAREER_GUIDE",
        "on": "2026-11-25", "urgency": "NORMAL", "round": 2, "late": True, "standing": "STANDS", "rules": ["AMI-3-a"],
        "read_at": None, "read_by": None, "history": [],
    }  # fmt: skip
    assert "A-1" in said["sv"]["subject"] and "20 november 2026" in said["sv"]["text"]
    assert said["sv"]["text"] != said["en"]["text"] and "20 November 2026" in said["en"]["text"]
    assert "https:" not in said["sv"]["text"] + said["en"]["text"]


def test_what_is_overtaken_or_taken_back_says_so(desk: Desk) -> None:
    desk.notice(overtaken_at=TODAY)
    desk.notice(superseded_at=TODAY, overtaken_at=TODAY)
    desk.notice()
    assert [row["standing"] for row in desk.inbox()] == ["STANDS", "TAKEN_BACK", "OVERTAKEN"]


@pytest.mark.parametrize("state", ["WITHDRAWN", "CANCELLED"])
def test_what_was_never_told_is_shown_only_to_who_had_read_it(desk: Desk, state: str) -> None:
    desk.notice(state=state)
    read = desk.notice(state=state, read_at=TODAY, read_by="gun")
    assert numbers(desk.inbox()) == [read]


def test_what_waits_to_be_sent_can_be_read_already_unless_it_was_taken_back(desk: Desk) -> None:
    waits = desk.notice(state="PENDING")
    desk.notice(state="PENDING", superseded_at=TODAY)
    assert numbers(desk.inbox()) == [waits]


@pytest.mark.rule("AMI-10.1-b")
def test_an_escalation_tells_what_was_told_of_the_same_matter_before(desk: Desk) -> None:
    of = {"details": {"obligation": "MONTHLY_REPORT", "number": "3", "due": "2026-11-10"}}
    other = {"details": {"obligation": "MONTHLY_REPORT", "number": "4", "due": "2026-11-10"}}
    soon = desk.notice("OBLIGATION_DUE_SOON", "PROVIDER", on=date(2026, 11, 3), state="DELIVERED", **of)
    desk.notice("OBLIGATION_OVERDUE", "PROVIDER", on=date(2026, 11, 11), **other)
    desk.notice("OBLIGATION_OVERDUE", "PROVIDER", "A-2", on=date(2026, 11, 11), **of)
    late = desk.notice("OBLIGATION_OVERDUE", "PROVIDER", on=date(2026, 11, 11), state="FAILED", **of)
    guide = desk.notice("OBLIGATION_ESCALATED", "CAREER_GUIDE", on=date(2026, 11, 18), **of)
    desk.notice("OBLIGATION_ESCALATED", "TEAM_MANAGER", on=TODAY, **of)
    found = desk.inbox("boss", "TEAM_MANAGER")[0]["history"]
    assert [(row["notice"], row["to"], row["on"], row["state"], row["told_at"] is None) for row in found] == [
        (soon, "PROVIDER", "2026-11-03", "DELIVERED", False),
        (late, "PROVIDER", "2026-11-11", "FAILED", True),
        (guide, "CAREER_GUIDE", "2026-11-18", "SENT", False),
    ]
    html = desk.call("inbox_page", "boss", "TEAM_MANAGER", lang="en")["html"]
    assert "2026-11-18" in html and "Still not done" in html
    # what was told is in the table, so the text does not say that there was nothing
    assert "Nobody has been told" not in html


def test_a_reminder_tells_of_the_same_notice_before_and_no_first_notice_of_others(desk: Desk) -> None:
    first = desk.notice("REPORT_RETURNED", "PROVIDER", on=YESTERDAY, sequence=77)
    desk.notice("REPORT_RETURNED", "PROVIDER", on=YESTERDAY, sequence=78)
    desk.notice("REPORT_RETURNED", "PROVIDER", on=TODAY, sequence=77, round=1)
    again, *firsts = desk.inbox("alfa", "PROVIDER")
    assert numbers(again["history"]) == [first] and not any(row["history"] for row in firsts)


def test_a_provider_is_told_of_what_it_was_told_before_and_not_of_what_others_were(desk: Desk) -> None:
    of = {"sequence": 7}
    desk.notice("MEETING_CANCELLED", "PROVIDER", on=date(2026, 11, 20), provider="beta", **of)
    desk.notice("MEETING_CANCELLED", "CLIENT", on=YESTERDAY, state="BY_HAND", reason="PROTECTED", **of)
    desk.notice("MEETING_CANCELLED", "CAREER_GUIDE", on=YESTERDAY, provider="alfa", **of)
    own = desk.notice("MEETING_CANCELLED", "PROVIDER", on=YESTERDAY, **of)
    desk.notice("MEETING_CANCELLED", "PROVIDER", **of)
    assert numbers(desk.inbox("alfa", "PROVIDER")[0]["history"]) == [own]


# --- order, filters, pages -----------------------------------------------------------------------------


def test_the_most_urgent_come_first_if_one_asks_and_a_municipality_says_what_is_urgent(pool: Pool) -> None:
    table = {"STARTED": {"CAREER_GUIDE": {"urgency": "DIGEST"}}}
    desk = Desk(pool, {"notices.table": table})
    can_wait = desk.notice("STARTED")
    urgent = desk.notice("BROKE_OFF")
    normal = [desk.notice("EXIT_REPORTED") for _ in range(3)]
    expected = [(urgent, "AT_ONCE"), *((one, "NORMAL") for one in reversed(normal)), (can_wait, "DIGEST")]
    for limit in (1, 2, 3, 4, 5, 500):
        found = desk.inbox(order="MOST_URGENT", limit=limit)
        assert [(row["notice"], row["urgency"]) for row in found] == expected, limit
    assert numbers(desk.inbox()) == sorted((can_wait, urgent, *normal), reverse=True)


def test_an_inbox_is_filtered_by_kind_day_subject_and_what_it_is_about(desk: Desk) -> None:
    old = desk.notice("STARTED", on=YESTERDAY)
    new = desk.notice("STARTED", subject="A-2")
    review = desk.notice("PROVIDER_REVIEW", subject="alfa", about="PROVIDER")
    assert numbers(desk.inbox(kind="STARTED")) == [new, old]
    assert numbers(desk.inbox(since=TODAY.isoformat())) == [review, new]
    assert numbers(desk.inbox(subject="A-1")) == [old]
    assert numbers(desk.inbox(about="PROVIDER")) == [review]
    assert numbers(desk.inbox(kind="STARTED", subject="A-2", unread=True)) == [new]


@pytest.mark.parametrize("method", ["inbox", "tasks"])
@pytest.mark.parametrize("after", ["x", "9.1", "0.", "0.x", "2026-11-26", "2026-13-40.1", "1", "0.9999999999999999999"])
def test_a_page_that_no_list_named_is_refused(desk: Desk, method: str, after: str) -> None:
    with pytest.raises(InvalidRequest, match="after"):
        desk.call(method, after=after)


# --- read ----------------------------------------------------------------------------------------------


def test_what_was_read_is_unread_no_more_and_keeps_its_first_reader(desk: Desk) -> None:
    first, second = desk.notice(), desk.notice()
    assert desk.call("mark_read", notices=[second, second]) == {"notices": [second]}
    assert numbers(desk.inbox(unread=True)) == [first]
    assert desk.call("mark_read", "kim", notices=[first, second]) == {"notices": [first]}
    assert [row["read_by"] for row in desk.inbox()] == ["gun", "kim"]
    assert all(row["read_at"] for row in desk.inbox())


@pytest.mark.parametrize(
    ("who", "role"),
    [("alfa", "PROVIDER"), ("carl", "CONTROLLER")],
)
def test_nobody_marks_what_it_cannot_read_and_nothing_of_such_a_request_is_done(
    desk: Desk, who: str, role: str
) -> None:
    own = desk.notice(to=role)
    for other in (desk.notice(), desk.notice(to="PROVIDER", provider="beta"), desk.notice("DECISION", "CLIENT")):
        with pytest.raises(NotFound, match=str(other)):
            desk.call("mark_read", who, role, notices=[own, other])
    assert desk.inbox(who, role)[0]["read_at"] is None


def test_the_unread_are_counted_with_the_urgent_ones_and_what_is_to_be_told(desk: Desk) -> None:
    hold(desk, A_1="gun", A_2="kim")
    for kind, subject in (("BROKE_OFF", "A-1"), ("STARTED", "A-1"), ("BROKE_OFF", "A-2"), ("STARTED", "A-3")):
        desk.notice(kind, subject=subject)
    desk.call("mark_read", notices=[desk.notice()])
    desk.task("A-1", on=TODAY - timedelta(days=30))
    desk.task("A-2")
    assert desk.call("inbox_count") == {
        "role": "CAREER_GUIDE", "unread": 3, "at_once": 1, "more": False, "tasks": 1, "tasks_overdue": 1,
    }  # fmt: skip
    assert desk.call("inbox_count", scope="ALL")["unread"] == 4
    provider = desk.call("inbox_count", "alfa", "PROVIDER")
    assert (provider["unread"], provider["tasks"], provider["tasks_overdue"]) == (0, None, None)


def test_beyond_a_thousand_the_unread_are_not_counted_one_by_one(desk: Desk) -> None:
    desk.sql(
        "WITH new AS (INSERT INTO notice (tenant, kind, recipient, subject, on_day, sequence, rules, details)"
        " SELECT %s, 'STARTED', 'CONTROLLER', 'A-1', '2026-11-26', n, '[]', '{}' FROM generate_series(1, 1001) AS n"
        " RETURNING notice, tenant) INSERT INTO message (notice, tenant, state) SELECT notice, tenant, 'SENT' FROM new",
        desk.name,
    )
    found = desk.call("inbox_count", "carl", "CONTROLLER")
    assert (found["unread"], found["more"]) == (1000, True)
    desk.call("mark_read", "carl", "CONTROLLER", notices=numbers(desk.inbox("carl", "CONTROLLER", limit=200))[:1])
    found = desk.call("inbox_count", "carl", "CONTROLLER")
    assert (found["unread"], found["more"]) == (1000, False)


# --- what is to be told by hand ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "due", "overdue"),
    [("2026-11-24", "2026-11-25", True), ("2026-11-25", "2026-11-26", False), ("2026-11-26", "2026-11-27", False)],
)
def test_what_is_to_be_told_is_overdue_once_its_working_day_has_passed(
    desk: Desk, on: str, due: str, overdue: bool
) -> None:
    desk.task(on=date.fromisoformat(on))
    task = desk.tasks()[0]
    assert (task["on"], task["due"], task["overdue"]) == (on, due, overdue)
    assert len(desk.tasks(overdue=True)) == overdue


def test_tasks_say_whom_to_tell_what_and_why_the_oldest_first(desk: Desk) -> None:
    new = desk.task("A-1", why="PROTECTED")
    old = desk.task("A-2", on=YESTERDAY, why="REFUSED_ALL")
    older = desk.task("A-3", on=YESTERDAY - timedelta(days=3), why="UNDELIVERABLE")
    for limit in (1, 2, 50):
        assert numbers(desk.tasks(limit=limit)) == [older, old, new]
    task = desk.tasks(subject="A-1")[0]
    assert (task["subject"], task["to"], task["kind"], task["why"]) == ("A-1", "CLIENT", "DECISION", "PROTECTED")
    assert task["words"]["sv"]["text"] and set(task) == set(METHODS["notifications.tasks"].answer.fields["tasks"].inner.schema.fields)  # type: ignore[attr-defined]  # noqa: E501  # fmt: skip


def test_tasks_of_others_cases_are_shown_on_request_alone(desk: Desk) -> None:
    hold(desk, A_1="gun", A_2="kim")
    own, kims, nobodys = desk.task("A-1"), desk.task("A-2"), desk.task("A-3")
    assert numbers(desk.tasks()) == [own, nobodys]
    assert numbers(desk.tasks(scope="ALL")) == [own, kims, nobodys]


def test_nobody_has_to_tell_what_is_not_so_any_more(desk: Desk) -> None:
    desk.task(superseded_at=TODAY)
    desk.task(overtaken_at=TODAY)
    desk.task(lapses_on=TODAY)
    still = desk.task(lapses_on=TODAY + timedelta(days=1))
    assert numbers(desk.tasks()) == [still]


def test_who_has_told_it_says_how_and_it_is_done_once(desk: Desk) -> None:
    number = desk.task()
    assert desk.call("task_done", notice=number, how="PHONE") == {"notice": number, "state": "TOLD"}
    assert desk.tasks() == []
    with pytest.raises(Conflict) as raised:
        desk.call("task_done", "kim", notice=number, how="LETTER")
    assert raised.value.code == "ALREADY_TOLD"
    acts = desk.call("proof", "ops", "OPERATIONS", notice=number)["acts"]
    assert [(one["what"], one["how"], one["actor"]) for one in acts] == [("TOLD", "PHONE", "gun")]


def test_what_is_no_task_cannot_be_done_as_one(desk: Desk, pool: Pool) -> None:
    with pytest.raises(Conflict) as raised:
        desk.call("task_done", notice=desk.notice(), how="PHONE")
    assert raised.value.code == "NOT_BY_HAND"
    with pytest.raises(NotFound):
        desk.call("task_done", notice=Desk(pool).task(), how="PHONE")


@pytest.mark.parametrize("role", ["PROVIDER", "CONTROLLER", "OPERATIONS", "STATISTICIAN"])
@pytest.mark.parametrize("method", ["tasks", "task_done", "hold_cases"])
def test_who_does_not_work_with_clients_has_no_tasks(desk: Desk, role: str, method: str) -> None:
    fields: dict[str, Row] = {
        "tasks": {},
        "task_done": {"notice": 1, "how": "PHONE"},
        "hold_cases": {"cases": [{"assignment": "A-1", "guide": None}]},
    }
    with pytest.raises(Forbidden):
        desk.call(method, "alfa", role, **fields[method])


# --- the page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "said"),
    [("sv", ("Att berätta", "Försenat", "skyddade uppgifter", "Oläst", "Läst av gun")),
     ("en", ("To be told by hand", "Overdue", "protected identity", "Unread", "Read by gun"))],
)  # fmt: skip
def test_the_page_can_be_read_by_everybody(desk: Desk, lang: str, said: tuple[str, ...]) -> None:
    of = {"details": {"obligation": "MONTHLY_REPORT", "number": "3", "due": "2026-11-10"}}
    desk.task("A-2", on=TODAY - timedelta(days=9), why="PROTECTED")
    desk.call("mark_read", notices=[desk.notice(late=True, on=YESTERDAY, **of)])
    desk.notice("OBLIGATION_ESCALATED", overtaken_at=TODAY, **of)
    html = desk.call("inbox_page", lang=lang)["html"]
    read = check(html, lang)
    assert [word for word in said if word not in html] == []
    assert len(read.all("article")) == 3 and len(read.all("table")) == 1


@pytest.mark.parametrize(
    ("role", "title"),
    [("PROVIDER", "provider"), ("TEAM_MANAGER", "manager"), ("CONTROLLER", "controller"), ("CASE_WORKER", "guide")],
)
def test_each_has_its_own_page_and_an_empty_one_is_a_page(desk: Desk, role: str, title: str) -> None:
    html = desk.call("inbox_page", "alfa", role, lang="en")["html"]
    read = check(html, "en")
    assert title in html and "There are no notices." in html
    assert ("There is nothing to be told by hand." in html) == (role in ("TEAM_MANAGER", "CASE_WORKER"))
    assert not read.all("article")


def test_the_page_says_that_there_are_more(desk: Desk) -> None:
    for _ in range(51):
        desk.notice()
    html = desk.call("inbox_page", lang="en")["html"]
    after = re.search(r"the next page is called ([^ <]+)\.<", html)
    assert after is not None and html.count("<article") == 50
    assert desk.call("inbox_page", after=after[1])["html"].count("<article") == 1


def test_the_page_escapes_what_others_have_named(desk: Desk) -> None:
    hostile = '<img src=x onerror="alert(1)">'
    desk.notice()
    desk.task()
    found, counted, tasks = desk.call("inbox"), desk.call("inbox_count"), desk.tasks()
    for row in (*found["notices"], *tasks):
        row["subject"] = hostile
        row["words"]["en"] = {"subject": hostile, "text": hostile}
    html = page.render(found, counted, tasks, "2026-11-26", "en")
    assert hostile not in html and not Outline(html).all("img") and html.count("&lt;img") >= 4


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_code_has_words(lang: str) -> None:
    tables = {
        "kind": NoticeKind, "role": Role, "why": ByHandReason, "state": MessageState, "about": SubjectKind,
        "urgency": Urgency,
    }  # fmt: skip
    words = page.texts(lang).words
    for name, codes in tables.items():
        assert set(words[name]) == set(codes), name
    assert set(words["standing"]) == set(NoticeStanding) - {NoticeStanding.STANDS}
