"""The pure core of assignment: no I/O, no clock, no framework."""

from .eligibility import Finding, assess, groups_of
from .judge import Judgement, judge
from .state import Refusal, State, decide

__all__ = ["Finding", "Judgement", "Refusal", "State", "assess", "decide", "groups_of", "judge"]
