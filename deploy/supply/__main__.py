"""`python -m deploy.supply audit|licences|sbom`: what the suite is made of, as `make` calls it."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from . import audit, licences, sbom
from .lock import ROOT


def main() -> int:
    """The exit status: 0 all is well, 1 there is something to settle, 2 it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m deploy.supply", description=__doc__)
    parser.add_argument("what", choices=("audit", "licences", "sbom"))
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "sbom", help="folder of the SBOM")
    parser.add_argument("more", nargs="*", help="options of pip-audit, after --")
    given = parser.parse_args()
    if given.what == "sbom":
        for path in sbom.write(given.out):
            print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
        return 0
    if given.what == "licences":
        licences.PAGE.write_text(licences.page(), encoding="utf-8")
        return _say(list(licences.faults()))
    try:
        made = audit.ask(*given.more)
    except audit.NotAudited as error:
        print(f"not audited: {error}", file=sys.stderr)
        return 2
    audit.write(made)
    audited, skipped, found = (len(made[name]) for name in ("audited", "not_audited", "found"))
    print(f"{audited} packages looked up, {skipped} not, {found} with findings")
    return _say(list(audit.faults(made, audit.kept()[1], date.today())))


def _say(faults: list[str]) -> int:
    for line in faults:
        print(line, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
