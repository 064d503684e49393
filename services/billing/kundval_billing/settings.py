"""Settings of the billing service beside those that every service has."""

from __future__ import annotations

from kundval_chassis.settings import Setting, number

SETTINGS = (
    Setting("LEDGER_CHECKS", number(0, 6000), 60, "assignments a minute that are computed anew, to check the ledger"),
    Setting(
        "QUESTION_SECONDS", number(1, 86400), 7200, "seconds that the reckoning of a what-if or a forecast may take"
    ),
)
