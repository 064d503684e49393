"""What travels with a piece of work: correlation id, trace, caller.

Context variables are kept apart per thread and, under eventlet, per green thread, so that an entrypoint sets
them once and every event, RPC and log line of that work carries them.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

#: One id for everything that one outer request or file caused; copied unchanged from event to event.
correlation_id: ContextVar[str | None] = ContextVar("kundval_correlation_id", default=None)
#: W3C Trace Context header of the work in hand.
traceparent: ContextVar[str | None] = ContextVar("kundval_traceparent", default=None)
#: Who asked: the token's claims, or None for work that the suite does by itself.
caller: ContextVar[Any] = ContextVar("kundval_caller", default=None)

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def new_correlation_id() -> str:
    """Return a fresh correlation id (UUID in text form)."""
    return str(uuid.uuid4())


def valid_traceparent(value: object) -> bool:
    """Tell whether `value` is a version 00 W3C traceparent with non-zero ids."""
    if not isinstance(value, str):
        return False
    match = _TRACEPARENT.fullmatch(value)
    return match is not None and match[1] != "0" * 32 and match[2] != "0" * 16


def always(trace_id: str) -> bool:
    """Every trace is kept, by whoever keeps traces."""
    return True


#: whether a trace that begins here is kept, by its id; `traces` puts its own in place
sampled: Callable[[str], bool] = always


def new_traceparent() -> str:
    """Return a traceparent that begins a new trace."""
    trace_id = secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-{int(sampled(trace_id)):02x}"


def child_traceparent(parent: str | None = None) -> str:
    """Return a traceparent in the trace of `parent`, or of the current context, or of a new trace."""
    parent = parent or traceparent.get()
    match = _TRACEPARENT.fullmatch(parent) if parent else None
    if match is None:
        return new_traceparent()
    return f"00-{match[1]}-{secrets.token_hex(8)}-{match[3]}"


@contextmanager
def working(
    *, correlation: str | None = None, trace: str | None = None, at: str | None = None, who: Any = None
) -> Iterator[None]:
    """Set the context for a block of work and put the former one back.

    A missing correlation id is made; the trace continues `trace` (a child of it) or begins anew. `at` is the work's own
    traceparent, if it has one already.
    """
    tokens = (
        (correlation_id, correlation_id.set(correlation or new_correlation_id())),
        (traceparent, traceparent.set(at or child_traceparent(trace))),
        (caller, caller.set(who)),
    )
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)
