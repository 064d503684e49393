"""Addresses and wishes through the running services: told for delivery alone, entered, and gone with the person."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from kundval_contracts.client import Client
from kundval_contracts.errors import Forbidden, NotFound
from tests.acceptance.builders import bare, caseload, fact
from tests.assignment.numbers import ALL
from tests.suite import Suite, Town, client, eventually, suite

__all__ = ["client", "suite"]

D = "2024-03-15"
NUMBERS = sorted(ALL)
EMAIL, PHONE = "someone@person.example", "070-174 06 05"
KINDS = ("CONFIDENTIALITY_MARK", "PROTECTED_REGISTRATION", "FICTITIOUS")
NOTHING = {"person": None, "protected": False, "language": None, "email": None, "phone": None, "digital_mail": None}


@pytest.fixture(scope="module")
def system(suite: Suite) -> Iterator[Client]:
    with suite.client() as made:
        yield made


@pytest.fixture(scope="module")
def delivery(suite: Suite) -> Iterator[Client]:
    """As the notifications service calls."""
    with suite.client(subject="notifications", purpose="deliver a notice") as made:
        yield made


@pytest.fixture(scope="module")
def guide(suite: Suite) -> Iterator[Client]:
    with suite.client("CAREER_GUIDE", subject="anna", purpose="guides") as made:
        yield made


@pytest.fixture
def town(system: Client) -> Town:
    return Town(system)


def person(town: Town, number: str | None = None, **details: Any) -> str:
    fields = {"identity_number": number, "name": "Testperson", "email": EMAIL, "phone": PHONE, **details}
    return str(town.client.call("assignment.register_person", tenant=town.name, **fields)["person"])


def register(town: Town, *theirs: tuple[str, str | None]) -> None:
    rows = [
        {**{name: bare("AMI_2", name=one)[name] for name in ("id", "programme", "client", "plan")}, "person": whose}
        for one, whose in theirs
    ]
    town.client.call("assignment.register", tenant=town.name, assignments=rows)


def points(town: Town, by: Client, *assignments: str, channels: tuple[str, ...] = ("EMAIL", "SMS")) -> dict[str, Any]:
    answer = by.call(
        "assignment.contact_points", tenant=town.name, assignments=list(assignments), channels=list(channels),
        languages=["sv", "en"],
    )  # fmt: skip
    return {row.pop("assignment"): row for row in answer["contacts"]}


def entries(town: Town) -> list[dict[str, Any]]:
    """What the access log says of addresses, the newest first."""
    rows = town.client.call("assignment.access_log", tenant=town.name)["entries"]
    return [row for row in rows if row["method"] == "assignment.contact_points"]


def prefer(town: Town, by: Client, **wishes: Any) -> dict[str, Any]:
    return dict(by.call("notifications.prefer", tenant=town.name, **wishes))


def preferences(town: Town, by: Client, **whose: Any) -> dict[str, Any]:
    return dict(by.call("notifications.preferences", tenant=town.name, **whose))


def test_only_the_addresses_that_are_asked_for_are_told_and_whom_they_are_of_is_entered_once(
    town: Town, delivery: Client, guide: Client
) -> None:
    who, other = person(town, NUMBERS[0]), person(town, swedish_ok=False, languages=["ar", "en"], phone=None)
    register(town, ("A-1", who), ("A-2", who), ("A-3", other), ("A-4", None))
    found = points(town, delivery, "A-1", "A-2", "A-3", "A-4", "nobody")
    mine = {**NOTHING, "person": who, "language": "sv", "email": EMAIL, "phone": PHONE}
    assert found == {
        "A-1": mine,
        "A-2": mine,
        "A-3": {**NOTHING, "person": other, "language": "en", "email": EMAIL},
        "A-4": NOTHING,
        "nobody": NOTHING,
    }
    (entry,) = entries(town)
    assert (entry["actor"], entry["purpose"], entry["outcome"]) == ("notifications", "deliver a notice", "SHOWN")
    assert entry["subjects"] == sorted(
        ["assignment:A-1", "assignment:A-2", "assignment:A-3", f"person:{who}", f"person:{other}"]
    )
    assert points(town, delivery, "A-1", channels=("SMS",)) == {"A-1": {**mine, "email": None}}
    # the identity number leaves to the intermediary of digital mail and to nobody else
    digital = points(town, delivery, "A-1", "A-3", channels=("DIGITAL_MAIL",))
    assert (digital["A-1"]["digital_mail"], digital["A-1"]["email"]) == (NUMBERS[0], None)
    assert digital["A-3"]["digital_mail"] is None
    with pytest.raises(Forbidden):
        points(town, guide, "A-1")
    assert len(entries(town)) == 4


def test_of_a_protected_person_nothing_is_told_by_any_channel_from_the_day_on_to_the_last(
    town: Town, delivery: Client, guide: Client
) -> None:
    theirs = {kind: person(town, NUMBERS[place]) for place, kind in enumerate(KINDS)}
    register(town, *((kind, who) for kind, who in theirs.items()))
    town.day(D)
    for kind, who in theirs.items():
        dates = {"since": "2024-03-17", "until": "2024-03-19"}
        guide.call("assignment.protect_person", tenant=town.name, person=who, kind=kind, **dates)
    for day, protected in (("2024-03-16", False), ("2024-03-17", True), ("2024-03-18", True), ("2024-03-19", False)):
        town.day(day)
        found = points(town, delivery, *KINDS, channels=("EMAIL", "SMS", "DIGITAL_MAIL"))
        assert [found[kind]["protected"] for kind in KINDS] == [protected] * 3, day
        for kind, who in theirs.items():
            if protected:
                assert found[kind] == {**NOTHING, "person": who, "protected": True}
            else:
                assert found[kind]["email"] == EMAIL and found[kind]["digital_mail"] is not None
        assert entries(town)[0]["outcome"] == ("MASKED" if protected else "SHOWN")


def test_five_hundred_addresses_are_one_entry_in_a_log_that_holds_together(town: Town, delivery: Client) -> None:
    who = person(town)
    names = [f"A-{place:03}" for place in range(500)]
    register(town, *((name, who) for name in names))
    found = points(town, delivery, *names)
    assert {row["email"] for row in found.values()} == {EMAIL} and len(found) == 500
    (entry,) = entries(town)
    assert entry["subjects"] == sorted([*(f"assignment:{name}" for name in names), f"person:{who}"])
    assert town.client.call("assignment.verify_access_log", tenant=town.name)["intact"]


def test_a_notice_that_leaves_is_what_addresses_are_asked_for(town: Town) -> None:
    who = person(town)
    register(town, ("A-1", who), ("A-2", None))
    for name in ("A-1", "A-2"):
        town.state(name, fact(D, "decided"))
    town.day(D)
    (entry, *_) = eventually(lambda: entries(town))
    assert (entry["actor"], entry["role"], entry["purpose"]) == ("notifications", "SYSTEM", "deliver a notice")
    assert entry["subjects"] == ["assignment:A-1", f"person:{who}"]


def test_each_says_what_it_wants_itself_and_who_works_with_a_client_what_the_client_wants(
    town: Town, suite: Suite, guide: Client
) -> None:
    claims = {"subject": "coach", "tenant": town.name, "purpose": "coaches"}
    with (
        suite.client("PROVIDER", organisation="alfa", **claims) as alfa,
        suite.client("PROVIDER", organisation="beta", **claims) as beta,
    ):
        nothing = {"refused": [], "channels": None, "digest": False, "language": None, "changed_at": None}
        assert preferences(town, alfa) == preferences(town, guide) == preferences(town, guide, person="p-1") == nothing
        prefer(town, alfa, refused=["SMS"], digest=True)
        prefer(town, guide, language="en")
        prefer(town, guide, person="p-1", refused=["SMS", "EMAIL"])
        assert preferences(town, alfa)["refused"] == ["SMS"]
        assert preferences(town, beta) == nothing
        assert preferences(town, guide)["language"] == "en"
        assert preferences(town, guide, person="p-1")["refused"] == ["SMS", "EMAIL"]
        with pytest.raises(Forbidden):
            preferences(town, alfa, person="p-1")
    with pytest.raises(NotFound):
        preferences(town, town.client)


def test_the_wishes_of_a_person_who_is_erased_are_forgotten(town: Town, guide: Client) -> None:
    who, other = person(town), person(town)
    register(town, ("A-1", who))
    for one in (who, other):
        prefer(town, guide, person=one, refused=["SMS"])
    # `other` has no assignment, and has been registered today
    town.open(settings={**caseload()["settings"], "retention.person": 365})
    town.day("2060-01-01")
    erased = guide_erases(town)
    assert erased == {"PERSON": 1}, "A-1 is not finished: its person stays"
    town.settle()
    assert preferences(town, guide, person=other)["changed_at"] is None
    assert preferences(town, guide, person=who)["refused"] == ["SMS"]
    assert points(town, town.client, "A-1")["A-1"]["person"] == who


def guide_erases(town: Town) -> dict[str, int]:
    return dict(town.client.call("assignment.erase", tenant=town.name)["erased"])


def test_a_secret_is_told_once_and_never_again_and_stands_in_no_log(town: Town, suite: Suite) -> None:
    key, url = secrets.token_hex(8), "https://system.example.se/in"
    fields: dict[str, Any] = {
        "tenant": town.name,
        "role": "PROVIDER",
        "party": "alfa",
        "webhook": url,
        "email": "alfa@alfa.example",
    }
    told = town.client.call("notifications.set_party", idempotency_key=key, **fields)
    assert told["secret"].startswith("whsec_")
    assert town.client.call("notifications.set_party", idempotency_key=key, **fields) == {**told, "secret": None}
    (row,) = town.client.call("notifications.parties", tenant=town.name)["parties"]
    assert (row["party"], row["email"], row["webhook"], row["changed_by"]) == ("alfa", fields["email"], url, "test")
    shown = suite.kundval("parties", "list", "--tenant", town.name)
    assert shown.returncode == 0 and url in shown.stdout, shown.stderr
    assert told["secret"] not in shown.stdout
    stated = suite.kundval("parties", "set", "CONTROLLER", "--tenant", town.name, "--email", "money@town.example")
    assert (stated.returncode, stated.stdout) == (0, ""), stated.stderr
    refused = suite.kundval("parties", "set", "CONTROLLER", "--tenant", town.name, "--webhook", "https://127.0.0.1/")
    assert refused.returncode == 2 and "webhook" in refused.stderr
    assert suite.kundval("parties", "remove", "CONTROLLER", "--tenant", town.name).returncode == 0
    assert suite.kundval("parties", "remove", "CONTROLLER", "--tenant", town.name).returncode == 1
    for said in (told["secret"], fields["email"], url, "money@town.example", EMAIL, PHONE):
        assert said not in suite.log("notifications")
        assert said not in suite.log("assignment")
