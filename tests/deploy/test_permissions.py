"""Who may do what at the broker and in the databases: every attempt of every user, and what became of it.

What is expected is said here in the test's own words (who owns what), not read from what is being tested.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from importlib.metadata import entry_points
from typing import Any

import amqp
import psycopg
import pytest

from kundval_chassis import grants, migrate
from kundval_chassis.amqp import (
    RETRY_DELAYS,
    Link,
    Outgoing,
    declare_consumer,
    declare_exchange,
    declare_replays,
    declare_restricted,
    parked_queue,
    queue_of,
    retry_queue,
    user_of,
)
from kundval_chassis.partners import broker as partner_broker
from kundval_chassis.partners import outlets
from kundval_chassis.partners.registry import Partner, Way, first_secrets
from kundval_chassis.tokens import Tokens
from kundval_contracts.client import Client
from kundval_contracts.envelope import compose, dump_data
from kundval_contracts.errors import KundvalError
from kundval_contracts.events_in import SOURCES as INBOUND
from kundval_contracts.rpc import METHODS
from kundval_local import postgres
from kundval_rabbitmq import definitions, rights
from tests.conftest import Servers, as_service
from tests.suite import SERVICES, Suite, Town, client, eventually, suite, town

__all__ = ["client", "suite", "town"]  # fixtures

OTHERS = ("gateway", "monitor", "operator")
RPC = "nameko-rpc"
PARTNER = Partner(
    id="lan-99",
    tenants=frozenset({"nacka"}),
    names=("assignment.*",),
    ways=frozenset({Way.QUEUE}),
    secrets=first_secrets("first"),
    since=date(2024, 1, 1),
    changed_at=datetime(2024, 1, 1, tzinfo=UTC),
)
OTHER_PARTNER = "lan-98"
#: so that nothing is changed where it may be
OTHER_SHAPE = {"x-max-length": 7}


# --- the broker --------------------------------------------------------------------------------------------------


class House:
    """A virtual host with everything in it that the suite declares there, and an address for each actor."""

    def __init__(self, servers: Servers, vhost: str):
        self.vhost = vhost
        self.uris = {actor: servers.amqp_uri_of(actor, vhost) for actor in (*SERVICES, *OTHERS)}
        password = secrets.token_hex(16)
        admin = servers.env["KUNDVAL_BROKER_API"]
        partner_broker.Broker(admin, self.uris["operator"]).admit(PARTNER, password)
        where = self.uris["operator"].rpartition("@")[2]
        self.uris["partner"] = f"amqp://{outlets.exchange_of(PARTNER.id)}:{password}@{where}"
        # as each service does it itself: what is allowed works
        for service in SERVICES:
            with Link(self.uris[service], name="test") as link:
                declare_exchange(link.channel, service)
                declare_restricted(link.channel, service)
                declare_replays(link.channel, service)
                declare_consumer(link.channel, queue_of(service), rights.SOURCES[service])
                link.channel.exchange_declare(RPC, "topic", durable=True, auto_delete=False)
                link.channel.queue_declare(f"rpc-{service}", durable=True, auto_delete=False)
                link.channel.queue_bind(f"rpc-{service}", RPC, f"{service}.*")
                for partner in (PARTNER.id, OTHER_PARTNER):
                    outlets.declare(link.channel, partner)
        found = servers.api("GET", f"queues/{vhost}?columns=name")
        self.queues = sorted(row["name"] for row in found)
        self.exchanges = sorted(
            row["name"] for row in servers.api("GET", f"exchanges/{vhost}?columns=name") if row["name"]
        )


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[House]:
    uri = servers.create_vhost()
    vhost = uri.rpartition("/")[2]
    servers.let_users_in(vhost)
    made = House(servers, vhost)
    yield made
    servers.api("DELETE", f"users/{outlets.exchange_of(PARTNER.id)}")
    servers.drop_vhost(uri)


class Actor:
    """Somebody at the broker who tries things; a channel that was closed over it is opened anew."""

    def __init__(self, uri: str):
        self.link = Link(uri, name="test permissions")

    def may(self, attempt: Callable[[amqp.Channel], Any]) -> bool:
        """Whether the broker lets it be done, whatever comes of it then."""
        channel = self.link.connection.channel()
        try:
            attempt(channel)
            # what is refused without an answer of its own has been by then
            channel.basic_qos(0, 1, False)
        except amqp.AccessRefused:
            return False
        except (amqp.NotFound, amqp.PreconditionFailed, amqp.ResourceLocked):
            return True
        channel.close()
        return True


ACTORS = (*SERVICES, *OTHERS, "partner")


def owner(name: str) -> str:
    """Whose an exchange or queue is."""
    if name.startswith("rpc-"):
        return name.removeprefix("rpc-")
    if name.startswith("partner."):
        return name.split(".")[1]
    return name.split(".")[0]


@pytest.fixture(params=ACTORS)
def actor(house: House, request: pytest.FixtureRequest) -> Iterator[tuple[str, Actor]]:
    made = Actor(house.uris[request.param])
    yield request.param, made
    made.link.close()


def test_a_queue_is_read_emptied_and_removed_by_its_owner_alone(house: House, actor: tuple[str, Actor]) -> None:
    name, who = actor
    assert {owner(queue) for queue in house.queues} == {*SERVICES, *INBOUND, PARTNER.id, OTHER_PARTNER}
    assert {parked_queue(queue_of(one)) for one in SERVICES} < set(house.queues)
    assert {retry_queue(queue_of(one), delay) for one in SERVICES for delay in RETRY_DELAYS} < set(house.queues)
    for queue in house.queues:
        whose = owner(queue)
        reads = whose == name or (whose == PARTNER.id and name == "partner")
        # what is parked is looked after by operators
        reads = reads or (name == "operator" and ".events-in" in queue)
        assert who.may(lambda channel, queue=queue: channel.basic_get(queue)) is reads, queue
        assert who.may(lambda channel, queue=queue: channel.queue_purge(queue)) is reads, queue
        shapes = whose == name or (
            # the services make the queues of partners, and a partner may make its own
            queue.startswith("partner.") and (name in SERVICES or (whose == PARTNER.id and name == "partner"))
        )
        asked = who.may(lambda channel, queue=queue: channel.queue_declare(queue, durable=True, arguments=OTHER_SHAPE))
        assert asked is shapes, queue


def test_an_exchange_takes_messages_from_its_owner_alone(house: House, actor: tuple[str, Actor]) -> None:
    name, who = actor
    assert {f"{one}.restricted" for one in SERVICES} < set(house.exchanges)
    for exchange in house.exchanges:
        if exchange == RPC:
            continue
        whose = owner(exchange)
        key = f"{whose}.exited" if whose in SERVICES else "nacka.assignment.exited"
        tells = whose == name or (exchange.startswith("partner.") and name in SERVICES)
        published = who.may(lambda channel, e=exchange, k=key: channel.basic_publish(amqp.Message("{}"), e, k))
        assert published is tells, exchange
        shapes = tells or (name == "partner" and whose == PARTNER.id)
        made = who.may(lambda channel, e=exchange: channel.exchange_declare(e, "topic", durable=True))
        # nobody may shape the broker's own
        assert made is (shapes and not exchange.startswith("amq.")), exchange
    # which leads to every queue: see the test of false senders
    anywhere = who.may(lambda channel: channel.basic_publish(amqp.Message("{}"), "", "nobody"))
    assert anywhere is (name in (*SERVICES, "operator"))


def test_a_service_publishes_under_its_own_name_alone(house: House, actor: tuple[str, Actor]) -> None:
    name, who = actor
    for service in SERVICES:
        for exchange in (f"{service}.events", f"{service}.restricted"):
            for key in (f"{service}.exited", f"{service}.exited.v2", *(f"{one}.exited" for one in SERVICES), "#"):
                published = who.may(lambda c, e=exchange, k=key: c.basic_publish(amqp.Message("{}"), e, k))
                assert published is (name == service and key.startswith(f"{name}.")), (exchange, key)


def test_nobody_says_to_be_another(house: House, actor: tuple[str, Actor]) -> None:
    """The broker vouches for the user of a message: with another's name it takes none."""
    name, who = actor
    if name == "monitor":
        return
    false = amqp.Message("{}", user_id=user_of("billing" if name != "billing" else "assignment"))
    channel = who.link.connection.channel()
    exchange, key = (RPC, "billing.info") if name in ("gateway", "partner") else ("", "nobody")
    with pytest.raises(amqp.PreconditionFailed):
        channel.basic_publish(false, exchange, key)
        channel.basic_qos(0, 1, False)


def test_methods_are_asked_for_by_all_answered_by_their_service_and_heard_by_the_caller(
    house: House, actor: tuple[str, Actor]
) -> None:
    name, who = actor
    reply = str(uuid.uuid4())
    programs = {**{one: f"kundval-{one}" for one in SERVICES}, "gateway": "kundval-gateway"}
    queue = f"rpc.reply-{programs.get(name, 'any-name')}-{reply}"
    calls = name != "monitor"

    def listens(key: str) -> Callable[[amqp.Channel], Any]:
        def attempt(channel: amqp.Channel) -> None:
            channel.queue_declare(queue, durable=False, exclusive=True, auto_delete=True)
            channel.queue_bind(queue, RPC, key)

        return attempt

    assert who.may(listens(reply)) is calls
    for key in ("#", "*", "billing.#", "*.info", "billing.lines", *(f"{one}.*" for one in SERVICES if one != name)):
        assert not who.may(listens(key)), key
    for service in SERVICES:
        key = f"{service}.info"
        assert who.may(lambda channel, k=key: channel.basic_publish(amqp.Message("{}"), RPC, k)) is calls
        whole = f"{service}.*"
        bound = who.may(lambda channel, s=service, k=whole: channel.queue_bind(f"rpc-{s}", RPC, k))
        assert bound is (name == service)
    # under the UUID of a call, which who has not made it does not know
    answers = who.may(lambda channel: channel.basic_publish(amqp.Message("{}"), RPC, str(uuid.uuid4())))
    assert answers is (name in SERVICES)
    assert not who.may(lambda channel: channel.basic_publish(amqp.Message("{}"), RPC, "anything"))


def test_a_service_listens_to_those_from_which_it_takes_events(house: House, actor: tuple[str, Actor]) -> None:
    name, who = actor
    queue = {**{one: queue_of(one) for one in SERVICES}, "partner": outlets.queue_of(PARTNER.id)}.get(name)
    sources = set(rights.SOURCES.get(name, ()))
    for exchange in house.exchanges:
        if queue is None or exchange == RPC:
            continue
        bound = who.may(lambda channel, e=exchange: channel.queue_bind(queue, e, "#"))
        of_partner = exchange.startswith("partner.") and (
            name in SERVICES or (name == "partner" and exchange == outlets.exchange_of(PARTNER.id))
        )
        heard = exchange in {f"{one}.{what}" for one in sources for what in ("events", "restricted")} or of_partner
        assert bound is heard, exchange


def test_without_the_right_password_nobody_enters(house: House, servers: Servers) -> None:
    for user in ("guest", *(user_of(one) for one in (*SERVICES, *OTHERS)), outlets.exchange_of(PARTNER.id)):
        for password in ("guest", "", secrets.token_hex(16)):
            where = house.uris["operator"].rpartition("@")[2]
            with pytest.raises(amqp.AccessRefused):
                Link(f"amqp://{user}:{password or 'x'}@{where}", name="test")
    # and nobody another virtual host
    for actor, uri in house.uris.items():
        with pytest.raises(amqp.NotAllowed):
            Link(f"{uri.rpartition('/')[0]}/{'%2F'}", name="test")
        assert actor


def test_the_broker_says_of_its_users_what_the_definitions_say(house: House, servers: Servers) -> None:
    """What was loaded is what is there: nothing was left out, and nothing else may more."""
    wanted = definitions.vhost(house.vhost)
    for kind, path in (("permissions", "permissions"), ("topic_permissions", "topic-permissions")):
        there = servers.api("GET", f"vhosts/{house.vhost}/{path}")
        found = [row for row in there if row["user"].startswith("kundval-")]
        assert sorted(map(json.dumps, (dict(sorted(row.items())) for row in found))) == sorted(
            map(json.dumps, (dict(sorted(row.items())) for row in wanted[kind]))
        )
    limits = {row["user"]: row["value"] for row in servers.api("GET", "user-limits")}
    tags = {row["name"]: set(row["tags"]) for row in servers.api("GET", "users")}
    for one in rights.users():
        assert limits[one.name] == {"max-connections": one.connections, "max-channels": one.channels}
        assert tags[one.name] == set(one.tags)
    policies = {row["name"]: row["definition"] for row in servers.api("GET", f"policies/{house.vhost}")}
    assert policies == {row["name"]: row["definition"] for row in wanted["policies"]}


def test_the_rights_know_the_services_and_from_whom_each_takes_events() -> None:
    assert rights.SERVICES == SERVICES and rights.INBOUND == INBOUND
    for service in SERVICES:
        (point,) = entry_points(group="kundval.services", name=service)
        methods = vars(point.load()).values()
        entries = [one for method in methods for one in getattr(method, "nameko_entrypoints", ())]
        assert [set(one.sources) for one in entries if hasattr(one, "sources")] == [set(rights.SOURCES[service])]


def test_passwords_are_kept_as_the_broker_reads_them() -> None:
    """The salt and the hash of RabbitMQ's own documentation."""
    assert definitions.hashed("test12", bytes.fromhex("908DC60A")) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


def test_an_event_that_another_than_its_service_has_put_into_a_queue_is_parked(suite: Suite, town: Town) -> None:
    """Through the default exchange, to which each service may publish, every queue can be reached."""
    data = {"date": "2031-01-01"}
    envelope = compose(
        id=str(uuid.uuid4()), name="assignment.day_opened", version=1, subject=town.name, tenant=town.name,
        time=datetime(2024, 1, 1, tzinfo=UTC), sequence=1, correlation_id=None, traceparent=None, data=dump_data(data),
    )  # fmt: skip
    false = json.loads(envelope)["id"]
    with Link(suite.servers.amqp_uri_of("scheduling", suite.vhost), name="test") as link:  # type: ignore[union-attr]
        assert not link.publish([Outgoing("", queue_of("billing"), envelope.encode(), false)])

    def parked() -> list[Any]:
        done = suite.kundval("dead-letters", "list", "--json", "--service", "billing")
        return [row for row in json.loads(done.stdout)["parked"] if row["id"] == false]

    assert [row["reason"] for row in eventually(parked)] == ["UNKNOWN_SENDER"]
    assert town.summary("billing").get("business_date") != "2031-01-01"
    assert suite.kundval("dead-letters", "drop", "--yes", false).returncode == 0


# --- methods -----------------------------------------------------------------------------------------------------


def test_no_method_answers_without_a_token_or_to_a_wrong_one(suite: Suite) -> None:
    forged = Tokens("k" * 40).mint("SYSTEM", subject="test", purpose="test")
    for uri in (suite.operator_uri, suite.servers.amqp_uri_of("gateway", suite.vhost)):  # type: ignore[union-attr]
        for token in (None, "", "nonsense", forged):
            with Client(uri, token, name="kundval-gateway", timeout=120) as nobody:
                calls = [(name, {"tenant": "t"}) for name in METHODS]
                for (name, _), answer in zip(calls, nobody.call_many(calls, errors="return"), strict=True):
                    assert isinstance(answer, KundvalError) and answer.kind == "UNAUTHENTICATED", name


# --- databases ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def databases(servers: Servers) -> Iterator[dict[str, str]]:
    """Of every service, as the role that migrates it, with the rights that operations give."""
    made = servers.create_service_databases(SERVICES)
    for service, uri in made.items():
        grants.migrate_and_grant(as_service(uri), service, uri)
    yield made
    for uri in made.values():
        servers.drop_database(uri)


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def refused(conn: psycopg.Connection[Any], statement: str) -> bool:
    """Whether the database refuses a statement for want of a right; nothing of it stays."""
    conn.execute("SAVEPOINT attempt")
    try:
        conn.execute(statement)  # type: ignore[arg-type]
    except psycopg.errors.InsufficientPrivilege:
        return True
    except psycopg.Error:
        return False
    finally:
        conn.execute("ROLLBACK TO SAVEPOINT attempt")
    return False


def tables_of(conn: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Every table with its columns, those first whose value one may say."""
    rows = conn.execute(
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped"
        " ORDER BY relname, attidentity <> '', attgenerated <> '', attnum"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


#: nothing is changed or goes: what was paid, told, entered, shown
KEPT = {
    "assignment": {"access_log_cut", "access_log_told", "af_feedback", "yearly_value"},
    "scheduling": set(),
    "billing": {
        "entry", "entry_row", "payment_run", "payment_entry", "payment_act", "payment_row", "payment_reference", "hold",
        "hold_end", "period_close", "payee", "payer", "document", "document_entry", "accounting", "journal",
        "journal_entry", "known_terms", "known_day", "budget",
    },
    "notifications": {"held_posting", "heard", "message_act", "receipt"},
}  # fmt: skip


def test_a_running_service_does_to_each_table_what_is_declared_and_nothing_else(
    databases: dict[str, str], service: str
) -> None:
    declared = grants.declared(service)
    role = as_service(databases[service])
    with psycopg.connect(databases[service]) as owner_of_all, psycopg.connect(role) as conn:
        tables = tables_of(owner_of_all)
        assert tables.keys() == declared.tables.keys()
        for table, columns in tables.items():
            may = declared.tables[table]
            whole = {privilege for privilege, column in may if column is None}
            single = {column for privilege, column in may if privilege == "UPDATE" and column is not None}
            assert refused(conn, f"SELECT FROM {table} LIMIT 0") is ("SELECT" not in whole), table
            first = columns[0]
            insert = f"INSERT INTO {table} ({first}) SELECT {first} FROM {table} WHERE false"
            assert refused(conn, insert) is ("INSERT" not in whole), table
            assert refused(conn, f"DELETE FROM {table} WHERE false") is ("DELETE" not in whole), table
            for column in columns:
                update = f"UPDATE {table} SET {column} = DEFAULT WHERE false"
                assert refused(conn, update) is ("UPDATE" not in whole and column not in single), (table, column)
            for statement in (
                f"TRUNCATE {table}",
                f"ALTER TABLE {table} ADD COLUMN mine text",
                f"ALTER TABLE {table} DISABLE TRIGGER ALL",
                f"DROP TABLE {table}",
                f"CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                f"GRANT DELETE ON {table} TO PUBLIC",
            ):
                # a grant of what one has not is refused by a warning alone: it must not have come about
                if not refused(conn, statement):
                    assert statement.startswith("GRANT"), statement
        for table in {"event", "told_event", *KEPT[service]}:
            assert ("DELETE", None) not in declared.tables[table] and ("UPDATE", None) not in declared.tables[table]
        assert not [right for table in KEPT[service] for right in declared.tables[table] if right[0] == "UPDATE"]
        for statement in (
            "CREATE TABLE mine ()", "CREATE TEMPORARY TABLE mine ()", "CREATE SCHEMA mine", "CREATE EXTENSION pg_trgm",
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE ROLE mine",
            "SET session_replication_role = replica", f"SET ROLE {conn.info.dbname}_owner",
            "SELECT pg_read_file('PG_VERSION')", "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT * FROM pg_authid",
            "SELECT pg_terminate_backend(pg_backend_pid()) FROM pg_authid",
        ):  # fmt: skip
            assert refused(conn, statement), statement
        assert grants.differences(owner_with_rows(owner_of_all), service, conn.info.user) == []


def owner_with_rows(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    conn.row_factory = psycopg.rows.dict_row  # type: ignore[assignment]
    return conn


def test_a_service_enters_no_other_database_and_nobody_one_without_its_password(
    databases: dict[str, str], service: str
) -> None:
    own = as_service(databases[service])
    for other in SERVICES:
        elsewhere = own.rpartition("/")[0] + "/" + databases[other].rpartition("/")[2]
        if other != service:
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(elsewhere)
    for database in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(f"{own.rpartition('/')[0]}/{database}")
    user = own.partition("//")[2].partition(":")[0]
    for name in (user, f"{user}_migrator", f"{user}_owner", "kundval_admin", "postgres"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"postgresql://{name}:wrong@{own.rpartition('@')[2]}")


def test_the_one_who_migrates_acts_as_the_owner_who_cannot_log_in(databases: dict[str, str], service: str) -> None:
    with psycopg.connect(databases[service]) as conn:
        name = conn.info.dbname
        assert conn.execute("SELECT current_user, session_user").fetchone() == (f"{name}_owner", f"{name}_migrator")
        owners = conn.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert owners == [(f"{name}_owner",)]
        roles = conn.execute(
            "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE %s"
            " AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)"
            " ORDER BY rolname",
            (f"{name}%",),
        ).fetchall()
        assert roles == [(name, True), (f"{name}_migrator", True), (f"{name}_owner", False)]


# --- rights of later migrations ----------------------------------------------------------------------------------


@pytest.fixture
def later(databases: dict[str, str]) -> Iterator[str]:
    """The database of billing; what a test leaves there goes again."""
    yield databases["billing"]
    with psycopg.connect(databases["billing"]) as conn:
        conn.execute("DROP TABLE IF EXISTS forgotten")
        conn.execute("DELETE FROM schema_migration WHERE name LIKE '9999%'")


def test_rights_that_somebody_gave_are_taken_away_by_the_next_migration(later: str) -> None:
    role = grants.role_of(as_service(later))
    assert role is not None
    with psycopg.connect(later) as conn:
        conn.execute(f"GRANT DELETE ON entry TO {role}")  # type: ignore[arg-type]
        conn.execute("GRANT SELECT ON entry TO PUBLIC")
        conn.execute(f"GRANT UPDATE (amount) ON entry_row TO {role}")  # type: ignore[arg-type]
        conn.execute(f"REVOKE INSERT ON payment FROM {role}")  # type: ignore[arg-type]
    assert sorted(grants.apply(later, "billing", role)) == ["entry", "entry_row", "payment"]
    assert grants.apply(later, "billing", role) == []


def test_a_table_without_declared_rights_is_refused_unless_a_newer_version_made_it(later: str) -> None:
    role = grants.role_of(as_service(later))
    assert role is not None
    with psycopg.connect(later) as conn:
        conn.execute("CREATE TABLE forgotten ()")
    with pytest.raises(grants.Undeclared, match="forgotten"):
        grants.apply(later, "billing", role)
    with psycopg.connect(later) as conn:
        conn.execute(
            "INSERT INTO schema_migration (part, name, checksum) VALUES ('billing', '9999_of_a_newer_version', 'x')"
        )
    assert grants.apply(later, "billing", role) == []


def test_a_database_that_the_service_owned_is_handed_over(servers: Servers) -> None:
    old = servers.create_database("billing")
    name = old.rpartition("/")[2].partition("?")[0]
    try:
        migrate.apply(old, "billing")
        programs = postgres.find()
        assert programs is not None
        password = old.partition("//")[2].partition(":")[2].partition("@")[0]
        postgres.run_sql(postgres.database_script(name, password, password), servers.pg_admin_uri, programs)
        migrator = old.replace(f"{name}:", f"{name}_migrator:", 1)
        assert grants.migrate_and_grant(old, "billing", migrator)[1]
        with psycopg.connect(old) as conn:
            assert refused(conn, "DELETE FROM entry") and not refused(conn, "SELECT FROM entry")
    finally:
        servers.drop_database(old)


@pytest.mark.parametrize("text", ["", "ALL", "TRUNCATE", "SELECT; DROP TABLE entry", "UPDATE (a", "SELECT, REFERENCES"])
def test_what_is_no_right_of_a_running_service_cannot_be_declared(text: str) -> None:
    with pytest.raises(ValueError, match="no privilege"):
        grants.read(text)
