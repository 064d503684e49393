"""Notices about the exit and what follows it: evidence, premium, break-off, resumption, bonus, corrections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from kundval_contracts.answer import Notice, Posting, money
from kundval_contracts.codes import (
    BenefitScope,
    DecisionAbout,
    Document,
    ExitKind,
    FactKind,
    NoticeKind,
    ObligationKind,
    ObligationState,
    Offer,
    Programme,
    Role,
)
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Exit

from .context import Context

K = NoticeKind
CLIENT, PROVIDER, GUIDE = Role.CLIENT, Role.PROVIDER, Role.CAREER_GUIDE


def exits(context: Context) -> Iterator[Notice]:
    """An exit goes to the career guide, with what is missing beside it (SM-A19, readings 21 and 22)."""
    for one in context.timeline.exits:
        yield context.told(
            one.fact,
            K.EXIT_REPORTED,
            GUIDE,
            "SM-A19",
            day=one.on,
            exit=one.kind.value,
            first_day=one.first_day,
        )
        yield from _advice(context, one)
        yield from _guidance(context, one)
        yield from _evidence(context, one)
        yield from _to_a_person(context, one)


@rule("AMI-9.1.1-a", "AMI-9.3.5-a", "AMI-9.3-b", "AMI-9.3.6-b")
def _advice(context: Context, one: Exit) -> Iterator[Notice]:
    """Advice on an economic margin where part time or the household supports; a trial calculation before studies."""
    fact, family = one.fact, one.rule.family
    by_household = fact.get("household_support", False) or fact.get("household_income_support", False)
    wanted = one.rule.margin_advice or (family in ("WORK", "STUDY") and by_household)
    if wanted and not fact.get("margin_advice", False):
        rules = "AMI-9.3.5-a" if family == "STUDY" else "AMI-9.1.1-a"
        for to in (GUIDE, PROVIDER):
            yield context.told(fact, K.MARGIN_ADVICE_MISSING, to, rules, exit=one.kind.value)
    waived = one.kind is ExitKind.STUDY_START_SUPPORT_FULL_TIME
    if family == "STUDY" and not waived and Document.TRIAL_CALCULATION not in fact.get("documents", ()):
        yield context.told(fact, K.TRIAL_CALCULATION_ADVISED, PROVIDER, "AMI-9.3-b", "AMI-9.3.6-b", exit=one.kind.value)


@rule("AMI-4.1-a", "AMI-4.2-a", "AMI-8-a")
def _guidance(context: Context, one: Exit) -> Iterator[Notice]:
    """Work and study guidance for everybody, in AMI 2 a place offered: what is not on record at the exit."""
    if not any(context.of(FactKind.WORK_GUIDANCE, until=one.on)):
        yield context.told(one.fact, K.WORK_GUIDANCE_MISSING, GUIDE, "AMI-4.1-a")
    if not any(context.of(FactKind.STUDY_GUIDANCE, until=one.on)):
        yield context.told(one.fact, K.STUDY_GUIDANCE_MISSING, GUIDE, "AMI-4.2-a")
    offered = any(context.of(FactKind.PLACEMENT_STARTED, until=one.on)) or any(
        fact["offer"] is not Offer.WORK for fact in context.of(FactKind.OFFER_DECLINED, until=one.on)
    )
    if context.case.programme is Programme.AMI_2 and not offered:
        yield context.told(one.fact, K.PLACEMENT_NOT_OFFERED, GUIDE, "AMI-8-a")


@rule("AMI-9.2-b", "AMI-9-h")
def _evidence(context: Context, one: Exit) -> Iterator[Notice]:
    """Documents of matrix 2.10 that the exit of a qualifying kind did not bring; premium and bonus wait for them."""
    if not context.timeline.leads_to_money(one):
        return
    missing = _missing(context, one, one.fact.get("documents", ()))
    if missing:
        rules = "AMI-9-h" if one.rule.family == "STUDY" else "AMI-9.2-b"
        yield context.told(one.fact, K.DOCUMENTS_MISSING, PROVIDER, rules, documents=missing)


def _missing(context: Context, one: Exit, have: Iterable[Document]) -> str:
    """Codes of what is missing, in the order of the code list, with commas between."""
    lacking = one.rule.documents - set(have)
    by_setting = one.rule.family == "WORK" and context.settings["evidence.work.required"] == "EITHER"
    if (one.rule.any_document or by_setting) and len(lacking) < len(one.rule.documents):
        return ""
    return ", ".join(document.value for document in Document if document in lacking)


@rule("AMI-7-b", "AMI-10.2-b", "AMI-9.3.4-a", "AMI-10.2-g")
def _to_a_person(context: Context, one: Exit) -> Iterator[Notice]:
    """What a person decides: the two readings of AMI 1's length, own business, half-time studies, work after a gap."""
    timeline = context.timeline
    if not timeline.qualifies(one).ok:
        return
    if timeline.boundary(one):
        yield context.told(one.fact, K.BOUNDARY_CASE, GUIDE, "AMI-7-b", "AMI-10.2-b", day=one.on)
    if not timeline.in_time(one):
        return
    if context.timeline.needs_approval(one):
        rules = "AMI-10.2-b" if one.kind is ExitKind.OWN_BUSINESS else "AMI-9.3.4-a"
        yield context.told(one.fact, K.DECISION_NEEDED, GUIDE, rules, cause=one.kind.value)
    elif one.first_day > timeline.basis(one):
        yield context.told(one.fact, K.DECISION_NEEDED, GUIDE, "AMI-9-c", cause="GAP_BEFORE_FIRST_DAY")
    elif timeline.programme is Programme.AMI_2 and not timeline.has_ordinary_length:
        yield context.told(one.fact, K.DECISION_NEEDED, GUIDE, "AMI-10.2-g", cause="OTHER_LENGTH")


@rule("AMI-10.1-c")
def premium_follow_ups(context: Context) -> Iterator[Notice]:
    """A follow-up that says the work or studies do not go on (reading 23)."""
    for fact in context.of(FactKind.PREMIUM_FOLLOW_UP):
        if not fact["continues"]:
            yield context.told(fact, K.PREMIUM_FOLLOW_UP_NEGATIVE, GUIDE, "AMI-10.1-c", month=fact["month"])


@rule("AMI-10.1-d", "AMI-10.1-e")
def break_offs(context: Context) -> Iterator[Notice]:
    """A break-off: the career guide without delay; the client may resume while the intervention lasts."""
    end = context.timeline.end
    for fact in context.of(FactKind.BROKE_OFF):
        yield context.told(fact, K.BROKE_OFF, GUIDE, "AMI-10.1-e", day=fact.on)
        if end is not None and fact.known_on < end:
            yield context.told(fact, K.RESUME_OFFER, CLIENT, "AMI-10.1-d")
    for fact in context.of(FactKind.RESUMED):
        for to in (GUIDE, PROVIDER):
            yield context.told(fact, K.RESUMED, to, "AMI-10.1-d", provider=fact["provider"], day=fact.on)


@rule("AMI-10.2-d")
def workplace_changes(context: Context) -> Iterator[Notice]:
    """A change of workplace or studies inside the six months goes to a person (AMB-17)."""
    rules = "AMI-10.2-d" if context.case.programme is Programme.AMI_2 else "AMI-10.2-b"
    for fact in context.of(FactKind.WORKPLACE_CHANGED):
        one = context.timeline.exit_before(fact.on)
        if one is not None and context.timeline.leads_to_money(one) and fact.on < context.timeline.window(one).end:
            yield context.told(fact, K.WORKPLACE_CHANGED, GUIDE, rules, day=fact.on, gap_days=fact["gap_days"])


@rule("AMI-9-d", "AMI-9.3.6-a")
def assistance(context: Context) -> Iterator[Notice]:
    """Assistance paid inside the six months stops the bonus: only the career guide hears of it (SM-A26)."""
    for one in context.timeline.exits:
        rules = ("AMI-9-d", "AMI-9.3.6-a") if one.rule.family == "STUDY" else ("AMI-9-d",)
        for fact in _blocking(context, one):
            yield context.notice(
                K.ASSISTANCE_PAID,
                GUIDE,
                max(fact.known_on, one.fact.known_on),
                rules,
                fact.place + 1,
                start=fact["from"],
                end=fact["to"],
            )


def _blocking(context: Context, one: Exit) -> list[Fact]:
    """The payments of assistance that count against this exit (AMB-20, AMB-21)."""
    if not context.timeline.leads_to_money(one):
        return []
    scope = one.rule.eb_scope
    if scope is None and not context.settings["studiestartsstod.waive_eb_test"]:
        scope = "HOUSEHOLD"
    if scope is None:
        return []
    client_only = scope == "CLIENT" and context.settings["eb_test.work_scope"] == "CLIENT_ONLY"
    window = context.timeline.window(one)
    return [
        fact
        for fact in context.of(FactKind.EB_PAID)
        if fact["from"] < window.end
        and fact["to"] > window.start
        and not (client_only and fact["scope"] is not BenefitScope.CLIENT)
    ]


@rule("AMI-9-b", "AMI-10.2-c")
def bonus(context: Context) -> Iterator[Notice]:
    """From the settle date the provider may claim; a claim goes to the career guide, gaps in it back (SM-B4 to B7)."""
    rules = "AMI-10.2-b" if context.case.programme is Programme.AMI_1 else "AMI-10.2-c"
    standing = [
        row
        for row in context.obligations
        if row.kind is ObligationKind.BONUS_CLAIM and row.state is not ObligationState.CANCELLED
    ]
    told = False
    for one in context.timeline.exits:
        if not context.timeline.leads_to_money(one):
            continue
        settle = context.timeline.window(one).end
        forfeited = context.timeline.broke_off_before_settle(one) or bool(_blocking(context, one))
        if standing and not forfeited and not told:
            told = True
            yield context.notice(
                K.BONUS_CLAIMABLE,
                PROVIDER,
                max(settle, one.fact.known_on),
                ("AMI-9-b", rules),
                one.fact.place + 1,
                one.provider,
                day=settle,
            )
        have = set(one.fact.get("documents", ()))
        for claim in context.timeline.claims(one):
            yield context.told(claim, K.BONUS_CLAIMED, GUIDE, rules, day=claim.on)
            have |= set(claim.get("documents", ()))
            missing = _missing(context, one, have)
            covered = context.timeline.hourly_covered_on(one)
            hourly = one.kind is ExitKind.WORK_HOURLY_FULL_TIME and (covered is None or covered > claim.on)
            if hourly and Document.EMPLOYMENT_CONTRACT.value not in missing:
                missing = ", ".join(filter(None, (missing, Document.EMPLOYMENT_CONTRACT.value)))
            if missing:
                yield context.told(
                    claim,
                    K.SUPPLEMENT_REQUESTED,
                    PROVIDER,
                    "AMI-9-g" if hourly else "AMI-9.2-b",
                    provider=one.provider,
                    documents=missing,
                )
    for fact in context.of(FactKind.MANUAL_DECISION):
        if fact["about"] in (DecisionAbout.BONUS, DecisionAbout.BOUNDARY):
            latest = _latest_exit(context, fact)
            yield context.told(
                fact,
                K.BONUS_DECIDED,
                PROVIDER,
                "AMI-10.2-a",
                provider=latest.provider if latest else None,
                answer="YES" if fact["approved"] else "NO",
            )


def corrections(context: Context) -> Iterator[Notice]:
    """What a payment run took back of earlier payments: one notice for a run and provider (SM-P4, SM-P11)."""
    taken: dict[tuple[date, str], list[Posting]] = defaultdict(list)
    for row in context.postings:
        if row.reverses is not None:
            taken[row.run, row.provider].append(row)
    for (run, provider), rows in sorted(taken.items()):
        # counted within the run, so that later runs change nothing of it
        providers = sorted(name for day, name in taken if day == run)
        amount = sum((row.amount for row in rows), Decimal(0))
        yield context.notice(
            K.PAYMENT_CORRECTED,
            PROVIDER,
            run,
            ("SM-P4",),
            providers.index(provider) + 1,
            provider,
            day=run,
            amount=money(amount),
        )


def _latest_exit(context: Context, fact: Fact) -> Exit | None:
    return next((one for one in reversed(context.timeline.exits) if one.on <= fact.on), None)
