"""The page of the code lists, and the exit matrix."""

from __future__ import annotations

import inspect

from kundval_contracts.exits import EXITS
from kundval_contracts.schema import code_lists

from .markdown import code, listed, page, table


def codes_page() -> str:
    parts = [
        "Every list of codes in files, requests, answers and events. A code is never renamed and never used for "
        "something else; new ones may be added, so a consumer must be able to meet one that it does not know.",
    ]
    for found in code_lists():
        parts += [f"## {found.__name__}", inspect.cleandoc(found.__doc__ or ""), listed(one.value for one in found)]
    rows = (
        (
            code(kind.value),
            row.family,
            "yes" if row.bonus else "no",
            _extent(row.min_extent, row.max_extent),
            (" or " if row.any_document else ", ").join(code(one.value) for one in sorted(row.documents)),
            "yes" if row.manual else "",
            {"CLIENT": "the client's", "HOUSEHOLD": "the household's", None: ""}[row.eb_scope],
            "yes" if row.margin_advice else "",
        )
        for kind, row in EXITS.items()
    )
    columns = (
        "exit", "family", "can lead to premium and bonus", "per cent", "documents needed", "a person approves",
        "assistance that blocks", "advice on margin",
    )  # fmt: skip
    parts += [
        "## The exit matrix",
        "What each kind of exit asks for (rulebook 2.10). Settings can change some of it: `own_business.bonus`, "
        "`study_half_time.approval`, `evidence.work.required`, `eb_test.work_scope`, `extent.half_time_pct`.",
        table(columns, rows),
    ]
    return page("Code lists", *parts)


def _extent(low: int | None, high: int | None) -> str:
    if low is None and high is None:
        return ""
    return str(low) if low == high else f"{low} to {high}"
