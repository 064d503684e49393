"""One page for a new partner: what it gets, where, with which secrets, and how to begin."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from kundval_contracts.client import SERVICES

from . import names
from .keys import PartnerKeys
from .registry import Partner, Way


def page(partner: Partner, keys: PartnerKeys, on: date, *, feeds: Mapping[str, str], broker: str) -> str:
    """The page, in Markdown; it holds secrets. feeds: address of each service's HTTP server; broker: its address with
    virtual host and without credentials.
    """
    parts = [_head(partner, on)]
    if Way.FEED in partner.ways:
        parts.append(_feed(partner, keys, on, feeds))
    if Way.QUEUE in partner.ways:
        parts.append(_queue(partner, keys, broker))
    if Way.WEBHOOK in partner.ways:
        parts.append(_webhook(partner, keys, on))
    return "\n".join((*parts, _FOOT))


def write(text: str, file: Path) -> None:
    """Write the page so that only its owner can read it, whole or not at all. Raises OSError."""
    handle, made = tempfile.mkstemp(dir=file.parent, prefix=".partner-")  # mode 0600
    try:
        with open(handle, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(made, file)
    except BaseException:
        os.unlink(made)
        raise


def _head(partner: Partner, on: date) -> str:
    tenants = ", ".join(f"`{one}`" for one in sorted(partner.tenants)) or "all"
    found = names.known(partner.names)
    return f"""# Events of kundval for `{partner.id}`

Made on {on}. **This page holds secrets.** Keep it as you keep passwords; send it on by no mail.

- Municipalities: {tenants}.
- Events: {", ".join(f"`{one}`" for one in partner.names)} ({len(found)} kinds at present).
- Ways: {", ".join(one.value.lower() for one in sorted(partner.ways))}.

Each event is one CloudEvents 1.0 object in JSON. Ids of persons and cases are yours alone: `p1-…` stands for a person
or an assignment and is the same in every event, `h1-…` for something else of a case. `position` is where the event
stands in what its service has told. The same event may come twice: know it by its `id`. Ignore fields that you do not
know.

If a person is protected, an event is `"masked": true` and says nothing of where the person is. When
`assignment.protection_changed` comes, hide what you hold about its subject, and read that subject again from the
first event: it is told as it is now.
"""


def _feed(partner: Partner, keys: PartnerKeys, on: date, feeds: Mapping[str, str]) -> str:
    addresses = "\n".join(
        f"{service:14}{feeds.get(service, '(ask the municipality)')}/feeds/{service}/{partner.id}/events"
        for service in SERVICES
    )
    return f"""## Feed

One for each service:

```
{addresses}
```

Token, as `Authorization: Bearer …`:

```
{keys.feed_tokens(partner, on)[0]}
```

Begin with `?after=0&limit=500`: the first event that there ever was. The answer is
`{{"events": […], "next": 500, "more": true}}`. Take the events in, store `next` in the same transaction, ask again
with `after=<next>`; at once while `more` is true, else after some seconds. `since=2026-01-31` begins on a day,
`names=` and `tenant=` take less, `tenant=…&subject=p1-…` gives one case. Send back the `ETag` as `If-None-Match`: 304
says that nothing has changed. After 429 or 503 wait as `Retry-After` says.
"""


def _queue(partner: Partner, keys: PartnerKeys, broker: str) -> str:
    return f"""## Queue

```
broker      {broker}
user        partner.{partner.id}
password    {keys.queue_password(partner)}
queue       partner.{partner.id}.events
```

The queue holds the first event first. Read it with acknowledgements, and acknowledge when what the event has changed
with you is stored. Routing keys of your exchange `partner.{partner.id}` are `<municipality>.<event name>`.
"""


def _webhook(partner: Partner, keys: PartnerKeys, on: date) -> str:
    secrets = "\n".join(keys.webhook_secrets(partner, on))
    return f"""## Webhook

Events come to `{partner.webhook_url}`, one in a request, as [Standard Webhooks](https://www.standardwebhooks.com) say.
Answer with 2xx when it is stored; anything else is tried again later. Verify `webhook-signature` over the bytes as
they came, refuse a `webhook-timestamp` older than five minutes, and ignore a `webhook-id` that you have seen. The
secret (while one is replaced: the new one, then the old one):

```
{secrets}
```
"""


_FOOT = """## What else there is to know

- To begin again from the first event, or to skip: in the feed by `after`; for the other ways ask the municipality.
- A secret is replaced by the municipality: you get a page as this one. The old token or webhook secret stays good until
  a day that was agreed; the password of a queue changes at once.
- Whose a `p1-…` is answers `assignment.resolve_pseudonyms`, to who may know, with a purpose; each answer is entered in
  a log.
"""
