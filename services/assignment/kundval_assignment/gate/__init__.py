"""The purpose gate: whoever fetches, keeps or passes on something about a person passes here first.

    ground = gate.require(tx, tenant, person=…, what=DataKind.AF_STATUS, purpose=Purpose.…, requester=…, on=day)
    gate.keep(tx, keys, tenant, ground, kind="af.jobseeker_status.v1", data={…}, on=day)

Without a ground that holds `require` raises `Forbidden` (`NO_LAWFUL_GROUND`), and the refusal is entered whatever
becomes of the caller's transaction. What was kept is sealed, is found by `kept` for the same purpose alone, and is gone
when its ground holds no more.
"""

from __future__ import annotations

from ..domain.gate import Ground, Need
from .keep import Record, expire, forget, keep, kept, kept_for_all, opened
from .pass_through import end, find, open, refuse, require, why_no_more

__all__ = [
    "Ground",
    "Need",
    "Record",
    "end",
    "expire",
    "find",
    "forget",
    "keep",
    "kept",
    "kept_for_all",
    "open",
    "opened",
    "refuse",
    "require",
    "why_no_more",
]
