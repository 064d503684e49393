"""`python -m kundval_billing.pdf LAYOUT`: a sheet as JSON on the standard input, a tagged PDF on the standard output.

A process of its own, for the layout is native code that lets nothing else run. It reads no settings and no database,
and imports little, so that it begins at once.
"""

from __future__ import annotations

import sys

import typst

from kundval_chassis.child import end_with_parent


def main(arguments: list[str]) -> int:
    end_with_parent()
    (layout,) = arguments
    sheet = sys.stdin.buffer.read().decode()
    # the fonts are the compiler's own: the same everywhere
    made = typst.compile(
        layout, format="pdf", sys_inputs={"sheet": sheet}, pdf_standards=["ua-1"], ignore_system_fonts=True
    )
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
