"""What the suite is made of: lists of components, licences, and what is known of vulnerabilities."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from deploy.supply import audit, licences, sbom
from deploy.supply.lock import DISTRIBUTIONS, locked, own

DAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def documents() -> dict[str, Any]:
    return {name: json.loads(text) for name, text in sbom.documents().items()}


# --- lists of components -------------------------------------------------------------------------------


def test_there_is_a_list_for_each_distribution_and_for_the_suite(documents: dict[str, Any]) -> None:
    assert len(DISTRIBUTIONS) == 6
    assert set(documents) == {*own(), "kundval"}
    for name, one in documents.items():
        assert one["metadata"]["component"]["name"] == name


def test_each_list_holds_to_the_schema(documents: dict[str, Any]) -> None:
    for one in documents.values():
        assert sbom.faults(json.dumps(one)) is None
    broken = documents["kundval"] | {"components": [{"type": "library"}]}
    assert sbom.faults(json.dumps(broken)) is not None


def test_a_list_names_what_is_required_in_the_locked_versions_and_nothing_of_the_tests(
    documents: dict[str, Any],
) -> None:
    versions = {name: one.version for name, one in locked().items()} | {n: o.version for n, o in own().items()}
    for one in documents.values():
        found = {part["name"]: part["version"] for part in one["components"]}
        assert found.items() <= versions.items()
        assert not found.keys() & {"pytest", "hypothesis", "ruff", "mypy", "schemathesis"}
    everything = {part["name"] for part in documents["kundval"]["components"]}
    assert {"nameko", "eventlet", "kombu", "amqp", "psycopg", "psycopg-binary", "cryptography", "ortools"} <= everything
    contracts = {part["name"] for part in documents["kundval-contracts"]["components"]}
    assert "kombu" in contracts and not contracts & {"nameko", "eventlet", "psycopg"}


def test_each_component_has_a_licence_and_says_what_it_needs(documents: dict[str, Any]) -> None:
    suite = documents["kundval"]
    ours = set(own())
    assert all(part.get("licenses") for part in suite["components"] if part["name"] not in ours)
    needs = {one["ref"].partition("@")[0]: one.get("dependsOn", []) for one in suite["dependencies"]}
    assert any(one.startswith("pkg:pypi/amqp@") for one in needs["pkg:pypi/kombu"])


def test_the_same_lock_gives_the_same_bytes(documents: dict[str, Any]) -> None:
    (again,) = sbom.documents("kundval-billing").values()
    assert json.loads(again) == documents["kundval-billing"]
    assert not any(word in json.dumps(documents) for word in ("timestamp", "://pypi", "/home", "/root"))


# --- licences ------------------------------------------------------------------------------------------


def test_every_locked_package_comes_under_a_licence_that_is_allowed() -> None:
    assert list(licences.faults()) == []


def test_the_list_of_licences_is_that_of_the_lock() -> None:
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page(), "run `make licences`"


def test_a_licence_that_is_not_allowed_or_not_said_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"kombu": "AGPL-3.0-only", "amqp": "Whatever", "rich": licences.NOT_STATED, "click": "MIT OR AGPL-3.0-only"}
    monkeypatch.setattr(licences, "known", lambda: said)
    assert [fault.partition(":")[0] for fault in licences.faults()] == ["kombu", "amqp", "rich"]


# --- vulnerabilities -----------------------------------------------------------------------------------


def answer(**vulns: list[dict[str, Any]]) -> dict[str, Any]:
    """What pip-audit says of the locked packages."""
    return {
        "dependencies": [
            {"name": name, "version": one.version, "vulns": vulns.get(name, [])} for name, one in locked().items()
        ]
    }


FINDING = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["99.0"], "description": "…"}


def test_a_finding_that_is_neither_fixed_nor_accepted_is_a_fault() -> None:
    made = audit.record(answer(kombu=[FINDING]), DAY)
    (fault,) = audit.faults(made, {}, DAY)
    assert fault.startswith("kombu: PYSEC-2026-1 is neither fixed (in 99.0)")
    accepted = {"finding": [{"package": "kombu", "id": "PYSEC-2026-1", "reason": "not used", "until": DAY}]}
    assert list(audit.faults(made, accepted, DAY)) == []
    assert list(audit.faults(made, accepted, date(2026, 6, 2)))
    accepted["finding"][0]["reason"] = " "
    assert list(audit.faults(made, accepted, DAY))


def test_a_package_that_was_locked_since_or_in_another_version_was_not_looked_up() -> None:
    made = audit.record(answer(), DAY)
    assert list(audit.faults(made, {}, DAY)) == []
    del made["audited"]["kombu"]
    made["audited"]["amqp"] = "1.0"
    assert {fault.partition(":")[0] for fault in audit.faults(made, {}, DAY)} == {"kombu", "amqp"}


def test_a_package_that_was_skipped_does_not_pass_for_one_that_is_well() -> None:
    said = answer()
    said["dependencies"][0] = {"name": "absl-py", "skip_reason": "not found"}
    made = audit.record(said, DAY)
    assert made["not_audited"] == {"absl-py": "not found where it was looked up"}
    assert "absl-py" not in made["audited"]
    with pytest.raises(audit.NotAudited):
        audit.record({"dependencies": [{"name": "absl-py", "skip_reason": "not found"}]}, DAY)


def test_the_record_that_is_kept_covers_the_lock_and_every_finding_is_settled() -> None:
    made, accepted = audit.kept()
    if made is None:
        # whoever deploys is told so, and makes it where vulnerabilities can be looked up
        assert "There is no record yet" in audit.RECORD.with_name("README.md").read_text(encoding="utf-8")
        return
    assert list(audit.faults(made, accepted, date.today())) == []
