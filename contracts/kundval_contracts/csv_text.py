"""Tables as CSV that spreadsheets read as they are meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

Value = str | int | bool | Decimal | date | StrEnum | None

#: what a spreadsheet takes for the beginning of a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """RFC 4180: commas, CRLF, quotes where needed; a byte order mark first, so that Excel takes it for UTF-8.

    Nothing is an empty cell. Text that a spreadsheet would carry out as a formula gets an apostrophe before it; a
    number below zero is no formula.
    """
    return "\ufeff" + "".join(",".join(map(_cell, row)) + "\r\n" for row in (columns, *rows))


def _cell(value: Value) -> str:
    text = "" if value is None else {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    if text.startswith(_FORMULA) and not isinstance(value, int | Decimal):
        text = "'" + text
    if any(mark in text for mark in ',"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text
