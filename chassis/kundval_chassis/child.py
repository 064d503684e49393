"""For a process that a service starts for work of its own: it ends when the service does, however that ends.

Needs nothing but the standard library, so that such a process starts quickly and is not patched for green threads.
"""

from __future__ import annotations

import os
import threading
import time


def end_with_parent(every: float = 0.5) -> None:
    """End this process at once when the one that started it is gone, so that nobody works for nobody."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
