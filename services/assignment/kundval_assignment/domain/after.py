"""After the exit: no resumption, closing, support afterwards; and the checklist before it (SM-A19, A25, A28, A29)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from kundval_contracts.codes import AssignmentState, Document, FactKind, Offer, Programme, RefusalCode
from kundval_contracts.facts import Fact
from kundval_contracts.rules import rule
from kundval_contracts.timeline import Exit

from .base import Effect, Refusal, State, Terms, refuse

_P = AssignmentState
_K = FactKind


@rule("AMI-10.1-d")
def not_resumed(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A25: the client does not come back after a break-off."""
    if state.phase is not _P.BROKEN_OFF:
        return refuse(RefusalCode.NO_BREAK_OFF, "There is no break-off to resume from.", "SM-A25")
    return replace(state, phase=_P.SETTLED)


@rule("LOKA-51")
def support_after_exit(state: State, fact: Fact, terms: Terms) -> State | Refusal:
    """SM-A29: where the municipality supports after the ended intervention."""
    if state.phase is _P.ACTIVE:
        return refuse(RefusalCode.NO_EXIT, "The intervention has not been ended.", "SM-A29")
    if not terms.profile.post_exit_support:
        message = "The municipality gives no support after the exit."
        return refuse(RefusalCode.NO_SUPPORT_AFTER_EXIT, message, "LOKA-51")
    return state


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the checklist before an exit: what, whether it is done, by which rules, and whether it is needed for
    the exit to lead to money (else it is advice).
    """

    what: str
    done: bool
    rules: tuple[str, ...]
    needed: bool = False


@rule("AMI-4.1-a", "AMI-4.2-a", "AMI-8-a", "AMI-9.1.1-a", "AMI-9.3.5-a", "AMI-9.3.6-b", "AMI-9-f", "AMI-9-g", "AMI-9-h")
def exit_checklist(state: State, terms: Terms, planned: Fact) -> tuple[Item, ...]:
    """What should have been done before the exit `planned`, a fact `exited` as it would be stated.

    Nothing on the list stops the exit (reading 52): what is missing is said before, instead of noticed after.
    """
    one = Exit(planned, state.provider or "")
    row, documents = one.rule, frozenset(planned.get("documents", ()))
    items: list[Item] = []
    if terms.case.programme.is_ami:
        items += [
            Item("WORK_GUIDANCE", state.latest(_K.WORK_GUIDANCE) is not None, ("AMI-4.1-a",)),
            Item("STUDY_GUIDANCE", state.latest(_K.STUDY_GUIDANCE) is not None, ("AMI-4.2-a",)),
        ]
    items.append(Item(Document.FINAL_REPORT, Document.FINAL_REPORT in documents, ("AMI-8.2-c",)))
    if terms.case.programme is Programme.AMI_2:
        items.append(Item("WORK_TRAINING_PLACE_OFFERED", offered_a_place(state), ("AMI-8-a",)))
    by_household = planned.get("household_support") or planned.get("household_income_support")
    if row.margin_advice or (row.family != "OTHER" and by_household):
        advised = "AMI-9.3.5-a" if row.family == "STUDY" else "AMI-9.1.1-a"
        items.append(Item("MARGIN_ADVICE", bool(planned.get("margin_advice")), (advised,)))
    if row.family == "STUDY":
        done = Document.TRIAL_CALCULATION in documents or state.latest(_K.TRIAL_CALCULATED) is not None
        items.append(Item(Document.TRIAL_CALCULATION, done, ("AMI-9.3.6-b",)))
    if row.any_document:
        items.append(Item("HOURLY_EVIDENCE", bool(row.documents & documents), ("AMI-9-g",), needed=True))
    else:
        rules: tuple[str, ...] = {"WORK": ("AMI-9-f", "AMI-9.2-b"), "STUDY": ("AMI-9-h",)}.get(row.family, ())
        items += [Item(name, name in documents, rules, needed=True) for name in sorted(row.documents)]
    if row.bonus and terms.case.programme.is_ami:
        timeline = state.timeline(terms)
        items.append(Item("QUALIFIES", timeline.qualifies(one).ok, timeline.qualifies(one).rules, needed=True))
        items.append(Item("IN_TIME", timeline.in_time(one), ("AMI-10.2-a",), needed=True))
    return tuple(items)


@rule("AMI-8-a")
def offered_a_place(state: State) -> bool:
    """AMI 2: a work-training place was offered, taken or declined."""
    return (
        state.latest(_K.OFFER_MADE, offer=Offer.WORK_TRAINING) is not None
        or state.latest(_K.PLACEMENT_STARTED) is not None
        or state.latest(_K.OFFER_DECLINED, offer=Offer.WORK_TRAINING) is not None
    )


EFFECTS: Mapping[FactKind, Effect] = MappingProxyType(
    {
        _K.NOT_RESUMED: not_resumed,
        _K.SUPPORT_AFTER_EXIT: support_after_exit,
    }
)
