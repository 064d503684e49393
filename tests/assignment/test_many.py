"""What keeps the service quick with many assignments answers as before: reading facts back, pages, linking in bulk."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_assignment.store import paged
from kundval_chassis.held import reader
from kundval_contracts.codes import FactKind
from kundval_contracts.errors import NotFound
from kundval_contracts.facts import FACT_SCHEMAS
from tests.acceptance import builders
from tests.contracts import fact_values as values
from tests.suite import Suite, Town, client, suite, town

from . import lives

assert client and suite and town

DAYS = st.dates(date(2024, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize("kind", list(FactKind))
@settings(max_examples=15)
@given(data=st.data())
def test_the_fields_of_a_stored_fact_are_read_back_as_their_schema_reads_them(
    kind: FactKind, data: st.DataObject
) -> None:
    schema = FACT_SCHEMAS[kind]
    stored = schema.dump(schema.load(data.draw(values.rows(kind, DAYS))))
    assert reader(schema)(stored) == schema.load(stored)


@pytest.mark.parametrize(
    ("one", "after", "condition"),
    [
        (None, None, ""),
        ("A", None, " AND assignment = %(one)s"),
        (None, "A", " AND assignment > %(after)s"),
        ("A", "B", " AND assignment = %(one)s AND assignment > %(after)s"),
    ],
)
def test_a_page_asks_for_nothing_but_what_is_wanted(one: str | None, after: str | None, condition: str) -> None:
    assert paged(one, after) == condition


def register(town: Town, *rows: dict[str, Any]) -> dict[str, Any]:
    return dict(town.client.call("assignment.register", tenant=town.name, assignments=list(rows)))


def registration(name: str, person: str | None = None) -> dict[str, Any]:
    return {
        "id": name,
        "programme": "AMI_2",
        "client": builders.client(work_ability_pct=60),
        "plan": None,
        "person": person,
    }


def test_one_of_many_clients_is_found_wherever_it_stands_and_pages_are_full(suite: Suite, town: Town) -> None:
    names = [f"A-{number}" for number in range(6)]
    hidden = town.client.call("assignment.register_person", tenant=town.name)["person"]
    register(town, *(registration(name, hidden if name == "A-1" else None) for name in names))
    for name in names:
        town.state(name, *lives.OFFERED)
    town.client.call("assignment.protect_person", tenant=town.name, person=hidden, kind="FICTITIOUS")

    def page(by: Any = None, **fields: Any) -> tuple[list[str], str | None]:
        call = (by or town.client).call
        answer = call("assignment.assignments", tenant=town.name, provider="alfa", **fields)
        return [row["assignment"] for row in answer["assignments"]], answer["next"]

    assert page(limit=1, assignment="A-5")[0] == ["A-5"]
    # the filter does not tell the municipality where a protected person is, and leaves no gap
    assert page(limit=2) == (["A-0", "A-2"], "A-2")
    assert page(limit=2, after="A-2") == (["A-3", "A-4"], "A-4")
    assert page(limit=1, assignment="A-1")[0] == []
    with suite.client("PROVIDER", organisation="alfa", tenant=town.name) as alfa:
        assert page(alfa, limit=3) == (["A-0", "A-1", "A-2"], "A-2")
        assert page(alfa, limit=1, assignment="A-5")[0] == ["A-5"]


def test_persons_of_many_assignments_are_linked_together_and_protected_ones_kept_restricted(
    suite: Suite, town: Town
) -> None:
    people = [town.client.call("assignment.register_person", tenant=town.name)["person"] for _ in range(3)]
    town.client.call("assignment.protect_person", tenant=town.name, person=people[1], kind="CONFIDENTIALITY_MARK")
    rows = [registration(f"A-{number}", one) for number, one in enumerate(people)]
    assert register(town, *rows) == {"registered": 3}
    # the same again changes nothing, and a person that there is not is refused before anything is stored
    assert register(town, *rows) == {"registered": 0}
    with pytest.raises(NotFound, match="person p-none"):
        register(town, registration("A-9", "p-none"), registration("A-8", people[0]))
    with psycopg.connect(suite.databases["assignment"]) as connection:
        linked = connection.execute(
            "SELECT assignment, person FROM assignment WHERE tenant = %s ORDER BY assignment", (town.name,)
        ).fetchall()
        restricted = connection.execute(
            "SELECT subject FROM restricted_subject WHERE tenant = %s AND restricted", (town.name,)
        ).fetchall()
    assert linked == [(f"A-{number}", one) for number, one in enumerate(people)]
    assert restricted == [("A-1",)]


def test_a_day_that_only_makes_a_report_late_tells_that_and_leaves_the_judgement(suite: Suite, town: Town) -> None:
    town.open(settings=builders.caseload()["settings"] | {"monthly_report.due_day": 7})
    register(town, registration("A-1"))
    town.state("A-1", *lives.ACTIVE)

    def told() -> list[str]:
        with psycopg.connect(suite.databases["assignment"]) as connection:
            rows = connection.execute(
                "SELECT name FROM event WHERE tenant = %s AND subject = 'A-1' ORDER BY sequence", (town.name,)
            ).fetchall()
        return [name for (name,) in rows]

    town.day("2024-04-01")
    before = told()
    # the first month runs to 2024-04-14, its report is due a week later
    town.day("2024-04-21")
    assert told() == before
    town.day("2024-04-22")
    assert told() == [*before, "assignment.report_overdue"]
    town.state("A-1", builders.fact("2024-04-22", "contact"))
    assert told() == [*before, "assignment.report_overdue", "assignment.contact"]
