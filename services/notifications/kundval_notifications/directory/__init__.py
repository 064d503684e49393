"""Who a notice goes to, as far as delivering it goes: addresses, language, wishes, protection.

    asked = contacts.ask(tenant, rows, channels)      # the network, in no transaction; raises KundvalError
    parties = resolve(tx, asked, tenant, rows)        # notice id -> Party

`contacts` is the service's `Contacts`. A client's addresses are assignment's: they are asked for each time, with a
purpose, and held in memory alone. `Marks` make what may be kept of one. `close_webhooks_to` is for one that said
that it is no more.
"""

from __future__ import annotations

from .contacts import Asked, Contacts, Point, Source
from .marks import Marks, link_key
from .recipients import resolve
from .store import close_webhooks_to

__all__ = ["Asked", "Contacts", "Marks", "Point", "Source", "close_webhooks_to", "link_key", "resolve"]
