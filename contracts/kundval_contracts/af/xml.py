"""XML from outside, read without trust: no document type, no entities, bounded size, depth and number of elements.

Elements are found by their local names, whatever their namespace, prefix and case: the agencies' versions differ in
these. No message quotes what a document holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from lxml import etree

from ..codes import AfFault
from ..errors import InvalidRequest
from ..fact_fields import EARLIEST, LATEST

#: bytes of a document; a whole answer of six agencies has some ten thousand
LARGEST = 1024 * 1024
DEEPEST = 40
MOST_ELEMENTS = 20_000

Element: TypeAlias = etree._Element

#: What the agencies write in. All agree with ASCII in its characters, so that a look at the bytes sees what is there.
_ENCODINGS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1252"})
_DECLARED = re.compile(rb"\A<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_BOM = b"\xef\xbb\xbf"
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")

_STOCKHOLM = ZoneInfo("Europe/Stockholm")
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:Z|[+-]\d{2}:?\d{2})?")


def refusal(code: AfFault, message: str, path: str = "") -> InvalidRequest:
    """A typed fault with its code; `path` is made of names of ours, never of the document's."""
    return InvalidRequest(f"{message}.", code=code, faults=[{"path": path, "message": message}])


def parse(data: bytes) -> Element:
    """The root element. Raises InvalidRequest with a code of `AfFault`."""
    if len(data) > LARGEST:
        raise refusal(AfFault.TOO_LARGE, f"The document has more than {LARGEST} bytes")
    data = data.removeprefix(_BOM).lstrip()
    declared = _DECLARED.match(data[:200])
    encoding = declared.group(1).decode().lower() if declared else "utf-8"
    if encoding not in _ENCODINGS or b"\0" in data:
        raise refusal(AfFault.FORBIDDEN_XML, "The document is written in an encoding that is not taken")
    if any(mark in data for mark in _FORBIDDEN):
        raise refusal(AfFault.FORBIDDEN_XML, "The document has a document type or an entity")
    parser = etree.XMLParser(
        # as it was looked at above, whatever else the document says
        encoding=encoding,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise refusal(AfFault.NOT_XML, "The document is not XML") from None
    _bounded(root)
    return root


def _bounded(root: Element) -> None:
    count = depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        count, depth = count + 1, depth + 1
        if depth > DEEPEST:
            raise refusal(AfFault.TOO_DEEP, f"The document is nested deeper than {DEEPEST} elements")
        if count > MOST_ELEMENTS:
            raise refusal(AfFault.TOO_LARGE, f"The document has more than {MOST_ELEMENTS} elements")


def name_of(element: Element) -> str:
    """The local name in lower case."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def everywhere(element: Element, names: Iterable[str]) -> Iterator[Element]:
    """All elements of these names at any depth, `element` itself included, in the order of the document."""
    wanted = {name.lower() for name in names}
    return (one for one in element.iter() if name_of(one) in wanted)


def first(element: Element | None, *names: str) -> Element | None:
    """The first element inside that has one of these names, at any depth; None also without `element`."""
    if element is None:
        return None
    return next((one for one in everywhere(element, names) if one is not element), None)


def text_of(element: Element | None) -> str | None:
    """What an element says itself, without the spaces around; None if that is nothing, or it is marked as nil."""
    if element is None or any(key.endswith("}nil") and value in ("true", "1") for key, value in element.items()):
        return None
    return "".join(part for part in (element.text, *(child.tail for child in element)) if part).strip() or None


def text(element: Element | None, *names: str) -> str | None:
    """What the first element of these names says."""
    return text_of(first(element, *names))


def day(value: str | None) -> date | None:
    """A date as the agencies write them; None for what is none, or lies outside of what periods are counted in.

    `2016-11-18+01:00` is the 18th: an offset says in which zone the day is meant, and moves it nowhere. A point in time
    is the day on which it was in Sweden.
    """
    if value is None or len(value) > 40:
        return None
    found: date | None = None
    try:
        if match := _DAY.fullmatch(value):
            found = date(int(match[1]), int(match[2]), int(match[3]))
        elif value[4:5] == "-" and "T" in value:
            moment = datetime.fromisoformat(value)
            found = (moment if moment.tzinfo is None else moment.astimezone(_STOCKHOLM)).date()
    except (ValueError, OverflowError):
        return None
    return found if found is not None and EARLIEST <= found <= LATEST else None


def day_after(value: str | None) -> date | None:
    """The end of a half-open period of which `value` is the last day."""
    last = day(value)
    return None if last is None or last == LATEST else last + timedelta(days=1)


def flag(value: str | None) -> bool | None:
    """A truth value as XML, and as people, write them; None for what is none."""
    known = {"true": True, "1": True, "ja": True, "j": True, "false": False, "0": False, "nej": False, "n": False}
    return known.get((value or "").lower())


_WORDS = {"heltid": 100, "halvtid": 50}


def percent(value: str | None) -> int | None:
    """An extent: `75`, `75 %`, `75,00`, *heltid*, *halvtid*; None for what is none of these."""
    if value is None:
        return None
    found = _WORDS.get(value.lower())
    if found is None and (match := re.fullmatch(r"(\d{1,3})(?:[.,]0{1,4})?\s*%?", value, re.ASCII)):
        found = int(match[1])
    return found if found is not None and 0 <= found <= 100 else None
