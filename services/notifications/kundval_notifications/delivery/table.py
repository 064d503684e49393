"""What a municipality says about telling: routes by kind and role, quiet hours, summaries, how often in a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_contracts.codes import DeliveryChannel, NoticeKind, Role, Urgency
from kundval_contracts.notices import Route, Table, notice_table, table_of
from kundval_contracts.settings import RuleSettings

from ..domain.route import Manners


@dataclass(frozen=True, slots=True)
class Ways:
    """Of one municipality."""

    table: Table
    manners: Manners

    def route(self, row: Mapping[str, Any]) -> Route:
        """That of a stored notice. Who has none in the table (a step of an escalation may name anybody) is written to
        by e-mail."""
        kind, role = NoticeKind(row["kind"]), Role(row["recipient"])
        return self.table[kind].routes.get(role) or Route(role, Urgency.NORMAL, (DeliveryChannel.EMAIL,))


def ways(tx: Tx, tenant: str) -> Ways:
    """Of a tenant as it is now; of one that is not opened, those of everybody."""
    try:
        settings = held.load_tenant(tx, tenant).settings
    except held.NotOpened:
        return Ways(notice_table(), read_manners(RuleSettings()))
    return Ways(table_of(settings), read_manners(settings))


def read_manners(settings: RuleSettings) -> Manners:
    quiet = {DeliveryChannel(name): _window(text) for name, text in settings["notices.quiet_hours"].items()}
    return Manners(quiet, time.fromisoformat(settings["notices.digest_at"]), settings["notices.most_per_day"])


def _window(text: str) -> tuple[time, time]:
    start, end = text.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)
