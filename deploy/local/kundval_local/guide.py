"""The commands of a page of the documentation, as they stand there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """What stands in one ```console block: under which heading, at which line of the page it begins, and its text."""

    heading: str
    line: int
    text: str


def blocks(page: str) -> Iterator[Block]:
    """The console blocks of a page in Markdown, in order. What stands in other fences is not for typing."""
    heading, fence, begun = "", "", 0
    held: list[str] = []
    for number, line in enumerate(page.splitlines(), 1):
        if fence:
            if line.strip() != "```":
                held.append(line)
                continue
            if fence == "```console":
                yield Block(heading, begun, "\n".join(held) + "\n")
            fence, held = "", []
        elif line.lstrip().startswith("```"):
            fence, begun = line.strip(), number + 1
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
