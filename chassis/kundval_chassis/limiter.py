"""How often somebody may ask."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable


class Limiter:
    """Lets each key through `most` times in `seconds`. It knows the last `keys` keys and no more. Safe in threads."""

    def __init__(
        self, most: int, seconds: float = 60, keys: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._keys, self._clock = most, seconds, keys, clock
        self._seen: OrderedDict[bytes, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: bytes) -> float:
        """Seconds until the key is let through again; 0 if it is now."""
        with self._lock:
            now = self._clock()
            began, count = self._seen.pop(key, (now, 0))
            if now - began >= self._seconds:
                began, count = now, 0
            self._seen[key] = (began, count + 1)
            if len(self._seen) > self._keys:
                self._seen.popitem(last=False)
        return 0 if count < self._most else began + self._seconds - now
