"""How long handing over one parcel may take in all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kundval_chassis import limit

#: seconds that the other side may be silent
SILENCE = 10.0
#: seconds for a parcel in all: an other side that sends a byte now and then is never silent
IN_ALL = 60.0


@contextmanager
def limited(seconds: float = IN_ALL) -> Iterator[None]:
    """Raises TimeoutError in a service."""
    with limit.limited(seconds):
        yield
