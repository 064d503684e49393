"""Digital mail by an intermediary of Mina meddelanden, which signs, seals and knows the recipients' mailboxes.

The interface is small, and what an intermediary's own is called is for an adapter at its side: JSON over HTTPS, both
sides showing a certificate. A recipient is named in bodies only, never in an address that is logged on the way.

``POST <url>/reachable`` ``{"recipient"}`` -> ``{"reachable": true}``
``POST <url>/messages`` ``{"reference", "recipient", "subject", "text", "language"}`` -> ``{"id"}``; the same reference
again is 409 with the same id, and sends nothing.
"""

from __future__ import annotations

import json
from typing import Any

from kundval_contracts.codes import DeliveryChannel

from .port import Accepted, Parcel, Refused
from .receipt import kept_reference
from .web import Reply, Web, unwanted


class DigitalMail:
    channel = DeliveryChannel.DIGITAL_MAIL

    def __init__(self, url: str, web: Web):
        self._url, self._web = url.rstrip("/"), web

    def send(self, parcel: Parcel) -> Accepted:
        """Raises Refused("NOT_REACHABLE") for who has no digital mailbox."""
        asked = self._post("reachable", {"recipient": parcel.address}, parcel)
        if not asked.good:
            raise unwanted(asked)
        if asked.json().get("reachable") is not True:
            raise Refused("NOT_REACHABLE")
        content = parcel.content
        message = {
            "reference": parcel.id,
            "recipient": parcel.address,
            "subject": content.subject,
            "text": content.text,
            "language": content.language,
        }
        reply = self._post("messages", message, parcel)
        if not (reply.good or reply.status == 409):
            raise unwanted(reply)
        return Accepted(kept_reference(reply.json().get("id")))

    def close(self) -> None:
        self._web.close()

    def _post(self, what: str, body: dict[str, Any], parcel: Parcel) -> Reply:
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{what}-{parcel.id}"}
        return self._web.post(f"{self._url}/{what}", json.dumps(body, ensure_ascii=False).encode(), headers)
