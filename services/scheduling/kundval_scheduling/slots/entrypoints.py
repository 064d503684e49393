"""RPC that finds times."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import query
from kundval_chassis.tokens import Caller

from . import find


class SlotEntrypoints:
    """RPC that finds times."""

    @query("scheduling.find_times")
    def find_times(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return find.times(tx, request, caller)
