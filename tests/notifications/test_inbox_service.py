"""From a fact to the desk of who reads it, over the real bus: inbox, task, operator's view, and the command."""

from __future__ import annotations

from kundval_contracts.client import Client
from tests.acceptance.builders import assignment, exited
from tests.suite import Suite, Town, client, eventually, suite, town

__all__ = ["client", "suite", "town"]


def test_what_happens_is_read_in_the_inbox_told_by_hand_and_seen_by_operations(
    town: Town, suite: Suite, client: Client
) -> None:
    town.add(assignment("AMI_2", "2024-03-15", exited("2024-06-20")))
    town.day("2024-06-24")
    eventually(lambda: "PENDING" not in town.summary("notifications")["messages"])
    own = {"tenant": town.name}
    client.call("notifications.hold_cases", **own, cases=[{"assignment": "A-1", "guide": "gun"}])
    with suite.client("CAREER_GUIDE", subject="gun") as gun, suite.client("CAREER_GUIDE", subject="kim") as kim:
        assert list(kim.rows("notifications.inbox", **own)) == []
        notices = list(gun.rows("notifications.inbox", **own, order="MOST_URGENT", limit=2))
        assert notices and {row["subject"] for row in notices} == {"A-1"}
        assert all(row["words"]["sv"]["text"] and row["words"]["en"]["text"] for row in notices)
        unread = gun.call("notifications.inbox_count", **own)
        assert unread["unread"] == len(notices) and unread["tasks"] > 0
        gun.call("notifications.mark_read", **own, notices=[notices[0]["notice"]])
        assert gun.call("notifications.inbox_count", **own)["unread"] == len(notices) - 1

        # the sample's client has no address: a person tells it
        task = next(iter(gun.rows("notifications.tasks", **own)))
        assert (task["to"], task["why"]) == ("CLIENT", "NO_ADDRESS")
        gun.call("notifications.task_done", **own, notice=task["notice"], how="MEETING")
        assert task["notice"] not in [row["notice"] for row in gun.rows("notifications.tasks", **own)]
    proof = client.call("notifications.proof", **own, notice=task["notice"])
    assert (proof["state"], proof["acts"][0]["how"], proof["acts"][0]["actor"]) == ("TOLD", "MEETING", "gun")

    period = ("--from", "2024-03-01", "--to", "2024-07-01", "--by", "MONTH")
    shown = suite.kundval("notices", "figures", "--tenant", town.name, *period)
    assert shown.returncode == 0 and "2024-06" in shown.stdout and "TOLD" in shown.stdout, shown.stderr
    for words in (("queue",), ("failures",), ("inbox",), ("tasks",), ("proof", str(task["notice"]))):
        shown = suite.kundval("notices", *words, "--tenant", town.name)
        assert shown.returncode == 0, shown.stderr
    for name in ("page", "inbox-page"):
        assert suite.kundval("notices", name, "--tenant", town.name).stdout.startswith("<!DOCTYPE html>")
    again = suite.kundval("notices", "told", str(task["notice"]), "--how", "PHONE", "--tenant", town.name)
    assert again.returncode == 1 and "ALREADY_TOLD" in again.stderr
