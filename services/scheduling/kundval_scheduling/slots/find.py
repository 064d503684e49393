"""Find times for a meeting, and tell them with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import MeetingParty, SlotObstacle

from ..domain.slot_problem import Obstacle, Proposal, Proposals
from ..domain.slots import propose
from ..meetings import store as meetings
from . import about
from .load import period, problem
from .texts import Texts, texts


def times(tx: Tx, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The answer of `scheduling.find_times`. Raises NotFound, Forbidden, Conflict, InvalidRequest."""
    tenant = held.tenant_named(tx, request["tenant"])
    meeting = about.find(tx, tenant, request)
    participant = meetings.participants(tx, tenant.id, [meeting.assignment or ""])[meeting.assignment or ""]
    about.require(tx, tenant, caller, meeting, participant)
    first, last = period(tenant, meeting, request)
    # asked in any case, so that a wrong request is told to be wrong
    asked = problem(tx, tenant, meeting, participant, request, caller, (first, max(first, last)))
    if last < first:
        found = Proposals((), (Obstacle(SlotObstacle.WINDOW_PAST),))
    else:
        found = propose(asked, request["limit"])
    words = texts(request["lang"])
    return {
        "earliest": first,
        "latest": last,
        "considered": found.considered,
        "times": [_row(one, words) for one in found.found],
        "obstacles": [
            {
                "code": one.code,
                "role": one.role,
                "removed": one.removed,
                "opens": one.opens,
                "text": words.obstacle(one, found.considered),
            }
            for one in found.obstacles
        ],
    }


def _row(one: Proposal, words: Texts) -> dict[str, Any]:
    interpreter = next((party.key for party in one.parties if party.role is MeetingParty.INTERPRETER), None)
    return {
        "on": one.day,
        "ends_at": one.span.end,
        "cost": one.cost,
        "booking": {
            "starts_at": one.span.start,
            "minutes": one.span.minutes,
            "mode": one.mode,
            "place": one.place,
            "room": one.room,
            "interpreter": interpreter,
            "parties": [
                {"role": party.role, "resource": party.key, "mandatory": party.mandatory}
                for party in one.parties
                if party.role is not MeetingParty.INTERPRETER
            ],
        },
        "reasons": [
            {"code": reason.code, "number": reason.number, "text": words.reason(reason)} for reason in one.reasons
        ],
    }
