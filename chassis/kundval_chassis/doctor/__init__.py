"""What is wrong with an installation: one look at everything, before and after whatever is done to it.

It only reads, each thing with a limit of its own, so that it may be asked on a busy day. What it finds it tells with
the consequence, what to do, and the page of the runbook. Each service adds what it alone can judge in a module
`kundval_<service>.doctor`, a function `look(tx)` that yields `Finding`s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..settings import SettingsError, load, one
from . import between, broker, database, machine
from .finding import RUNBOOKS, Finding, Level

#: settings without which nothing can be looked at
NEEDED = ("DATABASE_URI", "AMQP_URI", "TOKEN_KEY", "OUTBOX_AGE_LIMIT", "BACKUP_STAMP", "TLS_AUTHORITY")


def examine(services: Iterable[str], environ: Mapping[str, str] | None = None) -> list[Finding]:
    """Everything that is found about these services, the worst first. Nothing that is wrong raises."""
    found: list[Finding] = []
    known: dict[str, Any] = {}
    for service in services:
        try:
            known[service] = load(service, environ, only=NEEDED)
        except SettingsError as error:
            found += [database.setting(service, key, message) for key, message in error.faults]
            continue
        found += _others(service, environ)
    with between.Databases(known) as databases:
        for service, settings in known.items():
            found += machine.look(service, settings)
            found += databases.look(service)
        found += databases.compare()
    found += broker.look(known)
    found += between.ask(known, _operators(environ))
    order = list(Level)
    return sorted(found, key=lambda one: (-order.index(one.level), one.area, one.what))


def _operators(environ: Mapping[str, str] | None) -> str | None:
    """The broker's address for commands: the user of a service has the rights of that service, which asks otherwise."""
    try:
        return one("KUNDVAL_AMQP_URI", environ)
    except SettingsError:
        return None


def _others(service: str, environ: Mapping[str, str] | None) -> list[Finding]:
    """Settings that the service needs and the doctor does not: it may be run where they are not."""
    module = f"kundval_{service}.settings"
    more = import_module(module).SETTINGS if find_spec(f"kundval_{service}") and find_spec(module) else ()
    try:
        load(service, environ, more=more)
    except SettingsError as error:
        return [database.seen_from_here(service, key, message) for key, message in error.faults]
    return []


__all__ = ["RUNBOOKS", "Finding", "Level", "examine"]
