"""How deep JSON from outside may be: what looks through a value calls itself for each level."""

from __future__ import annotations

from typing import Any

#: levels of arrays and objects in a request; the deepest of the suite has a dozen
DEEPEST = 64


def deeper(value: Any, levels: int = DEEPEST) -> bool:
    """Whether there are more than `levels` arrays and objects in each other."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
