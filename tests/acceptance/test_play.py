"""What the running suite holds is what the pure cores say: byte for byte, whatever the order of arrival."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from random import Random
from typing import Any

import psycopg
import pytest

from kundval_chassis import play as playing
from kundval_chassis.play import play
from kundval_chassis.present import as_json
from kundval_chassis.sample import make
from kundval_chassis.simulate import outcomes, simulate
from kundval_contracts.caseload import Caseload, read
from kundval_contracts.client import Client
from kundval_contracts.codes import Programme
from kundval_contracts.notices import CASELOAD_NOTICES
from tests.acceptance.examples import worked_examples
from tests.programmes import steget, the_step
from tests.suite import Suite, client, give_mailboxes, suite

__all__ = ["client", "steget", "suite"]

#: A selection: one example of each kind of consequence.
SELECTION = (
    "WE-02",
    "WE-05",
    "WE-07",
    "WE-10",
    "WE-16",
    "WE-18",
    "WE-21",
    "WE-23",
    "WE-24",
    "WE-25",
    "WE-27",
    "WE-36",
    "WE-38 exit on the first",
    "WE-40",
    "WE-42 exit on the first",
)


def both(caseload: Caseload, client: Client) -> tuple[str, str]:
    return as_json(play(caseload, client)), as_json(simulate(caseload))


def some_of_the_sample(seed: int, most: int = 12) -> Caseload:
    """A few assignments of a large sample, seen from a day of its two years, with a few payment runs."""
    random = Random(seed)
    document = make(seed=seed, residents=100)
    document["assignments"] = random.sample(document["assignments"], random.randint(1, most))
    document["payment_runs"] = random.sample(document["payment_runs"], random.randint(0, 5))
    document["as_of"] = random.choice(["2024-07-15", "2024-12-31", "2025-02-28", "2025-10-01", "2026-01-31"])
    return read(document)


@pytest.mark.parametrize("number", SELECTION)
def test_a_worked_example_played_through_the_suite_is_what_simulate_says(client: Client, number: str) -> None:
    found = [one for one in worked_examples() if one.id.startswith(number)]
    assert found, f"there is no example {number}"
    played, simulated = both(read(json.loads(json.dumps(found[0].caseload, default=str))), client)
    assert played == simulated


def test_a_sample_of_a_year_played_through_the_suite_is_what_simulate_says(client: Client) -> None:
    caseload = read(make(seed=7, residents=24))
    played, simulated = both(caseload, client)
    assert played == simulated
    answer: dict[str, Any] = json.loads(played)
    assert answer["postings"] and answer["obligations"] and answer["notices"]


@pytest.mark.parametrize("seed", range(6))
def test_any_part_of_any_sample_on_any_day_is_what_simulate_says(client: Client, seed: int) -> None:
    played, simulated = both(some_of_the_sample(seed), client)
    assert played == simulated


@pytest.mark.parametrize("seed", range(6, 10))
def test_the_order_in_which_facts_are_stated_changes_nothing(
    client: Client, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)

    def anyhow(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
        left = random.sample(rows, len(rows))
        while left:
            cut = random.randint(1, min(size, 40))
            yield left[:cut]
            left = left[cut:]

    monkeypatch.setattr(playing, "_chunks", anyhow)
    played, simulated = both(some_of_the_sample(seed), client)
    assert played == simulated


@pytest.mark.rule("NACKA-10", "NACKA-11")
def test_a_programme_that_only_a_tariff_file_knows_is_played_like_the_others(client: Client, steget: Programme) -> None:
    played, simulated = both(read(the_step()), client)
    assert played == simulated
    assert {"RESULT", "RESULT_BONUS"} <= {row["kind"] for row in json.loads(played)["postings"]}


def test_the_same_file_can_be_played_twice(client: Client) -> None:
    caseload = some_of_the_sample(20)
    assert play(caseload, client) == play(caseload, client)


def test_two_plays_at_once_do_not_disturb_each_other(suite: Suite) -> None:
    caseloads = [some_of_the_sample(seed) for seed in (21, 22, 21)]

    def one(caseload: Caseload) -> str:
        with suite.client() as client:
            return as_json(play(caseload, client))

    with ThreadPoolExecutor(3) as pool:
        played = list(pool.map(one, caseloads))
    assert played == [as_json(simulate(caseload)) for caseload in caseloads]


def test_every_message_is_in_the_folder_once_and_says_nothing_about_the_client(client: Client, suite: Suite) -> None:
    caseload = read(make(seed=9, residents=12))
    give_mailboxes(client, "once", caseload.providers)
    play(caseload, client, tenant="once")
    files = sorted((suite.messages / "once").iterdir())
    assert {file.suffix for file in files} == {".eml"}
    summary = client.call("notifications.summary", tenant="once")
    with psycopg.connect(suite.databases["notifications"]) as connection:
        [(dispatches, notices, once)] = connection.execute(
            "SELECT count(DISTINCT dispatch), count(*), count(DISTINCT notice)"
            " FROM dispatch_notice JOIN dispatch USING (dispatch) WHERE tenant = 'once' AND state = 'SENT'"
        ).fetchall()
    assert len(files) == dispatches > 0
    assert notices == once == summary["channels"]["EMAIL"]
    births = {one.client.birth_date.isoformat() for one in caseload.assignments}
    assert not any(birth in file.read_text() for birth in births for file in files)


def test_a_message_is_only_sent_if_it_had_its_reason_on_a_business_date(client: Client, suite: Suite) -> None:
    caseload = read(make(seed=10, residents=9))
    play(caseload, client, tenant="reasons")

    def right(day: date) -> set[tuple[Any, ...]]:
        """What is to be told by a day, with what is known and met by then."""
        return {
            (one.assignment, notice.kind, notice.to.value, notice.on, notice.sequence)
            for one in outcomes(caseload, day)
            for notice in one.notices
        }

    with psycopg.connect(suite.databases["notifications"]) as connection:
        rows = connection.execute(
            "SELECT subject, kind, recipient, on_day, sequence, state = 'WITHDRAWN' FROM notice"
            " JOIN message USING (notice) WHERE notice.tenant = 'reasons' AND kind = ANY(%s) AND round = 0"
            " AND (state <> 'WITHDRAWN' OR reason IN ('OVERTAKEN', 'LAPSED'))",
            ([kind.value for kind in CASELOAD_NOTICES],),
        ).fetchall()
    told = [row[:5] for row in rows if not row[5]]
    spared = {row[:5] for row in rows if row[5]}
    assert told
    # a service that caught up with two days at once has told nobody what was no longer right on the second, nor what
    # had come about by then
    assert right(caseload.as_of) <= set(told) | spared
    assert set(told) <= set().union(*map(right, {*caseload.runs, caseload.as_of}))
    assert len(told) == len(set(told))
