"""A service reads the tariffs when it starts, and does not start with one that is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programmes import TARIFFS
from tests.suite import RULES

pytestmark = pytest.mark.slow


def started(folder: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Start billing where there is no database, with the folder named in a settings file."""
    settings = tmp_path / "settings.toml"
    lines = {
        "KUNDVAL_AMQP_URI": "amqp://nobody:nothing@127.0.0.1:1//",
        "KUNDVAL_BILLING_DATABASE_URI": "postgresql://nobody@127.0.0.1:1/nothing",
        "KUNDVAL_TOKEN_KEY": "k" * 40,
        "KUNDVAL_RULES_FILE": str(RULES),
        "KUNDVAL_TARIFFS": str(folder),
    }
    settings.write_text("".join(f'{key} = "{value}"\n' for key, value in lines.items()), encoding="utf-8")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("KUNDVAL_")}
    return subprocess.run(
        [sys.executable, "-m", "kundval_chassis.cli", "run", "billing"],
        env=clean | {"KUNDVAL_SETTINGS_FILE": str(settings)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.rule("NACKA-11")
def test_no_service_starts_with_a_tariff_that_is_wrong_and_each_fault_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "tariffs"
    folder.mkdir()
    good = (TARIFFS / "STEGET.toml").read_text(encoding="utf-8")
    (folder / "STEGET.toml").write_text(
        good.replace("fee = 5000", "fee = -5000").replace("SEK", "EUR"), encoding="utf-8"
    )
    done = started(folder, tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "STEGET.toml: version[0].part[0].fee: must not be negative" in said
    assert "STEGET.toml: currency: must be SEK" in said
    assert "Traceback" not in said


def test_with_good_tariffs_it_gets_as_far_as_its_database(tmp_path: Path) -> None:
    done = started(TARIFFS, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "STEGET" not in done.stdout + done.stderr


def test_a_folder_that_there_is_not_is_named(tmp_path: Path) -> None:
    done = started(tmp_path / "nowhere", tmp_path)
    assert done.returncode == 2
    assert "KUNDVAL_TARIFFS" in done.stdout + done.stderr
