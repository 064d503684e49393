"""Write what is generated from the contracts: the pages of docs/reference and the documents that partners get.

    python docs/build_catalogue.py               write all
    python docs/build_catalogue.py --documents   write the documents alone (kundval_contracts/catalogue/*.json)
    python docs/build_catalogue.py --check       say which are not as they would be written; status 1 if any

`tests/contracts/test_catalogue.py` runs the check, so neither can fall behind the code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs.catalogue.asyncapi import asyncapi  # noqa: E402  (found by the line above if this is run as a program)
from docs.catalogue.codes_page import codes_page  # noqa: E402
from docs.catalogue.events_page import events_page  # noqa: E402
from docs.catalogue.layout import layout  # noqa: E402
from docs.catalogue.notices_page import notices_page  # noqa: E402
from docs.catalogue.openapi import openapi  # noqa: E402
from docs.catalogue.openrpc import openrpc  # noqa: E402
from docs.catalogue.rpc_page import rpc_page  # noqa: E402
from docs.catalogue.settings_page import settings_page  # noqa: E402
from kundval_contracts.schema import bundle  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
DOCUMENTS_FOLDER = ROOT / "contracts" / "kundval_contracts" / "catalogue"

PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "codes.md": codes_page,
    "events.md": events_page,
    "rpc.md": rpc_page,
    "notices.md": notices_page,
}
DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "asyncapi.json": lambda: layout(asyncapi()),
    "openrpc.json": lambda: layout(openrpc()),
    "openapi.json": lambda: layout(openapi()),
    "schemas.json": lambda: layout(bundle()),
}


def stale(folder: Path = FOLDER, made_by: Mapping[str, Callable[[], str]] = PAGES) -> list[str]:
    """The files in `folder` that are not what would be written now."""
    return [
        name
        for name, made in made_by.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != made()
    ]


def write(folder: Path, made_by: Mapping[str, Callable[[], str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in made_by.items():
        (folder / name).write_text(made(), encoding="utf-8")


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        behind = [FOLDER / name for name in stale()]
        behind += [DOCUMENTS_FOLDER / name for name in stale(DOCUMENTS_FOLDER, DOCUMENTS)]
        for path in behind:
            print(f"{path.relative_to(ROOT)} is not up to date: run python docs/build_catalogue.py")
        return 1 if behind else 0
    write(DOCUMENTS_FOLDER, DOCUMENTS)
    if arguments != ["--documents"]:
        write(FOLDER, PAGES)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
