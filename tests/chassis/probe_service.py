"""A small service for the tests of this folder, run as a program: `python probe_service.py`.

Its methods are in the register of its own process only. Settings come from the environment as for any service.
"""

from __future__ import annotations

import sys
from typing import Any

from marshmallow import fields

from kundval_contracts import rpc
from kundval_contracts.money import MoneyField
from kundval_contracts.rpc import CallerRole, Method, Policy, Reach, Shield


class Add(rpc.TenantRequest):
    amount = MoneyField(required=True)
    sleep = fields.Float(load_default=0.0)
    fail = fields.String(load_default=None, allow_none=True)


class Added(rpc.Message):
    sum = MoneyField(required=True)


class Ask(rpc.TenantRequest):
    provider = rpc.identifier(load_default=None, allow_none=True)
    sleep = fields.Float(load_default=0.0)
    size = fields.Integer(load_default=1)


class Row(rpc.Message):
    provider = rpc.identifier(required=True)
    day = fields.Date(required=True)
    amount = MoneyField(required=True)


class Rows(rpc.PageAnswer):
    rows = fields.List(fields.Nested(Row), required=True)


class Echo(rpc.Message):
    text = fields.String(required=True)


class Told(rpc.Message):
    secret = fields.String(required=True, allow_none=True)
    number = fields.Integer(required=True)


STAFF = frozenset({CallerRole.CONTROLLER, CallerRole.SYSTEM})
SHUT = Policy(Reach.NOTHING, Shield.NONE, personal=False)
OWN = Policy(Reach.OWN_ROWS, Shield.NONE, personal=False)

METHODS = (
    Method("probe.add", Add(), Added(), "command", STAFF, "add to the sum", SHUT),
    Method("probe.ask", Ask(), Rows(), "query", STAFF | {CallerRole.PROVIDER}, "show rows", OWN, "rows"),
    Method("probe.leak", Ask(), Rows(), "query", STAFF | {CallerRole.PROVIDER}, "show too much", OWN, "rows"),
    Method("probe.broken", Ask(), Rows(), "query", STAFF, "break the answer's schema", SHUT, "rows"),
    Method("probe.crash", Ask(), Rows(), "query", STAFF, "raise something foreign", SHUT, "rows"),
    Method("probe.echo", Echo(), Echo(), "query", STAFF, "give it back", SHUT),
    Method("probe.context", rpc.Nothing(), Echo(), "query", STAFF, "show the context", SHUT),
    Method("probe.relay", rpc.Nothing(), Echo(), "query", STAFF, "ask another service for its context", SHUT),
    Method("probe.die", rpc.Nothing(), Echo(), "query", STAFF, "kill the container", SHUT),
    Method("probe.deaf", rpc.Nothing(), Echo(), "query", STAFF, "lose the way back", SHUT),
    Method("probe.tell", rpc.TenantRequest(), Told(), "command", STAFF, "tell a secret", SHUT, shown_once=("secret",)),
    Method("probe.info", rpc.Nothing(), rpc.Info(), "query", STAFF, "say which version runs", SHUT),
)

MIGRATION = "CREATE TABLE added (id serial PRIMARY KEY, tenant text NOT NULL, amount numeric NOT NULL)"


def main() -> int:
    """Run the service; its tables are made first."""
    from kundval_chassis import runner  # isort: skip  (patches the process)

    from datetime import UTC, date, datetime
    from decimal import Decimal

    import eventlet

    from kundval_chassis import context, migrate, settings
    from kundval_chassis import rpc as rpc_module
    from kundval_chassis.db import Database
    from kundval_chassis.hooks import Hooks, Unfit
    from kundval_chassis.pages import LARGEST, Page, Pages
    from kundval_chassis.rpc import Remote, command, query
    from kundval_contracts.errors import FactRefused

    class Shelf(Pages):
        prefix = "/shelf/"

        def page(self, name: str) -> Page | None:
            with self.pool().tx(readonly=True) as tx:
                tx.value("SELECT 1")
            if name == "crash":
                raise RuntimeError("Anna Andersson, 19900517-1234")
            parts = {"book": [b"page\n"] * 1000, "endless": [bytes(LARGEST)] * 2}.get(name)
            return None if parts is None else Page("text/plain", f"{name}-1", lambda: parts)

    class Letterbox(Hooks):
        prefix = "/letterbox/"

        def names(self) -> dict[str, str]:
            return {"secret-1": "one", "secret-2": "two"}

        def take(self, what: str, body: bytes) -> None:
            if body == b"crash":
                raise RuntimeError("Anna Andersson, 19900517-1234")
            if body != what.encode():
                raise Unfit

    class Probe:
        name = "probe"
        shelf = Shelf()
        letterbox = Letterbox()
        db = Database()
        remote = Remote()

        @command("probe.add")
        def add(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            tx.execute("INSERT INTO added (tenant, amount) VALUES (%s, %s)", (request["tenant"], request["amount"]))
            eventlet.sleep(request["sleep"])
            if request["fail"] == "refuse":
                raise FactRefused("It is not allowed.", code="NOT_ELIGIBLE", rules=["AMI-1.3-a"])
            if request["fail"] == "crash":
                raise RuntimeError("Anna Andersson, 19900517-1234")
            if request["fail"] == "database":
                tx.execute("INSERT INTO added (id, tenant, amount) VALUES (1, 'Anna', 1), (1, 'Anna', 1)")
            total = tx.value("SELECT sum(amount) FROM added WHERE tenant = %s", (request["tenant"],))
            return {"sum": total}

        @query("probe.ask")
        def ask(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            if request["sleep"]:
                tx.query("SELECT pg_sleep(%s)", (request["sleep"],))
            providers = [caller.provider] if caller.provider else ["alfa", "beta"]
            tx.value("SELECT count(*) FROM added WHERE tenant = %s", (request["tenant"],))
            rows = [
                {"provider": provider, "day": date(2024, 3, 15), "amount": Decimal(8000)}
                for _ in range(request["size"])
                for provider in providers
            ]
            return {"rows": rows, "next": None}

        @query("probe.leak")
        def leak(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            row = {"provider": "beta", "day": date(2024, 3, 15), "amount": Decimal(1)}
            return {"rows": [row], "next": None}

        @query("probe.broken")
        def broken(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            return {"rows": [{"provider": "alfa", "day": "Tuesday"}], "next": None}

        @query("probe.crash")
        def crash(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            raise RuntimeError("Anna Andersson, 19900517-1234")

        @command("probe.tell")
        def tell(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            tx.execute("INSERT INTO added (tenant, amount) VALUES (%s, 1)", (request["tenant"],))
            return {"secret": "open sesame", "number": tx.value("SELECT count(*) FROM added")}

        @query("probe.echo")
        def echo(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            return request

        @query("probe.context")
        def context(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            words = (context.correlation_id.get(), context.traceparent.get(), context.caller.get().subject)
            return {"text": " ".join(words)}

        @query("probe.relay")
        def relay(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            answer: dict[str, Any] = self.remote("probe.context", timeout=5)
            return answer

        @query("probe.die")
        def die(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            def fail() -> None:
                raise RuntimeError("a managed thread ended with an error")

            container = self.db_container()
            container.spawn_managed_thread(fail)
            return {"text": "dying"}

        @query("probe.deaf")
        def deaf(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            # from now on no reply gets through
            rpc_module.Replies._write = unreachable  # type: ignore[method-assign]
            return {"text": "nobody hears this"}

        @query("probe.info")
        def info(self, tx: Any, request: dict[str, Any], caller: Any) -> dict[str, Any]:
            return {
                "service": "probe",
                "version": "0",
                "migration": "probe/0001_added",
                "outbox": 0,
                "queues": ["rpc-probe"],
                "started_at": datetime.now(UTC),
            }

        def db_container(self) -> Any:
            return runner_of[0].containers[0]

    def unreachable(*_: Any) -> None:
        raise ConnectionResetError

    runner_of: list[Any] = []

    class Runner(runner.Runner):
        def __init__(self, *args: Any):
            super().__init__(*args)
            runner_of.append(self)

    for method in METHODS:
        rpc.register(method)
    own = migrate.Migration("probe", "0001_added", MIGRATION)
    migrate.apply(
        settings.load("probe", only=["DATABASE_URI"])["DATABASE_URI"],
        "probe",
        [*migrate.read("chassis", migrate.files("kundval_chassis") / "migrations"), own],
    )
    migrate.available = lambda service: []  # type: ignore[assignment]
    runner.find = lambda name: Probe  # type: ignore[assignment]
    runner.Runner = Runner  # type: ignore[misc]
    return runner.run(["probe"])


if __name__ == "__main__":
    sys.exit(main())
