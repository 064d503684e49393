"""The `kundval` command as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kundval_chassis.cli_env import find_local, read_env, use_environment
from kundval_chassis.tokens import Tokens
from tests import commands

from .probing import Probe, probing

CLEAN = {key: value for key, value in os.environ.items() if not key.startswith("KUNDVAL_")}


def kundval(
    *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "", apart: bool = False
) -> subprocess.CompletedProcess[str]:
    """In the process of the tests, which has imported everything; `apart` as a shell does it."""
    return (commands.apart if apart else commands.here)(*arguments, env=CLEAN | dict(env or {}), stdin=stdin)


def error_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(done.stderr)["error"]
    return error


@pytest.fixture(scope="module")
def probe(vhost: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    yield from probing(vhost, database, tmp_path_factory.mktemp("probe"))


# ---------------------------------------------------------------- without servers


@pytest.mark.slow
def test_the_commands_that_there_are_are_listed() -> None:
    done = kundval("--help", apart=True)
    assert done.returncode == 0
    for command in ("simulate", "call", "events", "status", "dead-letters", "run", "migrate", "token"):
        assert f"\n  {command} " in done.stdout


def test_simulate_starts_without_broker_and_database_libraries() -> None:
    program = (
        "import sys\n"
        "from kundval_chassis import cli\n"
        "try:\n    cli.main(['simulate', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('nameko', 'eventlet', 'psycopg', 'kombu', 'amqp') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True, env=CLEAN
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_a_usage_error() -> None:
    assert kundval("dance", apart=True).returncode == 2


def test_the_version_is_shown() -> None:
    assert kundval("--version", apart=True).stdout.startswith("kundval ")


def test_settings_come_from_the_local_servers_of_the_checkout_one_stands_in(tmp_path: Path) -> None:
    (tmp_path / "var" / "local").mkdir(parents=True)
    (tmp_path / "var" / "local" / "env").write_text("KUNDVAL_AMQP_URI=amqp://here/\nKUNDVAL_TOKEN_KEY='k 1'\n# no\n\n")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_local(deep) == tmp_path / "var" / "local" / "env"
    environ = {"KUNDVAL_TOKEN_KEY": "mine"}
    use_environment(find_local(deep), environ)
    assert environ == {"KUNDVAL_AMQP_URI": "amqp://here/", "KUNDVAL_TOKEN_KEY": "mine"}


def test_who_names_a_broker_gets_no_settings_from_a_file() -> None:
    environ = {"KUNDVAL_AMQP_URI": "amqp://there/"}
    assert use_environment(None, environ) is None
    assert environ == {"KUNDVAL_AMQP_URI": "amqp://there/"}


def test_lines_are_read_as_a_shell_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("A=1\nexport B=\"two words\"\nC='x=y'\n#D=4\nE=\nnothing\n")
    assert dict(read_env(file)) == {"A": "1", "B": "two words", "C": "x=y", "E": ""}


@pytest.mark.slow
def test_a_missing_setting_is_named_with_what_to_do(tmp_path: Path) -> None:
    empty = tmp_path / "env"
    empty.write_text("")
    done = kundval("--env", str(empty), "status", apart=True)
    assert done.returncode == 2
    assert "KUNDVAL_TOKEN_KEY is not set" in done.stderr


@pytest.mark.slow
def test_a_token_is_printed_that_the_services_accept() -> None:
    done = kundval(
        "token", "--role", "provider", "--organisation", "alfa", "--as-tenant", "nacka",
        env={"KUNDVAL_TOKEN_KEY": "k" * 40, "KUNDVAL_AMQP_URI": "amqp://x/"},
    )  # fmt: skip
    caller = Tokens("k" * 40).read(done.stdout.strip())
    assert (caller.role.value, caller.provider, caller.tenant) == ("PROVIDER", "alfa", "nacka")


@pytest.mark.slow
def test_a_providers_token_without_provider_is_refused() -> None:
    done = kundval("token", "--role", "PROVIDER", env={"KUNDVAL_TOKEN_KEY": "k" * 40, "KUNDVAL_AMQP_URI": "amqp://x/"})
    assert done.returncode == 2


@pytest.mark.slow
def test_the_methods_are_listed_with_what_they_are_for() -> None:
    done = kundval("call", "--list", env={"KUNDVAL_AMQP_URI": "amqp://x/"})
    assert "billing.run_payments" in done.stdout
    assert "command" in done.stdout


# ---------------------------------------------------------------- call


def test_a_call_prints_the_answer_as_json(probe: Probe) -> None:
    done = kundval("call", "probe.echo", '{"text": "åäö"}', env=probe.environment, apart=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"text": "åäö"}


def test_the_request_can_come_from_standard_input(probe: Probe) -> None:
    done = kundval("call", "probe.echo", "-", env=probe.environment, stdin='{"text": "x"}')
    assert json.loads(done.stdout) == {"text": "x"}


@pytest.mark.parametrize(
    ("arguments", "status", "kind"),
    [
        (["probe.add", '{"tenant": "t", "amount": "1.00", "fail": "refuse"}'], 1, "FACT_REFUSED"),
        (["probe.crash", '{"tenant": "t"}'], 1, "INTERNAL_ERROR"),
        (["nobody.method"], 1, "UNAVAILABLE"),
        (["probe.ask", '{"tenant": "t", "sleep": 5}', "--timeout", "1"], 1, "TIMED_OUT"),
        (["probe.add", '{"tenant": "t", "amount": "1.00"}', "--role", "CASE_WORKER"], 1, "FORBIDDEN"),
        (["probe.ask", '{"tenant": "t", "mood": 1}'], 2, "INVALID_REQUEST"),
        (["probe.ask", "{not json"], 2, "INVALID_REQUEST"),
        (["probe.ask", "[1]"], 2, "INVALID_REQUEST"),
        (["probe.nothing"], 2, "UNKNOWN_METHOD"),
        (["probe"], 2, "UNKNOWN_METHOD"),
    ],
)
def test_an_error_is_json_on_standard_error_with_its_status(
    probe: Probe, arguments: list[str], status: int, kind: str
) -> None:
    done = kundval("call", *arguments, env=probe.environment)
    assert (done.returncode, done.stdout) == (status, "")
    assert error_of(done)["kind"] == kind


def test_a_command_given_the_same_key_takes_effect_once(probe: Probe) -> None:
    for _ in range(2):
        done = kundval(
            "call", "probe.add", '{"tenant": "cli", "amount": "1.00"}', "--key", "cli-1", env=probe.environment
        )
        assert json.loads(done.stdout) == {"sum": "1.00"}


def test_a_call_can_be_made_as_somebody_else(probe: Probe) -> None:
    done = kundval(
        "call", "probe.ask", '{"tenant": "nacka"}', "--role", "PROVIDER", "--organisation", "alfa",
        "--as-tenant", "nacka", env=probe.environment,
    )  # fmt: skip
    assert {row["provider"] for row in json.loads(done.stdout)["rows"]} == {"alfa"}
    done = kundval("call", "probe.context", env=probe.environment | {"KUNDVAL_TOKEN": probe.token(subject="robot")})
    assert json.loads(done.stdout)["text"].endswith(" robot")


# ---------------------------------------------------------------- status, events, dead-letters, migrate


def test_status_shows_who_is_up_and_who_is_not(probe: Probe) -> None:
    done = kundval("status", "probe", "--json", env=probe.environment)
    assert done.returncode == 0
    (row,) = json.loads(done.stdout)["services"]
    assert (row["service"], row["state"], row["version"], row["outbox"], row["requests"]) == ("probe", "up", "0", 0, 0)
    done = kundval("status", "probe", "billing", env=probe.environment)
    assert done.returncode == 1
    assert "never started" in done.stdout
    assert "up" in done.stdout


def test_status_without_a_broker_says_so(probe: Probe) -> None:
    done = kundval("status", env=probe.environment | {"KUNDVAL_AMQP_URI": "amqp://guest@127.0.0.1:1//"})
    assert done.returncode == 1
    assert "no broker" in done.stdout
    assert "Traceback" not in done.stderr


def test_events_are_printed_one_a_line(probe: Probe) -> None:
    import kombu

    from kundval_chassis import outbox
    from kundval_contracts.envelope import compose

    process = subprocess.Popen(
        [sys.executable, "-m", "kundval_chassis.cli", "events", "--source", "assignment", "--count", "2"],
        env=probe.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "listening\n"
        from datetime import UTC, datetime

        with kombu.Connection(probe.amqp_uri) as connection:
            for number in (1, 2, 3):
                body = compose(
                    id=outbox.new_id(), name="assignment.day_opened", version=1, subject="nacka", tenant="nacka",
                    time=datetime.now(UTC), sequence=number, correlation_id=None, traceparent=None,
                    data='{"date": "2024-03-15"}',
                )  # fmt: skip
                connection.Producer().publish(
                    body.encode(), exchange="assignment.events", routing_key="assignment.day_opened",
                    content_type="application/json", content_encoding="utf-8",
                )  # fmt: skip
        out, _ = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 0
    assert [json.loads(line)["sequence"] for line in out.splitlines()] == ["1", "2"]
    assert json.loads(out.splitlines()[0])["data"] == {"date": "2024-03-15"}


def test_dead_letters_of_services_that_never_ran_are_none(probe: Probe) -> None:
    done = kundval("dead-letters", "list", env=probe.environment)
    assert (done.returncode, done.stdout) == (0, "nothing is parked\n")
    done = kundval("dead-letters", "list", "--json", env=probe.environment)
    assert json.loads(done.stdout) == {"parked": []}


def test_a_dead_letter_that_is_not_there_is_named(probe: Probe) -> None:
    for arguments in (["show", "x-1"], ["retry", "x-1"], ["drop", "x-1", "--yes"]):
        done = kundval("dead-letters", *arguments, env=probe.environment)
        assert done.returncode == 1
        assert "x-1 is not parked" in done.stderr


def test_dead_letters_are_listed_shown_sent_again_and_dropped(fresh_vhost: str, probe: Probe) -> None:
    environment = probe.environment | {"KUNDVAL_AMQP_URI": fresh_vhost}
    with park(fresh_vhost, "one", "two", "three"):
        done = kundval("dead-letters", "list", "--json", "--service", "billing", env=environment)
        assert [row["id"] for row in json.loads(done.stdout)["parked"]] == ["one", "two", "three"]
        assert "secret" not in done.stdout
        done = kundval("dead-letters", "list", env=environment)
        assert "two" in done.stdout
        done = kundval("dead-letters", "show", "two", env=environment)
        assert json.loads(done.stdout)["service"] == "billing"
        assert "secret" not in done.stdout
        assert "secret" in kundval("dead-letters", "show", "two", "--data", env=environment).stdout
        assert kundval("dead-letters", "drop", "one", "--yes", env=environment).stdout == "1 dropped\n"
        assert kundval("dead-letters", "retry", "two", env=environment).stdout == "1 sent again\n"
        assert kundval("dead-letters", "retry", "--all", env=environment).stdout == "1 sent again\n"
        assert kundval("dead-letters", "list", env=environment).stdout == "nothing is parked\n"
        row = json.loads(kundval("status", "billing", "--json", env=environment).stdout)["services"][0]
        assert (row["events"], row["parked"]) == (2, 0)


def test_dead_letters_are_dropped_only_when_named_and_confirmed(probe: Probe) -> None:
    assert kundval("dead-letters", "drop", env=probe.environment).returncode == 2
    assert kundval("dead-letters", "retry", env=probe.environment).returncode == 2
    assert kundval("dead-letters", "drop", "x", env=probe.environment, stdin="n\n").returncode == 1


def test_migrate_brings_a_database_up_to_date_and_says_what_it_did(make_database: Any) -> None:
    environment = {"KUNDVAL_BILLING_DATABASE_URI": make_database("billing"), "KUNDVAL_AMQP_URI": "amqp://unused/"}
    done = kundval("migrate", "billing", "--check", env=environment)
    assert done.returncode == 1
    assert "chassis/0001_events" in done.stdout
    done = kundval("migrate", "billing", env=environment)
    assert done.returncode == 0
    assert "applied" in done.stdout
    done = kundval("migrate", "billing", "--check", env=environment)
    assert (done.returncode, done.stdout) == (0, "billing: up to date\n")


@pytest.mark.slow
def test_migrate_names_what_is_missing_and_who_does_not_exist() -> None:
    done = kundval("migrate", "billing", "scheduling", env={"KUNDVAL_AMQP_URI": "amqp://unused/"})
    assert done.returncode == 2
    assert "KUNDVAL_BILLING_DATABASE_URI" in done.stderr
    assert "KUNDVAL_SCHEDULING_DATABASE_URI" in done.stderr
    assert kundval("migrate", "laundry").returncode == 2


class park:
    """Messages in the parking of billing's events, while in use as a context manager."""

    def __init__(self, uri: str, *ids: str):
        self._uri = uri
        self._ids = ids

    def __enter__(self) -> None:
        from kundval_chassis import amqp

        with amqp.Link(self._uri, name="test") as link:
            amqp.declare_consumer(link.channel, "billing.events-in", ["assignment"])
            link.publish(
                [
                    amqp.Outgoing(
                        exchange="",
                        routing_key=amqp.parked_queue("billing.events-in"),
                        body=json.dumps({"type": "x", "data": {"text": "secret"}}).encode(),
                        message_id=id,
                    )
                    for id in self._ids
                ]
            )
        time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        pass
