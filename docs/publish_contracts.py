"""Keep every published version of the contracts, and say what a change of them would break.

    python docs/publish_contracts.py             keep the present contracts as the version that kundval-contracts bears
    python docs/publish_contracts.py --check     say what would break whom; status 1 if anything would
    python docs/publish_contracts.py --report    all that differs from the version published last

Publishing is refused if anything breaks, and if other contracts were published under that version before. How to go on
then stands in `docs/how-to/never-break.md`.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs.catalogue.errors import errors_of  # noqa: E402  (found by the line above if this is run as a program)
from docs.catalogue.layout import layout  # noqa: E402
from kundval_contracts.compat import Finding, breaking, compare, compare_all, report  # noqa: E402
from kundval_contracts.compat.consumers import load  # noqa: E402
from kundval_contracts.compat.second import opinion  # noqa: E402
from kundval_contracts.rpc import METHODS  # noqa: E402
from kundval_contracts.schema import bundle  # noqa: E402
from kundval_contracts.versions import RELEASE_DAY  # noqa: E402

PUBLISHED = ROOT / "contracts" / "published"
CONSUMERS = ROOT / "contracts" / "consumers"


def present() -> dict[str, Any]:
    """The contracts as they are now, with the release they are to be and the error codes of each method."""
    made = bundle()
    for name, method in made["rpc"].items():
        method["faults"] = sorted({code for codes in errors_of(METHODS[name]).values() for code in codes})
    release = {"version": version("kundval-contracts"), "on": RELEASE_DAY.isoformat()}
    return {"release": release, **made}


def published(folder: Path = PUBLISHED) -> list[dict[str, Any]]:
    """Everything that was published, oldest first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return sorted(found, key=lambda one: [int(part) for part in one["release"]["version"].split(".")])


def differences(new: dict[str, Any], old: list[dict[str, Any]]) -> list[Finding]:
    """What differs from published versions, with those who have registered what they need."""
    return compare_all(old, new, needs=_needs(), on=RELEASE_DAY, opinion=opinion)


def publish(new: dict[str, Any], folder: Path = PUBLISHED) -> Path:
    """Keep the contracts as a published version. Raises ValueError with what stands against it."""
    against = breaking(differences(new, published(folder)))
    if against:
        raise ValueError(report(against))
    path = folder / f"{new['release']['version']}.json"
    text = layout(new)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise ValueError(f"{path.name} was published with other contents: raise the version of kundval-contracts")
    path.write_text(text, encoding="utf-8")
    return path


def _needs() -> list[Any]:
    return [one.need for one in load(CONSUMERS)]


def main(arguments: list[str]) -> int:
    new, old = present(), published()
    if arguments == ["--report"]:
        print(report(compare(old[-1], new, needs=_needs(), on=RELEASE_DAY, opinion=opinion) if old else []))
        return 0
    if arguments == ["--check"]:
        against = breaking(differences(new, old))
        print(report(against) or f"breaks nothing of {len(old)} published")
        return 1 if against else 0
    try:
        print(publish(new).relative_to(ROOT))
    except ValueError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
