"""`kundval simulate`: the answer of the format, without anything running; faults and exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kundval_chassis.cli_simulate import command
from kundval_chassis.present import as_json
from kundval_chassis.simulate import Cores, installed, outcomes, simulate
from kundval_contracts.caseload import load, read
from tests.acceptance.builders import assignment, broke_off, caseload, claim, exited, fact, follow_ups

#: The file of the format's own documentation, to the letter.
FORMAT_EXAMPLE = """\
kundval: 1                       # version of this format
municipality: nacka              # key of a municipality profile
as_of: 2025-12-31                # what is known up to and including this day; --as-of overrides
settings:                        # optional; keys of the rulebook's section 6 and 10
  AMI1_MONTHLY_FEE: 6000
  AMI2_MONTHLY_FEE: 8000
providers:
  - {id: alfa, name: Alfa Jobb AB, ownership: PRIVATE, authorised: {AMI_1: 2024-01-01, AMI_2: 2024-01-01}}
payment_runs: [2024-07-01, 2024-08-01]   # business dates on which billing posts what is payable
assignments:
  - id: A-001
    programme: AMI_2
    delivery_area: null          # RUM only
    client:
      birth_date: 1990-05-17
      resident: true
      receives_eb: true
      af_registered: true
      work_ability_pct: 60
      outside_work_and_studies: true
      in_kaa: false
      establishment_period_ended: false
      language_obstacle: false
      youth_guarantee_informed_on: null
    plan: {extent_pct: 50, job_search_quota: 5, step_up: [{from: 2024-06-01, extent_pct: 100}]}
    facts:
      - {on: 2024-03-15, fact: decided}                       # D; optional: end_date (exclusive)
      - {on: 2024-03-16, fact: results_shown}
      - {on: 2024-03-18, fact: provider_chosen, provider: alfa}
      - {on: 2024-03-20, fact: accepted}
      - {on: 2024-03-28, fact: started}                       # start-up meeting held (S)
      - {on: 2024-06-20, fact: exited, kind: WORK_FULL_TIME, first_day: 2024-06-20, workplace: W1,
         extent_pct: 100, employment_form: ORDINARY, contract_until: null,
         household_support: false, margin_advice: true,
         documents: [FINAL_REPORT, EMPLOYMENT_CONTRACT, EMPLOYMENT_CERTIFICATE]}
"""


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(command, list(arguments), input=text)


@pytest.fixture
def file(tmp_path: Path) -> str:
    place = tmp_path / "caseload.yaml"
    place.write_text(FORMAT_EXAMPLE, encoding="utf-8")
    return str(place)


# --- the answer ----------------------------------------------------------------------------------------


def test_the_formats_own_example_is_answered(file: str) -> None:
    result = run(file, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert list(answer) == sorted(answer)
    assert set(answer) == {"as_of", "lines", "postings", "totals", "obligations", "notices", "rejections"}
    assert answer["rejections"] == []
    first = answer["lines"][0]
    assert first.pop("because").strip()
    assert first == {
        "assignment": "A-001", "provider": "alfa", "kind": "MONTHLY_FEE", "sequence": 1,
        "from": "2024-03-15", "to": "2024-04-15", "amount": "8000.00", "currency": "SEK",
        "status": "PAYABLE", "payable_from": "2024-04-15", "rules": first["rules"],
    }  # fmt: skip
    assert "AMI-10.1-a" in first["rules"]
    assert answer["postings"][0] == {
        "run": "2024-07-01", "assignment": "A-001", "provider": "alfa", "kind": "MONTHLY_FEE", "sequence": 1,
        "amount": "8000.00", "reverses": None,
    }  # fmt: skip
    assert answer["totals"] == [
        {"assignment": "A-001", "provider": "alfa", "kind": "MONTHLY_FEE", "amount": "32000.00"}
    ]
    meeting = next(row for row in answer["obligations"] if row["kind"] == "FOLLOWUP_MEETING")
    assert (meeting["sequence"], meeting["due"], meeting["responsible"]) == (1, "2024-06-15", "PROVIDER")


def test_the_same_file_gives_the_same_bytes_and_so_does_its_json(file: str, tmp_path: Path) -> None:
    first = run(file, "--json").stdout_bytes
    assert first == run(file, "--json").stdout_bytes
    assert first.endswith(b"}\n") and b"\\u" not in first
    as_json_file = tmp_path / "caseload.json"
    as_json_file.write_text(json.dumps(load(FORMAT_EXAMPLE).raw, default=str), encoding="utf-8")
    assert run(str(as_json_file), "--json").stdout_bytes == first
    assert run("-", "--json", text=FORMAT_EXAMPLE).stdout_bytes == first


def test_the_order_of_facts_and_assignments_in_the_file_is_free() -> None:
    names = ("B-2", "A-1")
    rows = [assignment("AMI_2", "2024-03-15", exited("2024-06-20"), name=name) for name in names]
    there = simulate(read(caseload(*rows)))
    back = simulate(read(caseload(*reversed(rows))))
    assert as_json(there) == as_json(back)
    assert [row["assignment"] for row in there["totals"]] == sorted(names)
    mixed = assignment("AMI_2", "2024-03-15", exited("2024-06-20"), name="A-1")
    mixed["facts"] = [mixed["facts"][5], *mixed["facts"][:5]]
    alone = simulate(read(caseload(rows[1])))
    assert simulate(read(caseload(mixed))) == alone


# --- time ----------------------------------------------------------------------------------------------


def test_only_what_is_known_by_the_day_counts(file: str) -> None:
    answer = json.loads(run(file, "--as-of", "2024-06-19", "--json").stdout)
    assert answer["as_of"] == "2024-06-19"
    assert {row["kind"] for row in answer["lines"]} == {"MONTHLY_FEE"}
    assert answer["postings"] == []
    assert json.loads(run(file, "--as-of", "2024-03-14", "--json").stdout)["lines"] == []


def test_a_run_counts_what_is_known_and_payable_on_its_day_and_no_later_run_takes_place() -> None:
    document = caseload(
        assignment("AMI_2", "2024-03-15"), as_of="2024-05-15", runs=["2024-05-15", "2024-04-15", "2024-05-16"]
    )
    postings = simulate(read(document))["postings"]
    assert [(row["run"], row["sequence"]) for row in postings] == [("2024-04-15", 1), ("2024-05-15", 2)]


def test_each_run_sees_only_what_was_known_then() -> None:
    facts = [
        exited("2024-06-20"),
        *follow_ups("AMI_2", "2024-03-15", range(5, 8)),
        broke_off("2024-09-01", known_on="2024-10-20"),
    ]
    document = caseload(assignment("AMI_2", "2024-03-15", *facts), runs=["2024-10-16", "2024-11-01", "2024-12-01"])
    premium = [row for row in simulate(read(document))["postings"] if row["kind"] == "SPEED_PREMIUM"]
    assert [(row["run"], row["sequence"], row["amount"], row["reverses"]) for row in premium] == [
        ("2024-10-16", 5, "8000.00", None),
        ("2024-10-16", 6, "8000.00", None),
        ("2024-10-16", 7, "8000.00", None),
        ("2024-11-01", 6, "-8000.00", "2024-10-16"),
        ("2024-11-01", 7, "-8000.00", "2024-10-16"),
    ]


def test_rejections_do_not_stop_the_run() -> None:
    document = caseload(assignment("AMI_2", "2024-03-15", exited("2024-06-20"), claim("2024-12-01")))
    result = run("-", "--json", text=json.dumps(document))
    assert result.exit_code == 0
    assert [row["code"] for row in json.loads(result.stdout)["rejections"]] == ["CLAIM_PREMATURE"]


# --- faults --------------------------------------------------------------------------------------------


def test_a_wrong_file_names_every_fault_by_path_and_prints_nothing_else() -> None:
    document = caseload(assignment("AMI_2", "2024-03-15", fact("2024-03-20", "provider_chosen", provider="gamma")))
    document["settings"]["premium.clawback"] = "SOMETIMES"
    document["assignments"][0]["client"]["birth_date"] = "yesterday"
    document["surprise"] = 1
    result = run("-", "--json", text=json.dumps(document))
    assert result.exit_code == 2
    assert result.stdout == ""
    paths = [line.split(": ")[0] for line in result.stderr.splitlines()]
    assert sorted(paths) == [
        "assignments[0].client.birth_date",
        "assignments[0].facts[5].provider",
        "settings.premium.clawback",
        "surprise",
    ]


@pytest.mark.parametrize("text", ["", "kundval: 1\n\tmunicipality: nacka", "- a\n- b", "kundval: [1"])
def test_what_is_no_caseload_at_all_is_a_wrong_file(text: str) -> None:
    result = run("-", text=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run(str(tmp_path / "none.yaml"))
    assert result.exit_code == 2
    assert result.stderr == f"{tmp_path / 'none.yaml'}: No such file or directory\n"


def test_a_day_that_is_no_date_is_refused(file: str) -> None:
    result = run(file, "--as-of", "2024-02-30")
    assert result.exit_code == 2 and "not a date" in result.stderr


# --- for people ----------------------------------------------------------------------------------------


def test_the_page_shows_lines_with_their_reasons_totals_obligations_and_rejections() -> None:
    document = caseload(
        assignment("AMI_2", "2024-03-15", exited("2024-06-20"), claim("2024-12-01")), runs=["2024-07-01"]
    )
    result = CliRunner().invoke(command, ["-"], input=json.dumps(document), env={"COLUMNS": "120"})
    assert result.exit_code == 0
    for expected in ("A-1", "MONTHLY_FEE 4", "PAYABLE", "32000.00", "BONUS_CLAIM 1", "CLAIM_PREMATURE", "[AMI-10.2-c]"):
        assert expected in result.stdout
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 120


# --- how it runs ---------------------------------------------------------------------------------------


def test_a_service_that_is_not_installed_leaves_its_part_empty() -> None:
    document = read(caseload(assignment("AMI_2", "2024-03-15", exited("2024-06-20")), runs=["2024-07-01"]))
    cores = installed()
    nothing = simulate(document, cores=Cores())
    assert all(nothing[part] == [] for part in ("lines", "postings", "obligations", "notices", "rejections"))
    billing = simulate(document, cores=Cores(judge=cores.judge, lines=cores.lines, settle=cores.settle))
    assert billing["obligations"] == [] and billing["notices"] == []
    assert billing["lines"] == simulate(document)["lines"]


def test_the_derivations_and_the_state_are_there_for_who_wants_to_explain() -> None:
    document = read(caseload(assignment("AMI_2", "2024-03-15", exited("2024-06-20"))))
    (one,) = outcomes(document, date(2024, 7, 1))
    assert one.state == "SUSTAINABILITY"
    assert all(line.steps for line in one.lines)


def test_it_needs_neither_broker_nor_database_nor_their_libraries(file: str) -> None:
    script = (
        "import sys; from kundval_chassis.cli_simulate import command; command(standalone_mode=False);"
        "heavy = {'nameko', 'eventlet', 'kombu', 'psycopg', 'psycopg_pool'} & set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, file, "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["totals"]
