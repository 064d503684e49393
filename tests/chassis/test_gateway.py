"""The gateway over HTTP: a real server of its own on a port, and a client that answers as the test wants."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import pytest

from kundval_chassis import telemetry
from kundval_chassis.gateway import ask, server
from kundval_chassis.settings import Settings, SettingsError
from kundval_contracts import errors
from kundval_contracts.problems import STATUS, error_of, problem_of, status_of
from kundval_contracts.rpc import METHODS
from kundval_contracts.versions import METHOD_SUNSETS, Sunset

SMALL = {
    "AMQP_URI": "amqp://guest:guest@127.0.0.1:1//",
    "HTTP_HOST": "127.0.0.1",
    "HTTP_PORT": 1,
    "LOG_LEVEL": "INFO",
    "STOP_SECONDS": 5,
    "BODY_BYTES": 2000,
    "CALL_SECONDS": 20,
    "CALLS_AT_ONCE": 2,
    "CALLS_A_MINUTE": 50,
    "CONNECTIONS": 50,
}
STATE = "/v1/assignment/state"
FACTS = "/v1/assignment/record_facts"


class Answers:
    """In the place of a client: `result` gives the answer, or raises."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self.result: Callable[[], Any] = lambda: {"amount": "8000.00"}

    def submit(self, method: str, fields: dict[str, Any], /, **how: Any) -> Answers:
        self.asked.append((method, fields, how))
        return self


class Web:
    """The gateway on a port of its own, and requests to it."""

    def __init__(self, **changes: Any) -> None:
        self.answers = Answers()
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.server = server.Server(Settings("gateway", SMALL | changes), self.answers, listening)  # type: ignore[arg-type]

    def ask(
        self,
        path: str = STATE,
        body: Any = None,
        verb: str = "POST",
        *,
        raw: bytes | None = None,
        **headers: str | None,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Status, JSON object and headers; a header that is None is left out."""
        given = {"Authorization": "Bearer t", "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        sent = raw if raw is not None else None if verb != "POST" else json.dumps({} if body is None else body).encode()
        said = {name: value for name, value in given.items() if value is not None}
        for left in (2, 1, 0):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.request(verb, path, sent, said)
                answer = connection.getresponse()
                break
            except ConnectionResetError:
                # closed on a request too large for it, which was still on its way and has taken the answer with it
                if not left:
                    raise
                connection.close()
        content = answer.read()
        connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        if answer.status >= 400:
            assert found["content-type"] in ("application/problem+json", "application/json")
        loaded = json.loads(content) if content and "json" in found["content-type"] else {}
        return answer.status, loaded, found

    def say(self, text: bytes) -> bytes:
        """What the server says to raw bytes, until it closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(text)
            said = b""
            with suppress(TimeoutError, ConnectionResetError):
                while part := connection.recv(65536):
                    said += part
            return said


@pytest.fixture(scope="module")
def small() -> Iterator[Web]:
    one = Web()
    yield one
    one.server.stop(1)


@pytest.fixture
def web(small: Web) -> Web:
    small.answers.asked.clear()
    small.answers.result = lambda: {"amount": "8000.00"}
    return small


# ---------------------------------------------------------------- what is handed on, and what comes back


def test_a_call_goes_on_with_token_key_and_ids_and_its_answer_comes_back_as_it_is(web: Web) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    status, answer, headers = web.ask(
        FACTS, {"tenant": "nacka"}, Authorization="Bearer abc.def", Idempotency_Key="k-1", X_Correlation_Id="c-1",
        traceparent=trace, Prefer="respond-async, wait=7",
    )  # fmt: skip
    assert (status, answer) == (200, {"amount": "8000.00"})
    assert (headers["x-correlation-id"], headers["cache-control"]) == ("c-1", "no-store")
    [(method, fields, how)] = web.answers.asked
    assert (method, fields) == ("assignment.record_facts", {"tenant": "nacka"})
    assert (how["token"], how["idempotency_key"], how["correlation_id"]) == ("abc.def", "k-1", "c-1")
    assert (how["timeout"], how["traceparent"].split("-")[1]) == (7.0, "a" * 32)


def test_every_method_of_the_register_has_an_address(web: Web) -> None:
    for name, method in METHODS.items():
        status, _, _ = web.ask(f"/v1/{name.replace('.', '/')}", Idempotency_Key="k", Authorization=f"Bearer {name}")
        assert status == 200
        asked, _, how = web.answers.asked[-1]
        assert (asked, how["idempotency_key"]) == (name, "k" if method.kind == "command" else None)


@pytest.mark.parametrize("kind", sorted(errors.KINDS))
def test_a_typed_error_is_a_problem_with_its_status_and_can_be_made_again(web: Web, kind: str) -> None:
    error = errors.KINDS[kind](
        "A sentence.", code="SOME_CODE", rules=["AMI-1.3-a"], faults=[{"path": "on", "message": "must be a day"}]
    )

    def refuse() -> Any:
        raise error

    web.answers.result = refuse
    status, problem, headers = web.ask()
    assert headers["content-type"] == "application/problem+json"
    assert status == problem["status"] == STATUS.get(kind, 500)
    assert problem["type"] == f"urn:kundval:error:{kind}"
    again = error_of(problem)
    assert (type(again), again.to_wire()) == (type(error), error.to_wire())
    assert ("retry-after" in headers) == (kind == "UNAVAILABLE")
    assert ("www-authenticate" in headers) == (kind == "UNAUTHENTICATED")


def test_a_fault_of_the_gateway_itself_shows_an_id_and_nothing_else(web: Web) -> None:
    def fail() -> Any:
        raise RuntimeError("Anna Hemlig")

    web.answers.result = fail
    status, problem, _ = web.ask()
    assert (status, problem["kind"]) == (500, "INTERNAL_ERROR")
    assert problem["error_id"] and "Anna" not in json.dumps(problem)


# ---------------------------------------------------------------- what is refused before a service is asked


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"path": "/v1/assignment/none_such"}, 404, "UNKNOWN_METHOD"),
        ({"path": "/v1/assignment.state"}, 404, "UNKNOWN_METHOD"),
        ({"path": "/v1/assignment/state/more"}, 404, "UNKNOWN_METHOD"),
        ({"path": "/"}, 404, "NOT_FOUND"),
        ({"verb": "GET"}, 405, "ONLY_POST"),
        ({"verb": "DELETE"}, 405, "ONLY_POST"),
        ({"path": "/healthz"}, 405, "ONLY_GET"),
        ({"Authorization": None}, 401, "TOKEN_MISSING"),
        ({"Authorization": "Basic YTpi"}, 401, "TOKEN_INVALID"),
        ({"Authorization": "Bearer å"}, 401, "TOKEN_INVALID"),
        ({"path": FACTS}, 400, "IDEMPOTENCY_KEY_MISSING"),
        ({"path": FACTS, "Idempotency_Key": '""'}, 400, "IDEMPOTENCY_KEY_MISSING"),
        ({"Content_Type": "text/plain"}, 415, "NOT_JSON"),
        ({"Content_Type": None}, 415, "NOT_JSON"),
        ({"raw": b'{"a":"' + b"x" * 2000 + b'"}'}, 413, "REQUEST_TOO_LARGE"),
        ({"raw": b"x" * 5000}, 413, "REQUEST_TOO_LARGE"),
        ({"raw": b""}, 400, "INVALID_REQUEST"),
        ({"raw": b"[]"}, 400, "INVALID_REQUEST"),
        ({"raw": b'"text"'}, 400, "INVALID_REQUEST"),
        ({"raw": b"{"}, 400, "INVALID_REQUEST"),
        ({"raw": b'{"a": NaN}'}, 400, "INVALID_REQUEST"),
        ({"raw": b'{"a": -Infinity}'}, 400, "INVALID_REQUEST"),
        ({"raw": b'{"a": 1, "a": 2}'}, 400, "INVALID_REQUEST"),
        ({"raw": b'{"a": "\xff"}'}, 400, "INVALID_REQUEST"),
        ({"raw": b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}"}, 400, "INVALID_REQUEST"),
        ({"raw": b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}"}, 400, "INVALID_REQUEST"),
        ({"raw": b'{"a": ' + b"9" * 1900 + b"9" * 50 + b"}"}, 200, None),
        # not much larger: what is still on its way when the server closes would take the answer with it
        ({"raw": b"", "X_Large": "x" * (32 * 1024)}, 431, "HEADERS_TOO_LARGE"),
    ],
)
def test_what_is_not_fit_is_refused_as_a_problem_and_no_service_is_asked(
    web: Web, changes: dict[str, Any], status: int, code: str | None
) -> None:
    found, problem, headers = web.ask(**changes)
    assert (found, problem.get("code")) == (status, code)
    assert bool(web.answers.asked) == (status == 200)
    if status == 405:
        assert headers["allow"] == ("POST" if code == "ONLY_POST" else "GET, HEAD")
    assert "xxxx" not in json.dumps(problem)


def test_numbers_and_depth_within_bounds_pass_and_what_python_cannot_read_does_not() -> None:
    assert ask.parsed(b'{"a": ' + b"[" * 62 + b"]" * 62 + b"}")["a"]
    for body in (b"9" * 5000, b"[" * 100_000, b'{"a":' * 50_000, b"\xef\xbb\xbf{}"):
        with pytest.raises(errors.InvalidRequest):
            ask.parsed(body)


@pytest.mark.parametrize(
    "text",
    [
        b"rubbish\r\n\r\n",
        b"POST /v1/assignment/state HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/assignment/state HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /v1/assignment/state HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/Anna%20Hemlig HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_as_a_problem_and_not_quoted(web: Web, text: bytes) -> None:
    said = web.say(text)
    assert b"application/problem+json" in said and b'"NOT_HTTP"' in said
    assert b"Anna" not in said and b"rubbish" not in said and not web.answers.asked


def test_rubbish_in_the_headers_is_not_taken_over(web: Web) -> None:
    status, _, headers = web.ask(X_Correlation_Id="Anna Hemlig", traceparent="rubbish", Prefer="wait=x")
    assert status == 200 and headers["x-correlation-id"] != "Anna Hemlig"
    how = web.answers.asked[0][2]
    assert how["timeout"] == SMALL["CALL_SECONDS"] and how["traceparent"].startswith("00-")


# ---------------------------------------------------------------- bounds


def test_one_call_too_many_at_once_is_told_to_come_again_and_health_still_answers(web: Web) -> None:
    may_go = threading.Event()
    entered = threading.Semaphore(0)

    def slow() -> Any:
        entered.release()
        may_go.wait(20)
        return {}

    web.answers.result = slow
    found: list[int] = []
    callers = [threading.Thread(target=lambda: found.append(web.ask()[0])) for _ in range(2)]
    for one in callers:
        one.start()
    for _ in callers:
        assert entered.acquire(timeout=20)
    try:
        status, problem, headers = web.ask()
        assert (status, problem["code"], "retry-after" in headers) == (503, "BUSY", True)
        assert web.ask("/healthz", verb="GET")[0] == 503  # there is no broker; but it answers
    finally:
        may_go.set()
        for one in callers:
            one.join(20)
    assert found == [200, 200]
    assert web.ask()[0] == 200


def test_a_service_that_does_not_answer_leaves_room_for_calls_to_the_others() -> None:
    web = Web(CALLS_AT_ONCE=4)
    may_go, entered = threading.Event(), threading.Semaphore(0)

    def slow() -> Any:
        entered.release()
        may_go.wait(20)
        return {}

    web.answers.result = slow
    callers = [threading.Thread(target=web.ask) for _ in range(3)]
    for one in callers:
        one.start()
    for _ in callers:
        assert entered.acquire(timeout=20)
    try:
        assert web.ask()[1]["code"] == "BUSY"
        web.answers.result = lambda: {}
        assert web.ask("/v1/billing/summary")[0] == 200
    finally:
        may_go.set()
        for one in callers:
            one.join(20)
    assert web.ask()[0] == 200
    assert web.server.stop(5)


def test_a_request_that_says_in_two_ways_how_long_it_is_gets_refused_and_nothing_behind_it_is_answered(
    web: Web,
) -> None:
    head = b"POST /v1/assignment/state HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = web.say(head + b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400") and said.count(b"HTTP/1.1 ") == 1
    assert b"NOT_HTTP" in said and b"kundval_gateway" not in said


def test_a_token_that_calls_too_often_waits_and_others_do_not(web: Web) -> None:
    most: int = SMALL["CALLS_A_MINUTE"]  # type: ignore[assignment]
    found = [web.ask(Authorization="Bearer often") for _ in range(most + 1)]
    assert [status for status, _, _ in found] == [200] * most + [429]
    _, problem, headers = found[-1]
    assert problem["code"] == "TOO_MANY_REQUESTS" and 0 < int(headers["retry-after"]) <= 60
    assert web.ask(Authorization="Bearer seldom")[0] == 200


def test_while_it_stops_what_is_in_hand_is_finished_and_nothing_new_is_taken() -> None:
    web = Web()
    may_go, entered = threading.Event(), threading.Event()

    def slow() -> Any:
        entered.set()
        may_go.wait(20)
        return {"finished": True}

    web.answers.result = slow
    found: list[Any] = []
    caller = threading.Thread(target=lambda: found.append(web.ask()[:2]))
    caller.start()
    assert entered.wait(20)
    clean: list[bool] = []
    stopping = threading.Thread(target=lambda: clean.append(web.server.stop(20)))
    stopping.start()
    while web.ask("/healthz", verb="GET")[1]["broker"] != "stopping":
        pass
    status, problem, _ = web.ask()
    assert (status, problem["code"]) == (503, "STOPPING")
    may_go.set()
    for one in (caller, stopping):
        one.join(20)
    assert (found, clean) == ([(200, {"finished": True})], [True])


# ---------------------------------------------------------------- what it says of itself


def test_the_document_is_served_once_for_each_version(web: Web) -> None:
    status, document, headers = web.ask("/openapi.json", verb="GET", Authorization=None)
    assert status == 200
    assert {f"/v1/{name.replace('.', '/')}" for name in METHODS} <= set(document["paths"])
    assert web.ask("/openapi.json", verb="GET", If_None_Match=headers["etag"])[0] == 304
    assert web.ask("/openapi.json", verb="HEAD")[0] == 200


def test_metrics_name_methods_and_nothing_from_outside(web: Web) -> None:
    web.ask()
    web.ask("/v1/Anna/Hemlig")
    text = telemetry.exposition().decode()
    assert 'kundval_gateway_seconds_count{method="assignment.state",status="200"}' in text
    assert 'kundval_gateway_seconds_count{method="none",status="404"}' in text
    assert "Anna" not in text
    assert web.ask("/metrics", verb="GET")[0] == 200


def test_every_kind_of_error_has_a_status() -> None:
    assert set(errors.KINDS) - set(STATUS) == {"ERROR"}
    assert status_of(errors.KundvalError(code="WHATEVER")) == 500
    assert problem_of(errors.NotFound())["title"] == errors.NotFound.default_message


def test_what_is_missing_or_wrong_in_its_settings_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        server.settings_of({"KUNDVAL_GATEWAY_CALLS_AT_ONCE": "0", "KUNDVAL_GATEWAY_BODY_BYTES": "99999999"})
    assert {key for key, _ in caught.value.faults} == {
        "KUNDVAL_AMQP_URI",
        "KUNDVAL_GATEWAY_HTTP_PORT",
        "KUNDVAL_GATEWAY_CALLS_AT_ONCE",
        "KUNDVAL_GATEWAY_BODY_BYTES",
    }


def test_a_method_that_is_to_go_says_so_in_every_answer(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sunset" not in web.ask()[2]
    monkeypatch.setitem(METHOD_SUNSETS, "assignment.state", Sunset(date(2027, 7, 1), "assignment.explain"))
    assert web.ask()[2]["sunset"] == "Thu, 01 Jul 2027 00:00:00 GMT"
