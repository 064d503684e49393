"""Broker and databases: what does not depend on the place is the same in every way of running them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .installation import DEPLOY

#: what names files, sizes and other nodes is a matter of the place
PLACE = re.compile(
    r".*(certfile|keyfile|cert_file|key_file|definitions|watermark|disk_free|log\.|cluster|quorum_queue).*"
    r"|data_directory|max_connections|.*_size|.*buffers|max_wal_.*|max_replication_slots"
)
#: of a server with replicas alone
REPLICAS = {"wal_level", "wal_compression", "hot_standby", "synchronous_commit", "random_page_cost"}
#: what stands in the logs of a host that keeps its own
LOGGING = {"log_connections", "log_line_prefix", "cluster_name"}


def _read(path: Path) -> dict[str, str]:
    lines = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    found = {key.strip(): value.strip() for key, value in lines}
    kept = {key: value for key, value in found.items() if not PLACE.fullmatch(key)}
    # the one about size that is no matter of the place
    return kept | {key: value for key, value in found.items() if key == "max_message_size"}


@pytest.mark.parametrize("way", ["compose/rabbitmq.conf", "kubernetes/rabbitmq/rabbitmq.conf"])
def test_the_broker_is_set_up_alike_wherever_it_runs(way: str) -> None:
    reference = _read(DEPLOY / "rabbitmq/rabbitmq.conf")
    assert {"listeners.tcp", "consumer_timeout", "max_message_size", "ssl_options.versions.1"} <= set(reference)
    assert _read(DEPLOY / way) == reference
    folder = (DEPLOY / way).parent
    assert (folder / "enabled_plugins").read_text() == (DEPLOY / "rabbitmq/enabled_plugins").read_text()


def test_the_databases_are_set_up_alike_wherever_they_run() -> None:
    reference = _read(DEPLOY / "postgresql/postgresql.conf")
    assert {"ssl", "password_encryption", "log_parameter_max_length"} <= set(reference)
    assert _read(DEPLOY / "compose/postgresql.conf") == {
        key: value for key, value in reference.items() if key not in REPLICAS | LOGGING
    }


def test_nobody_comes_in_over_the_network_of_compose_without_tls_and_a_password() -> None:
    text = (DEPLOY / "compose/pg_hba.conf").read_text()
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    assert any(line[0] == "hostssl" for line in lines)
    assert all(line[0] in ("local", "hostssl") and line[-1] == "scram-sha-256" for line in lines)
