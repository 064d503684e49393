"""A command sent again with the same key is answered again and not carried out again.

The mark, the effect and the stored answer are one transaction. Of two that come at the same time the second
waits at the mark until the first has committed (and then gives its answer) or failed (and then is the first).
A command that was refused leaves no mark: sent again, it is judged again.

Keys are a tenant's own: another may use the same ones, and does not notice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from kundval_contracts.errors import Conflict, InvalidRequest, Unavailable

if TYPE_CHECKING:
    from .db import Pool, Tx
    from .tokens import Caller

LONGEST_KEY = 200
#: between a key and the tenant whose it is, where another tenant has it too
_OF = "\x1f"


def check_key(key: object) -> str:
    """The key of a command; raises `InvalidRequest` if it is missing or not fit to be one."""
    if not isinstance(key, str) or not key.strip() or len(key) > LONGEST_KEY or _OF in key:
        raise InvalidRequest(
            faults=[
                {
                    "path": "idempotency_key",
                    "message": f"a command needs a header nameko.idempotency_key of 1-{LONGEST_KEY} characters",
                }
            ]
        )
    return key


def fingerprint(request: Mapping[str, Any], caller: Caller) -> str:
    """What must be the same for a key to stand for the same command: the request and who sends it."""
    who = [caller.subject, caller.role.value, caller.organisation, caller.tenant]
    text = json.dumps([who, request], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def once(
    pool: Pool,
    method: str,
    key: str,
    request_hash: str,
    effect: Callable[[Tx], dict[str, Any]],
    shown_once: Collection[str] = (),
    tenant: str | None = None,
) -> tuple[dict[str, Any], bool]:
    """Carry out `effect` in a transaction unless it has been; its answer, and whether it was stored before.

    `tenant` is the one that the request names, or None. The fields `shown_once` of the answer are secrets: they are
    stored nowhere, and null in an answer that is repeated.
    Raises `Conflict` if the key was used for another request.
    """
    with pool.tx() as tx:
        key, first = _mark(tx, method, key, request_hash, tenant)
        if not first:
            return _stored(tx, method, key, request_hash), True
        answer = effect(tx)
        kept = {**answer, **dict.fromkeys(shown_once)} if shown_once else answer
        tx.execute("UPDATE idempotency SET answer = %s WHERE method = %s AND key = %s", (Jsonb(kept), method, key))
        return answer, False


def purge(tx: Tx, days: int = 14) -> int:
    """Forget answers older than `days`; how many."""
    return tx.execute("DELETE FROM idempotency WHERE created_at < now() - make_interval(days => %s)", (days,))


def _mark(tx: Tx, method: str, key: str, request_hash: str, tenant: str | None) -> tuple[str, bool]:
    """Mark a command as carried out, under the key or where another tenant has that under one of its own; under which,
    and whether it was not marked before.
    """
    own = f"{key}{_OF}{tenant}"
    insert = (
        "INSERT INTO idempotency (method, key, tenant, request_hash)"
        " SELECT %(method)s, %(key)s, %(tenant)s, %(hash)s"
        " WHERE NOT EXISTS (SELECT FROM idempotency WHERE method = %(method)s AND key = %(own)s)"
        " ON CONFLICT (method, key) DO NOTHING RETURNING true AS first"
    )
    given = {"method": method, "key": key, "own": own, "tenant": tenant, "hash": request_hash}
    if tx.one(insert, given) is not None:
        return key, True
    holder = tx.one("SELECT tenant FROM idempotency WHERE method = %s AND key = %s", (method, key))
    if holder is not None and (tenant is None or holder["tenant"] in (None, tenant)):
        return key, False
    return own, tx.one(insert, given | {"key": own}) is not None


def _stored(tx: Tx, method: str, key: str, request_hash: str) -> dict[str, Any]:
    row = tx.one("SELECT request_hash, answer FROM idempotency WHERE method = %s AND key = %s", (method, key))
    if row is None:
        raise Unavailable("The same command is being forgotten at this moment.")
    if row["request_hash"] != request_hash:
        raise Conflict("The idempotency key was used for another request.", code="IDEMPOTENCY_KEY_REUSED")
    answer: dict[str, Any] = row["answer"]
    return answer
