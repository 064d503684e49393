"""The client of the joint base service (SSBTEK): SOAP, document/literal, over mutual TLS.

Requests are built by zeep from the WSDL beside this file, so that what is sent fits its schema. The answer is not read
by zeep: the agencies leave out what their schema requires and misspell what it names, so the bytes go to our own
tolerant reader. No redirect is followed, no answer is longer than it may be, and a service that has failed several
times in a row is left alone for a while. An error says what went wrong and nothing of what was asked.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import urllib3
from lxml import etree
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError

from kundval_chassis.limit import fair, limited
from kundval_contracts.af.xml import LARGEST
from kundval_contracts.codes import AfAgency, AfFault
from kundval_contracts.errors import KundvalError

from .terms import Declared, Submitter

WSDL = Path(__file__).with_name("ssbtek-11.wsdl")
VERSION = "11"
#: an id of a case must be shorter, or one of the agencies fails
CASE_ID_BELOW = 32

#: failures in a row after which the service rests, and for how many seconds
FAILURES, REST_SECONDS = 3, 60.0

_AGENT = "kundval-assignment"
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one person. `number`: 12 digits; `officer`: an opaque id; `include`: whose answers."""

    submitter: Submitter
    officer: str
    number: str
    case: str
    since: date
    until: date
    declared: Declared
    include: frozenset[AfAgency] = frozenset({AfAgency.AF})


class Rest:
    """Whether to try at all: not for a while after `FAILURES` in a row; then one may try."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    def check(self) -> None:
        """Raises KundvalError (`RESTING`)."""
        now = self._clock()
        if now < self._until:
            raise failed(AfFault.RESTING, "is left alone for a while after it has failed several times")
        if self._failures >= FAILURES:
            # the others wait for what comes of this one try
            self._until = now + REST_SECONDS

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._until = self._clock() + REST_SECONDS

    def worked(self) -> None:
        self._failures, self._until = 0, 0.0


class _Connection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        fair(self.sock)


class _Pool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Connection


class Ssbtek:
    """The service at `url`, asked with a certificate of ours. `seconds`: how long a question may take in all."""

    def __init__(self, url: str, context: ssl.SSLContext, *, seconds: float, rest: Rest | None = None):
        parts = urllib3.util.parse_url(url)
        self._path = parts.request_uri
        self._seconds = seconds
        self._rest = rest or Rest()
        self._pool = _Pool(
            parts.host or "",
            parts.port or 443,
            maxsize=4,
            ssl_context=context,
            timeout=urllib3.Timeout(connect=min(seconds, 10.0), read=seconds),
            retries=False,
        )

    def ask(self, question: Question) -> bytes:
        """The answer, as it came. Raises KundvalError with a code of `AfFault`."""
        if len(question.case) >= CASE_ID_BELOW:
            raise ValueError(f"the id of a case must have fewer than {CASE_ID_BELOW} characters")
        return self._call(
            "hamtaInformation",
            Inlamnare=_submitter(question.submitter, question.officer),
            Personnummer=question.number,
            ArendeId=question.case,
            Tidsperiod={"From": question.since, "Tom": question.until},
            Syfte=question.declared.purpose,
            Lagtext=question.declared.law,
            Inkludera={one.value: one in question.include for one in AfAgency if one is not AfAgency.UNKNOWN},
        )

    def probe(self, submitter: Submitter, officer: str) -> bytes:
        """Whether the service answers at all, without anything about anybody. Raises as `ask`."""
        return self._call("testaBastjanstInformation", Inlamnare=_submitter(submitter, officer))

    def close(self) -> None:
        self._pool.close()

    def _call(self, operation: str, **fields: Any) -> bytes:
        self._rest.check()
        body, action = _message(operation, fields)
        try:
            with limited(self._seconds):
                found = self._post(body, action)
        except (HTTPError, OSError) as error:
            self._rest.failed()
            raise failed(AfFault.UNREACHABLE, f"could not be asked ({type(error).__name__})") from None
        except KundvalError:
            self._rest.failed()
            raise
        self._rest.worked()
        return found

    def _post(self, body: bytes, action: str) -> bytes:
        answer = self._pool.urlopen(
            "POST",
            self._path,
            body=body,
            headers={
                "User-Agent": _AGENT,
                "Content-Type": "text/xml; charset=utf-8",
                "SOAPAction": f'"{action}"',
                "Accept-Encoding": "identity",
            },
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            # a SOAP fault comes with 500
            if answer.status not in (200, 500) or answer.headers.get("Content-Encoding", "identity") != "identity":
                raise failed(AfFault.BAD_ANSWER, f"answered with the status {answer.status}")
            # whoever sends a byte now and then must not hold the question open
            until, found = time.monotonic() + self._seconds, bytearray()
            while piece := answer.read1(_PIECE):
                found += piece
                if len(found) > LARGEST:
                    raise failed(AfFault.TOO_LARGE, f"answered with more than {LARGEST} bytes")
                if time.monotonic() > until:
                    raise failed(AfFault.UNREACHABLE, "did not come to the end of its answer in time")
        except BaseException:
            # the rest is not waited for, and the connection cannot be used again
            answer.close()
            raise
        answer.release_conn()
        return bytes(found)


def failed(code: AfFault, what: str) -> KundvalError:
    """Of no kind that a client repeats by itself: nobody is asked about a person again and again in a few seconds."""
    return KundvalError(f"The joint base service {what}.", code=code)


def _submitter(one: Submitter, officer: str) -> Mapping[str, str]:
    return {"Organisationsnummer": one.organisation, "Namn": one.name, "Handlaggare": officer}


_loading = threading.Lock()


@cache
def _wsdl() -> Any:
    import zeep  # only where a base service is configured: it takes a third of a second

    return zeep.Client(str(WSDL))


def _message(operation: str, fields: Mapping[str, Any]) -> tuple[bytes, str]:
    """The envelope and its SOAPAction."""
    with _loading:
        client = _wsdl()
    envelope = client.create_message(client.service, operation, Version=VERSION, **fields)
    action = client.service._binding.get(operation).soapaction
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8"), str(action)
