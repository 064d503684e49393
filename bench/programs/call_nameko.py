"""Calls with nameko's standalone `ClusterRpcProxy`."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from nameko.standalone.rpc import ClusterRpcProxy

from bench import child, question


def main() -> None:
    given = child.parameters()
    with ClusterRpcProxy({"AMQP_URI": given["amqp"]}) as cluster:

        def many(count: int, window: int) -> dict[str, Any]:
            began = time.monotonic()
            waiting: deque[tuple[int, Any]] = deque()

            def take() -> None:
                number, call = waiting.popleft()
                assert question.right(number, call.result())

            for number in range(count):
                if len(waiting) >= window:
                    take()
                waiting.append((number, cluster.plain.posted.call_async(**question.request(number))))
            while waiting:
                take()
            return {"seconds": time.monotonic() - began}

        def one_by_one(count: int) -> dict[str, Any]:
            times = []
            for number in range(count):
                began = time.monotonic()
                found = cluster.plain.posted(**question.request(number))
                times.append(time.monotonic() - began)
                assert question.right(number, found)
            return {"times": times}

        child.serve({"many": many, "one_by_one": one_by_one})


if __name__ == "__main__":
    main()
