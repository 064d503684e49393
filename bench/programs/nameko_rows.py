"""What the plain nameko services share: green waiting for psycopg as ours have it, and a pool for the workers.

nameko says nothing about databases. Without green waiting one slow query would stand in everybody's way, and with a
connection for each call they would be slower than they need to be.
"""

import kundval_chassis.bootstrap  # isort: skip  # only patches the process, as `nameko run` would

from typing import Any

from nameko.extensions import DependencyProvider
from psycopg_pool import ConnectionPool

assert kundval_chassis.bootstrap


class Rows(DependencyProvider):
    """The connections of a service."""

    def setup(self) -> None:
        self.pool: ConnectionPool[Any] = ConnectionPool(
            self.container.config["DATABASE"], open=True, min_size=1, max_size=10, kwargs={"autocommit": True}
        )

    def stop(self) -> None:
        self.pool.close()

    def get_dependency(self, worker_ctx: Any) -> ConnectionPool[Any]:
        return self.pool
