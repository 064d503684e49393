"""The page of the settings of the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_contracts.settings import MISSING, SETTINGS, Setting

from .markdown import code, listed, page, table


def settings_page() -> str:
    rows = (
        (
            ", ".join(code(name) for name in (row.key, *row.aliases)),
            row.kind,
            listed(row.values) if row.values else "",
            _default(row),
            ", ".join(row.rules),
            row.note,
        )
        for row in SETTINGS.values()
    )
    return page(
        "Settings of the rules",
        "Every setting that chooses how the rules are read, and every amount and number of days that they use. A "
        "municipality's profile sets them, the deployment's `KUNDVAL_RULES_FILE` sets them over that, a request "
        "`assignment.open_tenant` or the `settings` of a caseload file over both. An unknown key, or a value that is "
        "not permitted, is a fault; nothing is ignored.",
        "Of a setting with a list of permitted values the default is the recommended reading of the rulebook. `AMB-…` "
        "names the ambiguity that the setting settles. **Required** means that there is no default: the service "
        "refuses to start, and a caseload file is refused, if it is missing and needed.",
        "How the kinds are written in YAML or JSON: *money* and *decimal* are plain numbers (`6123.45`) or strings; a "
        '*share* lies between 0 and 1; *two ages* are `[18, 66]` or `"18-66"`, both included; *two times of the day* '
        'are `["08:00", "17:00"]` or `"08:00-17:00"`; *days or ISO duration* '
        "is `28`, `P28D` or `P1M`; *list of {from, to, share}* covers the months from 1 on without gap or overlap; "
        "maps and lists are YAML maps and lists.",
        table(("key", "kind", "permitted values", "default", "rules", "note"), rows),
    )


def _default(row: Setting) -> str:
    if row.default is MISSING:
        return "**required**"
    if row.default is None:
        return "not set"
    return code(_shown(row.default))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    return str(value)
