"""A draft of a tariff or of other readings, for the question "what if".

`load(text)` reads YAML or JSON, `read(raw)` a document that is parsed already; both give a `Draft` or raise
`DraftFault` with every fault named by path. A draft changes nothing by itself: `Draft.over(settings)` gives the
settings as they would be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from . import yaml12
from .case import Case
from .codes import FactKind, programmes
from .fact_fields import EARLIEST, LATEST
from .settings import RuleSettings, SettingsFault, TariffVersion, read_settings, read_tariffs
from .tariffs import Tariff, TariffFault
from .tariffs import read as read_tariff
from .text import unfit_text

VERSION = 1
#: the longest title
TITLE = 200
_TOP = ("kundval_draft", "title", "decided_from", "settings", "tariffs", "programmes")


class DraftFault(ValueError):
    """Everything that is wrong with a draft: `faults` is a list of (path, message)."""

    def __init__(self, faults: list[tuple[str, str]]):
        super().__init__("\n".join(f"{path}: {message}" for path, message in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be otherwise. `settings` are the given keys alone, typed; `programmes` whole tariffs by code; `raw` is
    the draft as JSON values.

    decided_from: only for assignments decided on that day or later; None: for all.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    tariffs: tuple[TariffVersion, ...] = ()
    programmes: Mapping[str, Tariff] = field(default_factory=dict)
    decided_from: date | None = None
    title: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)

    def over(self, base: RuleSettings) -> RuleSettings:
        """The settings with the draft laid over them: a key that it names takes the place of the one in force.

        A tariff version takes the place of one that is valid from the same day, else it comes beside the others. The
        tariff of a programme takes the place of its file.
        """
        mine = {version.valid_from for version in self.tariffs}
        kept = tuple(version for version in base.tariffs if version.valid_from not in mine)
        return replace(
            base,
            values={**base.values, **self.settings},
            tariffs=(*kept, *self.tariffs),
            programmes={**base.programmes, **self.programmes},
        )

    def concerns(self, case: Case) -> bool:
        """Whether the draft is for this assignment, by the day on which it was decided."""
        decided = case.first(FactKind.DECIDED)
        return self.decided_from is None or decided is None or decided.on >= self.decided_from


def load(text: str) -> Draft:
    """A draft from YAML or JSON text. Raises DraftFault."""
    try:
        raw = yaml12.load(text)
    except yaml12.BadYaml as error:
        raise DraftFault([("", str(error))]) from None
    return read(raw)


def read(raw: Any) -> Draft:
    """A draft from a parsed document. Raises DraftFault."""
    if not isinstance(raw, Mapping):
        raise DraftFault([("", f"must be a map with the key `kundval_draft: {VERSION}`")])
    faults = [(fault["path"], fault["message"]) for fault in unfit_text(raw)]
    faults += [(str(key), "unknown key") for key in raw if key not in _TOP]
    if raw.get("kundval_draft") != VERSION or isinstance(raw.get("kundval_draft"), bool):
        faults.append(("kundval_draft", f"must be {VERSION}, the version of the format"))
    title = raw.get("title")
    if title is not None and (not isinstance(title, str) or len(title) > TITLE):
        faults.append(("title", f"must be a text of at most {TITLE} characters"))
    decided_from = _day(raw.get("decided_from"), faults)
    settings: dict[str, Any] = {}
    given = raw.get("settings")
    if given is not None and not isinstance(given, Mapping):
        faults.append(("settings", "must be a map"))
    elif given:
        settings = _part("settings", lambda: read_settings(given), faults) or {}
    tariffs: tuple[TariffVersion, ...] = ()
    if raw.get("tariffs") is not None:
        tariffs = _part("tariffs", lambda: read_tariffs(raw["tariffs"]), faults) or ()
    whole = _programmes(raw.get("programmes"), faults)
    if not faults and not settings and not tariffs and not whole:
        faults.append(("", "changes nothing: it has no settings, tariffs or programmes"))
    if faults:
        raise DraftFault(faults)
    return Draft(settings, tariffs, whole, decided_from, title or "", _primitive(raw))


def _part(name: str, read_it: Callable[[], Any], faults: list[tuple[str, str]]) -> Any:
    """What `read_it` gives; its faults under the path of that part: `settings.key`, `tariffs[0].key`."""
    try:
        return read_it()
    except SettingsFault as error:
        for key, message in error.faults:
            place, _, rest = key.partition(".")
            if name == "settings":
                path = f"{name}.{key}"
            else:
                path = name + (f"[{place}]" if place else "") + (f".{rest}" if rest else "")
            faults.append((path, message))
        return None


def _programmes(raw: Any, faults: list[tuple[str, str]]) -> dict[str, Tariff]:
    """Tariffs as their files have them, by code."""
    if raw is None:
        return {}
    if not isinstance(raw, list | tuple):
        faults.append(("programmes", "must be a list of tariffs, as in their files"))
        return {}
    known = {one.value for one in programmes()}
    found: dict[str, Tariff] = {}
    for place, row in enumerate(raw):
        path = f"programmes[{place}]"
        try:
            tariff = read_tariff(row)
        except TariffFault as error:
            faults += [(f"{path}.{where}" if where else path, message) for where, message in error.faults]
            continue
        if tariff.code not in known:
            faults.append((f"{path}.code", "there is no such programme"))
        if tariff.code in found:
            faults.append((f"{path}.code", f"the tariff of {tariff.code} stands twice"))
        found[tariff.code] = tariff
    return found


def _day(raw: Any, faults: list[tuple[str, str]]) -> date | None:
    if raw is None:
        return None
    try:
        day = raw if isinstance(raw, date) else date.fromisoformat(raw)
    except (TypeError, ValueError):
        faults.append(("decided_from", "must be a date"))
        return None
    if not EARLIEST <= day <= LATEST:
        faults.append(("decided_from", f"must be from {EARLIEST} to {LATEST}"))
    return day


def _primitive(value: Any) -> Any:
    """JSON values: dates as ISO strings, numbers with decimals as strings."""
    if isinstance(value, date | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _primitive(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_primitive(item) for item in value]
    return value
