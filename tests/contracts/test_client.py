"""The client against a real broker, with a service that does what the test wants."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import kombu
import pytest

from kundval_contracts import errors
from kundval_contracts.client import Client
from kundval_contracts.envelope import Event

Answer = Callable[[dict[str, Any]], Any]
SILENT = object()


class Service:
    """Takes requests to ``name.*`` in a thread; `answer` gives the result of each, raises, or is silent."""

    def __init__(self, uri: str, name: str, answer: Answer):
        self.requests: list[dict[str, Any]] = []
        self._answer = answer
        self._connection = kombu.Connection(uri)
        exchange = kombu.Exchange("nameko-rpc", "topic", durable=True)
        self.queue = kombu.Queue(f"rpc-{name}", exchange, f"{name}.*", durable=False, auto_delete=True)
        self._producer = self._connection.Producer()
        self._consumer = self._connection.Consumer(self.queue, callbacks=[self._take], no_ack=True)
        self._consumer.consume()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(5)
        self._connection.release()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._connection.drain_events(timeout=0.1)
            except TimeoutError:
                continue

    def _take(self, body: Any, message: Any) -> None:
        request = {
            "body": body,
            "headers": message.headers,
            "properties": message.properties,
            "key": message.delivery_info["routing_key"],
            "number": len(self.requests) + 1,
        }
        self.requests.append(request)
        reply: dict[str, Any] = {"result": None, "error": None}
        try:
            reply["result"] = self._answer(request)
        except errors.KundvalError as error:
            reply["error"] = {"exc_type": type(error).__name__, "exc_args": [error.to_wire()], "value": str(error)}
        if reply["result"] is SILENT:
            return
        self._producer.publish(
            reply,
            exchange="nameko-rpc",
            routing_key=message.properties["reply_to"],
            correlation_id=message.properties["correlation_id"],
            serializer="json",
        )


class Proxy:
    """A way to the broker that can be cut."""

    def __init__(self, uri: str):
        parts = urlsplit(uri)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = uri.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{self._listener.getsockname()[1]}")
        self._open: list[socket.socket] = []
        self.connections = 0
        self.refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection as a crash would."""
        sockets, self._open = self._open, []
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                near.close()
                continue
            self.connections += 1
            far = socket.create_connection(self._target)  # type: ignore[arg-type]
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass


@pytest.fixture
def serve(vhost: str) -> Iterator[Callable[..., Service]]:
    """`serve(answer)` starts a service called `fake`."""
    services: list[Service] = []

    def start(answer: Answer, name: str = "fake") -> Service:
        services.append(Service(vhost, name, answer))
        return services[-1]

    yield start
    for service in services:
        service.stop()


@pytest.fixture
def client(vhost: str) -> Iterator[Client]:
    with Client(vhost, "a token", timeout=10) as one:
        yield one


@pytest.fixture
def proxy(vhost: str) -> Iterator[Proxy]:
    one = Proxy(vhost)
    yield one
    one.close()


def text(request: dict[str, Any]) -> Any:
    return request["body"]["kwargs"]


# ---------------------------------------------------------------- the wire


def test_a_request_is_a_nameko_request_with_token_key_and_expiration(
    client: Client, serve: Callable[..., Service]
) -> None:
    service = serve(text)
    answer = client.call(
        "fake.method", timeout=5, correlation_id="c-1", traceparent="00-x", day=date(2024, 3, 15), sum=Decimal("1.50")
    )
    assert answer == {"day": "2024-03-15", "sum": "1.50"}
    (request,) = service.requests
    assert request["body"] == {"args": [], "kwargs": answer}
    assert request["key"] == "fake.method"
    assert request["headers"]["nameko.auth_token"] == "a token"
    assert request["headers"]["nameko.correlation_id"] == "c-1"
    assert request["headers"]["nameko.traceparent"] == "00-x"
    assert request["headers"]["nameko.idempotency_key"]
    assert 4000 < int(request["properties"]["expiration"]) <= 5000
    assert request["properties"]["delivery_mode"] == 1


def test_each_command_has_a_key_of_its_own_and_a_query_has_none(client: Client, serve: Callable[..., Service]) -> None:
    service = serve(lambda request: None, "billing")
    for _ in range(2):
        client.call("billing.run_payments")
    client.call("billing.lines")
    first, second, third = (request["headers"].get("nameko.idempotency_key") for request in service.requests)
    assert first and second and first != second
    assert third is None


def test_a_token_can_be_made_for_every_request(vhost: str, serve: Callable[..., Service]) -> None:
    service = serve(text)
    made = iter("abc")
    with Client(vhost, lambda: next(made)) as client:
        client.call("fake.method")
        client.call("fake.method")
    assert [request["headers"]["nameko.auth_token"] for request in service.requests] == ["a", "b"]


def test_a_function_for_tokens_that_fails_is_the_callers_error(vhost: str, serve: Callable[..., Service]) -> None:
    serve(text)

    def fail() -> str:
        raise LookupError("no key")

    with Client(vhost, fail) as client, pytest.raises(LookupError):
        client.call("fake.method")


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_what_has_no_json_form_is_not_sent(client: Client, value: Any) -> None:
    with pytest.raises((TypeError, errors.InvalidRequest)):
        client.call("fake.method", value=value)


@pytest.mark.parametrize("name", ["fake", "fake.", ".method", ""])
def test_a_name_without_service_or_method_is_refused(client: Client, name: str) -> None:
    with pytest.raises(ValueError, match=r"SERVICE\.METHOD"):
        client.call(name)


def test_a_typed_error_arrives_as_itself(client: Client, serve: Callable[..., Service]) -> None:
    def refuse(request: dict[str, Any]) -> Any:
        raise errors.FactRefused("No.", code="NOT_ELIGIBLE", rules=["AMI-1.3-a"])

    serve(refuse)
    with pytest.raises(errors.FactRefused) as caught:
        client.call("fake.method")
    assert (caught.value.code, caught.value.rules) == ("NOT_ELIGIBLE", ("AMI-1.3-a",))


def test_it_speaks_with_a_plain_nameko_service(vhost: str) -> None:
    program = """
import sys, warnings
warnings.filterwarnings("ignore")
import eventlet; eventlet.monkey_patch()
from nameko.containers import ServiceContainer
from nameko.rpc import rpc
class Plain:
    name = "plain"
    @rpc
    def double(self, number):
        return {"is": number * 2}
    @rpc
    def fail(self):
        raise ValueError("Anna Andersson")
container = ServiceContainer(Plain, {"AMQP_URI": sys.argv[1]})
container.start(); print("up", flush=True); container.wait()
"""
    process = subprocess.Popen([sys.executable, "-c", program, vhost], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        with Client(vhost, timeout=10) as client:
            assert client.call("plain.double", number=21) == {"is": 42}
            with pytest.raises(errors.UnknownMethod):
                client.call("plain.halve", number=21)
            with pytest.raises(errors.InvalidRequest):
                client.call("plain.double", digit=21)
            with pytest.raises(errors.InternalError) as caught:
                client.call("plain.fail")
            assert "Anna" not in str(caught.value.to_wire())
    finally:
        process.kill()
        process.wait(5)


def test_a_reply_that_is_none_is_an_error_and_not_a_hang(client: Client, vhost: str) -> None:
    # two services that share a queue would answer like this
    with kombu.Connection(vhost) as connection:
        queue = kombu.Queue("rpc-odd", kombu.Exchange("nameko-rpc", "topic"), "odd.*", durable=False, auto_delete=True)

        def take(body: Any, message: Any) -> None:
            connection.Producer().publish(
                {"unexpected": True},
                exchange="nameko-rpc",
                routing_key=message.properties["reply_to"],
                correlation_id=message.properties["correlation_id"],
            )

        with connection.Consumer(queue, callbacks=[take], no_ack=True):
            call = client.submit("odd.method")
            connection.drain_events(timeout=5)
            with pytest.raises(errors.KundvalError) as caught:
                call.result()
    assert caught.value.code == "BAD_REPLY"


# ---------------------------------------------------------------- giving up


def test_a_service_that_nobody_has_started_is_unavailable_at_once(client: Client) -> None:
    started = time.monotonic()
    with pytest.raises(errors.Unavailable) as caught:
        client.call("nobody.method", timeout=10)
    assert caught.value.code == "UNKNOWN_SERVICE"
    assert time.monotonic() - started < 3


def test_a_service_that_does_not_answer_times_out_and_its_request_dies_in_the_queue(client: Client, vhost: str) -> None:
    with kombu.Connection(vhost) as connection:
        queue = kombu.Queue("rpc-down", kombu.Exchange("nameko-rpc", "topic"), "down.*", durable=False)
        bound = queue(connection.channel())
        bound.declare()
        started = time.monotonic()
        with pytest.raises(errors.TimedOut):
            client.call("down.method", timeout=0.5)
        assert 0.4 < time.monotonic() - started < 2
        time.sleep(0.3)
        assert bound.queue_declare(passive=True).message_count == 0
        bound.delete()


def test_a_broker_that_is_not_there_is_unavailable_when_time_is_up() -> None:
    started = time.monotonic()
    with Client("amqp://guest@127.0.0.1:1//", timeout=1) as client, pytest.raises(errors.Unavailable) as caught:
        client.call("fake.method")
    assert caught.value.code == "BROKER_UNREACHABLE"
    assert time.monotonic() - started < 3


def test_a_broker_that_says_nothing_does_not_hold_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        started = time.monotonic()
        client = Client(f"amqp://guest@127.0.0.1:{port}//", timeout=1)
        with pytest.raises(errors.Unavailable):
            client.call("fake.method")
        assert time.monotonic() - started < 3


def test_the_next_broker_of_the_list_is_tried(vhost: str, serve: Callable[..., Service]) -> None:
    serve(text)
    with Client(f"amqp://guest@127.0.0.1:1//;{vhost}", timeout=10) as client:
        assert client.call("fake.method", a=1) == {"a": 1}


def test_while_the_broker_blocks_a_call_waits_and_goes_on_after(client: Client, serve: Callable[..., Service]) -> None:
    service = serve(text)
    client.call("fake.method")
    wire = client._wire
    assert wire is not None
    # as the broker says it under a memory alarm
    wire._on_blocked("low on memory")
    with pytest.raises(errors.Unavailable):
        client.call("fake.method", timeout=0.4)
    call = client.submit("fake.method", {"a": 1})
    time.sleep(0.3)
    assert len(service.requests) == 1
    wire._on_unblocked()
    assert call.result() == {"a": 1}
    assert len(service.requests) == 2


def test_closing_ends_what_is_under_way_and_nothing_can_be_called_after(
    vhost: str, serve: Callable[..., Service]
) -> None:
    serve(lambda request: SILENT)
    client = Client(vhost)
    call = client.submit("fake.method")
    time.sleep(0.3)
    client.close()
    with pytest.raises(errors.Unavailable):
        call.result()
    with pytest.raises(RuntimeError):
        client.call("fake.method")
    client.close()


# ---------------------------------------------------------------- lost connections


def test_after_a_lost_connection_a_command_is_sent_again_with_the_same_key(
    proxy: Proxy, serve: Callable[..., Service]
) -> None:
    service = serve(lambda request: SILENT if request["number"] == 1 else text(request))
    with Client(proxy.uri, timeout=10) as client:
        call = client.submit("fake.method", {"a": 1})
        _wait(lambda: service.requests)
        proxy.cut()
        assert call.result() == {"a": 1}
    first, second = service.requests
    assert first["headers"]["nameko.idempotency_key"] == second["headers"]["nameko.idempotency_key"]
    assert int(second["properties"]["expiration"]) < int(first["properties"]["expiration"])


def test_calls_go_on_by_themselves_when_the_broker_is_back(proxy: Proxy, serve: Callable[..., Service]) -> None:
    serve(text)
    with Client(proxy.uri, timeout=10) as client:
        client.call("fake.method")
        proxy.refusing = True
        proxy.cut()
        calls = [client.submit("fake.method", {"a": number}) for number in range(5)]
        time.sleep(0.6)
        assert not any(call.done() for call in calls)
        proxy.refusing = False
        assert [call.result()["a"] for call in calls] == list(range(5))


def test_a_service_whose_database_is_away_is_asked_again_until_it_is_back(
    client: Client, serve: Callable[..., Service]
) -> None:
    def answer(request: dict[str, Any]) -> Any:
        if request["number"] < 3:
            raise errors.Unavailable(code="DATABASE_UNREACHABLE")
        return text(request)

    service = serve(answer)
    assert client.call("fake.method", a=1) == {"a": 1}
    assert len({request["headers"]["nameko.idempotency_key"] for request in service.requests}) == 1
    assert len(service.requests) == 3


def test_who_does_not_want_that_gets_the_error_at_once(client: Client, serve: Callable[..., Service]) -> None:
    def away(request: dict[str, Any]) -> Any:
        raise errors.Unavailable(code="DATABASE_UNREACHABLE")

    service = serve(away)
    with pytest.raises(errors.Unavailable):
        client.call("fake.method", retry=False)
    assert len(service.requests) == 1
    with pytest.raises(errors.Unavailable) as caught:
        client.call("fake.method", timeout=1)
    assert caught.value.code == "DATABASE_UNREACHABLE"


# ---------------------------------------------------------------- many at once


def test_many_threads_share_one_connection_and_get_their_own_answers(
    proxy: Proxy, serve: Callable[..., Service]
) -> None:
    serve(text)
    wrong: list[Any] = []
    with Client(proxy.uri, timeout=20) as client:

        def ask(number: int) -> None:
            for turn in range(25):
                if client.call("fake.method", n=number, t=turn) != {"n": number, "t": turn}:
                    wrong.append((number, turn))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert not wrong
    assert proxy.connections == 1


def test_many_calls_are_answered_in_their_order_with_a_limit_to_what_is_under_way(
    client: Client, serve: Callable[..., Service]
) -> None:
    serve(text)
    drawn: list[int] = []

    def requests() -> Iterator[tuple[str, dict[str, Any]]]:
        for number in range(40):
            drawn.append(number)
            yield "fake.method", {"n": number}

    answers = client.call_many(requests(), window=5)
    assert next(answers) == {"n": 0}
    assert len(drawn) <= 7
    assert [answer["n"] for answer in answers] == list(range(1, 40))


def test_an_error_among_many_ends_them_or_stands_in_its_place(client: Client, serve: Callable[..., Service]) -> None:
    def answer(request: dict[str, Any]) -> Any:
        if text(request)["n"] == 2:
            raise errors.NotFound()
        return text(request)["n"]

    serve(answer)
    requests = [("fake.method", {"n": number}) for number in range(5)]
    found = list(client.call_many(requests, errors="return"))
    assert [one if isinstance(one, int) else one.code for one in found] == [0, 1, "NOT_FOUND", 3, 4]
    with pytest.raises(errors.NotFound):
        list(client.call_many(requests))


def test_the_rows_of_all_pages_come_one_after_the_other(client: Client, serve: Callable[..., Service]) -> None:
    pages = {None: ([1, 2], "A-2"), "A-2": ([3], "A-3"), "A-3": ([], None)}

    def answer(request: dict[str, Any]) -> Any:
        rows, after = pages[text(request).get("after")]
        return {"lines": rows, "next": after}

    service = serve(answer, "billing")
    assert list(client.rows("billing.lines", tenant="nacka")) == [1, 2, 3]
    assert all(text(request)["tenant"] == "nacka" for request in service.requests)


def test_a_request_that_the_broker_would_refuse_is_not_sent(client: Client, serve: Callable[..., Service]) -> None:
    serve(text)
    with pytest.raises(errors.InvalidRequest) as caught:
        client.call("fake.method", large="x" * (16 * 2**20))
    assert caught.value.code == "REQUEST_TOO_LARGE"
    assert client.call("fake.method", a=1) == {"a": 1}


def test_a_large_request_and_answer_arrive_whole(client: Client, serve: Callable[..., Service]) -> None:
    serve(text)
    large = "å" * 1_500_000
    assert client.call("fake.method", large=large, timeout=30) == {"large": large}


# ---------------------------------------------------------------- events


def event(number: int, name: str = "assignment.exited") -> Event:
    return Event(
        id=str(uuid4()), name=name, version=1, subject=f"A-{number}", tenant="nacka", time=datetime.now(UTC),
        sequence=number, data={"assignment": f"A-{number}"},
    )  # fmt: skip


def publish(uri: str, *bodies: str, name: str = "assignment.exited") -> None:
    with kombu.Connection(uri) as connection:
        exchange = kombu.Exchange(f"{name.partition('.')[0]}.events", "topic", durable=True)
        for body in bodies:
            connection.Producer().publish(
                body.encode(), exchange=exchange, declare=[exchange], routing_key=name,
                content_type="application/json", content_encoding="utf-8",
            )  # fmt: skip


def test_events_are_followed_from_now_on_and_rubbish_is_passed_over(client: Client, vhost: str) -> None:
    publish(vhost, event(0).to_json())
    seen = client.events(
        ["assignment"],
        timeout=3,
        ready=lambda: publish(vhost, "{rubbish", "[]", event(1).to_json(), event(2).to_json()),
    )
    assert [next(seen).subject, next(seen).subject] == ["A-1", "A-2"]
    seen.close()


def test_only_the_names_asked_for_are_followed_and_silence_ends_it(client: Client, vhost: str) -> None:
    def both() -> None:
        publish(vhost, event(1).to_json())
        publish(vhost, event(2, "billing.posted").to_json(), name="billing.posted")

    started = time.monotonic()
    assert [one.subject for one in client.events(names="billing.*", timeout=1, ready=both)] == ["A-2"]
    assert time.monotonic() - started < 5


def test_following_goes_on_after_a_lost_connection(proxy: Proxy, vhost: str) -> None:
    listening = threading.Event()
    with Client(proxy.uri) as client:
        seen = client.events(["assignment"], timeout=8, ready=listening.set)
        threading.Thread(target=lambda: (listening.wait(5), publish(vhost, event(1).to_json()))).start()
        assert next(seen).subject == "A-1"
        listening.clear()
        proxy.cut()
        threading.Thread(target=lambda: (listening.wait(5), publish(vhost, event(2).to_json()))).start()
        assert next(seen).subject == "A-2"
        seen.close()


# ---------------------------------------------------------------- what it needs


def test_the_client_needs_neither_nameko_nor_eventlet() -> None:
    program = (
        "import sys, kundval_contracts.client;"
        "print([m for m in ('nameko', 'eventlet', 'psycopg', 'kundval_chassis') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


def _wait(true: Callable[[], Any], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)
