"""Persons in the running service: sealed on disk, seen by few, every look entered, gone after their time."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kundval_assignment.people.retention import HOLDINGS
from kundval_chassis.tokens import Tokens
from kundval_contracts.client import Client
from kundval_contracts.codes import RecordKind
from kundval_contracts.envelope import Event
from kundval_contracts.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    KundvalError,
    NotFound,
    Unavailable,
)
from tests.acceptance.builders import assignment, bare, caseload, exited, fact
from tests.conftest import Servers
from tests.suite import Suite, Town, client, running, suite, town

from .numbers import COORDINATION, PERSONAL

__all__ = ["client", "suite", "town"]

D = "2024-03-15"
NUMBERS = [*PERSONAL, *COORDINATION]
NAME = "Örjan Testström"
DETAILS: dict[str, Any] = {
    "name": NAME,
    "email": "orjan.teststrom@example.org",
    "phone": "08-465 004 99",
    "language": "so",
    "swedish_ok": False,
    "languages": ["so", "ar"],
}
PURPOSE = "follow-up of the plan"


@pytest.fixture
def guide(suite: Suite) -> Iterator[Client]:
    """A career guide called anna."""
    with suite.client("CAREER_GUIDE", subject="anna", purpose=PURPOSE) as made:
        yield made


@pytest.fixture
def manager(suite: Suite) -> Iterator[Client]:
    with suite.client("TEAM_MANAGER", subject="marta", purpose="leads") as made:
        yield made


@pytest.fixture
def alfa(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", subject="coach", organisation="alfa", tenant=town.name, purpose="coaching") as made:
        yield made


@pytest.fixture
def beta(suite: Suite, town: Town) -> Iterator[Client]:
    with suite.client("PROVIDER", subject="rival", organisation="beta", tenant=town.name, purpose="coaching") as made:
        yield made


def person(town: Town, number: str | None = NUMBERS[0], by: Client | None = None, **changes: Any) -> str:
    fields = {"identity_number": number, **DETAILS, **changes}
    return str((by or town.client).call("assignment.register_person", tenant=town.name, **fields)["person"])


def ask(town: Town, what: str, by: Client, **fields: Any) -> dict[str, Any]:
    return dict(by.call(f"assignment.{what}", tenant=town.name, **fields))


def add(town: Town, whose: str | None, document: dict[str, Any]) -> None:
    """Register an assignment as somebody's and state its facts."""
    row = {name: document[name] for name in ("id", "programme", "client", "plan")}
    row |= {"person": whose, "delivery_area": "north"}
    town.client.call("assignment.register", tenant=town.name, assignments=[row])
    if document["facts"]:
        town.state(document["id"], *document["facts"])


def entries(town: Town, **about: Any) -> list[dict[str, Any]]:
    """The access log, the oldest first, without the look at itself, and at addresses when something is sent."""
    rows = ask(town, "access_log", town.client, **about)["entries"]
    by_itself = ("assignment.access_log", "assignment.contact_points")
    return [row for row in reversed(rows) if row["method"] not in by_itself]


def verified(town: Town, **known: Any) -> dict[str, Any]:
    return ask(town, "verify_access_log", town.client, **known)


@contextmanager
def database(suite: Suite) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(suite.databases["assignment"], autocommit=True) as connection:
        yield connection


def everything(suite: Suite, tenant: str) -> str:
    """Every row of a tenant in every table of the assignment service's database, as text; bytes as hexadecimal."""
    with database(suite) as connection:
        tables = connection.execute(
            "SELECT table_name, bool_or(column_name = 'tenant') FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY 1"
        ).fetchall()
        rows: list[str] = []
        for name, has_tenant in tables:
            where = " WHERE tenant = %s" if has_tenant else ""
            found = connection.execute(f'SELECT t::text FROM "{name}" AS t{where}', (tenant,) if has_tenant else None)
            rows += [row[0] for row in found]
    return "\n".join(rows)


def holds(text: str, words: str) -> bool:
    return words in text or words.encode().hex() in text


# --- registering and finding -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
def test_a_person_is_registered_found_and_shown_by_any_form_of_the_number(
    town: Town, guide: Client, number: str
) -> None:
    who = person(town, f"{number[:8]}-{number[8:]}")
    assert ask(town, "find_person", guide, identity_number=number) == {"person": who}
    shown = ask(town, "person", guide, person=who)
    assert shown == {
        "person": who,
        "identity_number": number,
        "birth_date": ({**PERSONAL, **COORDINATION})[number].isoformat(),
        "coordination_number": number in COORDINATION,
        "marked": False,
        **DETAILS,
    }
    assert number[-4:] not in who


def test_the_same_number_is_one_person_however_often_it_is_registered(town: Town, guide: Client) -> None:
    who = person(town)
    assert person(town, name="Somebody Else", by=guide) == who
    assert ask(town, "person", guide, person=who)["name"] == NAME
    with ThreadPoolExecutor(6) as pool:
        twins = set(pool.map(lambda _: person(town, NUMBERS[1]), range(6)))
    assert len(twins) == 1


def test_a_number_says_nothing_in_another_town(town: Town, guide: Client) -> None:
    person(town)
    other = Town(town.client)
    assert ask(other, "find_person", guide, identity_number=NUMBERS[0]) == {"person": None}


def test_what_a_person_is_called_changes_and_the_rest_stays(town: Town, guide: Client) -> None:
    who = person(town, None, language=None)
    ask(town, "update_person", guide, person=who, phone=None, swedish_ok=True, identity_number=NUMBERS[2])
    shown = ask(town, "person", guide, person=who)
    assert (shown["phone"], shown["swedish_ok"], shown["name"]) == (None, True, NAME)
    assert ask(town, "find_person", guide, identity_number=NUMBERS[2])["person"] == who
    other = person(town, NUMBERS[3])
    with pytest.raises(Conflict) as refused:
        ask(town, "update_person", guide, person=other, identity_number=NUMBERS[2])
    assert refused.value.code == "NUMBER_TAKEN"
    assert NUMBERS[2] not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"identity_number": "201701012394"}, ["identity_number"]),
        ({"identity_number": "Anna Andersson"}, ["identity_number"]),
        (
            {"email": "not an address", "languages": ["swedish"], "shoe_size": 43},
            ["email", "languages[0]", "shoe_size"],
        ),
        ({"name": "", "phone": "x" * 51}, ["name", "phone"]),
    ],
)
def test_a_wrong_person_is_refused_by_path_and_nothing_of_it_is_quoted_or_kept(
    town: Town, suite: Suite, fields: dict[str, Any], paths: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        town.client.call("assignment.register_person", tenant=town.name, **fields)
    assert sorted(fault["path"] for fault in refused.value.faults) == paths
    for value in fields.values():
        assert str(value) not in str(refused.value) or value == ""
    with database(suite) as connection:
        assert connection.execute("SELECT count(*) FROM person WHERE tenant = %s", (town.name,)).fetchone() == (0,)


def test_an_assignment_is_somebodys_once(town: Town, guide: Client) -> None:
    one, other = person(town), person(town, NUMBERS[1])
    town.register(bare("AMI_2"))
    assert ask(town, "link_person", guide, assignment="A-1", person=one) == {"linked": True}
    assert ask(town, "link_person", guide, assignment="A-1", person=one) == {"linked": False}
    with pytest.raises(Conflict):
        ask(town, "link_person", guide, assignment="A-1", person=other)
    for wrong in ({"assignment": "A-9", "person": one}, {"assignment": "A-1", "person": "p-nobody"}):
        with pytest.raises(NotFound):
            ask(town, "link_person", guide, **wrong)


def test_an_assignment_of_nobody_known_is_not_registered(town: Town) -> None:
    with pytest.raises(NotFound, match="p-nobody"):
        add(town, "p-nobody", bare("AMI_2"))
    with pytest.raises(NotFound, match="A-1"):
        town.states("A-1")


# --- sealed on disk --------------------------------------------------------------------------------------


def test_nothing_on_the_disk_or_in_a_log_says_who_somebody_is(
    town: Town, suite: Suite, servers: Servers, guide: Client, manager: Client
) -> None:
    # others put the first number where an id belongs, to see what comes of it; this one stands in no id
    number = NUMBERS[3]
    who = person(town, number)
    add(town, who, assignment("AMI_2", D))
    ask(town, "protect_person", guide, person=who, kind="FICTITIOUS")
    reason = "her aunt works with the provider"
    ask(town, "allow_reader", manager, person=who, reader="anna", reason=reason, until="2030-01-01")
    ask(town, "person", guide, person=who)
    town.day("2024-06-01")
    words = [number, number[2:], NAME, *(DETAILS[name] for name in ("email", "phone")), reason, "FICTITIOUS"]
    text = everything(suite, town.name)
    assert who in text
    assert not [one for one in words if holds(text, one)]

    uri = suite.databases["assignment"]
    admin = make_conninfo(servers.pg_admin_uri, dbname=conninfo_to_dict(uri)["dbname"])
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        files = connection.execute(
            "SELECT relname, pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class"
            " WHERE relkind IN ('r', 'i', 't') AND relnamespace::regnamespace::text IN ('public', 'pg_toast')"
        ).fetchall()
    found = {name: bytes(content) for name, content in files}
    assert who.encode() in found["person"]
    for content in found.values():
        assert not [one for one in words if one.encode() in content]
    for service in suite.databases:
        assert not [one for one in words if one in suite.log(service)]


def test_a_fingerprint_of_a_request_cannot_be_made_from_its_number(town: Town, suite: Suite) -> None:
    """Else the number could be found by trying the few that there are."""
    from kundval_chassis import idempotency
    from kundval_chassis.tokens import Caller
    from kundval_contracts.rpc import CallerRole

    request = {"tenant": town.name, "identity_number": NUMBERS[0]}
    town.client.submit("assignment.register_person", request, idempotency_key=f"key-{town.name}").result()
    guess = idempotency.fingerprint(request, Caller("test", CallerRole.SYSTEM, None, "test"))
    with database(suite) as connection:
        row = connection.execute(
            "SELECT request_hash FROM idempotency WHERE key = %s", (f"key-{town.name}",)
        ).fetchone()
    assert row is not None and row[0] != guess


def test_keys_are_changed_in_a_running_town_and_the_old_one_goes_at_last(servers: Servers, tmp_path: Path) -> None:
    old, new = f"old:{secrets.token_hex(32)}", f"new:{secrets.token_hex(32)}"
    keys = {"KUNDVAL_ASSIGNMENT_PERSON_KEYS": old}
    with running(servers, tmp_path, "assignment", settings=keys) as own, own.client() as calls:
        town = Town(calls)
        who = person(town)
        ask(town, "protect_person", calls, person=who, kind="PROTECTED_REGISTRATION")
        ask(town, "allow_reader", calls, person=who, reader="test", reason="is the test", until="2099-01-01")

        def restart(keys: str) -> None:
            assert own.stop("assignment") == 0
            own.settings = {"KUNDVAL_ASSIGNMENT_PERSON_KEYS": keys}
            own.start("assignment")

        restart(f"{new},{old}")
        assert ask(town, "find_person", calls, identity_number=NUMBERS[0])["person"] == who
        assert person(town) == who
        other = person(town, NUMBERS[1])
        assert ask(town, "person", calls, person=who)["name"] == NAME
        assert ask(town, "reseal_persons", calls, limit=1) == {"resealed": 1, "left": 0}
        assert ask(town, "reseal_persons", calls) == {"resealed": 0, "left": 0}
        assert verified(town)["intact"]

        restart(new)
        for one, number in ((who, NUMBERS[0]), (other, NUMBERS[1])):
            assert ask(town, "find_person", calls, identity_number=number)["person"] == one
            assert ask(town, "person", calls, person=one)["identity_number"] == number
        assert ask(town, "readers", calls, person=who)["readers"][0]["reason"] == "is the test"
        # what the old key sealed of the log can no longer be told from what it did not seal
        assert {row["fault"] for row in verified(town)["faults"]} == {"UNKNOWN_KEY"}


@pytest.mark.parametrize(("given", "says"), [(None, "is not set"), ("too-short-a-secret", "at least 32 characters")])
def test_without_keys_the_service_does_not_start_and_names_the_setting(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, given: str | None, says: str
) -> None:
    settings = {"KUNDVAL_ASSIGNMENT_PERSON_KEYS": given or ""}
    monkeypatch.setattr(suite, "settings", {**suite.settings, **settings})
    done = suite.kundval("run", "assignment", apart=True)
    assert done.returncode == 2
    assert f"KUNDVAL_ASSIGNMENT_PERSON_KEYS: {says}" in done.stderr or says in done.stderr
    assert "KUNDVAL_ASSIGNMENT_PERSON_KEYS" in done.stderr
    assert "too-short-a-secret" not in done.stderr


# --- who sees a protected person -------------------------------------------------------------------------

KINDS = ["CONFIDENTIALITY_MARK", "PROTECTED_REGISTRATION", "FICTITIOUS"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_those_named_and_the_provider_in_charge_see_a_protected_person(
    town: Town, suite: Suite, guide: Client, manager: Client, alfa: Client, beta: Client, kind: str
) -> None:
    who = person(town)
    add(town, who, assignment("AMI_2", D, fact("2024-04-01", "mapping_done")))
    town.day("2024-05-01")
    before = ask(town, "explain", guide, assignment="A-1")["rows"]
    ask(town, "protect_person", guide, person=who, kind=kind)

    # whoever is not named, in whatever role: as if there were no such person
    for other in (guide, manager, town.client):
        for method in ("person", "person_history", "export_person", "update_person", "protect_person"):
            fields: dict[str, Any] = {"person": who}
            if method == "update_person":
                fields["name"] = "Anna"
            if method == "protect_person":
                fields["kind"] = kind
            if method == "export_person" and other is guide:
                continue
            hidden = refusal(town, method, other, **fields)
            nobody = refusal(town, method, other, **{**fields, "person": "p-nobody"})
            assert type(hidden) is type(nobody) is NotFound
            assert hidden.message.replace(who, "") == nobody.message.replace("p-nobody", "")
            assert hidden.code == nobody.code
        assert ask(town, "find_person", other, identity_number=NUMBERS[0]) == {"person": None}
        state = ask(town, "state", other, assignment="A-1")
        assert (state["provider"], state["delivery_area"], state["state"]) == ("MASKED", "MASKED", "ACTIVE")
        rows = ask(town, "explain", other, assignment="A-1")["rows"]
        assert "alfa" not in str(rows)
        assert [row["fact"] for row in rows] == [row["fact"] for row in before]
        assert rows[2]["fields"]["provider"] == "MASKED"
        with pytest.raises(NotFound, match="assignment A-1"):
            ask(town, "language", other, assignment="A-1")

    # the provider in charge has to know where its own client is; another one knows nothing
    assert ask(town, "state", alfa, assignment="A-1")["provider"] == "alfa"
    assert ask(town, "language", alfa, assignment="A-1")["languages"] == ["so", "ar"]
    for method in ("state", "language"):
        with pytest.raises(Forbidden):
            ask(town, method, beta, assignment="A-1")

    # named, until the day before the end
    ask(town, "allow_reader", manager, person=who, reader="anna", reason="her case", until="2024-06-01")
    shown = ask(town, "person", guide, person=who)
    assert (shown["name"], shown["marked"]) == (NAME, kind != "FICTITIOUS")
    assert ask(town, "state", guide, assignment="A-1")["provider"] == "alfa"
    assert ask(town, "explain", guide, assignment="A-1")["rows"] == before
    assert ask(town, "person_history", guide, person=who)["assignments"][0]["provider"] == "alfa"
    # a name given to one of the municipality's own is nothing to a provider's staff of the same name
    namesake = suite.client("PROVIDER", subject="anna", organisation="beta", tenant=town.name)
    with namesake, pytest.raises(Forbidden):
        ask(town, "state", namesake, assignment="A-1")
    town.day("2024-05-31")
    assert ask(town, "state", guide, assignment="A-1")["provider"] == "alfa"
    town.day("2024-06-01")
    assert ask(town, "state", guide, assignment="A-1")["provider"] == "MASKED"


def refusal(town: Town, method: str, by: Client, **fields: Any) -> KundvalError:
    with pytest.raises(KundvalError) as caught:
        ask(town, method, by, **fields)
    return caught.value


def test_a_reader_is_revoked_at_once_and_it_stays_known_who_was_named(
    town: Town, suite: Suite, guide: Client, manager: Client
) -> None:
    who = person(town)
    ask(town, "protect_person", guide, person=who, kind="CONFIDENTIALITY_MARK")
    for until in ("2029-01-01", "2030-01-01"):
        ask(town, "allow_reader", manager, person=who, reader="anna", reason="her case", until=until)
    named = ask(town, "readers", manager, person=who)["readers"]
    assert named == [{"reader": "anna", "reason": "her case", "until": "2030-01-01", "named_by": "marta"}]
    assert ask(town, "person", guide, person=who)["name"] == NAME
    assert ask(town, "revoke_reader", manager, person=who, reader="anna") == {"revoked": True}
    assert ask(town, "revoke_reader", manager, person=who, reader="anna") == {"revoked": False}
    with pytest.raises(NotFound):
        ask(town, "person", guide, person=who)
    with pytest.raises(Forbidden) as refused:
        ask(town, "allow_reader", guide, person=who, reader="anna", reason="my own", until="2030-01-01")
    assert refused.value.code == "ROLE_NOT_ALLOWED"
    with database(suite) as connection:
        rows = connection.execute(
            "SELECT reader, revoked_by FROM protection_reader WHERE person = %s ORDER BY reading", (who,)
        ).fetchall()
    assert rows == [("anna", "marta"), ("anna", "marta")]


def test_a_provider_that_a_protected_client_has_left_sees_no_whereabouts(
    town: Town, guide: Client, alfa: Client, beta: Client
) -> None:
    who = person(town)
    switch = fact("2024-06-01", "provider_switch", provider="beta", approved=True)
    add(town, who, assignment("AMI_2", D, switch))
    ask(town, "protect_person", guide, person=who, kind="PROTECTED_REGISTRATION")
    town.day("2024-07-01")
    assert ask(town, "state", alfa, assignment="A-1")["provider"] == "MASKED"
    assert ask(town, "state", beta, assignment="A-1")["provider"] == "beta"
    with pytest.raises(Forbidden):
        ask(town, "language", alfa, assignment="A-1")


def test_the_bus_is_told_when_a_protection_begins_and_when_it_ends(town: Town, suite: Suite, guide: Client) -> None:
    who = person(town)
    add(town, who, bare("AMI_2"))
    town.day("2024-05-01")
    ask(town, "protect_person", guide, person=who, kind="FICTITIOUS", since="2024-05-03", until="2024-05-05")
    told: list[tuple[str, bool]] = []

    def restricted() -> list[tuple[str, bool]]:
        with database(suite) as connection:
            rows = connection.execute(
                "SELECT subject, data -> 'restricted' FROM event"
                " WHERE tenant = %s AND name = 'assignment.protection_changed' ORDER BY sequence",
                (town.name,),
            ).fetchall()
        return [(subject, value) for subject, value in rows]

    for day, more in (
        ("2024-05-02", []),
        ("2024-05-03", [("A-1", True)]),
        ("2024-05-04", []),
        ("2024-05-05", [("A-1", False)]),
    ):
        town.day(day)
        told += more
        assert restricted() == told, day
    # a protection that holds at once, and an assignment that comes later
    ask(town, "protect_person", guide, person=who, kind="CONFIDENTIALITY_MARK")
    add(town, who, bare("AMI_1", name="A-2"))
    assert restricted() == [*told, ("A-1", True), ("A-2", True)]
    text = str(town.client.call("assignment.positions", tenant=town.name))
    assert "FICTITIOUS" not in text


# --- a person's assignments ------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-53", "NACKA-21")
def test_the_history_of_a_person_shows_all_assignments_and_which_ran_together(town: Town, guide: Client) -> None:
    who = person(town)
    left = exited("2024-04-10", "DISCONTINUED")
    add(town, who, assignment("AMI_1", "2024-03-01", left, name="A-1"))
    add(town, who, assignment("AMI_2", "2024-05-02", name="A-2"))
    add(town, who, assignment("JOBBPENG_BASIC", "2024-05-20", name="A-3"))
    add(town, who, bare("AMI_2", name="A-4"))
    add(town, person(town, NUMBERS[1]), assignment("AMI_2", D, name="B-1"))
    town.day("2024-05-28")
    rows = ask(town, "person_history", guide, person=who)["assignments"]
    assert [row["assignment"] for row in rows] == ["A-1", "A-2", "A-3", "A-4"]
    assert [(row["start"], row["end"], row["days"], row["exit_kind"]) for row in rows] == [
        ("2024-03-01", "2024-04-10", 40, "DISCONTINUED"),
        ("2024-05-02", None, 27, None),
        ("2024-05-20", None, 9, None),
        (None, None, None, None),
    ]
    assert [row["simultaneous"] for row in rows] == [[], ["A-3"], ["A-2"], []]
    assert [row["provider"] for row in rows] == ["alfa", "alfa", "alfa", None]
    assert [row["state"] for row in rows] == ["CLOSED", "ACTIVE", "ACTIVE", "IN_ASSESSMENT"]


@pytest.mark.rule("AF-SOM-17")
def test_a_provider_is_told_in_which_languages_its_client_can_be_met(town: Town, alfa: Client, guide: Client) -> None:
    who = person(town)
    add(town, who, assignment("AMI_2", D))
    add(town, None, assignment("AMI_2", D, name="A-2"))
    assert ask(town, "language", alfa, assignment="A-1", offered=["sv", "en"]) == {
        "assignment": "A-1",
        "swedish_ok": False,
        "language": "so",
        "languages": ["so", "ar"],
        "served": False,
        "rules": ["AF-SOM-17"],
    }
    assert ask(town, "language", guide, assignment="A-1", offered=["ar"])["served"] is True
    with pytest.raises(NotFound, match="assignment A-2"):
        ask(town, "language", alfa, assignment="A-2")


# --- the access log --------------------------------------------------------------------------------------


def test_every_look_at_a_person_is_entered_with_who_why_and_what_was_seen(
    town: Town, guide: Client, manager: Client, alfa: Client
) -> None:
    who = person(town)
    add(town, who, assignment("AMI_2", D))
    ask(town, "person", guide, person=who)
    ask(town, "find_person", guide, identity_number=NUMBERS[0])
    ask(town, "state", alfa, assignment="A-1")
    ask(town, "protect_person", manager, person=who, kind="FICTITIOUS")
    ask(town, "state", guide, assignment="A-1")
    with pytest.raises(NotFound):
        ask(town, "person", guide, person=who)
    ask(town, "find_person", guide, identity_number=NUMBERS[0])
    rows = entries(town, person=who)
    assert [(row["actor"], row["method"].partition(".")[2], row["outcome"]) for row in rows] == [
        ("test", "register_person", "SHOWN"),
        ("anna", "person", "SHOWN"),
        ("anna", "find_person", "SHOWN"),
        # whoever asks is not a reader: that alfa looked would say where the person is
        ("MASKED", "state", "SHOWN"),
        ("marta", "protect_person", "SHOWN"),
        ("anna", "state", "MASKED"),
        ("anna", "person", "REFUSED"),
        ("anna", "find_person", "MASKED"),
    ]
    assert [row["n"] for row in rows] == list(range(1, 9))
    assert rows[1]["purpose"] == PURPOSE
    assert rows[1]["role"] == "CAREER_GUIDE"
    assert rows[3]["subjects"] == ["assignment:A-1", f"person:{who}"]
    assert (rows[3]["organisation"], rows[3]["purpose"]) == ("MASKED", "MASKED")
    assert {row["n"] for row in entries(town, actor="marta")} == {5}
    assert entries(town, assignment="A-1") == [rows[3], rows[5]]
    # the look at the log is entered too
    assert ask(town, "access_log", town.client)["entries"][0]["method"] == "assignment.access_log"
    assert ask(town, "access_log", town.client, before=3, limit=1)["entries"][0]["n"] == 2
    with pytest.raises(Forbidden):
        ask(town, "access_log", guide)
    assert verified(town)["intact"]


def test_without_a_purpose_nothing_about_a_person_is_shown(town: Town, suite: Suite) -> None:
    who = person(town)
    town.register(bare("AMI_2"))
    for purpose in (None, " "):
        with suite.client("CAREER_GUIDE", subject="curious", purpose=purpose) as caller:
            for method, fields in (("person", {"person": who}), ("state", {"assignment": "A-1"})):
                with pytest.raises(Forbidden) as refused:
                    ask(town, method, caller, **fields)
                assert refused.value.code == "PURPOSE_MISSING"
            # what is about nobody needs none
            assert ask(town, "summary", caller)["assignments"] == 1
    rows = entries(town, actor="curious")
    assert [(row["outcome"], row["subjects"]) for row in rows] == [
        ("REFUSED", [f"person:{who}"]),
        ("REFUSED", ["assignment:A-1"]),
    ] * 2


def test_who_asks_without_a_right_is_entered(town: Town, suite: Suite, beta: Client) -> None:
    who = person(town)
    add(town, who, assignment("AMI_2", D))
    with suite.client("CONTROLLER", subject="cora") as controller, pytest.raises(Forbidden):
        ask(town, "person", controller, person=who)
    with pytest.raises(Forbidden):
        ask(town, "state", beta, assignment="A-1")
    with pytest.raises(NotFound):
        ask(town, "person", town.client, person=NUMBERS[0])
    rows = entries(town)[1:]
    assert [(row["actor"], row["outcome"], row["subjects"]) for row in rows] == [
        ("cora", "REFUSED", [f"person:{who}"]),
        ("rival", "REFUSED", ["assignment:A-1"]),
        # somebody put a number in place of an id: it must not stand where nothing can be taken out again
        ("test", "REFUSED", []),
    ]


def test_a_command_that_is_repeated_is_entered_again(town: Town) -> None:
    request = {"tenant": town.name, "identity_number": NUMBERS[0]}
    answers = [
        town.client.submit("assignment.register_person", request, idempotency_key=f"again-{town.name}").result()
        for _ in range(3)
    ]
    assert answers[0] == answers[1] == answers[2]
    rows = entries(town)
    assert [row["subjects"] for row in rows] == [[f"person:{answers[0]['person']}"]] * 3
    assert verified(town)["intact"]


def test_what_cannot_be_entered_is_not_shown_and_not_done(servers: Servers, tmp_path: Path) -> None:
    with running(servers, tmp_path, "assignment") as own, own.client() as calls:
        town = Town(calls)
        who = person(town)
        with database(own) as connection:
            connection.execute("ALTER TABLE access_log RENAME TO access_log_away")
            for method, fields in (
                ("person", {"person": who}),
                ("find_person", {"identity_number": NUMBERS[0]}),
                ("person", {"person": "p-nobody"}),
                ("update_person", {"person": who, "name": "Other Name"}),
            ):
                with pytest.raises(Unavailable) as refused:
                    calls.call(f"assignment.{method}", tenant=town.name, retry=False, **fields)
                assert refused.value.code == "ACCESS_LOG_UNAVAILABLE"
            connection.execute("ALTER TABLE access_log_away RENAME TO access_log")
        assert ask(town, "person", calls, person=who)["name"] == NAME
        assert [row["method"] for row in entries(town)] == ["assignment.register_person", "assignment.person"]


def test_looks_at_the_same_time_are_all_in_one_chain(town: Town, suite: Suite) -> None:
    who = person(town)

    def look(number: int) -> None:
        with suite.client("CAREER_GUIDE", subject=f"guide-{number}") as caller:
            for _ in range(10):
                ask(town, "person", caller, person=who)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verified(town)["entries"] == 81
    assert verified(town)["intact"]
    for number in range(8):
        assert len(entries(town, actor=f"guide-{number}")) == 10


@pytest.fixture
def log(town: Town, suite: Suite, guide: Client) -> Iterator[psycopg.Connection[Any]]:
    """A log with five entries, and the hands of somebody who has the whole database but not the keys."""
    who = person(town)
    for _ in range(4):
        ask(town, "person", guide, person=who)
    with database(suite) as connection:
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_log SET actor = 'nobody' WHERE tenant = %s AND n = 3",
        "DELETE FROM access_log WHERE tenant = %s",
        "UPDATE access_log_cut SET n = 1 WHERE tenant = %s",
        "DELETE FROM access_log_told WHERE tenant = %s",
        "TRUNCATE access_log",
    ],
)
def test_the_database_refuses_to_change_the_log(town: Town, log: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation):
        log.execute(statement, (town.name,) if "%s" in statement else None)
    assert verified(town)["entries"] == 5


@pytest.mark.parametrize(
    ("statements", "faults"),
    [
        (["UPDATE access_log SET actor = 'nobody' WHERE tenant = %(t)s AND n = 3"], [(3, "CHANGED")]),
        (["UPDATE access_log SET purpose = NULL WHERE tenant = %(t)s AND n = 2"], [(2, "CHANGED")]),
        (["UPDATE access_log SET subjects = '{}' WHERE tenant = %(t)s AND n = 5"], [(5, "CHANGED")]),
        (["UPDATE access_log SET at = at - interval '1 microsecond' WHERE tenant = %(t)s AND n = 1"], [(1, "CHANGED")]),
        (["DELETE FROM access_log WHERE tenant = %(t)s AND n = 3"], [(3, "MISSING")]),
        (["DELETE FROM access_log WHERE tenant = %(t)s AND n = 1"], [(1, "MISSING")]),
        # removed and the rest moved up
        (
            [
                "DELETE FROM access_log WHERE tenant = %(t)s AND n = 4",
                "UPDATE access_log SET n = 4 WHERE tenant = %(t)s AND n = 5",
            ],
            [(4, "CHANGED"), (4, "MISPLACED")],
        ),
        # inserted between two, with the seal of another
        (
            [
                "UPDATE access_log SET n = n + 100 WHERE tenant = %(t)s AND n > 3",
                "UPDATE access_log SET n = n - 99 WHERE tenant = %(t)s AND n > 100",
                "INSERT INTO access_log SELECT tenant, 4, at, 'nobody', role, organisation, purpose, method, subjects,"
                " outcome, key_id, previous, mac FROM access_log WHERE tenant = %(t)s AND n = 3",
            ],
            # the one after the false entry still follows the seal that it copied
            [(4, "CHANGED"), (4, "MISPLACED"), (5, "CHANGED"), (6, "CHANGED")],
        ),
        # taken for erased after its time
        (
            [
                "INSERT INTO access_log_cut SELECT tenant, n, mac, at, key_id, mac FROM access_log"
                " WHERE tenant = %(t)s AND n = 2",
                "DELETE FROM access_log WHERE tenant = %(t)s AND n <= 2",
            ],
            [(2, "CHANGED")],
        ),
    ],
)
def test_whoever_tampers_with_the_log_is_found_out(
    town: Town, log: psycopg.Connection[Any], statements: list[str], faults: list[tuple[int, str]]
) -> None:
    with log.transaction():
        log.execute("ALTER TABLE access_log DISABLE TRIGGER USER")
        for statement in statements:
            log.execute(statement, {"t": town.name})
        log.execute("ALTER TABLE access_log ENABLE TRIGGER USER")
    found = verified(town)
    assert not found["intact"]
    assert [(row["n"], row["fault"]) for row in found["faults"]] == faults


def test_a_log_that_has_lost_its_end_is_known_by_what_was_told_when_the_day_opened(
    town: Town, suite: Suite, log: psycopg.Connection[Any]
) -> None:
    heard: list[Event] = []
    listening = threading.Event()

    def listen() -> None:
        for event in town.client.events(["assignment"], timeout=15, ready=listening.set):
            if event.tenant == town.name and event.name == "assignment.access_log_sealed":
                heard.append(event)
                return

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(10)
    town.day("2024-06-01")
    thread.join()
    [sealed] = heard
    assert sealed.data["entries"] == 5
    assert sealed.data["head"] == verified(town)["head"]
    # told once: the next day has nothing new
    town.day("2024-06-02")
    count = log.execute("SELECT count(*) FROM access_log_told WHERE tenant = %s", (town.name,)).fetchone()
    assert count == (1,)

    known = ("--entries", str(sealed.data["entries"]), "--head", sealed.data["head"])
    good = suite.kundval("access-log", "verify", "--tenant", town.name, *known)
    assert good.stdout.splitlines()[:1] == ["intact: 5 entries, 1 to 5"], good.stderr
    assert good.returncode == 0
    with log.transaction():
        for table in ("access_log", "access_log_told"):
            log.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        log.execute("DELETE FROM access_log WHERE tenant = %s AND n > 3", (town.name,))
        log.execute("DELETE FROM access_log_told WHERE tenant = %s", (town.name,))
        for table in ("access_log", "access_log_told"):
            log.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    # nothing in the database speaks of it any more
    assert verified(town)["intact"]
    bad = suite.kundval("access-log", "verify", "--tenant", town.name, *known)
    assert (bad.returncode, bad.stdout.strip()) == (1, "entry 5 is not there any more")
    wrong = suite.kundval("access-log", "verify", "--tenant", town.name, "--entries", "2", "--head", "0" * 64)
    assert (wrong.returncode, wrong.stdout.strip()) == (1, "entry 2 is not the one that was told of before")
    with pytest.raises(InvalidRequest):
        verified(town, entries=5)


# --- everything about one person -------------------------------------------------------------------------

TEXTS = {
    "deviation_reason": "she was ill with pneumonia",
    "schedule": "mornings at the warehouse",
    "by": "Inspector Larsson",
}


def full_life(name: str = "A-1") -> dict[str, Any]:
    """An assignment that is over, with words in several facts."""
    return assignment(
        "AMI_2",
        D,
        fact("2024-04-01", "mapping_done"),
        fact(
            "2024-04-10",
            "placement_started",
            workplace="W9",
            hours_per_week=10,
            signatures=["CLIENT", "PROVIDER", "EMPLOYER"],
            agreement={"schedule": TEXTS["schedule"], "tasks": "stock", "follow_up": "weekly"},
        ),
        fact("2024-04-15", "monthly_report", month=1, extent_pct=50, deviation_reason=TEXTS["deviation_reason"]),
        fact("2024-05-02", "manual_decision", about="SWITCH", approved=True, by=TEXTS["by"]),
        fact("2024-05-03", "bip_assessed", scores={"health": 2, "words": "feels low"}),
        exited("2024-06-20", "DISCONTINUED"),
        name=name,
    )


def columns(suite: Suite) -> set[str]:
    """Tables with rows of assignments or persons, as the database says."""
    with database(suite) as connection:
        rows = connection.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND column_name IN ('assignment', 'person')"
        ).fetchall()
    return {name for (name,) in rows}


def test_the_export_holds_every_row_about_a_person_and_none_about_another(
    town: Town, suite: Suite, guide: Client, manager: Client
) -> None:
    who, other = person(town), person(town, NUMBERS[1], name="Somebody Else")
    add(town, who, full_life())
    add(town, other, assignment("AMI_2", D, name="B-1"))
    ask(town, "person", guide, person=who)
    ask(town, "protect_person", guide, person=who, kind="CONFIDENTIALITY_MARK", until="2099-01-01")
    ask(town, "allow_reader", manager, person=who, reader="marta", reason="gives it out", until="2030-01-01")
    with pytest.raises(Forbidden):
        ask(town, "export_person", guide, person=who)
    found = ask(town, "export_person", manager, person=who)
    assert set(found["tables"]) == columns(suite)
    with database(suite) as connection:
        for table, rows in found["tables"].items():
            names = connection.execute(
                "SELECT array_agg(column_name::text) FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = %s AND column_name IN ('assignment', 'person')",
                (table,),
            ).fetchone()
            assert names is not None
            where = " OR ".join(f"{name} = ANY(%s)" for name in names[0])
            count = connection.execute(
                f'SELECT count(*) FROM "{table}" WHERE tenant = %s AND ({where})',
                (town.name, *([["A-1", who]] * len(names[0]))),
            ).fetchone()
            assert count == (len(rows),), table
    assert (found["person"]["name"], found["person"]["identity_number"]) == (NAME, NUMBERS[0])
    assert found["protections"] == [{"kind": "CONFIDENTIALITY_MARK", "since": None, "until": "2099-01-01"}]
    assert [row["assignment"] for row in found["history"]] == ["A-1"]
    assert found["tables"]["protection_reader"][0]["reason"] == "gives it out"
    stated = found["tables"]["stated_fact"]
    assert len(stated) == len(full_life()["facts"])
    for text in TEXTS.values():
        assert text in str(stated)
    assert [row["in_effect"] for row in stated]
    assert {row["method"] for row in found["access_log"]} >= {"assignment.register_person", "assignment.person"}
    assert "B-1" not in str(found) and other not in str(found) and "Somebody Else" not in str(found)
    with pytest.raises(NotFound):
        ask(town, "export_person", manager, person="p-nobody")


def test_every_table_with_rows_of_assignments_or_persons_says_what_becomes_of_them(suite: Suite, town: Town) -> None:
    assert set(HOLDINGS) == columns(suite)
    assert all(one.why for one in HOLDINGS.values())


# --- how long anything is kept ---------------------------------------------------------------------------


def keeping(**kept: int) -> dict[str, Any]:
    return {**caseload()["settings"], **{f"retention.{name}": days for name, days in kept.items()}}


ALL_KEYS = sorted(kind.setting for kind in RecordKind)


def test_without_a_word_on_how_long_nothing_is_erased_and_the_keys_are_named(
    town: Town, suite: Suite, manager: Client
) -> None:
    who = person(town)
    add(town, who, full_life())
    town.day("2060-01-01")
    before = everything(suite, town.name)
    due = ask(town, "erase_due", manager)
    assert (sorted(due["unset"]), due["due"]) == (ALL_KEYS, [])
    done = ask(town, "erase", manager)
    assert (sorted(done["unset"]), done["erased"], done["kept"]) == (ALL_KEYS, {}, [])
    assert ask(town, "person", manager, person=who)["name"] == NAME
    after = everything(suite, town.name)
    assert [row for row in before.splitlines() if "access_log" not in row and row not in after] == []


def test_words_go_on_their_day_and_not_before_and_what_was_judged_stays_judged(
    town: Town, suite: Suite, manager: Client
) -> None:
    add(town, person(town), full_life())
    add(town, None, assignment("AMI_2", "2024-06-01", name="A-2"))
    town.open(settings=keeping(facts_texts=300))
    # the period ends a year after the decision, on 2025-03-15, later than the last fact
    town.day("2026-01-08")
    assert ask(town, "erase_due", manager)["due"] == []
    assert ask(town, "erase", manager)["erased"] == {}
    before = town.states("A-1")
    town.day("2026-01-09")
    row = {"kind": "FACTS_TEXTS", "person": None, "assignment": "A-1", "expired": "2026-01-09", "count": 1}
    due = ask(town, "erase_due", manager)
    assert (due["due"], len(due["unset"])) == ([row], 4)
    text = everything(suite, town.name)
    assert [one for one in (*TEXTS.values(), "feels low") if not holds(text, one)] == []
    done = ask(town, "erase", manager)
    assert done["erased"] == {"FACTS_TEXTS": 1}
    assert done["kept"] == []
    text = everything(suite, town.name)
    assert [one for one in (*TEXTS.values(), "feels low", "stock", '"health"') if holds(text, one)] == []
    assert ask(town, "erase_due", manager)["due"] == []
    # all judged anew, and nothing has changed
    published = town.client.call("assignment.positions", tenant=town.name)["published"]
    town.open(settings=keeping(facts_texts=300))
    assert town.client.call("assignment.positions", tenant=town.name)["published"] == published + 1
    assert town.states("A-1") == before
    assert [row["in_effect"] for row in before["facts"]] == [row["in_effect"] for row in town.states("A-1")["facts"]]


def test_a_person_goes_with_all_that_says_who_it_was_when_the_last_assignment_has_been_kept(
    town: Town, suite: Suite, manager: Client
) -> None:
    who, waiting = person(town), person(town, NUMBERS[1], name="Still Here")
    document = full_life()
    document["client"]["birth_date"] = "1987-06-05"
    add(town, who, document)
    add(town, waiting, assignment("AMI_2", D, name="B-1"))
    ask(town, "protect_person", manager, person=who, kind="FICTITIOUS")
    ask(town, "allow_reader", manager, person=who, reader="marta", reason="her aunt", until="2099-01-01")
    evidence = secrets.token_hex(20)
    with database(suite) as connection:
        connection.execute(
            "INSERT INTO document (tenant, assignment, document, code, type, author, size, sha256, scan, content)"
            " VALUES (%s, 'A-1', 'd-1', 'OTHER', 'TEXT', 'anna', 40, 'x', 'NOT_SCANNED', %s)",
            (town.name, evidence.encode()),
        )
        connection.execute(
            "INSERT INTO shown_results (tenant, snapshot, assignment, made_for, on_day, content, sha256)"
            " VALUES (%s, 's-1', 'A-1', 'CHOICE', '2024-03-15', 'what was shown', 'x')",
            (town.name,),
        )
    town.open(settings=keeping(person=365, snapshots=400))
    town.day("2026-03-14")
    assert ask(town, "erase_due", manager)["due"] == []
    town.day("2026-03-15")
    due = ask(town, "erase_due", manager)["due"]
    # the other's assignment has run out too, but is not finished: somebody has to look at it
    assert [(row["kind"], row["person"], row["expired"]) for row in due] == [("PERSON", who, "2026-03-15")]
    text = everything(suite, town.name)
    assert holds(text, evidence)
    erased = ask(town, "erase", manager)["erased"]
    assert erased == {"PERSON": 1}
    text = everything(suite, town.name)
    gone = [*TEXTS.values(), "feels low", evidence, "1987-06-05"]
    assert [one for one in gone if holds(text, one)] == []
    with database(suite) as connection:
        row = connection.execute(
            "SELECT identity, search, details, key_id, erased_at IS NOT NULL FROM person WHERE person = %s", (who,)
        ).fetchone()
    assert row == (None, None, None, None, True)
    with pytest.raises(NotFound):
        ask(town, "person", manager, person=who)
    assert ask(town, "find_person", manager, identity_number=NUMBERS[0]) == {"person": None}
    assert person(town) != who
    assert ask(town, "person", manager, person=waiting)["name"] == "Still Here"
    # what money rests on is still there, and still masked
    assert len(town.states("A-1")["facts"]) == len(document["facts"])
    assert town.states("A-1")["provider"] == "MASKED"
    published = town.client.call("assignment.positions", tenant=town.name)["published"]
    town.open(settings=keeping(person=365, snapshots=400))
    assert town.client.call("assignment.positions", tenant=town.name)["published"] == published + 1
    assert holds(text, "what was shown")
    town.day("2026-04-19")
    assert ask(town, "erase", manager)["erased"] == {"SNAPSHOTS": 1}
    assert not holds(everything(suite, town.name), "what was shown")


def test_the_oldest_entries_of_the_access_log_go_and_the_rest_is_still_a_chain(
    town: Town, suite: Suite, guide: Client, manager: Client
) -> None:
    who = person(town)
    for _ in range(3):
        ask(town, "person", guide, person=who)
    town.day("2024-06-01")
    # entries bear the time of the machine; the business date of the test runs ahead of it
    town.open(settings=keeping(access_log=30))
    assert ask(town, "erase_due", manager)["due"] == []
    town.day("2100-01-01")
    [due] = ask(town, "erase_due", manager)["due"]
    assert (due["kind"], due["count"]) == ("ACCESS_LOG", 4)
    head = verified(town)["head"]
    assert ask(town, "erase", manager)["erased"] == {"ACCESS_LOG": 4}
    assert not holds(everything(suite, town.name), PURPOSE)
    looked = verified(town)
    assert (looked["intact"], looked["first"], looked["entries"], looked["head"]) == (True, 5, 4, head)
    ask(town, "person", guide, person=who)
    looked = verified(town)
    assert (looked["intact"], looked["first"], looked["entries"]) == (True, 5, 5)
    done = suite.kundval("access-log", "verify", "--tenant", town.name)
    assert done.stdout.splitlines()[:1] == ["intact: 1 entries, 5 to 5"], done.stderr


def test_tokens_of_the_tests_say_what_for(suite: Suite) -> None:
    """A test that forgot it would only find that nothing is shown."""
    assert Tokens(suite.key).read(Tokens(suite.key).mint("SYSTEM", purpose="test")).purpose == "test"
