"""What `kundval simulate` answers, case by case: the files of `readings/` hold caseloads and what the texts promise.

A case file has these keys (`readings/README.md` describes them in full):

    why        the readings and rules that the expectation rests on
    shared     anything the caseload takes over by YAML anchors
    caseload   the caseload; a list inside `facts` is laid flat
    text       instead of `caseload`: the file as it stands, character by character
    form       yaml (default) or json: how the caseload is written to disk
    args       further arguments of the command
    expect     exit (default 0), faults, rows, none, all, totals
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from kundval_chassis.cli import main

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "readings"
FILES = sorted(HERE.glob("*.yaml"))
AMOUNT = re.compile(r"-?\d+\.\d\d")
SECTIONS = ("lines", "postings", "totals", "obligations", "notices", "rejections")


class Loader(yaml.SafeLoader):
    """`on` is a key, not a truth value."""


class Dumper(yaml.SafeDumper):
    """Writes `on` without quotes, as a person would."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for tool in (Loader, Dumper):
    tool.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
        for first, found in tool.yaml_implicit_resolvers.items()
    }


def load(path: Path) -> dict[str, Any]:
    found = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    assert isinstance(found, dict)
    return found


def flat(facts: list[Any]) -> Iterator[Any]:
    for fact in facts:
        if isinstance(fact, list):
            yield from flat(fact)
        else:
            yield fact


def written(case: dict[str, Any], folder: Path) -> Path:
    form = case.get("form", "yaml")
    target = folder / f"caseload.{form}"
    if "text" in case:
        target.write_text(case["text"], encoding="utf-8")
        return target
    caseload = dict(case["caseload"])
    if isinstance(caseload.get("assignments"), list):
        caseload["assignments"] = [
            {**found, "facts": list(flat(found["facts"]))} if isinstance(found, dict) and "facts" in found else found
            for found in caseload["assignments"]
        ]
    if form == "json":
        target.write_text(json.dumps(caseload, default=str), encoding="utf-8")
    else:
        target.write_text(yaml.dump(caseload, Dumper=Dumper, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return target


def plain(value: Any) -> Any:
    """Dates as the answer writes them."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(found) for found in value]
    if isinstance(value, dict):
        return {key: plain(found) for key, found in value.items()}
    return value


def matches(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    for key, value in wanted.items():
        if key not in row:
            return False
        if key == "rules":
            if not set(value) <= set(row["rules"]):
                return False
        elif value == "*":
            if row[key] is None:
                return False
        elif isinstance(value, dict) and "any" in value:
            if row[key] not in value["any"]:
                return False
        elif row[key] != value:
            return False
    return True


def spread(wanted: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A list as the value of a key stands for one row each."""
    for row in wanted:
        several = [key for key, value in row.items() if isinstance(value, list) and key != "rules"]
        if not several:
            yield row
            continue
        assert len(several) == 1, f"one list a row: {row}"
        for value in row[several[0]]:
            yield {**row, several[0]: value}


def unsound(answer: dict[str, Any]) -> list[str]:
    """What the format promises of every answer: amounts, order, totals."""
    wrong: list[str] = []
    for section, when in (("lines", "from"), ("postings", "run"), ("notices", "on")):
        keys = [(row["assignment"], row[when], row["kind"], row.get("sequence", 0)) for row in answer[section]]
        if keys != sorted(keys):
            wrong.append(f"{section}: not in the order assignment, date, kind, sequence")
    amounts = [row["amount"] for section in ("lines", "postings", "totals") for row in answer[section]]
    wrong += [f"amount {amount!r}" for amount in amounts if not AMOUNT.fullmatch(amount)]
    sums: dict[tuple[str, str, str], Decimal] = {}
    for row in answer["lines"]:
        if row["status"] == "PAYABLE":
            assert row["payable_from"] <= answer["as_of"], row
            key = row["assignment"], row["provider"], row["kind"]
            sums[key] = sums.get(key, Decimal(0)) + Decimal(row["amount"])
    told = {(row["assignment"], row["provider"], row["kind"]): Decimal(row["amount"]) for row in answer["totals"]}
    if told != sums:
        wrong.append(f"totals: the payable lines make {sums}")
    return wrong


def shown(rows: list[dict[str, Any]], wanted: dict[str, Any]) -> str:
    """The rows nearest to the wanted one: those of its assignment and kind."""
    narrow = {key: wanted[key] for key in ("assignment", "kind") if key in wanted}
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows if matches(row, narrow)) or "(no row)"


def compare(answer: dict[str, Any], expect: dict[str, Any]) -> list[str]:
    wrong: list[str] = []
    for section, wanted in plain(expect.get("rows", {})).items():
        assert section in SECTIONS, section
        for row in spread(wanted):
            number = sum(matches(found, row) for found in answer[section])
            if number != 1:
                wrong.append(f"{section}: {number} rows for {row}; there is\n{shown(answer[section], row)}")
    for section, unwanted in plain(expect.get("none", {})).items():
        assert section in SECTIONS, section
        for row in spread(unwanted):
            found = [one for one in answer[section] if matches(one, row)]
            if found:
                wrong.append(f"{section}: no row expected for {row}; there is\n{shown(found, {})}")
    for section, wanted in plain(expect.get("all", {})).items():
        assert section in SECTIONS, section
        listed = list(spread(wanted))
        rows = answer[section]
        if len(rows) != len(listed) or not all(map(matches, rows, listed)):
            wrong.append(f"{section}: expected exactly\n{shown(listed, {})}\nthere is\n{shown(rows, {})}")
    for assignment, sums in plain(expect.get("totals", {})).items():
        found = {}
        for row in answer["totals"]:
            if row["assignment"] == assignment:
                found[f"{row['provider']} {row['kind']}"] = row["amount"]
        sums = {key: f"{value:.2f}" for key, value in sums.items()}
        if found != sums:
            wrong.append(f"totals of {assignment}: expected {sums}, there is {found}")
    return wrong


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_simulate_answers_as_the_texts_say(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = load(path)
    assert case["why"], "a case says what it rests on"
    expect = case["expect"]
    target = written(case, tmp_path)
    command = ["simulate", str(target), "--json", *map(str, plain(case.get("args", [])))]

    def run() -> tuple[int, str, str]:
        try:
            status = main(command)
        except SystemExit as stop:
            status = stop.code
        said = capsys.readouterr()
        return int(status or 0), said.out, said.err

    status, out, err = run()
    assert status == expect.get("exit", 0), err or out[:2000]
    if status:
        assert out == ""
        said = [line for line in err.splitlines() if line.strip()]
        for line in said:
            assert ": " in line, line
        if "faults" in expect:
            missing = [
                wanted for wanted in expect["faults"] if not any(wanted in line.split(": ", 1)[0] for line in said)
            ]
            assert not missing, f"no fault for {missing}; said\n{err}"
            assert len(said) == expect.get("number", len(expect["faults"])), err
        return
    assert run()[1] == out, "the same file, the same bytes"
    answer = json.loads(out)
    assert set(answer) == {"as_of", *SECTIONS}
    wrong = unsound(answer) + compare(answer, expect)
    assert not wrong, "\n\n".join(wrong)
