"""A play that goes on through an upgrade, not only at its beginning: each step has its part of it."""

from __future__ import annotations

from collections.abc import Callable

from kundval_chassis.play import Progress
from kundval_contracts.caseload import Caseload
from tests.faults.disturbed import Disturbed
from tests.suite import Suite


class Stepwise(Disturbed):
    """Plays a caseload; each step happens beside a part of it, and the play waits where the next one is due until the
    step before is over. The last part is played when all are.
    """

    def __init__(self, suite: Suite, caseload: Caseload, *steps: Callable[[], None]) -> None:
        # one more, at which nothing happens: there the play waits for the last
        left = iter((*steps, lambda: None))
        points = tuple((place + 0.5) / (len(steps) + 1) for place in range(len(steps) + 1))
        super().__init__(suite, caseload, lambda: next(left)(), points)

    def _tell(self, progress: Progress) -> None:
        due = bool(self._points) and progress.facts >= self._points[0] * progress.total
        if due and self._faults:
            self._faults[-1].result()
        super()._tell(progress)
