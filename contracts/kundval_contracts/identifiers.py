"""Of what the ids in events are: declared once, for who passes events on under other ids.

A partner gets copies of events under ids of its own (`kundval_chassis.partners.copies`). Which texts of an event are
ids of a person or a case, and which say nothing about either, stands here, by the field's name; a test fails for a
text that stands in neither list.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from .codes import SubjectKind


class IdKind(StrEnum):
    """Of what an id is. The first two are subjects: who may know asks for them (`assignment.resolve_pseudonyms`)."""

    ASSIGNMENT = "ASSIGNMENT"
    PERSON = "PERSON"
    FACT = "FACT"
    MEETING = "MEETING"
    DOCUMENT = "DOCUMENT"
    ENTRY = "ENTRY"
    SESSION = "SESSION"
    SNAPSHOT = "SNAPSHOT"
    MANDATE = "MANDATE"
    SUBSIDY = "SUBSIDY"
    WORKPLACE = "WORKPLACE"
    DELIVERER = "DELIVERER"
    AF_MESSAGE = "AF_MESSAGE"


#: fields that hold the id of a person, or of something of a case, at any depth of an event
IDS: Mapping[str, IdKind] = {
    "assignment": IdKind.ASSIGNMENT,
    "others": IdKind.ASSIGNMENT,
    "person": IdKind.PERSON,
    "fact_id": IdKind.FACT,
    "exit": IdKind.FACT,
    "meeting": IdKind.MEETING,
    "document": IdKind.DOCUMENT,
    "documents": IdKind.DOCUMENT,
    "attachments": IdKind.DOCUMENT,
    "entry": IdKind.ENTRY,
    "session": IdKind.SESSION,
    "snapshot": IdKind.SNAPSHOT,
    "mandate": IdKind.MANDATE,
    "subsidy": IdKind.SUBSIDY,
    "workplace": IdKind.WORKPLACE,
    "delivered_by": IdKind.DELIVERER,
    "message": IdKind.AF_MESSAGE,
}

#: texts and free structures that are about nobody's case: providers, units, codes, rules, settings
TELLS_NOBODY = frozenset(
    {
        "provider",
        "id",  # of a provider, in the list of a municipality's
        "unit",
        "municipality",
        "activity",
        "function",
        "contributions",
        "occupation",
        "next_intervention",
        "delivery_area",
        "place",
        "kind",
        "milestone",
        "channel",
        "code",
        "rules",
        "head",
        "settings",
        "tariffs",
        "authorised",
        "deauthorised",
        "channels",
    }
)


def kind_of(field: str, data: Mapping[str, Any]) -> IdKind | None:
    """Of what the id in `field` is, in an event with these data; None: it is none, or one of no person or case."""
    if field == "assignment" and data.get("about") in (SubjectKind.PROVIDER, SubjectKind.PAYMENT):
        return None
    return IDS.get(field)
