"""How the documents are written: an indented frame, with each event, method or schema on a line of its own.

A difference then names the thing that differs, and the files stay a third smaller than with everything indented.
"""

from __future__ import annotations

import json
from typing import Any

#: below this depth a value stands on one line
DEPTH = 3


def layout(document: dict[str, Any]) -> str:
    """The text of a document; always the same for the same document."""
    return _text(document, 0) + "\n"


def _text(value: Any, depth: int) -> str:
    if depth >= DEPTH or not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner, end = "  " * (depth + 1), "  " * depth
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{inner}{_text(one, depth + 1)}" for one in value) + f"\n{end}]"
    rows = (f"{inner}{json.dumps(key, ensure_ascii=False)}: {_text(one, depth + 1)}" for key, one in value.items())
    return "{\n" + ",\n".join(rows) + f"\n{end}}}"
