"""Who was shown what about a person.

A method whose policy says `personal` tells with `showed` about whom its answer is; the RPC entrypoint has the service's
`Witness` enter the call before the answer leaves. What the method does not say is taken from the ids in the request and
the answer. Subjects are opaque ids with what they are ids of: ``person:p-1``, ``assignment:A-7``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from kundval_contracts.codes import AccessOutcome

if TYPE_CHECKING:
    from .db import Tx

#: fields of a request or answer that say about whom it is
NAMES = ("assignment", "person")


@dataclass(frozen=True, slots=True)
class Access:
    """One call, as it is entered. `organisation` is the provider's id for a caller of a provider."""

    tenant: str
    actor: str
    role: str
    organisation: str | None
    purpose: str | None
    method: str
    subjects: tuple[str, ...]
    outcome: AccessOutcome


class Witness(Protocol):
    """What a service with personal methods has under the name `witness`."""

    def enter(self, tx: Tx, access: Access) -> None:
        """Enter a call; raises if it cannot be."""

    def fingerprint(self, text: str) -> str:
        """`text` so that nobody without the keys finds what it was made from by trying."""


@dataclass(slots=True)
class Seen:
    """What a method said about the call in hand."""

    subjects: set[str] = field(default_factory=set)
    masked: bool = False


_seen: ContextVar[Seen | None] = ContextVar("kundval_seen", default=None)


@contextmanager
def watching() -> Iterator[Seen]:
    """For the time of one call."""
    seen = Seen()
    token = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(token)


def showed(name: str, *ids: str, masked: bool = False) -> None:
    """The answer is (also) about these; `masked`: something in it was left out for the sake of a protected person."""
    seen = _seen.get()
    if seen is not None:
        seen.subjects.update(f"{name}:{one}" for one in ids if _opaque(one))
        seen.masked = seen.masked or masked


def subjects_of(*texts: Any) -> set[str]:
    """The subjects that requests and answers name, themselves or in an object within; what cannot be an opaque id is
    passed over.
    """
    objects = [
        one for text in texts if isinstance(text, Mapping) for one in (text, *text.values()) if isinstance(one, Mapping)
    ]
    named = ((name, one[name]) for one in objects for name in NAMES if isinstance(one.get(name), str))
    return {f"{name}:{one}" for name, one in named if _opaque(one)}


def _opaque(one: str) -> bool:
    return _ID.fullmatch(one) is not None and not is_number(one)


def is_number(text: str) -> bool:
    """Whether an id has the form of a personal identity number: it must not stand where nothing can be taken out again.

    An organisation's number is none: there the place of the month is 20 or more.
    """
    return _NUMBER.fullmatch(text) is not None


_ID = re.compile(r"[\w.:@/+-]{1,100}")
_NUMBER = re.compile(
    r"([0-9]{2})?[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]|6[1-9]|[78][0-9]|9[01])[-+]?[0-9]{4}", re.ASCII
)
