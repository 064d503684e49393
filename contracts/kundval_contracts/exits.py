"""The exit matrix of rulebook 2.10: what each kind of exit needs and what it can give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .codes import Document, ExitKind
from .rules import rule

D = Document


@dataclass(frozen=True, slots=True)
class ExitRule:
    """A row of the matrix.

    family: WORK, STUDY, BUSINESS or OTHER.
    bonus: True if this kind can qualify for premium and bonus at all.
    min_extent, max_extent: percentage the fact must state (inclusive), None = not looked at.
    documents: evidence that must be there (at the exit, or at the claim: reading 4).
    any_document: one of `documents` is enough ("hourly contract, or certificate available so far").
    manual: a person must approve the bonus.
    eb_scope: whose financial assistance blocks: CLIENT, HOUSEHOLD, or None = test waived.
    margin_advice: advice on an economic margin is due before the exit.
    """

    family: str
    bonus: bool
    min_extent: int | None = None
    max_extent: int | None = None
    documents: frozenset[Document] = frozenset()
    manual: bool = False
    eb_scope: str | None = None
    margin_advice: bool = False
    any_document: bool = False


_WORK = frozenset({D.EMPLOYMENT_CONTRACT, D.EMPLOYMENT_CERTIFICATE})
_NONE: frozenset[Document] = frozenset()


@rule("AMI-1.2-a", "AMI-9.2.1-a", "AMI-9.2.2-a", "AMI-9.3.1-a", "AMI-9.3.2-a", "AMI-9.3.3-a", "AMI-9.3.4-a", "AMI-9-j")
def _matrix() -> Mapping[ExitKind, ExitRule]:
    k = ExitKind
    return MappingProxyType(
        {
            k.WORK_FULL_TIME: ExitRule("WORK", True, 100, 100, _WORK, False, "CLIENT"),
            k.WORK_HOURLY_FULL_TIME: ExitRule("WORK", True, 100, 100, _WORK, False, "CLIENT", any_document=True),
            k.WORK_MIN_HALF_TIME: ExitRule("WORK", True, 50, 99, _WORK, False, "CLIENT", True),
            k.WORK_UNDER_HALF_TIME: ExitRule("WORK", False, margin_advice=True),
            k.STUDY_FULL_TIME: ExitRule("STUDY", True, 100, 100, frozenset({D.STUDY_CERTIFICATE}), False, "HOUSEHOLD"),
            k.STUDY_START_SUPPORT_FULL_TIME: ExitRule(
                "STUDY", True, 100, 100, frozenset({D.STUDY_CERTIFICATE, D.CSN_GRANT}), False, None
            ),
            k.STUDY_START_SUPPORT_PART_TIME: ExitRule("STUDY", False, margin_advice=True),
            k.STUDY_MIN_HALF_TIME: ExitRule(
                "STUDY",
                True,
                50,
                99,
                frozenset({D.STUDY_CERTIFICATE, D.HOUSEHOLD_INCOME_PROOF}),
                True,
                "HOUSEHOLD",
                True,
            ),
            k.STUDY_UNDER_HALF_TIME: ExitRule("STUDY", False, margin_advice=True),
            k.OWN_BUSINESS: ExitRule("BUSINESS", True, documents=_NONE, manual=True, eb_scope="CLIENT"),
            k.BENEFIT_TEMPORARY: ExitRule("OTHER", False),
            k.BENEFIT_OTHER_PUBLIC: ExitRule("OTHER", False),
            k.OTHER_INTERVENTION: ExitRule("OTHER", False),
            k.PERIOD_ENDED: ExitRule("OTHER", False),
            k.DISCONTINUED: ExitRule("OTHER", False),
        }
    )


#: The matrix, by exit kind.
EXITS: Mapping[ExitKind, ExitRule] = _matrix()


_BENEFITS = frozenset({ExitKind.BENEFIT_TEMPORARY, ExitKind.BENEFIT_OTHER_PUBLIC})


@rule("LOKA-46", "LOKA-47")
def counts_as_self_support_loka(kind: ExitKind) -> bool:
    """Self-support in the wide sense of the LOKA report: any support other than financial assistance, benefits
    included.

    The narrow sense, `bonus_eligible_AMI`, is the matrix above and its two-stage test; the two are never mixed
    (INC-26). Whether assistance is paid beside the new support is not a question of the kind of exit.
    """
    return EXITS[kind].family in ("WORK", "STUDY", "BUSINESS") or kind in _BENEFITS
