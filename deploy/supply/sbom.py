"""What a distribution of the suite is made of, as CycloneDX 1.6: the same bytes for the same lock.

Components are those that `requirements.txt` locks, in its versions; their files' hashes stand there.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

from . import licences
from .lock import Locked, Own, graph, locked, own

SUITE = "kundval"


class NotLocked(LookupError):
    """A distribution requires a package that `requirements.txt` does not hold."""


#: of the ids that documents get from their content
_NAMESPACE = uuid.UUID("6d0b9f3e-6e0f-4b53-9d52-2f0b8c6a1b77")


def documents(*names: str) -> dict[str, str]:
    """One for each distribution and one for the suite, by name, as JSON; or those of these names."""
    ours, packages, said = own(), locked(), licences.known()
    version = ours["kundval-chassis"].version
    tops = ours | {SUITE: Own(SUITE, version, "All of the suite", tuple(Requirement(name) for name in ours))}
    return {name: _document(tops[name], ours, packages, said) for name in names or tops}


def faults(document: str) -> str | None:
    """What is wrong with a document, held against CycloneDX's schema."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(document)
    return None if error is None else str(error)


def write(folder: Path) -> list[Path]:
    """Write the documents; their files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in documents().items():
        made.append(folder / f"{name}.cdx.json")
        made[-1].write_text(text, encoding="utf-8")
    return made


def _document(root: Own, ours: Mapping[str, Own], packages: Mapping[str, Locked], said: Mapping[str, str]) -> str:
    needs = graph(root.requires, ours)
    factory = LicenseFactory()

    def component(name: str) -> Component:
        if name in ours:
            one = ours[name]
            return _part(one.name, one.version, ComponentType.LIBRARY, one.description)
        if name not in packages:
            raise NotLocked(f"{name} is required and not locked: run `make lock`")
        made = _part(name, packages[name].version, ComponentType.LIBRARY)
        made.licenses.add(factory.make_from_string(said[name]))
        return made

    top = _part(root.name, root.version, ComponentType.APPLICATION, root.description)
    parts = {name: component(name) for name in sorted(needs)}
    bom = Bom(components=parts.values())
    bom.metadata.component = top
    bom.metadata.tools.components.clear()
    bom.register_dependency(top, [parts[one.name] for one in root.requires])
    for name, inner in needs.items():
        bom.register_dependency(parts[name], [parts[one] for one in sorted(inner)])
    text: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    # of when and by what it was made nothing: the same lock gives the same bytes
    text["metadata"].pop("timestamp", None)
    text["metadata"].pop("tools", None)
    text["serialNumber"] = uuid.uuid5(_NAMESPACE, json.dumps(text | {"serialNumber": ""}, sort_keys=True)).urn
    return json.dumps(text, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _part(name: str, version: str, kind: ComponentType, description: str | None = None) -> Component:
    purl = PackageURL("pypi", None, name, version)
    return Component(
        name=name, version=version, type=kind, description=description, purl=purl, bom_ref=purl.to_string()
    )
