"""A small municipality in the running suite in which everybody has something to hide, and whoever may call.

Providers are alfa, beta and gamma; the last was de-authorised. Clients are alfa's, beta's, gamma's, one who went from
alfa to beta, and one of nobody yet: each once plain and once or more with a protected identity.
"""

from __future__ import annotations

import json
import re
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import psycopg

from kundval_contracts.client import Client
from kundval_contracts.codes import ProtectionKind
from kundval_contracts.rpc import CallerRole
from tests.acceptance.builders import caseload, client, fact
from tests.suite import Suite, Town, eventually

from .lives import AGREEMENT, SIGNED
from .numbers import ALL

DECIDED, STARTED, SWITCHED = "2024-03-15", "2024-03-28", "2024-06-01"
#: the tenth month of the interventions is open
TODAY = "2025-01-10"
READER = "reader-rut"
PURPOSE = "policy of access"

#: Parts of everything that says who somebody is, or something about somebody in words.
NAME, MAIL, PHONE, WORDS = "Testperson", "@person.example", "08-465 004", "winter of the heart"
NUMBERS = sorted(ALL)
#: what must stand nowhere but in the answers to those who may see the person
SECRETS = (NAME, MAIL, PHONE, WORDS, *(form for one in NUMBERS for form in (one[2:], f"{one[2:8]}-{one[8:]}")))
#: words about a provider, for who answers for providers
SUPERVISION = "the kitchen was cold"

PROVIDERS = ("alfa", "beta", "gamma")
_PROVIDER = re.compile(rf"\b(?:{'|'.join(PROVIDERS)})\b")

Row = dict[str, Any]


class Owner(StrEnum):
    """Whose client, as alfa sees it."""

    OWN = "own"
    OTHER = "other"
    FORMER = "former"
    NOBODYS = "nobodys"
    ENDED = "ended"  #: of the provider that is authorised no longer


@dataclass(slots=True)
class Target:
    """An assignment with its person. `provider`: who has it now; `before`: who had it first."""

    owner: Owner
    protection: ProtectionKind | None
    number: str | None
    person: str = ""
    snapshot: str | None = None

    @property
    def name(self) -> str:
        return f"{self.owner}-{(self.protection or 'plain').lower().replace('_', '-')}"

    @property
    def provider(self) -> str | None:
        return {
            Owner.OWN: "alfa",
            Owner.OTHER: "beta",
            Owner.FORMER: "beta",
            Owner.NOBODYS: None,
            Owner.ENDED: "gamma",
        }[self.owner]

    @property
    def before(self) -> str | None:
        return "alfa" if self.owner is Owner.FORMER else self.provider

    @property
    def subjects(self) -> frozenset[str]:
        return frozenset({f"assignment:{self.name}", f"person:{self.person}"})

    @property
    def places(self) -> tuple[str, ...]:
        """Whereabouts that nobody else has: area, workplaces, a course. The last workplace is after the switch."""
        return tuple(f"{what}-of-{self.name}" for what in ("area", "workplace", "course", "later-workplace"))

    @property
    def later(self) -> tuple[str, ...]:
        """What only the provider of today knows of one who has switched."""
        return (f"later-workplace-of-{self.name}", f"later-fact-of-{self.name}")


def targets() -> list[Target]:
    numbers = iter(NUMBERS)
    kinds = list(ProtectionKind)
    found = [Target(Owner.OWN, kind, next(numbers)) for kind in (None, *kinds)]
    for place, owner in enumerate((Owner.OTHER, Owner.FORMER, Owner.NOBODYS, Owner.ENDED)):
        found += [Target(owner, kind, next(numbers, None)) for kind in (None, kinds[place % len(kinds)])]
    return found


@dataclass(eq=False)
class World:
    town: Town
    suite: Suite
    targets: list[Target] = field(default_factory=targets)
    #: every error that came back, as text
    errors: list[str] = field(default_factory=list)
    _callers: dict[tuple[Any, ...], Client] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def name(self) -> str:
        return self.town.name

    def of(self, owner: Owner, *, protected: bool = False) -> Target:
        return next(one for one in self.targets if one.owner is owner and bool(one.protection) is protected)

    def caller(self, role: CallerRole | str, subject: str | None = None, purpose: str | None = PURPOSE) -> Client:
        """A caller in that role; for providers `role` is the provider's name."""
        key = (role, subject, purpose)
        if key not in self._callers:
            claims: Row = {"purpose": purpose, "subject": subject or f"{str(role).lower()}-staff"}
            if role in PROVIDERS:
                made = self.suite.client("PROVIDER", organisation=role, tenant=self.name, **claims)
            else:
                made = self.suite.client(str(role), **claims)
            self._callers[key] = self._stack.enter_context(made)
        return self._callers[key]

    def call(self, method: str, by: Client | None = None, **fields: Any) -> Row:
        return dict((by or self.town.client).call(method, tenant=self.name, **fields))

    def close(self) -> None:
        self._stack.close()

    def sent(self, service: str) -> bool:
        """Whether the service has sent every event."""
        with psycopg.connect(self.suite.databases[service], autocommit=True) as connection:
            return connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)

    def has_planned(self) -> bool:
        """Whether every plan that was asked for has been made."""
        with psycopg.connect(self.suite.databases["scheduling"], autocommit=True) as connection:
            row = connection.execute("SELECT count(*) FROM plan WHERE state IN ('REQUESTED', 'RUNNING')").fetchone()
            return row == (0,)

    def has_delivered(self) -> bool:
        """Whether every message has found its way, or waits for its time."""
        with psycopg.connect(self.suite.databases["notifications"], autocommit=True) as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM dispatch WHERE state IN ('READY', 'SENDING')) + (SELECT count(*)"
                " FROM message WHERE state = 'PENDING' AND dispatch IS NULL AND waits IS NULL)"
            ).fetchone()
            return row == (0,)

    def settle(self) -> None:
        """Wait until nothing is under way: no events, no plans, and no messages."""
        self.town.settle()
        eventually(self.has_planned)
        eventually(self.has_delivered)

    def rows(self, service: str) -> dict[str, tuple[int, str | None]]:
        """Rows of every table of a service, and who touched one last; what comes and goes by itself left out."""
        found: dict[str, tuple[int, str | None]] = {}
        with psycopg.connect(self.suite.databases[service], autocommit=True) as connection:
            names = connection.execute(
                "SELECT table_name::text FROM information_schema.tables"
                " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            ).fetchall()
            for (name,) in names:
                # the relay takes events off the outbox and marks those that nobody heard; the log has tests of its own
                if name in ("outbox", "access_log"):
                    continue
                touched = "NULL" if name == "event" else "max(xmin::text::bigint)::text"
                row = connection.execute(f'SELECT count(*), {touched} FROM "{name}"').fetchone()  # type: ignore[arg-type]
                assert row is not None
                found[name] = row
        return found


def build(suite: Suite, town: Town) -> World:
    """The world, on its business date."""
    world = World(town, suite)
    providers = caseload()["providers"]
    gone = {"AMI_2": "2024-12-01"}
    providers.append({**providers[0], "id": "gamma", "name": "Gamma", "deauthorised": gone})
    town.open(providers=providers, settings={"AMI1_MONTHLY_FEE": 6000, "AMI2_MONTHLY_FEE": 8000, "choice.days": 14})
    for place, one in enumerate(world.targets):
        details = {
            "identity_number": one.number,
            "name": f"{NAME} {place}",
            "email": f"someone{place}{MAIL}",
            "phone": f"{PHONE} {place:02}",
        }
        one.person = world.call("assignment.register_person", **details)["person"]
        if one.protection is not None:
            # before anything is known of the assignment, so that nothing was told whole
            named = {"person": one.person, "reader": READER, "reason": "her guide", "until": "2030-01-01"}
            world.call("assignment.protect_person", person=one.person, kind=one.protection)
            world.call("assignment.allow_reader", **named)
        row = {
            "id": one.name,
            "programme": "AMI_2",
            "client": client(work_ability_pct=60),
            "plan": {"extent_pct": 100, "job_search_quota": 0, "step_up": []},
            "delivery_area": one.places[0],
            "person": one.person,
        }
        world.call("assignment.register", assignments=[row])
        world.town.state(one.name, *life(one))
    town.day(TODAY)
    for one in world.targets:
        if one.before is None:
            continue
        one.snapshot = world.call("assignment.show_results", assignment=one.name)["snapshot"]
        by = world.caller(one.before)
        world.call("assignment.add_document", by, **document(one, "doc-1"))
        world.call("assignment.save_report", **monthly(one, 1), contents=report())
        world.call("assignment.submit_report", **monthly(one, 1))
        # so that the access log has something to tell
        world.call("assignment.state", by, assignment=one.name)
    supervised = {"id": "sv-1", "on": "2024-05-01", "fact": "supervised", "channel": "ON_SITE", "text": SUPERVISION}
    for provider in ("alfa", "beta"):
        world.call("assignment.record_provider_facts", provider=provider, facts=[supervised])
    town.settle()
    return world


def life(one: Target) -> Iterator[Row]:
    """An intervention of whoever has it, with a place and words in everything that takes them."""
    _, workplace, course, later = one.places
    yield fact("2024-03-01", "other_actor", actor="FK", involved=True, purpose=f"{WORDS} 1")
    yield fact("2024-03-01", "note", text=f"{WORDS} 2")
    if one.before is None:
        yield fact("2025-01-02", "decided", reason=f"{WORDS} 3")
        return
    yield fact(DECIDED, "decided", reason=f"{WORDS} 3")
    yield fact(DECIDED, "results_shown")
    yield fact(DECIDED, "provider_chosen", provider=one.before)
    yield fact(DECIDED, "accepted", provider=one.before)
    yield fact(STARTED, "started")
    yield fact("2024-04-02", "mapping_done", experience=WORDS, competences=WORDS, strengths=WORDS)
    yield fact("2024-04-03", "plan_done", wish=WORDS, goal=WORDS)
    yield fact("2024-04-04", "bip_assessed", scores={"arbete": 2})
    yield fact("2024-04-05", "consent_given", scope="AF_OFFICER")
    yield fact("2024-04-06", "coordinator_informed", legal_basis="PUBLIC_TASK")
    yield fact("2024-04-07", "activity_held", activity=course, category="EQUIP", delivered_by=one.before)
    yield placement("2024-04-08", workplace)
    if one.owner is Owner.FORMER:
        yield fact(SWITCHED, "provider_switch", provider="beta", approved=True)
        yield placement("2024-06-10", later) | {"id": f"later-fact-of-{one.name}"}


def placement(on: str, workplace: str) -> Row:
    agreement = AGREEMENT | {"tasks": f"{WORDS} 4"}
    return fact(
        on, "placement_started", workplace=workplace, hours_per_week="20", signatures=SIGNED, agreement=agreement
    )


def monthly(one: Target, number: int) -> Row:
    return {"assignment": one.name, "kind": "MONTHLY", "sequence": number}


def report() -> Row:
    return {"extent_pct": 100, "progression": f"{WORDS} 5"}


def document(one: Target, name: str) -> Row:
    content = b64encode(f"{WORDS} in {name}".encode()).decode()
    return {"assignment": one.name, "document": name, "code": "OTHER", "type": "TEXT", "content": content}


def page(suite: Suite, service: str) -> str:
    """The page of metrics of a service."""
    with urllib.request.urlopen(f"http://127.0.0.1:{suite.ports[service]}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


# --- what is in an answer ------------------------------------------------------------------------------


def texts(value: Any) -> Iterator[str]:
    """Every text within a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def objects(value: Any) -> Iterator[Row]:
    """Every object within a JSON value, the outer ones first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


class Told:
    """An answer, searched once for all whom it may be about."""

    def __init__(self, answer: Any):
        self.text = json.dumps(answer, ensure_ascii=False)
        self._by_name: dict[str, list[Row]] = {}
        for row in objects(answer):
            for value in row.values():
                for inner in value if isinstance(value, list) else (value,):
                    if isinstance(inner, str):
                        self._by_name.setdefault(inner, []).append(row)

    def about(self, one: Target) -> list[Row]:
        """The objects that name the target or its person themselves."""
        names = dict.fromkeys((one.name, one.person, *one.subjects))
        return list({id(row): row for name in names for row in self._by_name.get(name, ())}.values())

    def whereabouts(self, one: Target) -> set[str]:
        """What is told about where the target's person is: places anywhere, a provider in an object about it."""
        found = {place for place in one.places if place in self.text}
        for row in self.about(one):
            found |= {name for inner in texts(row) for name in _PROVIDER.findall(inner)}
        return found


def secrets_in(text: str) -> list[str]:
    return [one for one in SECRETS if one in text]
