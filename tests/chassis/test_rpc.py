"""RPC entrypoints with a real service process, broker and database."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import psycopg
import pytest

from kundval_contracts import errors
from kundval_contracts.client import Client

from .probing import TENANT, Probe, probing, wait_for


@pytest.fixture(scope="module")
def probe(vhost: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    yield from probing(vhost, database, tmp_path_factory.mktemp("probe"))


@pytest.fixture
def client(probe: Probe) -> Iterator[Client]:
    with probe.client() as one:
        yield one


@pytest.fixture
def tenant() -> str:
    """A tenant of its own, so that sums begin at nothing."""
    return f"t{time.monotonic_ns()}"


def added(probe: Probe, tenant: str) -> int:
    with psycopg.connect(probe.database) as connection:
        row = connection.execute("SELECT count(*) FROM added WHERE tenant = %s", (tenant,)).fetchone()
    assert row is not None
    return int(row[0])


# ---------------------------------------------------------------- the steps of a call


def test_a_command_takes_effect_and_its_answer_has_wire_types(client: Client, probe: Probe, tenant: str) -> None:
    assert client.call("probe.add", tenant=tenant, amount="12.50") == {"sum": "12.50"}
    assert added(probe, tenant) == 1


def test_a_query_answers_with_dates_and_money_as_text(client: Client) -> None:
    answer = client.call("probe.ask", tenant=TENANT)
    assert answer["rows"][0] == {"provider": "alfa", "day": "2024-03-15", "amount": "8000.00"}


def test_every_fault_of_a_request_is_named_by_path_and_nothing_is_applied(
    client: Client, probe: Probe, tenant: str
) -> None:
    with pytest.raises(errors.InvalidRequest) as caught:
        client.call("probe.add", tenant=tenant, amount=1.5, unknown=1, sleep="long")
    assert sorted(fault["path"] for fault in caught.value.faults) == ["amount", "sleep", "unknown"]
    assert added(probe, tenant) == 0


def test_a_refused_command_leaves_nothing_and_arrives_with_code_and_rules(
    client: Client, probe: Probe, tenant: str
) -> None:
    with pytest.raises(errors.FactRefused) as caught:
        client.call("probe.add", tenant=tenant, amount="1.00", fail="refuse")
    assert (caught.value.code, caught.value.rules) == ("NOT_ELIGIBLE", ("AMI-1.3-a",))
    assert added(probe, tenant) == 0


@pytest.mark.parametrize("fail", ["crash", "database"])
def test_a_fault_in_the_service_shows_an_id_and_not_its_text(
    client: Client, probe: Probe, tenant: str, fail: str
) -> None:
    with pytest.raises(errors.InternalError) as caught:
        client.call("probe.add", tenant=tenant, amount="1.00", fail=fail)
    assert "Anna" not in json.dumps(caught.value.to_wire())
    logged = wait_for(
        lambda: [line for line in probe.logged("rpc_failed") if line["error_id"] == caught.value.error_id]
    )
    assert logged[0]["stack"]
    assert "Anna" not in probe.log.read_text()
    assert added(probe, tenant) == 0


def test_an_answer_that_breaks_its_schema_does_not_leave_the_service(client: Client, probe: Probe) -> None:
    with pytest.raises(errors.InternalError) as caught:
        client.call("probe.broken", tenant=TENANT)
    logged = wait_for(
        lambda: [line for line in probe.logged("rpc_failed") if line["error_id"] == caught.value.error_id]
    )
    assert logged[0]["paths"] == ["rows[0].day", "rows[0].amount"]


def test_an_unknown_method_says_so(client: Client) -> None:
    with pytest.raises(errors.UnknownMethod):
        client.call("probe.nothing")


def test_arguments_without_names_are_refused(probe: Probe) -> None:
    reply = raw_call(probe, {"args": [1], "kwargs": {}})
    assert reply["error"]["exc_args"][0]["kind"] == "INVALID_REQUEST"


@pytest.mark.parametrize("body", [[], {"args": []}, {"args": [], "kwargs": 3}, "text", None])
def test_a_malformed_body_is_answered_as_invalid(probe: Probe, body: Any) -> None:
    reply = raw_call(probe, body)
    assert reply["error"]["exc_args"][0]["kind"] == "INVALID_REQUEST"


def test_rubbish_in_the_queue_is_answered_and_the_service_goes_on(probe: Probe, client: Client) -> None:
    reply = raw_call(probe, None, text="{not json Anna Andersson")
    assert reply["error"]["exc_args"][0]["kind"] == "INVALID_REQUEST"
    assert client.call("probe.ask", tenant=TENANT)
    assert "Anna" not in probe.log.read_text()


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (None, "TOKEN_MISSING"),
        ("rubbish", "TOKEN_INVALID"),
        ("expired", "TOKEN_EXPIRED"),
        ("foreign", "TOKEN_INVALID"),
    ],
)
def test_a_call_without_a_valid_token_is_refused(probe: Probe, token: str | None, code: str) -> None:
    from kundval_chassis.tokens import Tokens

    if token == "expired":
        token = Tokens(probe.key).mint("SYSTEM", lifetime=-60)
    elif token == "foreign":
        token = Tokens("x" * 40).mint("SYSTEM")
    with Client(probe.amqp_uri, token, timeout=5) as client, pytest.raises(errors.Unauthenticated) as caught:
        client.call("probe.ask", tenant=TENANT)
    assert caught.value.code == code


def test_a_provider_may_not_call_what_is_not_for_providers(probe: Probe) -> None:
    client = probe.client("PROVIDER", organisation="alfa", tenant=TENANT)
    with client, pytest.raises(errors.Forbidden) as caught:
        client.call("probe.add", tenant=TENANT, amount="1.00")
    assert caught.value.code == "ROLE_NOT_ALLOWED"


def test_a_provider_sees_its_own_rows_only(probe: Probe) -> None:
    with probe.client("PROVIDER", organisation="alfa", tenant=TENANT) as client:
        assert {row["provider"] for row in client.call("probe.ask", tenant=TENANT)["rows"]} == {"alfa"}
        with pytest.raises(errors.Forbidden):
            client.call("probe.ask", tenant=TENANT, provider="beta")
        with pytest.raises(errors.Forbidden):
            client.call("probe.ask", tenant="another")


def test_a_method_that_would_show_a_provider_anothers_row_is_stopped(probe: Probe) -> None:
    client = probe.client("PROVIDER", organisation="alfa", tenant=TENANT)
    with client, pytest.raises(errors.InternalError):
        client.call("probe.leak", tenant=TENANT)


# ---------------------------------------------------------------- once


def test_the_same_key_gives_the_same_answer_and_no_second_effect(client: Client, probe: Probe, tenant: str) -> None:
    first = client.call("probe.add", tenant=tenant, amount="1.00", idempotency_key=tenant)
    client.call("probe.add", tenant=tenant, amount="5.00")
    again = client.call("probe.add", tenant=tenant, amount="1.00", idempotency_key=tenant)
    assert first == again == {"sum": "1.00"}
    assert added(probe, tenant) == 2


def test_the_same_key_for_another_request_is_a_conflict(client: Client, probe: Probe, tenant: str) -> None:
    client.call("probe.add", tenant=tenant, amount="1.00", idempotency_key=tenant)
    with pytest.raises(errors.Conflict) as caught:
        client.call("probe.add", tenant=tenant, amount="2.00", idempotency_key=tenant)
    assert caught.value.code == "IDEMPOTENCY_KEY_REUSED"


def test_the_same_key_of_another_caller_does_not_show_the_answer(client: Client, probe: Probe, tenant: str) -> None:
    client.call("probe.add", tenant=tenant, amount="1.00", idempotency_key=tenant)
    with probe.client("CONTROLLER", subject="someone") as other, pytest.raises(errors.Conflict):
        other.call("probe.add", tenant=tenant, amount="1.00", idempotency_key=tenant)


def test_the_same_key_in_another_municipality_is_another_command(client: Client, probe: Probe, tenant: str) -> None:
    towns = [tenant, f"{tenant}-2", f"{tenant}-3"]
    for _ in range(2):
        for town in towns:
            answer = client.call("probe.add", tenant=town, amount="1.00", idempotency_key=f"run-{tenant}")
            assert answer == {"sum": "1.00"}
    assert [added(probe, town) for town in towns] == [1, 1, 1]
    with pytest.raises(errors.Conflict):
        client.call("probe.add", tenant=towns[1], amount="2.00", idempotency_key=f"run-{tenant}")


def test_a_command_without_key_is_refused(probe: Probe, tenant: str) -> None:
    body = {"args": [], "kwargs": {"tenant": tenant, "amount": "1.00"}}
    reply = raw_call(probe, body, method="probe.add", headers={"nameko.auth_token": probe.token()})
    assert reply["error"]["exc_args"][0]["faults"][0]["path"] == "idempotency_key"
    assert added(probe, tenant) == 0


def test_a_refused_command_is_judged_again(client: Client, probe: Probe, tenant: str) -> None:
    for _ in range(2):
        with pytest.raises(errors.FactRefused):
            client.call("probe.add", tenant=tenant, amount="1.00", fail="refuse", idempotency_key=tenant)
    assert added(probe, tenant) == 0


def test_of_many_duplicates_at_once_one_takes_effect_and_all_get_its_answer(
    client: Client, probe: Probe, tenant: str
) -> None:
    calls = [
        client.submit("probe.add", {"tenant": tenant, "amount": "1.00", "sleep": 0.3}, idempotency_key=tenant)
        for _ in range(8)
    ]
    assert [call.result() for call in calls] == [{"sum": "1.00"}] * 8
    assert added(probe, tenant) == 1


def test_duplicates_at_once_of_a_command_that_fails_leave_nothing(client: Client, probe: Probe, tenant: str) -> None:
    fields = {"tenant": tenant, "amount": "1.00", "sleep": 0.3, "fail": "crash"}
    calls = [client.submit("probe.add", fields, idempotency_key=tenant) for _ in range(3)]
    for call in calls:
        with pytest.raises(errors.InternalError):
            call.result()
    assert added(probe, tenant) == 0


# ---------------------------------------------------------------- context


def test_correlation_and_trace_of_the_caller_reach_the_method_and_the_log(client: Client, probe: Probe) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = client.call("probe.context", correlation_id="corr-4711", traceparent=trace)
    correlation, traceparent, subject = answer["text"].split()
    assert correlation == "corr-4711"
    assert traceparent.split("-")[1] == trace.split("-")[1]
    assert subject == "system"
    line = wait_for(lambda: [one for one in probe.logged("rpc") if one.get("correlation_id") == "corr-4711"])[0]
    assert line["trace_id"] == trace.split("-")[1]
    assert (line["service"], line["method"], line["outcome"]) == ("probe", "probe.context", "ok")


def test_rubbish_in_the_headers_is_not_taken_over(client: Client, probe: Probe) -> None:
    answer = client.call("probe.context", correlation_id="Anna Andersson", traceparent="00-zz")
    assert "Anna" not in answer["text"]
    assert "zz" not in answer["text"]


def test_a_call_is_logged_with_who_and_why_and_without_its_contents(probe: Probe) -> None:
    with probe.client("CONTROLLER", subject="user-17", purpose="monthly check") as client:
        client.call("probe.echo", text="Anna Andersson 900517-1234")
    line = wait_for(lambda: [one for one in probe.logged("rpc") if one.get("subject") == "user-17"])[0]
    assert (line["role"], line["purpose"], line["method"]) == ("CONTROLLER", "monthly check", "probe.echo")
    assert "900517" not in probe.log.read_text()


# ---------------------------------------------------------------- plain nameko


def test_typed_errors_and_answers_reach_a_plain_nameko_proxy(probe: Probe, tenant: str) -> None:
    # in a process of its own: nameko's standalone proxy wants no patching, but registers error classes
    import subprocess
    import sys

    program = """
import sys
from nameko.standalone.rpc import ClusterRpcProxy
from kundval_contracts import errors
errors.register_with_nameko()
data = {"auth_token": sys.argv[2], "idempotency_key": "plain-" + sys.argv[3]}
with ClusterRpcProxy({"AMQP_URI": sys.argv[1]}, context_data=data, timeout=10) as proxy:
    print(proxy.probe.add(tenant=sys.argv[3], amount="3.00"))
    for call in (
        lambda: proxy.probe.add(tenant=sys.argv[3], amount="3.00", fail="refuse"),
        lambda: proxy.probe.add(tenant=3, amount=1.5),
        lambda: proxy.probe.crash(tenant="t"),
        lambda: proxy.probe.nothing(),
    ):
        try:
            call()
        except errors.KundvalError as error:
            print(type(error).__name__, error.code, len(error.faults))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, probe.amqp_uri, probe.token(), tenant],
        capture_output=True,
        text=True,
        timeout=40,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "{'sum': '3.00'}",
        "Conflict IDEMPOTENCY_KEY_REUSED 0",
        "InvalidRequest INVALID_REQUEST 2",
        "InternalError INTERNAL_ERROR 0",
        "UnknownMethod UNKNOWN_METHOD 0",
    ]


# ---------------------------------------------------------------- giving up, going on


def test_a_request_of_a_caller_that_gave_up_is_not_carried_out_later(
    fresh_vhost: str, database: str, tmp_path: Path, tenant: str
) -> None:
    probe = Probe(fresh_vhost, database, tmp_path).start()
    try:
        with probe.client() as client:
            client.call("probe.ask", tenant=tenant)
            probe.stop(signal.SIGKILL)
            with pytest.raises(errors.TimedOut):
                client.call("probe.add", tenant=tenant, amount="1.00", timeout=0.5)
            probe.start()
            client.call("probe.add", tenant=tenant, amount="2.00")
            assert added(probe, tenant) == 1
    finally:
        probe.end()


def test_a_request_waits_for_a_service_that_is_started_in_time(
    fresh_vhost: str, database: str, tmp_path: Path, tenant: str
) -> None:
    probe = Probe(fresh_vhost, database, tmp_path).start()
    try:
        with probe.client(timeout=20) as client:
            client.call("probe.ask", tenant=tenant)
            probe.stop(signal.SIGKILL)
            call = client.submit("probe.add", {"tenant": tenant, "amount": "1.00"})
            probe.start()
            assert call.result() == {"sum": "1.00"}
    finally:
        probe.end()


def test_a_command_in_hand_when_the_service_is_killed_takes_effect_once(
    fresh_vhost: str, database: str, tmp_path: Path, tenant: str
) -> None:
    probe = Probe(fresh_vhost, database, tmp_path).start()
    try:
        with probe.client(timeout=20) as client:
            calls = [client.submit("probe.add", {"tenant": tenant, "amount": "1.00", "sleep": 0.5}) for _ in range(6)]
            time.sleep(0.4)
            probe.stop(signal.SIGKILL)
            probe.start()
            assert all(call.result() for call in calls)
            assert added(probe, tenant) == 6
    finally:
        probe.end()


def test_a_reply_that_cannot_be_sent_ends_nothing_and_the_answer_comes_on_repeating(
    fresh_vhost: str, database: str, tmp_path: Path
) -> None:
    probe = Probe(fresh_vhost, database, tmp_path).start()
    try:
        with probe.client() as client:
            with pytest.raises(errors.TimedOut):
                client.call("probe.deaf", timeout=3)
            assert probe.process is not None
            assert probe.process.poll() is None
            assert probe.get("/health/live")[0] == 200
            assert wait_for(lambda: probe.logged("rpc_reply_failed"))
            assert "kundval_rpc_replies_failed_total" in probe.get("/metrics")[1]
    finally:
        probe.end()


def test_callers_in_many_threads_each_get_their_own_answer(client: Client) -> None:
    wrong: list[Any] = []

    def ask(number: int) -> None:
        for turn in range(20):
            text = f"{number}/{turn}"
            if client.call("probe.echo", text=text) != {"text": text}:
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong


def test_a_slow_query_does_not_keep_other_calls_waiting(client: Client) -> None:
    slow = [client.submit("probe.ask", {"tenant": TENANT, "sleep": 1.0}) for _ in range(4)]
    started = time.monotonic()
    client.call("probe.echo", text="quick")
    assert time.monotonic() - started < 0.7
    for call in slow:
        call.result()
    assert time.monotonic() - started < 3


def test_a_large_answer_arrives_whole(client: Client) -> None:
    assert len(client.call("probe.ask", tenant=TENANT, size=20_000, timeout=30)["rows"]) == 40_000


def test_an_answer_that_the_broker_would_refuse_is_an_error(client: Client) -> None:
    with pytest.raises(errors.InvalidRequest) as caught:
        client.call("probe.ask", tenant=TENANT, size=125_000, timeout=30)
    assert caught.value.code == "ANSWER_TOO_LARGE"
    assert client.call("probe.ask", tenant=TENANT)


def test_a_service_can_ask_another_one_and_the_correlation_goes_with_it(client: Client, probe: Probe) -> None:
    answer = client.call("probe.relay", correlation_id="corr-relay")
    assert answer["text"].startswith("corr-relay ")
    assert answer["text"].endswith(" probe")
    logged = wait_for(lambda: [line for line in probe.logged("rpc") if line.get("correlation_id") == "corr-relay"])
    assert len({line["trace_id"] for line in logged}) == 1


def raw_call(
    probe: Probe, body: Any, *, method: str = "probe.ask", headers: dict[str, Any] | None = None, text: str = ""
) -> Any:
    """Send `body` as it is, and wait for the reply."""
    headers = {"nameko.auth_token": probe.token()} if headers is None else headers
    with kombu.Connection(probe.amqp_uri) as connection:
        channel = connection.channel()
        name = f"test-{time.monotonic_ns()}"
        queue = kombu.Queue(name, exclusive=True, auto_delete=True)(channel)
        queue.declare()
        queue.bind_to("nameko-rpc", name)
        connection.Producer(channel).publish(
            text or json.dumps(body),
            exchange="nameko-rpc",
            routing_key=method,
            content_type="application/json",
            content_encoding="utf-8",
            headers=headers,
            reply_to=name,
            correlation_id="1",
        )
        found: list[Any] = []
        with connection.Consumer(queue, callbacks=[lambda reply, message: found.append(reply)], no_ack=True):
            while not found:
                connection.drain_events(timeout=8)
        return found[0]
