"""Settings of the scheduling service beside those that every service has."""

from __future__ import annotations

import re

from kundval_chassis.settings import Setting, number, uri


def domain(value: str) -> str:
    """The part of a mail address after the @."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?", value, re.IGNORECASE | re.ASCII):
        raise ValueError("is not the domain of a mail address")
    return value.lower()


_WEB = uri("https", "http")

SETTINGS = (
    Setting("MAIL_DOMAIN", domain, "kundval.invalid", "domain of the addresses in invitations, which are opaque"),
    Setting("LINK_BASE", _WEB, "https://kundval.invalid", "start of the links in calendars of staff and providers"),
    Setting("PLAN_SECONDS", number(1, 3600), 45, "seconds that the solver of a plan of meetings may take"),
    Setting("PLAN_GRACE", number(1, 3600), 60, "seconds beyond those after which its process is ended"),
    Setting("CALENDAR_BASE", _WEB, "https://kundval.invalid/calendar", "where the path /calendar is reachable"),
)
