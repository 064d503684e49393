"""What a page is held to, so that everybody can read it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise


class Outline(HTMLParser):
    """Tags with their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def check(html: str, lang: str) -> Outline:
    """What every page of ours is held to: language, order of headings, ids, tables with heads, nothing loaded."""
    read = Outline(html)
    assert read.all("html") == [{"lang": lang}]
    assert not read.all("script", "link", "img", "iframe", "form")
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert read.all("a")[0]["href"].removeprefix("#") in ids
    assert {one for _, attributes in read.tags for one in attributes.get("aria-labelledby", "").split()} <= set(ids)
    assert len(read.all("caption")) == len(read.all("table"))
    assert all(one.get("scope") in ("col", "row") for one in read.all("th"))
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    return read
