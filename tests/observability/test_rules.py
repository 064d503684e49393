"""Alerts, recording rules and dashboards: they can be read, they fire when they should, and ask for what is served."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kundval_chassis.telemetry import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "observability"
RULES = {path.name: yaml.safe_load(path.read_text()) for path in sorted((FOLDER / "rules").glob("*.yml"))}
TESTS = {path.name: yaml.safe_load(path.read_text()) for path in sorted((FOLDER / "tests").glob("*.yml"))}
#: modules that have metrics of their own
MEASURING = (
    "kundval_assignment.to_af.metrics", "kundval_billing.looks", "kundval_chassis.gateway.app",
    "kundval_notifications.delivery.metrics", "kundval_notifications.incoming.bounces", "kundval_scheduling.looks",
)  # fmt: skip
#: what Prometheus and the process collector say; what servers say is marked by the alert that asks for it
OTHERS = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_max_fds"}


def rules(key: str) -> Iterator[dict[str, Any]]:
    """Every rule that has this key: alert or record."""
    for document in RULES.values():
        for group in document["groups"]:
            yield from (rule for rule in group["rules"] if key in rule)


def dashboards() -> Any:
    spec = importlib.util.spec_from_file_location("dashboards", FOLDER / "dashboards.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dashboards"] = module
    spec.loader.exec_module(module)
    return module


def expressions() -> list[str]:
    """What the dashboards ask for, with a service chosen."""
    found = [
        curve[0].replace("$service", "billing")
        for board in dashboards().BOARDS
        for _, panels in board.rows
        for panel in panels
        for curve in panel.curves
    ]
    assert len(found) > 50
    return found


@pytest.fixture(scope="module")
def promtool() -> Path:
    sys.path.insert(0, str(ROOT / "deploy" / "local"))
    try:
        from kundval_local import prometheus

        return prometheus.ensure() / "promtool"
    finally:
        sys.path.remove(str(ROOT / "deploy" / "local"))


def told(promtool: Path, *arguments: str | Path) -> str:
    """What promtool says, which must be content."""
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_alerts_fire_on_recorded_series_when_they_should_and_only_then(promtool: Path) -> None:
    said = told(promtool, "test", "rules", *sorted((FOLDER / "tests").glob("*.yml")))
    assert said.count("SUCCESS") == len(TESTS) > 2


def test_every_alert_is_tried_where_it_fires_and_where_it_does_not() -> None:
    fires: dict[str, set[bool]] = {}
    for document in TESTS.values():
        for test in document["tests"]:
            for one in test.get("promql_expr_test", ()):
                [name] = re.findall(r'alertname="(\w+)"', one["expr"])
                assert name == test["name"]
                fires.setdefault(name, set()).add(bool(one["exp_samples"]))
    assert fires == {rule["alert"]: {True, False} for rule in rules("alert")}


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    for rule in rules("alert"):
        said = rule["annotations"]
        assert set(said) == {"summary", "consequence", "action", "runbook"}, rule["alert"]
        assert all(text.endswith(".") for key, text in said.items() if key != "runbook"), rule["alert"]
        assert re.fullmatch(r"docs/runbooks/[a-z-]+\.md", said["runbook"])
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_every_runbook_that_an_alert_names_is_there() -> None:
    missing = {rule["annotations"]["runbook"] for rule in rules("alert")}
    assert not sorted(page for page in missing if not (ROOT / page).is_file())


def test_configuration_and_dashboards_can_be_read(promtool: Path, tmp_path: Path) -> None:
    told(promtool, "check", "config", FOLDER / "prometheus.yml")
    # an expression that promtool takes as a rule is one that Grafana can ask for
    asked = [{"record": f"asked:{place}", "expr": text} for place, text in enumerate(expressions())]
    groups = [{"name": "asked", "rules": asked}]
    (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": groups}))
    assert f"{len(asked)} rules found" in told(promtool, "check", "rules", tmp_path / "asked.yml")


def test_what_is_asked_for_is_served() -> None:
    for module in MEASURING:
        importlib.import_module(module)
    served = {
        sample
        for metric in REGISTRY.collect()
        for sample in (metric.name, *(f"{metric.name}_{end}" for end in ("total", "count", "sum", "bucket")))
    }
    served |= {rule["record"] for rule in rules("record")} | OTHERS
    own = [rule for rule in (*rules("alert"), *rules("record")) if "source" not in rule.get("labels", {})]
    for text in [*expressions(), *(rule["expr"] for rule in own)]:
        named = set(re.findall(r"(?<![\w:])((?:kundval|process)[\w:]*[a-z0-9])(?=[\s{\[)]|$)", text))
        assert named - {"kundval", "process"} or "up{" in text, text
        assert named - {"kundval", "process"} <= served, text


def test_alerts_on_what_servers_say_name_whose_word_they_take() -> None:
    for name, document in RULES.items():
        for group in document["groups"]:
            for rule in group["rules"]:
                source = rule.get("labels", {}).get("source")
                assert (source in ("rabbitmq", "postgresql")) == (name == "servers.yml")


def test_dashboards_are_as_they_are_written() -> None:
    module = dashboards()
    files = {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "dashboards").glob("*.json")}
    assert files == {f"{board.uid}.json": module.text(board) for board in module.BOARDS}, "run dashboards.py"
    for text in files.values():
        for panel in json.loads(text)["panels"]:
            if panel["type"] != "row":
                assert panel["fieldConfig"]["defaults"]["unit"] and panel["description"] and panel["targets"]
