"""SQL of payees and payers. In force on a day is the version with the latest `valid_from`; of several, the last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kundval_chassis.db import Row, Tx
from kundval_contracts.codes import Ownership, PayerRole, VatTreatment

from ..domain.parties import Agreement, Party, Payee, Payer, Vat


def of(tx: Tx, tenant: str, provider: str, day: date) -> Payee | None:
    """The provider as receiver of money on `day`; None while nobody has said who it is."""
    row = tx.one(
        "SELECT valid_from, party, agreement FROM payee WHERE tenant = %s AND provider = %s AND valid_from <= %s"
        " ORDER BY valid_from DESC, version DESC LIMIT 1",
        (tenant, provider, day),
    )
    if row is None:
        return None
    agreement = _agreement(row["agreement"])
    self_billing = agreement is not None and agreement.in_force(day)
    return Payee(provider, row["valid_from"], party_of(row["party"]), agreement, self_billing)


def payer(tx: Tx, tenant: str, role: PayerRole, day: date) -> Payer | None:
    """The municipality, or its customer, on `day`; None while nobody has said who it is."""
    row = tx.one(
        "SELECT valid_from, party, vat_by_ownership FROM payer WHERE tenant = %s AND role = %s AND valid_from <= %s"
        " ORDER BY valid_from DESC, version DESC LIMIT 1",
        (tenant, role.value, day),
    )
    if row is None:
        return None
    by_ownership = {Ownership(key): _vat(value) for key, value in row["vat_by_ownership"].items()}
    return Payer(row["valid_from"], party_of(row["party"]), by_ownership)


def add_payee(tx: Tx, tenant: str, provider: str, valid_from: date, party: Row, agreement: Row | None, who: str) -> int:
    """Append a version; its number."""
    (row,) = tx.insert_rows(
        "payee",
        ("tenant", "provider", "valid_from", "party", "agreement", "recorded_by"),
        [(tenant, provider, valid_from, party, agreement, who)],
        "RETURNING version",
    )
    return int(row["version"])


def add_payer(
    tx: Tx, tenant: str, role: PayerRole, valid_from: date, party: Row, vat_by_ownership: Row, who: str
) -> int:
    """Append a version; its number."""
    (row,) = tx.insert_rows(
        "payer",
        ("tenant", "role", "valid_from", "party", "vat_by_ownership", "recorded_by"),
        [(tenant, role.value, valid_from, party, vat_by_ownership, who)],
        "RETURNING version",
    )
    return int(row["version"])


def payees(tx: Tx, tenant: str, provider: str | None) -> list[Row]:
    """All versions, as on the wire."""
    return tx.query(
        "SELECT provider, version, valid_from, party, agreement AS self_billing, recorded_by, recorded_at FROM payee"
        " WHERE tenant = %(tenant)s AND (%(provider)s::text IS NULL OR provider = %(provider)s)"
        " ORDER BY provider, valid_from, version",
        {"tenant": tenant, "provider": provider},
    )


def payers(tx: Tx, tenant: str) -> list[Row]:
    """All versions, as on the wire."""
    return tx.query(
        "SELECT role, version, valid_from, party, vat_by_ownership, recorded_by, recorded_at FROM payer"
        " WHERE tenant = %s ORDER BY role DESC, valid_from, version",
        (tenant,),
    )


def party_of(row: Mapping[str, Any]) -> Party:
    """A party from its JSON."""
    vat = row["vat"]
    return Party(**{**row, "vat": None if vat is None else _vat(vat)})


def _vat(row: Mapping[str, Any]) -> Vat:
    return Vat(VatTreatment(row["treatment"]), row["reason"])


def _agreement(row: Mapping[str, Any] | None) -> Agreement | None:
    if row is None:
        return None
    ends = None if row["to"] is None else date.fromisoformat(row["to"])
    return Agreement(date.fromisoformat(row["from"]), row["reference"], ends)
