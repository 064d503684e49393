"""A command sent again with the same key is answered again and not carried out again.

The mark, the effect and the stored answer are one transaction. Of two that come at the same time the second
waits at the mark until the first has committed (and then gives its answer) or failed (and then is the first).
A command that was refused leaves no mark: sent again, it is judged again.
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


def check_key(key: object) -> str:
    """The key of a command; raises `InvalidRequest` if it is missing or not fit to be one."""
    if not isinstance(key, str) or not key.strip() or len(key) > LONGEST_KEY:
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
) -> tuple[dict[str, Any], bool]:
    """Carry out `effect` in a transaction unless it has been; its answer, and whether it was stored before.

    The fields `shown_once` of the answer are secrets: they are stored nowhere, and null in an answer that is repeated.
    Raises `Conflict` if the key was used for another request.
    """
    with pool.tx() as tx:
        mark = tx.one(
            "INSERT INTO idempotency (method, key, request_hash) VALUES (%s, %s, %s)"
            " ON CONFLICT (method, key) DO NOTHING RETURNING true AS first",
            (method, key, request_hash),
        )
        if mark is None:
            return _stored(tx, method, key, request_hash), True
        answer = effect(tx)
        kept = {**answer, **dict.fromkeys(shown_once)} if shown_once else answer
        tx.execute("UPDATE idempotency SET answer = %s WHERE method = %s AND key = %s", (Jsonb(kept), method, key))
        return answer, False


def purge(tx: Tx, days: int = 14) -> int:
    """Forget answers older than `days`; how many."""
    return tx.execute("DELETE FROM idempotency WHERE created_at < now() - make_interval(days => %s)", (days,))


def _stored(tx: Tx, method: str, key: str, request_hash: str) -> dict[str, Any]:
    row = tx.one("SELECT request_hash, answer FROM idempotency WHERE method = %s AND key = %s", (method, key))
    if row is None:
        raise Unavailable("The same command is being forgotten at this moment.")
    if row["request_hash"] != request_hash:
        raise Conflict("The idempotency key was used for another request.", code="IDEMPOTENCY_KEY_REUSED")
    answer: dict[str, Any] = row["answer"]
    return answer
