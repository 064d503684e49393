"""Requests about meetings as the commands take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_contracts.codes import MeetingKind

from ..domain.meeting import Party
from .book import Minutes, Wish
from .people import require_opaque
from .times import read_span


def wish(request: Mapping[str, Any], kind: MeetingKind | None = None, provider: str | None = None) -> Wish:
    """Raises InvalidRequest for a time that cannot be used, and for an identity number where an id belongs."""
    require_opaque((one["resource"] for one in request["parties"]), "parties")
    return Wish(
        read_span(request),
        request["mode"],
        request.get("meeting"),
        request.get("assignment"),
        kind or request.get("kind"),
        request.get("sequence"),
        tuple(Party(one["role"], one["resource"], one["mandatory"]) for one in request["parties"]),
        request["place"],
        request["room"],
        request["interpreter"],
        request["outside_hours"],
        seats=request.get("seats"),
        activity=request.get("activity"),
        subjects=tuple(sorted(set(request.get("subjects", ())))),
        team=request.get("team"),
        provider=provider,
    )


def minutes(request: Mapping[str, Any]) -> Minutes:
    return Minutes(
        request["held_on"],
        request["outcome"],
        tuple(request["measures"]),
        absent(request) | frozenset(request["absent_clients"]),
    )


def absent(request: Mapping[str, Any]) -> frozenset[str]:
    """Who was not there: ids, and `role:<role>` for everybody in a role."""
    return frozenset(one["resource"] or f"role:{one['role'].value}" for one in request["absent"])
