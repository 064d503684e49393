"""The commands that a timer runs once a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from kundval_chassis import cli_daily, clock


class Suite:
    """Answers calls, the first of `erased` first; `calls` is what was asked."""

    def __init__(self, *erased: dict[str, int]):
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._erased = list(erased)

    def ask(self, method: str, caller: Any = None, /, **request: Any) -> dict[str, Any]:
        self.calls.append((method, request))
        if method == "assignment.open_day":
            return {"tenant": request["tenant"], "date": request["date"]}
        return {"erased": self._erased.pop(0), "unset": ["retention.person"], "kept": []}


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Suite:
    found = Suite({"DOCUMENTS": 500, "PERSON": 0}, {"DOCUMENTS": 7, "PERSON": 1}, {"DOCUMENTS": 0, "PERSON": 0})
    monkeypatch.setattr(cli_daily, "ask", found.ask)
    return found


def test_the_day_that_is_opened_is_the_date_in_sweden(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    # half past eleven in the evening of the 3rd in UTC is the 4th in Sweden
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 3, 23, 30, tzinfo=UTC))
    done = CliRunner().invoke(cli_daily.open_day, ["--tenant", "nacka"])
    assert (done.exit_code, done.stdout) == (0, "nacka: 2026-03-04\n")
    assert suite.calls == [("assignment.open_day", {"tenant": "nacka", "date": "2026-03-04"})]


def test_another_day_can_be_given_and_the_tenant_comes_from_the_environment(suite: Suite) -> None:
    done = CliRunner(env={"KUNDVAL_TENANT": "nacka"}).invoke(cli_daily.open_day, ["--date", "2026-03-01"])
    assert done.exit_code == 0
    assert suite.calls == [("assignment.open_day", {"tenant": "nacka", "date": date(2026, 3, 1).isoformat()})]


def test_it_is_erased_until_nothing_is_left_and_what_is_never_erased_is_named(suite: Suite) -> None:
    done = CliRunner().invoke(cli_daily.erase, ["--tenant", "nacka"])
    assert done.exit_code == 0
    assert len(suite.calls) == 3
    assert done.stdout == "DOCUMENTS: 507 erased\nPERSON: 1 erased\n"
    assert done.stderr == "retention.person is not set: nothing of its kind is erased\n"


def test_a_command_without_a_tenant_is_refused(suite: Suite) -> None:
    assert CliRunner().invoke(cli_daily.erase, []).exit_code == 2
    assert not suite.calls
