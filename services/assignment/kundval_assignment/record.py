"""State facts, judge the assignment anew, tell the difference: the assignment service's one procedure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from marshmallow import ValidationError

from kundval_chassis.db import Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.answer import Rejection
from kundval_contracts.case import Case, Client, Tenant
from kundval_contracts.codes import AssignmentState, FactKind
from kundval_contracts.errors import Conflict, FactRefused, Fault, Forbidden, InvalidRequest, NotFound, faults_of
from kundval_contracts.events import fact_event
from kundval_contracts.facts import FREE_TEXT, KEPT_HERE, Fact, dump_fields
from kundval_contracts.inputs import CLIENT, PLAN
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Timeline

from . import store
from .domain import Judgement, described_plan, judge, milestones, rejected_claims
from .people import overlaps
from .providers import places
from .reports import watch
from .results.keep import keep_all
from .store import Record, Stated
from .to_af import store as to_af
from .to_af import watch as af_watch

#: assignments that are judged at a time
CHUNK = 500


def record_facts(
    tx: Tx, tenant: Tenant, given: Iterable[tuple[str, Fact]], *, keep_refused: bool, places_from: int = 0
) -> tuple[int, list[dict[str, Any]]]:
    """Store facts of any number of assignments and publish what changed.

    A fact with place -1 gets the next place of its assignment, `places_from` at the lowest. Returns how many facts
    were new, and the rejections of these. Raises NotFound (unknown assignment or provider), Conflict (an id or place
    taken by another fact, an id that was withdrawn) and, unless `keep_refused`, FactRefused; then nothing is stored.
    """
    by_assignment: dict[str, list[Fact]] = {}
    for assignment, fact in given:
        provider = fact.get("provider")
        if provider is not None and provider not in tenant.providers:
            raise NotFound(f"There is no provider {provider}.")
        by_assignment.setdefault(assignment, []).append(fact)
    records = store.load_records(tx, tenant.id, sorted(by_assignment), lock=True)
    missing = sorted(set(by_assignment) - set(records))
    if missing:
        raise NotFound(f"There is no assignment {missing[0]}.")
    new = {name: _add(records[name], facts, places_from) for name, facts in by_assignment.items()}
    findings = _judge(tx, tenant, {name: record for name, record in records.items() if new[name]}, new)
    refused = [finding for fact_id, finding in findings if fact_id in new[finding.assignment]]
    if refused and not keep_refused:
        raise FactRefused(refused[0].message, code=refused[0].code, rules=refused[0].rules)
    return sum(map(len, new.values())), [finding.as_json() for finding in refused]


def withdraw_fact(tx: Tx, tenant: Tenant, assignment: str, fact_id: str) -> bool:
    """Take back a fact; False if there is none (any more). Raises NotFound for an unknown assignment."""
    records = store.load_records(tx, tenant.id, [assignment], lock=True)
    if assignment not in records:
        raise NotFound(f"There is no assignment {assignment}.")
    stated = records[assignment].stated.pop(fact_id, None)
    if stated is None:
        return False
    if stated.in_effect:
        stated.revision += 1
        stated.in_effect = False
        _publish(tx, tenant.id, assignment, stated.fact, stated)
    store.withdraw(tx, tenant.id, assignment, fact_id, stated.revision)
    _judge(tx, tenant, records, {})
    return True


def day_has_come(tx: Tx, tenant: Tenant, day: date) -> None:
    """Judge the assignments anew of which something changes by the business date alone (SM-A22, A25, R4).

    Where only a report or a message falls due the judgement stays: its facts in effect are all that is looked at.
    """
    tenant = replace(tenant, business_date=day)
    changing = set(store.changing_by(tx, tenant.id, day))
    # in the order in which everybody locks
    due_by = {*watch.due_by(tx, tenant.id, day), *to_af.looking_by(tx, tenant.id, day)}
    for part in _chunks(sorted(changing | due_by)):
        records = store.load_records(tx, tenant.id, part, lock=True)
        _judge(tx, tenant, {name: record for name, record in records.items() if name in changing}, {})
        due = {name: record for name, record in records.items() if name not in changing}
        watch.look(tx, tenant, {name: record.effective for name, record in due.items()})
        af_watch.look(tx, tenant, {name: af_watch.of_record(record) for name, record in due.items()})


def terms_have_changed(tx: Tx, tenant: Tenant) -> None:
    """Judge every assignment anew: the tenant has other settings, tariffs or providers."""
    after: str | None = None
    while names := store.page(tx, tenant.id, None, after, CHUNK):
        _judge(tx, tenant, store.load_records(tx, tenant.id, names, lock=True), {})
        after = names[-1]


def judge_again(tx: Tx, tenant: Tenant, names: Sequence[str]) -> None:
    """Judge these assignments anew: something that they hang on has changed."""
    for part in _chunks(names):
        _judge(tx, tenant, store.load_records(tx, tenant.id, part, lock=True), {})


@dataclass(frozen=True, slots=True)
class Told:
    """What others were told of a fact last: as it was stated, or (None) that it counts no longer."""

    fact_id: str
    revision: int
    fact: Fact | None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Facts that were stated again, each with its assignment; how many were withdrawn again."""

    stated: list[tuple[str, Fact]]
    withdrawn: int


def take_back(tx: Tx, tenant: Tenant, told: Mapping[str, Iterable[Told]]) -> TakenBack:
    """Take back facts of assignments from what others were told of them, and tell what follows.

    For a database that was restored to an older moment. A fact that others know and this one does not is stated again.
    One that counts by all facts that are known, although others were told that it does not, was withdrawn by somebody:
    it is so again. What is told next has a higher revision than what others have.
    """
    rows = {name: list(some) for name, some in told.items()}
    stated: list[tuple[str, Fact]] = []
    gone: list[tuple[str, str]] = []
    records = store.load_records(tx, tenant.id, sorted(rows), lock=True)
    for name, record in records.items():
        places = {one.fact.place for one in rows[name] if one.fact is not None and one.fact_id not in record.stated}
        raised = []
        for one in rows[name]:
            known = record.stated.get(one.fact_id)
            if known is not None and known.revision < one.revision:
                known.revision = one.revision
                raised.append((name, known))
                if known.in_effect and one.fact is None:
                    gone.append((name, one.fact_id))
        store.save_judgements(tx, tenant.id, raised)
        # another fact has the place of one: so that was withdrawn, whether others had heard of it or not
        stand = {one.fact_id for one in rows[name] if one.fact is not None}
        for known in list(record.stated.values()):
            if known.fact.place in places and known.fact.id not in stand:
                withdraw_fact(tx, tenant, name, known.fact.id)
    records = store.load_records(tx, tenant.id, sorted(rows), lock=True)
    new: dict[str, set[str]] = {}
    for name, record in records.items():
        absent = [one for one in rows[name] if one.fact_id not in record.stated and one.fact_id not in record.withdrawn]
        store.add_withdrawn(tx, tenant.id, name, [(one.fact_id, one.revision) for one in absent if one.fact is None])
        new[name] = _add(record, [one.fact for one in absent if one.fact is not None], 0)
        for one in absent:
            if one.fact is not None:
                record.stated[one.fact_id].revision = one.revision
                stated.append((name, one.fact))
    _judge(tx, tenant, records, new)
    again = [key for key in gone if (back := records[key[0]].stated.get(key[1])) is not None and back.in_effect]
    for name, fact_id in again:
        withdraw_fact(tx, tenant, name, fact_id)
    return TakenBack(stated, len(gone))


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))


def _add(record: Record, facts: Sequence[Fact], places_from: int) -> set[str]:
    """Put new facts into the record; the ids that were new. A fact stated again as it was is no news."""
    taken = {stated.fact.place for stated in record.stated.values()}
    new: set[str] = set()
    for fact in facts:
        if fact.id in record.withdrawn:
            raise Conflict(f"The fact {fact.id} of {record.case.assignment} was withdrawn: state it under another id.")
        known = record.stated.get(fact.id)
        if known is not None:
            if known.fact != (replace(fact, place=known.fact.place) if fact.place < 0 else fact):
                raise Conflict(f"The fact {fact.id} of {record.case.assignment} was stated with other contents.")
            continue
        place = fact.place if fact.place >= 0 else max(places_from, max(taken, default=-1) + 1)
        if place in taken:
            raise Conflict(f"Another fact of {record.case.assignment} has the ordinal {place}.")
        taken.add(place)
        record.stated[fact.id] = Stated(replace(fact, place=place))
        new.add(fact.id)
    return new


def _judge(
    tx: Tx, tenant: Tenant, records: Mapping[str, Record], new: Mapping[str, set[str]]
) -> list[tuple[str, Rejection]]:
    """Judge every record anew, store and publish the difference; (fact id, rejection) of all that stand refused."""
    added: list[tuple[str, Stated]] = []
    changed: list[tuple[str, Stated]] = []
    moved: dict[str, Record] = {}
    judged: list[tuple[Case, Client, AssignmentState]] = []
    refused: list[tuple[str, Rejection]] = []
    for name, record in sorted(records.items()):
        case = record.case.having(stated.fact for stated in record.stated.values())
        verdict = judge(case, record.client, tenant)
        in_effect = {fact.id for fact in verdict.in_effect}
        findings: dict[int, list[Rejection]] = {}
        for rejection in verdict.rejections:
            findings.setdefault(rejection.fact, []).append(rejection)
        for fact in case.facts:
            stated = record.stated[fact.id]
            was = (stated.in_effect, stated.findings)
            stated.in_effect = fact.id in in_effect
            stated.findings = tuple(findings.get(fact.place, ()))
            if stated.in_effect != was[0]:
                stated.revision += 1
                _publish(tx, tenant.id, name, fact, stated)
            if fact.id in new.get(name, ()):
                added.append((name, stated))
            elif was != (stated.in_effect, stated.findings):
                changed.append((name, stated))
            refused += [(fact.id, finding) for finding in stated.findings]
        if _follow(tx, tenant.id, name, record, verdict):
            moved[name] = record
        judged.append((case.having(verdict.in_effect), verdict.after.client(verdict.terms), verdict.state))
    store.add_facts(tx, tenant.id, added)
    store.save_judgements(tx, tenant.id, changed)
    store.save_standing(tx, tenant.id, moved)
    watch.look(tx, tenant, {case.assignment: case for case, _, _ in judged})
    af_watch.look(tx, tenant, {case.assignment: (case, client.receives_eb) for case, client, _ in judged})
    places.keep(tx, tenant, ((case, state) for case, _, state in judged))
    keep_all(tx, tenant, judged)
    overlaps.look(tx, tenant, (case for case, _, _ in judged))
    return refused


def _follow(tx: Tx, tenant: str, name: str, record: Record, verdict: Judgement) -> bool:
    """Bring what follows from the facts in step and tell the difference; False if there is none."""
    before = _standing(record)
    plan = described_plan(verdict.in_effect)
    described = None if plan is None else PLAN.dump(plan)
    if verdict.state is not record.state:
        data = {"assignment": name, "state": verdict.state.value}
        tx.publish("assignment.state_changed", subject=name, tenant=tenant, data=data)
    if described != record.described:
        _tell_of(tx, tenant, name, replace(record.case, plan=plan or record.case.plan))
    facts = (stated.fact for stated in record.stated.values())
    hold = milestones(verdict.after, verdict.terms) | rejected_claims(facts, verdict.rejections)
    record.milestones = _tell_milestones(tx, tenant, name, record, hold)
    record.state, record.changes_on, record.described = verdict.state, verdict.changes_on, described
    record.groups = [group.value for group in verdict.groups]
    return before != _standing(record)


def _standing(record: Record) -> tuple[object, ...]:
    return record.state, record.changes_on, record.described, record.milestones, record.groups


def _tell_milestones(
    tx: Tx, tenant: str, name: str, record: Record, hold: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Publish milestones that are new, changed or gone; what has now been told."""
    told = dict(record.milestones)
    for key in sorted({*told, *hold}):
        was, data = told.get(key, {"revision": 0, "data": None}), hold.get(key)
        if was["data"] == data:
            continue
        revision = was["revision"] + 1
        told[key] = {"revision": revision, "data": data}
        milestone, _, exit_id = key.partition(":")
        event, fields = f"assignment.{milestone}", data
        if data is None:
            event, fields = "assignment.milestone_withdrawn", {"milestone": milestone, "exit": exit_id or None}
        body = {"assignment": name, "revision": revision, **(fields or {})}
        tx.publish(event, subject=name, tenant=tenant, data=body)
    return told


def _publish(tx: Tx, tenant: str, assignment: str, fact: Fact, stated: Stated) -> None:
    if fact.kind in KEPT_HERE:
        return
    if stated.in_effect:
        name, data = f"assignment.{fact.kind}", fact_event(assignment, fact, stated.revision)
    else:
        name = "assignment.fact_withdrawn"
        data = {
            "assignment": assignment,
            "fact_id": fact.id,
            "fact": fact.kind.value,
            "revision": stated.revision,
        }
    tx.publish(name, subject=assignment, tenant=tenant, data=data)


def _tell_of(tx: Tx, tenant: str, name: str, case: Case) -> None:
    """The assignment with its plan in force, as the other services hold it."""
    data = {
        "assignment": name,
        "programme": case.programme.value,
        "delivery_area": case.delivery_area,
        "plan": PLAN.dump(case.plan),
    }
    tx.publish("assignment.registered", subject=name, tenant=tenant, data=data)


def register(tx: Tx, tenant: Tenant, rows: Iterable[Mapping[str, Any]]) -> int:
    """Store new assignments and tell the others; how many were new. The same id again is not touched.

    Raises InvalidRequest for a client or plan that is not complete.
    """
    loaded: dict[str, tuple[Case, Client]] = {}
    faults: list[Fault] = []
    for place, row in enumerate(rows):
        for name, schema in (("client", CLIENT), ("plan", PLAN)):
            try:
                schema.load(row[name] or {})
            except ValidationError as error:
                faults += faults_of(error.messages, f"assignments[{place}].{name}")
        if not faults:
            case = Case(row["id"], row["programme"], PLAN.load(row["plan"] or {}), row["delivery_area"])
            loaded[row["id"]] = (case, CLIENT.load(row["client"]))
    if faults:
        raise InvalidRequest(faults=faults)
    added = store.add_assignments(
        tx, tenant.id, ((case, client, AssignmentState.IN_ASSESSMENT) for case, client in loaded.values())
    )
    for name in sorted(added):
        _tell_of(tx, tenant.id, name, loaded[name][0])
    return len(added)


#: What a provider may state: its answer, its work with the client, and what became of it. Everything else is the
#: municipality's: its decisions, and what it knows of the client from elsewhere. A new kind is so until it stands here.
BY_PROVIDER = frozenset(
    {
        FactKind.ACCEPTED,
        FactKind.DECLINED,
        FactKind.STARTED,
        FactKind.MAPPING_DONE,
        FactKind.PLAN_DONE,
        FactKind.STUDY_GUIDANCE,
        FactKind.WORK_GUIDANCE,
        FactKind.CONTACT,
        FactKind.JOBS_APPLIED,
        FactKind.JOB_SEARCH_RESTRICTED,
        FactKind.ACTIVITY_PLANNED,
        FactKind.ACTIVITY_HELD,
        FactKind.ACTIVITY_ENDED,
        FactKind.GROUP_ATTENDANCE,
        FactKind.PLACEMENT_STEP,
        FactKind.PLACEMENT_STARTED,
        FactKind.PLACEMENT_ENDED,
        FactKind.ADAPTATION_AGREED,
        FactKind.AGREEMENT_SERVED,
        FactKind.OFFER_MADE,
        FactKind.OFFER_DECLINED,
        FactKind.INTEREST_EXPRESSED,
        FactKind.HOURS_REPORTED,
        FactKind.OBSTACLE_FOUND,
        FactKind.GUIDE_NOTIFIED,
        FactKind.MEETING_BOOKED,
        FactKind.MEETING_HELD,
        FactKind.MEETING_MISSED,
        FactKind.MONTHLY_REPORT,
        FactKind.BIP_ASSESSED,
        FactKind.SUBSIDY_STEP,
        FactKind.REPRESENTED,
        FactKind.CHECK_IN,
        FactKind.PROGRESS_STEP,
        FactKind.OTHER_ACTOR,
        FactKind.CONSENT_GIVEN,
        FactKind.CONSENT_WITHDRAWN,
        FactKind.COORDINATOR_REQUESTED,
        FactKind.ABSENCE_REPORTED,
        FactKind.WAITING_FOR_AF,
        FactKind.AF_ANSWERED,
        FactKind.BENEFIT_BASIS,
        FactKind.NOTE,
        FactKind.TRIAL_CALCULATED,
        FactKind.EXITED,
        FactKind.PREMIUM_FOLLOW_UP,
        FactKind.BROKE_OFF,
        FactKind.WORKPLACE_CHANGED,
        FactKind.BONUS_CLAIMED,
    }
)


def require_access(tx: Tx, tenant: Tenant, caller: Caller, given: Iterable[tuple[str, Fact]]) -> None:
    """A provider states what is its to state, in its own name, about assignments that it is, or is asked to be, in
    charge of; about one that has passed to another, what was before that day. Raises Forbidden.
    """
    if caller.provider is None:
        return
    facts = list(given)
    records = store.load_records(tx, tenant.id, sorted({assignment for assignment, _ in facts}))
    for name, fact in facts:
        until = sees_until(records[name], tenant, caller.provider) if name in records else date.min
        # the bonus of an earlier exit may be claimed when the client has long gone to another (AMB-24)
        if until == date.min or (fact.on >= until and fact.kind is not FactKind.BONUS_CLAIMED):
            caller.require(None)
        if fact.kind not in BY_PROVIDER:
            raise Forbidden(f"A provider may not state the fact {fact.kind}.", code="FACT_NOT_ALLOWED")
        if fact.get("provider") not in (None, caller.provider):
            raise Forbidden("A provider speaks for itself only.", code="OTHER_PROVIDER")
        if fact.kind is FactKind.BONUS_CLAIMED:
            theirs = [other for named, other in facts if named == name and other.kind is not FactKind.BONUS_CLAIMED]
            _require_own_exit(records[name], tenant, caller.provider, fact, theirs)


@rule("AMI-9-a", "AMI-10.1-d")
def _require_own_exit(record: Record, tenant: Tenant, provider: str, claim: Fact, also: Iterable[Fact]) -> None:
    """A provider claims the bonus of an exit that happened in its charge. Raises Forbidden for another's.

    A claim that belongs to no exit, because it comes too early say, is judged like any other fact.
    """
    held = [stated.fact for stated in record.stated.values() if stated.in_effect]
    timeline = Timeline(record.case.having([*held, *also, claim]), tenant.settings)
    owners = {one.provider for one in timeline.exits if claim in timeline.claims(one)}
    if owners and provider not in owners:
        raise Forbidden("The exit happened in another provider's charge.", code="NOT_YOUR_EXIT", rules=("AMI-9-a",))


def state(tx: Tx, tenant: Tenant, assignment: str, caller: Caller) -> dict[str, Any]:
    """Where an assignment stands, with every fact and whether it counts. Raises NotFound, Forbidden.

    A provider from which it has passed to another is shown where it stood on the day before.
    """
    record, today = seen_by(tx, tenant, assignment, caller)
    case = record.case.having(stated.fact for stated in record.stated.values() if stated.in_effect)
    provider = Timeline(case, tenant.settings).provider_on(today)
    return {
        "assignment": assignment,
        "programme": case.programme,
        "delivery_area": case.delivery_area,
        "state": record.state,
        "provider": provider,
        "groups": record.groups,
        "facts": [
            {
                "id": stated.fact.id,
                "fact": stated.fact.kind,
                "on": stated.fact.on,
                "known_on": stated.fact.known_on,
                "place": stated.fact.place,
                "in_effect": stated.in_effect,
                "code": stated.findings[0].code if stated.findings else None,
                "rules": [rule for finding in stated.findings for rule in finding.rules],
            }
            for stated in sorted(record.stated.values(), key=lambda one: one.fact.order)
        ],
    }


def seen_by(tx: Tx, tenant: Tenant, assignment: str, caller: Caller) -> tuple[Record, date]:
    """An assignment as the caller may see it, and the day as of which. Raises NotFound, Forbidden.

    A provider from which it has passed to another sees the facts from before that day, and where it stood then.
    """
    record, today = one(tx, tenant, assignment), tenant.business_date or date.max
    if caller.provider is None:
        return record, today
    until = sees_until(record, tenant, caller.provider)
    if until == date.min:
        caller.require(None)
    if until < date.max:
        today = min(until - timedelta(days=1), today)
        record.stated = {key: stated for key, stated in record.stated.items() if stated.fact.on < until}
        facts = record.case.having(stated.fact for stated in record.stated.values())
        record.state = judge(facts, record.client, replace(tenant, business_date=today)).state
    return record, today


def explain(tx: Tx, tenant: Tenant, assignment: str) -> list[dict[str, Any]]:
    """The facts of an assignment in order, each with the judgement on it. Raises NotFound."""
    record = one(tx, tenant, assignment)
    return [
        {
            "on": stated.fact.on.isoformat(),
            "fact": stated.fact.kind.value,
            "known_on": stated.fact.known_on.isoformat(),
            "fields": _without_texts(stated.fact),
            "in_effect": stated.in_effect,
            "findings": [finding.as_json() for finding in stated.findings],
        }
        for stated in sorted(record.stated.values(), key=lambda one: one.fact.order)
    ]


def _without_texts(fact: Fact) -> dict[str, Any]:
    texts = FREE_TEXT.get(fact.kind, ())
    return {name: value for name, value in dump_fields(fact).items() if name not in texts}


def several(tx: Tx, tenant: Tenant, assignments: Sequence[str]) -> dict[str, Record]:
    """The records of those assignments that exist."""
    return store.load_records(tx, tenant.id, assignments)


def one(tx: Tx, tenant: Tenant, assignment: str) -> Record:
    """The record of an assignment. Raises NotFound."""
    records = several(tx, tenant, [assignment])
    if assignment not in records:
        raise NotFound(f"There is no assignment {assignment}.")
    return records[assignment]


def sees_until(record: Record, tenant: Tenant, provider: str) -> date:
    """The first day of which the provider may know nothing: date.max while it is in charge or is asked to be, the day
    on which the assignment passed to another, date.min if it never had it.
    """
    case = record.case.having(stated.fact for stated in record.stated.values() if stated.in_effect)
    timeline = Timeline(case, tenant.settings)
    charges, asked = timeline.charges, timeline.asked
    is_asked = asked is not None and asked["provider"] == provider and (not charges or asked.on >= charges[-1][0])
    if is_asked or (charges and charges[-1][1] == provider):
        return date.max
    return next((after[0] for one, after in reversed([*pairwise(charges)]) if one[1] == provider), date.min)
