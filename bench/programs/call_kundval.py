"""Calls with the client of the contracts: our own service, or a plain nameko one over the same wire."""

from __future__ import annotations

import time
from typing import Any

import bench.method
from bench import child, question
from kundval_chassis.tokens import Tokens
from kundval_contracts.client import Client

assert bench.method


def main() -> None:
    given = child.parameters()
    token = Tokens(given["token_key"]).mint("SYSTEM", purpose="bench", lifetime=3600)
    with Client(given["amqp"], token) as client:

        def many(count: int, window: int) -> dict[str, Any]:
            began = time.monotonic()
            requests = ((given["method"], question.request(number)) for number in range(count))
            for number, found in enumerate(client.call_many(requests, window=window)):
                assert question.right(number, found)
            return {"seconds": time.monotonic() - began}

        def one_by_one(count: int) -> dict[str, Any]:
            times = []
            for number in range(count):
                began = time.monotonic()
                found = client.call(given["method"], **question.request(number))
                times.append(time.monotonic() - began)
                assert question.right(number, found)
            return {"times": times}

        child.serve({"many": many, "one_by_one": one_by_one})


if __name__ == "__main__":
    main()
