"""What lies under which sealing key, for `kundval keys`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kundval_chassis.db import Tx
from kundval_chassis.key_uses import KeyUse, counted
from kundval_chassis.settings import Settings

from .directory.seal import Seal
from .settings import SETTINGS

NEEDS = tuple(one for one in SETTINGS if one.name == "SEALING_KEYS")


def uses(tx: Tx, settings: Settings) -> Iterator[KeyUse]:
    """Secrets of webhooks by key. Marks of addresses do not say which key made them, so they are not counted."""
    setting = "KUNDVAL_SEALING_KEYS" if settings["SEALING_KEYS"] else "KUNDVAL_TOKEN_KEY"
    seal = Seal.of(settings.full())
    counts: Counter[str] = Counter()
    for row in tx.query("SELECT tenant, role, party, secret FROM party WHERE secret IS NOT NULL"):
        opener = seal.opener(bytes(row["secret"]), row["tenant"], row["role"], row["party"])
        counts[opener or "unknown"] += 1
    yield from counted(setting, seal.names, "secrets of webhooks", counts)
