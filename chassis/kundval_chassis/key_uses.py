"""What still needs which key: so that it can be said whether an old one may go.

A service that keeps something under keys has a module `keys` in its package with `uses(tx, settings)`, and `NEEDS`, the
settings of its own that it wants. No secret is in what it gives: keys are known by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from . import db
from .partners import registry
from .partners.keys import PartnerKeys
from .settings import Setting, Settings, load


@dataclass(frozen=True, slots=True)
class KeyUse:
    """So many of something need the key of that name. setting: where it is given. place: 1 is the key that is used for
    what is new; None: it is not given any more, and what needs it cannot be read.
    """

    setting: str
    key: str
    place: int | None
    what: str
    count: int


def uses(services: Iterable[str], on: date, environ: Mapping[str, str] | None = None) -> Iterator[KeyUse]:
    """What needs which key, in the databases of services. Raises SettingsError, psycopg.Error."""
    for service in services:
        module = _module_of(service)
        needs: tuple[Setting, ...] = getattr(module, "NEEDS", ())
        settings = load(
            service,
            environ,
            more=needs,
            only=["DATABASE_URI", "PARTNER_KEY", "TOKEN_KEY", *(one.name for one in needs)],
        )
        with db.connect(settings["DATABASE_URI"], name="kundval-keys") as conn:
            conn.read_only = True
            tx = db.Tx(conn)
            given = PartnerKeys(settings["PARTNER_KEY"]).names if settings["PARTNER_KEY"] else ()
            yield from _of_partners(service, given, registry.present(conn), on)
            if module is not None:
                find: Callable[[db.Tx, Settings], Iterable[KeyUse]] = module.uses
                yield from find(tx, settings)


def counted(setting: str, given: Iterable[str], what: str, counts: Mapping[str, int]) -> Iterator[KeyUse]:
    """One for each key that is given or needed; `counts` by the name of the key."""
    names = [*given]
    for place, name in enumerate(names, 1):
        yield KeyUse(setting, name, place, what, counts.get(name, 0))
    for name in sorted(set(counts) - set(names)):
        yield KeyUse(setting, name, None, what, counts[name])


def _of_partners(
    service: str, given: Iterable[str], partners: Iterable[registry.Partner], on: date
) -> Iterator[KeyUse]:
    counts: dict[str, int] = {}
    for partner in partners:
        for kind in partner.secrets:
            for one in partner.good(kind, on):
                counts[one.key] = counts.get(one.key, 0) + 1
    yield from counted("KUNDVAL_PARTNER_KEY", given, f"secrets of partners in {service}", counts)


def _module_of(service: str) -> Any:
    """The module `keys` in the package of a service, if it has one."""
    for point in entry_points(group="kundval.services", name=service):
        name = f"{point.module.partition('.')[0]}.keys"
        if find_spec(name) is not None:
            return import_module(name)
    return None
