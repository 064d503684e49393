"""Requests to other systems over HTTP, as all channels that need one make them.

Certificates are checked, connections kept, redirects not followed, answers bounded. An error holds the name of what
went wrong and nothing of the request.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InvalidHeader,
    NewConnectionError,
    ProtocolError,
    SSLError,
)

from kundval_chassis.limit import fair

from .limit import SILENCE, limited
from .port import NotNow, Refused, Unreachable

#: the most bytes of an answer that are read; more says nothing that a channel needs
LARGEST = 64 * 1024
#: the longest that an other side can make a channel wait, in seconds
LONGEST = 6 * 3600
#: what says that our account, our address or our right is at fault: no parcel is, and all wait
_OURS = frozenset({401, 402, 403, 404, 405, 407})
_BUSY = frozenset({408, 425, 429})

#: what goes wrong before anything is sent
_BEFORE = (NewConnectionError, ConnectTimeoutError, SSLError)

_AGENT = "kundval-notifications"


@dataclass(frozen=True, slots=True)
class Reply:
    """status: of HTTP. retry_after: seconds that it asks to wait."""

    status: int
    body: bytes = field(repr=False)
    retry_after: int | None

    @property
    def code(self) -> str:
        return f"HTTP_{self.status}"

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The object in the answer; an empty one if it holds none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def trusting(authority: Path | None, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """What TLS is spoken with: certificates of the system's authorities, and of `authority`, are believed.

    certificate, key: shown to who asks for one. Raises OSError or ssl.SSLError if a file cannot be used.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority is not None:
        context.load_verify_locations(cafile=str(authority))
    if certificate is not None:
        context.load_cert_chain(str(certificate), str(key) if key is not None else None)
    return context


class _Plain(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        fair(self.sock)


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        fair(self.sock)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


class Web:
    """Asks one other side, or many. Not for two green threads at once."""

    def __init__(self, context: ssl.SSLContext):
        self._pools = urllib3.PoolManager(
            num_pools=50,
            maxsize=1,
            ssl_context=context,
            timeout=urllib3.Timeout(connect=SILENCE, read=SILENCE),
            retries=False,
        )
        self._pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, at: str | None = None, known: bool = True
    ) -> Reply:
        """Post a body. at: the IP address behind the host of the url. Raises Unreachable.

        A kept connection may end just when it is used: then the same is sent once more, at once, if the other side is
        `known` to see by the parcel's id what it gets twice.
        """
        try:
            with limited():
                try:
                    return self._post(url, body, headers, at)
                except ProtocolError:
                    if not known:
                        raise
                    return self._post(url, body, headers, at)
        except (HTTPError, OSError, ValueError) as error:
            raise Unreachable(type(error).__name__, perhaps=not isinstance(error, _BEFORE)) from None

    def close(self) -> None:
        self._pools.clear()

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], at: str | None) -> Reply:
        parts = urllib3.util.parse_url(url)
        scheme, host = parts.scheme or "https", (parts.host or "").strip("[]")
        more = {"server_hostname": host} if scheme == "https" else {}
        pool = self._pools.connection_from_host(at or host, parts.port, scheme, more)
        answer = pool.urlopen(
            "POST",
            parts.request_uri,
            body=body,
            headers={"Host": parts.netloc or "", "User-Agent": _AGENT, "Accept": "application/json", **headers},
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        found = answer.read(LARGEST + 1)
        if len(found) > LARGEST:
            # the rest is not waited for, and the connection cannot be used again
            answer.close()
        answer.release_conn()
        return Reply(answer.status, found[:LARGEST], _seconds(answer.headers.get("Retry-After")))


def unwanted(reply: Reply) -> Exception:
    """What a reply that is not good means where one other side stands behind all parcels: to be raised."""
    if reply.status in _BUSY or (reply.status == 503 and reply.retry_after is not None):
        return NotNow(reply.code, reply.retry_after)
    if reply.status == 500:
        return NotNow(reply.code)
    if reply.status in _OURS or reply.status > 500 or reply.status < 400:
        return Unreachable(reply.code)
    return Refused(reply.code)


def _seconds(value: str | None) -> int | None:
    """Seconds of a Retry-After, which is a number or a date."""
    if value is None:
        return None
    try:
        found = urllib3.Retry().parse_retry_after(value)
    except (InvalidHeader, ValueError, OverflowError):
        return None
    return max(1, min(int(found), LONGEST))
