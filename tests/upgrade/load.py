"""Callers that go on while services come and go: what they were answered, and how long the slowest answer took."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import psycopg

from kundval_chassis.play import CONSUMERS, settle
from kundval_contracts.client import Client
from kundval_contracts.errors import KundvalError
from tests.acceptance.builders import bare
from tests.suite import Suite, Town

#: pause of one caller between two calls, in seconds
_PAUSE = 0.05
#: seconds that a caller waits for an answer; it never asks twice
_PATIENCE = 60.0


@dataclass
class Load:
    """One caller for each service, who asks and tells by turns and does not repeat what fails. Use it in a `with`
    block; afterwards `errors` is to be empty: (method, code) with how often.
    """

    suite: Suite
    answered: Counter[str] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: seconds of the slowest answer, by method
    slowest: dict[str, float] = field(default_factory=dict)

    def __enter__(self) -> Load:
        self._client: Client = self.suite.client()
        self.town = Town(self._client)
        # until a service has heard of the municipality, it answers that there is none
        settle(self._client, self.town.name, [one for one in CONSUMERS if one in self.suite.databases])
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(name,)) for name in self.suite.databases]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_PATIENCE + 10)
        self._client.close()

    def _call(self, service: str) -> None:
        tenant = self.town.name
        turn = 0
        while not self._over.wait(_PAUSE):
            turn += 1
            if turn % 2:
                self._one(f"{service}.summary", tenant=tenant)
            elif service == "assignment":
                one = bare("AMI_1", name=f"L-{turn}")
                row = {name: one[name] for name in ("id", "programme", "client", "plan")}
                self._one("assignment.register", tenant=tenant, assignments=[row])
            elif service == "notifications":
                email = f"p{secrets.token_hex(4)}@kundval.invalid"
                self._one("notifications.set_party", tenant=tenant, role="PROVIDER", party=f"p{turn}", email=email)

    def _one(self, method: str, **fields: Any) -> None:
        began = time.monotonic()
        try:
            self._client.call(method, retry=False, timeout=_PATIENCE, **fields)
        except KundvalError as error:
            self.errors[method, error.code] += 1
        else:
            self.answered[method] += 1
        self.slowest[method] = max(self.slowest.get(method, 0.0), time.monotonic() - began)

    def registered(self) -> int:
        """How many assignments the commands that were answered have made: each one, if each had its effect once."""
        with psycopg.connect(self.suite.databases["assignment"]) as connection:
            query = "SELECT count(*) FROM event WHERE tenant = %s AND name = 'assignment.registered'"
            [(count,)] = connection.execute(query, (self.town.name,)).fetchall()
        return int(count)

    def figures(self) -> str:
        """How many calls were answered, by method, and how many seconds the slowest took."""
        found = sorted(self.slowest.items())
        return ", ".join(f"{method}: {self.answered[method]}, at most {most:.1f} s" for method, most in found)
