"""``/health/live``, ``/health/ready`` and ``/metrics`` of a service process, and its services' `pages` and `hooks`.

Live means: the process turns its loop, so it can answer at all. Ready means, for every service in it: the
database answers and has every migration that this version knows, requests and events are being taken from the
broker, the relay sends, and no event has waited in the outbox for longer than the limit. A process that is half
dead (its consumer gone, its container stopped) answers 503 and says what is missing, so that whoever watches it
can restart it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import eventlet
import eventlet.wsgi
import psycopg

from . import logs, migrate, telemetry, watch
from .db import Database, Pool
from .guards import guarding
from .limiter import Limiter
from .pages import Pages
from .rpc import RequestQueue
from .settings import Settings

log = logs.get(__name__)

#: seconds that one look at the database may take, and for which its answer holds
_PATIENCE = 3.0
_FRESH = 1.0
#: times in a minute that each of health and metrics may be asked for: they cost more than a glance
A_MINUTE = 300
#: seconds that a connection may last
LONGEST = 60.0
_OWN = ("/health/ready", "/metrics")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass
class Health:
    """What can be said of one service: looks at its container, asks its database."""

    settings: Settings
    container: Any
    version: str
    stopping: bool = False
    _seen: tuple[float, dict[str, Any]] = field(default=(0.0, {}))
    _counted: dict[str, float] = field(default_factory=dict)

    @property
    def service(self) -> str:
        return self.settings.service

    def checks(self) -> dict[str, str | None]:
        """Each thing that readiness asks for, with what is wrong with it or None."""
        state = self._state()
        age = state.get("outbox_age") or 0.0
        limit = self.settings["OUTBOX_AGE_LIMIT"]
        return {
            "container": "stopping" if self.stopping else "stopped" if self._died else None,
            "database": state["database"],
            "migrations": state.get("migrations"),
            "requests": self._requests(),
            "events": self._trouble("consumer"),
            "relay": self._trouble("relay"),
            "outbox": f"the oldest event waits for {age:.0f} s (limit {limit})" if age > limit else None,
        }

    def measure(self) -> None:
        """Set the gauges that are looked at and not counted."""
        state = self._state()
        if state["database"] is None:
            telemetry.OUTBOX_DEPTH.labels(self.service).set(state["outbox"])
            telemetry.OUTBOX_AGE.labels(self.service).set(state["outbox_age"] or 0.0)
            telemetry.MIGRATIONS_MISSING.labels(self.service).set(bool(state["migrations"]))
        pool = self.pool()
        if pool is not None:
            stats = pool._pool.get_stats()
            size, free = stats.get("pool_size", 0), stats.get("pool_available", 0)
            telemetry.DB_CONNECTIONS.labels(self.service, "idle").set(free)
            telemetry.DB_CONNECTIONS.labels(self.service, "busy").set(max(0, size - free))
            telemetry.DB_WAITING.labels(self.service).set(stats.get("requests_waiting", 0))
            self._count(stats)
        workers = self.container._worker_pool
        telemetry.WORKERS.labels(self.service, "busy").set(workers.running())
        telemetry.WORKERS.labels(self.service, "free").set(workers.free())
        telemetry.READY.labels(self.service).set(float(not any(self.checks().values())))
        telemetry.INFO.labels(self.service, self.version).set(1)

    def _count(self, stats: Mapping[str, float]) -> None:
        """Carry over what the pool has counted since the last time."""
        for name, metric, unit in (
            ("requests_num", telemetry.DB_REQUESTS.labels(self.service, "all"), 1),
            ("requests_queued", telemetry.DB_REQUESTS.labels(self.service, "waited"), 1),
            ("requests_errors", telemetry.DB_REQUESTS.labels(self.service, "failed"), 1),
            ("requests_wait_ms", telemetry.DB_WAIT_SECONDS.labels(self.service), 0.001),
            ("connections_lost", telemetry.DB_LOST.labels(self.service), 1),
        ):
            now = stats.get(name, 0)
            metric.inc(max(0.0, now - self._counted.get(name, 0)) * unit)
            self._counted[name] = now

    def pages(self, path: str) -> Pages | None:
        """The pages of the service to which a path belongs, if it has any."""
        for dependency in self.container.dependencies:
            if isinstance(dependency, Pages) and path.startswith(dependency.prefix) and not self.stopping:
                return dependency
        return None

    @property
    def _died(self) -> bool:
        return bool(self.container._died.ready() or self.container._being_killed)

    def pool(self) -> Pool | None:
        """The pool of the service's database, once it is open."""
        for dependency in self.container.dependencies:
            if isinstance(dependency, Database):
                return getattr(dependency, "pool", None)
        return None

    def _state(self) -> dict[str, Any]:
        at, state = self._seen
        if time.monotonic() - at > _FRESH:
            state = self._look()
            self._seen = (time.monotonic(), state)
        return state

    def _look(self) -> dict[str, Any]:
        pool = self.pool()
        if pool is None:
            return {"database": "not open"}
        try:
            with eventlet.Timeout(_PATIENCE, TimeoutError), pool.tx(readonly=True) as tx:
                outbox = tx.one(
                    "SELECT count(*) AS depth, extract(epoch FROM now() - min(occurred_at))::float AS age"
                    " FROM outbox JOIN event USING (sequence)"
                )
                migrations = migrate.trouble(tx.conn, self.service)
        except (psycopg.Error, TimeoutError) as error:
            return {"database": f"does not answer ({type(error).__name__})"}
        assert outbox is not None
        return {
            "database": None,
            "migrations": migrations,
            "outbox": outbox["depth"],
            "outbox_age": outbox["age"],
        }

    def _requests(self) -> str | None:
        for extension in self.container.subextensions:
            if isinstance(extension, RequestQueue):
                return None if extension.listening else "no requests are taken from the broker"
        return None

    def _trouble(self, attribute: str) -> str | None:
        """What the event consumer or the relay of the container says of itself."""
        for extension in self.container.extensions:
            part = getattr(extension, attribute, None)
            if part is not None and hasattr(part, "trouble"):
                trouble: str | None = part.trouble
                return trouble
        return None


class _Bounded(eventlet.wsgi.HttpProtocol):
    """A connection that is over after a while, whatever its other side sends or reads: places are few."""

    def handle(self) -> None:
        with eventlet.Timeout(LONGEST, False):
            super().handle()


class Server:
    """A green HTTP server for the services of one process that share an address."""

    def __init__(self, host: str, port: int, services: Sequence[Health]):
        self._services = services
        self._limiter = Limiter(A_MINUTE)
        self._socket = eventlet.listen((host, port), reuse_port=False)
        self.port: int = self._socket.getsockname()[1]
        self._thread = eventlet.spawn(
            eventlet.wsgi.server,
            self._socket,
            self,
            protocol=_Bounded,
            log_output=False,
            max_size=20,
            socket_timeout=10,
            keepalive=False,
            debug=False,
        )

    def stop(self) -> None:
        """Close the socket; answers under way are cut off."""
        self._thread.kill()
        with suppress(OSError):
            self._socket.close()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response = guarding(start_response)
        path, verb = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "GET")
        pages = next((found for service in self._services if (found := service.pages(path)) is not None), None)
        if pages is not None and verb in pages.verbs:
            return pages.answer(environ, start_response)
        if verb not in ("GET", "HEAD"):
            return _answer(start_response, "405 Method Not Allowed", {"error": "only GET"})
        if path == "/health/live":
            return _answer(start_response, "200 OK", {"live": True})
        if wait := self._limiter.wait(path.encode() if path in _OWN else b""):
            start_response("429 Too Many Requests", [("Retry-After", str(int(wait) + 1)), ("Content-Length", "0")])
            return []
        if path == "/health/ready":
            return self._ready(start_response)
        if path == "/metrics":
            for service in self._services:
                service.measure()
            watch.see_hub()
            start_response("200 OK", [("Content-Type", telemetry.CONTENT_TYPE)])
            return [telemetry.exposition()]
        known = "there are /health/live, /health/ready and /metrics"
        return _answer(start_response, "404 Not Found", {"error": known})

    def _ready(self, start_response: StartResponse) -> Iterable[bytes]:
        found = {health.service: health.checks() for health in self._services}
        ready = not any(trouble for checks in found.values() for trouble in checks.values())
        services = {
            service: {name: trouble or "ok" for name, trouble in checks.items()} for service, checks in found.items()
        }
        return _answer(
            start_response,
            "200 OK" if ready else "503 Service Unavailable",
            {"ready": ready, "services": services},
        )


def _answer(start_response: StartResponse, status: str, body: dict[str, Any]) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(body, ensure_ascii=False).encode() + b"\n"]
