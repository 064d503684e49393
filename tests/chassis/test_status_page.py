"""The status page: it says what wants a look, and shows what there is, without a script and about nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import lxml.html
import pytest

from kundval_chassis import status_page
from kundval_chassis.status_page import PARTS, Process, Suite

from ..commands import here

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_800_000_000.0
GOOD = {"kundval_info": [({"service": "billing", "version": "0.1.0"}, 1.0)], "kundval_ledger_difference": [({}, 0.0)]}


def process(**metrics: Any) -> Process:
    named = {f"kundval_{name}": series for name, series in metrics.items()}
    return Process("http://127.0.0.1:1", True, True, [], {**GOOD, **named})


def suite(*processes: Process) -> Suite:
    return Suite({"billing": list(processes)}, NOW)


def said(*processes: Process) -> list[tuple[str, str]]:
    return [(one.key, one.runbook) for one in status_page.attention(suite(*processes))]


OF = {"service": "billing"}


@pytest.mark.parametrize(
    ("metric", "labels", "fine", "wrong", "key"),
    [
        ("outbox_age_seconds", OF, 300, 301, "outbox"),
        ("queue_messages", {**OF, "queue": "parked"}, 0, 1, "parked"),
        ("ledger_difference", {}, 0, 0.01, "ledger"),
        ("ledger_faults", {"what": "entry"}, 0, 1, "faults"),
        ("migrations_missing", OF, 0, 1, "migration"),
        ("certificate_expires_seconds", {**OF, "what": "broker"}, NOW + 21 * 86400, NOW + 20 * 86400, "certificate"),
        ("clock_offset_seconds", OF, -2, -2.5, "clock"),
        ("backup_seconds", OF, NOW - 26 * 3600, 0, "backup"),
        ("partner_parked", {"partner": "hr", "way": "FEED"}, 0, 2, "partner"),
        ("delivery_circuits_open", {"channel": "SMS"}, 0, 1, "channel"),
        ("af_circuit_open", {}, 0, 1, "agency"),
    ],
)
def test_what_is_wrong_is_said_with_its_runbook(metric: str, labels: Any, fine: float, wrong: float, key: str) -> None:
    assert said(process(**{metric: [(labels, fine)]})) == []
    [(found, runbook)] = said(process(**{metric: [(labels, wrong)]}))
    assert found == key
    alerts = (ROOT / "deploy/observability/rules/alerts.yml").read_text()
    assert f"docs/runbooks/{runbook}.md" in alerts
    assert "wants a look" in status_page.page(suite(process(**{metric: [(labels, wrong)]})))


def test_of_two_instances_the_worse_is_believed() -> None:
    one = process(ledger_difference=[({}, 5.0)], certificate_expires_seconds=[({**OF, "what": "broker"}, NOW)])
    both = {key for key, _ in said(process(), one)}
    assert both == {"ledger", "certificate"}


def test_processes_that_do_not_answer_or_are_not_ready_are_told_apart() -> None:
    away, waiting = Process("http://127.0.0.1:1"), Process("x", True, False, [("database", "does not answer")], GOOD)
    assert said(away) == [("away", "service-not-ready")]
    assert said(waiting) == [("not_ready", "service-not-ready")]
    assert said(waiting, process()) == [("some_not_ready", "service-not-ready")]
    assert "database: does not answer" in status_page.page(suite(waiting))


def test_a_service_that_is_at_an_earlier_day_is_named() -> None:
    days = [({"service": "assignment", "which": "last"}, 2 * 86400.0), ({**OF, "which": "last"}, 86400.0)]
    assert said(process(business_date_seconds=days)) == [("behind", "obligations-overdue")]
    assert "1970-01-02" in status_page.page(suite(process(business_date_seconds=days)))


def full() -> str:
    return status_page.page(
        suite(
            process(
                obligations_overdue=[({"kind": "FINAL_REPORT"}, 3.0), ({"kind": "BOOK_MEETING"}, 0.0)],
                certificate_expires_seconds=[({**OF, "what": "<broker>"}, NOW + 100 * 86400)],
                backup_seconds=[(OF, NOW - 3600)],
                delivery_queue=[({"channel": "EMAIL", "state": "READY"}, 7.0)],
                outbox_depth=[(OF, 12345.0)],
            )
        )
    )


def test_the_page_can_be_read_by_everybody_and_does_nothing() -> None:
    page = full()
    tree = lxml.html.document_fromstring(page)
    assert not tree.xpath("//script | //form | //img | //link | //@onclick | //@href[not(starts-with(., '#'))]")
    assert "<broker>" not in page and tree.xpath("//html/@lang") == ["en"]
    assert all(table.xpath("caption") and table.xpath("thead//th[@scope='col']") for table in tree.xpath("//table"))
    assert all(row.xpath("th[@scope='row']") for row in tree.xpath("//tbody/tr"))
    levels = [int(head.tag[1]) for head in tree.xpath("//h1 | //h2 | //h3")]
    assert levels[0] == 1 and all(after - before <= 1 for before, after in pairwise(levels))
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids)) and set(tree.xpath("//@aria-labelledby")) <= set(ids)
    assert "12345" in page and "FINAL_REPORT" in page and "BOOK_MEETING" not in page and "Nothing wants a look" in page
    # what a state is stands in words, not in colours alone
    assert tree.xpath("//td[contains(@class, 'state')]/text()") == ["ready"]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_its_colours_can_be_told_apart_by_day_and_by_night() -> None:
    light, dark = full().split("prefers-color-scheme: dark")
    for style, ground in ((light, "#ffffff"), (dark.split("</style>")[0], "#15181c")):
        for name in ("good", "bad", "fair"):
            colour = re.findall(rf"\.{name} {{ color: (#[0-9a-f]{{6}}); }}", style)[-1]
            high, low = sorted((luminance(colour), luminance(ground)), reverse=True)
            assert (high + 0.05) / (low + 0.05) > 4.5, (name, ground)


@contextmanager
def health(answers: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b"{}"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_service_and_the_gateway_are_read_also_when_they_are_not_ready(tmp_path: Path) -> None:
    checks = {"services": {"billing": {"database": "ok", "relay": "broker is not reachable"}}, "ready": False}
    metrics = b'kundval_outbox_depth{service="billing"} 4.0\nkundval_info{service="billing",version="0.1.0"} 1.0\n'
    service = {"/health/ready": (503, json.dumps(checks).encode()), "/metrics": (200, metrics)}
    gateway = {"/healthz": (200, b'{"ready": true, "broker": "ok"}'), "/metrics": (200, b"")}
    with health(service) as billing, health(gateway) as http:
        file = tmp_path / "status.html"
        at = ["--at", f"billing={billing}", "--at", f"gateway={http}"]
        done = here("status", "--html", str(file), *at, env={})
        assert done.returncode == 1, "one of them is not ready"
    page = file.read_text()
    assert "relay: broker is not reachable" in page and "billing is not ready" in page
    assert [row.xpath("string(th)") for row in lxml.html.document_fromstring(page).xpath("//tbody/tr")] == [
        "billing", "gateway",
    ]  # fmt: skip


def test_a_process_that_does_not_answer_takes_nobody_along(tmp_path: Path) -> None:
    with health({"/metrics": (200, b"\xff\xfe"), "/health/ready": (200, b"[]")}) as strange:
        found = status_page.look({"billing": [strange, "http://127.0.0.1:9"]}, patience=2)
    assert [one.answers for one in found.parts["billing"]] == [False, False]
    refused = here("status", "--html", str(tmp_path / "x"), "--at", "payroll=http://127.0.0.1:9", env={})
    assert refused.returncode == 2 and ", ".join(PARTS) in refused.stderr
