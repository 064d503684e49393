"""To the employment service by JSON over HTTPS, both sides showing a certificate.

``POST <url>/<tenant>/<KIND>`` with the headers of `kundval_contracts.af.outgoing.headers` and the message as body. Any
2xx is taken, ``{"receipt": "…"}`` in it is kept as the other side's name for it; 409 says that it has the message under
this tracking id already. Certificates are checked, redirects not followed, answers bounded, and an error holds nothing
of the message.
"""

from __future__ import annotations

import json
import ssl
from urllib.parse import quote

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, InvalidHeader, NewConnectionError, SSLError

from kundval_chassis.limit import limited

from .port import Accepted, NotNow, Parcel, Refused, Unreachable

#: seconds that the other side may be silent, and that a message may take in all
SILENCE, IN_ALL = 10.0, 60.0
#: the most bytes of an answer that are read; the longest that the other side can make us wait, in seconds
LARGEST, LONGEST_WAIT = 64 * 1024, 6 * 3600
#: our account, address or right is at fault, and no message is
_OURS = frozenset({401, 402, 403, 404, 405, 407})
_BUSY = frozenset({408, 425, 429})
#: what goes wrong before anything is sent
_BEFORE = (NewConnectionError, ConnectTimeoutError, SSLError)
_HAD_IT = 409


class Web:
    """silence, in_all: as the constants of those names."""

    def __init__(self, url: str, context: ssl.SSLContext, *, silence: float = SILENCE, in_all: float = IN_ALL):
        self._url, self._in_all = url.rstrip("/"), in_all
        self._pools = urllib3.PoolManager(
            num_pools=1, maxsize=1, ssl_context=context, timeout=urllib3.Timeout(connect=silence, read=silence),
            retries=False,
        )  # fmt: skip

    def send(self, parcel: Parcel) -> Accepted:
        body = json.dumps(parcel.body, ensure_ascii=False, allow_nan=False).encode()
        try:
            with limited(self._in_all):
                status, answer, wait = self._post(parcel, body)
        except (HTTPError, OSError, ValueError) as error:
            raise Unreachable(type(error).__name__, perhaps=not isinstance(error, _BEFORE)) from None
        if 200 <= status < 300 or status == _HAD_IT:
            return Accepted(_receipt(answer))
        code = f"HTTP_{status}"
        if status in _BUSY or status == 500 or (status == 503 and wait is not None):
            raise NotNow(code, wait)
        if status in _OURS or status > 500 or status < 400:
            raise Unreachable(code)
        raise Refused(code)

    def close(self) -> None:
        self._pools.clear()

    def _post(self, parcel: Parcel, body: bytes) -> tuple[int, bytes, int | None]:
        url = f"{self._url}/{quote(parcel.tenant, safe='')}/{parcel.kind}"
        headers = {**parcel.headers, "Content-Type": "application/json", "Accept": "application/json"}
        answer = self._pools.request(
            "POST", url, body=body, headers=headers, redirect=False, preload_content=False, decode_content=False
        )
        found = answer.read(LARGEST + 1)
        if len(found) > LARGEST:
            # the rest is not waited for, and the connection cannot be used again
            answer.close()
        answer.release_conn()
        return answer.status, found[:LARGEST], _seconds(answer.headers.get("Retry-After"))


def _receipt(body: bytes) -> str | None:
    """The other side's name for a message; None for what no table could hold."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    receipt = found.get("receipt") if isinstance(found, dict) else None
    return receipt[:200] if isinstance(receipt, str) and receipt.isprintable() and receipt else None


def _seconds(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        found = urllib3.Retry().parse_retry_after(value)
    except (InvalidHeader, ValueError, OverflowError):
        return None
    return max(1, min(int(found), LONGEST_WAIT))
