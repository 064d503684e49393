"""What can be seen from where the doctor is run: certificates in files, the stamp of the last backup."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .. import certificates
from .finding import Finding, bad, ok, warn

DAY = 86_400.0
#: days before its end at which a certificate is to be renewed, and at which it is urgent
RENEW, URGENT = 30, 7
#: hours after which a daily backup is missing, and after which it is urgent
LATE, MISSING = 26, 50


def look(service: str, settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Certificates that the settings name, and the backup of the service's database."""
    for what, ends in certificates.in_files(settings):
        yield certificate(service, what, ends)
    yield _backup(service, settings["BACKUP_STAMP"])


def certificate(area: str, what: str, ends: float) -> Finding:
    """What is to be said of a certificate that ends at this Unix time."""
    days = (ends - time.time()) / DAY
    name = f"the certificate of {what.replace('_', ' ')}"
    day = time.strftime("%Y-%m-%d", time.gmtime(ends))
    if days >= RENEW:
        return ok(area, f"{name} holds until {day}")
    consequence = "from that day on no connection is made with it, and the service stands still"
    action = "put a new one in its place and restart what reads it"
    if days < URGENT:
        word = "ended on" if days < 0 else "ends on"
        return bad(area, f"{name} {word} {day}", consequence, action, "certificate-expired")
    return warn(area, f"{name} ends on {day}", consequence, action, "certificate-expired")


def _backup(service: str, stamp: str | None) -> Finding:
    consequence = "what is lost with the database would be lost for good"
    if stamp is None:
        return warn(
            service,
            "when its database was backed up last is not known",
            consequence,
            f"let the backup touch a file, and name it in KUNDVAL_{service.upper()}_BACKUP_STAMP",
            "database-lost",
        )
    try:
        hours = (time.time() - os.stat(stamp).st_mtime) / 3600
    except OSError:
        return bad(
            service, "its database has never been backed up", consequence, "run the backup and look", "database-lost"
        )
    if hours < LATE:
        return ok(service, f"its database was backed up {hours:.0f} hours ago")
    say = bad if hours > MISSING else warn
    return say(
        service,
        f"its database was backed up {hours:.0f} hours ago",
        consequence,
        "look why the backup does not run, and run it",
        "database-lost",
    )
