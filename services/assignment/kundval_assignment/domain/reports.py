"""Reports (rulebook 8.3): which are expected, where each stands, and what a submission must hold.

`expected(case, settings, day)` reads off the facts which reports there should be on a day: EXPECTED and OVERDUE are
nowhere stored. `standing` joins that with what has been saved. `move` is the table of 8.3; the guards are `lacks` (of
a submission) and `undecided_deviation` (of an approval). A report that is late, or missing, stops nothing (GAP-16):
what it means for money is billing's answer (AMB-32).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from kundval_contracts.calendar import Period, add_days, add_months
from kundval_contracts.case import Case, Plan
from kundval_contracts.codes import (
    DecisionAbout,
    Document,
    DocumentCode,
    FactKind,
    Programme,
    ReferralSource,
    ReportKind,
    ReportState,
    SubsidyStepKind,
)
from kundval_contracts.exits import EXITS
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule
from kundval_contracts.settings import RuleSettings
from kundval_contracts.timeline import Exit, Timeline

from .base import described_plan

K, S = ReportKind, ReportState


class Key(NamedTuple):
    """Which report of an assignment: month, run, exit, referral or follow-up, by kind; `part` of several for one."""

    kind: ReportKind
    sequence: int
    part: int = 1


@dataclass(frozen=True, slots=True)
class Expected:
    """A report that the facts ask for. `provider`: who writes it, None: the municipality. `due` None: no day is set.

    `period` is what it is about. `met_by` is the fact that has brought it, on `met_on`. `about`: of a subsidy its id.
    """

    key: Key
    provider: str | None
    opens_on: date
    due: date | None
    rules: tuple[str, ...]
    period: Period | None = None
    met_by: str | None = None
    met_on: date | None = None
    about: str | None = None

    def late_on(self, day: date) -> bool:
        """True if it is not in and its day has passed: a deadline runs to the end of its day."""
        return self.met_by is None and self.due is not None and day > self.due

    @property
    def late_from(self) -> date | None:
        return add_days(self.due, 1) if self.due is not None and self.met_by is None else None


@dataclass(frozen=True, slots=True)
class Saved:
    """What is stored of a report: its state (DRAFT, SUBMITTED, RETURNED or APPROVED) and who wrote it."""

    key: Key
    state: ReportState
    provider: str | None
    version: int = 0
    fact: str | None = None
    submitted_on: date | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a report stands on a day: `expected` None if the facts ask for it no longer."""

    key: Key
    state: ReportState
    provider: str | None
    expected: Expected | None
    saved: Saved | None
    overdue: bool


# --- what is expected ----------------------------------------------------------------------------------


def expected(case: Case, settings: RuleSettings, day: date) -> tuple[Expected, ...]:
    """The reports that are in or should be, on `day`: listed as their period opens (SM-R1).

    `case` holds facts in effect; what became known after `day` is not looked at.
    """
    return outlook(case, settings, day)[0]


def outlook(case: Case, settings: RuleSettings, day: date | None) -> tuple[tuple[Expected, ...], date | None]:
    """`expected`, and the first later day on which a report may be overdue that is not so on `day`, or None.

    That is a due day that follows from what is known, or the day on which something more becomes known. Before there
    is a business date (`day` None) nothing is expected, and all is taken as known: the first one is later than that.
    """
    today = day or date.min
    rows = tuple(_plan(case if day is None else case.known_by(day), settings, today))
    later = [row.late_from for row in rows]
    if day is not None:
        later += [fact.known_on for fact in case.facts]
    again = min((one for one in later if one is not None and one > today), default=None)
    return tuple(row for row in rows if row.opens_on <= today), again


def _plan(case: Case, settings: RuleSettings, day: date) -> Iterator[Expected]:
    """Everything that is expected by `day`, and what will have a due day later on."""
    timeline = Timeline(case, settings)
    if case.programme.is_ami and timeline.started_on is not None and timeline.end is not None:
        yield from _monthly(timeline, day)
        yield from _final(timeline)
        yield from _premium(timeline)
        yield from _certificates(timeline)
    yield from _replies(case)
    yield from _subsidies(case, settings)


class _Run(NamedTuple):
    start: date
    exit: Exit | None


def _runs(timeline: Timeline) -> list[_Run]:
    """The stretches of the intervention, from S or a resumption, each with its exit if there is one."""
    found: list[_Run] = []
    start = timeline.started_on
    for one in timeline.exits:
        if start is None:
            break
        found.append(_Run(start, one))
        start = one.resumed.on if one.resumed else None
    return [*found, _Run(start, None)] if start is not None else found


@rule("AMI-8.1-c")
def _monthly(timeline: Timeline, day: date) -> Iterator[Expected]:
    """AMI 2: one for every active month; the month of the exit has the final report. Due if a day is set (GAP-02)."""
    if timeline.programme is not Programme.AMI_2 or timeline.end is None:
        return
    due_day, runs = timeline.settings["monthly_report.due_day"], _runs(timeline)
    reports = timeline.case.of(FactKind.MONTHLY_REPORT)
    stated = {fact["month"]: fact for fact in reversed(reports)}  # the first one of a month
    for number in range(1, timeline.month_count(timeline.end) + 1):
        whole = timeline.month(number)
        if whole.start > day and not due_day:
            return
        period = Period(whole.start, min(whole.end, timeline.end))
        within = [run for run in runs if run.start < period.end and (run.exit is None or run.exit.on >= period.start)]
        if not within:
            continue
        met = stated.get(number)
        ended = within[-1].exit
        if ended is not None and ended.on <= period.last_day and (met is None or met.on > ended.on):
            continue
        yield Expected(
            Key(K.MONTHLY, number),
            timeline.provider_on(period.last_day),
            max(period.start, within[0].start),
            add_days(period.last_day, due_day) if due_day else None,
            ("AMI-8.1-c",),
            period,
            *_met(met),
        )


def _met(fact: Fact | None) -> tuple[str | None, date | None]:
    return (fact.id, fact.on) if fact is not None else (None, None)


@rule("AMI-8.2-c")
def _final(timeline: Timeline) -> Iterator[Expected]:
    """One for each run: by the last covered day (month 12), or with an earlier exit."""
    last = timeline.last_covered_day
    if last is None:
        return
    rules = ("AMI-8.2-c",) if timeline.programme is Programme.AMI_2 else ("AMI-9.2-b",)
    for number, run in enumerate(_runs(timeline), 1):
        ended = run.exit
        yield Expected(
            Key(K.FINAL, number),
            timeline.provider_on(ended.on if ended else last),
            run.start,
            min(last, ended.on) if ended else last,
            rules,
            Period(run.start, max(run.start, add_days(ended.on if ended else last, 1))),
            *_met(_final_fact(timeline, ended) if ended else None),
        )


def _final_fact(timeline: Timeline, one: Exit) -> Fact | None:
    """The fact that brought the final report: the exit with it, or a claim later on."""
    if Document.FINAL_REPORT in one.fact.get("documents", ()):
        return one.fact
    until = one.resumed.on if one.resumed else date.max
    claims = (fact for fact in timeline.case.of(FactKind.BONUS_CLAIMED) if one.on <= fact.on <= until)
    return next((fact for fact in claims if Document.FINAL_REPORT in fact.get("documents", ())), None)


@rule("AMI-10.1-c")
def _premium(timeline: Timeline) -> Iterator[Expected]:
    """One before each payment of a premium month, or as many as the municipality asks for (AMI-10.1-b, AMB-44).

    The next of a month comes up when the one before it is in. A break-off takes away the months that it falls in or
    precedes. A month stays open however late it is: whether it is still paid is billing's answer (AMB-32).
    """
    last, wanted = timeline.last_covered_day, timeline.settings["premium.followups_per_month"]
    if last is None or timeline.end is None:
        return
    for one in timeline.exits:
        if not timeline.leads_to_money(one):
            continue
        stopped = one.break_off.on if one.break_off else _refused(timeline, one)
        first = timeline.month_of(timeline.basis(one)) + 1
        for number in range(first, timeline.month_count(timeline.end) + 1):
            period = timeline.month(number)
            due = min(period.last_day, last)
            facts = timeline.case.of(FactKind.PREMIUM_FOLLOW_UP)
            reports = [fact for fact in facts if fact["month"] == number and fact.on >= one.on]
            for part in range(1, min(wanted, len(reports) + 1) + 1):
                met = reports[part - 1] if part <= len(reports) else None
                if stopped is not None and due >= stopped and (met is None or met.on > stopped):
                    continue
                yield Expected(
                    Key(K.PREMIUM_FOLLOWUP, number, part),
                    one.provider,
                    period.start,
                    due,
                    ("AMI-10.1-c",),
                    Period(period.start, min(period.end, timeline.end)),
                    *_met(met),
                )


def _refused(timeline: Timeline, one: Exit) -> date | None:
    """The day on which a person refused what needs approval, or None."""
    decision = timeline.decision_for(one, DecisionAbout.BONUS) if timeline.needs_approval(one) else None
    return decision.on if decision is not None and not decision["approved"] else None


@rule("AMI-10.2-c")
def _certificates(timeline: Timeline) -> Iterator[Expected]:
    """From the settle date of an exit on, that the client is still self-supporting; numbered by exits.

    There is one bonus: an exit that is forfeited, or after which another has been claimed, asks for none.
    """
    months = timeline.settings["bonus.claim_deadline_months"]
    claimed = {number: timeline.claims(one) for number, one in enumerate(timeline.exits, 1)}
    for number, one in enumerate(timeline.exits, 1):
        others = any(claims for other, claims in claimed.items() if other != number)
        if not timeline.leads_to_money(one) or (not claimed[number] and (others or _forfeited(timeline, one))):
            continue
        settle = timeline.window(one).end
        yield Expected(
            Key(K.SIX_MONTH_CERTIFICATE, number),
            one.provider,
            settle,
            add_months(settle, months) if months else None,
            ("AMI-10.2-c",),
            timeline.window(one),
            *_met(next(iter(claimed[number]), None)),
        )


def _forfeited(timeline: Timeline, one: Exit) -> bool:
    key = "ami1.employer_change" if timeline.programme is Programme.AMI_1 else "ami2.employer_change"
    window, workplace = timeline.window(one), one.fact.get("workplace")
    for fact in timeline.case.of(FactKind.WORKPLACE_CHANGED):
        moved = fact["workplace"] != workplace
        if fact.on in window and (fact["gap_days"] > 0 or (moved and timeline.settings[key] == "FORFEIT")):
            return True
        workplace = fact["workplace"]
    return timeline.broke_off_before_settle(one) or _refused(timeline, one) is not None


#: Authorities whose assignments are limited in time and ask something (LOKA-5).
_COMMISSIONERS = frozenset({ReferralSource.AF, ReferralSource.AF_JOB, ReferralSource.FK})


@rule("LOKA-5")
def _replies(case: Case) -> Iterator[Expected]:
    """The commissioner's question is answered by the end of its assignment, by the municipality."""
    referrals = [fact for fact in case.of(FactKind.REFERRED) if fact["source"] in _COMMISSIONERS]
    replies = case.of(FactKind.COMMISSIONER_REPLIED)
    for number, fact in enumerate(referrals, 1):
        later = referrals[number].order if number < len(referrals) else (date.max, 2**31)
        met = next((one for one in replies if fact.order < one.order < later), None)
        key = Key(K.COMMISSIONER_REPLY, number)
        yield Expected(key, None, fact.on, fact.get("commission_end"), ("LOKA-5",), None, *_met(met))


@rule("LOKA-37")
def _subsidies(case: Case, settings: RuleSettings) -> Iterator[Expected]:
    """Each follow-up during a subsidised employment is reported to the employment service.

    Numbered by the place of the follow-up among the facts, which stays when another becomes known late.
    """
    days = settings["subsidy_report.due_days"]
    steps: dict[str, list[Fact]] = {}
    for fact in case.of(FactKind.SUBSIDY_STEP):
        steps.setdefault(fact["subsidy"], []).append(fact)
    for subsidy, facts in sorted(steps.items()):
        reported = [fact for fact in facts if fact["step"] is SubsidyStepKind.REPORTED_TO_AF]
        for place, fact in enumerate(one for one in facts if one["step"] is SubsidyStepKind.FOLLOWED_UP):
            yield Expected(
                Key(K.SUBSIDY_FOLLOWUP, fact.place + 1),
                None,
                fact.on,
                add_days(fact.on, days) if days else None,
                ("LOKA-37",),
                None,
                *_met(reported[place] if place < len(reported) else None),
                about=subsidy,
            )


# --- where it stands -----------------------------------------------------------------------------------


class Trigger(StrEnum):
    """What happens to a report. DUE_PASSED is time; the others are done by people."""

    SAVE = "SAVE"
    SUBMIT = "SUBMIT"
    DUE_PASSED = "DUE_PASSED"
    RETURN = "RETURN"
    APPROVE = "APPROVE"


#: The table of rulebook 8.3. SM-R1 (nothing -> EXPECTED) is `expected`. What is not here is refused.
MOVES: Mapping[tuple[ReportState, Trigger], ReportState] = MappingProxyType(
    {
        (S.EXPECTED, Trigger.SAVE): S.DRAFT,  # SM-R2
        (S.DRAFT, Trigger.SAVE): S.DRAFT,
        (S.OVERDUE, Trigger.SAVE): S.DRAFT,  # shown as OVERDUE until it is in
        (S.RETURNED, Trigger.SAVE): S.DRAFT,  # SM-R5: it is a draft again
        (S.DRAFT, Trigger.SUBMIT): S.SUBMITTED,  # SM-R3
        (S.OVERDUE, Trigger.SUBMIT): S.SUBMITTED,  # late, but in
        (S.EXPECTED, Trigger.DUE_PASSED): S.OVERDUE,  # SM-R4
        (S.DRAFT, Trigger.DUE_PASSED): S.OVERDUE,
        (S.SUBMITTED, Trigger.RETURN): S.RETURNED,  # SM-R5
        (S.SUBMITTED, Trigger.APPROVE): S.APPROVED,  # SM-R6
    }
)
#: The row of the table that a trigger belongs to, for the error.
ROWS: Mapping[Trigger, str] = MappingProxyType(
    {
        Trigger.SAVE: "SM-R2",
        Trigger.SUBMIT: "SM-R3",
        Trigger.DUE_PASSED: "SM-R4",
        Trigger.RETURN: "SM-R5",
        Trigger.APPROVE: "SM-R6",
    }
)


def move(state: ReportState, trigger: Trigger) -> ReportState | None:
    """The state after, or None: not from here."""
    return MOVES.get((state, trigger))


def standing(rows: Iterable[Expected], saved: Iterable[Saved], day: date) -> tuple[Standing, ...]:
    """Every report of an assignment, by kind in the order of the code list, sequence and part.

    The draft of a provider that no longer has to write the report is nobody's any more: another starts anew.
    """
    wanted = {row.key: row for row in rows}
    stored = {one.key: one for one in saved}
    keys = sorted(wanted.keys() | stored.keys(), key=lambda key: (_ORDER[key.kind], key.sequence, key.part))
    return tuple(_stands(key, wanted.get(key), stored.get(key), day) for key in keys)


_ORDER = {kind: place for place, kind in enumerate(ReportKind)}


def _stands(key: Key, row: Expected | None, one: Saved | None, day: date) -> Standing:
    if one is not None and one.version == 0 and row is not None and one.provider != row.provider:
        one = None
    in_already = one is not None and one.state in (S.SUBMITTED, S.APPROVED)
    late = not in_already and row is not None and row.late_on(day)
    state: ReportState
    if one is not None and one.state in (S.SUBMITTED, S.APPROVED, S.RETURNED):
        state = one.state
    elif row is not None and row.met_by is not None:
        # stated without a report; a draft of one comes too late
        state = S.SUBMITTED
    else:
        before = S.EXPECTED if one is None else one.state
        state = MOVES[before, Trigger.DUE_PASSED] if late else before
    provider = one.provider if one is not None else row.provider if row is not None else None
    return Standing(key, state, provider, row, one, late)


# --- what a submission must hold -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing, at which field, by which rules. No message quotes what was written."""

    path: str
    message: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be submitted: contents in native types, and the codes of the attached documents."""

    contents: Mapping[str, Any]
    attached: frozenset[DocumentCode] = field(default_factory=frozenset)


@rule("AMI-8.1-d", "AMI-6.3.1-d", "AMI-9.2-b", "AMI-9-h")
def lacks(row: Expected, what: Submission, case: Case, settings: RuleSettings, day: date) -> tuple[Lack, ...]:
    """Everything that keeps the report from being submitted on `day` (guard of SM-R3); empty if nothing does."""
    check = {
        K.MONTHLY: _monthly_lacks,
        K.PREMIUM_FOLLOWUP: _premium_lacks,
        K.FINAL: _final_lacks,
        K.SIX_MONTH_CERTIFICATE: _certificate_lacks,
        K.COMMISSIONER_REPLY: lambda *_: _asked(what, "answer", "the answer to the commissioner", "LOKA-5"),
        K.SUBSIDY_FOLLOWUP: lambda *_: _asked(what, "summary", "what the follow-up showed", "LOKA-37"),
    }[row.key.kind]
    return tuple(check(row, what, Timeline(case, settings), day))


def _asked(what: Submission, name: str, words: str, *rules: str) -> Iterator[Lack]:
    value = what.contents.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        yield Lack(f"contents.{name}", f"the report says {words}", rules)


def _monthly_lacks(row: Expected, what: Submission, timeline: Timeline, day: date) -> Iterator[Lack]:
    """Progression; the extent and, below the plan, the reason; a tripartite agreement that was changed in the month."""
    assert row.period is not None
    yield from _asked(what, "progression", "how the client has come forward", "AMI-8.1-c")
    planned = planned_extent(timeline.case, row.period.start)
    if planned is not None:
        yield from _asked(what, "extent_pct", "to what extent the client took part", "AMI-8.1-d")
    if deviates(what.contents, planned):
        yield from _asked(what, "deviation_reason", "why the plan is not kept", "AMI-8.1-d")
    changes = any(change in row.period for change in agreement_changes(timeline.case))
    if changes and DocumentCode.TRIPARTITE_AGREEMENT not in what.attached:
        message = f"needs a document {DocumentCode.TRIPARTITE_AGREEMENT}: the agreement was changed in the month"
        yield Lack("attachments", message, ("AMI-6.3.1-d",))


def planned_extent(case: Case, day: date) -> int | None:
    """The extent, per cent, that the assignment description or the step-up plan says for the month from `day` on."""
    plan: Plan = described_plan(case.facts) or case.plan
    if case.programme is not Programme.AMI_2 or plan.extent_pct is None:
        return None
    return [plan.extent_pct, *(step.extent_pct for step in plan.step_up if step.start <= day)][-1]


def deviates(contents: Mapping[str, Any], planned: int | None) -> bool:
    """True if a monthly report tells of a deviation: by its extent, or in words."""
    extent = contents.get("extent_pct")
    return bool(contents.get("deviation_reason")) or (planned is not None and extent is not None and extent < planned)


def agreement_changes(case: Case) -> tuple[date, ...]:
    """Days on which a tripartite agreement in force was told anew with other hours or contents."""
    agreements: dict[str | None, Fact] = {}
    days: list[date] = []
    for fact in case.facts:
        workplace = fact.get("workplace")
        if fact.kind is FactKind.PLACEMENT_STARTED:
            before = agreements.get(workplace)
            if before is not None and any(
                before.get(name) != fact.get(name) for name in ("hours_per_week", "agreement")
            ):
                days.append(fact.on)
            agreements[workplace] = fact
        elif fact.kind is FactKind.EXITED or (fact.kind is FactKind.PLACEMENT_ENDED and workplace is None):
            agreements.clear()
        elif fact.kind is FactKind.PLACEMENT_ENDED:
            agreements.pop(workplace, None)
    return tuple(days)


def _premium_lacks(row: Expected, what: Submission, timeline: Timeline, day: date) -> Iterator[Lack]:
    yield from _asked(what, "continues", "whether work, studies or business go on", "AMI-10.1-c")


@rule("AMI-9.2-b", "AMI-9-f", "AMI-9-g", "AMI-9-h", "AMI-9.3.6-b")
def _final_lacks(row: Expected, what: Submission, timeline: Timeline, day: date) -> Iterator[Lack]:
    """The exit and its day; with work and studies the evidence of matrix 2.10 that belongs to the final report.

    A grant or a proof of household income may still come with the claim (reading 4), and so may the proof that hourly
    work lasts six months (AMI-9-g). Before studies it is said whether the household will manage.
    """
    rules = row.rules
    yield from _asked(what, "on", "on which day the intervention ends", *rules)
    yield from _asked(what, "kind", "to what the client goes", *rules)
    on, kind = what.contents.get("on"), what.contents.get("kind")
    if on is not None and on > day:
        yield Lack("contents.on", f"must not be after {day}", rules)
    if kind is None:
        return
    matrix = EXITS[kind]
    if matrix.family == "STUDY":
        yield from _asked(what, "self_support_secured", "whether the household will manage", "AMI-9.3.6-b")
    needed = {DocumentCode(one.value) for one in matrix.documents} & _WITH_FINAL[matrix.family]
    either = matrix.any_document or (
        matrix.family == "WORK" and timeline.settings["evidence.work.required"] == "EITHER"
    )
    if (either and needed & what.attached) or not timeline.programme.is_ami:
        return
    missing = [code for code in DocumentCode if code in needed - what.attached]
    if missing:
        message = f"needs a document {(' or ' if either else ' and ').join(missing)}"
        yield Lack("attachments", message, {"WORK": ("AMI-9.2-b",), "STUDY": ("AMI-9-h",)}[matrix.family])


_WITH_FINAL: Mapping[str, frozenset[DocumentCode]] = MappingProxyType(
    {
        "WORK": frozenset({DocumentCode.EMPLOYMENT_CONTRACT, DocumentCode.EMPLOYMENT_CERTIFICATE}),
        "STUDY": frozenset({DocumentCode.STUDY_CERTIFICATE}),
        "BUSINESS": frozenset(),
        "OTHER": frozenset(),
    }
)


@rule("AMI-10.2-c", "AMI-9-g")
def _certificate_lacks(row: Expected, what: Submission, timeline: Timeline, day: date) -> Iterator[Lack]:
    """Whether the client is still self-supporting; a contract or certificate for the time it is said to cover."""
    yield from _asked(what, "certified", "whether the client is still self-supporting", "AMI-10.2-c")
    shown = what.attached & {DocumentCode.EMPLOYMENT_CONTRACT, DocumentCode.EMPLOYMENT_CERTIFICATE}
    if what.contents.get("covers_until") is not None and not shown:
        message = f"needs a document {DocumentCode.EMPLOYMENT_CONTRACT} or {DocumentCode.EMPLOYMENT_CERTIFICATE}"
        yield Lack("attachments", message, ("AMI-9-g",))


@rule("AMI-8.1-e")
def undecided_deviation(row: Key, contents: Mapping[str, Any], case: Case, settings: RuleSettings) -> bool:
    """True if the career guide has still to decide about an extra meeting before approving (guard of SM-R6)."""
    if row.kind is not K.MONTHLY:
        return False
    timeline = Timeline(case, settings)
    planned = planned_extent(case, timeline.month(row.sequence).start) if timeline.anchor is not None else None
    if not deviates(contents, planned):
        return False
    return not any(fact["month"] == row.sequence for fact in case.of(FactKind.DEVIATION_REVIEWED))


# --- what it states ------------------------------------------------------------------------------------

_NOT_IN_THE_EXIT = frozenset({"on", "self_support_secured", "summary"})


def statement(
    row: Expected, what: Submission, case: Case, settings: RuleSettings, day: date, attachments: tuple[str, ...]
) -> tuple[FactKind, date, dict[str, Any]] | None:
    """The fact that a submission states, as (kind, on, fields); None for a final report of an exit stated already.

    A certificate brings the evidence of such a final report along, so that it counts.
    """
    said, key = what.contents, row.key
    documents = [code for code in Document if DocumentCode(code.value) in what.attached]
    if key.kind is K.MONTHLY:
        fields = {name: said[name] for name in ("extent_pct", "deviation_reason") if said.get(name) is not None}
        return FactKind.MONTHLY_REPORT, day, {"month": key.sequence, "attachments": list(attachments), **fields}
    if key.kind is K.PREMIUM_FOLLOWUP:
        return FactKind.PREMIUM_FOLLOW_UP, day, {"month": key.sequence, "continues": said["continues"]}
    if key.kind is K.FINAL:
        if exit_of(case, settings, key.sequence) is not None:
            return None
        fields = {name: value for name, value in said.items() if name not in _NOT_IN_THE_EXIT and value is not None}
        with_report = [code for code in Document if code in documents or code is Document.FINAL_REPORT]
        return FactKind.EXITED, said["on"], {**fields, "documents": with_report}
    if key.kind is K.SIX_MONTH_CERTIFICATE:
        cover = {"covers_until": said["covers_until"]} if said.get("covers_until") is not None else {}
        return FactKind.BONUS_CLAIMED, day, {"certified": said["certified"], "documents": documents, **cover}
    if key.kind is K.COMMISSIONER_REPLY:
        return FactKind.COMMISSIONER_REPLIED, day, {}
    return FactKind.SUBSIDY_STEP, day, {"subsidy": row.about, "step": SubsidyStepKind.REPORTED_TO_AF}


def exit_of(case: Case, settings: RuleSettings, number: int) -> Fact | None:
    """The exit that ended run `number` (from 1), if it is stated."""
    exits = Timeline(case, settings).exits
    return exits[number - 1].fact if number <= len(exits) else None
