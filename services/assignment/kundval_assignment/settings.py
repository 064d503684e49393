"""Settings of the assignment service beside those that every service has."""

from __future__ import annotations

from kundval_chassis.settings import Setting, uri

from .people.keys import PersonKeys
from .reports.scanner import of


def scanner(value: str) -> str:
    """The address of a virus scanner, as `kundval_assignment.reports.scanner` describes it."""
    address = uri("clamd")(value)
    try:
        of(address)
    except ValueError:
        raise ValueError("names no port") from None
    return address


def person_keys(value: str) -> str:
    """Keys for persons, as `kundval_assignment.people.keys` describes them."""
    PersonKeys(value)
    return value


SETTINGS = (
    Setting(
        "PERSON_KEYS",
        person_keys,
        help="keys that seal what says who a person is, the first one sealing; 32 characters at least",
    ),
    Setting(
        "SCANNER", scanner, None, "virus scanner that looks at documents before they are stored: clamd://host:port"
    ),
)
