"""Scheduling's tables with as many open obligations as wanted, and the business date moved by a day in them."""

import kundval_chassis.bootstrap  # isort: skip  # first, before anything imports psycopg

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from bench import cases, child
from kundval_assignment.domain import judge
from kundval_chassis import agenda, migrate
from kundval_chassis.db import Pool, Tx
from kundval_contracts.answer import Obligation
from kundval_contracts.calendar import add_days
from kundval_contracts.codes import ObligationState
from kundval_contracts.envelope import Event
from kundval_contracts.timeline import Timeline
from kundval_scheduling import store
from kundval_scheduling.domain import outlook
from kundval_scheduling.domain.active import Active, stretches
from kundval_scheduling.domain.workload import Horizon, Scope
from kundval_scheduling.service import SchedulingService
from kundval_scheduling.workload import store as workload

assert kundval_chassis.bootstrap

TENANT, MODELS = "bench", "models"
#: a Tuesday: on a Monday every active assignment has a new week, and there would be no scan to speak of
DAY = date(2025, 7, 8)
#: open obligations that a model has at least
OPEN = 8
#: what is copied for each assignment, with the columns that name it
_TABLES = ("held_case", "held_fact", "obligation", "obligation_revision", "agenda", "active")


@dataclass(frozen=True)
class Model:
    """An assignment of the sample as it stands on `DAY`, and the first later day on which something changes."""

    case: tuple[Any, ...]
    facts: list[tuple[Any, ...]]
    obligations: tuple[Obligation, ...]
    active: tuple[Active, ...]
    until: date | None

    @property
    def name(self) -> str:
        return str(self.case[1])


def models() -> Iterator[Model]:
    """The sample's assignments with many open obligations."""
    found = cases.caseload()
    tenant = found.tenant()
    rows = cases.held(len(found.assignments), MODELS)
    for one, (case, facts) in zip(found.assignments, rows, strict=True):
        whole = one.case(found.as_of).having(judge(one.case(found.as_of), one.client, tenant).in_effect)
        known = whole.known_by(DAY)
        obligations, change = outlook(known, tenant, DAY)
        if sum(row.state is ObligationState.OPEN for row in obligations) < OPEN:
            continue
        days = [fact.known_on for fact in whole.facts if fact.known_on > DAY]
        until = min([*days, change] if change else days, default=None)
        yield Model(
            case,
            facts,
            # under the id that its rows have
            tuple(replace(row, assignment=case[1]) for row in obligations),
            tuple(replace(row, assignment=case[1]) for row in stretches(Timeline(known, tenant.settings), DAY)),
            until,
        )


class Scan:
    def __init__(self, pool: Pool, uri: str):
        self.pool, self.uri = pool, uri

    def seed(self, open_obligations: int, changing: int) -> dict[str, Any]:
        """Copy the models until there are so many open obligations; `changing` assignments change on the next day."""
        migrate.apply(self.uri, "scheduling")
        known = list(models())
        wait = [one for one in known if one.until != add_days(DAY, 1)]
        change = [one for one in known if one.until == add_days(DAY, 1)]
        with self.pool.tx() as tx:
            cases.open_tenant(tx, TENANT, DAY)
            _put(tx, known)
            copies = _copies(wait, change, open_obligations, changing)
            tx.execute("CREATE TEMPORARY TABLE copies (name text, model text) ON COMMIT DROP")
            tx.copy_rows("copies", ("name", "model"), copies)
            counts = {table: _multiply(tx, table) for table in _TABLES}
            # the peer's index
            tx.execute("CREATE INDEX plain ON obligation (tenant, overdue_after) WHERE state = 'OPEN'")
            number = tx.value("SELECT count(*) FROM obligation WHERE tenant = %s AND state = 'OPEN'", (TENANT,))
        self._tidy()
        return {"open": number, **counts}

    def _tidy(self) -> None:
        """What autovacuum would do in its own time."""
        with self.pool._pool.connection() as connection:
            for table in (*_TABLES, "event", "outbox"):
                connection.execute(_sql(f"VACUUM ANALYZE {table}"))

    def plain(self) -> dict[str, Any]:
        """What is late from tomorrow on, by the plain query."""
        with self.pool.tx(readonly=True) as tx:
            began = time.perf_counter()
            rows = tx.query(
                "SELECT assignment, kind, sequence FROM obligation WHERE tenant = %s AND state = 'OPEN'"
                " AND overdue_after < %s",
                (TENANT, add_days(DAY, 1)),
            )
            return {"ms": 1000 * (time.perf_counter() - began), "rows": len(rows)}

    def due(self) -> dict[str, Any]:
        """Which cases to look at tomorrow."""
        with self.pool.tx(readonly=True) as tx:
            began = time.perf_counter()
            found = sum(len(chunk) for chunk in agenda.due(tx, TENANT, add_days(DAY, 1)))
            return {"ms": 1000 * (time.perf_counter() - began), "cases": found}

    def move(self) -> dict[str, Any]:
        """Move the date by a day as the service does when it is told, and take it back after the clock has stopped."""
        event = Event(
            str(uuid4()), "assignment.day_opened", 1, TENANT, TENANT, datetime.now(UTC), 1,
            {"date": add_days(DAY, 1).isoformat()},
        )  # fmt: skip
        found: dict[str, Any] = {}
        try:
            with self.pool.tx() as tx:
                before = tx.value("SELECT count(*) FROM obligation WHERE state = 'OVERDUE'")
                began, cpu = time.perf_counter(), time.process_time()
                SchedulingService.on_events(SimpleNamespace(), tx, [event])  # type: ignore[arg-type]
                tx.flush()
                found = {"ms": 1000 * (time.perf_counter() - began), "cpu_ms": 1000 * (time.process_time() - cpu)}
                found["late"] = tx.value("SELECT count(*) FROM obligation WHERE state = 'OVERDUE'") - before
                found["told"] = tx.value("SELECT count(*) FROM event WHERE name = 'scheduling.obligations_changed'")
                raise _Enough
        except _Enough:
            pass
        self._tidy()
        return found

    def workload(self) -> dict[str, Any]:
        """Counting the workload of everybody, and of a provider."""
        found = {}
        with self.pool.tx(readonly=True) as tx:
            provider = tx.value("SELECT provider FROM obligation WHERE provider IS NOT NULL LIMIT 1")
            for name, scope in (("everybody", Scope()), ("provider", Scope(provider=provider))):
                began = time.perf_counter()
                workload.tally(tx, TENANT, scope, Horizon(DAY))
                found[name] = 1000 * (time.perf_counter() - began)
        return found


class _Enough(Exception):
    """To roll back."""


def _put(tx: Tx, known: list[Model]) -> None:
    """The models as rows of a tenant of their own, to be copied from."""
    names = [one.name for one in known]
    tx.copy_rows(
        "held_case", ("tenant", "assignment", "programme", "delivery_area", "plan", "sequence"),
        [one.case for one in known],
    )  # fmt: skip
    tx.copy_rows(
        "held_fact",
        ("tenant", "assignment", "fact_id", "revision", "in_effect", "kind", "place", "on_day", "known_on", "data"),
        [fact for one in known for fact in one.facts],
    )
    store.save(tx, MODELS, [row for one in known for row in one.obligations])
    tx.insert_rows("obligation_revision", ("tenant", "assignment", "revision"), [(MODELS, name, 1) for name in names])
    agenda.rest(tx, MODELS, {one.name: one.until for one in known})
    workload.save_active(tx, MODELS, {one.name: one.active for one in known})


def _open_ones(one: Model) -> int:
    return sum(row.state is ObligationState.OPEN for row in one.obligations)


def _copies(wait: list[Model], change: list[Model], wanted: int, changing: int) -> Iterator[tuple[str, str]]:
    """(name, model's name) of each assignment, those that change strewn among the others."""
    mean = sum(map(_open_ones, wait)) // len(wait)
    every = max(2, wanted // mean // changing)
    number = made = changed = 0
    while made < wanted:
        if number % every == 0 and changed < changing:
            model = change[changed % len(change)]
            changed += 1
        else:
            model = wait[number % len(wait)]
        yield f"A-{number:07d}", model.name
        made += _open_ones(model)
        number += 1


def _multiply(tx: Tx, table: str) -> int:
    """Each model's rows under the names of all its copies."""
    columns = [
        row["attname"]
        for row in tx.query(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum",
            (table,),
        )
    ]
    own = {"tenant": "%(tenant)s", "assignment": "copies.name"}
    return tx.execute(
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {', '.join(own.get(column, f'{table}.{column}') for column in columns)}"
        f" FROM copies JOIN {table} ON {table}.tenant = %(models)s AND {table}.assignment = copies.model",
        {"tenant": TENANT, "models": MODELS},
    )


def _sql(text: str) -> Any:
    # psycopg's types want a literal
    return text


def main() -> None:
    given = child.parameters()
    # as the runner does for a service
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    with Pool(given["database"], name="bench-due-scan") as pool:
        scan = Scan(pool, given["database"])
        child.serve(
            {"seed": scan.seed, "plain": scan.plain, "due": scan.due, "move": scan.move, "workload": scan.workload},
            child.green_wait,
        )


if __name__ == "__main__":
    main()
