"""Runs services: one, or several in one process.

Start: settings and migrations of every service are looked at first and all faults reported at once; then the
containers, then health. End: SIGTERM or SIGINT stops taking work, lets what is in hand finish (bounded by
``KUNDVAL_STOP_SECONDS``) and ends with status 0. When a container dies the process stops the rest within the
same bound and ends with status 1, even if something hangs, so that whoever supervises it starts it again: a
half-dead process helps nobody.

Import this module only in a process that runs services: it patches the process for green threads.
"""

from __future__ import annotations

from . import bootstrap  # isort: skip  (before anything that imports psycopg or kombu)

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib.metadata import entry_points, version
from typing import Any

import eventlet
import psycopg
from eventlet.event import Event
from nameko.containers import ServiceContainer

from kundval_contracts import profiles, tariffs

from . import grants, health, idempotency, logs, migrate, recovery, traces, trust, watch
from .db import Database
from .settings import Settings, SettingsError, load

GROUP = "kundval.services"
OK, FAILED, REFUSED = 0, 1, 2

#: seconds between two sweeps of what is kept only for a while
_HOUSEKEEPING = 3600.0

log = logs.get(__name__)


class UnknownService(LookupError):
    """No installed distribution has a service of that name."""


def find(name: str) -> type:
    """The class of the service `name`, from the entry points ``kundval.services``."""
    for point in entry_points(group=GROUP, name=name):
        found: type = point.load()
        return found
    installed = ", ".join(sorted(point.name for point in entry_points(group=GROUP))) or "none"
    raise UnknownService(f"there is no service {name} (installed: {installed})")


def settings_of(service: type, environ: Mapping[str, str] | None = None) -> Settings:
    """Load the settings of a service class. It may have `settings` (its own `Setting`s), `rule_settings`, and
    `settings_faults`, which is given all of them and yields ``(key, message)`` for what does not fit together.
    """
    settings = load(
        service.name,  # type: ignore[attr-defined]
        environ,
        more=getattr(service, "settings", ()),
        rule_settings=getattr(service, "rule_settings", ()),
    )
    if faults := list(getattr(service, "settings_faults", lambda _: ())(settings)):
        raise SettingsError(faults)
    return settings


def prepare(names: Iterable[str], environ: Mapping[str, str] | None = None) -> list[tuple[type, Settings]]:
    """The classes and settings of the services; raises `SettingsError` with the faults of all of them."""
    prepared: list[tuple[type, Settings]] = []
    faults: list[tuple[str, str]] = []
    for name in names:
        service = find(name)
        try:
            prepared.append((service, settings_of(service, environ)))
        except SettingsError as error:
            faults += [fault for fault in error.faults if fault not in faults]
    if faults:
        raise SettingsError(faults)
    for _, settings in prepared:
        # may stand in the settings file; the contracts know the environment only
        for name, variable in (("PROFILES", profiles.FOLDER), ("TARIFFS", tariffs.FOLDER)):
            if settings[name] is not None:
                os.environ[variable] = str(settings[name])
        trust.authority(settings["TLS_AUTHORITY"])
    _check_tariffs()
    return prepared


def _check_tariffs() -> None:
    """Read the tariffs anew: with one that is wrong no service starts. Raises `SettingsError` with every fault."""
    tariffs.reload()
    try:
        tariffs.tariffs()
    except tariffs.TariffFault as error:
        raise SettingsError(error.faults) from None


class Runner:
    """The services of this process. `begin`, then `wait` until told to `end` or until one dies.

    `say` is told, in a line for a person, why they could not start.
    """

    def __init__(self, services: Iterable[tuple[type, Settings]], say: Callable[[str], None] = lambda line: None):
        self.services = list(services)
        self._say = say
        self._started: list[ServiceContainer] = []
        self.containers = [ServiceContainer(cls, settings.nameko()) for cls, settings in self.services]
        self.health = [
            health.Health(settings, container, version_of(cls))
            for (cls, settings), container in zip(self.services, self.containers, strict=True)
        ]
        self.servers: list[health.Server] = []
        self._over = Event()
        self._failed: BaseException | None = None
        self._threads: list[Any] = []

    @property
    def stop_seconds(self) -> int:
        return max(settings["STOP_SECONDS"] for _, settings in self.services)

    def begin(self) -> None:
        """`start` in the background, so that one can be told to end while a missing broker is waited for."""
        self._threads.append(eventlet.spawn(self._begin))

    def start(self) -> None:
        """Start all services; waits for the broker. Raises what the first that cannot start raises."""
        self._serve()
        for container, (_, settings) in zip(self.containers, self.services, strict=True):
            container.start()
            self._started.append(container)
            log.info("started", service=settings.service, version=version_of(container.service_cls))
            self._threads.append(eventlet.spawn(self._watch, container))
        for one in self.health:
            looks = getattr(one.container.service_cls, "looks", lambda _: ())(one.settings)
            look = watch.Watch(one.service, one.settings, one.pool, looks)
            self._threads += [eventlet.spawn(look.run), eventlet.spawn(look.watch_queues)]
        self._threads.append(eventlet.spawn(self._keep_house))
        # what is there now stays: the collector need not look at it again and again
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)

    def _begin(self) -> None:
        try:
            self.start()
        except Exception as error:
            log.error("start_failed", exc_info=error)
            # a wrong program or port says why; other messages may hold what is not to be shown
            why = f": {error}" if isinstance(error, TypeError | LookupError | OSError) else ""
            self._say(f"kundval: could not start ({type(error).__name__}{why})")
            self.end(error)

    def end(self, failure: BaseException | None = None) -> None:
        """Make `wait` go on: stop, because of `failure` or because we were told to."""
        if not self._over.ready():
            self._failed = failure
            self._over.send(None)

    def wait(self) -> int:
        """Until the end; then stop everything. The exit status."""
        self._over.wait()
        clean = self.stop()
        if self._failed is not None:
            return FAILED
        return OK if clean else FAILED

    def stop(self) -> bool:
        """Stop all services, in bounded time; whether they all stopped by themselves."""
        log.info("stopping", failed=self._failed is not None)
        for one in self.health:
            one.stopping = True
        for thread in self._threads:
            thread.kill()
        done = eventlet.GreenPool()
        # one that is still starting has nothing in hand, and may wait for a broker without end
        stops = [done.spawn(self._stop_one, container) for container in self._started]
        clean = True
        with eventlet.Timeout(self.stop_seconds, False) as limit:
            clean = all(stopped.wait() for stopped in stops)
            limit.cancel()
        unfinished = [container.service_name for container in self._started if not container._died.ready()]
        for server in self.servers:
            server.stop()
        traces.end()
        log.info("stopped", unfinished=unfinished)
        return clean and not unfinished

    def _stop_one(self, container: ServiceContainer) -> bool:
        try:
            container.stop()
        except Exception as error:
            log.warning("stop_failed", service=container.service_name, exc_info=error)
            return False
        return True

    def _watch(self, container: ServiceContainer) -> None:
        """End the process when a container dies, with or without an error: nobody told it to."""
        failure: BaseException = RuntimeError("a container stopped")
        try:
            container.wait()
        except Exception as error:
            failure = error
        log.error("container_died", service=container.service_name, exc_info=failure)
        self.end(failure)

    def _serve(self) -> None:
        by_address: dict[tuple[str, int], list[health.Health]] = {}
        for one in self.health:
            if one.settings["HTTP_PORT"] is not None:
                address = (one.settings["HTTP_HOST"], one.settings["HTTP_PORT"])
                by_address.setdefault(address, []).append(one)
        self.servers = [health.Server(*address, services) for address, services in by_address.items()]

    def _keep_house(self) -> None:
        while True:
            for container in self.containers:
                with suppress(Exception):
                    for dependency in container.dependencies:
                        if isinstance(dependency, Database):
                            with dependency.pool.tx() as tx:
                                idempotency.purge(tx)
            eventlet.sleep(_HOUSEKEEPING)


def run(
    names: Iterable[str],
    *,
    environ: Mapping[str, str] | None = None,
    migrations: bool = False,
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> int:
    """Run services until told to stop; the exit status. `migrations`: apply those that are missing first.

    0: stopped as told. 1: a service died or did not stop in time. 2: it did not start because of its settings,
    its migrations or its name; each fault is said on a line of its own.
    """
    bootstrap.assert_cooperative()
    try:
        prepared = prepare(names, environ)
    except UnknownService as error:
        say(f"kundval: {error.args[0]}")
        return REFUSED
    except SettingsError as error:
        for key, message in error.faults:
            say(f"{key}: {message}")
        return REFUSED
    names = [settings.service for _, settings in prepared]
    logs.configure(prepared[0][1]["LOG_LEVEL"], service=names[0] if len(names) == 1 else None)
    for key, note in sorted({note for _, settings in prepared for note in settings.notes}):
        log.warning("setting_noted", setting=key, remark=note)
    try:
        if not _migrated(prepared, apply=migrations, say=say):
            return REFUSED
    except psycopg.Error as error:
        say(f"kundval: a database cannot be used ({type(error).__name__})")
        return FAILED
    first, settings = prepared[0]
    traces.configure(settings, names[0] if len(names) == 1 else "suite", version_of(first))
    runner = Runner(prepared, say)
    signals = Signals(runner.end)
    runner.begin()
    status = runner.wait()
    _leave(status, runner)
    signals.close()
    return status


def _migrated(prepared: Iterable[tuple[type, Settings]], *, apply: bool, say: Callable[[str], None]) -> bool:
    good = True
    for _, settings in prepared:
        try:
            if apply:
                grants.migrate_and_grant(settings["DATABASE_URI"], settings.service, settings["MIGRATION_URI"])
            else:
                migrate.require_current(settings["DATABASE_URI"], settings.service)
        except migrate.MigrationError as error:
            say(f"{settings.service}: {error}")
            good = False
            continue
        if (refused := recovery.refusal(settings["DATABASE_URI"], settings.service)) is not None:
            say(f"{settings.service}: {refused}")
            good = False
    return good


def _leave(status: int, runner: Runner) -> None:
    """Whatever still hangs must not keep the process: end it from outside the green world if need be."""
    sys.stderr.flush()
    if any(not container._died.ready() for container in runner.containers):
        os._exit(status)


class Signals:
    """Calls `end` in a green thread when SIGTERM or SIGINT comes; a second one ends the process at once.

    The signal's number goes through a socket pair: a handler may run in the middle of the hub, where writing is
    all that is safe, and a hub that waits must be woken.
    """

    _NUMBERS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self, end: Callable[[], None]):
        self._end = end
        self._first: float | None = None
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._handle) for number in self._NUMBERS}
        self._thread = eventlet.spawn(self._wait)

    def close(self) -> None:
        """Put back what was before."""
        self._thread.kill()
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reading.close()
        self._writing.close()

    def _handle(self, number: int, frame: Any) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now
        elif now - self._first > 0.5:
            os._exit(FAILED)

    def _wait(self) -> None:
        while not any(number in self._NUMBERS for number in self._reading.recv(16)):
            pass
        self._end()


def version_of(service: type) -> str:
    """Version of the distribution that holds a service class."""
    package = service.__module__.partition(".")[0]
    try:
        return version(package.replace("_", "-"))
    except Exception:
        return "unknown"
