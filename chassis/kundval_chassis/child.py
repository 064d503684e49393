"""For a process that a service starts for work of its own: it ends when the service does, however that ends, and knows
nothing of the service's secrets.

Needs nothing but the standard library, so that such a process starts quickly and is not patched for green threads.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping

#: what a process of ours may need of the environment; settings that may be secret are not among it
_NEEDED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
_NEEDED_PARTS = ("LC_", "PYTHON", "PGSSL")
#: folders of the operator's own data, which the contracts read, and whom TLS trusts
_FILES = ("KUNDVAL_PROFILES", "KUNDVAL_TARIFFS", "KUNDVAL_TLS_AUTHORITY")


def environment(of: Mapping[str, str] | None = None) -> dict[str, str]:
    """What of the environment `of` (this process') is handed on."""
    given = os.environ if of is None else of
    return {
        name: value for name, value in given.items() if name in _NEEDED + _FILES or name.startswith(_NEEDED_PARTS)
    }


def end_with_parent(every: float = 0.5) -> None:
    """End this process at once when the one that started it is gone, so that nobody works for nobody."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
