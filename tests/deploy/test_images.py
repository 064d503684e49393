"""Images: the linter's opinion, what goes into each, and the subset of locked requirements."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from .installation import DEPLOY, ROOT

IMAGES = DEPLOY / "images"
CONTAINERFILE = (IMAGES / "Containerfile").read_text()
LAST_STAGE = CONTAINERFILE.rpartition("\nFROM ")[2]


def _module(path: Path) -> ModuleType:
    spec = spec_from_file_location("kundval_subset", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


subset = _module(IMAGES / "subset.py")


def test_hadolint_finds_nothing() -> None:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, IMAGES / "Containerfile"], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    worse = CONTAINERFILE.replace("WORKDIR /src", "WORKDIR src").replace("USER 10001:10001", "USER root")
    done = subprocess.run([program, "-"], input=worse, capture_output=True, text=True, timeout=120, check=False)
    assert "DL3000" in done.stdout and "DL3002" in done.stdout


def test_the_names_in_requirements_toml_are_what_the_distributions_need() -> None:
    assert (IMAGES / "requirements.toml").read_text() == subset.as_text(), "run deploy/images/subset.py --write"


@pytest.mark.parametrize("image", subset.IMAGES)
def test_the_subset_of_an_image_is_locked_with_hashes_and_is_what_is_installed(image: str) -> None:
    names = tomllib.loads((IMAGES / "requirements.toml").read_text())[image]
    text = subset.select((ROOT / "requirements.txt").read_text(), names)
    found = dict(re.findall(r"^([a-z0-9-]+)==(\S+)(?: ;.*)? \\\n    --hash=sha256:", text, re.MULTILINE))
    assert set(found) == set(names)
    for name, locked in found.items():
        if len(re.findall(rf"^{name}==", text, re.MULTILINE)) == 1:
            assert version(name) == locked


def test_an_image_holds_its_own_service_and_nothing_that_tests() -> None:
    names = {image: set(subset.needed(image)) for image in subset.IMAGES}
    for image in subset.IMAGES:
        assert not names[image] & {"pytest", "hypothesis", "ruff", "mypy", "schemathesis", "faststream", "pip"}
    assert "ortools" in names["scheduling"] and "ortools" not in names["billing"]
    assert "typst" in names["billing"] and "typst" not in names["notifications"]
    assert names["gateway"] < names["billing"] < names["operator"]
    assert subset.folders("billing") == ["contracts", "chassis", "services/billing"]
    assert subset.folders("gateway") == ["contracts", "chassis"]
    assert all((ROOT / folder / "pyproject.toml").is_file() for folder in subset.folders("operator"))


def test_an_image_holds_every_library_that_its_code_imports() -> None:
    """What a developer's environment has for other reasons too would be missing there."""
    of = packages_distributions()
    for folder in subset.folders("operator"):
        # what all share has extras, which only some of the services want
        held = subset.needed(folder.removeprefix("services/") if folder.startswith("services/") else "operator")
        assert "nameko" in held
        for path in (ROOT / folder).glob("kundval_*/**/*.py"):
            for name in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE):
                brought = {subset.canonical(one) for one in of.get(name, ()) if not one.startswith("kundval")}
                # the second opinion about contracts is for developers
                assert not brought or brought & held or name == "jsoncompat", (folder, name, path)


def test_a_name_that_is_not_locked_is_told() -> None:
    with pytest.raises(LookupError, match="nosuch"):
        subset.select("amqp==5 \\\n    --hash=sha256:00\n", ["amqp", "nosuch"])


def test_the_last_stage_runs_as_a_number_without_rights_and_installs_nothing() -> None:
    assert re.search(r"^USER (\d+):(\d+)$", LAST_STAGE, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", LAST_STAGE, re.MULTILINE)
    assert 'ENTRYPOINT ["kundval"]' in LAST_STAGE
    assert not re.search(r"apt-get|pip install|apk |curl |gcc", LAST_STAGE)
    assert "/site-packages/pip*" in LAST_STAGE


def test_the_base_is_pinned_and_what_is_fetched_is_checked() -> None:
    assert re.search(r"^ARG BASE=python:3\.1[1-3]\.\d+-slim-[a-z]+$", CONTAINERFILE, re.MULTILINE)
    installs = re.findall(r"pip\S*(?: --python \S+)? install ([^\n\\&]*)", CONTAINERFILE)
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    assert "--invalidation-mode unchecked-hash" in CONTAINERFILE and "SOURCE_DATE_EPOCH" in CONTAINERFILE


def test_what_is_copied_into_the_build_is_let_through_by_the_ignore_file() -> None:
    ignored = (IMAGES / "Containerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    let = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert copied == let and all((ROOT / one).exists() for one in copied)
