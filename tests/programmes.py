"""A programme that only a tariff file knows, `tests/contracts/tariffs/STEGET.toml`, and a caseload of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kundval_contracts import tariffs as stored
from kundval_contracts.codes import Programme
from tests.acceptance.builders import assignment, caseload, claim, exited, fact

TARIFFS = Path(__file__).parent / "contracts" / "tariffs"


@pytest.fixture
def steget(monkeypatch: pytest.MonkeyPatch) -> Iterator[Programme]:
    """The programme, known to this process while the test runs. Import it where it is used."""
    monkeypatch.setenv(stored.FOLDER, str(TARIFFS))
    stored.reload()
    yield Programme("STEGET")
    monkeypatch.delenv(stored.FOLDER)
    stored.reload()


def the_step() -> dict[str, Any]:
    """Someone who starts nine days after the decision, works from the third month on and whose result is reported."""
    facts = (
        fact("2024-04-01", "result_reported", amount=2000),
        fact("2024-04-02", "result_reported", amount="1000.01"),
        exited("2024-05-20"),
        claim("2024-11-25"),
    )
    told = caseload(
        assignment("STEGET", "2024-03-01", *facts, started="2024-03-10"),
        assignment("STEGET", "2024-12-31", name="A-2"),
        assignment("STEGET", "2025-01-01", name="A-3"),
        as_of="2025-03-31",
        runs=["2024-12-01", "2025-03-01"],
    )
    for provider in told["providers"]:
        provider["authorised"]["STEGET"] = "2024-01-01"
    return told
