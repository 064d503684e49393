"""Patterns over event names, as the broker's topics have them: words with dots, `*` one word, `#` any number.

An event that is told in several versions reaches a partner in the oldest, until the partner asks for a later one: by a
pattern with the version as its last word, `assignment.exited.v2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from kundval_contracts.versions import told_as

from ..outbox import event_types

_PATTERN = re.compile(r"([a-z][a-z0-9_]*|\*|#)(\.([a-z][a-z0-9_]*|\*|#)){0,3}", re.ASCII)


def is_pattern(text: str) -> bool:
    return len(text) <= 100 and _PATTERN.fullmatch(text) is not None


_VERSION = re.compile(r"(.*)\.v([1-9][0-9]{0,3})", re.ASCII)


def matches(pattern: str, name: str) -> bool:
    """Whether an event of that name is meant."""
    asked = _VERSION.fullmatch(pattern)
    if asked is not None:
        return name in event_types() and int(asked[2]) in told_as(name) and matches(asked[1], name)
    return _match(tuple(pattern.split(".")), tuple(name.split(".")))


def version_of(patterns: Iterable[str], name: str) -> int:
    """The version in which an event that is told reaches who reads by these patterns."""
    asked = (found for found in map(_VERSION.fullmatch, patterns) if found is not None)
    return max((int(one[2]) for one in asked if matches(one[0], name)), default=told_as(name)[0])


def _match(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_match(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _match(pattern[1:], words[1:])


@lru_cache(maxsize=1000)
def known(patterns: tuple[str, ...]) -> frozenset[str]:
    """The events of the contracts that one of these patterns means."""
    return frozenset(name for name in event_types() if any(matches(one, name) for one in patterns))


def both(patterns: Iterable[str], others: Iterable[str]) -> frozenset[str]:
    """The events that one of `patterns` and one of `others` mean."""
    return known(tuple(patterns)) & known(tuple(others))
