"""Notices in words, as they are read inside the suite."""

from __future__ import annotations

from kundval_chassis.db import Row
from kundval_contracts.rpc.results import LANGUAGES

from .. import texts
from ..store import as_notice


def words_of(row: Row) -> dict[str, dict[str, str]]:
    """Subject and text of a notice by language. Without a link, since its reader has logged in; and without what was
    told before and whether it is late, which the inbox shows as data.
    """
    notice = as_notice(row)
    found = {}
    for language in LANGUAGES:
        content = texts.inside(notice, language, "")
        found[language] = {"subject": content.subject, "text": content.text.strip()}
    return found
