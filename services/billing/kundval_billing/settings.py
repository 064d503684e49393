"""Settings of the billing service beside those that every service has."""

from __future__ import annotations

from kundval_chassis.settings import Setting, number

SETTINGS = (
    Setting(
        "QUESTION_SECONDS", number(1, 86400), 7200, "seconds that the reckoning of a what-if or a forecast may take"
    ),
)
