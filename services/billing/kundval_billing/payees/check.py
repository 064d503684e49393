"""What a form of digits alone cannot say of the numbers of a party: their check digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stdnum import ean, iban, luhn
from stdnum.se import orgnr

from kundval_contracts.errors import Fault, InvalidRequest


def require_sound(party: Mapping[str, Any]) -> None:
    """Raise InvalidRequest naming every number of `party` whose check digit is wrong. No number is quoted."""
    faults = list(_faults(party))
    if faults:
        raise InvalidRequest(faults=faults)


def _faults(party: Mapping[str, Any]) -> Iterator[Fault]:
    number, vat = party["organisation_number"], party["vat_number"]
    if not orgnr.is_valid(number):
        yield Fault(path="party.organisation_number", message="the check digit is wrong")
    if vat is not None and not orgnr.is_valid(vat[2:12]):
        yield Fault(path="party.vat_number", message="the check digit is wrong")
    endpoint, is_gln = party["endpoint"], party["endpoint_scheme"] == "0088"
    if is_gln and (endpoint is None or len(endpoint) != 13 or not ean.is_valid(endpoint)):
        yield Fault(path="party.endpoint", message="must be a GLN of 13 digits")
    if not is_gln and endpoint is not None and (len(endpoint) != 10 or not orgnr.is_valid(endpoint)):
        yield Fault(path="party.endpoint", message="must be an organisation number of ten digits")
    for name in ("bankgiro", "plusgiro"):
        if party[name] is not None and not luhn.is_valid(party[name]):
            yield Fault(path=f"party.{name}", message="the check digit is wrong")
    if party["iban"] is not None and not iban.is_valid(party["iban"]):
        yield Fault(path="party.iban", message="the check digits are wrong")
