"""Small groups: which parts of a whole are kept back so that no figure is about a few people.

Shared by every service that shows figures to somebody who may not see single cases.
"""

from __future__ import annotations

from collections.abc import Mapping


def too_small(n: int, smallest: int) -> bool:
    """Whether a group that is there is smaller than may be shown."""
    return 0 < n < smallest


def kept_back(counts: Mapping[str, int], smallest: int) -> frozenset[str]:
    """The parts of a whole that must not be shown when the whole is.

    Beside each part that is too small others are kept back, the smallest first, until nobody can get at a small one
    by taking the shown ones from the whole: at least two are kept back, and together they are no small group.
    """
    hidden = {name for name, count in counts.items() if too_small(count, smallest)}
    rest = sorted((count, name) for name, count in counts.items() if count > 0 and name not in hidden)
    while hidden and rest and not _safe(counts, hidden, smallest):
        hidden.add(rest.pop(0)[1])
    return frozenset(hidden)


def whole_may_be_shown(
    counts: Mapping[str, int], hidden: frozenset[str], smallest: int, *, insiders: bool = False
) -> bool:
    """Whether the whole can stand beside the parts that are shown without giving one of the others away.

    insiders: each part belongs to somebody who reads the figures and knows its own; the others must be no small group
    for the largest of them either.
    """
    if too_small(sum(counts.values()), smallest):
        return False
    known = max((counts[name] for name in hidden), default=0) if insiders else 0
    return not hidden or _safe(counts, hidden, smallest + known)


def _safe(counts: Mapping[str, int], hidden: frozenset[str] | set[str], least: int) -> bool:
    return len(hidden) > 1 and sum(counts[name] for name in hidden) >= least
