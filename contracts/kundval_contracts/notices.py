"""Who is told what, as data: which events and obligations cause a notice, to whom it goes, how soon and by which way.

`data/notices.toml` holds it for every municipality; a municipality changes it with the setting `notices.table`.
Notifications tells by it, `kundval rules` shows by it which notice serves a rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .codes import DeliveryChannel, NoticeKind, Role, SubjectKind, Urgency
from .obligations import Step, read_step
from .rules import register
from .tables import only, read_table

if TYPE_CHECKING:
    from .settings import RuleSettings

#: the state machines of rulebook section 8 have ids of their own
_TRANSITION = re.compile(r"SM-[A-Z]\d+")

#: The kinds that the caseload format shows. Its list is closed: the suite has others beside them.
CASELOAD_NOTICES = frozenset(list(NoticeKind)[: list(NoticeKind).index(NoticeKind.PAYMENT_CORRECTED) + 1])


@dataclass(frozen=True, slots=True)
class Repeat:
    """Told again every so many working days while it still holds, `most` times at most."""

    every_workdays: int
    most: int


@dataclass(frozen=True, slots=True)
class Route:
    """How a kind of notice reaches one role.

    channels: in the order in which they are tried; staff and providers have the INBOX besides, whatever happens.
    escalation: which other roles of the kind hear of it while it still holds, counted from the day of the notice.
    """

    role: Role
    urgency: Urgency
    channels: tuple[DeliveryChannel, ...]
    repeat: Repeat | None = None
    escalation: tuple[Step, ...] = ()
    off: bool = False


@dataclass(frozen=True, slots=True)
class NoticeTerms:
    """A row of the file; what its keys mean stands at its head."""

    kind: NoticeKind
    about: SubjectKind
    rules: tuple[str, ...]
    causes: tuple[str, ...]
    values: frozenset[str]
    still: str
    lapses_after_days: int | None
    routes: Mapping[Role, Route]


Table = Mapping[NoticeKind, NoticeTerms]


@cache
def notice_table() -> Table:
    """The file, in the order of the code list. Raises ValueError naming everything that is wrong in it."""
    return read_table("notices.toml", NoticeKind, read)


@cache
def _by_rule() -> Mapping[str, tuple[tuple[NoticeKind, tuple[Role, ...]], ...]]:
    found: dict[str, list[tuple[NoticeKind, tuple[Role, ...]]]] = {}
    for terms in notice_table().values():
        for one in terms.rules:
            found.setdefault(one, []).append((terms.kind, tuple(terms.routes)))
    return {one: tuple(rows) for one, rows in found.items()}


def serving(rule_id: str) -> tuple[tuple[NoticeKind, tuple[Role, ...]], ...]:
    """The kinds of notice that can name a rule, each with the roles to which they go."""
    return _by_rule().get(rule_id, ())


_KEYS = frozenset({"about", "rules", "causes", "values", "still", "lapses_after_days", "to"})
_ROUTE_KEYS = frozenset({"urgency", "channels", "repeat", "escalation", "off"})
#: Tests of whether a notice still holds; `kundval_notifications.domain.standing` says what each looks at.
STILL = frozenset({"ALWAYS", "OBLIGATION", "BOOKING", "CHOICE", "ANSWER", "START", "DOCUMENTS", "DECISION", "CLAIM",
                   "MEETING", "COORDINATOR", "REPORT", "PAYMENT", "RUN", "RUNNING", "RESUMPTION", "AUTHORISATION",
                   "SWITCH", "AGENCY"})  # fmt: skip


def read(kind: NoticeKind, row: Mapping[str, Any]) -> NoticeTerms:
    """The terms of one kind from its table. Raises KeyError for what is missing and ValueError with the reason."""
    only(row, _KEYS)
    rules = tuple(row["rules"])
    unknown = [one for one in rules if one not in register() and not _TRANSITION.fullmatch(one)]
    if unknown:
        raise ValueError(f"no rule {', '.join(unknown)}")
    still = row.get("still", "ALWAYS")
    if still not in STILL:
        raise ValueError(f"still must be one of {', '.join(sorted(STILL))}")
    routes = {Role(name): _route(Role(name), one) for name, one in row["to"].items()}
    if not routes:
        raise ValueError("goes to nobody")
    _steps_lead_somewhere(routes)
    lapses = row.get("lapses_after_days")
    return NoticeTerms(
        kind,
        SubjectKind(row.get("about", SubjectKind.ASSIGNMENT)),
        rules,
        tuple(row["causes"]),
        frozenset(row.get("values", ())),
        still,
        None if lapses is None else _number(lapses, "lapses_after_days", 1, 366),
        MappingProxyType(routes),
    )


def _steps_lead_somewhere(routes: Mapping[Role, Route]) -> None:
    """Raises ValueError for a step of an escalation to a role that the kind has no text for."""
    for route in routes.values():
        for step in route.escalation:
            if step.to not in routes or step.to is route.role:
                raise ValueError(f"{route.role}: {step.to} is not told of this besides")


def _route(role: Role, row: Mapping[str, Any]) -> Route:
    only(row, _ROUTE_KEYS)
    return Route(
        role,
        Urgency(row["urgency"]),
        _channels(row["channels"]),
        _repeat(row.get("repeat")),
        _steps(row.get("escalation", ())),
        _flag(row.get("off", False), "off"),
    )


def _channels(names: Any) -> tuple[DeliveryChannel, ...]:
    if not isinstance(names, list | tuple):
        raise ValueError("channels must be a list")
    found = tuple(DeliveryChannel(name) for name in names)
    if len(set(found)) < len(found):
        raise ValueError("a channel stands twice")
    return found


def _steps(rows: Any) -> tuple[Step, ...]:
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("escalation must be a list of maps")
    return tuple(read_step(row) for row in rows)


def _repeat(row: Any) -> Repeat | None:
    if row is None:
        return None
    if not isinstance(row, Mapping):
        raise ValueError("repeat must be a map")
    only(row, {"every_workdays", "most"})
    return Repeat(_number(row["every_workdays"], "every_workdays", 1, 366), _number(row["most"], "most", 1, 20))


def _number(value: Any, name: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
    return value


def _flag(value: Any, name: str) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{name} must be true or false")
    return value


# --- what a municipality changes ---------------------------------------------------------------------

#: kind -> role -> route keys that differ, as in the file
Changes = Mapping[str, Mapping[str, Mapping[str, Any]]]


def read_changes(value: Any) -> Changes:
    """A municipality's changes, checked against the file. Raises ValueError with the reason, by kind and role."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a map from kinds of notice to roles")
    changed(value)
    return MappingProxyType({kind: MappingProxyType(dict(roles)) for kind, roles in value.items()})


def table_of(settings: RuleSettings) -> Table:
    """Who is told what in a municipality."""
    return changed(settings["notices.table"])


def changed(changes: Changes) -> Table:
    """The table of a municipality: what a row does not say stays as it is in the file. Raises ValueError naming kind,
    role and reason.
    """
    base = notice_table()
    if not changes:
        return base
    found = dict(base)
    for name, roles in changes.items():
        if name not in set(NoticeKind):
            raise ValueError(f"there is no kind of notice {name}")
        if not isinstance(roles, Mapping):
            raise ValueError(f"{name} must be a map of roles")
        terms = base[NoticeKind(name)]
        routes = dict(terms.routes)
        if not roles:
            raise ValueError(f"{name} changes nothing")
        for role_name, row in roles.items():
            try:
                role = Role(role_name)
                routes[role] = _route_changed(terms, role, row)
            except KeyError as error:
                raise ValueError(f"{name}, {role_name}: {error} is missing") from None
            except ValueError as error:
                raise ValueError(f"{name}, {role_name}: {error}") from None
        try:
            _steps_lead_somewhere(routes)
        except ValueError as error:
            raise ValueError(f"{name}, {error}") from None
        found[terms.kind] = replace(terms, routes=MappingProxyType(routes))
    return MappingProxyType(found)


def _route_changed(terms: NoticeTerms, role: Role, row: Any) -> Route:
    if not isinstance(row, Mapping):
        raise ValueError("must be a map")
    if role not in terms.routes:
        # a notice says to its reader what is for that reader: other roles have no text for it
        raise ValueError("is not told of this by the suite")
    held = terms.routes[role]
    only(row, _ROUTE_KEYS)
    return Route(
        role,
        Urgency(row.get("urgency", held.urgency)),
        _channels(row["channels"]) if "channels" in row else held.channels,
        _repeat(row["repeat"]) if "repeat" in row else held.repeat,
        _steps(row["escalation"]) if "escalation" in row else held.escalation,
        _flag(row["off"], "off") if "off" in row else held.off,
    )
