"""Requests to notifications for the matrix of policies, by the method's name."""

from __future__ import annotations

from .world import Owner, Row, Target, World

#: requests that are about nobody's client

REQUESTS: dict[str, Row] = {
    "set_party": {"role": "PROVIDER", "party": "gamma", "email": "gamma@provider.example"},
    "remove_party": {"role": "PROVIDER", "party": "nobody"},
    "close_webhook": {"role": "PROVIDER", "party": "nobody"},
    "parties": {},
    "take_receipt": {"channel": "SMS", "reference": "nobody", "status": "DELIVERED"},
    "preview": {"kind": "OFFER_DECLINED", "role": "CAREER_GUIDE", "lang": "en"},
    **{name: {} for name in ("inbox", "inbox_count", "inbox_page", "tasks", "queue", "failures")},
    **{name: {} for name in ("figures", "figures_csv", "operations_page")},
}

#: about messages that there are not: what becomes of one that there is, is tried in tests/notifications
NO_MESSAGE = 2**62
ACTS: dict[str, Row] = {
    "mark_read": {"notices": [NO_MESSAGE]},
    "task_done": {"notice": NO_MESSAGE, "how": "PHONE"},
    "resend": {"notice": NO_MESSAGE, "reason": "because"},
    "cancel": {"notice": NO_MESSAGE, "reason": "because"},
}


def of_alfa(one: Target) -> bool:
    return one.owner is Owner.OWN


def told_to_alfa(world: World, one: Target, number: int) -> Row:
    """A notice to alfa about its client: it says who has the client."""
    if not of_alfa(one):
        return {"notice": NO_MESSAGE}
    rows = world.call("notifications.inbox", world.caller("alfa"), subject=one.name)["notices"]
    return {"notice": rows[0]["notice"]}


def held(world: World, one: Target, number: int) -> Row:
    return {"cases": [{"assignment": one.name, "guide": f"guide-{number}"}]}
