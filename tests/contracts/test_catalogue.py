"""The generated reference pages and documents say what the contracts say."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from docs import build_catalogue
from docs.catalogue.asyncapi import asyncapi
from docs.catalogue.consumers import REGISTERED, consumers
from docs.catalogue.markdown import anchor
from docs.catalogue.rules import MORE, NO_RULE, rules_of, unknown
from kundval_contracts import catalogue
from kundval_contracts.errors import KINDS
from kundval_contracts.events import EVENTS, SERVICES
from kundval_contracts.events_in import EVENTS_IN
from kundval_contracts.rpc import METHODS
from kundval_contracts.schema import bundle
from kundval_contracts.settings import SETTINGS
from kundval_contracts.versions import FORMER, Former

PAGES = sorted(build_catalogue.PAGES)


def test_the_pages_on_disk_are_what_the_generator_makes() -> None:
    # in a process of its own: other tests add methods to the register
    done = subprocess.run(
        [sys.executable, str(Path(build_catalogue.__file__)), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run: python docs/build_catalogue.py\n{done.stdout}{done.stderr}"


def test_a_page_that_was_edited_or_is_missing_is_found(tmp_path: Path) -> None:
    for name, made in build_catalogue.PAGES.items():
        (tmp_path / name).write_text(made(), encoding="utf-8")
    assert build_catalogue.stale(tmp_path) == []
    (tmp_path / "rpc.md").write_text("something else", encoding="utf-8")
    (tmp_path / "codes.md").unlink()
    assert build_catalogue.stale(tmp_path) == ["codes.md", "rpc.md"]


def test_every_setting_event_and_method_is_in_its_page() -> None:
    pages = {name: made() for name, made in build_catalogue.PAGES.items()}
    assert not [key for key in SETTINGS if f"`{key}`" not in pages["settings.md"]]
    assert not [name for name in EVENTS if f"\n### {name}\n" not in pages["events.md"]]
    own = [name for name in METHODS if name.partition(".")[0] in SERVICES]  # other tests add methods
    assert not [name for name in own if f"\n### {name}\n" not in pages["rpc.md"]]


@pytest.mark.parametrize("name", PAGES)
def test_every_link_in_a_page_leads_to_a_heading(name: str) -> None:
    pages = {page: made() for page, made in build_catalogue.PAGES.items()}
    headings = {
        page: {anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")}
        for page, text in pages.items()
    }
    for file, target in re.findall(r"\]\(([\w.-]*)(#[\w-]+)\)", pages[name]):
        assert target in headings[file or name], f"{file}{target}"


@pytest.mark.parametrize("name", PAGES)
def test_a_heading_of_an_object_stands_once(name: str) -> None:
    headings = [line for line in build_catalogue.PAGES[name]().splitlines() if line.startswith("### ")]
    assert len(headings) == len(set(headings))


# --- documents ---------------------------------------------------------------------------------------


def own_methods() -> list[str]:
    return [name for name in METHODS if name.partition(".")[0] in SERVICES]  # other tests add methods


@pytest.fixture(scope="module")
def documents() -> dict[str, Any]:
    return {name: catalogue.read(name) for name in catalogue.NAMES}


def test_a_document_that_was_edited_is_found(tmp_path: Path) -> None:
    made = {"schemas.json": build_catalogue.DOCUMENTS["schemas.json"]}
    build_catalogue.write(tmp_path, made)
    assert build_catalogue.stale(tmp_path, made) == []
    text = (tmp_path / "schemas.json").read_text(encoding="utf-8")
    (tmp_path / "schemas.json").write_text(text.replace("SPEED_PREMIUM", "SPEEDY_PREMIUM"), encoding="utf-8")
    assert build_catalogue.stale(tmp_path, made) == ["schemas.json"]


def test_every_document_is_there_for_who_installs_the_contracts(documents: dict[str, Any]) -> None:
    assert sorted(build_catalogue.DOCUMENTS) == sorted(catalogue.NAMES)
    assert set(documents["schemas.json"]["events"]) == set(EVENTS)
    assert set(documents["schemas.json"]["events_in"]) == set(EVENTS_IN)
    assert set(documents["asyncapi.json"]["components"]["messages"]) >= {*EVENTS, *EVENTS_IN}
    assert sorted(one["name"] for one in documents["openrpc.json"]["methods"]) == sorted(own_methods())
    paths = {f"/v1/{name.replace('.', '/')}" for name in own_methods()}
    assert {path for path in documents["openapi.json"]["paths"] if path.startswith("/v1/")} == paths


def test_every_event_names_its_rules_or_says_why_there_are_none() -> None:
    assert [name for name in EVENTS if not rules_of(name) and not NO_RULE.get(name)] == []
    assert [name for name in NO_RULE if name not in EVENTS or rules_of(name)] == []
    assert [name for name in MORE if name not in EVENTS] == []
    assert {name: wrong for name in EVENTS if (wrong := unknown(rules_of(name)))} == {}
    assert len([name for name in EVENTS if rules_of(name)]) > 100


def test_every_event_names_the_services_that_read_it() -> None:
    who = consumers()
    assert {"billing", "notifications", "scheduling"} <= set(who["assignment.exited"])
    assert "assignment" in who["scheduling.meeting_held"]
    assert "notifications" in who["billing.posted"]
    assert {service for readers in who.values() for service in readers} >= {*SERVICES}


def test_who_has_registered_is_named_with_events_and_methods(documents: dict[str, Any]) -> None:
    (partner,) = (path.stem for path in REGISTERED.glob("example-*.toml"))
    assert partner in consumers()["assignment.exited"]
    assert (
        documents["asyncapi.json"]["components"]["messages"]["assignment.exited"]["x-consumers"]
        == (consumers()["assignment.exited"])
    )
    methods = {one["name"]: one["x-consumers"] for one in documents["openrpc.json"]["methods"]}
    assert partner in methods["assignment.state"]


def test_an_event_of_a_person_says_what_is_masked(documents: dict[str, Any]) -> None:
    messages = documents["asyncapi.json"]["components"]["messages"]
    assert messages["assignment.provider_chosen"]["x-masked-fields"] == ["provider"]
    assert messages["scheduling.obligations_changed"]["x-masked-fields"] == ["changed.provider"]
    assert "x-masked-fields" not in messages["assignment.day_opened"]


def test_a_former_version_stands_beside_the_present_one_until_its_sunset(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "assignment.day_opened"
    present = replace(EVENTS[name], version=2)
    former = Former(1, EVENTS[name].schema, up=dict, down=dict, sunset=date(2027, 6, 30))
    monkeypatch.setitem(EVENTS, name, present)
    monkeypatch.setitem(FORMER, name, (former,))
    document = asyncapi()
    messages = document["components"]["messages"]
    assert messages[name]["name"] == "se.kundval.assignment.day_opened.v1"
    assert messages[name]["x-sunset"] == "2027-06-30"
    assert messages[f"{name}.v2"]["name"] == "se.kundval.assignment.day_opened.v2"
    assert "x-sunset" not in messages[f"{name}.v2"]
    assert document["channels"][f"{name}.v2"]["address"] == f"{name}.v2"
    assert set(bundle()["events"][name]) == {"1", "2"}


def test_every_command_wants_an_idempotency_key_and_no_query_does(documents: dict[str, Any]) -> None:
    wanting = {
        operation["operationId"]
        for path in documents["openapi.json"]["paths"].values()
        for operation in path.values()
        if {"$ref": "#/components/parameters/Idempotency-Key"} in operation.get("parameters", ())
    }
    commands = {name.replace(".", "_") for name in own_methods() if METHODS[name].kind == "command"}
    assert wanting == commands != set()


def test_a_method_names_its_errors_with_their_codes(documents: dict[str, Any]) -> None:
    methods = {one["name"]: one["x-error-codes"] for one in documents["openrpc.json"]["methods"]}
    assert all(kind in KINDS for codes in methods.values() for kind in codes)
    assert "NOT_ELIGIBLE" in methods["assignment.record_facts"]["FACT_REFUSED"]
    assert "NO_BUSINESS_DATE" in methods["billing.release_payments"]["CONFLICT"]
    assert "IDEMPOTENCY_KEY_REUSED" in methods["billing.release_payments"]["CONFLICT"]
    assert "CONFLICT" not in methods["billing.lines"]
    assert "PURPOSE_MISSING" in methods["assignment.find_person"]["FORBIDDEN"]


def test_no_name_in_a_document_leads_nowhere(documents: dict[str, Any]) -> None:
    for name, document in documents.items():
        for target in re.findall(r'"\$ref": "#/([^"]+)"', catalogue.text(name)):
            found = document
            for step in target.split("/"):
                assert step in found, (name, target)
                found = found[step]
