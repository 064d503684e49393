"""Requests of the matrix of policies that are about other agencies and systems, by the method's name: what `Example`
takes.
"""

from __future__ import annotations

from typing import Any

from .world import Row, Target, World

GROUND: Row = {
    "what": "ASSISTANCE",
    "purpose": "BONUS_TEST",
    "basis": "PUBLIC_TASK",
    "expires_on": "2026-01-01",
}

INFORMATIVE: Row = {"order": "O-1", "on": "2024-06-01", "text": "something to know"}


def of_person(**more: Any) -> Any:
    def request(world: World, one: Target, number: int) -> Row:
        return {"person": one.person, **more}

    return request


def of_assignment(**more: Any) -> Any:
    def request(world: World, one: Target, number: int) -> Row:
        return {"assignment": one.name, **more}

    return request


def plain(**more: Any) -> Any:
    def request(world: World, one: Target, number: int) -> Row:
        return dict(more)

    return request


def never(one: Target) -> bool:
    """What is named is not there: what becomes of it where it is, is tried elsewhere."""
    return False


def received(world: World, one: Target, number: int) -> Row:
    """Of a household to which nobody belongs."""
    event = {
        "specversion": "1.0",
        "id": f"018f3c2e-0000-7000-8000-{number:012}",
        "source": "/kundval/assistance",
        "type": "se.kundval.assistance.paid.v1",
        "subject": "none",
        "time": "2025-01-10T09:30:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:kundval:event:assistance.paid:v1",
        "sequence": str(number),
        "tenant": world.name,
        "data": {
            "payment": f"p-{number}",
            "household": "none",
            "from": "2025-01-01",
            "to": "2025-02-01",
            "revision": 1,
        },
    }
    return {"event": event}


def has_af_ground(world: World, one: Target, number: int, role: Any) -> None:
    ground = {**GROUND, "what": "AF_STATUS", "purpose": "FINANCIAL_ASSISTANCE"}
    world.call("assignment.open_ground", person=one.person, **ground)


OPENS: Row = {"basis": "PUBLIC_TASK", "expires_on": "2026-01-01"}
AF_ORDER: Row = {
    "order": "900100",
    "state": "DEFINITIV",
    "service": "SOM",
    "track": "2",
    "order_from": "2024-03-04",
    "order_to": "2024-06-02",
}
AF_DECISION: Row = {"decision": "LB-1", "decided_on": "2024-05-02", "granted": False}


def af_decision(world: World, one: Target, number: int) -> Row:
    return {"decisions": [{"assignment": one.name, "decision": AF_DECISION}], **OPENS}


_messages: dict[tuple[str, str], str] = {}


def a_message(world: World, one: Target, number: int) -> Row:
    """A draft about the client, written once."""
    key = (world.name, one.name)
    if key not in _messages:
        checked = {"id": "not-registered", "on": "2024-06-01", "fact": "af_registration_checked", "registered": False}
        world.call("assignment.record_facts", facts=[{"assignment": one.name, **checked}])
        ground = {"what": "REPORT", "purpose": "LABOUR_MARKET_INTERVENTION", **OPENS}
        world.call("assignment.open_ground", person=one.person, **ground)
        what = {"kind": "REGISTRATION_MISMATCH", "period": checked["id"], "content": {"checked_on": checked["on"]}}
        _messages[key] = world.call("assignment.draft_af_report", assignment=one.name, **what)["dispatch"]
    return {"assignment": one.name, "dispatch": _messages[key]}


EXAMPLES: dict[str, dict[str, Any]] = {
    "open_ground": {"request": of_person(**GROUND), "about": "person"},
    "end_ground": {"request": plain(ground="none"), "about": "nothing", "fits": never},
    "grounds": {"request": of_person(), "about": "person"},
    "receive": {"request": received, "about": "nothing"},
    "link_household": {"request": of_person(household="h-1", **{"from": "2024-01-01"}), "about": "person"},
    "link_reference": {
        "request": lambda world, one, number: {
            "person": one.person,
            "source": "EDUCATION",
            "reference": f"pupil-{one.name}",
        },
        "about": "person",
    },
    "links": {"request": of_person(), "about": "person"},
    "evidence": {"request": lambda world, one, number: {"assignment": one.name}},
    "gate_refusals": {"request": plain(), "about": "nothing"},
    # whose they are where there are some is tried in test_pseudonyms.py
    "resolve_pseudonyms": {
        "request": plain(partner="nobody", pseudonyms=["p1-none"]),
        "about": "nothing",
        "fits": never,
    },
    # what becomes of messages that there are is tried in test_to_af_database.py
    "draft_af_report": {"request": of_assignment(kind="INFORMATIVE", content=INFORMATIVE), "fits": never},
    **{
        name: {"request": plain(dispatch="none"), "about": "nothing", "fits": never}
        for name in ("submit_to_af", "resend_to_af", "park_af")
    },
    "af_dispatch": {"request": a_message},
    "af_due": {"request": of_assignment()},
    "af_dispatches": {"request": plain(), "about": "nothing"},
    "af_feedback": {
        "request": plain(feedback="none", dispatch="none", kind="RECEIVED", on="2024-06-01"),
        "about": "nothing",
        "fits": never,
    },
    # what an answer comes to is tried in test_af_in.py: there is nobody to ask here
    "fetch_af_status": {"request": of_assignment(), "fits": never, "prepare": has_af_ground},
    "receive_af_status": {
        "request": of_assignment(status={"as_of": "2024-06-01", "registered": True}),
        "prepare": has_af_ground,
    },
    "af_status": {"request": of_assignment(), "prepare": has_af_ground},
    "receive_af_orders": {
        "request": plain(
            orders=[{"identity_number": "189001019802", "order": AF_ORDER, "assignment": "none"}], **OPENS
        ),
        "about": "nothing",
        "fits": never,
    },
    "af_orders": {"request": of_assignment()},
    "receive_af_decisions": {"request": af_decision},
    "af_checks": {"request": of_assignment()},
}
