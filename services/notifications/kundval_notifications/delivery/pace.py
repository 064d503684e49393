"""How fast, and how long until the next time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence


class Bucket:
    """So many in a second and no more; None: as many as can be. A pause is made up for by one second's worth."""

    def __init__(self, per_second: int | None, clock: Callable[[], float] = time.monotonic):
        self._rate = per_second
        self._clock = clock
        self._left = float(per_second or 0)
        self._seen = clock()

    def take(self) -> float:
        """Take one; how many seconds to wait before using it."""
        if self._rate is None:
            return 0.0
        now = self._clock()
        self._left = min(float(self._rate), self._left + (now - self._seen) * self._rate)
        self._seen = now
        self._left -= 1
        return max(0.0, -self._left / self._rate)


def backoff(steps: Sequence[float], failures: int) -> float:
    """Seconds until the next attempt after so many failures (one at least): growing, the last step for all further
    ones, and up to a quarter more, so that those who failed together do not come back together."""
    step = steps[min(failures, len(steps)) - 1]
    return step * (1 + random.random() / 4)
