"""What the demo prints: pure functions of answers, so they are tested with answers of the pure cores."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kundval_chassis.cli import cli
from kundval_chassis.cli_explain import from_file
from kundval_chassis.sample import as_text, make
from kundval_chassis.simulate import outcomes, simulate
from kundval_chassis.story import WIDTH, Told, render
from kundval_chassis.summary import Figures, interesting, largest_correction, page
from kundval_contracts import caseload

pytestmark = pytest.mark.slow


@cache
def document() -> dict[str, Any]:
    return make(residents=60)


@cache
def answer() -> dict[str, Any]:
    return simulate(caseload.read(document()))


@cache
def year() -> dict[str, Any]:
    """The answer for the whole sample: takes some seconds."""
    return simulate(caseload.read(make()))


@cache
def figures() -> Figures:
    states = Counter(str(one.state) for one in outcomes(caseload.read(document())))
    return figures_of(document(), answer(), states)


def figures_of(document: dict[str, Any], answer: dict[str, Any], states: dict[str, int]) -> Figures:
    """The four summaries, as the services would give them for the same caseload."""
    read = caseload.read(document)
    paid: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in answer["postings"]:
        paid[row["provider"], row["kind"]] += Decimal(row["amount"])
    back = [Decimal(row["amount"]) for row in answer["postings"] if row["reverses"]]
    obligations: dict[str, dict[str, int]] = defaultdict(Counter)
    for row in answer["obligations"]:
        obligations[row["kind"]][row["state"]] += 1
    return Figures(
        {
            "business_date": document["as_of"],
            "assignments": len(read.assignments),
            "facts": sum(len(one.facts) for one in read.assignments),
            "states": states,
            "rejections": Counter(row["code"] for row in answer["rejections"]),
        },
        {"obligations": obligations},
        {
            "paid": [{"provider": who, "kind": kind, "amount": str(sum_)} for (who, kind), sum_ in paid.items()],
            "corrections": len(back),
            "corrected": str(sum(back)),
        },
        {
            "notices": Counter(row["kind"] for row in answer["notices"]),
            "recipients": Counter(row["to"] for row in answer["notices"]),
            "messages": {"SENT": 1},
            "channels": {"INBOX": 1},
            "waiting": {},
        },
    )


_told: dict[str, Told] = {}


def told(tmp_path: Path, name: str = "N-0001") -> Told:
    if name not in _told:
        file = tmp_path / "sample.json"
        file.write_text(as_text(document()), encoding="utf-8")
        _told[name] = from_file(name, str(file), None)
    return _told[name]


def kundval(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


# --- the page ----------------------------------------------------------------------------------------


def test_the_page_is_the_same_for_the_same_answers_and_fits_its_width(tmp_path: Path) -> None:
    correction = largest_correction(answer()["postings"])
    first = page(figures(), told(tmp_path), correction, "Both agree.")
    assert first == page(figures(), told(tmp_path), correction, "Both agree.")
    assert max(len(line) for line in first.splitlines()) <= WIDTH
    assert not [line for line in first.splitlines() if line != line.rstrip()]


def test_the_payments_of_the_page_add_up() -> None:
    rows = page(figures(), None, None, "").split("Paid to providers")[1].split("Deadlines")[0].splitlines()[2:]
    sums = [[Decimal(cell.replace(",", "")) for cell in row.split()[-4:]] for row in rows if row.strip()]
    *parts, total = sums
    assert total == [sum(column) for column in zip(*parts, strict=True)]
    assert total[-1] == sum(Decimal(row["amount"]) for row in answer()["postings"])


def test_the_deadlines_of_the_page_add_up() -> None:
    rows = page(figures(), None, None, "").split("\nDeadlines\n")[1].split("\nMessages")[0].splitlines()[1:]
    cells = {row.split()[0]: [int(cell.replace(",", "")) for cell in row[30:70].split()] for row in rows if row.strip()}
    total = cells.pop("in")
    assert total == [sum(column) for column in zip(*cells.values(), strict=True)]
    assert sum(total) == len(answer()["obligations"])


def test_the_page_says_to_whom_notices_go_and_nothing_that_depends_on_the_pace() -> None:
    said = set()
    for messages in ({"SENT": 5}, {"WITHDRAWN": 4, "PENDING": 1}):
        told = {
            "notices": {"DECISION": 2, "EXIT_REPORTED": 3},
            "recipients": {"CAREER_GUIDE": 3, "CLIENT": 2},
            "messages": messages,
            "channels": {"EMAIL": messages.get("SENT", 0)},
            "waiting": {},
        }
        some = Figures(figures().assignment, figures().scheduling, figures().billing, told)
        said.add(" ".join(page(some, None, None, "").split()))
    (one,) = said
    assert "5 notices: 3 to career guides, 2 to clients. EXIT_REPORTED 3 DECISION 2" in one


def test_the_assignment_worth_explaining_is_the_one_with_the_most_in_it() -> None:
    assert interesting(answer()["postings"]) == "N-0001"
    assert interesting([]) is None


def test_the_largest_correction_is_told() -> None:
    found = largest_correction(answer()["postings"])
    assert found is not None
    assert (found["assignment"], found["kind"], found["amount"]) == ("N-0002", "RESULT_BONUS", "-20000.00")
    assert largest_correction([]) is None


@pytest.mark.rule("NACKA-19")
@pytest.mark.bench
def test_a_year_costs_about_forty_million() -> None:
    assert 36_000_000 < sum(Decimal(row["amount"]) for row in year()["postings"]) < 44_000_000


@pytest.mark.bench
def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    rows = sum(len(part) for part in year().values() if isinstance(part, list))
    figures = figures_of(make(), year(), {})
    shown = page(figures, told(tmp_path), None, f"all {rows:,} rows agree, to the öre.")
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    excerpt = readme.split("```\nPaid to providers")[1].split("```")[0]
    printed = " ".join(shown.split())
    for line in excerpt.splitlines()[1:]:
        said = " ".join(line.removeprefix("Calculated again without the services (simulate): ").split())
        assert said in ("", "…") or said in printed, line


# --- the story ---------------------------------------------------------------------------------------


def test_the_story_tells_each_line_with_a_calculation_that_comes_to_its_amount(tmp_path: Path) -> None:
    for line in told(tmp_path).lines:
        total = Decimal(0)
        for step in line["steps"]:
            total = (total + Decimal(step.get("amount", 0))) * Decimal(step.get("factor", 1))
            total /= Decimal(step.get("divisor", 1))
        assert total == Decimal(line["amount"])


def test_the_story_names_what_was_taken_back_and_why(tmp_path: Path) -> None:
    text = render(told(tmp_path))
    assert "takes back 2024-11-01" in text
    assert "Work or studies were broken off on 2024-10-08" in text
    assert "2024-10-08  broke_off  known 2024-12-09" in text
    assert max(len(line) for line in text.splitlines()) <= WIDTH


def test_the_story_says_why_a_fact_was_refused(tmp_path: Path) -> None:
    text = render(told(tmp_path, "N-0016"))
    said = "refused, NOT_ELIGIBLE: The work ability is under 25 per cent, the floor for AMI. [AMI-1.3-a]"
    assert said in " ".join(text.split())


def test_the_brief_story_counts_what_the_whole_one_lists(tmp_path: Path) -> None:
    whole, brief = render(told(tmp_path)), render(told(tmp_path), brief=True)
    assert len(brief.splitlines()) < len(whole.splitlines())
    assert "What was to be done: " in brief


def test_the_story_carries_no_text_that_a_fact_does(tmp_path: Path) -> None:
    reasons = [
        fact
        for one in document()["assignments"]
        for fact in one["facts"]
        if "deviation_reason" in fact or fact["fact"] == "placement_started"
    ]
    assert reasons
    for name in sorted({one["id"] for one in document()["assignments"]})[:40:8]:
        text = json.dumps(told(tmp_path, name).as_json())
        assert "fewer hours than planned" not in text
        assert "as agreed with the workplace" not in text


# --- the commands ------------------------------------------------------------------------------------


def test_sample_prints_a_file_that_simulate_reads(tmp_path: Path) -> None:
    made = kundval("sample", "--residents", "5")
    assert made.exit_code == 0
    file = tmp_path / "five.json"
    file.write_bytes(made.stdout_bytes)
    assert kundval("simulate", str(file)).exit_code == 0


def test_explain_from_a_file_needs_no_server(tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text(as_text(document()), encoding="utf-8")
    done = kundval("explain", "N-0001", "--file", str(file))
    assert done.exit_code == 0
    assert done.stdout == render(told(tmp_path))
    as_json = kundval("explain", "N-0001", "--file", str(file), "--json")
    assert json.loads(as_json.stdout)["assignment"] == "N-0001"


def test_explain_looks_at_an_earlier_day_if_asked(tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text(as_text(document()), encoding="utf-8")
    early = kundval("explain", "N-0001", "--file", str(file), "--as-of", "2024-12-01")
    assert "SPEED_PREMIUM 8" in early.stdout
    assert "takes back" not in early.stdout


def test_explain_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text(as_text(document()), encoding="utf-8")
    unknown = kundval("explain", "N-9999", "--file", str(file))
    assert (unknown.exit_code, unknown.stderr) == (1, f"{file}: there is no assignment N-9999\n")
    assert kundval("explain", "N-0001").exit_code == 2
    (tmp_path / "bad.json").write_text('{"kundval": 2}', encoding="utf-8")
    assert kundval("explain", "N-0001", "--file", str(tmp_path / "bad.json")).exit_code == 2
