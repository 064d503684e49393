"""Entrances of a service: who calls too often, asks for too much, or holds a place without end is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from kundval_chassis import child, guards
from kundval_chassis.depth import DEEPEST, deeper
from kundval_chassis.limiter import Limiter
from kundval_chassis.rpc import Outcome, Requests
from kundval_chassis.tokens import Caller
from kundval_contracts import envelope
from kundval_contracts.client import LARGEST
from kundval_contracts.errors import Unavailable
from kundval_contracts.rpc import CallerRole

# --- calls ---------------------------------------------------------------------------------------------


def requests(a_minute: int | None = 3) -> Any:
    """The taker of requests of a service, without a broker; `answers` are what it has answered."""
    made: Any = Requests.__new__(Requests)
    Requests.__init__(made)
    made.container = SimpleNamespace(config={"KUNDVAL_CALLER_A_MINUTE": a_minute}, service_name="billing")
    made.answers = []
    made.taken = []
    made.reply = lambda message, outcome: made.answers.append(outcome)
    made._methods = {"billing.lines": SimpleNamespace(handle_message=lambda body, message: made.taken.append(body))}
    return made


def message(size: int = 100) -> Any:
    return SimpleNamespace(delivery_info={"routing_key": "billing.lines"}, body=b"x" * size)


def caller(subject: str, role: CallerRole = CallerRole.PROVIDER, organisation: str = "alfa") -> Caller:
    return Caller(subject, role, organisation, None, "nacka")


def refused(taker: Any, who: Caller) -> bool:
    try:
        taker.check_pace(who)
    except Unavailable as error:
        assert error.code == "TOO_MANY_REQUESTS"
        return True
    return False


def test_who_calls_too_often_is_refused_and_nobody_else_is() -> None:
    taker = requests(3)
    assert [refused(taker, caller("u-1")) for _ in range(5)] == [False, False, False, True, True]
    assert not refused(taker, caller("u-2"))
    assert not refused(taker, caller("u-1", organisation="beta"))
    assert not refused(taker, caller("u-1", CallerRole.CAREER_GUIDE))


def test_the_systems_of_the_suite_are_not_held_up() -> None:
    taker = requests(1)
    assert not any(refused(taker, caller("scheduling", CallerRole.SYSTEM)) for _ in range(100))


def test_a_request_as_deep_as_any_may_be_is_taken_and_a_deeper_one_is_refused() -> None:
    taker = requests()
    deep: Any = {}
    for _ in range(DEEPEST - 1):
        deep = {"x": deep}
    taker.handle_message({"args": [], "kwargs": deep}, message())
    assert len(taker.taken) == 1
    taker.handle_message({"args": [], "kwargs": {"x": deep}}, message())
    (answer,) = taker.answers
    assert isinstance(answer, Outcome) and answer.error is not None
    assert (answer.error.code, answer.error.faults[0]["message"]) == ("INVALID_REQUEST", "is nested too deeply")
    assert len(taker.taken) == 1


def test_a_request_that_is_too_large_is_refused() -> None:
    taker = requests()
    taker.handle_message({"args": [], "kwargs": {}}, message(LARGEST))
    taker.handle_message({"args": [], "kwargs": {}}, message(LARGEST + 1))
    assert len(taker.taken) == 1
    assert [answer.error.code for answer in taker.answers] == ["REQUEST_TOO_LARGE"]


def test_depth_counts_lists_and_objects_alike_and_needs_no_stack() -> None:
    assert not deeper([[{"a": 1}, 2], 3], 3)
    assert deeper([[{"a": []}]], 3)
    value: Any = []
    for _ in range(10_000):
        value = [value]
    assert deeper(value)
    # let go of it level by level: the interpreter would else need a stack as deep
    while value:
        value = value.pop()


def test_a_limiter_knows_the_last_keys_and_no_more() -> None:
    limiter = Limiter(1, keys=2, clock=lambda: 0.0)
    assert [limiter.wait(key) for key in (b"a", b"a", b"b", b"c", b"a")] == [0, 60, 0, 0, 0]


# --- HTTP beside a service -----------------------------------------------------------------------------

_SERVER = """
import json, warnings
warnings.filterwarnings("ignore", message="(?s).*Eventlet is")
from kundval_chassis import bootstrap, health
import socket, eventlet
health.A_MINUTE, health.LONGEST = 3, 0.4
server = health.Server("127.0.0.1", 0, [])

def ask(path, verb="GET"):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as one:
        one.sendall(f"{verb} {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n".encode())
        text = b""
        while part := one.recv(65536):
            text += part
    head = text.decode().partition("\\r\\n\\r\\n")[0].split("\\r\\n")
    return head[0].split(" ")[1], {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:])}

found = {"headers": [ask(path, verb)[1] for path, verb in
    [("/health/live", "GET"), ("/health/ready", "GET"), ("/metrics", "GET"), ("/other", "GET"), ("/", "POST")]]}
found["metrics"] = [ask("/metrics")[0] for _ in range(4)]
found["live"] = [ask("/health/live")[0] for _ in range(6)]
with socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:
    # a byte now and then: never silent, never done
    try:
        for one in "GET /health/live HTTP/1.1\\r\\nX: " + "a" * 100:
            slow.sendall(one.encode())
            eventlet.sleep(0.05)
        found["slow"] = "held"
    except OSError:
        found["slow"] = "ended"
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def served() -> dict[str, Any]:
    """What the server of health and metrics answers, with limits of a few calls and parts of a second."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SERVER], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_answer_of_a_service_over_http_tells_a_browser_to_do_nothing_with_it(served: dict[str, Any]) -> None:
    assert len(served["headers"]) == 5
    for headers in served["headers"]:
        for name, value in guards.HEADERS:
            assert headers[name.lower()] == value


def test_metrics_are_made_so_often_and_no_more_and_a_probe_is_always_answered(served: dict[str, Any]) -> None:
    # one was asked for with the headers
    assert served["metrics"] == ["200", "200", "429", "429"]
    assert served["live"] == ["200"] * 6


def test_a_connection_that_sends_a_byte_now_and_then_is_ended(served: dict[str, Any]) -> None:
    assert served["slow"] == "ended"


def test_an_answer_that_has_its_own_policy_keeps_it() -> None:
    kept = dict(guards.guarded([("content-security-policy", "default-src 'self'"), ("Cache-Control", "public")]))
    assert kept["content-security-policy"] == "default-src 'self'"
    assert kept["Cache-Control"] == "public"
    assert "Content-Security-Policy" not in kept and kept["X-Frame-Options"] == "DENY"


# --- processes that a service starts ---------------------------------------------------------------------


def test_a_process_that_a_service_starts_gets_no_secret() -> None:
    given = {
        "PATH": "/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": "/x", "KUNDVAL_TARIFFS": "/tariffs", "TZ": "UTC",
        "PGSSLROOTCERT": "/authority.pem", "PGPASSWORD": "secret",
        "KUNDVAL_TOKEN_KEY": "secret", "KUNDVAL_BILLING_DATABASE_URI": "secret",
        "KUNDVAL_SMTP_PASSWORD_FILE": "/run/secrets/x", "AWS_SECRET_ACCESS_KEY": "secret",
    }  # fmt: skip
    assert child.environment(given) == {
        "PATH": "/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": "/x", "KUNDVAL_TARIFFS": "/tariffs", "TZ": "UTC",
        "PGSSLROOTCERT": "/authority.pem",
    }  # fmt: skip


# --- events --------------------------------------------------------------------------------------------


def test_an_event_that_is_too_large_is_none() -> None:
    with pytest.raises(envelope.BadEvent, match="has more than 8388608 bytes"):
        envelope.Event.from_json(b" " * (envelope.LARGEST + 1))
    with pytest.raises(envelope.BadEvent, match="is not JSON"):
        envelope.Event.from_json(b" " * envelope.LARGEST)
