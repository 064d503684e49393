"""What a dispatch carries, in words and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kundval_chassis.db import Row
from kundval_contracts.codes import DeliveryChannel, NoticeKind, Role, Urgency

from .. import store as notices
from .. import texts
from ..channels.port import Content, Parcel
from ..domain.party import Party
from .table import Ways

_URGENCY = list(Urgency)


class Composer:
    """Puts notices into words. link_base and link_key: where and with which secret their links are made."""

    def __init__(self, link_base: str, link_key: bytes):
        self._base = link_base
        self._key = link_key

    def link(self, row: Row) -> str:
        """An opaque address of a stored notice."""
        return texts.link(notices.as_notice(row), self._base, self._key)

    def parcel(self, dispatch: Row, rows: Sequence[Row], party: Party, said: Ways) -> Parcel:
        """What is handed to the channel. `rows` are the notices, one on a closed channel."""
        channel = DeliveryChannel(dispatch["channel"])
        data: dict[str, Any] = {}
        if channel.is_open:
            content = self._nudge(dispatch, rows, party, said)
        elif channel is DeliveryChannel.WEBHOOK:
            data = self._data(rows[0], said)
            # a system reads the data; there are no words
            content = Content(party.language, rows[0]["kind"], "", None, "webhook", "1")
        else:
            (row,) = rows
            content = texts.inside(notices.as_notice(row), party.language, self.link(row), late=row["late"])
        return Parcel(
            id=dispatch["dispatch"],
            tenant=dispatch["tenant"],
            address=party.addresses[channel],
            content=content,
            created_at=dispatch["created_at"],
            data=data,
            secret=party.secret if channel is DeliveryChannel.WEBHOOK else None,
        )

    def inside(self, row: Row, *languages: str) -> list[Content]:
        """A notice in full, in plain text, as its recipient reads it after logging in: in each of these languages."""
        notice = notices.as_notice(row)
        link = texts.link(notice, self._base, self._key)
        return [texts.inside(notice, one, link, late=row["late"], html=False) for one in languages]

    def _nudge(self, dispatch: Row, rows: Sequence[Row], party: Party, said: Ways) -> Content:
        """That there is something to read, and nothing of what."""
        items = [texts.Item(NoticeKind(row["kind"]), Role(row["recipient"]), said.route(row).urgency) for row in rows]
        first = min(range(len(rows)), key=lambda place: _URGENCY.index(items[place].urgency))
        return texts.nudge(
            items,
            party.language,
            DeliveryChannel(dispatch["channel"]),
            self.link(rows[first]),
            digest=dispatch["digest"],
            late=any(row["late"] for row in rows),
        )

    def _data(self, row: Row, said: Ways) -> dict[str, Any]:
        """A notice as another system of the municipality or of the provider reads it: opaque ids, codes, days."""
        return {
            "about": row["about"],
            "subject": row["subject"],
            "kind": row["kind"],
            "to": row["recipient"],
            "on": row["on_day"].isoformat(),
            "sequence": row["sequence"],
            "round": row["round"],
            "urgency": said.route(row).urgency.value,
            "rules": row["rules"],
            "values": row["details"],
            "late": row["late"],
            "link": self.link(row),
        }
