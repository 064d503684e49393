"""SMS by an aggregator's HTTP interface, whose fields a profile names."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from urllib.parse import urlencode

from kundval_contracts.codes import DeliveryChannel

from .addresses import telephone
from .port import Accepted, Parcel, Refused
from .receipt import kept_reference
from .sms_profile import Profile
from .sms_text import parts
from .web import Reply, Web, unwanted


@dataclass(frozen=True, slots=True)
class Account:
    """url: where messages are posted. callback: the address of our own that it sends receipts to."""

    url: str
    sender: str
    secret: str = field(repr=False)
    user: str | None = None
    callback: str | None = field(default=None, repr=False)
    most_parts: int = 3


class Sms:
    channel = DeliveryChannel.SMS

    def __init__(self, account: Account, profile: Profile, web: Web):
        self._account, self._profile, self._web = account, profile, web

    def send(self, parcel: Parcel) -> Accepted:
        """Raises Refused for a number that is none, a text that is too long, a request that it does not want."""
        profile, account = self._profile, self._account
        try:
            number = telephone(parcel.address)
        except ValueError:
            raise Refused("BAD_ADDRESS") from None
        if parts(parcel.content.text) > account.most_parts:
            raise Refused("TOO_LONG")
        fields = {
            **profile.always,
            profile.to: number,
            profile.sender: account.sender,
            profile.text: parcel.content.text,
        }
        if profile.reference is not None:
            fields[profile.reference] = parcel.id
        if profile.callback is not None and account.callback is not None:
            fields[profile.callback] = account.callback
        headers = {"Authorization": self._authorization()}
        if profile.key_header is not None:
            headers[profile.key_header] = parcel.id
        if profile.body == "FORM":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields).encode()
        else:
            headers["Content-Type"] = "application/json"
            body = json.dumps(fields, ensure_ascii=False).encode()
        known = profile.reference is not None or profile.key_header is not None
        reply = self._web.post(account.url, body, headers, known=known)
        if reply.good or reply.status in profile.duplicate:
            return Accepted(self._reference(reply))
        raise unwanted(reply)

    def close(self) -> None:
        self._web.close()

    def _authorization(self) -> str:
        if self._profile.auth == "BEARER":
            return f"Bearer {self._account.secret}"
        pair = f"{self._account.user}:{self._account.secret}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _reference(self, reply: Reply) -> str | None:
        return kept_reference(reply.json().get(self._profile.answer_reference))
