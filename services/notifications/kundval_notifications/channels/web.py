"""Requests to other systems over HTTP, as all channels that need one make them: `kundval_chassis.web` with the errors
of channels.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from kundval_chassis import web
from kundval_chassis.web import LARGEST, LONGEST, Reply, trusting

from .limit import SILENCE, limited
from .port import NotNow, Refused, Unreachable

__all__ = ["LARGEST", "LONGEST", "Reply", "Web", "trusting", "unwanted"]

#: what says that our account, our address or our right is at fault: no parcel is, and all wait
_OURS = frozenset({401, 402, 403, 404, 405, 407})
_BUSY = frozenset({408, 425, 429})

_AGENT = "kundval-notifications"


class Web(web.Web):
    """Asks one other side, or many. Not for two green threads at once."""

    def __init__(self, context: ssl.SSLContext):
        super().__init__(context, _AGENT, silence=SILENCE)

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, at: str | None = None, known: bool = True
    ) -> Reply:
        """As that of the chassis, in the time that a parcel may take. Raises Unreachable."""
        try:
            with limited():
                return super().post(url, body, headers, at=at, known=known)
        except web.Unreached as error:
            raise Unreachable(error.code, perhaps=error.perhaps) from None


def unwanted(reply: Reply) -> Exception:
    """What a reply that is not good means where one other side stands behind all parcels: to be raised."""
    if reply.status in _BUSY or (reply.status == 503 and reply.retry_after is not None):
        return NotNow(reply.code, reply.retry_after)
    if reply.status == 500:
        return NotNow(reply.code)
    if reply.status in _OURS or reply.status > 500 or reply.status < 400:
        return Unreachable(reply.code)
    return Refused(reply.code)
