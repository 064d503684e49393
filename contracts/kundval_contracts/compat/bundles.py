"""Two bundles of schemas held against each other, by who writes and who reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from .changes import Change, Json, Kind, alike, changes
from .findings import Finding, Level, words

Flow = Literal["EVENT", "REQUEST", "ANSWER"]
#: Whether what is written by `new` can be read by `old` (`WRITER`), or what was written by `old` by `new` (`READER`).
Opinion = Callable[[Json, Json, Literal["WRITER", "READER"]], bool]

_REACH = {"NOTHING": 0, "OWN_ASSIGNMENT": 1, "OWN_ROWS": 1, "ITSELF": 1, "OPEN": 2}


@dataclass(frozen=True, slots=True)
class Need:
    """What a consumer has registered. Fields by event (`assignment.exited`) and by method, those of its request and of
    its answer; as paths (`postings[].amount`).
    """

    consumer: str
    events: Mapping[str, Sequence[str]]
    requests: Mapping[str, Sequence[str]]
    answers: Mapping[str, Sequence[str]]

    def uses(self, flow: Flow, name: str, path: str) -> bool:
        """Whether it reads or sends what is at that path, something in it, or what it is part of."""
        fields = {"EVENT": self.events, "REQUEST": self.requests, "ANSWER": self.answers}[flow].get(name)
        if fields is None:
            return False
        return not path or any(one == "*" or _within(one, path) or _within(path, one) for one in fields)


def compare(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    needs: Iterable[Need] = (),
    sunsets: Mapping[str, Mapping[str, Any]] | None = None,
    on: date | None = None,
    opinion: Opinion | None = None,
) -> list[Finding]:
    """What differs between a published bundle and the one of now, most of it with whom it would break.

    sunsets: `{"events": {name: {version: ISO day}}, "rpc": {method: ISO day}}` that were published, those of `old` if
    none; on: the day of the release in preparation, by which it is judged whether one has passed. opinion: an
    independent comparison of two schemas, asked where nothing was found to break.
    """
    return list(_Comparison(old, new, tuple(needs), sunsets or old.get("sunsets", {}), on, opinion).findings())


class _Comparison:
    def __init__(
        self,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        needs: tuple[Need, ...],
        sunsets: Mapping[str, Mapping[str, Any]],
        on: date | None,
        opinion: Opinion | None,
    ):
        self.old, self.new, self.needs, self.sunsets, self.on, self.opinion = old, new, needs, sunsets, on, opinion
        self.release = old.get("release", {}).get("version", "before")

    def findings(self) -> Iterator[Finding]:
        if "envelope" in self.old and "envelope" in self.new:
            yield from self._schemas("EVENT", "", "envelope", self.old["envelope"], self.new["envelope"])
        yield from self._events()
        yield from self._events_in()
        yield from self._methods()
        yield from self._lists()
        for kind in self.old.get("errors", ()):
            if kind not in self.new.get("errors", ()):
                change = Change(Kind.ERROR_REMOVED, "", before=f"errors of kind `{kind}`")
                yield self._found("BREAKS", change, "errors", f"Whoever tells errors apart as in {self.release} breaks")

    # ------------------------------------------------------------------ events

    def _events(self) -> Iterator[Finding]:
        old, new = self.old.get("events", {}), self.new.get("events", {})
        renamed = _same(old, new, lambda versions: versions)
        for name, versions in old.items():
            if name not in new:
                kind = Kind.EVENT_RENAMED if name in renamed else Kind.EVENT_REMOVED
                yield from self._gone(
                    Change(kind, "", after=renamed.get(name, "")), name, versions,
                    f"Publish it under its name too, until a sunset date that is published before: {name}",
                )  # fmt: skip
                continue
            for version, schema in versions.items():
                where = f"{name} v{version}"
                if version in new[name]:
                    yield from self._schemas("EVENT", name, where, schema, new[name][version])
                else:
                    yield from self._gone(
                        Change(Kind.VERSION_REMOVED, ""), name, [version],
                        "Keep telling it, made from the new one, until its sunset date has passed",
                    )  # fmt: skip
            yield from self._versions_beside(name, versions, new[name])
        for name in new:
            if name not in old:
                yield self._found("ALLOWED", Change(Kind.EVENT_ADDED, ""), name)

    def _gone(self, change: Change, name: str, versions: Iterable[str], then: str) -> Iterator[Finding]:
        for version in versions:
            sunset = self.sunsets.get("events", {}).get(name, {}).get(version)
            where = f"{name} v{version}"
            if self._passed(sunset):
                yield self._found("ALLOWED", change, where, f"Its sunset was {sunset}")
            else:
                whom = self._whom("EVENT", name, "", f"Whoever reads events of {self.release} and needs it breaks")
                yield self._found("BREAKS", change, where, whom, _until(sunset) or then)

    def _versions_beside(self, name: str, before: Json, after: Json) -> Iterator[Finding]:
        for version in after:
            if version in before:
                continue
            where = f"{name} v{version}"
            beside = [one for one in after if int(one) < int(version)]
            yield self._found(
                "ALLOWED", Change(Kind.VERSION_ADDED, "", before=", ".join(f"v{one}" for one in beside)), where
            )
            for one in beside:
                sunset = self.new.get("sunsets", {}).get("events", {}).get(name, {}).get(one)
                if sunset is None or (self.on is not None and date.fromisoformat(sunset) <= self.on):
                    yield Finding(
                        "BREAKS", Kind.VERSION_ADDED, f"{name} v{one}", "",
                        f"it has no sunset date after this release, though v{version} takes its place",
                        then="Say in `versions` until when it is told beside the new one",
                    )  # fmt: skip
        for version, day in self.sunsets.get("events", {}).get(name, {}).items():
            now = self.new.get("sunsets", {}).get("events", {}).get(name, {}).get(version)
            if version in after and now is not None and now < day:
                yield Finding(
                    "BREAKS", Kind.VERSION_REMOVED, f"{name} v{version}", "",
                    f"its sunset is {now} now and was {day}",
                    f"Whoever has planned with the day that was published for v{version} breaks",
                    "A sunset can only be put off",
                )  # fmt: skip

    def _passed(self, sunset: str | None) -> bool:
        return sunset is not None and self.on is not None and date.fromisoformat(sunset) <= self.on

    def _events_in(self) -> Iterator[Finding]:
        """What others tell the suite: they write and the suite reads, as with a request."""
        old, new = self.old.get("events_in", {}), self.new.get("events_in", {})
        for name, versions in old.items():
            for version, schema in versions.items():
                where = f"{name} v{version}"
                if version in new.get(name, {}):
                    yield from self._schemas("REQUEST", name, where, schema, new[name][version])
                    continue
                kind = Kind.VERSION_REMOVED if name in new else Kind.EVENT_REMOVED
                whom = self._whom("REQUEST", name, "", f"Whoever tells the suite as in {self.release} is not heard")
                yield self._found("BREAKS", Change(kind, ""), where, whom, "Go on taking it in")
        for name in new:
            if name not in old:
                yield self._found("ALLOWED", Change(Kind.EVENT_ADDED, ""), name)

    # ------------------------------------------------------------------ methods

    def _methods(self) -> Iterator[Finding]:
        old, new = self.old.get("rpc", {}), self.new.get("rpc", {})
        renamed = _same(old, new, lambda one: (one.get("kind"), one["request"], one["answer"]))
        for name, before in old.items():
            if name not in new:
                kind = Kind.METHOD_RENAMED if name in renamed else Kind.METHOD_REMOVED
                change = Change(kind, "", after=renamed.get(name, ""))
                sunset = self.sunsets.get("rpc", {}).get(name)
                if self._passed(sunset):
                    yield self._found("ALLOWED", change, name, f"Its sunset was {sunset}")
                else:
                    whom = self._whom("REQUEST", name, "", f"Whoever calls it as in {self.release} breaks")
                    then = _until(sunset) or "Keep it beside the new one, with a sunset date in `versions`"
                    yield self._found("BREAKS", change, name, whom, then)
                continue
            after = new[name]
            yield from self._terms(name, before, after)
            yield from self._schemas("REQUEST", name, f"{name} request", before["request"], after["request"])
            yield from self._schemas("ANSWER", name, f"{name} answer", before["answer"], after["answer"])
        for name in new:
            if name not in old:
                yield self._found("ALLOWED", Change(Kind.METHOD_ADDED, ""), name)

    def _terms(self, name: str, before: Json, after: Json) -> Iterator[Finding]:
        """What of a method stands beside its schemas."""
        whom = self._whom("REQUEST", name, "", f"Whoever calls it as in {self.release} breaks")
        beside = "Add a method beside it instead"
        if before.get("kind") != after.get("kind"):
            change = Change(Kind.METHOD_KIND, "", before=str(before.get("kind")), after=str(after.get("kind")))
            yield self._found("BREAKS", change, name, whom, beside)
        for role in before.get("roles", ()):
            if role not in after.get("roles", ()):
                yield self._found("BREAKS", Change(Kind.ROLE_REMOVED, "", before=role), name, whom, beside)
        reach, now = str(before.get("reach")), str(after.get("reach"))
        if reach != now and _REACH.get(now, 0) <= _REACH.get(reach, 0):
            yield self._found("BREAKS", Change(Kind.REACH_NARROWED, "", before=reach, after=now), name, whom, beside)
        if before.get("shield") != after.get("shield"):
            change = Change(Kind.SHIELD_CHANGED, "", before=str(before.get("shield")), after=str(after.get("shield")))
            yield self._found("WARNS", change, name, "Whoever reads its answers may find less in them")
        if after.get("personal") and not before.get("personal"):
            yield self._found("BREAKS", Change(Kind.PURPOSE_NEEDED, ""), name, whom, beside)
        if before.get("rows") and before.get("rows") != after.get("rows"):
            change = Change(Kind.ROWS, "", before=str(before["rows"]), after=str(after.get("rows")))
            yield self._found("BREAKS", change, name, whom, beside)
        for fault in before.get("faults", ()):
            if fault not in after.get("faults", ()):
                change = Change(Kind.ERROR_REMOVED, "", before=f"`{fault}`")
                yield self._found("WARNS", change, name, "Whoever waits for that code does so in vain")

    # ------------------------------------------------------------------ code lists

    def _lists(self) -> Iterator[Finding]:
        old, new = self.old.get("codes", {}), self.new.get("codes", {})
        for name, before in old.items():
            where = f"code list {name}"
            whom = f"Whoever knows the list of {self.release} breaks"
            if name not in new:
                yield self._found("BREAKS", Change(Kind.LIST_REMOVED, ""), where, whom, "Keep it")
                continue
            after = new[name]
            gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
            said = ", ".join(f"`{one}`" for one in gone), ", ".join(f"`{one}`" for one in come)
            if gone:
                kind = Kind.CODES_RENAMED if len(gone) == len(come) else Kind.CODES_REMOVED
                change = Change(kind, "", before=said[0], after=said[1])
                yield self._found("BREAKS", change, where, whom, "Keep the old code beside the new", of_list=True)
            elif come:
                yield self._found("ALLOWED", Change(Kind.CODES_ADDED, "", after=said[1]), where, of_list=True)
            kept = [one for one in after if one in before]
            if kept != [one for one in before if one in after]:
                change = Change(Kind.CODES_REORDERED, "")
                yield self._found("BREAKS", change, where, f"{whom}, if it goes by their order", "Put them back")
            elif not gone and come and after[: len(before)] != before:
                yield self._found("WARNS", Change(Kind.CODES_INSERTED, "", after=said[1]), where)

    # ------------------------------------------------------------------ schemas

    def _schemas(self, flow: Flow, name: str, where: str, old: Json, new: Json) -> Iterator[Finding]:
        if old == new:
            return
        found = [self._judged(flow, name, where, change) for change in changes(old, new)]
        yield from found
        if self.opinion is None or any(one.level == "BREAKS" for one in found):
            return
        asked: dict[Flow, tuple[Literal["WRITER", "READER"], ...]]
        asked = {"EVENT": ("WRITER", "READER"), "REQUEST": ("READER",), "ANSWER": ("WRITER",)}
        if not all(self.opinion(old, new, role) for role in asked[flow]):
            whom = f"Whoever uses what was published as {self.release} may break"
            yield self._found("BREAKS", Change(Kind.OTHERWISE, ""), where, whom, "Look at it by hand")

    def _judged(self, flow: Flow, name: str, where: str, change: Change) -> Finding:
        surprises = (change.widens and not change.tolerated) or change.loses
        beside = "Add a method beside it instead"
        if flow == "EVENT":
            beside = self._next(name)
            if surprises:
                reads = f"Whoever reads events of {self.release} and needs it breaks"
                return self._found("BREAKS", change, where, self._whom(flow, name, change.path, reads), beside)
            if change.narrows:
                whom = f"An event kept from {self.release} cannot be read any more, and a replay of it breaks"
                return self._found("BREAKS", change, where, self._whom(flow, name, change.path, whom), beside)
        elif flow == "REQUEST":
            if change.narrows:
                whom = self._whom(flow, name, change.path, f"Whoever sends requests of {self.release} is refused")
                return self._found("BREAKS", change, where, whom, beside)
            if change.widens:
                whom = "While it is being brought in, a service of before refuses who uses it"
                return self._found("WARNS", change, where, whom, "Upgrade the service before its callers")
        else:
            if surprises:
                reads = f"Whoever reads answers of {self.release} and needs it breaks"
                return self._found("BREAKS", change, where, self._whom(flow, name, change.path, reads), beside)
            if change.narrows and change.kind in (Kind.CODES_REMOVED, Kind.CODES_RENAMED):
                return self._found("WARNS", change, where, "Whoever waits for that code does so in vain")
        level: Level = "WARNS" if change.kind is Kind.CONDITION_IN_WORDS else "ALLOWED"
        return self._found(level, change, where, "Somebody has to read both" if level == "WARNS" else "")

    def _next(self, name: str) -> str:
        versions = self.new.get("events", {}).get(name)
        if not versions:
            return "Keep it as it was"
        return f"Publish v{max(map(int, versions)) + 1} beside it instead"

    def _whom(self, flow: Flow, name: str, path: str, sentence: str) -> str:
        """The sentence with those who have registered that they need it."""
        who = sorted(one.consumer for one in self.needs if one.uses(flow, name, path))
        return f"{sentence}: {', '.join(who)}" if who else f"{sentence} (nobody has registered that it does)"

    def _found(
        self, level: Level, change: Change, where: str, whom: str = "", then: str = "", *, of_list: bool = False
    ) -> Finding:
        return Finding(level, change.kind, where, change.path, words(change, of_list=of_list), whom, then)


def compare_all(published: Iterable[Mapping[str, Any]], new: Mapping[str, Any], **how: Any) -> list[Finding]:
    """`new` against every published bundle, oldest first; the same finding once, of the newest that it is about. `how`:
    as for `compare`. Sunsets count as they were last published.
    """
    bundles = list(published)
    sunsets: dict[str, dict[str, Any]] = {"events": {}, "rpc": {}}
    for one in bundles:
        for name, versions in one.get("sunsets", {}).get("events", {}).items():
            sunsets["events"].setdefault(name, {}).update(versions)
        sunsets["rpc"].update(one.get("sunsets", {}).get("rpc", {}))
    found: dict[Finding, Finding] = {}
    for one in bundles:
        for finding in compare(one, new, sunsets=sunsets, **how):
            found[replace(finding, whom="")] = finding
    return list(found.values())


def _until(sunset: str | None) -> str:
    return f"It can go after its sunset, {sunset}" if sunset else ""


def _same(old: Mapping[str, Any], new: Mapping[str, Any], of: Callable[[Any], Any]) -> dict[str, str]:
    """Names that went, and the one that came in their place with the very same contents."""
    found: dict[str, str] = {}
    come = [name for name in new if name not in old]
    for name in old:
        if name not in new:
            same = [one for one in come if one not in found.values() and of(new[one]) == of(old[name])]
            if same:
                found[name] = max(same, key=lambda one: alike(name, one))
    return found


def _within(path: str, whole: str) -> bool:
    return path == whole or (path.startswith(whole) and path[len(whole)] in ".[(")
