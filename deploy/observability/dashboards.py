#!/usr/bin/env python3
"""Writes the Grafana dashboards: run it, and `dashboards/*.json` are made anew from what stands here.

A dashboard is rows of panels. A panel is a title, a unit as Grafana names it, and expressions with their legends.
Of what lies in a database every instance of a service says the same, so the expressions take the highest; of what a
process counts they take the sum.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: columns of Grafana's grid
WIDTH = 24


@dataclass(frozen=True)
class Panel:
    """unit: Grafana's name. curves: (expression, legend). kind: timeseries, stat or table. red: from where on a value
    is bad; below: it is bad under that. says: what the reader is to make of it.
    """

    title: str
    unit: str
    curves: Sequence[tuple[str, str]]
    says: str
    kind: str = "timeseries"
    red: float | None = None
    below: bool = False
    width: int = 8
    height: int = 8


@dataclass(frozen=True)
class Board:
    """rows: (title, panels). by_service: a variable `$service` chooses."""

    uid: str
    title: str
    rows: Sequence[tuple[str, Sequence[Panel]]]
    by_service: bool = False


def stat(title: str, unit: str, expression: str, legend: str, says: str, **more: Any) -> Panel:
    """A number for each of a few series."""
    return Panel(title, unit, [(expression, legend)], says, "stat", **{"width": 6, "height": 5, **more})


def of(name: str, more: str = "") -> str:
    """A metric of the chosen service."""
    return f'{name}{{service=~"$service"{"," if more else ""}{more}}}'


OVERVIEW = Board(
    "kundval-suite",
    "kundval: the suite",
    (
        (
            "Now",
            (
                stat("Ready", "bool_yes_no", "max by (service) (kundval_ready)", "{{service}}",
                     "Whether any instance of the service is ready.", red=1, below=True),
                stat("Oldest event not sent", "s", "kundval:outbox_age_seconds:max", "{{service}}",
                     "Grows while the broker is away or takes nothing. Nothing is lost.", red=300),
                stat("Parked events", "short", 'kundval:queue_messages:max{queue="parked"}', "{{service}}",
                     "Each is a fact that the service lacks until somebody sends it again.", red=1),
                stat("Calls that fail", "percentunit", "kundval:rpc_failures:ratio5m", "{{service}}",
                     "Through no fault of the caller.", red=0.05),
                stat("Money out of step", "currencySEK", "max(kundval_ledger_difference)", "kronor",
                     "What the ledger differs by from what is computed anew.", red=0.01),
                stat("Overdue", "short", "kundval:obligations_overdue:sum", "obligations",
                     "What should have been done by now, of all municipalities."),
                stat("Business date", "dateTimeAsIso",
                     'max by (service) (kundval_business_date_seconds{which="last"}) * 1000', "{{service}}",
                     "The last day that was opened. All services come to the same one."),
                stat("First certificate to end", "s", "min(kundval:certificate_seconds_left:min)", "left",
                     "Of all that the suite shows or trusts.", red=21 * 86400, below=True),
            ),
        ),
        (
            "Calls and events",
            (
                Panel("Calls", "reqps", [("sum by (service) (kundval:rpc_calls:rate5m)", "{{service}}")],
                      "Calls a second, of all instances."),
                Panel("Slow calls", "s", [("kundval:rpc_seconds:p99_5m", "{{service}}")],
                      "Ninety-nine in a hundred calls are quicker than this.", red=2),
                Panel("Calls that fail", "percentunit", [("kundval:rpc_failures:ratio5m", "{{service}}")],
                      "Share of internal_error, unavailable and timed_out.", red=0.05),
                Panel("Events handled", "eps", [("kundval:events_handled:rate5m", "{{service}}")],
                      "Events a second that took effect."),
                Panel("Events that wait", "short",
                      [('kundval:queue_messages:max{queue="events"}', "{{service}}"),
                       ("max by (service) (kundval_events_waiting)", "{{service}}, taken in")],
                      "In the queue, and taken from it to be shared among instances. Should come back to nothing."),
                Panel("Outbox", "short", [("max by (service) (kundval_outbox_depth)", "{{service}}")],
                      "Events that are committed and not sent yet."),
            ),
        ),
        (
            "Processes",
            (
                Panel("Instances", "short", [("count by (service, version) (kundval_info)", "{{service}} {{version}}")],
                      "By version: two of them during an upgrade."),
                Panel("Memory", "bytes", [('process_resident_memory_bytes{job="kundval"}', "{{process}} {{instance}}")],
                      "Should be level; one that only grows is a fault."),
                Panel("Processor", "percentunit",
                      [('rate(process_cpu_seconds_total{job="kundval"}[5m])', "{{process}} {{instance}}")],
                      "A process can use one core."),
            ),
        ),
    ),
)

SERVICE = Board(
    "kundval-service",
    "kundval: one service",
    (
        (
            "Calls",
            (
                Panel("Calls by method", "reqps",
                      [('sum by (method) (rate(kundval_rpc_seconds_count{method=~"$service[.].+"}[5m]))',
                        "{{method}}")],
                      "Calls a second."),
                Panel("Slow calls by method", "s",
                      [("histogram_quantile(0.95, sum by (method, le)"
                        ' (rate(kundval_rpc_seconds_bucket{method=~"$service[.].+"}[5m])))', "{{method}}")],
                      "Ninety-five in a hundred are quicker than this."),
                Panel("Outcomes", "reqps",
                      [('sum by (outcome) (rate(kundval_rpc_seconds_count{method=~"$service[.].+"}[5m]))',
                        "{{outcome}}")],
                      "What came of them; replayed: the answer to a command that was sent again."),
                Panel("Calls of other services", "s",
                      [("sum by (method) (rate(" + of("kundval_remote_seconds_sum") + "[5m])) / sum by (method)"
                        " (rate(" + of("kundval_remote_seconds_count") + "[5m]))", "{{method}}")],
                      "How long this service waits for others."),
                Panel("Workers", "short", [("sum by (state) (" + of("kundval_workers") + ")", "{{state}}")],
                      "No free ones for long: add an instance."),
                Panel("Given up", "reqps",
                      [("sum(rate(" + of("kundval_rpc_expired_total") + "[5m]))", "callers that gave up"),
                       ("sum(rate(" + of("kundval_rpc_replies_failed_total") + "[5m]))", "answers not sent")],
                      "Both point at a broker or service in trouble."),
            ),
        ),
        (
            "Events",
            (
                Panel("Handled by event", "eps",
                      [("sum by (event) (rate(" + of("kundval_event_seconds_count") + "[5m]))", "{{event}}")],
                      "Events a second that it took from its queue."),
                Panel("Time for an event", "s",
                      [("sum by (event) (rate(" + of("kundval_event_seconds_sum") + "[5m])) / sum by (event)"
                        " (rate(" + of("kundval_event_seconds_count") + "[5m]))", "{{event}}")],
                      "Mean, with the share of the batch that it came in."),
                Panel("Failures by event", "eps",
                      [("sum by (event, outcome) (rate(" + of("kundval_event_failures_total") + "[5m]))",
                        "{{event}} {{outcome}}")],
                      "Retried: tried again later. Parked: a person has to look."),
                Panel("Queues", "short", [("max by (queue) (" + of("kundval_queue_messages") + ")", "{{queue}}")],
                      "What waits at the broker."),
                Panel("Sent, and heard by nobody", "eps",
                      [("sum(rate(" + of("kundval_events_published_total") + "[5m]))", "sent"),
                       ("sum(rate(" + of("kundval_events_returned_total") + "[5m]))", "heard by nobody")],
                      "Events that the broker confirmed."),
                Panel("Outbox", "s", [("max(" + of("kundval_outbox_age_seconds") + ")", "oldest")],
                      "How long the oldest event has waited to be sent.", red=300),
            ),
        ),
        (
            "Database and process",
            (
                Panel("Connections", "short",
                      [("sum by (state) (" + of("kundval_db_connections") + ")", "{{state}}"),
                       ("sum(" + of("kundval_db_waiting") + ")", "requests that wait")],
                      "Of the pools of all instances."),
                Panel("Waits for a connection", "s",
                      [("sum(rate(" + of("kundval_db_wait_seconds_total") + "[5m]))", "seconds waited, a second")],
                      "Of all requests together."),
                Panel("Lost and failed", "short",
                      [("sum(increase(" + of("kundval_db_requests_total", 'outcome="failed"') + "[5m]))", "got none"),
                       ("sum(increase(" + of("kundval_db_connections_lost_total") + "[5m]))", "found dead")],
                      "In five minutes."),
                Panel("How late green threads wake", "s",
                      [("histogram_quantile(0.99, sum by (le, instance)"
                        ' (rate(kundval_hub_lag_seconds_bucket{process=~"$service"}[5m])))', "{{instance}}")],
                      "What every call waits besides its own work.", red=0.5),
                Panel("Open files and threads", "short",
                      [('process_open_fds{process=~"$service"}', "files {{instance}}"),
                       ('kundval_process_threads{process=~"$service"}', "threads {{instance}}"),
                       ('sum by (instance, kind) (kundval_hub_waits{process=~"$service"})',
                        "waits {{kind}} {{instance}}")],
                      "Should be level."),
                Panel("Clock", "s", [(of("kundval_clock_offset_seconds"), "{{instance}}")],
                      "How far it is ahead of the database's."),
                Panel("Traces", "short", [("sum by (outcome) (rate(kundval_spans_total[5m]))", "{{outcome}}")],
                      "Spans a second; lost: the collector is away."),
            ),
        ),
    ),
    by_service=True,
)

MONEY = Board(
    "kundval-money",
    "kundval: money",
    (
        (
            "Is the ledger right?",
            (
                stat("Out of step", "currencySEK", "max(kundval_ledger_difference)", "kronor",
                     "By how much the ledger differs from what is computed anew.", red=0.01),
                stat("Assignments out of step", "short", "max(kundval_ledger_differing)", "assignments",
                     "How many they are. Their ids stand in the log of billing.", red=1),
                stat("Does not add up", "short", "max by (what) (kundval_ledger_faults)", "{{what}}",
                     "What the database refuses to take, and yet has.", red=1),
                stat("Billing is at", "dateTimeAsIso",
                     'max(kundval_business_date_seconds{service="billing", which="last"}) * 1000', "business date",
                     "The business date up to which billing has come."),
            ),
        ),
        (
            "How it is checked",
            (
                Panel("Computed anew", "short", [("sum(increase(kundval_ledger_recomputed_total[1h]))", "in an hour")],
                      "Assignments that were held against the ledger (KUNDVAL_LEDGER_CHECKS)."),
                Panel("Out of step", "currencySEK", [("max(kundval_ledger_difference)", "kronor")],
                      "Nothing is what it should be.", red=0.01),
                Panel("Payment runs", "s",
                      [('sum(rate(kundval_rpc_seconds_sum{method="billing.run_payments"}[1h])) /'
                        ' sum(rate(kundval_rpc_seconds_count{method="billing.run_payments"}[1h]))', "mean")],
                      "How long they take."),
                Panel("Calls about money", "reqps",
                      [('sum by (method) (rate(kundval_rpc_seconds_count{method=~"billing[.].+"}[5m]))', "{{method}}")],
                      "Calls a second."),
            ),
        ),
    ),
)

DEADLINES = Board(
    "kundval-deadlines",
    "kundval: deadlines",
    (
        (
            "Overdue",
            (
                stat("Overdue", "short", "kundval:obligations_overdue:sum", "obligations",
                     "What should have been done by now."),
                stat("More than a day ago", "short",
                     "kundval:obligations_overdue:sum - kundval:obligations_overdue:sum offset 1d", "obligations",
                     "How many more than at this time yesterday.", red=20),
                stat("Municipalities", "short", 'max(kundval_tenants{service="scheduling"})', "tenants",
                     "That have a business date."),
                stat("Furthest behind", "dateTimeAsIso",
                     'min(kundval_business_date_seconds{service="scheduling", which="first"}) * 1000', "business date",
                     "The municipality whose business date is the earliest."),
                Panel("By kind", "short", [("max by (kind) (kundval_obligations_overdue) > 0", "{{kind}}")],
                      "Those of which there are any.", width=16, height=10),
                Panel("Days", "dateTimeAsIso",
                      [('max by (service) (kundval_business_date_seconds{which="last"}) * 1000', "{{service}}")],
                      "The business date of each service.", height=10),
            ),
        ),
    ),
)

OUTSIDE = Board(
    "kundval-outside",
    "kundval: partners and deliveries",
    (
        (
            "Partners",
            (
                Panel("Behind", "short",
                      [("max by (service, partner, way) (kundval_partner_behind)", "{{partner}} {{way}} {{service}}")],
                      "Events that a partner has not been told yet."),
                Panel("Passed over", "short",
                      [("max by (service, partner, way) (kundval_partner_parked)", "{{partner}} {{way}} {{service}}")],
                      "Events that it could not be told.", red=1),
                Panel("Attempts", "eps",
                      [("sum by (partner, outcome) (rate(kundval_partner_attempts_total[5m]))",
                        "{{partner}} {{outcome}}")],
                      "TAKEN is good."),
            ),
        ),
        (
            "Deliveries",
            (
                Panel("Waiting", "short",
                      [("max by (channel, state) (kundval_delivery_queue)", "{{channel}} {{state}}")],
                      "Messages that wait to be routed or handed over."),
                Panel("Attempts", "eps",
                      [("sum by (channel, outcome) (rate(kundval_delivery_attempts_total[5m]))",
                        "{{channel}} {{outcome}}")],
                      "What came of them."),
                Panel("From event to hand-over", "s",
                      [("histogram_quantile(0.95, sum by (channel, le) (rate(kundval_delivery_seconds_bucket[1h])))",
                        "{{channel}}")],
                      "Ninety-five in a hundred are quicker than this."),
                Panel("Nobody answers", "short",
                      [("max by (channel) (kundval_delivery_circuits_open)", "{{channel}}")],
                      "Lanes that are given a rest.", red=1),
                Panel("Decided", "eps",
                      [("sum by (decision) (rate(kundval_messages_routed_total[5m]))", "{{decision}}")],
                      "What was decided about messages."),
                Panel("Receipts", "eps",
                      [("sum by (channel, status) (rate(kundval_delivery_receipts_total[5m]))",
                        "{{channel}} {{status}}")],
                      "What the other sides said afterwards."),
            ),
        ),
        (
            "Employment service and gateway",
            (
                Panel("Messages to the employment service", "short",
                      [("max by (kind, state) (kundval_af_queue)", "{{kind}} {{state}}")], "By where they stand."),
                Panel("Oldest of them", "s", [("max(kundval_af_queue_age_seconds)", "waits for")],
                      "To be sent.", red=4 * 3600),
                Panel("Calls over HTTP", "reqps",
                      [("sum by (status) (rate(kundval_gateway_seconds_count[5m]))", "{{status}}"),
                       ("sum by (why) (rate(kundval_gateway_refused_total[5m]))", "refused: {{why}}")],
                      "By status."),
            ),
        ),
    ),
)

BOARDS = (OVERVIEW, SERVICE, MONEY, DEADLINES, OUTSIDE)


def document(board: Board) -> dict[str, Any]:
    """A board as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in board.rows:
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
             "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}}
        )
        x, y, tallest = 0, y + 1, 0
        for panel in row:
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            panels.append(_panel(len(panels) + 1, panel, x, y))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["kundval"],
        "editable": True,
        "schemaVersion": 38,
        "version": 1,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "annotations": {"list": []},
        "links": [{"title": "kundval", "type": "dashboards", "tags": ["kundval"], "asDropdown": True,
                   "includeVars": True, "keepTime": True}],
        "templating": {"list": _variables(board)},
        "panels": panels,
    }  # fmt: skip


def _variables(board: Board) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    ]
    if board.by_service:
        found.append(
            {"name": "service", "type": "query", "label": "Service", "datasource": DATASOURCE, "refresh": 2,
             "query": {"query": "label_values(kundval_info, service)", "refId": "service"}}
        )  # fmt: skip
    return found


def _panel(number: int, panel: Panel, x: int, y: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "red" if panel.below else "green", "value": None}]
    if panel.red is not None:
        steps.append({"color": "green" if panel.below else "red", "value": panel.red})
    options: dict[str, Any] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    if panel.kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": "value_and_name", "colorMode": "background"
                   if panel.red is not None else "value"}  # fmt: skip
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        defaults["custom"] = {"thresholdsStyle": {"mode": "line" if panel.red is not None else "off"}}
        defaults["min"] = 0 if panel.unit != "dateTimeAsIso" and "Clock" not in panel.title else None
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": DATASOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": [
            {"refId": chr(65 + place), "expr": expression, "legendFormat": legend, "datasource": DATASOURCE}
            for place, (expression, legend) in enumerate(panel.curves)
        ],
    }


def text(board: Board) -> str:
    """The file of a board."""
    return json.dumps(document(board), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for board in BOARDS:
        (FOLDER / f"{board.uid}.json").write_text(text(board), encoding="utf-8")


if __name__ == "__main__":
    main()
