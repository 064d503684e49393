"""Who is paid and who pays: versions of parties, append-only.

payees.of(tx, tenant, provider, day)   a provider as receiver of money on a day, or None
payees.payer(tx, tenant, role, day)    the municipality, or its customer, on a day, or None
"""

from __future__ import annotations

from .store import of, payer

__all__ = ["of", "payer"]
