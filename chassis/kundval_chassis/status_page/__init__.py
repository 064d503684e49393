"""The suite on one page, for who operates it: what each process says of itself at its health port.

It asks no service by RPC and no database, so it can be made when broker or databases are away. It holds numbers, days
and names of parts of the suite, and nothing about anybody.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from prometheus_client.parser import text_string_to_metric_families

from ..html import Words, read_words, template

#: the services, in the order of the page; the gateway is the last
PARTS = ("assignment", "scheduling", "billing", "notifications", "gateway")
#: seconds that one process gets to answer, and the most bytes that are read of it
PATIENCE, LARGEST = 5.0, 16 * 2**20
#: when something wants a look: as in deploy/observability/rules/alerts.yml
OLD, CLOCK, CERTIFICATE, BACKUP = 300.0, 2.0, 21 * 86400.0, 26 * 3600.0

#: labels and value of the series of a metric
Series = list[tuple[Mapping[str, str], float]]


@dataclass
class Process:
    """What one process says; `troubles` are (part, what is wrong)."""

    address: str
    answers: bool = False
    ready: bool = False
    troubles: list[tuple[str, str]] = field(default_factory=list)
    metrics: Mapping[str, Series] = field(default_factory=dict)

    def values(self, name: str, **labels: str) -> list[float]:
        """The values of a metric, of the series that have these labels."""
        return [value for have, value in self.metrics.get(name, ()) if labels.items() <= have.items()]


@dataclass(frozen=True)
class Attention:
    """Something that wants a look: a key of the texts with its values, and the page of the runbook."""

    key: str
    runbook: str
    values: Mapping[str, object]


def read(address: str, patience: float = PATIENCE) -> Process:
    """What the process at `address` (``http://host:port``) says; nothing if it does not answer. Never raises."""
    found = Process(address)
    try:
        metrics = _get(f"{address}/metrics", patience)
        health = json.loads(_get(f"{address}/health/ready", patience) or _get(f"{address}/healthz", patience))
        found.metrics = _series(metrics.decode())
        found.answers, found.ready = True, bool(health["ready"])
        services = health.get("services") or {"gateway": {"broker": health["broker"]}}
        found.troubles = [(part, said) for checks in services.values() for part, said in checks.items() if said != "ok"]
    except (OSError, ValueError, KeyError, AttributeError):
        return Process(address)
    return found


def _get(url: str, patience: float) -> bytes:
    """The body of an answer, also of one that says 503; nothing for 404. Raises OSError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=patience) as answer:
            return bytes(answer.read(LARGEST))
    except urllib.error.HTTPError as error:
        with error:
            return b"" if error.code == 404 else error.read(LARGEST)


def _series(text: str) -> dict[str, Series]:
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith(("_bucket", "_created")):
                found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@dataclass(frozen=True)
class Suite:
    """All processes, by the part of the suite that they are. `now` is the Unix time of the page."""

    parts: Mapping[str, list[Process]]
    now: float

    @property
    def processes(self) -> list[Process]:
        return [process for processes in self.parts.values() for process in processes]

    def most(self, name: str, processes: Iterable[Process] | None = None, **labels: str) -> float | None:
        """The highest value of a metric; None if nobody serves it."""
        asked = self.processes if processes is None else processes
        return max((value for one in asked for value in one.values(name, **labels)), default=None)

    def by(
        self, name: str, *labels: str, choose: Callable[[float, float], float] = max
    ) -> dict[tuple[str, ...], float]:
        """A metric by labels; of instances that say different things the highest, or what is chosen."""
        found: dict[tuple[str, ...], float] = {}
        for process in self.processes:
            for have, value in process.metrics.get(name, ()):
                key = tuple(have.get(label, "") for label in labels)
                found[key] = choose(found[key], value) if key in found else value
        return dict(sorted(found.items()))


def look(addresses: Mapping[str, Iterable[str]], patience: float = PATIENCE) -> Suite:
    """Ask all processes at once; `addresses` by part of the suite."""
    wanted = [(part, address) for part, found in addresses.items() for address in found]
    with ThreadPoolExecutor(max_workers=max(1, min(32, len(wanted)))) as pool:
        answers = list(pool.map(partial(read, patience=patience), (address for _, address in wanted)))
    parts: dict[str, list[Process]] = {part: [] for part in addresses}
    for (part, _), answer in zip(wanted, answers, strict=True):
        parts[part].append(answer)
    return Suite(parts, time.time())


def attention(suite: Suite) -> list[Attention]:
    """What wants a look, the worst first."""
    found: list[Attention] = []

    def say(key: str, runbook: str, **values: object) -> None:
        found.append(Attention(key, runbook, values))

    for part, processes in suite.parts.items():
        if not any(process.answers for process in processes):
            say("away", "service-not-ready", part=part)
        elif not any(process.ready for process in processes):
            troubles = sorted({f"{name}: {said}" for process in processes for name, said in process.troubles})
            say("not_ready", "service-not-ready", part=part, troubles="; ".join(troubles))
        elif not all(process.ready for process in processes):
            say("some_not_ready", "service-not-ready", part=part)
    if difference := suite.most("kundval_ledger_difference"):
        say("ledger", "ledger-difference", amount=f"{difference:,.2f}")
    for (what,), count in suite.by("kundval_ledger_faults", "what").items():
        if count:
            say("faults", "ledger-difference", what=what, n=round(count))
    for (service,), age in suite.by("kundval_outbox_age_seconds", "service").items():
        if age > OLD:
            say("outbox", "outbox-not-draining", part=service, age=span(age))
    for (service, queue), count in suite.by("kundval_queue_messages", "service", "queue").items():
        if queue == "parked" and count:
            say("parked", "events-parked", part=service, n=round(count))
    for (service,), missing in suite.by("kundval_migrations_missing", "service").items():
        if missing:
            say("migration", "service-not-ready", part=service)
    for service, what, left in certificates(suite):
        if left < CERTIFICATE:
            say("certificate", "certificate-expired", part=service, what=what, left=span(left))
    for (service,), offset in suite.by("kundval_clock_offset_seconds", "service", choose=_further).items():
        if abs(offset) > CLOCK:
            say("clock", "clock-wrong", part=service, seconds=f"{offset:.1f}")
    for (service,), made in suite.by("kundval_backup_seconds", "service").items():
        if suite.now - made > BACKUP:
            say("backup", "database-lost", part=service)
    days = dates(suite)
    for service, reached in days.items():
        if reached < days.get("assignment", 0.0):
            say("behind", "obligations-overdue", part=service, day=day(reached))
    for (partner, way), count in suite.by("kundval_partner_parked", "partner", "way").items():
        if count:
            say("partner", "partner-behind", partner=partner, way=way, n=round(count))
    for (channel,), lanes in suite.by("kundval_delivery_circuits_open", "channel").items():
        if lanes:
            say("channel", "deliveries-failing", channel=channel)
    if suite.most("kundval_af_circuit_open"):
        say("agency", "af-queue-stuck")
    return found


def certificates(suite: Suite) -> list[tuple[str, str, float]]:
    """(service, what, seconds left), the first to end first."""
    found = suite.by("kundval_certificate_expires_seconds", "service", "what", choose=min)
    rows = [(service, what, ends - suite.now) for (service, what), ends in found.items()]
    return sorted(rows, key=lambda row: row[2])


def dates(suite: Suite) -> dict[str, float]:
    """The last business date that was opened, as each service knows it."""
    found = suite.by("kundval_business_date_seconds", "service", "which")
    return {service: reached for (service, which), reached in found.items() if which == "last"}


def page(suite: Suite, lang: str = "en") -> str:
    """The page as HTML."""
    words = Words(lang, read_words(__name__, lang))
    rows = [_row(suite, part, processes) for part, processes in suite.parts.items()]
    overdue = {kind: count for (kind,), count in suite.by("kundval_obligations_overdue", "kind").items() if count}
    shown: dict[str, object] = {
        "lang": lang,
        "title": words.say("title"),
        "skip_to": "services",
        "say": words.say,
        "made": moment(suite.now),
        "attention": [(words.say(one.key, **one.values), one.runbook) for one in attention(suite)],
        "rows": rows,
        "troubles": [
            (part, process.address, name, said)
            for part, processes in suite.parts.items()
            for process in processes
            for name, said in process.troubles
        ],
        "overdue": sorted(overdue.items(), key=lambda pair: -pair[1]),
        "difference": suite.most("kundval_ledger_difference"),
        "checked": sum(value for one in suite.processes for value in one.values("kundval_ledger_recomputed_total")),
        "faults": suite.by("kundval_ledger_faults", "what"),
        "certificates": [(service, what, span(left), left) for service, what, left in certificates(suite)],
        "backups": [(name, moment(made)) for (name,), made in suite.by("kundval_backup_seconds", "service").items()],
        "partners": suite.by("kundval_partner_behind", "partner", "way"),
        "deliveries": suite.by("kundval_delivery_queue", "channel", "state"),
        "agency": suite.by("kundval_af_queue", "kind", "state"),
    }
    return template(__name__).render(shown)


def _row(suite: Suite, part: str, processes: list[Process]) -> dict[str, object]:
    """A line of the table of services; None where nothing is known."""
    ready, answering = sum(one.ready for one in processes), sum(one.answers for one in processes)
    versions = sorted(
        {have["version"] for one in processes for have, _ in one.metrics.get("kundval_info", ()) if "version" in have}
    )
    waiting = {
        queue: suite.most("kundval_queue_messages", processes, queue=queue)
        for queue in ("requests", "events", "retry", "parked")
    }
    missing = suite.most("kundval_migrations_missing", processes)
    age = suite.most("kundval_outbox_age_seconds", processes)
    reached = suite.most("kundval_business_date_seconds", processes, which="last")
    return {
        "part": part,
        "state": _state(ready, answering, len(processes)),
        "ready": ready,
        "of": len(processes),
        "versions": versions,
        "migrations": None if missing is None else "missing" if missing else "complete",
        "outbox": suite.most("kundval_outbox_depth", processes),
        "age": None if age is None else span(age),
        **waiting,
        "day": None if reached is None else day(reached),
    }


def _state(ready: int, answering: int, of: int) -> str:
    """A key of the texts."""
    if ready:
        return "ready" if ready == of else "partly"
    return "waits" if answering else "none"


def _further(one: float, other: float) -> float:
    return max(one, other, key=abs)


def span(seconds: float) -> str:
    """So many seconds in a unit that can be read; of what is over it is said that it is."""
    if seconds < 0:
        return f"-{span(-seconds)}"
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def day(unix: float) -> str:
    """The date that begins at that Unix time."""
    return datetime.fromtimestamp(unix, UTC).date().isoformat()


def moment(unix: float) -> str:
    """Date and time, to the minute; a dash for none."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M UTC") if unix else "–"
