"""The `kundval` command, run as a process of its own or, much sooner, in that of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner

from kundval_chassis.cli import cli
from kundval_contracts import profiles, tariffs

#: read once in a process, and then kept
KEPT = (profiles.FOLDER, tariffs.FOLDER)


def apart(
    *arguments: str, env: Mapping[str, str], stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with no other environment than `env`."""
    return subprocess.run(
        [sys.executable, "-m", "kundval_chassis.cli", *arguments],
        env=dict(env),
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def here(*arguments: str, env: Mapping[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """In this process, with the settings of `env` alone: nothing has to be imported again. Folders of profiles and
    tariffs are left out, since the process has read its own already. Not for `run`, which patches its process.
    """
    assert arguments[:1] != ("run",)
    others = {key: None for key in os.environ if key.startswith("KUNDVAL_")}
    wanted = {key: value for key, value in env.items() if key not in KEPT}
    result = CliRunner().invoke(cli, arguments, env=others | wanted, input=stdin, prog_name="kundval")
    stderr = result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        stderr += "".join(traceback.format_exception(result.exception))
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, stderr)
