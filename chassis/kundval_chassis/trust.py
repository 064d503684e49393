"""The authority whose certificates broker and databases must show, for every connection of a process.

Both libraries that connect can be told so by the environment: `kundval_contracts.wire` for the broker, libpq for
PostgreSQL. An address that names an authority of its own (``cafile``, ``sslrootcert``) goes before it.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

from kundval_contracts.wire import TLS_AUTHORITY

#: libpq's default of `sslrootcert`
PG_AUTHORITY = "PGSSLROOTCERT"


def authority(file: Path | str | None, environ: MutableMapping[str, str] | None = None) -> None:
    """Have this process, and those that it starts, trust the authorities in `file` (PEM); None changes nothing."""
    environ = os.environ if environ is None else environ
    if file is not None:
        environ[TLS_AUTHORITY] = str(file)
        if not environ.get(PG_AUTHORITY):
            environ[PG_AUTHORITY] = str(file)
