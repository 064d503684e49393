"""`python -m kundval_billing.pdf LAYOUT`: a sheet as JSON on the standard input, a tagged PDF on the standard output.

A process of its own, for the layout is native code that lets nothing else run. It reads no settings and no database,
and imports little, so that it begins at once.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Final

import typst

from kundval_chassis.child import end_with_parent

#: letters, marks and signs of Latin, Greek and Cyrillic texts, which the compiler's fonts have
_HAS: Final = "\u0000-\u052f\u1e00-\u1fff\u2000-\u206f\u20a0-\u20bf\u2100-\u214f\u2190-\u22ff"


def plain(sheet: str) -> str:
    """The sheet with a question mark for each letter that no font is there for: better than no PDF."""
    return re.sub(f"[^{_HAS}]", "?", json.dumps(json.loads(sheet), ensure_ascii=False))


def main(arguments: list[str]) -> int:
    end_with_parent()
    (layout,) = arguments
    sheet = sys.stdin.buffer.read().decode()
    try:
        made = tagged(layout, sheet)
    except typst.TypstError:
        made = tagged(layout, plain(sheet))
    sys.stdout.buffer.write(made)
    return 0


def tagged(layout: str, sheet: str) -> bytes:
    """The PDF. Raises TypstError, also for a letter that no font is there for."""
    # the fonts are the compiler's own: the same everywhere
    made: bytes = typst.compile(
        layout, format="pdf", sys_inputs={"sheet": sheet}, pdf_standards=["ua-1"], ignore_system_fonts=True
    )
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
