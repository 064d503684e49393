"""The texts of every language as they stand in the files, read and checked once.

`data/<language>.toml` holds them; README.md beside the files says what the keys mean. A folder of the operator's own,
which ``KUNDVAL_TEXTS`` names, has files of the same shape that go before those of the package, key by key, and may add
languages. `read` gives a `Library`, or raises `TextFault` with everything that is wrong, by file and path: a text that
could not be sent as it should is never found out when it is to be sent.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kundval_contracts.codes import NoticeKind, Role
from kundval_contracts.tariffs import tariffs

from .check import complaints

#: Told in these, in this order, if there is no text in a reader's own language. Both are complete.
MAIN = ("sv", "en")

#: text for whoever is no client and has none of their own
STAFF = "STAFF"
#: in `lists`: the same points whatever the value
ANY = "*"


class TextFault(ValueError):
    """What is wrong in the files; `faults` is a list of ``(path, message)``, the path beginning with the file."""

    def __init__(self, faults: list[tuple[str, str]]):
        self.faults = faults
        super().__init__("; ".join(f"{path}: {message}" for path, message in faults))


@dataclass(frozen=True, slots=True)
class Text:
    """A message in the words of its file, places not yet filled in. `name`: of the section, `version`: of the file."""

    name: str
    version: str
    subject: str
    body: str
    sms: str | None = None

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The body, a line each."""
        return tuple(" ".join(part.split()) for part in self.body.strip().split("\n\n"))


@dataclass(frozen=True)
class Language:
    """The texts of one language. `version`: of the package's file, then of the operator's, as in ``1+nacka-3``."""

    code: str
    raw: Mapping[str, Any]
    version: str

    @property
    def name(self) -> str:
        return str(self.raw["name"])

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, as HTML says it."""
        return str(self.raw["direction"])

    @property
    def proofread(self) -> bool:
        """Whether somebody who has grown up with the language has read it."""
        return bool(self.raw["proofread"])

    @property
    def sms_parts(self) -> int:
        return int(self.raw["sms_parts"])

    @property
    def months(self) -> tuple[str, ...]:
        """What the months are called; empty: the language says days in figures."""
        return tuple(self.raw.get("months", ()))

    def frame(self, key: str) -> str:
        return str(self.raw["frame"][key])

    def nudge(self, key: str) -> Text | None:
        """What an open channel says; None if the language does not say it."""
        return self._text(self.raw["nudge"].get(key), f"nudge.{key}")

    def inside(self, kind: NoticeKind, to: Role) -> Text | None:
        """What a closed channel says of a kind to a role; None if the language does not say it."""
        held = self.raw.get("inside", {}).get(kind.value, {})
        for name in (to.value,) if to is Role.CLIENT else (to.value, STAFF):
            if name in held:
                return self._text(held[name], f"inside.{kind.value}.{name}")
        return None

    def word(self, value: str, code: str) -> str:
        """A code in words, by the value that it stands in. What has none is shown as it is: a day, a number."""
        found = self.raw.get("words", {}).get(value, {}).get(code)
        if found is None and value == "programme" and code in tariffs():
            found = tariffs()[code].title.get(self.code)
        return code if found is None else str(found)

    def points(self, value: str, code: str) -> tuple[str, ...] | None:
        """What is said of a value in points; None if it is not said so."""
        held = self.raw.get("lists", {}).get(value, {})
        found = held.get(code, held.get(ANY))
        return None if found is None else tuple(found)

    def _text(self, row: Mapping[str, str] | None, name: str) -> Text | None:
        return None if row is None else Text(name, self.version, row["subject"], row["body"], row.get("sms"))


@dataclass(frozen=True)
class Library:
    """All languages, the main ones first."""

    by_code: Mapping[str, Language]

    @cached_property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.by_code)

    @property
    def main(self) -> tuple[Language, ...]:
        return tuple(self.by_code[code] for code in MAIN)

    def get(self, code: str) -> Language | None:
        """A language by its tag. One that is spoken differently in places counts as itself (`en-GB` is `en`)."""
        return self.by_code.get(code) or self.by_code.get(code.partition("-")[0].lower())


#: the environment variable that names a folder of the operator's own texts
FOLDER = "KUNDVAL_TEXTS"

_in_use: list[Path | None] = []


def use(folder: Path | None) -> Library:
    """Speak from now on by the package's texts and those of the folder. Raises TextFault; then nothing has changed."""
    found = read(folder)
    _in_use[:] = [folder]
    return found


def library() -> Library:
    """The texts in use: those that `use` has named, or else by the environment. Raises TextFault."""
    folder = _in_use[0] if _in_use else Path(os.environ[FOLDER]) if os.environ.get(FOLDER) else None
    return read(folder)


@cache
def read(folder: Path | None = None) -> Library:
    """The texts of the package, and those of the folder before them. Raises TextFault."""
    faults: list[tuple[str, str]] = []
    raw: dict[str, dict[str, Any]] = {}
    versions: dict[str, list[str]] = {}
    for stem, text in _files(folder, faults):
        try:
            given = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            faults.append((f"{stem}.toml", str(error)))
            continue
        if given.get("language") != stem:
            faults.append((f"{stem}.toml: language", "must be the name of the file"))
        versions.setdefault(stem, []).append(str(given.get("version", "")))
        raw[stem] = _over(raw.get(stem, {}), given)
    # in a file that cannot be read there may stand whatever the others lack
    if not faults:
        faults += complaints(raw, MAIN)
    if faults:
        raise TextFault(faults)
    order = [*MAIN, *sorted(set(raw) - set(MAIN))]
    return Library(MappingProxyType({code: Language(code, raw[code], "+".join(versions[code])) for code in order}))


def _files(folder: Path | None, faults: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    inside = files(__package__).joinpath("data")
    for one in sorted(inside.iterdir(), key=lambda one: one.name):
        if one.name.endswith(".toml"):
            yield one.name.removesuffix(".toml"), one.read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.toml")) if folder else ():
        try:
            yield path.stem, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            faults.append((path.name, f"cannot be read: {type(error).__name__}"))


def _over(held: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given goes before what is held, table by table. What must never be said is added to."""
    found = dict(held)
    for key, value in given.items():
        if isinstance(value, Mapping) and isinstance(held.get(key), Mapping):
            found[key] = _over(held[key], value)
        elif key == "never" and isinstance(value, list) and isinstance(held.get(key), list):
            found[key] = [*held[key], *value]
        else:
            found[key] = value
    return found
