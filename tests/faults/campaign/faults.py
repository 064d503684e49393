"""What is done to a busy suite. A `Disturbance` is drawn from a seed: what, to whom, when, for how long."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import psycopg
from kombu import Connection

from kundval_chassis.play import CONSUMERS
from tests.suite import SERVICES

from .hosts import BROKER, DATABASE, Hosts, Machine

RUBBISH = (
    b"\xff\xfe not even text",
    b"{",
    b"[]",
    b"",
    b'{"specversion": "1.0"}',
    b'{"id": "x", "type": "se.kundval.x.y.v9"}',
)


@dataclass(frozen=True)
class Disturbance:
    """`strike` at `at` seconds after the round has begun in earnest, `heal` so many seconds later."""

    kind: str
    what: str
    at: float
    lasts: float
    strike: Callable[[], object]
    heal: Callable[[], object]

    def __str__(self) -> str:
        return f"{self.what} at {self.at:.1f} s" + (f" for {self.lasts:.1f} s" if self.lasts else "")


class Scene:
    """Draws disturbances of a suite on its servers, each kind by a method of its name."""

    def __init__(self, hosts: Hosts, machine: Machine):
        self.hosts, self.machine = hosts, machine
        #: messages that were put into queues and belong in the parking, of all consumers
        self.rubbish = 0

    def kinds(self) -> dict[str, int]:
        """Every kind that this scene can do, with how often it is drawn."""
        found = {
            "kill": 6,
            "kill-both": 2,
            "terminate": 2,
            "freeze": 4,
            "cut": 5,
            "refuse": 4,
            "delay": 3,
            "backend-killed": 2,
            "connections-ended": 2,
            "database-crash": 3,
            "database-frozen": 2,
            "broker-crash": 2,
            "broker-frozen": 2,
            "rubbish": 1,
        }
        if self.hosts.has_clocks:
            found["clock"] = 3
        if self.machine.disk is not None:
            found |= {"disk-full": 2, "disk-low": 2}
        return found

    def draw(self, random: Random, kind: str | None = None) -> Disturbance:
        """One disturbance; of that kind if one is named."""
        kinds = self.kinds()
        kind = kind or random.choices(list(kinds), list(kinds.values()))[0]
        return getattr(self, "_" + kind.replace("-", "_"))(random, round(random.uniform(0.0, 3.0), 1))

    # --- services --------------------------------------------------------------------------------

    def _instance(self, random: Random) -> str:
        return random.choice(self.hosts.instances)

    def _end(self, names: tuple[str, ...], number: signal.Signals) -> Callable[[], None]:
        def strike() -> None:
            for name in names:
                self.hosts.down.add(name)
                self.hosts.signal(name, number)

        return strike

    def _start(self, names: tuple[str, ...]) -> Callable[[], None]:
        def heal() -> None:
            for name in names:
                self.hosts.processes[name].wait(60)
                self.hosts.spawn(name)
                self.hosts.down.discard(name)

        return heal

    def _kill(self, random: Random, at: float) -> Disturbance:
        names = (self._instance(random),)
        lasts = round(random.uniform(0.0, 3.0), 1)
        strike = self._end(names, signal.SIGKILL)
        return Disturbance("kill", f"kill -9 {names[0]}", at, lasts, strike, self._start(names))

    def _kill_both(self, random: Random, at: float) -> Disturbance:
        service = random.choice(SERVICES)
        names = tuple(name for name in self.hosts.instances if name.partition("#")[0] == service)
        lasts = round(random.uniform(0.0, 3.0), 1)
        strike = self._end(names, signal.SIGKILL)
        return Disturbance("kill-both", f"kill -9 every {service}", at, lasts, strike, self._start(names))

    def _terminate(self, random: Random, at: float) -> Disturbance:
        names = (self._instance(random),)
        strike = self._end(names, signal.SIGTERM)
        return Disturbance("terminate", f"SIGTERM {names[0]}", at, 0.0, strike, self._start(names))

    def _freeze(self, random: Random, at: float) -> Disturbance:
        name = self._instance(random)
        # now and then for longer than the broker waits for a heartbeat: then it wakes with a lost connection
        lasts = round(random.uniform(45.0, 50.0) if random.random() < 0.05 else random.uniform(1.0, 6.0), 1)

        def strike() -> None:
            self.hosts.signal(name, signal.SIGSTOP)

        def heal() -> None:
            self.hosts.signal(name, signal.SIGCONT)

        return Disturbance("freeze", f"SIGSTOP {name}", at, lasts, strike, heal)

    def _clock(self, random: Random, at: float) -> Disturbance:
        name = self._instance(random)
        step = random.choice((-1, 1)) * random.choice((5, 90, 3600, 86_400, 400 * 86_400))
        lasts = round(random.uniform(2.0, 6.0), 1)

        def strike() -> None:
            self.hosts.set_clock(name, step)

        def heal() -> None:
            self.hosts.set_clock(name, 0)

        return Disturbance("clock", f"clock of {name} {step:+d} s", at, lasts, strike, heal)

    # --- lines -----------------------------------------------------------------------------------

    def _line(self, random: Random) -> tuple[str, str]:
        return self._instance(random), random.choice((BROKER, DATABASE))

    def _cut(self, random: Random, at: float) -> Disturbance:
        name, to = self._line(random)
        lasts = round(random.uniform(1.0, 8.0), 1)
        forget = random.random() < 0.5
        after = "connections forgotten" if forget else "mended"
        line = self.hosts.lines[name][to]
        return Disturbance(
            "cut", f"silence from {name} to its {to}, then {after}", at, lasts, line.silence,
            lambda: line.mend(forget=forget),
        )  # fmt: skip

    def _refuse(self, random: Random, at: float) -> Disturbance:
        name, to = self._line(random)
        lasts = round(random.uniform(0.0, 5.0), 1)
        line = self.hosts.lines[name][to]
        return Disturbance("refuse", f"{name} refused by its {to}", at, lasts, line.refuse, line.mend)

    def _delay(self, random: Random, at: float) -> Disturbance:
        name, to = self._line(random)
        lasts = round(random.uniform(2.0, 6.0), 1)
        later = random.choice((0.02, 0.1, 0.4))
        line = self.hosts.lines[name][to]
        return Disturbance(
            "delay", f"{later * 1000:.0f} ms from {name} to its {to}", at, lasts, lambda: line.delay(later), line.mend
        )

    # --- database --------------------------------------------------------------------------------

    def _backend_killed(self, random: Random, at: float) -> Disturbance:
        place = random.random()

        def strike() -> None:
            backends = self.machine.backends()
            if backends:
                self.machine.kill([backends[int(place * len(backends))]])

        return Disturbance("backend-killed", "kill -9 a database backend", at, 0.0, strike, lambda: None)

    def _connections_ended(self, random: Random, at: float) -> Disturbance:
        service = random.choice(SERVICES)

        def strike() -> None:
            # the services' own names, whatever role they use
            with psycopg.connect(self.machine.servers.pg_admin_uri, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s",
                    (f"kundval-{service}%",),
                )

        return Disturbance("connections-ended", f"every connection of {service} ended", at, 0.0, strike, lambda: None)

    def _database_crash(self, random: Random, at: float) -> Disturbance:
        lasts = round(random.uniform(0.0, 3.0), 1)
        return Disturbance(
            "database-crash", "kill -9 the database", at, lasts,
            lambda: self.machine.kill(self.machine.postmaster()), self.machine.up,
        )  # fmt: skip

    def _database_frozen(self, random: Random, at: float) -> Disturbance:
        lasts = round(random.uniform(1.0, 6.0), 1)
        return Disturbance(
            "database-frozen", "SIGSTOP the database", at, lasts,
            lambda: self.machine.freeze(self.machine.database()), self.machine.thaw,
        )  # fmt: skip

    # --- broker ----------------------------------------------------------------------------------

    def _broker_crash(self, random: Random, at: float) -> Disturbance:
        lasts = round(random.uniform(0.0, 2.0), 1)
        return Disturbance(
            "broker-crash", "kill -9 the broker", at, lasts,
            lambda: self.machine.kill(self.machine.broker()), self.machine.up,
        )  # fmt: skip

    def _broker_frozen(self, random: Random, at: float) -> Disturbance:
        lasts = round(random.uniform(1.0, 8.0), 1)
        return Disturbance(
            "broker-frozen", "SIGSTOP the broker", at, lasts,
            lambda: self.machine.freeze(self.machine.broker()), self.machine.thaw,
        )  # fmt: skip

    def _rubbish(self, random: Random, at: float) -> Disturbance:
        def strike() -> None:
            with Connection(self.hosts.amqp_uri, transport_options={"confirm_publish": True}) as connection:
                publisher = connection.Producer()
                for service in CONSUMERS:
                    for body in RUBBISH * 5:
                        publisher.publish(
                            body,
                            routing_key=f"{service}.events-in",
                            content_type="application/json",
                            content_encoding="binary",
                        )
            self.rubbish += len(RUBBISH) * 5 * len(CONSUMERS)

        return Disturbance("rubbish", "rubbish in every queue of events", at, 0.0, strike, lambda: None)

    # --- disk ------------------------------------------------------------------------------------

    def _disk(self, kind: str, what: str, left: int, random: Random, at: float) -> Disturbance:
        lasts = round(random.uniform(2.0, 6.0), 1)

        def heal() -> None:
            self.machine.clear()
            self.machine.up()

        return Disturbance(kind, what, at, lasts, lambda: self.machine.fill(left), heal)

    def _disk_full(self, random: Random, at: float) -> Disturbance:
        return self._disk("disk-full", "no byte left on the disk of broker and database", 0, random, at)

    def _disk_low(self, random: Random, at: float) -> Disturbance:
        return self._disk("disk-low", "30 MB left on the disk: the broker's alarm", 30 * 2**20, random, at)
