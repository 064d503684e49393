"""What shows that an instance of the service lives: a connection of its own to the database.

What an instance has taken up is its own for two minutes, or until that connection ends: after a kill -9 others, or the
instance that is started again, need not wait. One of the instances, which holds a lock by it, routes.
"""

from __future__ import annotations

import threading
import time

import psycopg

from kundval_chassis import db
from kundval_chassis.background import elect

#: seconds for which it is taken for granted that the connection is still there
_FRESH = 2.0

#: any number that means "routing in this database"
LOCK = 0x726F757465  # "route"


class Life:
    """Connects when it is first asked, and again if the connection was lost; then it is another life."""

    def __init__(self, uri: str, name: str = "kundval-notifications-life"):
        self._uri, self._name = uri, name
        self._connection: psycopg.Connection[db.Row] | None = None
        self._token = ""
        self._elected = False
        self._seen = 0.0
        # all channels ask at once; who was told of a connection that another then replaced would seem dead
        self._turn = threading.RLock()

    def token(self) -> str:
        """By which others see whether it lasts, as `store.ALIVE` says it. Raises psycopg.Error."""
        with self._turn:
            if time.monotonic() - self._seen > _FRESH:
                if self._connection is None or not self._answers(self._connection):
                    self._begin()
                self._seen = time.monotonic()
            return self._token

    def elected(self) -> bool:
        """Whether it is this one that routes: once it is, as long as it lives. Raises psycopg.Error."""
        with self._turn:
            self.token()
            if not self._elected:
                assert self._connection is not None
                self._elected = elect(self._connection, LOCK)
            return self._elected

    def close(self) -> None:
        self._seen = 0.0
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _answers(self, connection: psycopg.Connection[db.Row]) -> bool:
        try:
            connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _begin(self) -> None:
        self.close()
        self._elected = False
        self._connection = db.connect(self._uri, name=self._name)
        row = self._connection.execute(
            "SELECT pid || '/' || backend_start AS token FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()
        assert row is not None
        self._token = row["token"]
