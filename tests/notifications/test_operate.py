"""The operator's view of messages: queue, failures, figures, proof, and stepping in; on a real database."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kundval_contracts.codes import AttemptOutcome, DeliveryChannel, DispatchState, MessagesBy, ReceiptStatus, Wait
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from kundval_contracts.events import MASKED
from kundval_notifications.operate import page, view

from .desk import CAUSED, TODAY, Desk, desk, pool
from .pages import check

__all__ = ["desk", "pool"]

Row = dict[str, Any]
YESTERDAY = TODAY - timedelta(days=1)
OPS = ("ops", "OPERATIONS")


# --- queue ---------------------------------------------------------------------------------------------


def test_the_queue_says_why_messages_wait_what_is_to_leave_and_who_is_away(desk: Desk) -> None:
    earlier = CAUSED - timedelta(hours=3)
    desk.notice("DECISION", "CLIENT", state="PENDING", waits="QUIET_HOURS", caused_at=earlier)
    desk.notice("DECISION", "CLIENT", state="PENDING", waits="QUIET_HOURS")
    desk.notice("DECISION", "CLIENT", state="PENDING")
    leaving = desk.notice("DECISION", "CLIENT", state="PENDING")
    tried = desk.dispatch([leaving], state="READY", attempts=[("UNREACHABLE", "TimeoutError")], seconds=None)
    desk.sql("UPDATE message SET dispatch = %s WHERE notice = %s", tried, leaving)
    desk.task()
    desk.notice("DECISION", "CLIENT", state="SENT")
    desk.sql(
        "INSERT INTO circuit (lane, channel, code, failures, since, retry_at)"
        " VALUES (%s, 'EMAIL', 'TimeoutError', 3, %s, %s)",
        desk.name, CAUSED, CAUSED + timedelta(minutes=2),
    )  # fmt: skip
    found = desk.call("queue", *OPS)
    assert [(row["why"], row["messages"], datetime.fromisoformat(row["oldest"])) for row in found["waiting"]] == [
        ("QUIET_HOURS", 2, earlier), (None, 1, CAUSED),
    ]  # fmt: skip
    assert [(row["channel"], row["dispatches"], row["due"], row["tried"]) for row in found["leaving"]] == [
        ("EMAIL", 1, 1, 1)
    ]
    assert found["by_hand"] == 1
    away = found["away"][0]
    assert (away["channel"], away["servers"], away["code"]) == ("EMAIL", 1, "TimeoutError")
    assert datetime.fromisoformat(away["since"]) == CAUSED
    desk.sql("DELETE FROM circuit")


# --- failures ------------------------------------------------------------------------------------------


def test_what_failed_is_listed_with_its_last_attempt_or_what_the_other_side_says(desk: Desk) -> None:
    bounced, refused, retried, fine = (desk.notice("DECISION", "CLIENT") for _ in range(4))
    desk.dispatch([bounced], state="BOUNCED", receipts=[("DELAYED", None, 40), ("BOUNCED", "5.1.1", 60)])
    desk.dispatch([refused, bounced], "SMS", "FAILED", attempts=[("NOT_NOW", "429"), ("REFUSED", "400")], seconds=None)
    again = desk.dispatch([retried], state="READY", attempts=[("NOT_NOW", "451")], seconds=None)
    desk.dispatch([fine])
    desk.dispatch([fine], state="READY", attempts=[], seconds=None)
    rows = {row["channel"]: row for row in desk.pages("failures", "failures", *OPS, limit=1)}
    assert set(rows) == {"EMAIL", "SMS"}
    mail, sms = rows["EMAIL"], rows["SMS"]
    assert (mail["state"], mail["receipt"], mail["code"], mail["notices"]) == ("BOUNCED", "BOUNCED", "5.1.1", [bounced])
    assert (sms["state"], sms["outcome"], sms["code"], sms["attempts"]) == ("FAILED", "REFUSED", "400", 2)
    assert sms["notices"] == [bounced, refused] and sms["receipt"] is None
    retrying = desk.pages("failures", "failures", *OPS, retrying=True)
    assert [(row["dispatch"], row["outcome"], row["code"]) for row in retrying] == [(again, "NOT_NOW", "451")]
    only = desk.pages("failures", "failures", *OPS, channel="SMS", since="2026-11-26")
    assert [row["dispatch"] for row in only] == [sms["dispatch"]]
    assert desk.pages("failures", "failures", *OPS, since="2026-11-27") == []


@pytest.mark.parametrize("after", ["x", "20261126T090000.000000", "20269926T090000.000000/d-1", "/"])
def test_a_page_of_failures_that_no_list_named_is_refused(desk: Desk, after: str) -> None:
    with pytest.raises(InvalidRequest, match="after"):
        desk.call("failures", *OPS, after=after)


@pytest.mark.parametrize(("role", "sees"), [("OPERATIONS", MASKED), ("TEAM_MANAGER", MASKED), ("CONTROLLER", "alfa")])
def test_the_provider_of_a_protected_person_is_masked_for_all_but_who_pays(desk: Desk, role: str, sees: str) -> None:
    hidden, plain = (desk.notice(to="PROVIDER", subject=one) for one in ("A-1", "A-2"))
    desk.restrict("A-1")
    for notices in ([hidden, plain], [plain]):
        desk.dispatch(notices, "WEBHOOK", "FAILED", role="PROVIDER", party="alfa")
    found = {len(row["notices"]): row["provider"] for row in desk.call("failures", "ops", role)["failures"]}
    assert found == {2: sees, 1: "alfa"}
    assert desk.call("proof", "ops", role, notice=hidden)["provider"] == sees
    assert desk.call("proof", "ops", role, notice=plain)["provider"] == "alfa"
    assert ("alfa" in desk.call("operations_page", "ops", role)["html"]) and "p-1" not in str(found)


# --- figures -------------------------------------------------------------------------------------------


def sent(desk: Desk, seconds: int, received: int | None = None, **more: Any) -> None:
    number = desk.notice("DECISION", "CLIENT", channel="EMAIL", state="DELIVERED" if received else "SENT", **more)
    receipts = [] if received is None else [("DELIVERED", None, received)]
    desk.dispatch([number], seconds=seconds, receipts=receipts)


def test_figures_count_by_kind_channel_state_and_day_and_say_how_quick_it_was(desk: Desk) -> None:
    for seconds in range(1, 101):
        sent(desk, seconds, seconds * 10 if seconds <= 10 else None)
    sent(desk, 5, on=YESTERDAY, late=True)
    desk.notice("STARTED", channel="INBOX")
    desk.notice("STARTED", state="WITHDRAWN", reason="OVERTAKEN")
    desk.task(), desk.notice("DECISION", "CLIENT", state="TOLD", reason="PROTECTED")
    desk.notice(on=date(2026, 10, 31)), desk.notice(on=date(2026, 12, 1))
    found = desk.call("figures", *OPS)
    assert (found["from"], found["to"], found["by"]) == ("2026-11-01", "2026-12-01", "DAY")
    yesterday, today = found["periods"]
    assert (yesterday["period"], yesterday["messages"], yesterday["late"]) == ("2026-11-25", 1, "1.0000")
    assert yesterday["handed_over"] == {"messages": 1, "median": 5, "p90": 5, "p99": 5}
    assert yesterday["received"] == {"messages": 0, "median": None, "p90": None, "p99": None}
    assert (today["messages"], today["withdrawn"], today["by_hand"]) == (104, "0.0096", "0.0192")
    assert today["handed_over"] == {"messages": 100, "median": 50, "p90": 90, "p99": 99}
    assert today["received"] == {"messages": 10, "median": 50, "p90": 90, "p99": 100}
    assert (found["total"]["messages"], found["total"]["handed_over"]["messages"]) == (105, 101)
    volumes = {(row["period"], row["kind"], row["channel"], row["state"]): row["messages"] for row in found["volumes"]}
    assert volumes == {
        ("2026-11-25", "DECISION", "EMAIL", "SENT"): 1,
        ("2026-11-26", "DECISION", None, "BY_HAND"): 1,
        ("2026-11-26", "DECISION", None, "TOLD"): 1,
        ("2026-11-26", "DECISION", "EMAIL", "DELIVERED"): 10,
        ("2026-11-26", "DECISION", "EMAIL", "SENT"): 90,
        ("2026-11-26", "STARTED", None, "WITHDRAWN"): 1,
        ("2026-11-26", "STARTED", "INBOX", "SENT"): 1,
    }
    rows = list(csv.reader(io.StringIO(desk.call("figures_csv", *OPS)["csv"].removeprefix("\ufeff"))))
    assert rows[0] == list(view.COLUMNS) and len(rows) == 1 + len(volumes)
    assert sum(int(row[-1]) for row in rows[1:]) == found["total"]["messages"]


def test_a_message_sent_twice_counts_once_by_its_first_hand_over(desk: Desk) -> None:
    number = desk.notice("DECISION", "CLIENT", channel="SMS")
    desk.dispatch([number], seconds=10, state="BOUNCED", receipts=[("BOUNCED", None, 20)])
    desk.dispatch([number], "SMS", seconds=90, receipts=[("DELIVERED", None, 95)])
    total = desk.call("figures", *OPS)["total"]
    assert total["handed_over"] == {"messages": 1, "median": 10, "p90": 10, "p99": 10}
    assert total["received"]["median"] == 95


@pytest.mark.parametrize(
    ("day", "by", "expected"),
    [(date(2026, 11, 26), MessagesBy.DAY, (date(2026, 11, 1), date(2026, 12, 1))),
     (date(2026, 12, 31), MessagesBy.DAY, (date(2026, 12, 1), date(2027, 1, 1))),
     (date(2026, 11, 26), MessagesBy.MONTH, (date(2025, 12, 1), date(2026, 12, 1)))],
)  # fmt: skip
def test_without_a_period_it_is_the_month_or_the_year_that_ends_with_it(
    day: date, by: MessagesBy, expected: tuple[date, date]
) -> None:
    assert view.period_up_to(day, by) == expected


def test_figures_by_month_add_up_the_days(desk: Desk) -> None:
    for on in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30)):
        sent(desk, 3, on=on)
    found = desk.call("figures", *OPS, by="MONTH")
    assert [(row["period"], row["messages"]) for row in found["periods"]] == [("2026-10", 1), ("2026-11", 2)]


@pytest.mark.parametrize(
    "period",
    [{"from": "2026-01-01"}, {"from": "2026-02-01", "to": "2026-02-01"}, {"from": "2026-01-01", "to": "2026-12-01"}],
)
def test_a_period_has_two_ends_and_is_not_too_long(desk: Desk, period: Row) -> None:
    with pytest.raises(InvalidRequest):
        desk.call("figures", *OPS, **period)


# --- proof and acts ------------------------------------------------------------------------------------


def test_the_proof_of_a_message_is_everything_that_is_held_of_it(desk: Desk) -> None:
    number = desk.notice("DECISION", "CLIENT", state="DELIVERED", channel="SMS", late=True)
    other = desk.notice("DECISION", "CLIENT")
    first = desk.dispatch([number, other], state="FAILED", attempts=[("REFUSED", "550")], seconds=None)
    second = desk.dispatch([number], "SMS", "DELIVERED", receipts=[("DELIVERED", None, 33)])
    found = desk.call("proof", *OPS, notice=number)
    assert (found["state"], found["channel"], found["late"], found["rules"]) == ("DELIVERED", "SMS", True, ["AMI-3-a"])
    assert datetime.fromisoformat(found["caused_at"]) == CAUSED
    tries = {one["dispatch"]: one for one in found["dispatches"]}
    assert set(tries) == {first, second}
    assert [(one["outcome"], one["code"]) for one in tries[first]["attempts"]] == [("REFUSED", "550")]
    assert [one["status"] for one in tries[second]["receipts"]] == ["DELIVERED"]
    assert (tries[second]["template_version"], tries[second]["address_mark"]) == ("sv-1", "ab01")
    with pytest.raises(NotFound):
        Desk(desk.pool).call("proof", *OPS, notice=number)


def test_who_sends_again_or_cancels_says_why_and_only_such_people_read_it(desk: Desk) -> None:
    failed = desk.notice("DECISION", "CLIENT", state="BY_HAND", reason="UNDELIVERABLE")
    pending = desk.notice("DECISION", "CLIENT", state="PENDING", waits="QUIET_HOURS")
    assert desk.call("resend", *OPS, notice=failed, reason="new address")["state"] == "PENDING"
    cancelled = desk.call("cancel", "boss", "TEAM_MANAGER", notice=pending, reason="told at the desk")
    assert cancelled["state"] == "CANCELLED"
    assert desk.call("proof", *OPS, notice=pending)["acts"][0]["reason"] == "told at the desk"
    for role in ("CASE_WORKER", "CONTROLLER"):
        act = desk.call("proof", "eva", role, notice=failed)["acts"][0]
        assert (act["what"], act["reason"], act["actor"]) == ("RESENT", None, "ops")
    with pytest.raises(Conflict):
        desk.call("cancel", *OPS, notice=desk.notice(), reason="too late")
    gone = desk.notice(superseded_at=TODAY)
    with pytest.raises(Conflict):
        desk.call("resend", *OPS, notice=gone, reason="for the record")
    assert desk.call("resend", *OPS, notice=gone, reason="for the record", anyway=True)["state"] == "PENDING"


def test_what_is_sent_again_is_unread_again(desk: Desk) -> None:
    number = desk.notice()
    desk.call("mark_read", notices=[number])
    desk.call("resend", *OPS, notice=number, reason="once more")
    assert desk.inbox(unread=True)[0]["notice"] == number


@pytest.mark.parametrize("method", ["resend", "cancel"])
@pytest.mark.parametrize("role", ["CASE_WORKER", "CAREER_GUIDE", "CONTROLLER", "PROVIDER", "STATISTICIAN"])
def test_nobody_else_steps_in(desk: Desk, method: str, role: str) -> None:
    with pytest.raises(Forbidden):
        desk.call(method, "alfa", role, notice=desk.notice(), reason="because")


@pytest.mark.parametrize("reason", [None, "", "x" * 501])
def test_without_a_reason_nobody_steps_in(desk: Desk, reason: str | None) -> None:
    with pytest.raises(InvalidRequest, match="reason"):
        desk.call("resend", *OPS, notice=1, **({} if reason is None else {"reason": reason}))


# --- the page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "said"),
    [("sv", ("Tyst tid", "Studsade (5.1.1)", "Kunden", "Beslut", "0,5 %")),
     ("en", ("Quiet hours", "Bounced (5.1.1)", "The client", "Decision", "0.5 %"))],
)  # fmt: skip
def test_the_page_can_be_read_by_everybody(desk: Desk, lang: str, said: tuple[str, ...]) -> None:
    desk.notice("DECISION", "CLIENT", state="PENDING", waits="QUIET_HOURS")
    bounced = desk.notice("DECISION", "CLIENT", late=True)
    desk.dispatch([bounced], state="BOUNCED", receipts=[("BOUNCED", "5.1.1", 60)])
    leaving = desk.notice("DECISION", "CLIENT", state="PENDING")
    desk.dispatch([leaving], "SMS", "READY", seconds=None)
    for on in range(1, 26):
        for _ in range(8):
            desk.notice("STARTED", on=date(2026, 11, on))
    html = desk.call("operations_page", *OPS, lang=lang)["html"]
    read = check(html, lang)
    assert [word for word in said if word not in html] == []
    assert len(read.all("table")) == 5
    picture = ET.fromstring(html[html.index("<svg") : html.index("</svg>") + len("</svg>")])
    assert picture.get("role") == "img" and "2026-11-25: 8" in "".join(picture.itertext())


def test_a_page_of_nothing_is_a_page(desk: Desk) -> None:
    html = desk.call("operations_page", *OPS, lang="en")["html"]
    read = check(html, "en")
    assert not read.all("table")
    for said in ("No message waits.", "Nothing has failed.", "There are no messages in the period."):
        assert said in html


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_code_has_words(lang: str) -> None:
    words = page.texts(lang).words
    for name, codes in (("channel", DeliveryChannel), ("wait", Wait), ("outcome", AttemptOutcome),
                        ("receipt", ReceiptStatus), ("dispatch", DispatchState)):  # fmt: skip
        assert set(words[name]) == set(codes), name


def test_instants_are_shown_by_the_clock_in_sweden() -> None:
    words = page.texts("sv")
    assert words.moment(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == "2026-07-02 00:30"
    assert words.moment(datetime(2026, 12, 1, 22, 30, tzinfo=UTC)) == "2026-12-01 23:30"
