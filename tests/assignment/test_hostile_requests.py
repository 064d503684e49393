"""Bad input, generated from the schemas: whatever stands in any field of any request, the answer is typed.

For every method, and for every kind of fact that two of them take, a good request is made from its schema; then a place
or two in it are spoilt. What is refused has left nothing behind, not even a touched row, and the services go on.
"""

from __future__ import annotations

import copy
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from time import sleep
from typing import Any

import psycopg
import pytest
from marshmallow import Schema, fields, validate

from kundval_chassis.access import is_number
from kundval_contracts.client import Client
from kundval_contracts.codes import FactKind, ProviderFactKind, ReportKind
from kundval_contracts.errors import KundvalError
from kundval_contracts.facts import FACT_SCHEMAS
from kundval_contracts.money import MoneyField
from kundval_contracts.provider_facts import PROVIDER_FACT_SCHEMAS
from kundval_contracts.rpc import METHODS, CallerRole, FactItem
from kundval_contracts.rpc.providers import ProviderFactItem
from kundval_contracts.rpc.reports import CONTENTS
from tests.acceptance.builders import assignment, caseload, fact
from tests.chassis.test_play_hostile import HOSTILE, Place, places
from tests.suite import SERVICES, Suite, Town, eventually, suite

from .numbers import ALL, PERSONAL

__all__ = ["suite"]

Row = dict[str, Any]
METHOD_NAMES = sorted(name for name, method in METHODS.items() if method.service in SERVICES)
#: every way to be refused that a caller with every right can meet
REFUSALS = frozenset({"INVALID_REQUEST", "NOT_FOUND", "CONFLICT", "FACT_REFUSED"})
#: what somebody may type into any field, and no error may repeat
SAID = "Anna Hemlig, Lönngatan 7"
#: the same for an identity number, which has the form of an id; whoever sent it may be told it, and nobody else
NUMBER = next(iter(PERSONAL))
WRONG = (
    *HOSTILE,
    SAID,
    [SAID],
    {"name": SAID},
    {"a": {"b": [{"c": SAID}]}},
    NUMBER,
    "2024-06-01",
    "en",
    "SOM_1",
)
D = "2024-03-15"


#: an answer to an invitation, to a meeting that there is not
REPLY = "\r\n".join(
    ("BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REPLY", "BEGIN:VEVENT", "UID:none@kundval.invalid", "SEQUENCE:1",
     "DTSTAMP:20240601T080000Z", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:none@kundval.invalid", "END:VEVENT",
     "END:VCALENDAR", "")
)  # fmt: skip
#: what in requests to scheduling depends on something else in them
SCHEDULING: dict[str, Row] = {
    "scheduling.book_meeting": {"meeting": None, "kind": "WEEKLY_CONTACT", "interpreter": None},
    "scheduling.book_series": {"until": None, "interpreter": None},
    "scheduling.open_group_session": {"interpreter": None},
    "scheduling.cancel_meeting": {"reason": "OTHER"},
    "scheduling.set_absence": {"ends_at": "2024-07-02T10:00"},
    "scheduling.find_times": {
        "meeting": None,
        "kind": "WEEKLY_CONTACT",
        "latest": "2024-07-31",
        "parties": [{"role": "OTHER", "resource": "coach", "mandatory": True}],
    },
    "scheduling.calendar_link": {"kind": "CLIENT"},
    "scheduling.take_reply": {"text": REPLY},
    "scheduling.request_plan": {"from": "2024-07-08"},
    **{
        f"scheduling.{name}": {"team": None}
        for name in ("workload", "workload_csv", "workload_page", "without_follow_up")
    },
}
#: the same for requests about payments
PAYMENTS: dict[str, Row] = {
    "billing.release_payments": {"payment": None},
    "billing.reconcile": {"rows": [{"voucher": "V-1", "amount": "2.00"}]},
    "billing.close_period": {"month": "2024-05"},
    "billing.corrections": {"month": "2024-05"},
}
#: the same for requests about documents: numbers have check digits, and a period is of a run or of days
PARTY: Row = {
    "name": "Nacka kommun", "organisation_number": "2120000167", "vat_number": "SE212000016701", "f_skatt": True,
    "street": "Gatan 1", "postal_code": "131 81", "city": "Nacka", "country": "SE", "endpoint_scheme": "0007",
    "endpoint": "2120000167", "bankgiro": "9912346", "plusgiro": "18", "iban": "SE4550000000058398257466",
    "buyer_reference": "R-1", "payment_terms_days": 30, "vat": {"treatment": "EXEMPT", "reason": "undantaget"},
}  # fmt: skip
DIMENSION: Row = {"number": 1, "name": "Ansvar", "on": ["COST"], "names": {"510": "Etablering"}}
DOCUMENTS: dict[str, Row] = {
    "billing.set_payee": {"party": PARTY},
    "billing.set_payer": {"party": PARTY},
    "billing.statement": {"run": None},
    "billing.make_journal": {"run": None},
    "billing.set_accounting": {
        "plan": {
            "series": "KV",
            "accounts": [{"ledger": "cost:*:*", "account": "4600", "name": "Insatser"}],
            "dimensions": [
                {**DIMENSION, "by": "FIXED", "object": "510"},
                {**DIMENSION, "by": "KIND", "number": 2, "objects": {"MONTHLY_FEE": "1"}},
            ],
        }
    },
}
#: the same for requests that ask about money: a year or a period, a line or an entry, programmes that have a fee
QUESTIONS: dict[str, Row] = {
    "billing.ask_forecast": {"new_per_month": {"AMI_2": 1}},
    "billing.explanation": {"kind": None, "sequence": None, "entry": "1"},
    "billing.questions": {"after": "2024-06-01/A-1"},
    **{f"billing.{name}": {"year": None} for name in ("figures", "figures_csv", "control_page")},
}
#: the same for requests about where somebody is told something: a number and an address that there can be
DIRECTORY: dict[str, Row] = {
    "assignment.contact_points": {"channels": ["EMAIL"]},
    "notifications.set_party": {
        "role": "CAREER_GUIDE",
        "phone": "+46701740605",
        "webhook": "https://system.example.se/in",
    },
    **{f"notifications.{name}": {"role": "PROVIDER"} for name in ("remove_party", "close_webhook", "parties")},
    "notifications.prefer": {"refused": ["SMS"], "channels": ["EMAIL"], "digest": False},
}
#: the same for requests about notices: whose, in which language, and what lists call their next pages
INBOXES: dict[str, Row] = {
    **{f"notifications.{name}": {"role": "CAREER_GUIDE", "after": "0.1"} for name in ("inbox", "inbox_page")},
    "notifications.inbox_count": {"role": "CAREER_GUIDE"},
    "notifications.tasks": {"after": "2024-06-01.1"},
    "notifications.failures": {"after": "20240601T000000.000000/d-1"},
    "notifications.preview": {"kind": "STARTED", "role": "CAREER_GUIDE", "lang": "en"},
}
#: an event of another system about a household of nobody here; the suite gives its id to no other
RECEIVED: Row = {
    "specversion": "1.0", "id": "018f3c2e-0000-7000-8000-000000000001", "source": "/kundval/assistance",
    "type": "se.kundval.assistance.paid.v1", "subject": "h-1", "time": "2024-06-20T09:30:00Z",
    "datacontenttype": "application/json", "dataschema": "urn:kundval:event:assistance.paid:v1", "sequence": "1",
    "tenant": "",
    "data": {"payment": "p-1", "household": "h-1", "from": "2024-06-01", "to": "2024-07-01", "revision": 1},
}  # fmt: skip
#: the same for requests about who is named by its person or an assignment, to whatever passes the purpose gate
AGENCIES: dict[str, Row] = {
    "assignment.open_ground": {"person": None, "what": "ASSISTANCE", "purpose": "BONUS_TEST", "basis": "PUBLIC_TASK"},
    **{f"assignment.{name}": {"person": None} for name in ("grounds", "links", "link_household", "link_reference")},
    "assignment.draft_af_report": {
        "kind": "INFORMATIVE",
        "provider": None,
        "content": {"order": "O-1", "on": "2024-06-20", "text": "something to know"},
    },
    "assignment.af_feedback": {"tracking": None},
    # an order, which has a period, about somebody who is registered only by it
    "assignment.receive_af_orders": {
        "basis": "PUBLIC_TASK",
        "expires_on": "2025-06-01",
        "orders": [
            {
                "identity_number": "189001019802",
                "order": {
                    "order": "900100",
                    "state": "DEFINITIV",
                    "service": "SOM",
                    "track": "2",
                    "order_from": "2024-03-04",
                    "order_to": "2024-06-02",
                },
            }
        ],
    },
}

# --- good values for fields ------------------------------------------------------------------------------------


class Good:
    """Values that a schema takes; what nobody can guess from a schema is named here."""

    def __init__(self, town: str, number: int, random: Random):
        self.number, self.random = number, random
        self.known: Row = {
            "tenant": town,
            "assignment": "A-1",
            "provider": "alfa",
            "person": "p-nobody",
            "municipality": "nacka",
            "date": "2024-07-01",
            "run": "2024-07-01",
            "identity_number": NUMBER,
            "language": "sv",
            "languages": ["sv"],
            "offered": ["sv"],
            "email": "someone@example.org",
            "content": b64encode(b"a text").decode(),
            "sha256": None,
            "head": None,
            "entries": None,
            "settings": {"AMI1_MONTHLY_FEE": "1.00", "AMI2_MONTHLY_FEE": 2, "plan.due_days": 14},
            "tariffs": [{"valid_from": "2024-01-01", "AMI2_MONTHLY_FEE": "3.00"}],
            "draft": {"kundval_draft": 1, "title": "T", "settings": {"bonus.max": "2.00"}},
            "deauthorised": {},
            "earlier": {},
            "full_time_equivalents": None,
            "first_year": 2023,
            "last_year": 2025,
            "year": 2024,
            "step_up": [],
            "valid_from": "2024-01-01",
            "scores": {"arbete": 3},
            "starts_at": "2024-07-02T09:00",
            "ends_at": None,
            "minutes": 30,
            "zone": "Europe/Stockholm",
            "mode": "PHONE",
            "place": None,
            "room": None,
            "start": "08:00",
            "end": "17:00",
            "client": "p-nobody",
        }

    def of(self, schema: Schema, *, all_fields: bool = True) -> Row:
        """An object that the schema takes, with every field that it knows."""
        made = {}
        for name, field in schema.fields.items():
            if field.dump_only or not (all_fields or field.required):
                continue
            made[field.data_key or name] = self.value(field.data_key or name, field)
        return made

    def value(self, name: str, field: fields.Field[Any]) -> Any:
        if name in self.known and not isinstance(field, fields.Nested):
            return copy.deepcopy(self.known[name])
        if isinstance(field, FactItem):
            return self.fact(self.random.choice(list(FactKind)))
        if isinstance(field, ProviderFactItem):
            return self.provider_fact(self.random.choice(list(ProviderFactKind)))
        if isinstance(field, fields.Nested):
            return self.of(field.schema)
        if isinstance(field, fields.List):
            return [self.value("", field.inner)]
        if isinstance(field, fields.Enum):
            return self.random.choice([one.value for one in field.enum])
        if isinstance(field, fields.Boolean):
            return True
        if isinstance(field, fields.Dict):
            if field.key_field is not None and field.value_field is not None:
                return {self.value("", field.key_field): self.value("", field.value_field)}
            return {}
        if isinstance(field, fields.Integer):
            return max((int(one.min or 0) for one in field.validators if isinstance(one, validate.Range)), default=1)
        if isinstance(field, MoneyField | fields.Decimal):
            return "2.00"
        if isinstance(field, fields.DateTime) and not isinstance(field, fields.Date):
            return "2024-07-01T00:00:00+02:00"
        if isinstance(field, fields.Date):
            return {"to": "2024-07-01", "until": "2024-07-01", "end": "2024-07-01"}.get(name, "2024-06-01")
        for one in field.validators:
            if isinstance(one, validate.OneOf):
                return next(iter(one.choices))
        return f"id-{self.number}"

    def fact(self, kind: FactKind) -> Row:
        head = {"assignment": "A-1", "id": f"f-{self.number}", "ordinal": 1000 + self.number, "on": "2024-06-01"}
        return {**self.of(FACT_SCHEMAS[kind]), **head, "known_on": "2024-06-02", "fact": kind.value}

    def provider_fact(self, kind: ProviderFactKind) -> Row:
        head = {"id": f"f-{self.number}", "ordinal": 1000 + self.number, "on": "2024-06-01", "known_on": "2024-06-02"}
        return {**self.of(PROVIDER_FACT_SCHEMAS[kind]), **head, "fact": kind.value}

    def request(self, name: str) -> Row:
        """A good request of a method."""
        made = self.of(METHODS[name].request)
        if name == "assignment.open_tenant":
            made |= {"tenant": f"{made['tenant']}-{self.number}", "providers": caseload()["providers"]}
        elif name in ("assignment.register", "assignment.eb_application"):
            for row in made.get("assignments", [made]):
                row |= {"id": f"B-{self.number}", "programme": "AMI_2", "person": None}
                if name == "assignment.eb_application":
                    row["assignment"] = row.pop("id")
        elif name == "assignment.save_report":
            kind = self.random.choice(list(ReportKind))
            made |= {"kind": kind.value, "contents": self.of(CONTENTS[kind]), "revision": None, "attachments": []}
        elif name == "assignment.exit_checklist":
            made["exit"] = self.fact(FactKind.EXITED)
        elif name == "assignment.add_document":
            made |= {"type": "TEXT", "document": f"d-{self.number}"}
        elif name == "assignment.register_person":
            made["identity_number"] = None
        elif name.startswith("scheduling."):
            made |= SCHEDULING.get(name, {})
            for row in made.get("resources", ()):
                row["fte"] = "0.500"
        if name == "assignment.receive":
            made["event"] = {**RECEIVED, "tenant": made["tenant"]}
        more = (table.get(name, {}) for table in (PAYMENTS, DOCUMENTS, QUESTIONS, DIRECTORY, INBOXES, AGENCIES))
        for one in more:
            made |= copy.deepcopy(one)
        return made


# --- spoilt ones -------------------------------------------------------------------------------------------------


def spoilt(good: Row, where: Place, random: Random) -> Row:
    """The request with something else at a place: of the kind that belongs there or of another, nothing, or more."""
    made = copy.deepcopy(good)
    *way, last = where
    inner: Any = made
    for key in way:
        inner = inner[key]
    chance = random.random()
    if chance < 0.85:
        alike = [value for value in WRONG if type(value) is type(inner[last])] if chance < 0.5 else []
        inner[last] = copy.deepcopy(random.choice(alike or WRONG))
    elif chance < 0.93:
        del inner[last]
    elif isinstance(inner, dict):
        inner["unknown"] = SAID
    else:
        inner.append(copy.deepcopy(random.choice(WRONG)))
    return made


def hostile(town: str, random: Random, times: int) -> Iterator[tuple[str, Row]]:
    """Of every method and every kind of fact: every place of a good request spoilt so many times."""
    number = 0

    def spoil(name: str, good: Row, only: tuple[str, ...] = ()) -> Iterator[tuple[str, Row]]:
        mine = [where for where in places(good) if where[: len(only)] == only]
        for where in mine:
            # of a request with few fields more often, so that something is wrong with it at least once
            for _ in range(max(times, 10 // len(mine))):
                made = spoilt(good, where, random)
                if random.random() < 0.1 and (others := list(places(made))):
                    made = spoilt(made, random.choice(others), random)
                yield name, made

    for name in (one for one in METHOD_NAMES if METHODS[one].service != "scheduling"):
        number += 1
        yield from spoil(name, Good(town, number, random).request(name))
    for kind in FactKind:
        number += 1
        row = Good(town, number, random).fact(kind)
        yield from spoil("assignment.record_facts", {"tenant": town, "facts": [row]}, ("facts",))
    for provider_kind in ProviderFactKind:
        number += 1
        row = Good(town, number, random).provider_fact(provider_kind)
        request = {"tenant": town, "provider": "alfa", "facts": [row]}
        yield from spoil("assignment.record_provider_facts", request, ("facts",))
    # last: what scheduling does comes to assignment by and by, as facts
    for name in (one for one in METHOD_NAMES if METHODS[one].service == "scheduling"):
        number += 1
        yield from spoil(name, Good(town, number, random).request(name))


# --- what is there before and after -------------------------------------------------------------------------------


class Rows:
    """Every table of the assignment service: how many rows, and the transaction that touched one last."""

    def __init__(self, suite: Suite):
        self._connection = psycopg.connect(suite.databases["assignment"], autocommit=True)
        names = [
            name
            for (name,) in self._connection.execute(
                "SELECT table_name::text FROM information_schema.tables"
                " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
            )
            # events leave the outbox, and come from scheduling, by themselves; who asked in vain for a person is
            # entered in the log, and what the purpose gate refuses too
            if name not in ("outbox", "told_event", "inbox", "heard_meeting", "access_log", "gate_refusal")
        ]
        assert {"stated_fact", "event", "idempotency", "report", "person"} <= set(names)
        looks = (f"(SELECT count(*) || '/' || coalesce(max(xmin::text::bigint), 0) FROM \"{name}\")" for name in names)
        self._sql = f"SELECT ARRAY[{', '.join(looks)}]"

    def __call__(self) -> list[str]:
        row = self._connection.execute(self._sql).fetchone()  # type: ignore[call-overload]
        assert row is not None
        return list(row[0])

    def at_rest(self) -> list[str] | None:
        """As they are if nothing comes for half a second, else None."""
        before = self()
        sleep(0.5)
        return before if self() == before else None

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def rows(suite: Suite) -> Iterator[Rows]:
    made = Rows(suite)
    yield made
    made.close()


class Callers:
    """Who calls a method: the system, or where that may not, somebody who may."""

    def __init__(self, suite: Suite, town: Town, stack: ExitStack):
        self._suite, self._town, self._stack = suite, town, stack
        self._made: dict[CallerRole, Client] = {CallerRole.SYSTEM: town.client}

    def __call__(self, name: str) -> Client:
        roles = METHODS[name].roles
        role = CallerRole.SYSTEM if CallerRole.SYSTEM in roles else min(roles)
        if role not in self._made:
            of = {"organisation": "alfa", "tenant": self._town.name} if role is CallerRole.PROVIDER else {}
            self._made[role] = self._stack.enter_context(self._suite.client(role.value, **of))
        return self._made[role]


@pytest.fixture(scope="module")
def callers(suite: Suite, running: Town) -> Iterator[Callers]:
    with ExitStack() as stack:
        yield Callers(suite, running, stack)


@pytest.fixture(scope="module")
def running(suite: Suite) -> Iterator[Town]:
    """A client of alfa whose intervention runs, on a business date."""
    with suite.client() as system:
        town = Town(system)
        town.add(assignment("AMI_2", D, fact("2024-04-01", "mapping_done")))
        town.day("2024-07-01")
        yield town


def say(name: str, request: Row, error: KundvalError) -> str:
    return f"{name} {request!r}: {error.kind} {error.code} {error}"


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_the_requests_that_are_spoilt_are_good_ones(running: Town, callers: Callers, name: str) -> None:
    for number in range(3):
        request = Good(running.name, number, Random(number)).request(name)
        try:
            callers(name).call(name, **request)
        except KundvalError as error:
            if error.kind == "INVALID_REQUEST":
                # what a fact or its day must be beside its own schema is not in the schema
                assert error.code == "DOCUMENT_REFUSED" or {row["path"] for row in error.faults} <= BEYOND, say(
                    name, request, error
                )
            assert error.kind in REFUSALS, say(name, request, error)


#: faults that no schema alone tells
BEYOND = frozenset({"facts[0].adaptation", "last_year", "parties"})


@pytest.mark.parametrize("one_in", [8, pytest.param(1, marks=pytest.mark.bench)], ids=["some", "all"])
def test_whatever_stands_in_a_field_the_answer_is_typed_and_what_is_refused_left_nothing(
    running: Town, suite: Suite, callers: Callers, rows: Rows, one_in: int
) -> None:
    """one_in: of a method that has refused twice only every n-th request is made."""
    random = Random(21)
    seen: Counter[str] = Counter()
    by_method: Counter[str] = Counter()
    wrong: list[str] = []
    # what scheduling has told of earlier requests has come
    settled = eventually(rows.at_rest)
    for place, (name, request) in enumerate(hostile(running.name, random, 1)):
        if place % one_in and by_method[name] > 1:
            continue
        # the rows are those of assignment, and what scheduling does comes to it by and by
        is_command = METHODS[name].kind == "command" and METHODS[name].service == "assignment"
        try:
            callers(name).call(name, timeout=30, retry=False, **request)
        except KundvalError as error:
            seen[error.kind] += 1
            by_method[name] += error.kind == "INVALID_REQUEST"
            is_named = bool(error.faults if error.code == "INVALID_REQUEST" else error.code or error.rules)
            # a provider's token is for one tenant
            is_refused = error.kind in REFUSALS or error.code == "OTHER_TENANT"
            if not is_refused or not is_named or SAID in str(error.to_wire()):
                wrong.append(say(name, request, error))
            if is_command:
                assert rows() == settled, say(name, request, error)
        else:
            seen["OK"] += 1
            if is_command:
                settled = rows()
    assert not wrong, "\n".join(wrong)
    assert seen["OK"] > 60 // one_in and seen["INVALID_REQUEST"] > 300 // one_in, seen
    assert not [name for name in METHOD_NAMES if METHODS[name].request.fields and not by_method[name]]
    running.settle()
    assert not [service for service in suite.processes if not suite.ready(service)]
    for service in SERVICES:
        assert not [text for text in ("Traceback", SAID, NUMBER) if text in suite.log(service)], service


def test_an_id_in_the_form_of_an_identity_number_is_told_from_others() -> None:
    forms = [form for one in ALL for form in (one, one[2:], f"{one[2:8]}-{one[8:]}", f"{one[2:8]}+{one[8:]}")]
    assert all(map(is_number, forms))
    for other in ("A-199010102383", "9999999999", "2299999999", "1990101023830", "19901010-23833", "p-1", ""):
        assert not is_number(other), other
