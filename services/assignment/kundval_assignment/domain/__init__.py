"""The pure core of assignment: no I/O, no clock, no framework."""

from .base import Refusal, State, described_plan
from .eligibility import Finding, assess, groups_of
from .judge import Judgement, judge
from .milestones import milestones, rejected_claims
from .state import decide

__all__ = [
    "Finding",
    "Judgement",
    "Refusal",
    "State",
    "assess",
    "decide",
    "described_plan",
    "groups_of",
    "judge",
    "milestones",
    "rejected_claims",
]
