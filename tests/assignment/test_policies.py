"""Endpoint x role x ownership x protection, generated from the contracts.

Every method of every service is called by every role about everybody's client, plain and protected, and what comes back
is held against the method's policy. A method without an example below fails the first test, so that nobody adds one
without asking who gets to see what.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import psycopg
import pytest

from kundval_chassis import amqp
from kundval_contracts.envelope import exchange_of
from kundval_contracts.errors import Forbidden, KundvalError, NotFound
from kundval_contracts.events import MASKED
from kundval_contracts.rpc import METHODS, CallerRole, Method, Reach, Shield
from kundval_contracts.rpc.base import MONEY
from kundval_contracts.rpc.providers import ANSWERS_FOR_PROVIDERS
from tests.acceptance.builders import client as about_client
from tests.acceptance.builders import exited
from tests.chassis.eventing import take
from tests.suite import SERVICES, Suite, Town, client, content, eventually, suite

from . import policy_agencies as agencies
from . import policy_billing as b
from . import policy_meetings as m
from . import policy_notifications as n
from . import world as w
from .world import Owner, Row, Target, World

__all__ = ["client", "suite"]

#: the tests of other packages register methods of services of their own
NAMES = sorted(name for name, method in METHODS.items() if method.service in SERVICES)
PARTNER = "partner.register"
#: of an answer that was too early or too late for the state of the assignment
DOMAIN = frozenset({"NOT_FOUND", "CONFLICT", "FACT_REFUSED"})
_number = count(1)

#: The comparison of all providers that is shown before a choice: says where nobody is.
COMPARES = frozenset({"assignment.show_results", "assignment.rank", "assignment.snapshot"})


@dataclass(frozen=True)
class Example:
    """A valid request of a method. `request(world, target, number)` without the tenant; `number` is new each time.

    about: what the request names: an assignment of a target, the target's person, a provider, or nothing. prepare: what
    somebody else has to do before the command can be carried out. fits: targets about which it can be answered; there:
    of which what is named exists.
    """

    request: Callable[[World, Target, int], Row]
    about: Literal["assignment", "person", "provider", "nothing"] = "assignment"
    prepare: Callable[[World, Target, int, CallerRole], None] | None = None
    fits: Callable[[Target], bool] = field(default=lambda one: True)
    there: Callable[[Target], bool] = field(default=lambda one: True)


def started(one: Target) -> bool:
    return one.before is not None


def assignment(**more: Any) -> Callable[[World, Target, int], Row]:
    return lambda world, one, number: {"assignment": one.name, **more}


def person(**more: Any) -> Callable[[World, Target, int], Row]:
    return lambda world, one, number: {"person": one.person, **more}


def nothing(**more: Any) -> Example:
    return Example(lambda world, one, number: dict(more), "nothing")


def monthly(number: int, **more: Any) -> Callable[[World, Target, int], Row]:
    return lambda world, one, _: {**w.monthly(one, number), **more}


def bring(world: World, one: Target, number: int, *steps: str) -> None:
    """Take a monthly report through these steps, as far as it is not there yet."""
    for step in steps:
        more = {"save_report": {"contents": w.report()}, "return_report": {"reason": "says too little"}}.get(step, {})
        try:
            world.call(f"assignment.{step}", **w.monthly(one, number), **more)
        except KundvalError as error:
            assert error.code == "REPORT_STATE", error


def to_approve(world: World, one: Target, number: int, role: CallerRole) -> None:
    bring(world, one, month_to_approve(one, number), "save_report", "submit_report")


def month_to_approve(one: Target, number: int) -> int:
    """Each time another month of the target: an approved report changes no more."""
    taken = _months.setdefault(one.name, {})
    return taken.setdefault(number, 4 + len(taken))


_months: dict[str, dict[int, int]] = {}


def a_withdrawn_note(world: World, one: Target, number: int, role: CallerRole) -> None:
    row = {"assignment": one.name, "id": f"w-{number}", "on": w.TODAY, "fact": "note", "text": w.WORDS}
    world.call("assignment.record_facts", facts=[row])


def a_contact(world: World, one: Target, number: int) -> Row:
    row = {"assignment": one.name, "id": f"c-{number}", "on": "2024-04-20", "fact": "contact", "channel": "PHONE"}
    return {"facts": [row], "keep_refused": False}


def an_exit(world: World, one: Target, number: int) -> Row:
    return {"exit": {"assignment": one.name, "id": f"x-{number}", **exited("2024-12-20")}}


def registration(world: World, one: Target, number: int) -> Row:
    row = {"id": f"new-{number}", "programme": "AMI_2", "client": about_client(), "plan": None}
    return {"assignments": [row]}


def provider_fact(world: World, one: Target, number: int) -> Row:
    row = {"id": f"places-{number}", "on": "2024-06-01", "fact": "capacity_declared", "places": 500}
    return {"provider": one.before or "beta", "facts": [row]}


def protection(world: World, one: Target, number: int) -> Row:
    """Of a protected person the same again; of another one in a century."""
    if one.protection is not None:
        return {"person": one.person, "kind": one.protection}
    return {"person": one.person, "kind": "FICTITIOUS", "since": "2190-01-01"}


def a_tenant(world: World, one: Target, number: int) -> Row:
    providers = [{"id": "alfa", "name": "Alfa", "authorised": {"AMI_2": "2024-01-01"}}]
    return {"tenant": f"{world.name}-{number}", "municipality": "nacka", "providers": providers}


def of_provider(**more: Any) -> Example:
    """alfa stands for what is the caller's own, beta for what is another's."""
    return Example(lambda world, one, number: {"provider": one.before or "beta", **more}, "provider")


#: to an invitation to a meeting that there is not
REPLY = """BEGIN:VCALENDAR
VERSION:2.0
METHOD:REPLY
BEGIN:VEVENT
UID:none@kundval.invalid
SEQUENCE:1
DTSTAMP:20240601T080000Z
ATTENDEE;PARTSTAT=ACCEPTED:mailto:none@kundval.invalid
END:VEVENT
END:VCALENDAR
"""

A, S, B, N = "assignment.", "scheduling.", "billing.", "notifications."
EXAMPLES: dict[str, Example] = {
    A + "open_tenant": Example(a_tenant, "nothing"),
    A + "open_day": nothing(date=w.TODAY),
    A + "register": Example(registration, "nothing"),
    A + "record_facts": Example(a_contact, fits=started),
    A + "withdraw_fact": Example(lambda world, one, number: {"assignment": one.name, "fact": f"w-{number}"},
                                 prepare=a_withdrawn_note),
    A + "rejections": Example(assignment()),
    A + "state": Example(assignment()),
    A + "explain": Example(assignment()),
    A + "summary": nothing(),
    A + "eb_application": Example(lambda world, one, number: {
        "assignment": f"eb-{number}", "programme": "AMI_1", "on": w.TODAY, "client": about_client()}, "nothing"),
    A + "assignments": Example(assignment()),
    A + "exit_checklist": Example(an_exit),
    A + "consent": Example(assignment(scope="AF_OFFICER", on="2024-05-01")),
    A + "coordinator_handoff": Example(assignment(), fits=started),
    A + "bip": Example(assignment()),
    A + "attention": Example(assignment()),
    A + "register_person": Example(lambda world, one, number: {"name": f"{w.NAME} new {number}"}, "nothing"),
    A + "update_person": Example(person(language="so"), "person"),
    A + "link_person": Example(lambda world, one, number: {"assignment": one.name, "person": one.person}),
    A + "person": Example(person(), "person"),
    A + "find_person": Example(lambda world, one, number: {"identity_number": one.number}, "person",
                               there=lambda one: one.number is not None),
    A + "person_history": Example(person(), "person"),
    A + "language": Example(assignment(offered=["sv"])),
    A + "contact_points": Example(lambda world, one, number: {
        "assignments": [one.name], "channels": ["EMAIL", "SMS", "DIGITAL_MAIL"], "languages": ["sv"]}),
    A + "protect_person": Example(protection, "person"),
    A + "allow_reader": Example(lambda world, one, number: {
        "person": one.person, "reader": f"r-{number}", "reason": "stands in", "until": "2030-01-01"}, "person"),
    A + "revoke_reader": Example(person(reader="nobody"), "person"),
    A + "readers": Example(person(), "person"),
    A + "export_person": Example(person(), "person"),
    A + "erase_due": nothing(),
    A + "erase": nothing(),
    A + "access_log": Example(assignment(limit=200)),
    A + "verify_access_log": nothing(),
    A + "reseal_persons": nothing(),
    A + "profile": nothing(),
    A + "record_provider_facts": Example(provider_fact, "provider"),
    A + "withdraw_provider_fact": of_provider(fact="nothing"),
    A + "providers": of_provider(),
    A + "provider": of_provider(),
    A + "provider_proposals": of_provider(),
    A + "clients_to_move": Example(assignment()),
    A + "reports": Example(assignment()),
    A + "report": Example(monthly(1), fits=started),
    A + "save_report": Example(monthly(2, contents={"extent_pct": 100, "progression": w.WORDS}), fits=started),
    A + "submit_report": Example(monthly(3), fits=started, prepare=lambda world, one, number, role: bring(
        world, one, 3, "return_report", "save_report")),
    A + "return_report": Example(monthly(3, reason="says too little"), fits=started,
                                 prepare=lambda world, one, number, role: bring(
                                     world, one, 3, "save_report", "submit_report")),
    A + "approve_report": Example(lambda world, one, number: w.monthly(one, _months.get(one.name, {}).get(number, 4)),
                                  prepare=to_approve, fits=started),
    A + "add_document": Example(lambda world, one, number: w.document(one, f"doc-{number}")),
    A + "document": Example(assignment(document="doc-1"), fits=started),
    A + "documents": Example(assignment()),
    A + "agreement_template": Example(assignment()),
    A + "results": nothing(programme="AMI_2"),
    A + "results_page": nothing(programme="AMI_2"),
    A + "show_results": Example(assignment()),
    # a ranking is the employment service's, and this municipality has none of its programmes
    A + "rank": Example(assignment(), fits=lambda one: False),
    A + "snapshot": Example(lambda world, one, number: {"snapshot": one.snapshot or "none"}, fits=started),
    A + "snapshot_page": Example(lambda world, one, number: {"snapshot": one.snapshot or "none"}, fits=started),
    A + "awaiting_choice": Example(assignment()),
    A + "record_yearly_value": nothing(what="POPULATION", year=2024, value="1000", origin="register",
                                       taken_on="2025-01-01"),
    A + "figures": nothing(first_year=2024, last_year=2025),
    A + "figures_csv": nothing(first_year=2024, last_year=2025),
    A + "figures_chart": nothing(first_year=2024, last_year=2025),
    **{A + name: Example(**row) for name, row in agencies.EXAMPLES.items()},
    S + "obligations": Example(assignment()),
    S + "summary": nothing(),
    S + "provider_obligations": of_provider(),
    # invitations and answers to them are tried with meetings, in tests/scheduling/test_calendars_service.py
    S + "invitation": Example(lambda world, one, number: {
        "meeting": "none", "role": "CLIENT", "resource": f"client/{one.name}"}, fits=lambda one: False),
    S + "take_reply": Example(lambda world, one, number: {"text": REPLY}, fits=lambda one: False),
    S + "calendar_link": nothing(),
    S + "calendar_links": Example(assignment()),
    S + "revoke_calendar_link": Example(lambda world, one, number: {"feed": "none"}, "nothing", fits=lambda one: False),
    S + "set_resources": Example(m.own_resources, "provider"),
    S + "resources": of_provider(),
    S + "premises": of_provider(),
    S + "set_travel": nothing(travel=[{"origin": "here", "destination": "there", "minutes": 20}]),
    S + "set_participants": Example(m.participants),
    S + "set_absence": Example(m.absence, "provider", prepare=m.has_staff),
    S + "remove_absence": of_provider(absence="none"),
    S + "meetings": Example(assignment()),
    S + "book_meeting": Example(m.a_contact),
    S + "rebook_meeting": Example(m.moved, prepare=m.the_same_meeting),
    S + "cancel_meeting": Example(m.the_meeting(reason="OTHER"), prepare=m.a_meeting),
    S + "hold_meeting": Example(m.the_meeting(), prepare=m.a_meeting),
    S + "miss_meeting": Example(m.the_meeting(absent=[{"role": "CLIENT"}]), prepare=m.a_meeting),
    S + "book_series": Example(m.a_series),
    S + "open_group_session": Example(m.a_session, "provider"),
    S + "join_group": Example(m.in_session, prepare=m.session_there),
    S + "leave_group": Example(m.in_session, prepare=m.place_taken),
    S + "book_forum": Example(m.a_forum),
    S + "find_times": Example(m.times, prepare=m.all_known),
    S + "request_plan": Example(m.a_plan_for, "nothing", prepare=m.in_a_team),
    S + "plans": Example(lambda world, one, number: {}, "nothing", prepare=m.a_plan),
    S + "plan": Example(m.of_the_plan(limit=2000), "nothing", prepare=m.a_plan),
    S + "accept_plan": Example(m.some_of_the_plan, "nothing", prepare=m.a_plan),
    S + "reject_plan": Example(m.of_the_plan(), "nothing", prepare=m.a_plan_of_its_own),
    S + "workload": of_provider(),
    S + "workload_csv": of_provider(),
    S + "workload_page": of_provider(),
    S + "without_follow_up": Example(assignment()),
    B + "run_payments": nothing(run=w.TODAY),
    B + "lines": Example(assignment()),
    B + "postings": Example(assignment()),
    B + "totals": Example(assignment()),
    B + "explain": Example(assignment()),
    B + "explanation": Example(assignment(kind="MONTHLY_FEE", sequence=1, lang="en"), fits=started),
    B + "as_known": Example(assignment(known_by="2024-09-01")),
    B + "summary": nothing(),
    B + "figures": nothing(),
    B + "figures_csv": nothing(by="MONTH"),
    B + "anomalies": nothing(),
    B + "set_aside_anomaly": Example(lambda world, one, number: {"anomaly": "0" * 16, "reason": "looked at"}, "nothing",
                                     fits=lambda one: False),
    B + "control_page": nothing(lang="en"),
    B + "claims": Example(assignment()),
    B + "questions": nothing(),
    B + "propose_payments": Example(lambda world, one, number: {"run": w.TODAY}, "nothing", prepare=b.a_run),
    B + "payments": nothing(),
    B + "payment": Example(b.payment_of_alfa, "nothing"),
    # who may do what with a payment, and when, is tried in tests/billing/test_payments.py: here there is none
    **{B + f"{what}_payment": Example(lambda world, one, number: {"payment": 2**40}, "nothing", fits=lambda one: False)
       for what in ("check", "attest", "approve", "dispute", "withdraw")},
    B + "acknowledge_payment": Example(lambda world, one, number: {
        "payment": 2**40, "voucher": "V-1", "amount": "1.00", "outcome": "ACCEPTED"}, "nothing",
        fits=lambda one: False),
    B + "release_payments": nothing(run=w.TODAY),
    B + "reconcile": nothing(rows=[]),
    B + "hold": nothing(provider="gamma", reason="LEGAL"),
    B + "release_hold": Example(b.the_hold, "nothing", prepare=b.a_hold),
    B + "holds": nothing(),
    B + "problems": Example(assignment()),
    B + "balances": of_provider(),
    B + "close_period": nothing(month="2023-12"),
    B + "corrections": nothing(month="2023-12"),
    # of a day that has not come: refused after the policy was asked, so that no answer has to be reckoned
    **{B + name: Example(lambda world, one, number, more=more: {**more, "as_of": "2099-01-01"}, "nothing",
                         fits=lambda one: False)
       for name, more in (("ask_what_if", {"draft": b.DRAFT}), ("ask_forecast", {"year": 2025}))},
    B + "what_ifs": nothing(),
    **{B + name: Example(b.answered("billing.what_if"), "nothing")
       for name in ("what_if", "what_if_csv", "what_if_chart")},
    **{B + name: Example(b.answered("billing.forecast"), "nothing")
       for name in ("forecast", "forecast_csv", "forecast_chart", "forecast_page")},
    B + "set_budget": nothing(year=2025, amount="40000000.00"),
    B + "budget": nothing(year=2025),
    B + "set_payee": nothing(provider="gamma", valid_from="2024-01-01", party=b.PARTY),
    B + "payees": of_provider(),
    B + "set_payer": nothing(role="CUSTOMER", valid_from="2024-01-01", party=b.PARTY),
    B + "payer": nothing(),
    B + "documents": of_provider(),
    # what is in documents is tried in tests/billing/test_documents_road.py
    B + "document": Example(lambda world, one, number: {
        "provider": one.before or "beta", "number": "none", "form": "CSV"}, "provider", fits=lambda one: False),
    B + "payment_basis_csv": of_provider(run=w.TODAY),
    B + "statement": of_provider(run=w.TODAY, form="HTML"),
    B + "set_accounting": nothing(valid_from="2024-01-01", plan=b.PLAN),
    B + "accounting": nothing(),
    B + "make_journal": Example(lambda world, one, number: {"run": "2024-01-01"}, "nothing", fits=lambda one: False),
    B + "journals": nothing(),
    B + "journal": Example(lambda world, one, number: {
        "journal": 1, "form": "SIE"}, "nothing", fits=lambda one: False),
    N + "notices": Example(assignment()),
    N + "messages": Example(assignment()),
    N + "summary": nothing(),
    **{N + name: nothing(**row) for name, row in n.REQUESTS.items()},
    **{N + name: Example(lambda world, one, number, row=row: dict(row), "nothing",  # type: ignore[misc]
                         fits=lambda one: False) for name, row in n.ACTS.items()},
    N + "proof": Example(n.told_to_alfa, fits=n.of_alfa),
    N + "hold_cases": Example(n.held),
    # each about itself: a program gets no notices, and has no wishes
    **{N + name: Example(lambda world, one, number: {}, "nothing", fits=lambda one: False)
       for name in ("prefer", "preferences")},
    **{f"{service}.{what}": nothing() for service in SERVICES for what in ("positions", "info")},
}  # fmt: skip


@pytest.fixture(scope="module")
def world(suite: Suite) -> Iterator[World]:
    with amqp.Link(suite.amqp_uri, name="partner") as link:
        link.channel.queue_declare(PARTNER, durable=True, auto_delete=False, arguments={"x-queue-type": "classic"})
        for service in SERVICES:
            link.channel.queue_bind(PARTNER, exchange_of(service), "#")
    with suite.client() as system:
        place = Town(system)
        place.mailboxes()
        made = w.build(suite, place)
        try:
            yield made
        finally:
            made.close()


def test_every_method_has_an_example() -> None:
    assert sorted(EXAMPLES) == NAMES


def test_every_policy_that_hides_something_is_tried_on_somebody_who_is_hidden(world: World) -> None:
    assert {one.protection for one in world.targets if one.owner is Owner.OWN} == {
        None, "CONFIDENTIALITY_MARK", "PROTECTED_REGISTRATION", "FICTITIOUS",
    }  # fmt: skip
    for owner in Owner:
        assert world.of(owner) and world.of(owner, protected=True)


# --- who calls, and what is expected -------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One call: who calls in which role, about whom; with `filtered` for that provider's rows, without a target."""

    who: str
    role: CallerRole
    subject: str
    target: Target
    purpose: str | None = w.PURPOSE
    filtered: str | None = None
    everything: bool = False

    @property
    def is_reader(self) -> bool:
        return self.subject == w.READER


ROLES = [role for role in CallerRole if role is not CallerRole.PROVIDER]


def cases(world: World, method: Method, example: Example) -> Iterator[Case]:
    """Every caller about every target; about each provider; about nothing in particular."""
    once = world.of(Owner.OWN)
    about = (
        [one for one in world.targets if example.there(one)] if example.about in ("assignment", "person") else [once]
    )
    if example.about == "provider":
        about = [once, world.of(Owner.OTHER)]
    if method.service != "assignment" and method.kind == "command":
        # the others know that somebody is protected and not how: one of each owner is enough
        kinds: dict[tuple[Owner, bool], Target] = {}
        for one in about:
            kinds.setdefault((one.owner, one.protection is not None), one)
        about = list(kinds.values())
    # A role that may not call at all is turned away before the request is read: a few targets are enough. The same goes
    # for commands that several roles of the municipality may give: they take long, and one of these tries every target.
    few = [about[0], *(one for one in about if one in (world.of(Owner.OWN, protected=True), world.of(Owner.OTHER)))]
    may = [role for role in ROLES if role in method.roles]
    thorough = may[:1] if method.kind == "command" else may
    for one in about:
        for role in ROLES:
            if role in thorough or one in few:
                yield Case(role.value, role, f"{role.lower()}-staff", one)
        if CallerRole.PROVIDER in method.roles or one in few:
            yield Case("alfa", CallerRole.PROVIDER, "alfa-staff", one)
        if one.protection is not None:
            for role in (CallerRole.CAREER_GUIDE, CallerRole.TEAM_MANAGER, CallerRole.OPERATIONS):
                if role in method.roles:
                    yield Case(role.value, role, w.READER, one)
                    break
    if method.rows is not None:
        for role in ROLES:
            yield Case(role.value, role, f"{role.lower()}-staff", once, everything=True)
            for provider in ("alfa", "beta", "gamma") if "provider" in method.request.fields else ():
                if "assignment" not in method.request.fields or not method.request.fields["assignment"].required:
                    yield Case(role.value, role, f"{role.lower()}-staff", once, filtered=provider)
        yield Case("alfa", CallerRole.PROVIDER, "alfa-staff", once, everything=True)
    if method.policy.personal:
        role = next(role for role in CallerRole if role in method.roles)
        who = "alfa" if role is CallerRole.PROVIDER else role.value
        yield Case(who, role, f"{who.lower()}-staff", once, purpose=None)


def request(world: World, method: Method, example: Example, case: Case, number: int) -> Row:
    fields = example.request(world, case.target, number)
    chosen = method.request.fields.get("assignment")
    if (case.everything or case.filtered) and chosen is not None and not chosen.required:
        fields.pop("assignment")
    if case.filtered:
        fields["provider"] = case.filtered
    if "tenant" in method.request.fields:
        fields.setdefault("tenant", world.name)
    return fields


def refused(method: Method, case: Case) -> str | None:
    """The code with which the policy refuses the call, whatever it is about: "NOT_FOUND" if it must look as if there
    were no such person, "OTHERS" if it is another provider's. None: it is answered.
    """
    if case.role not in method.roles:
        return "ROLE_NOT_ALLOWED"
    if case.purpose is None:
        return "PURPOSE_MISSING"
    reach, shield = method.policy.reach, method.policy.shield
    owner = case.target.owner
    if case.role is CallerRole.PROVIDER:
        if reach is Reach.ITSELF and case.target.before != "alfa":
            return "OTHER_PROVIDER"
        if reach is Reach.OWN_ASSIGNMENT and owner in (Owner.OTHER, Owner.NOBODYS, Owner.ENDED):
            return "OTHERS"
        if reach is Reach.OWN_ASSIGNMENT and owner is Owner.FORMER and shield is Shield.READERS:
            return "OTHERS" if case.target.protection else None
    elif case.target.protection is not None and not case.is_reader:
        return {Shield.READERS: "NOT_FOUND", Shield.PARTIES: "PROTECTED"}.get(shield)
    return None


# --- the matrix ------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    case: Case
    fields: Row
    value: Any = None
    error: KundvalError | None = None


def ask(world: World, method: Method, example: Example, asked: list[Case], *, together: bool) -> list[Answer]:
    """Send the requests of these cases: many at a time, as they come, or one after the other."""
    found = []
    for case in asked:
        number = next(_number)
        if example.prepare and refused(method, case) is None and example.fits(case.target):
            example.prepare(world, case.target, number, case.role)
        fields = request(world, method, example, case, number)
        by = world.caller(case.who if case.role is CallerRole.PROVIDER else case.role, case.subject, case.purpose)
        call = by.submit(method.name, fields)
        found.append((Answer(case, fields), call))
        if not together:
            settle(found[-1])
    for one in found:
        settle(one)
    answers = [answer for answer, _ in found]
    world.errors += [json.dumps(answer.error.to_wire()) for answer in answers if answer.error is not None]
    return answers


def settle(one: tuple[Answer, Any]) -> None:
    answer, call = one
    if answer.value is None and answer.error is None:
        try:
            answer.value = call.result()
        except KundvalError as error:
            answer.error = error


def entered(world: World, method: str, after: int) -> list[Row]:
    """The entries of the access log about a method with higher numbers."""
    with psycopg.connect(world.suite.databases["assignment"], autocommit=True) as connection:
        rows = connection.execute(
            "SELECT n, actor, role, organisation, purpose, subjects, outcome FROM access_log"
            " WHERE tenant = %s AND method = %s AND n > %s",
            (world.name, method, after),
        ).fetchall()
    columns = ("n", "actor", "role", "organisation", "purpose", "subjects", "outcome")
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_a_method_is_answered_as_its_policy_says(world: World, name: str) -> None:
    method, example = METHODS[name], EXAMPLES[name]
    every = list(cases(world, method, example))
    refusals = [case for case in every if refused(method, case) is not None]
    others = [case for case in every if refused(method, case) is None]
    assert {case.role for case in every} == set(CallerRole)
    mark = max((row["n"] for row in entered(world, name, 0)), default=0)

    # who has no right changes nothing
    if method.kind == "command":
        world.settle()
        before = world.rows(method.service)
    answers = ask(world, method, example, refusals, together=True)
    if method.kind == "command":
        assert world.rows(method.service) == before
    for answer in answers:
        check_refusal(world, method, example, answer)

    # one command may stand in the way of another
    allowed = ask(world, method, example, others, together=method.kind == "query")
    for answer in allowed:
        check_answer(world, method, example, answer)
    for answer in (*answers, *allowed):
        if answer.error is not None:
            assert not w.secrets_in(json.dumps(answer.error.to_wire(), ensure_ascii=False)), answer
    if method.policy.personal:
        check_entries(world, method, [*answers, *allowed], entered(world, name, mark))
    elif method.service == "assignment":
        assert entered(world, name, mark) == []
    if method.policy.shield in (Shield.MASKED, Shield.READERS):
        check_that_readers_see(method, allowed)
    elif method.policy.shield is Shield.PARTIES:
        check_that_parties_see(method, allowed)


def check_refusal(world: World, method: Method, example: Example, answer: Answer) -> None:
    expected, error = refused(method, answer.case), answer.error
    if method.name == "assignment.find_person" and expected == "NOT_FOUND":
        # its way to say that there is no such person
        assert answer.value == {"person": None}
        return
    assert error is not None, (method.name, answer)
    if expected == "NOT_FOUND":
        assert isinstance(error, NotFound), (method.name, answer)
        assert error.to_wire() == unknown(world, method, example, answer), (method.name, answer)
    elif expected == "OTHERS":
        # not the caller's, or its own before and what is asked for came later
        assert isinstance(error, Forbidden | NotFound), (method.name, answer)
        assert error.kind == "NOT_FOUND" or error.code.startswith(("NOT_YOUR", "OTHER_")), (method.name, answer)
    else:
        assert isinstance(error, Forbidden), (method.name, answer)
        assert error.code == expected, (method.name, answer)


def unknown(world: World, method: Method, example: Example, answer: Answer) -> Row:
    """The error for a person or assignment that there is not, with the name of the target put in its place."""
    named = answer.case.target.person if example.about == "person" else answer.case.target.name
    fields = json.loads(json.dumps(answer.fields).replace(json.dumps(named), '"p-nobody"'))
    by = world.caller(answer.case.role, answer.case.subject)
    with pytest.raises(NotFound) as raised:
        by.call(method.name, **fields)
    return dict(json.loads(json.dumps(raised.value.to_wire()).replace("p-nobody", named)))


def check_answer(world: World, method: Method, example: Example, answer: Answer) -> None:
    case, shield = answer.case, method.policy.shield
    one = case.target
    if answer.error is not None:
        assert answer.error.kind in DOMAIN | {"FORBIDDEN"}, (method.name, answer)
        is_late = case.role is CallerRole.PROVIDER and one.owner is Owner.FORMER
        # of what was its own before a provider may see less; what does not fit the state of the assignment is told
        # of a list of its own rows a provider may be refused another's, or get nothing of it
        is_others = case.role is CallerRole.PROVIDER and one.owner is not Owner.OWN
        can_be = example.fits(one) and (example.about != "assignment" or started(one))
        assert is_late or is_others or not can_be, (method.name, answer)
        assert answer.error.kind != "FORBIDDEN" or is_others, (method.name, answer)
        return
    said = w.Told(answer.value)
    text = said.text
    if shield is not Shield.READERS and (shield is not Shield.ADDRESSES or one.protection is not None):
        # who may see a person sees words and names, who tells it something its addresses; nothing else tells any
        assert not w.secrets_in(text), (method.name, case, w.secrets_in(text))
    if w.SUPERVISION in text:
        assert case.role in ANSWERS_FOR_PROVIDERS, (method.name, case)
    for other in world.targets:
        if case.role is CallerRole.PROVIDER:
            check_provider(method, answer, other, said)
        elif other.protection is not None and not case.is_reader:
            check_hidden(method, answer, other, said)


def check_hidden(method: Method, answer: Answer, other: Target, said: w.Told) -> None:
    """What staff learns about a protected person."""
    told = said.whereabouts(other)
    pays = method.policy.shield is Shield.PAYERS and answer.case.role in MONEY
    if method.name in COMPARES or pays:
        told &= set(other.places)
    assert not told, (method.name, answer.case, told)
    if answer.case.filtered and method.policy.shield in (Shield.MASKED, Shield.PAYERS) and not pays:
        # a list of one provider's clients says of each where the person is
        assert not said.about(other), (method.name, answer.case)


def check_provider(method: Method, answer: Answer, other: Target, said: w.Told) -> None:
    """What a provider learns: nothing about others' clients, and of one that has left it what was before."""
    reach, mine = method.policy.reach, said.about(other)
    if other.owner in (Owner.OWN, Owner.FORMER) and reach is not Reach.OPEN:
        if other.owner is Owner.FORMER:
            assert not [one for one in other.later if one in said.text], (method.name, answer.case)
            assert "beta" not in w.Told(mine).whereabouts(other), (method.name, answer.case)
        return
    echoed = answer.case.target is other and reach is Reach.OWN_ROWS
    # the answer to a request about a single assignment repeats its name, and nothing else
    lists = [value for row in mine for value in row.values() if isinstance(value, list | dict)] if echoed else mine
    assert not any(lists), (method.name, answer.case, lists)
    assert not [place for place in other.places if place in said.text], (method.name, answer.case)


def check_that_readers_see(method: Method, answers: list[Answer]) -> None:
    """Else an answer that is empty for everybody would pass."""
    plain = any(
        w.Told(one.value).whereabouts(one.case.target) or w.secrets_in(json.dumps(one.value, ensure_ascii=False))
        for one in answers
        if one.value is not None and one.case.target.protection is None and one.case.role is not CallerRole.PROVIDER
    )
    seen = [one for one in answers if one.case.is_reader and one.value is not None]
    whole = any(
        w.Told(one.value).whereabouts(one.case.target) or w.secrets_in(json.dumps(one.value, ensure_ascii=False))
        for one in seen
    )
    assert seen, method.name
    assert whole == plain, method.name
    assert plain or method.kind == "command" or method.policy.shield is Shield.READERS, method.name


def check_that_parties_see(method: Method, answers: list[Answer]) -> None:
    """As much as there is to be seen about others."""

    def told(some: list[Answer]) -> set[str]:
        return {key for one in some for key, value in (one.value or {}).items() if value}

    about_others = [one for one in answers if one.case.target.protection is None]
    for seen in (
        [one for one in answers if one.case.is_reader],
        [one for one in answers if one.case.role is CallerRole.PROVIDER and one.case.target.protection is not None],
    ):
        assert told(seen) == told(about_others) != set(), method.name


def check_entries(world: World, method: Method, answers: list[Answer], rows: list[Row]) -> None:
    """Each look is entered once, with who, what for and about whom; each refusal too."""
    by_subject = {subject: one.name for one in world.targets for subject in one.subjects}
    # the service that sends messages asks for addresses all the while
    rows = [row for row in rows if row["actor"] != "notifications"]
    expected: Counter[tuple[Any, ...]] = Counter()
    for one in answers:
        if one.error is not None and one.error.kind not in ("FORBIDDEN", "NOT_FOUND"):
            continue
        case = one.case
        named = {case.target.name} & {
            by_subject.get(f"{key}:{one.fields.get(key)}") for key in ("assignment", "person")
        }
        if method.rows is not None and one.value is not None:
            named |= {row["assignment"] for row in one.value[method.rows]} & {each.name for each in world.targets}
        expected[case.subject, case.role.value, case.purpose, one.error is not None, frozenset(named)] += 1
    found: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        named = {by_subject[subject] for subject in row["subjects"] if subject in by_subject}
        refusal = row["outcome"] == "REFUSED"
        found[row["actor"], row["role"], row["purpose"], refusal, frozenset(named)] += 1
        assert row["organisation"] == ("alfa" if row["role"] == "PROVIDER" else None)
    if method.name == "assignment.find_person":
        # what was asked stands in no entry; whom it found does
        expected = Counter({key[:4]: n for key, n in expected.items()})
        found = Counter(key[:4] for key in found.elements())
    # what was left out of a list for the sake of a protected person is entered with it
    for key in list((expected - found).elements()):
        wider = next((one for one in found - expected if one[:4] == key[:4] and len(key) > 4 and one[4] > key[4]), None)
        if wider is not None:
            found[wider] -= 1
            found[key] += 1
    # the twins of `unknown` are entered too, and are about nobody
    extra = found - expected
    assert not expected - found, (method.name, expected - found, extra)
    assert all(key[3] and not (len(key) > 4 and key[4]) for key in extra), (method.name, extra)


# --- beyond the answers ---------------------------------------------------------------------------------------------


def test_a_provider_states_nothing_about_the_time_after_a_client_has_left_it(world: World) -> None:
    one = world.of(Owner.FORMER)
    row = {"assignment": one.name, "id": "too-late", "on": w.SWITCHED, "fact": "contact", "channel": "PHONE"}
    before = world.rows("assignment")
    with pytest.raises(Forbidden):
        world.call("assignment.record_facts", world.caller("alfa"), facts=[row])
    assert world.rows("assignment") == before


def test_no_event_that_a_partner_gets_says_who_somebody_is_or_where_a_protected_person_is(world: World) -> None:
    world.town.settle()
    eventually(lambda: all(world.sent(service) for service in SERVICES))
    bodies = [message.body for message in take(world.suite.amqp_uri, PARTNER)]
    texts = [body if isinstance(body, str) else body.decode() for body in bodies]
    assert not [text for text in texts if w.secrets_in(text)]
    events = [event for event in map(json.loads, texts) if event["tenant"] == world.name]
    hidden = {one.name: one for one in world.targets if one.protection is not None}
    about = Counter(event["subject"] for event in events if event["subject"] in hidden)
    assert set(about) == set(hidden) and min(about.values()) > 3
    for event in events:
        text = json.dumps(event["data"], ensure_ascii=False)
        for one in hidden.values():
            assert not [place for place in one.places if place in text], event
        if event["subject"] in hidden:
            assert not [name for name in w.PROVIDERS if f'"{name}"' in text], event
    sources = {event["type"].split(".")[2] for event in events if event["subject"] in hidden}
    assert sources == set(SERVICES)


def test_no_stored_event_log_metric_message_or_error_says_who_somebody_is(world: World) -> None:
    suite = world.suite
    for service in SERVICES:
        with psycopg.connect(suite.databases[service]) as connection:
            rows = connection.execute("SELECT data::text FROM event WHERE tenant = %s", (world.name,)).fetchall()
        assert rows and not [data for (data,) in rows if w.secrets_in(data)], service
        assert suite.log(service) and not w.secrets_in(suite.log(service)), service
        assert not w.secrets_in(w.page(suite, service)), service
    mails = [content(file).splitlines() for file in world.town.messages(suite)]
    to = {line.removeprefix("To: ") for mail in mails for line in mail if line.startswith("To: ")}
    # an address stands on the mail to it, and nobody who is protected gets one
    reached = {place for place in range(len(world.targets)) if f"someone{place}{w.MAIL}" in to}
    assert reached and all(world.targets[place].protection is None for place in reached)
    said = ["\n".join(line for line in mail if not line.startswith("To: ")) for mail in mails]
    assert not [text for text in said if w.secrets_in(text)]
    assert not [text for text in world.errors if w.secrets_in(text)]


def test_nothing_stays_unsaid_in_masked_answers_but_whereabouts(world: World) -> None:
    """A mask takes nothing else away: state and facts of a protected person are there for the work."""
    one = world.of(Owner.OWN, protected=True)
    seen = world.call("assignment.state", world.caller(CallerRole.CASE_WORKER), assignment=one.name)
    whole = world.call("assignment.state", world.caller(CallerRole.CASE_WORKER, w.READER), assignment=one.name)
    assert (seen["provider"], seen["delivery_area"]) == (MASKED, MASKED)
    assert (whole["provider"], whole["delivery_area"]) == ("alfa", one.places[0])
    assert {**seen, "provider": "", "delivery_area": ""} == {**whole, "provider": "", "delivery_area": ""}
