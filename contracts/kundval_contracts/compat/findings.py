"""What a comparison finds, and the words for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .changes import Change, Kind

#: BREAKS: may not be published so. WARNS: may, and somebody should have looked. ALLOWED: nobody has to do anything.
Level = Literal["BREAKS", "WARNS", "ALLOWED"]

_WORDS: dict[Kind, str] = {
    Kind.FIELD_ADDED: "field `{path}` is new",
    Kind.FIELD_REMOVED: "field `{path}` is gone",
    Kind.FIELD_RENAMED: "field `{path}` is called `{after}` now",
    Kind.REQUIRED: "field `{path}` has to be given now",
    Kind.OPTIONAL: "field `{path}` may be missing now",
    Kind.NULL_ALLOWED: "field `{path}` may be null now",
    Kind.NULL_REFUSED: "field `{path}` may not be null any more",
    Kind.RETYPED: "field `{path}` is {after} now and was {before}",
    Kind.CODES_ADDED: "field `{path}` can be {after} now",
    Kind.CODES_REMOVED: "field `{path}` cannot be {before} any more",
    Kind.CODES_RENAMED: "field `{path}` has {after} where it had {before}",
    Kind.CONDITION: "field `{path}` has another condition: {after}, where it was {before}",
    Kind.CONDITION_IN_WORDS: "field `{path}` is checked for something else: {after}, where it was {before}",
    Kind.DEFAULT: "field `{path}` means something else when it is not given: {after}, where it was {before}",
    Kind.EVENT_ADDED: "this event is new",
    Kind.EVENT_REMOVED: "this event is gone",
    Kind.EVENT_RENAMED: "this event is called `{after}` now",
    Kind.VERSION_ADDED: "this version is new, beside {before}",
    Kind.VERSION_REMOVED: "this version is gone",
    Kind.METHOD_ADDED: "this method is new",
    Kind.METHOD_REMOVED: "this method is gone",
    Kind.METHOD_RENAMED: "this method is called `{after}` now",
    Kind.METHOD_KIND: "this is a {after} now and was a {before}",
    Kind.ROLE_REMOVED: "the role {before} may not call it any more",
    Kind.REACH_NARROWED: "a provider reaches less far with it: {after}, where it was {before}",
    Kind.SHIELD_CHANGED: "a protected identity changes something else in its answer: {after}, where it was {before}",
    Kind.PURPOSE_NEEDED: "a token needs a purpose for it now",
    Kind.ROWS: "its pages are in another list: `{after}`, where it was `{before}`",
    Kind.ERROR_REMOVED: "it does not answer with {before} any more",
    Kind.LIST_REMOVED: "this code list is gone",
    Kind.CODES_REORDERED: "its codes stand in another order",
    Kind.CODES_INSERTED: "{after} stands before codes that were there: whoever counts places counts anew",
    Kind.OTHERWISE: "an independent comparison finds that it does not fit, and not why",
}
#: of a code list itself
_LIST_WORDS: dict[Kind, str] = {
    Kind.CODES_ADDED: "{after} is new",
    Kind.CODES_REMOVED: "{before} is gone",
    Kind.CODES_RENAMED: "{before} is called {after} now",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. where: `assignment.exited v1`, `billing.lines request`, `code list ExitKind`; whom: who breaks
    (consumers by name, those that have registered a need first); then: what to do instead.
    """

    level: Level
    kind: Kind
    where: str
    path: str
    what: str
    whom: str = ""
    then: str = ""

    @property
    def text(self) -> str:
        """The finding as a person reads it."""
        parts = [f"{self.where}: {self.what}."]
        if self.whom:
            parts.append(f"{self.whom}.")
        if self.then:
            parts.append(f"{self.then}.")
        return " ".join(parts)


def words(change: Change, *, of_list: bool = False) -> str:
    """What has changed, as part of a sentence."""
    text = (_LIST_WORDS if of_list else {}).get(change.kind) or _WORDS[change.kind]
    if not change.path:
        text = text.replace("field `{path}`", "it")
    return text.format(path=change.path, before=change.before, after=change.after)


def breaking(findings: Iterable[Finding]) -> list[Finding]:
    """Those for which nothing may be published."""
    return [one for one in findings if one.level == "BREAKS"]


def report(findings: Iterable[Finding]) -> str:
    """The findings as lines, what breaks first."""
    order = {"BREAKS": 0, "WARNS": 1, "ALLOWED": 2}
    rows = sorted(findings, key=lambda one: (order[one.level], one.where, one.path))
    return "\n".join(f"{one.level}  {one.text}" for one in rows)
