"""`kundval play` as a user meets it: what it prints, what it ends with, and what it does when something is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kundval_chassis import play as playing
from kundval_chassis.play import Stuck, play
from kundval_chassis.sample import make
from kundval_contracts import client as clients
from kundval_contracts.caseload import read
from kundval_contracts.client import Client
from kundval_contracts.errors import Conflict, KundvalError
from tests.acceptance.builders import assignment, bare, caseload, claim, exited, fact
from tests.acceptance.builders import client as resident
from tests.conftest import Servers
from tests.suite import Suite, client, suite

__all__ = ["client", "suite"]

D = "2024-03-15"


def document(**changes: Any) -> dict[str, Any]:
    one = assignment("AMI_2", D, exited("2024-06-20"), claim("2024-12-20"))
    return caseload(one, runs=["2024-07-01", "2025-01-01"]) | changes


def file(tmp_path: Path, content: Any) -> str:
    path = tmp_path / "file.yaml"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def tenants(suite: Suite) -> int:
    import psycopg

    with psycopg.connect(suite.databases["assignment"]) as connection:
        row = connection.execute("SELECT count(*) FROM tenant").fetchone()
    assert row is not None
    return int(row[0])


# --- what it prints ------------------------------------------------------------------------------------


def test_play_prints_the_bytes_that_simulate_prints(suite: Suite, tmp_path: Path) -> None:
    path = file(tmp_path, document())
    for options in (["--json"], ["--json", "--as-of", "2024-08-01"], []):
        played, simulated = (suite.kundval(command, path, *options) for command in ("play", "simulate"))
        assert (played.returncode, simulated.returncode) == (0, 0), played.stderr
        assert played.stdout == simulated.stdout != ""


def test_play_reads_standard_input_and_shows_how_far_it_is(suite: Suite) -> None:
    played = suite.kundval("play", "-", "--json", stdin=json.dumps(document()))
    assert played.returncode == 0
    assert "100 % of 7 facts" in played.stderr
    assert json.loads(played.stdout)["totals"]


# --- wrong files ---------------------------------------------------------------------------------------


def many_faults() -> dict[str, Any]:
    wrong = document(as_of="9999-12-31", colour="red", payment_runs=["2024-02-30"])
    wrong["settings"] = {"AMI2_MONTHLY_FEE": -1, "no.such": True}
    wrong["providers"].append({"id": "alfa", "ownership": "NOBODY"})
    one = wrong["assignments"][0]
    one["client"] = resident(birth_date="1990-02-29", shoe_size=43)
    one["plan"] = {"extent_pct": 101}
    one["facts"][0] = {"on": D, "fact": "decided", "known_on": "2024-03-14"}
    one["facts"][2]["provider"] = "gamma"
    one["facts"].append(fact("0001-01-01", "jobs_applied", count=-1, month=10**9))
    one["facts"].append({"on": D, "fact": "flew"})
    wrong["assignments"] += [bare("AMI_1"), bare("NO_SUCH", name="with space"), "A-3"]
    return wrong


PATHS = [
    "as_of",
    "assignments[0].client.birth_date",
    "assignments[0].client.shoe_size",
    "assignments[0].facts[0].known_on",
    "assignments[0].facts[2].provider",
    "assignments[0].facts[7].count",
    "assignments[0].facts[7].month",
    "assignments[0].facts[7].on",
    "assignments[0].facts[8].fact",
    "assignments[0].plan.extent_pct",
    "assignments[1].id",
    "assignments[2].id",
    "assignments[2].programme",
    "assignments[3]",
    "colour",
    "payment_runs[0]",
    "providers[2].ownership",
    "settings.AMI2_MONTHLY_FEE",
    "settings.no.such",
]


def test_every_fault_of_a_file_is_named_by_path_and_nothing_is_applied(suite: Suite, tmp_path: Path) -> None:
    path = file(tmp_path, many_faults())
    before = tenants(suite)
    for command in ("play", "simulate"):
        done = suite.kundval(command, path, "--json")
        assert done.returncode == 2
        assert done.stdout == ""
        assert sorted({line.partition(": ")[0] for line in done.stderr.splitlines()}) == PATHS
    assert tenants(suite) == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kundval: 1\n\tas_of: x",
        "[]",
        "kundval: 1\nkundval: 1",
        "a: &a [*a]",
        '{"a":' * 50_000,
        "- " * 50_000,
        "kundval: !!python/object/apply:os.getcwd []",
    ],
    ids=["empty", "tab", "list", "twice", "inside itself", "deep", "deep too", "tag"],
)
def test_what_is_no_caseload_at_all_ends_with_2_and_one_line(suite: Suite, tmp_path: Path, text: str) -> None:
    done = suite.kundval("simulate", file(tmp_path, text))
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_ends_with_2(suite: Suite, tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        assert suite.kundval("play", str(path)).returncode == 2


def test_text_that_cannot_be_stored_is_a_fault_of_the_file(suite: Suite, tmp_path: Path) -> None:
    wrong = document()
    wrong["assignments"][0]["facts"].append(fact(D, "monthly_report", month=1, deviation_reason="a\0b"))
    wrong["providers"][0]["name"] = "\0"
    done = suite.kundval("play", file(tmp_path, wrong))
    assert done.returncode == 2
    assert {line.partition(": ")[0] for line in done.stderr.splitlines()} == {
        "assignments[0].facts[7].deviation_reason",
        "providers[0].name",
    }
    wrong["providers"][0]["name"] = "half \ud800"
    done = suite.kundval("play", file(tmp_path, wrong))
    assert (done.returncode, "line 1" in done.stderr) == (2, True)


# --- files that are right and strange ------------------------------------------------------------------


def test_strange_files_are_played_like_any_other(client: Client) -> None:
    longest = assignment("AMI_2", D, fact(D, "monthly_report", month=1, deviation_reason="x" * 10_000), name="x" * 100)
    leap = assignment(
        "AMI_2", "2024-02-29", exited("2024-08-29"), name="Skottår-ÅÄÖ", about=resident(birth_date="2004-02-29")
    )
    forever = assignment("AMI_1", D, exited("2024-05-01", contract_until="9999-12-31"), name="a/b:c@d+e")
    backwards = assignment("AMI_2", D, exited("2024-06-20"), name="0")
    backwards["facts"].reverse()
    born_early = assignment("JOBBPENG_BASIC", D, name="J", about=resident(birth_date="0001-01-01"))
    for one in (
        caseload(as_of="2024-12-31"),
        caseload(bare("AMI_1"), runs=["1900-01-01", "2024-06-01", "2024-06-01", "2199-12-31"], as_of="2024-06-30"),
        caseload(longest, leap, forever, backwards, born_early, runs=["2024-07-01", "2025-01-01"], as_of="2026-01-01"),
        caseload(assignment("AMI_2", D), as_of="2199-12-31", runs=["2199-12-31"]),
    ):
        wanted = read(one)
        assert play(wanted, client) == playing_without_a_suite(wanted)


def playing_without_a_suite(wanted: Any) -> dict[str, Any]:
    from kundval_chassis.simulate import simulate

    return simulate(wanted)


# --- the suite is not as it should be ------------------------------------------------------------------


def test_without_a_broker_it_says_so_soon(suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "settings", {"KUNDVAL_AMQP_URI": "amqp://guest:guest@127.0.0.1:1/"})
    began = time.monotonic()
    done = suite.kundval("play", file(tmp_path, document()))
    assert time.monotonic() - began < 30
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "The broker could not be reached in time. Is the suite running? `make up` starts it."
    ]


def test_without_services_it_says_so_at_once(
    suite: Suite, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vhost = servers.create_vhost()
    monkeypatch.setattr(suite, "settings", {"KUNDVAL_AMQP_URI": vhost})
    done = suite.kundval("play", file(tmp_path, document()))
    servers.drop_vhost(vhost)
    assert done.returncode == 1
    assert "There is no service assignment" in done.stderr and "make up" in done.stderr


def test_a_tenant_is_played_once_into(suite: Suite, client: Client) -> None:
    first = read(document())
    assert play(first, client, tenant="taken") == play(first, client, tenant="taken")
    with pytest.raises(Conflict):
        play(read(document(settings={"AMI1_MONTHLY_FEE": 1, "AMI2_MONTHLY_FEE": 1})), client, tenant="taken")


def test_a_play_that_cannot_go_on_says_who_is_behind(
    suite: Suite, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "STUCK_SECONDS", 1.0)
    suite.processes["scheduling"].send_signal(signal.SIGSTOP)
    monkeypatch.setattr(playing, "CALL_SECONDS", 5.0)
    try:
        with pytest.raises(KundvalError) as stuck:
            play(read(document()), client)
    finally:
        suite.processes["scheduling"].send_signal(signal.SIGCONT)
    assert isinstance(stuck.value, Stuck) or "scheduling" in str(stuck.value)
    assert "scheduling" in str(stuck.value)


def test_a_play_that_is_interrupted_leaves_the_suite_well(suite: Suite, client: Client, tmp_path: Path) -> None:
    path = file(tmp_path, make(seed=3, residents=30))
    process = subprocess.Popen(
        [sys.executable, "-m", "kundval_chassis.cli", "play", path],
        env=suite.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    process.stderr.readline()  # it is on its way
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=120) not in (0, None)
    assert play(read(document()), client) == playing_without_a_suite(read(document()))


# --- the client ----------------------------------------------------------------------------------------


def test_a_client_that_was_idle_for_longer_than_a_heartbeat_is_answered_at_once(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_HEARTBEAT", 2)
    with suite.client() as own:
        own.call("assignment.info")
        # the broker sends its first heartbeat after half the interval, and nothing else comes
        time.sleep(1.5)
        started = time.monotonic()
        own.call("assignment.info")
        assert time.monotonic() - started < 1.0


def test_what_has_no_form_in_json_is_a_typed_error_at_the_caller(client: Client) -> None:
    for value in (float("nan"), "\ud800"):
        with pytest.raises(KundvalError) as refused:
            client.call("assignment.open_day", tenant="t", date=value)
        assert refused.value.kind == "INVALID_REQUEST"
