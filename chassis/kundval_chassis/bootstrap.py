"""Makes a process cooperative. Import it before anything else, in every process that runs a service.

psycopg's default wait loop is C code that stops the whole process while one query waits. With one of its
Python wait functions, chosen before `psycopg` is first imported, and eventlet's patched `select`, other green
threads run meanwhile. `wait_select` is the quickest of those under eventlet. A process that cannot be made so
must not start: it would look healthy and stand still at every slow query.
"""

from __future__ import annotations

import os
import sys

WAIT_FUNCTION = "wait_select"


class NotCooperative(RuntimeError):
    """Something was imported in the wrong order, so that queries would block the whole process."""


def patch() -> None:
    """Patch the process, once. Raises `NotCooperative` if psycopg was imported too early."""
    os.environ["PSYCOPG_WAIT_FUNC"] = WAIT_FUNCTION
    import eventlet

    eventlet.monkey_patch()
    assert_cooperative()


def assert_cooperative() -> None:
    """Raise `NotCooperative` unless a waiting query lets other green threads run."""
    from eventlet.patcher import is_monkey_patched

    if not is_monkey_patched("select"):
        raise NotCooperative("eventlet has not patched this process")
    import psycopg.waiting

    chosen = psycopg.waiting.wait
    if getattr(chosen, "__name__", "") != WAIT_FUNCTION:
        raise NotCooperative(
            f"psycopg waits with {getattr(chosen, '__name__', chosen)!r}: it was imported before"
            " kundval_chassis.bootstrap"
        )
    import select

    if sys.modules["psycopg.waiting"].__dict__["select"].select is not select.select:
        raise NotCooperative("psycopg holds an unpatched select")


patch()
