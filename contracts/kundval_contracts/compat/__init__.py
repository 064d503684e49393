"""What a change of the contracts would break, and for whom: published schemas held against those of now.

`compare(old, new)` takes two bundles as `schema.bundle()` makes them and gives findings in words. Who writes and who
reads decides what breaks:

=========  =====================================  ==========================================
           written by                             read by
=========  =====================================  ==========================================
event      the service of now                     whoever was made for the old version
event      a service of then (the log, replays)   whoever is made for the new version
request    whoever was made for the old version   the service of now
answer     the service of now                     whoever was made for the old version
=========  =====================================  ==========================================

A reader of events and answers ignores fields and meets codes that it does not know, so both may be added.
"""

from __future__ import annotations

from .bundles import Need, compare, compare_all
from .changes import Change, Kind, changes
from .findings import Finding, breaking, report

__all__ = ["Change", "Finding", "Kind", "Need", "breaking", "changes", "compare", "compare_all", "report"]
