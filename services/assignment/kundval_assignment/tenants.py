"""Tenants: a municipality with its readings, tariffs, providers and business date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import ValidationError

from kundval_chassis.db import Tx
from kundval_contracts.case import Provider, Tenant
from kundval_contracts.errors import Conflict, Fault, InvalidRequest, NotFound, faults_of
from kundval_contracts.fact_fields import EARLIEST, LATEST
from kundval_contracts.inputs import PROVIDER
from kundval_contracts.profiles import municipality_faults, profiles
from kundval_contracts.settings import (
    RuleSettings,
    SettingsFault,
    TariffVersion,
    dump_settings,
    dump_tariffs,
    read_settings,
    read_tariffs,
)

from . import store


def get(tx: Tx, name: str) -> Tenant:
    """The tenant; raises NotFound."""
    tenant = store.load_tenant(tx, name)
    if tenant is None:
        raise NotFound(f"There is no tenant {name}.")
    return tenant


def read(request: dict[str, Any], deployment: Mapping[str, Any]) -> Tenant:
    """A tenant from a request. Settings go over the profile's; without any, the deployment's do.

    Raises InvalidRequest with every fault by path.
    """
    faults: list[Fault] = []
    municipality = request["municipality"]
    if unfit := municipality_faults(municipality):
        raise InvalidRequest(faults=[Fault(path=path, message=message) for path, message in unfit])
    values = {**profiles()[municipality].settings, **deployment}
    tariffs: tuple[TariffVersion, ...] = ()
    try:
        if request["settings"] is not None:
            values = read_settings(request["settings"], profiles()[municipality].settings)
    except SettingsFault as error:
        faults += [Fault(path=f"settings.{key}", message=message) for key, message in error.faults]
    try:
        tariffs = read_tariffs(request["tariffs"])
    except SettingsFault as error:
        for key, message in error.faults:
            number, _, rest = key.partition(".")
            faults.append(Fault(path=f"tariffs[{number}].{rest}" if rest else f"tariffs[{number}]", message=message))
    settings = RuleSettings(values, tariffs)
    providers: dict[str, Provider] = {}
    for place, row in enumerate(request["providers"]):
        try:
            provider = PROVIDER.load(row)
        except ValidationError as error:
            faults += faults_of(error.messages, f"providers[{place}]")
            continue
        if provider.id in providers:
            faults.append(Fault(path=f"providers[{place}].id", message=f"{provider.id} stands twice"))
        providers[provider.id] = provider
    if faults:
        raise InvalidRequest(faults=faults)
    return Tenant(request["tenant"], municipality, settings, providers)


def announce(tx: Tx, tenant: Tenant) -> None:
    """Tell the others what holds in the tenant: it was opened, or a provider is authorised or is so no longer."""
    tx.publish(
        "assignment.tenant_opened",
        subject=tenant.id,
        tenant=tenant.id,
        data={
            "municipality": tenant.municipality,
            "settings": dump_settings(tenant.settings.values),
            "tariffs": dump_tariffs(tenant.settings.tariffs),
            # a provider's name is not needed to pay it the right amount
            "providers": [_told(provider) for provider in tenant.providers.values()],
        },
    )


def _told(provider: Provider) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": provider.id,
        "ownership": provider.ownership.value,
        "authorised": {code.value: day.isoformat() for code, day in provider.authorised.items()},
    }
    if provider.deauthorised:
        told["deauthorised"] = {code.value: day.isoformat() for code, day in provider.deauthorised.items()}
    return told


def open_day(tx: Tx, tenant: Tenant, day: date) -> date:
    """Move the business date forward. The same day again is told to nobody.

    Raises InvalidRequest for a day on which nothing can be computed, Conflict for one before the business date.
    """
    if not EARLIEST <= day <= LATEST:
        raise InvalidRequest(faults=[Fault(path="date", message=f"must be from {EARLIEST} to {LATEST}")])
    if tenant.business_date is not None and day < tenant.business_date:
        raise Conflict(f"The business date is {tenant.business_date} already.")
    if day != tenant.business_date:
        store.save_day(tx, tenant.id, day)
        tell_day(tx, tenant.id, day)
    return day


def tell_day(tx: Tx, tenant: str, day: date) -> None:
    """Tell the business date; to who has had it, it is no news."""
    tx.publish("assignment.day_opened", subject=tenant, tenant=tenant, data={"date": day.isoformat()})
