"""Requests made by schemathesis from the OpenAPI document, good and bad, against the gateway and the real suite."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kundval_chassis.tokens import Tokens
from kundval_contracts import catalogue
from kundval_contracts.errors import KINDS
from tests.suite import GATEWAY, SERVICES, Suite, Town, suite

__all__ = ["suite"]

CHECKS = [
    status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
]  # fmt: skip
#: what the gateway says when something is away or takes too long: never a fault of the suite
AWAY = (503, 504)
#: texts of this length that were sent, and are no words of ours, are looked for in what the gateway keeps
TELLING = 12


def operations() -> list[Any]:
    """Those of the methods; the feed and the gateway's own addresses are not the business of these tests."""
    document = catalogue.read("openapi.json")
    document["paths"] = {path: item for path, item in document["paths"].items() if path.startswith("/v1/")}
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    return [operation.ok() for operation in found]


def texts(value: Any) -> Iterator[str]:
    """Every string inside `value`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


class Web:
    """The gateway of the suite, asked as a system that may do everything."""

    def __init__(self, suite: Suite, town: str):
        self.suite = suite
        self.town = town
        self.base = f"http://127.0.0.1:{suite.ports[GATEWAY]}"
        self.session = requests.Session()
        self.seen: Counter[tuple[GenerationMode, int]] = Counter()
        self.sent: set[str] = set()

    def send(self, case: Any, mode: GenerationMode) -> None:
        """Send a request and hold the answer against the document."""
        # a token may call so often in a minute: a fresh one for each
        token = Tokens(self.suite.key).mint("SYSTEM", purpose="test")
        case.headers["Authorization"] = f"Bearer {token}"
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict) and "tenant" in case.body:
            case.body["tenant"] = self.town
        answer = case.call(base_url=self.base, session=self.session, timeout=60)
        self.seen[mode, answer.status_code] += 1
        self.sent.update(text for text in texts(case.body) if len(text) >= TELLING and not text.isascii())
        assert answer.status_code < 500 or answer.status_code in AWAY, (case.path, case.body, answer.text)
        if answer.status_code >= 400 and "problem" in answer.headers["content-type"]:
            problem = answer.json()
            assert problem["kind"] in KINDS and problem["status"] == answer.status_code
            assert not any(text in answer.text for text in texts(case.body) if len(text) >= TELLING and " " in text)
        case.validate_response(answer, checks=CHECKS)


@pytest.fixture(scope="module")
def web(suite: Suite) -> Iterator[Web]:
    if GATEWAY not in suite.processes:
        suite.start(GATEWAY)
    with suite.client() as client:
        yield Web(suite, Town(client).name)


@pytest.mark.slow
@pytest.mark.parametrize(("examples", "every"), [(2, 4), pytest.param(6, 1, marks=pytest.mark.bench)])
def test_whatever_is_asked_the_answer_is_one_that_the_document_describes(web: Web, examples: int, every: int) -> None:
    found = operations()
    for operation in found[::every]:
        attack(web, operation, GenerationMode.POSITIVE, examples)
    # what is wrong is refused by the same code for every method: a few will do when time is short
    for operation in found[:: every * 4]:
        attack(web, operation, GenerationMode.NEGATIVE, examples)

    # it was not all refused at the door
    assert web.seen[GenerationMode.POSITIVE, 200] > 10, web.seen
    assert web.seen[GenerationMode.NEGATIVE, 400] > 10, web.seen
    # nothing of what was sent is kept by the gateway, and all of them are still there
    kept = web.suite.log(GATEWAY) + requests.get(f"{web.base}/metrics", timeout=10).text
    assert web.sent and not [text for text in web.sent if text in kept]
    assert "Traceback" not in kept and not re.search(r"gateway_failed|Exception", kept)
    assert all(web.suite.ready(name) for name in (*SERVICES, GATEWAY))


def attack(web: Web, operation: Any, mode: GenerationMode, examples: int) -> None:
    """Some requests to one method: the same with every run."""

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def each(case: Any) -> None:
        web.send(case, mode)

    each()
