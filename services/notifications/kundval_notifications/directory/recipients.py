"""From notices to parties: who holds the case, where and how they want to be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_chassis.veil import restricted
from kundval_contracts.codes import DeliveryChannel, Role, SubjectKind
from kundval_contracts.rules import rule

from ..domain.party import Party
from ..texts import LANGUAGES, languages
from . import store
from .contacts import Point, Source
from .seal import Seal
from .store import ANYBODY, Whose


def resolve(tx: Tx, contacts: Source, tenant: str, rows: Sequence[Mapping[str, Any]]) -> dict[int, Party]:
    """The recipient of each notice, by its id. rows: as in the table `notice` (notice, about, subject, recipient,
    provider), of one tenant.

    Give it what `Contacts.ask` answered, asked before `tx` began. A client is protected if assignment says so or this
    service has heard so, then in all of its cases. Nothing about a protected person's case goes to a webhook.
    """
    cases = {row["subject"] for row in rows if row["about"] == SubjectKind.ASSIGNMENT}
    clients = {row["subject"] for row in rows if row["recipient"] == Role.CLIENT}
    points = contacts.points(tenant, clients) if clients else {}
    hidden = restricted(tx, tenant, cases)
    roles = {Role(row["recipient"]) for row in rows}
    if Role.TEAM_MANAGER in roles:
        # the unit may be that of the career guide
        roles.add(Role.CAREER_GUIDE)
    parties = store.parties(tx, tenant, roles - {Role.CLIENT})
    who = _whose(tx, tenant, rows, points, parties)
    wishes = store.preferences(tx, tenant, set(who.values()))
    protected = {
        who[row["notice"]]
        for row in rows
        if row["recipient"] == Role.CLIENT and (points[row["subject"]].protected or row["subject"] in hidden)
    }
    found = {}
    for row in rows:
        whose = who[row["notice"]]
        if row["recipient"] == Role.CLIENT:
            found[row["notice"]] = _client(whose, points[row["subject"]], wishes.get(whose), whose in protected)
        else:
            found[row["notice"]] = _staff(
                tenant, whose, parties, wishes.get(whose), contacts.seal, in_hiding=row["subject"] in hidden
            )
    return found


# --- who ---------------------------------------------------------------------------------------------


def _whose(
    tx: Tx,
    tenant: str,
    rows: Sequence[Mapping[str, Any]],
    points: Mapping[str, Point],
    parties: Mapping[Whose, Row],
) -> dict[int, Whose]:
    """Role and id of each notice's recipient."""
    cases = {row["subject"] for row in rows if row["about"] == SubjectKind.ASSIGNMENT}
    holders = store.holders(tx, tenant, cases)
    leads = {row["unit"]: name for (role, name), row in parties.items() if role == Role.TEAM_MANAGER and row["unit"]}
    found: dict[int, Whose] = {}
    for row in rows:
        role = Role(row["recipient"])
        holder = holders.get(row["subject"]) if row["about"] == SubjectKind.ASSIGNMENT else None
        if role is Role.CLIENT:
            # of whom nothing is known every case is somebody else's
            name = points[row["subject"]].person or f"assignment/{row['subject']}"
        elif role is Role.PROVIDER:
            name = row["provider"] or (row["subject"] if row["about"] == SubjectKind.PROVIDER else "")
        elif role is Role.CAREER_GUIDE:
            name = (holder and holder["guide"]) or ANYBODY
        elif role is Role.TEAM_MANAGER:
            name = leads.get(_unit(holder, parties), ANYBODY)
        else:
            name = ANYBODY
        found[row["notice"]] = (role.value, name)
    return found


def _unit(holder: Row | None, parties: Mapping[Whose, Row]) -> str | None:
    """The unit of a case: what its facts say, else that to which its career guide belongs."""
    if holder is None:
        return None
    if holder["unit"]:
        return str(holder["unit"])
    guide = parties.get((Role.CAREER_GUIDE.value, holder["guide"]))
    return None if guide is None else guide["unit"]


# --- where and how -----------------------------------------------------------------------------------


@rule("AF-SOM-17")
def _client(whose: Whose, point: Point, wish: Row | None, protected: bool) -> Party:
    """In the language that the client asks for, else in one that it masters well; if there is none, in Swedish."""
    if protected:
        return Party(Role.CLIENT, whose[1], protected=True)
    return Party(
        Role.CLIENT,
        whose[1],
        _language(wish["language"] if wish else None, point.language),
        point.addresses,
        **_wishes(wish),
    )


def _staff(
    tenant: str, whose: Whose, parties: Mapping[Whose, Row], wish: Row | None, seal: Seal, *, in_hiding: bool
) -> Party:
    """Of whom no address is known in person, that of whoever holds the role."""
    role, name = whose
    place = whose if whose in parties else (role, ANYBODY)
    held = parties.get(place)
    asked = wish["language"] if wish else None
    if held is None:
        return Party(Role(role), name, _language(asked), **_wishes(wish))
    addresses = {DeliveryChannel(channel): address for channel, address in held["addresses"].items()}
    secret = None if held["secret"] is None else seal.open(bytes(held["secret"]), tenant, *place)
    if secret is None or held["webhook_closed_at"] is not None or in_hiding:
        addresses.pop(DeliveryChannel.WEBHOOK, None)
        secret = None
    return Party(Role(role), name, _language(asked, held["language"]), addresses, secret, **_wishes(wish))


def _wishes(wish: Row | None) -> dict[str, Any]:
    if wish is None:
        return {}
    return {
        "refused": frozenset(map(DeliveryChannel, wish["refused"])),
        "order": _order(wish["channels"]),
        "digest": wish["digest"],
    }


def _order(channels: Collection[str] | None) -> tuple[DeliveryChannel, ...] | None:
    return None if channels is None else tuple(map(DeliveryChannel, channels))


def _language(*wanted: str | None) -> str:
    """The first of these in which there are texts, else the municipality's own."""
    return next((one for one in wanted if one in languages()), LANGUAGES[0])
