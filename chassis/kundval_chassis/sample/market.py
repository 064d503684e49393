"""The providers of the sample: 24 invented ones, one municipal, some non-profit (NACKA-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from .chance import Chance

AMI_1, AMI_2 = "AMI_1", "AMI_2"
BASIC, ENHANCED = "JOBBPENG_BASIC", "JOBBPENG_ENHANCED"
JOBBPENG = (BASIC, ENHANCED)

_EARLY = date(2023, 1, 1)


@dataclass(frozen=True, slots=True)
class Seller:
    """A provider: how often clients choose it, and how carefully it works (share of things done in time)."""

    id: str
    name: str
    ownership: str
    weight: int
    care: float
    authorised: dict[str, date]

    def document(self) -> dict[str, Any]:
        authorised = {programme: day.isoformat() for programme, day in self.authorised.items()}
        return {"id": self.id, "name": self.name, "ownership": self.ownership, "authorised": authorised}


def _seller(
    tree: str, weight: int, care: float, *programmes: str, ownership: str = "PRIVATE", since: date = _EARLY
) -> Seller:
    form = {"PRIVATE": "Exempelbolaget {} AB", "NON_PROFIT": "Exempelföreningen {}"}.get(ownership, "Exempelenheten {}")
    id = tree.lower().translate(str.maketrans("åäö", "aao"))
    return Seller(id, form.format(tree), ownership, weight, care, dict.fromkeys(programmes, since))


SELLERS: tuple[Seller, ...] = (
    _seller("Ek", 14, 0.93, AMI_1, AMI_2, *JOBBPENG, ownership="MUNICIPAL"),
    _seller("Björk", 13, 0.95, AMI_1, AMI_2, *JOBBPENG),
    _seller("Tall", 11, 0.92, AMI_1, AMI_2),
    _seller("Gran", 10, 0.96, AMI_1, AMI_2, *JOBBPENG),
    _seller("Lönn", 9, 0.90, AMI_1, AMI_2),
    _seller("Rönn", 8, 0.94, AMI_2, ownership="NON_PROFIT"),
    _seller("Asp", 7, 0.88, AMI_1, BASIC),
    _seller("Alm", 7, 0.93, AMI_1, AMI_2),
    _seller("Lind", 6, 0.97, AMI_2, ENHANCED),
    _seller("Hassel", 6, 0.91, AMI_2, ownership="NON_PROFIT"),
    _seller("Al", 5, 0.89, AMI_1),
    _seller("Bok", 5, 0.95, AMI_1, AMI_2),
    _seller("Sälg", 4, 0.85, AMI_1, AMI_2),
    _seller("Pil", 4, 0.92, AMI_1, BASIC),
    _seller("En", 4, 0.94, AMI_2, ownership="NON_PROFIT"),
    _seller("Ask", 3, 0.90, AMI_1, AMI_2),
    _seller("Oxel", 3, 0.93, AMI_1),
    _seller("Hagtorn", 3, 0.87, AMI_2),
    _seller("Vide", 2, 0.96, AMI_1, *JOBBPENG),
    _seller("Idegran", 2, 0.92, AMI_2, ownership="NON_PROFIT"),
    _seller("Kastanj", 2, 0.90, AMI_1, AMI_2, since=date(2024, 9, 1)),
    _seller("Plommon", 2, 0.94, AMI_1, since=date(2024, 10, 15)),
    _seller("Körsbär", 1, 0.91, AMI_2, since=date(2025, 1, 1)),
    _seller("Slån", 1, 0.93, AMI_1, since=date(2025, 2, 1)),
)


def choose(chance: Chance, programme: str, day: date, but: Sequence[str] = ()) -> Seller:
    """A provider that is authorised for the programme on the day, by how often it is chosen; none of `but`."""
    able = [
        (one, one.weight) for one in SELLERS if one.id not in but and one.authorised.get(programme, date.max) <= day
    ]
    return chance.pick(able)


def unable(chance: Chance, programme: str, day: date) -> Seller:
    """A provider that may not be chosen for the programme on the day."""
    return chance.one_of([one for one in SELLERS if one.authorised.get(programme, date.max) > day])


def named(id: str) -> Seller:
    return next(one for one in SELLERS if one.id == id)
