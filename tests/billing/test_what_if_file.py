"""`kundval simulate --tariff`: a draft over a caseload file, without a service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kundval_chassis.cli_simulate import command
from tests.acceptance.builders import assignment, caseload, exited

D = "2024-03-15"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "caseload.json"
    made.write_text(json.dumps({**caseload(assignment("AMI_2", D, exited("2024-06-20"))), "as_of": "2024-08-31"}))
    return made


def simulate(file: Path, draft: str | None, *options: str) -> Result:
    if draft is not None:
        path = file.with_name("draft.yaml")
        path.write_text(draft)
        options = ("--tariff", str(path), *options)
    return CliRunner().invoke(command, [str(file), *options], env={"COLUMNS": "120"})


def test_the_difference_is_told_for_people_and_drawn(file: Path) -> None:
    picture = file.with_name("chart.svg")
    done = simulate(file, "kundval_draft: 1\nsettings: {AMI2_MONTHLY_FEE: 8500}\n", "--chart", str(picture))
    assert done.exit_code == 0, done.output
    for words in (
        "1 of 1 assignments change.",
        "PAYABLE 32,000.00 34,000.00 +2,000.00",
        "A-1 (AMI_2): 32,000.00 -> 34,000.00, +2,000.00",
        "after: 8,500.00 PAYABLE (one monthly fee of AMI_2, tariff in the settings",
    ):
        assert words in " ".join(done.output.split()), done.output
    assert "<title" in picture.read_text() and "34,000" not in picture.read_text()  # by month, not in all


def test_a_wrong_draft_ends_with_every_fault_and_status_2_and_a_chart_needs_a_draft(file: Path) -> None:
    done = simulate(file, "kundval_draft: 2\nsettings: {nothing: 1}\n")
    assert done.exit_code == 2
    assert "kundval_draft: must be 1" in done.output and "settings.nothing: unknown setting" in done.output
    assert simulate(file, None, "--chart", "x.svg").exit_code == 2
    missing = CliRunner().invoke(command, [str(file), "--tariff", str(file.with_name("none.yaml"))])
    assert missing.exit_code == 2 and "No such file" in missing.output


def test_without_a_draft_the_answer_is_the_one_of_the_format(file: Path) -> None:
    plain = json.loads(simulate(file, None, "--json").output)
    assert set(plain) == {"as_of", "lines", "postings", "totals", "obligations", "notices", "rejections"}
