"""Independent readers find nothing wrong with the generated documents: none of them was written here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from docs import build_catalogue
from kundval_contracts import catalogue
from kundval_contracts.events import EVENTS
from kundval_contracts.events_in import EVENTS_IN
from tests import node

pytestmark = pytest.mark.slow

HERE = Path(node.__file__).parent


def file(name: str) -> Path:
    return build_catalogue.DOCUMENTS_FOLDER / name


def broken(name: str, folder: Path, breaks: Callable[[dict[str, Any]], None]) -> Path:
    """A document with little in it but something that is wrong."""
    document = catalogue.read(name)
    breaks(document)
    path = folder / f"broken-{name}"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def one_event_beyond_its_schema(document: dict[str, Any]) -> None:
    kept = "assignment.exited"
    document["channels"] = {kept: document["channels"][kept]}
    document["operations"] = {}
    message = document["components"]["messages"][kept]
    message["examples"][0]["payload"]["data"] |= {"extent_pct": 101, "on": "2024-13-01"}
    document["components"]["messages"] = {kept: message}


def one_request_beyond_its_schema(document: dict[str, Any]) -> None:
    kept, schema = "/v1/billing/lines", "billing.lines.request"
    called = document["paths"][kept]["post"]
    called["requestBody"]["content"]["application/json"]["example"] = {"tenant": "two words"}
    called |= {"parameters": [], "responses": {"200": {"description": "The answer"}}}
    document["paths"], document["webhooks"] = {kept: {"post": called}}, {}
    document["components"] = {
        "schemas": {schema: document["components"]["schemas"][schema]},
        "securitySchemes": document["components"]["securitySchemes"],
    }


def test_the_parser_of_asyncapi_takes_every_message_and_ajv_every_example(tmp_path: Path) -> None:
    wrong = broken("asyncapi.json", tmp_path, one_event_beyond_its_schema)
    done = node.run(HERE / "asyncapi.cjs", file("asyncapi.json"), wrong)
    assert done.returncode == 0, done.stderr
    ours, other = json.loads(done.stdout)
    several = len(EVENTS) + len(EVENTS_IN)
    assert ours["faults"] == []
    assert ours["messages"] == ours["examples"] >= several
    assert [fault.partition(":")[0] for fault in other["faults"]] == [
        "assignment.exited/data/extent_pct",
        "assignment.exited/data/on",
    ]


def test_spectral_has_nothing_to_say(tmp_path: Path) -> None:
    wrong = broken("openapi.json", tmp_path, one_request_beyond_its_schema)
    program = node.install().joinpath("node_modules", "@stoplight", "spectral-cli", "dist", "index.js")
    arguments = ("lint", "--quiet", "--format", "json", "--ruleset", HERE / "spectral.yaml", "--fail-severity", "hint")
    done = node.run(program, *arguments, file("asyncapi.json"), file("openapi.json"), wrong)
    assert done.returncode == 1, done.stderr  # 2: it could not be run
    said = json.loads(done.stdout)
    assert [one for one in said if Path(one["source"]) != wrong] == []
    assert "oas3-valid-media-example" in {one["code"] for one in said}


def test_the_openapi_document_is_one() -> None:
    # here, because its import costs every process that collects tests seconds
    from openapi_spec_validator import OpenAPIV31SpecValidator

    assert [fault.message for fault in OpenAPIV31SpecValidator(catalogue.read("openapi.json")).iter_errors()] == []


def test_the_asyncapi_document_fits_the_standards_own_schema() -> None:
    schemas = node.install() / "node_modules" / "@asyncapi" / "specs" / "schemas"
    meta = json.loads((schemas / "3.0.0-without-$id.json").read_text(encoding="utf-8"))
    assert faults(meta, catalogue.read("asyncapi.json")) == []
    assert faults(meta, {**catalogue.read("asyncapi.json"), "surplus": 1}) != []


def test_the_openrpc_document_fits_the_standards_own_schema() -> None:
    done = node.run(HERE / "openrpc.cjs")
    meta = json.loads(done.stdout)
    assert faults(meta, catalogue.read("openrpc.json")) == []
    assert faults(meta, {"openrpc": "1.3.2", "info": {"title": "x", "version": "1"}, "methods": [{"name": "x"}]}) != []


def faults(meta: Any, document: Any) -> list[str]:
    """What the standard's schema says; its references to schemas of schemas lead to that of JSON Schema itself."""
    from jsonschema import Draft7Validator

    draft7 = Resource.from_contents(Draft7Validator.META_SCHEMA, default_specification=DRAFT7)
    anything = Resource.from_contents({"definitions": {"JSONSchemaObject": {"properties": {"$ref": {}}}}}, DRAFT7)
    text = json.dumps(meta).replace("https://meta.json-schema.tools/#", "urn:anything#")
    text = text.replace("https://meta.json-schema.tools/", "http://json-schema.org/draft-07/schema#")
    text = text.replace("https://meta.json-schema.tools", "http://json-schema.org/draft-07/schema#")
    registry: Registry[Any] = Registry().with_resources(
        [("http://json-schema.org/draft-07/schema", draft7), ("urn:anything", anything)]
    )
    validator = Draft7Validator(json.loads(text), registry=registry)
    return [f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(document)]
