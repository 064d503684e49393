"""`kundval explain --line` from a file and `kundval owed`: what they print, write and refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kundval_billing.explanations import cli
from kundval_chassis import cli_explain
from kundval_contracts.answer import recompute_tree
from kundval_contracts.errors import NotFound
from tests.acceptance.builders import assignment, caseload, exited

BONUS = "RESULT_BONUS:1"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("explain") / "caseload.json"
    path.write_text(json.dumps(caseload(assignment("AMI_2", "2024-03-15", exited("2024-06-20")))))
    return str(path)


def explain(file: str, *options: str, name: str = "A-1") -> Result:
    return CliRunner().invoke(cli_explain.command, [name, "--file", file, *options], env={"KUNDVAL_TENANT": ""})


def test_a_line_of_a_file_is_derived_in_swedish_unless_told_otherwise(file: str) -> None:
    swedish, english = explain(file, "--line", BONUS), explain(file, "--line", BONUS, "--lang", "en")
    assert (swedish.exit_code, english.exit_code) == (0, 0)
    assert swedish.output.startswith("Resultatbonus 1: A-1\n")
    assert "  Taxa: AMI 2, låst 2024-03-15 (Nackas rutiner för anordnare, avsnitt 10.2)\n" in swedish.output
    assert english.output.startswith("Result bonus 1: A-1\n")
    assert "  Tariff: AMI 2, locked on 2024-03-15 (Nacka provider routines, section 10.2)\n" in english.output


def test_a_line_of_a_file_is_given_as_a_tree_that_recomputes(file: str) -> None:
    tree = json.loads(explain(file, "--line", "MONTHLY_FEE:2", "--json").output)
    assert (tree["kind"], tree["sequence"], tree["status"]) == ("MONTHLY_FEE", 2, "PAYABLE")
    assert f"{recompute_tree(tree):.2f}" == tree["amount"] == "8000.00"


def test_a_page_of_a_line_is_written_to_a_file(file: str, tmp_path: Path) -> None:
    page = tmp_path / "line.html"
    assert explain(file, "--line", BONUS, "--html", str(page)).output == ""
    assert page.read_text(encoding="utf-8").startswith('<!DOCTYPE html>\n<html lang="sv">')


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--line", "MONTHLY_FEE:99"), 1, "there is no such line"),
        (("--line", "SALARY:1"), 2, "KIND one of MONTHLY_FEE"),
        (("--line", "MONTHLY_FEE:x"), 2, "KIND:SEQ"),
        (("--entry", "1"), 2, "A file has no ledger"),
        (("--html", "x.html"), 2, "needs --line or --entry"),
    ],
)
def test_what_cannot_be_derived_from_a_file_is_refused(
    file: str, options: tuple[str, ...], status: int, message: str
) -> None:
    refused = explain(file, *options)
    assert (refused.exit_code, message in refused.output) == (status, True)


def test_an_assignment_that_is_not_in_the_file_is_refused(file: str) -> None:
    refused = explain(file, "--line", BONUS, name="A-9")
    assert (refused.exit_code, "there is no assignment A-9" in refused.output) == (1, True)


# --- kundval owed -----------------------------------------------------------------------------------------

FACT = {
    "id": "7", "fact": "broke_off", "on": "2024-08-20", "known_on": "2024-11-02", "learned_on": "2024-11-04",
    "in_effect": True, "decisive": True, "fields": {}, "text": "Avbrott 2024-08-20, känt 2024-11-02; ändrar svaret",
}  # fmt: skip


def page_of(name: str, due: str, after: str | None) -> dict[str, Any]:
    amounts = {"due": due, "posted": due, "owed": "0.00", "due_today": "0.00"}
    row = {"assignment": name, "provider": "alfa", "kind": "SPEED_PREMIUM", "sequence": 6, **amounts}
    return {
        "known_by": "2024-10-01",
        "as_of": "2024-10-01",
        "today": "2024-12-02",
        "lines": [row],
        "changes": [
            {
                "assignment": name,
                "difference": f"-{due}",
                "by_time": "0.00",
                "by_facts": f"-{due}",
                "by_terms": "0.00",
                "learned": [FACT, {**FACT, "decisive": False, "text": "not this one"}],
            }
        ],
        "sums": amounts,
        "next": after,
    }


class Service:
    """Answers with a page for each assignment."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def call(self, method: str, **fields: Any) -> dict[str, Any]:
        assert method == "billing.as_known"
        self.asked.append(fields)
        if fields["assignment"] == "A-9":
            raise NotFound("There is no payment run of 2024-10-01 with a history.")
        return page_of("A-2", "7000.50", None) if fields.get("after") else page_of("A-1", "8000.00", "A-1")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()

    @contextmanager
    def connect() -> Iterator[Service]:
        yield made

    monkeypatch.setattr(cli, "connect", connect)
    return made


def owed(*options: str) -> Result:
    return CliRunner().invoke(cli.owed, ["--tenant", "t", "--known-by", "2024-10-01", *options])


def test_what_was_owed_is_told_page_by_page_with_the_sum_and_the_reasons(service: Service) -> None:
    told = owed().output.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert told[0] == "Vad som var känt och skulle betalas 2024-10-01"
    rows = [" ".join(line.split()) for line in told[1:]]
    assert rows == [
        "Att betala Bokfört Återstår Att betala i dag",
        "A-1 Snabbhetspremie 6 alfa 8 000,00 8 000,00 0,00 0,00",
        "A-2 Snabbhetspremie 6 alfa 7 000,50 7 000,50 0,00 0,00",
        "Summa 15 000,50 15 000,50 0,00 0,00",
        "Ändrat sedan dess",
        "A-1 −8 000,00 kr",
        "nya uppgifter: −8 000,00 kr",
        "Avbrott 2024-08-20, känt 2024-11-02; ändrar svaret",
        "A-2 −7 000,50 kr",
        "nya uppgifter: −7 000,50 kr",
        "Avbrott 2024-08-20, känt 2024-11-02; ändrar svaret",
    ]
    assert [one.get("after") for one in service.asked] == [None, "A-1"]


def test_the_whole_answer_is_one_json_document(service: Service) -> None:
    answer = json.loads(owed("--json", "--at-run", "--as-of", "2024-11-01").output)
    assert [row["assignment"] for row in answer["lines"]] == ["A-1", "A-2"]
    assert (answer["sums"]["due"], answer["next"]) == ("15000.50", None)
    assert (service.asked[0]["at"], service.asked[0]["as_of"]) == ("RUN", "2024-11-01")


def test_what_the_service_refuses_is_told_as_such(service: Service) -> None:
    refused = owed("--assignment", "A-9")
    assert (refused.exit_code, "no payment run" in refused.output) == (1, True)
