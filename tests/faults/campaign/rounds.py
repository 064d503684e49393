"""A campaign: rounds, one after the other, on one suite. A round is drawn from `SEED:NUMBER` and from nothing else."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from tests.conftest import Servers
from tests.suite import SERVICES

from . import checks
from .faults import Disturbance, Scene
from .hosts import Hosts, Machine, wait
from .lines import Lines
from .load import Asker, Office, Player, steady

#: seconds that the end of each part of a round may take on a busy machine
READY, WORK, QUIET = 240.0, 400.0, 120.0


@dataclass
class Outcome:
    """What a round did and what came of it. `problems` is empty if all is well."""

    seed: int
    number: int
    disturbances: list[str]
    kinds: list[str]
    facts: int = 0
    acts: int = 0
    #: the longest that each service gave no answer
    silent: dict[str, float] = field(default_factory=dict)
    #: from the last thing that was healed until everything was ready and quiet
    recovered: float = 0.0
    seconds: float = 0.0
    #: instances that ended though nobody had ended them
    fallen: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        away = max(self.silent.values(), default=0.0)
        head = f"{self.seed}:{self.number:<4} {'ok  ' if not self.problems else 'FAIL'} {self.seconds:5.1f} s"
        figures = f"recovered {self.recovered:4.1f} s, longest without an answer {away:4.1f} s"
        work = f"{self.facts} facts, {self.acts} acts"
        fallen = f"; fell by itself: {', '.join(self.fallen)}" if self.fallen else ""
        return f"{head}  {figures}  {work}  | {'; '.join(self.disturbances)}{fallen}"


class Campaign:
    """Rounds on `hosts`. `kinds`: the kinds of fault that are drawn (default: all that can be done here)."""

    def __init__(self, scene: Scene, keep: Path, residents: int = 10, kinds: tuple[str, ...] = ()):
        self.scene, self.keep, self.residents, self.kinds = scene, keep, residents, kinds
        self.hosts, self.machine = scene.hosts, scene.machine
        self.books = checks.Books(self.hosts, self.machine.servers)

    def round(self, seed: int, number: int, kinds: tuple[str, ...] = ()) -> Outcome:
        """One round; `kinds` draws these kinds of fault, one each, in place of one to three of any."""
        random = Random(f"{seed}:{number}")
        drawn = self.draw(seed, number, kinds)
        outcome = Outcome(seed, number, [str(one) for one in drawn], [one.kind for one in drawn])
        began = time.monotonic()
        # before any fault, of what earlier rounds left: else a round is blamed for another's
        stamp = f"{number}-{time.monotonic_ns()}"
        player = Player(self.hosts, f"play-{stamp}", random.randrange(10_000), self.residents)
        office = Office(self.hosts, Random(random.random()))
        asker = Asker(self.hosts)
        try:
            for work in (player, office, asker):
                work.start()
            wait(lambda: player.share > 0.05 or player.error, READY, "the play has not begun")
            self._disturb(drawn)
            healed = time.monotonic()
            wait(lambda: self._all_ready(outcome), READY, "not every instance is ready again")
            outcome.recovered = time.monotonic() - healed
            player.finish(WORK)
            office.shut()
            office.finish(WORK)
            outcome.facts, outcome.acts = player.stated, office.acts
            # its questions would be found in the queues
            asker.close()
            wait(lambda: not self.books.leftovers(), QUIET, f"left over: {self.books.leftovers()}")
            outcome.problems = list(self._wrong(player, office))
        except Exception as error:
            outcome.problems.append(f"{type(error).__name__}: {error}")
        finally:
            try:
                self._mend()
            except Exception as error:
                outcome.problems.append(f"not mended: {type(error).__name__}: {error}")
            for work in (player, office, asker):
                work.close()
            asker.finish(30)
        outcome.silent = {service: round(seconds, 2) for service, seconds in asker.silent.items()}
        outcome.seconds = time.monotonic() - began
        outcome.recovered = round(outcome.recovered, 2)
        self._note(outcome)
        return outcome

    def draw(self, seed: int, number: int, kinds: tuple[str, ...] = ()) -> list[Disturbance]:
        """The faults of a round."""
        random = Random(f"{seed}:{number}:faults")
        return [self.scene.draw(random, kind) for kind in kinds or self._kinds(random)]

    def _all_ready(self, outcome: Outcome) -> bool:
        """Whether every instance is ready. One that has ended is started again, as its supervisor would."""
        outcome.fallen += self.hosts.up_again()
        return all(self.hosts.ready(name) for name in self.hosts.instances)

    def _kinds(self, random: Random) -> list[str]:
        weights = {kind: weight for kind, weight in self.scene.kinds().items() if not self.kinds or kind in self.kinds}
        count = random.choices((1, 2, 3), (5, 3, 1))[0]
        return random.choices(list(weights), list(weights.values()), k=count)

    def _disturb(self, drawn: list[Disturbance]) -> None:
        """Strike and heal, each when its time has come; two may overlap, and what one heals the other may have hurt."""
        plan: list[tuple[float, Callable[[], object]]] = []
        for one in drawn:
            plan += [(one.at, one.strike), (one.at + one.lasts, one.heal)]
        began = time.monotonic()
        for at, act in sorted(plan, key=lambda step: step[0]):
            time.sleep(max(0.0, began + at - time.monotonic()))
            act()
        self._mend()

    def _mend(self) -> None:
        """Whatever was done is undone: the rounds are independent of each other."""
        self.machine.clear()
        self.machine.thaw()
        self.machine.up()
        self.hosts.mend()

    def _wrong(self, player: Player, office: Office) -> Iterator[str]:
        tenants = [player.tenant, office.tenant]
        yield from checks.play(player)
        yield from checks.office(self.books, office)
        yield from checks.told(self.books)
        yield from checks.facts(self.books, tenants)
        with steady(self.hosts) as client:
            yield from checks.money(self.books, client, tenants)
        yield from checks.deadlines(self.books, tenants)
        yield from checks.messages(self.books, self.hosts, tenants)
        parked = self.books.parked()
        if parked != self.scene.rubbish:
            yield f"{parked} messages are parked, {self.scene.rubbish} belong there"
        for name in self.hosts.instances:
            if not self.hosts.ready(name):
                yield f"{name} is not ready"

    def _note(self, outcome: Outcome) -> None:
        self.keep.mkdir(parents=True, exist_ok=True)
        with open(self.keep / "rounds.jsonl", "a") as lines:
            lines.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
        if outcome.problems:
            logs = self.keep / f"round-{outcome.seed}-{outcome.number}"
            logs.mkdir(exist_ok=True)
            for log in self.hosts.folder.glob("*.log"):
                shutil.copy(log, logs)


@contextmanager
def started(
    servers: Servers, folder: Path, keep: Path, *, disk: Path | None = None, second: tuple[str, ...] = SERVICES,
    residents: int = 10,
) -> Iterator[Campaign]:  # fmt: skip
    """A campaign on fresh databases and a fresh virtual host of these servers."""
    with ExitStack() as stack:
        network = stack.enter_context(Lines())
        amqp_uri = servers.create_vhost()
        stack.callback(servers.drop_vhost, amqp_uri)
        servers.let_users_in(amqp_uri.rpartition("/")[2])
        databases = servers.create_service_databases(SERVICES)
        for uri in databases.values():
            stack.callback(servers.drop_database, uri)
        hosts = Hosts(amqp_uri, databases, folder, {}, servers, network=network, second=second)
        stack.callback(hosts.close)
        hosts.start(*hosts.instances)
        yield Campaign(Scene(hosts, Machine(servers, disk)), keep, residents)
