"""Answering questions in the background: each in a process of its own, one after the other."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from kundval_chassis.background import Failed, Failure, Job, Key, Limits
from kundval_chassis.db import Tx

from . import store

#: how often the reckoning of a question may end the service before it is given up
ATTEMPTS = 3
GAVE_UP = "GAVE_UP"


class QuestionWork:
    """What `kundval_chassis.background` carries out for questions."""

    def __init__(self) -> None:
        self.limits = Limits(7200)
        self._database = ""

    def configure(self, config: Mapping[str, Any]) -> None:
        self.limits = Limits(config["KUNDVAL_QUESTION_SECONDS"])
        self._database = config["KUNDVAL_BILLING_DATABASE_URI"]

    def take(self, tx: Tx) -> Key | None:
        found = store.next_waiting(tx)
        if found is not None:
            store.begin(tx, *found)
        return found

    def prepare(self, tx: Tx, key: Key) -> Job:
        tenant, name = key
        one = store.one(tx, tenant, name)
        if one is None:
            raise Failed(Failure.INTERNAL_ERROR)
        if one.attempts > ATTEMPTS:
            raise Failed(GAVE_UP)
        question = {
            "database": self._database,
            "tenant": tenant,
            "kind": one.kind.value,
            "as_of": one.as_of.isoformat(),
            "asked": dict(one.asked),
        }
        return Job([sys.executable, "-m", "kundval_billing.questions"], json.dumps(question).encode())

    def done(self, tx: Tx, key: Key, output: bytes) -> None:
        try:
            answer = json.loads(output)
            failure = answer.get("failure")
            if failure is not None:
                raise Failed(str(failure))
            snapshot, result = answer["snapshot"], answer["result"]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Failed(Failure.BROKEN_OUTPUT) from None
        store.finish(tx, key[0], key[1], snapshot, result)

    def failed(self, tx: Tx, key: Key, code: str) -> None:
        store.fail(tx, key[0], key[1], code)

    def put_back(self, tx: Tx, key: Key) -> None:
        store.put_back(tx, key[0], key[1])
