"""A town whose people have hours and rooms: for the tests of meetings, with the bookings in a few words."""

from __future__ import annotations

from typing import Any

from kundval_chassis.play import settle
from kundval_contracts.client import Client
from tests.acceptance.builders import assignment
from tests.suite import Town

Row = dict[str, Any]

#: a Monday with clients in the middle of an intervention of twelve months
TODAY = "2026-05-04"
DECIDED = "2026-02-10"

WEEK = [{"weekday": day, "start": "08:00", "end": "17:00"} for day in range(1, 6)]


def staff(name: str, **more: Any) -> Row:
    return {"resource": name, "kind": "STAFF", "hours": WEEK, **more}


def room(name: str, seats: int = 6, **more: Any) -> Row:
    return {"resource": name, "kind": "ROOM", "seats": seats, **more}


class Diary:
    """Providers alfa and beta with a contact each, the guides kim and lo in team north, two rooms, an interpreter."""

    def __init__(self, client: Client, *names: str, day: str | None = TODAY):
        self.town = Town(client)
        self.client = client
        self.names = names
        if names:
            self.town.add(*(assignment("AMI_2", DECIDED, name=name) for name in names))
        if day is not None:
            self.day(day)
            self.people()

    def day(self, day: str) -> None:
        """Open a business date and wait until scheduling has come there."""
        self.client.call("assignment.open_day", tenant=self.town.name, date=day)
        self.settle()

    def settle(self) -> None:
        settle(self.client, self.town.name, ("scheduling",))

    def people(self) -> None:
        self.call(
            "set_resources",
            resources=[
                staff("kim", team="north", place="hall"),
                staff("lo", team="north", place="hall", languages=["so"]),
                room("hall-1", place="hall"),
                room("hall-2", seats=3, place="hall"),
                {"resource": "ines", "kind": "INTERPRETER", "languages": ["ar", "ti"], "hours": WEEK},
            ],
        )
        for provider in ("alfa", "beta"):
            own = [staff(f"{provider}-1", place=provider), room(f"{provider}-room", place=provider)]
            self.call("set_resources", provider=provider, resources=own)
        if self.names:
            self.call(
                "set_participants",
                participants=[
                    {"assignment": name, "client": f"p-{name}", "guide": "kim", "contact": "alfa-1", "team": "north"}
                    for name in self.names
                ],
            )
        self.call("set_travel", travel=[{"origin": "hall", "destination": "alfa", "minutes": 30}])

    def call(self, method: str, by: Client | None = None, **fields: Any) -> Row:
        return dict((by or self.client).call(f"scheduling.{method}", tenant=self.town.name, **fields))

    def book(self, starts_at: str, minutes: int = 60, by: Client | None = None, **fields: Any) -> Row:
        """Book a meeting of an assignment, in the first room unless another place or mode is named."""
        if not {"room", "place"} & fields.keys() and fields.get("mode", "IN_PERSON") == "IN_PERSON":
            fields["room"] = "hall-1"
        return dict(self.call("book_meeting", by, starts_at=starts_at, minutes=minutes, **fields)["meeting"])

    def meetings(self, by: Client | None = None, **fields: Any) -> list[Row]:
        return self.town.ask("scheduling.meetings", by, **fields)

    def states(self, assignment: str, kind: str) -> list[tuple[int, int, str]]:
        """(sequence, attempt, state) of the meetings of a kind."""
        rows = [row for row in self.meetings(assignment=assignment) if row["kind"] == kind]
        return sorted((row["sequence"], row["attempt"], row["state"]) for row in rows)

    def facts(self, assignment: str) -> list[str]:
        """Kinds of the facts in effect that scheduling has told of."""
        rows = self.town.states(assignment)["facts"]
        return sorted(row["fact"] for row in rows if row["id"].startswith("scheduling:") and row["in_effect"])
