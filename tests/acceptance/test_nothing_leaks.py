"""No identity and no text about a person reaches a partner, a log, a metric or a trace.

A year is played in which every free text of a fact and everything that says who somebody is carries a mark of its own;
then all that leaves the services is searched: the exchanges, every queue that there is, the copies of a partner by
feed, queue and webhook, logs, metrics and pages of health. A mark that is found says what has leaked.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psycopg
import pytest
from marshmallow import fields as kinds

from kundval_chassis import amqp
from kundval_chassis.play import run
from kundval_chassis.sample import make
from kundval_contracts import webhooks
from kundval_contracts.caseload import read
from kundval_contracts.codes import FactKind
from kundval_contracts.envelope import exchange_of, restricted_exchange_of
from kundval_contracts.facts import FACT_SCHEMAS, FREE_TEXT
from tests.assignment.numbers import ALL
from tests.chassis.eventing import take
from tests.conftest import Servers
from tests.suite import SERVICES, Suite, Town, eventually, running

TENANT = "marked"
PARTNER = "register"
QUEUE = f"partner.{PARTNER}.events"
SNOOP = "test.snoop"
RESIDENTS = 6
PROTECTED = 2
#: stands in every text that is a mark, so that a part of one is found too; too long to come about by chance
MARK = "unmistakable"

Row = dict[str, Any]


@dataclass
class Receiver:
    """Takes webhooks and keeps them."""

    deliveries: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def events(self) -> list[Row]:
        return [json.loads(body) for _, body in self.deliveries]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.deliveries.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/events"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()


@dataclass
class Played:
    """The year, its marks, and where to look for them."""

    servers: Servers
    suite: Suite
    receiver: Receiver
    page: Path
    marks: list[str]
    assignments: list[str]
    persons: list[str]
    numbers: list[str]

    def secret(self, beginning: str) -> str:
        """A secret on the partner's page."""
        words = (word.strip("`,.") for word in self.page.read_text().split())
        return next(word for word in words if word.startswith(beginning))

    def feed(self, service: str) -> list[Row]:
        """All that the partner reads of a service, page after page."""
        token = next(
            word.strip("`,.") for word in self.page.read_text().split() if word.strip("`,.").startswith("kvfeed_")
        )
        found, position, more = [], 0, True
        while more:
            address = f"http://127.0.0.1:{self.suite.ports[service]}/feeds/{service}/{PARTNER}/events"
            request = Request(f"{address}?after={position}&limit=500", headers={"Authorization": f"Bearer {token}"})
            with urlopen(request, timeout=30) as answer:
                page = json.load(answer)
            found += page["events"]
            position, more = page["next"], page["more"]
        return found


def marked(caseload: Row) -> list[str]:
    """Put a mark into every text of a fact that may say anything; the marks."""
    made: list[str] = []

    def mark(text: str) -> str:
        made.append(f"{MARK}{len(made):05d}")
        return f"{text} {made[-1]}"[:200]

    def put(value: Any, schema_field: Any) -> Any:
        if isinstance(value, dict) and not isinstance(schema_field, kinds.Enum):
            return {key: mark(one) if isinstance(one, str) and " " in one else one for key, one in value.items()}
        if isinstance(value, str) and type(schema_field) is kinds.String and not _is_closed(schema_field):
            return mark(value)
        return value

    for one in caseload["assignments"]:
        for fact in one["facts"]:
            kind = FactKind(fact["fact"])
            for name in FREE_TEXT.get(kind, ()):
                known = FACT_SCHEMAS[kind].fields.get(name)
                if name in fact:
                    fact[name] = put(fact[name], known)
                elif type(known) is kinds.String and not known.required and not _is_closed(known):
                    fact[name] = mark("said")
        # what is never told to anybody
        on = one["facts"][0]["on"]
        one["facts"].append({"fact": "note", "on": on, "text": mark("a talk about home")})
    return made


def _is_closed(schema_field: Any) -> bool:
    """Whether a text can only be a code or an id, in which no mark would fit."""
    return bool(list(schema_field.validators)) and not _takes(schema_field, f"a text with {MARK}00000")


def _takes(schema_field: Any, text: str) -> bool:
    try:
        schema_field.deserialize(text)
    except Exception:
        return False
    return True


@pytest.fixture(scope="module")
def played(servers: Servers, tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("marked")
    document = make(seed=4, residents=RESIDENTS)
    marks = marked(document)
    caseload = read(document)
    settings = {"KUNDVAL_PARTNER_NETWORKS": "127.0.0.0/8", "KUNDVAL_BROKER_API": servers.env["KUNDVAL_BROKER_API"]}
    with running(servers, folder, settings=settings) as suite, suite.client() as client:
        _snoop(suite)
        page = folder / "register.md"
        added = suite.kundval(
            "partner", "add", PARTNER, "--ways", "feed,queue,webhook", "--webhook-url", receiver.url, "--out", str(page)
        )
        assert added.returncode == 0, added.stderr
        run(caseload, client, TENANT, lambda _: None)
        town = Town.__new__(Town)
        town.client, town.name, town._places = client, TENANT, {}
        town.mailboxes(*caseload.providers)
        persons, numbers = [], sorted(ALL)
        for place, one in enumerate(caseload.assignments):
            known = client.call(
                "assignment.register_person",
                tenant=TENANT,
                **({"identity_number": numbers[place]} if place < len(numbers) else {}),
                name=f"Test {_mark(marks)}",
                email=f"{_mark(marks)}@person.example",
                phone=f"08-465 004 {place:02d}",
            )["person"]
            persons.append(known)
            client.call("assignment.link_person", tenant=TENANT, person=known, assignment=one.id)
            if place < PROTECTED:
                client.call("assignment.protect_person", tenant=TENANT, person=known, kind="PROTECTED_REGISTRATION")
        town.day("2026-03-01")
        yield Played(
            servers,
            suite,
            receiver,
            page,
            marks,
            [one.id for one in caseload.assignments],
            persons,
            numbers[: len(caseload.assignments)],
        )


def _mark(marks: list[str]) -> str:
    marks.append(f"{MARK}{len(marks):05d}")
    return marks[-1]


def _snoop(suite: Suite) -> None:
    """A queue that gets a copy of everything that is published for other systems."""
    with amqp.Link(suite.amqp_uri, name="test") as link:
        link.channel.queue_declare(SNOOP, durable=True, auto_delete=False)
        for service in SERVICES:
            for exchange in (exchange_of(service), restricted_exchange_of(service)):
                link.channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
                link.channel.queue_bind(SNOOP, exchange, "#")


def test_no_mark_leaves_the_service_that_holds_it(played: Played) -> None:
    copies = {service: played.feed(service) for service in SERVICES}
    told = sum(map(len, copies.values()))
    eventually(lambda: len(played.receiver.deliveries) >= told)
    queued = take(played.suite.amqp_uri, QUEUE)
    published = take(played.suite.amqp_uri, SNOOP)
    places: dict[str, list[str]] = {
        "exchanges": [_text(one.body) for one in published],
        "feed": [json.dumps(one, ensure_ascii=False) for many in copies.values() for one in many],
        "queue": [_text(one.body) + json.dumps(dict(one.headers or {}), default=str) for one in queued],
        "webhook": [body.decode() + json.dumps(headers) for headers, body in played.receiver.deliveries],
        "queues": [_text(one.body) for queue in _queues(played) for one in take(played.suite.amqp_uri, queue)],
        "log": [played.suite.log(service) for service in SERVICES],
        "metrics": [played.suite._get(service, "metrics") for service in SERVICES],
        "health": [played.suite._get(service, "health/ready") for service in SERVICES],
    }
    secret = [MARK, *(form for one in played.numbers for form in (one, one[2:], f"{one[2:8]}-{one[8:]}"))]
    found = {(place, text) for place, texts in places.items() for said in texts for text in secret if text in said}
    assert not found
    # the search is no empty one: what it looks for is there, in the one place where it may be
    assert all(places[name] for name in ("exchanges", "feed", "queue", "webhook", "log", "metrics"))
    with psycopg.connect(played.suite.databases["assignment"]) as connection:
        facts = "\n".join(text for (text,) in connection.execute("SELECT data::text FROM stated_fact"))
    assert len([mark for mark in played.marks if mark in facts]) > len(played.assignments)


def test_a_partner_gets_the_same_copies_by_each_way_under_ids_of_its_own(played: Played) -> None:
    read_by_feed = [one for service in SERVICES for one in played.feed(service)]
    eventually(lambda: len({one["id"] for one in played.receiver.events}) == len(read_by_feed))
    pushed = {one["id"]: one for one in played.receiver.events}
    # of who became protected later, the feed says no more what was told before
    plain = [one for one in read_by_feed if "masked" not in one]
    assert 0 < len(plain) < len(read_by_feed)
    assert [pushed[one["id"]] for one in plain] == plain
    text = json.dumps(read_by_feed)
    shown = [one for one in (*played.assignments, *played.persons) if f'"{one}"' in text]
    assert not shown
    assert {one["type"].split(".")[2] for one in read_by_feed} == set(SERVICES)


def test_each_webhook_is_signed_with_the_key_on_the_partners_page(played: Played) -> None:
    secrets = [played.secret("whsec_")]
    for headers, body in played.receiver.deliveries:
        signed = datetime.fromtimestamp(int(headers[webhooks.TIMESTAMP]), UTC)
        assert webhooks.verify(secrets, headers, body, signed) == headers[webhooks.ID]


def _queues(played: Played) -> list[str]:
    """Every other queue that holds something: what is parked, what waits for another attempt, what nobody has taken."""
    listed = played.servers.api("GET", f"queues/{played.suite.vhost}")
    return [one["name"] for one in listed if one.get("messages_ready") and one["name"] not in (SNOOP, QUEUE)]


def _text(body: Any) -> str:
    return body if isinstance(body, str) else bytes(body).decode(errors="replace")


def test_the_page_for_the_partner_can_be_read_by_its_owner_alone(played: Played) -> None:
    assert played.page.stat().st_mode & 0o077 == 0
