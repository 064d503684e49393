"""All schemas of a version of the contracts in one object: what is published, kept, and compared with what comes."""

from __future__ import annotations

import inspect
from enum import StrEnum
from typing import Any

from .. import codes
from ..errors import KINDS
from ..events import EVENTS, SERVICES
from ..events_in import EVENTS_IN
from ..identifiers import IdKind
from ..rpc import METHODS, CallerRole
from ..versions import sunsets, told_as
from .build import answer, event, event_in, request
from .envelope import envelope


def bundle() -> dict[str, Any]:
    """`{"envelope": schema, "events": {name: {version: schema}}, "events_in": the same, "rpc": {method: {...}},
    "codes": {list: [codes]}, "errors": [kinds], "sunsets": …}`, everything in its place: no reference leads anywhere.

    `events` are told by the suite and `events_in` to it; of `sunsets` see `versions`.

    Of a method: `request` and `answer` (schemas), `kind`, `roles`, `reach`, `shield`, `personal`, `rows`.
    """
    return {
        "envelope": envelope({"type": "object"}),
        "events": {name: {str(one): event(name, one) for one in told_as(name)} for name in sorted(EVENTS)},
        "events_in": {name: {str(one.version): event_in(name)} for name, one in sorted(EVENTS_IN.items())},
        "rpc": {
            one.name: {
                "kind": one.kind,
                "roles": [role.value for role in CallerRole if role in one.roles],
                "reach": one.policy.reach.value,
                "shield": one.policy.shield.value,
                "personal": one.policy.personal,
                "rows": one.rows,
                "request": request(one),
                "answer": answer(one),
            }
            for one in sorted(METHODS.values(), key=lambda one: one.name)
            if one.service in SERVICES
        },
        "codes": {found.__name__: [one.value for one in found] for found in code_lists()},
        "errors": sorted(KINDS),
        "sunsets": sunsets(),
    }


def code_lists() -> list[type[StrEnum]]:
    """Every code list that a file, request, answer or event can hold, by name."""
    found: list[type[StrEnum]] = [CallerRole, IdKind]
    for _, one in inspect.getmembers(codes, inspect.isclass):
        if issubclass(one, StrEnum) and one is not StrEnum:
            found.append(one)
    return sorted(found, key=lambda one: one.__name__)
