"""RPC about texts, and the texts of the service while it runs."""

from __future__ import annotations

from typing import Any

from kundval_chassis.db import Tx
from kundval_chassis.rpc import query
from kundval_chassis.service import Dependency
from kundval_chassis.tokens import Caller
from kundval_contracts.errors import Fault, InvalidRequest

from . import preview, sample, use


class Speech(Dependency):
    """Takes the texts of the folder that the settings name."""

    def setup(self) -> None:
        use(self.container.config["KUNDVAL_TEXTS"])

    def get_dependency(self, worker_ctx: Any) -> None:
        return None


class TextEntrypoints:
    """To be mixed into the service."""

    speech = Speech()

    @query("notifications.preview")
    def preview(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        kind, to = request["kind"], request["role"]
        if to not in sample.roles(kind):
            told = ", ".join(sample.roles(kind))
            raise InvalidRequest(faults=[Fault(path="role", message=f"{kind} is told to {told}")])
        return preview.as_answer(preview.preview(kind, to, request["lang"], request["channel"], late=request["late"]))
