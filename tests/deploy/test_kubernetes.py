"""Kubernetes: what Kustomize makes of the manifests is valid, complete, and as the code is."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from .installation import DEPLOY, ROOT, SECRET, SERVICES, STOP_SECONDS, loaded, placed, required, unknown

KUBERNETES = DEPLOY / "kubernetes"
OVERLAY = KUBERNETES / "overlays" / "example-municipality"
PROCESSES = (*SERVICES, "gateway")
#: the oldest and the newest Kubernetes that the manifests are for
VERSIONS = ("1.31", "1.37")
Resource = dict[str, Any]


def _render(folder: Path) -> list[Resource]:
    program = Path(sys.executable).with_name("kubectl")
    command = [program, "kustomize", folder]
    # kubectl looks for settings of a person, who is none of its business here
    environ = {"HOME": "/nonexistent"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environ)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def rendered() -> list[Resource]:
    """Everything that the overlay makes."""
    return _render(OVERLAY)


def _of(rendered: list[Resource], kind: str) -> dict[str, Resource]:
    return {one["metadata"]["name"]: one for one in rendered if one["kind"] == kind}


def _pods(rendered: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Name and template of everything that runs."""
    for one in rendered:
        if one["kind"] == "CronJob":
            yield one["metadata"]["name"], one["spec"]["jobTemplate"]["spec"]["template"]
        elif "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]["template"]


def _containers(rendered: list[Resource]) -> Iterator[tuple[str, Resource]]:
    for name, pod in _pods(rendered):
        for one in (*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]):
            yield f"{name}/{one['name']}", one


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid(rendered: list[Resource], version: str) -> None:
    kinds = {one["kind"] for one in rendered}
    assert {"Deployment", "StatefulSet", "NetworkPolicy", "HorizontalPodAutoscaler", "PodDisruptionBudget"} < kinds
    for one in rendered:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_check_finds_what_is_wrong(rendered: list[Resource]) -> None:
    wrong = deepcopy(_of(rendered, "Deployment")["kundval-billing"])
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_every_part_can_be_rendered_alone_and_the_overlay_has_all(rendered: list[Resource]) -> None:
    folders = {path.parent for path in KUBERNETES.rglob("kustomization.yaml")}
    used: set[Path] = set()
    todo = [OVERLAY]
    while todo:
        folder = todo.pop().resolve()
        used.add(folder)
        found = yaml.safe_load((folder / "kustomization.yaml").read_text())
        for name in (*found.get("resources", []), *found.get("components", [])):
            assert (folder / name).exists()
            if (folder / name).is_dir():
                todo.append(folder / name)
    assert used == {folder.resolve() for folder in folders}
    names = [(one["kind"], one["metadata"]["name"]) for one in rendered]
    assert len(set(names)) == len(names)


def test_nothing_that_runs_is_root_or_may_write_its_file_system(rendered: list[Resource]) -> None:
    pods = dict(_pods(rendered))
    assert len(pods) == 5 + 4 + 4 + 2
    for name, pod in pods.items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True and spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), name
        assert not any("hostPath" in volume for volume in spec["volumes"]), name
    for name, one in _containers(rendered):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert one["resources"]["limits"]["memory"] and one["resources"]["requests"]["cpu"], name
        assert re.search(r":[^:/]+$", one["image"]) and not one["image"].endswith(":latest"), name


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_gets_every_setting_that_it_needs_and_reads_them(
    rendered: list[Resource], process: str, secrets: Path, tmp_path: Path
) -> None:
    pod = _of(rendered, "Deployment")[f"kundval-{process}"]["spec"]["template"]
    environ = _environ(rendered, pod, secrets, tmp_path)
    settings = loaded(process, environ)
    assert required(process) <= set(settings)
    assert settings["HTTP_HOST"] and settings["HTTP_PORT"] == 8080
    assert re.fullmatch(rf"amqps://kundval-{process}:\S+@kundval-rabbitmq:5671/kundval", settings["AMQP_URI"])
    if process != "gateway":
        address = rf"postgresql://kundval_{process}:\S+@db\.example\.net:5432/kundval_{process}\?sslmode=verify-full"
        assert re.fullmatch(address, settings["DATABASE_URI"])


@pytest.mark.parametrize("service", SERVICES)
def test_the_job_that_migrates_has_the_migrators_password_and_no_other(
    rendered: list[Resource], service: str, secrets: Path, tmp_path: Path
) -> None:
    pod = _of(rendered, "Job")[f"kundval-migrate-{service}"]["spec"]["template"]
    environ = _environ(rendered, pod, secrets, tmp_path)
    assert pod["spec"]["containers"][0]["args"] == ["migrate", "$(SERVICE)"] and environ["SERVICE"] == service
    password = (secrets / "database" / f"kundval_{service}_migrator").read_text().strip()
    assert Path(environ["KUNDVAL_MIGRATION_PASSWORD_FILE"]).read_text().strip() == password
    assert f"kundval_{service}_migrator@" in environ["KUNDVAL_MIGRATION_URI"]
    assert {volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume} == {
        "kundval-authority",
        f"kundval-{service}-migrator",
    }


def test_every_setting_that_is_named_exists(rendered: list[Resource], secrets: Path, tmp_path: Path) -> None:
    seen: set[str] = set()
    for _, pod in _pods(rendered):
        seen |= {one["name"] for one in pod["spec"]["containers"][0]["env"]}
    for one in _of(rendered, "ConfigMap").values():
        seen |= {key for key in one["data"] if key.startswith("KUNDVAL_")}
    assert "KUNDVAL_MIGRATION_URI" in seen and "KUNDVAL_LINK_BASE" in seen
    assert not unknown(seen)


def test_the_secrets_of_a_service_are_in_no_other_pod(rendered: list[Resource]) -> None:
    for name, pod in _pods(rendered):
        held = {volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume}
        others = {f"kundval-{one}" for one in SERVICES} - {name}
        assert not held & others, name
        assert "kundval-shared" not in held or name != "kundval-gateway"


@pytest.mark.parametrize("process", PROCESSES)
def test_probes_ports_and_times_are_as_the_code_is(rendered: list[Resource], process: str) -> None:
    pod = _of(rendered, "Deployment")[f"kundval-{process}"]["spec"]["template"]["spec"]
    one = pod["containers"][0]
    assert one["ports"] == [{"containerPort": 8080, "name": "http"}]
    served = ROOT / "chassis/kundval_chassis" / ("gateway/app.py" if process == "gateway" else "health.py")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = one[probe].get("httpGet") or one[probe]["tcpSocket"]
        assert asked["port"] == "http"
        assert "path" not in asked or f'"{asked["path"]}"' in served.read_text()
    assert "httpGet" in one["readinessProbe"]
    # a broker or a database that is away must not have a process killed
    assert one["livenessProbe"].get("httpGet", {}).get("path") in (None, "/health/live")
    shared = _settings(rendered)
    assert pod["terminationGracePeriodSeconds"] > int(shared["KUNDVAL_STOP_SECONDS"]) + 5
    assert pod["terminationGracePeriodSeconds"] > STOP_SECONDS + 5


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_is_found_scaled_and_protected_under_its_own_name(rendered: list[Resource], process: str) -> None:
    name = f"kundval-{process}"
    deployment = _of(rendered, "Deployment")[name]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels["kundval/service"] == process and "replicas" not in deployment["spec"]
    migration = {"kundval/part": "migration"}
    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        _of(rendered, "Service")[name]["spec"]["selector"],
        _of(rendered, "PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
        # the Job that migrates has the same labels but one
        assert not selector.items() <= (labels | migration).items()
    scaler = _of(rendered, "HorizontalPodAutoscaler")[name]["spec"]
    assert scaler["scaleTargetRef"]["name"] == name and scaler["minReplicas"] >= 2
    if process != "gateway":
        metric = scaler["metrics"][0]["external"]["metric"]
        assert metric["name"] == "kundval_queue_depth" and metric["selector"]["matchLabels"] == {"service": process}
    assert name in _of(rendered, "ServiceAccount")
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == name


def test_the_metric_that_scales_is_made_of_the_services_own_queues() -> None:
    from kundval_chassis import amqp

    rule = yaml.safe_load((KUBERNETES / "queue-depth/recording-rule.yaml").read_text())["groups"][0]["rules"][0]
    assert rule["record"] == "kundval:queue_depth"
    counted = re.search(r'queue=~"([^"]+)"', rule["expr"])
    passed = re.search(r'queue!~"([^"]+)"', rule["expr"])
    name = re.search(r'"queue", "([^"]+)"', rule["expr"])
    assert counted and passed and name
    for service in SERVICES:
        queue = amqp.queue_of(service)
        for one in (queue, f"rpc-{service}"):
            assert re.fullmatch(counted[1], one) and not re.fullmatch(passed[1], one)
            found = re.fullmatch(name[1], one)
            assert found and found[1] == service
        for one in (amqp.parked_queue(queue), amqp.retry_queue(queue, 1000)):
            assert re.fullmatch(passed[1], one)
    adapter = (KUBERNETES / "queue-depth/adapter-values.yaml").read_text()
    assert "as: kundval_queue_depth" in adapter and "kundval:queue_depth" in adapter


def test_nothing_is_reached_but_what_a_policy_names(rendered: list[Resource]) -> None:
    policies = _of(rendered, "NetworkPolicy")
    assert policies["kundval-nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    pods = {name: pod["metadata"]["labels"] for name, pod in _pods(rendered)}

    def chosen(policy: str) -> set[str]:
        return {name for name, labels in pods.items() if _matches(policies[policy]["spec"]["podSelector"], labels)}

    services = {f"kundval-{one}" for one in SERVICES}
    migrations = {f"kundval-migrate-{one}" for one in SERVICES}
    daily = set(_of(rendered, "CronJob"))
    assert chosen("kundval-to-database") == services | migrations
    assert chosen("kundval-roles-to-database") == {"kundval-roles"}
    assert chosen("kundval-to-broker") == services | daily | {"kundval-gateway"}
    assert chosen("kundval-rabbitmq") == {"kundval-rabbitmq"}
    assert chosen("kundval-metrics") == services | {"kundval-gateway"}
    assert chosen("kundval-outside") == services
    assert chosen("kundval-pages") == {"kundval-gateway", "kundval-scheduling", "kundval-notifications"}
    # who may come to the broker is who goes there
    came = policies["kundval-rabbitmq"]["spec"]["ingress"][0]["from"][0]["podSelector"]
    assert {name for name, labels in pods.items() if _matches(came, labels)} == chosen("kundval-to-broker")
    gone = policies["kundval-to-broker"]["spec"]["egress"][0]["to"][0]["podSelector"]
    assert {name for name, labels in pods.items() if _matches(gone, labels)} == {"kundval-rabbitmq"}


def test_what_is_referred_to_is_there(rendered: list[Resource], secrets: Path) -> None:
    made = _secrets(secrets)
    maps = _of(rendered, "ConfigMap")
    for name, pod in _pods(rendered):
        for volume in pod["spec"]["volumes"]:
            wanted = [volume["secret"]] if "secret" in volume else []
            wanted += [
                {"secretName": one["secret"]["name"], "items": one["secret"]["items"]}
                for one in volume.get("projected", {}).get("sources", [])
            ]
            for secret in wanted:
                keys = {item["key"] for item in secret.get("items", [])}
                assert keys <= set(made[secret["secretName"]]), (name, secret)
            # made by hand, from files that lie outside the folder (README)
            if volume.get("configMap", {}).get("name", "kundval-roles") != "kundval-roles":
                assert volume["configMap"]["name"] in maps
        mounts = {one["name"] for one in pod["spec"]["containers"][0]["volumeMounts"]}
        claims = {"data"} if name == "kundval-rabbitmq" else set()
        assert mounts == {volume["name"] for volume in pod["spec"]["volumes"]} | claims


def test_what_is_to_be_done_daily_is_done_by_commands_that_there_are(rendered: list[Resource]) -> None:
    from kundval_chassis.cli import cli

    jobs = _of(rendered, "CronJob")
    pods = [one["spec"]["jobTemplate"]["spec"]["template"] for one in jobs.values()]
    commands = {pod["spec"]["containers"][0]["args"][0] for pod in pods}
    assert commands == {"open-day", "erase", "af-checks", "access-log"}
    assert commands <= set(cli.list_commands(click.Context(cli)))
    assert all(one["spec"]["timeZone"] == "Europe/Stockholm" for one in jobs.values())


def test_the_nodes_of_the_broker_know_each_other_by_the_names_that_they_get(rendered: list[Resource]) -> None:
    cluster = _of(rendered, "StatefulSet")["kundval-rabbitmq"]
    conf = (KUBERNETES / "rabbitmq/rabbitmq.conf").read_text()
    nodes = set(re.findall(r"nodes\.\d+ = (\S+)", conf))
    service = cluster["spec"]["serviceName"]
    assert nodes == {f"rabbit@kundval-rabbitmq-{n}.{service}" for n in range(cluster["spec"]["replicas"])}
    assert _of(rendered, "Service")[service]["spec"]["clusterIP"] == "None"
    environ = {one["name"]: one.get("value") for one in cluster["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert environ["RABBITMQ_NODENAME"] == f"rabbit@$(POD).{service}"
    assert "listeners.tcp = none" in conf and "cluster_partition_handling = pause_minority" in conf


def test_no_secret_is_written_in_a_file(rendered: list[Resource]) -> None:
    assert not _of(rendered, "Secret")
    for path in KUBERNETES.rglob("*"):
        # the program `secrets` names files, and holds none
        if path.is_file() and path.suffix:
            assert not SECRET.search(path.read_text()), path


def _matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        one["operator"] == "In" and labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", [])
    )


def _secrets(folder: Path) -> dict[str, dict[str, str]]:
    """The Secrets that deploy/kubernetes/secrets prints: name -> key -> content."""
    done = subprocess.run(
        [str(KUBERNETES / "secrets"), str(folder)], capture_output=True, text=True, timeout=60, check=True
    )
    return {
        one["metadata"]["name"]: {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
        for one in json.loads(done.stdout)["items"]
    }


def _settings(rendered: list[Resource]) -> dict[str, str]:
    maps = _of(rendered, "ConfigMap")
    found: dict[str, str] = next(one["data"] for name, one in maps.items() if name.startswith("kundval-settings-"))
    return found


def _environ(rendered: list[Resource], pod: Resource, secrets: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a pod's process as a node makes it, its volumes as folders below tmp_path."""
    maps = {name: one["data"] for name, one in _of(rendered, "ConfigMap").items()}
    made, spec = _secrets(secrets), pod["spec"]
    places: dict[str, Path] = {}
    mounts = {one["name"]: one["mountPath"] for one in spec["containers"][0]["volumeMounts"]}
    for volume in spec["volumes"]:
        folder = tmp_path / volume["name"]
        folder.mkdir()
        contents = {}
        if "secret" in volume:
            contents = made[volume["secret"]["secretName"]]
        elif "configMap" in volume:
            contents = maps[volume["configMap"]["name"]]
        for key, content in contents.items():
            (folder / key).write_text(content)
        places[mounts[volume["name"]]] = folder
    environ: dict[str, str] = {}
    for source in spec["containers"][0].get("envFrom", []):
        environ |= maps[source["configMapRef"]["name"]]
    # a reference is to what stands before it in the list, and to nothing of envFrom
    own: dict[str, str] = {}
    for one in spec["containers"][0]["env"]:
        value = one.get("value", "")
        if "configMapKeyRef" in one.get("valueFrom", {}):
            reference = one["valueFrom"]["configMapKeyRef"]
            value = maps[reference["name"]][reference["key"]]
        elif "fieldRef" in one.get("valueFrom", {}):
            label = re.fullmatch(r"metadata\.labels\['(.+)'\]", one["valueFrom"]["fieldRef"]["fieldPath"])
            assert label
            value = pod["metadata"]["labels"][label[1]]
        own[one["name"]] = re.sub(r"\$\(([A-Z_]+)\)", lambda found: own.get(found[1], found[0]), value)
    return placed(environ | own, places)
