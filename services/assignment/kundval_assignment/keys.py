"""What lies under which person key, for `kundval keys`."""

from __future__ import annotations

from collections.abc import Iterator

from kundval_chassis.db import Tx
from kundval_chassis.key_uses import KeyUse, counted
from kundval_chassis.settings import Settings

from .people.keys import PersonKeys
from .settings import SETTINGS

NEEDS = tuple(one for one in SETTINGS if one.name == "PERSON_KEYS")

_SETTING = "KUNDVAL_ASSIGNMENT_PERSON_KEYS"
#: `assignment.reseal_persons` brings these under the first key; the access log stays as it was sealed
_TABLES = {
    "person": "persons",
    "protection": "protections",
    "protection_reader": "readers of protected persons",
    "gate_record": "records of the purpose gate",
    "access_log": "entries of the access log",
    "access_log_cut": "cuts of the access log",
}


def uses(tx: Tx, settings: Settings) -> Iterator[KeyUse]:
    """How much of each kind lies under each key."""
    given = PersonKeys(settings["PERSON_KEYS"]).names
    for table, what in _TABLES.items():
        rows = tx.query(f"SELECT key_id, count(*) AS n FROM {table} WHERE key_id IS NOT NULL GROUP BY key_id")
        yield from counted(_SETTING, given, what, {row["key_id"]: row["n"] for row in rows})
