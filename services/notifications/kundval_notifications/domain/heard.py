"""What other services have told beside facts, obligations and postings, and numbers that tell notices of it apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Heard:
    """An event, as it is held: codes, days and opaque ids.

    item: what of its subject it is about: a meeting, a report, a document, a provider. revision: rises with the events
    about the item. on: the business date on which it came about.
    """

    name: str
    item: str
    revision: int
    on: date
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Tells a notice that it causes from others of the kind and day; the same whatever else is told."""
        return number(self.name, self.item, self.revision)


def number(*parts: object) -> int:
    """A number from 0 to 2**31 - 1 that belongs to these parts."""
    return crc32(":".join(map(str, parts)).encode()) >> 1
