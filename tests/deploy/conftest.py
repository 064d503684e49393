"""Secrets of an installation, made once for the tests of the files that refer to them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .installation import DEPLOY, program


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that deploy/init-secrets fills."""
    program("openssl", "openssl")
    folder = tmp_path_factory.mktemp("installation") / "secrets"
    done = subprocess.run(
        [str(DEPLOY / "init-secrets"), str(folder), "--host", "rabbitmq=broker.example.net,192.0.2.7"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder
