"""Addresses as somebody wrote them, as the channels take them."""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from kundval_chassis.reach import Network, webhook_fault

__all__ = ["Network", "mobile_number", "webhook_fault"]

#: the country of a number without one
REGION = "SE"
#: what takes an SMS; of some countries it cannot be told apart from a fixed line
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def mobile_number(text: str | None) -> str | None:
    """A number that takes an SMS in the form of E.164, ``+46701740605``; None if `text` is none."""
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, REGION)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _MOBILE:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
