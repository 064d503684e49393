"""The installation guide: what it has people type exists. `make walk` really types it, on an empty Debian."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import click
import pytest

from kundval_chassis.cli import cli as kundval
from kundval_contracts.rpc import METHODS
from kundval_local import guide

from .installation import DEPLOY, ROOT, unknown

PAGE = (ROOT / "docs" / "how-to" / "install.md").read_text()
BLOCKS = list(guide.blocks(PAGE))
TEXT = "".join(block.text for block in BLOCKS)
UNITS = {path.name for path in (DEPLOY / "systemd" / "units").iterdir()}
#: of Debian's packages
OTHER_UNITS = {"rabbitmq-server", "postgresql@$version-main", "epmd.service", "epmd.socket"}


def _expanded(word: str) -> list[str]:
    """A word with {a,b} in it as the shell would make several of it."""
    parts = [part.split(",") for part in re.split(r"[{}]", word)]
    return ["".join(one) for one in product(*parts)]


def _lines() -> Iterator[str]:
    """Commands, without what they are given to read."""
    end = None
    for line in TEXT.splitlines():
        if end is not None:
            end = None if line == end else end
            continue
        if (begin := re.search(r"<<'?(\w+)'?$", line)) is not None:
            end = begin[1]
        yield from (part.strip() for part in re.split(r"; |&& ", line))


def _calls(prefix: str) -> list[list[str]]:
    """The arguments of each command that begins so."""
    return [line.removeprefix(prefix).split() for line in _lines() if line.startswith(prefix)]


def test_the_page_has_commands_under_every_step() -> None:
    steps = re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE)
    assert [int(step) for step in steps] == list(range(1, len(steps) + 1)) and len(steps) > 10
    headings = {block.heading.split(".")[0] for block in BLOCKS}
    assert headings >= set(steps)
    assert PAGE.splitlines()[BLOCKS[0].line - 2] == "```console"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"line {block.line}")
def test_a_block_is_well_formed(block: guide.Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_file_of_the_sources_exists() -> None:
    named = set(re.findall(r"(?<![\w/.-])(?:deploy|docs|chassis|services)/[\w./-]+", TEXT))
    assert "deploy/init-secrets" in named
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_every_command_of_kundval_exists_with_its_options() -> None:
    calls = _calls("kundval ")
    assert {call[0] for call in calls} >= {"call", "doctor", "status", "open-day", "explain"}
    with click.Context(kundval) as context:
        for name, *arguments in calls:
            command = kundval.get_command(context, name)
            assert command is not None, name
            options = {option for parameter in command.params for option in parameter.opts}
            assert {one for one in arguments if one.startswith("--")} <= options, name


def test_every_request_is_one_that_the_method_takes() -> None:
    calls = re.findall(r"kundval call (\S+) (?:'([^']*)'|- <<'END'\n(.*?)\nEND$)", TEXT, re.DOTALL | re.MULTILINE)
    assert len(calls) == TEXT.count("kundval call ") > 5
    for name, short, long in calls:
        assert METHODS[name].load(json.loads(short or long))


def test_every_unit_exists_or_is_made() -> None:
    made = {name for words in _calls("cp ") for name in words if name.startswith("kundval-")}
    named = set()
    for words in _calls("systemctl "):
        named |= {one for word in words[1:] if not word.startswith("-") for one in _expanded(word)}
    named -= {word for word in named if "*" in word} | OTHER_UNITS
    assert "kundval@billing" in named and "kundval-open-day@trial.timer" in named
    for name in named:
        unit = re.sub(r"@[^.]+", "@", name)
        assert (unit if unit.endswith(".timer") else f"{unit}.service") in UNITS | made, name


def test_every_secret_is_made(secrets: Path) -> None:
    named = set(re.findall(r"/etc/kundval/secrets/([\w./${}-]+)", TEXT))
    assert "tls/ca.crt" in named
    for name in named:
        name = name.replace("${service}", "billing").replace("$service", "billing")
        assert (secrets / name).is_file(), name


def test_every_setting_exists() -> None:
    named = set(re.findall(r"\bKUNDVAL_[A-Z_]+", TEXT))
    assert "KUNDVAL_BACKUP_STAMP" in named
    assert not unknown(named)
