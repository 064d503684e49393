"""A service that gets every secret in a file: it runs, shows none, and takes a new token key while it works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
import pytest

from kundval_chassis.tokens import Tokens
from kundval_contracts.client import Client
from kundval_contracts.errors import Unauthenticated, Unavailable

from ..chassis.probing import TENANT, Probe, wait_for

NEW = "new:" + "n" * 40


def without_password(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    return parts._replace(netloc=f"{name}@{hosts}").geturl(), unquote(password)


class Sealed(Probe):
    """The probe service, whose environment holds no secret."""

    def __init__(self, amqp_uri: str, database: str, folder: Path):
        super().__init__(amqp_uri, database, folder, KUNDVAL_CALLER_A_MINUTE="3")
        self.folder = folder
        self.secrets = {"token-key": f"old:{self.key}"}
        for name, uri in (("amqp", amqp_uri), ("database", database)):
            _, self.secrets[name] = without_password(uri)
        for name, value in self.secrets.items():
            self.put(name, value)

    def put(self, name: str, value: str) -> None:
        """Another file in its place, as whoever mounts secrets does."""
        new = self.folder / f"{name}.new"
        new.touch(0o600)
        new.write_text(value + "\n")
        new.replace(self.folder / name)

    @property
    def environment(self) -> dict[str, str]:
        given = super().environment
        del given["KUNDVAL_TOKEN_KEY"]
        return given | {
            "KUNDVAL_AMQP_URI": without_password(self.amqp_uri)[0],
            "KUNDVAL_AMQP_PASSWORD_FILE": str(self.folder / "amqp"),
            "KUNDVAL_PROBE_DATABASE_URI": without_password(self.database)[0],
            "KUNDVAL_PROBE_DATABASE_PASSWORD_FILE": str(self.folder / "database"),
            "KUNDVAL_TOKEN_KEY_FILE": str(self.folder / "token-key"),
        }


@pytest.fixture(scope="module")
def sealed(vhost: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    probe = Sealed(vhost, database, tmp_path_factory.mktemp("sealed"))
    try:
        probe.start()
        yield probe
    finally:
        probe.end()


def answers(sealed: Sealed, tokens: Tokens) -> bool:
    with Client(sealed.amqp_uri, tokens.mint("SYSTEM"), timeout=20) as client:
        try:
            client.call("probe.ask", tenant=TENANT)
        except Unauthenticated:
            return False
    return True


def test_no_secret_stands_in_its_environment_its_arguments_its_log_or_what_it_says(sealed: Sealed) -> None:
    assert answers(sealed, Tokens(sealed.secrets["token-key"]))
    assert sealed.process is not None
    process = psutil.Process(sealed.process.pid)
    said = {
        "environment": str(process.environ()),
        "arguments": str(process.cmdline()),
        "log": sealed.log.read_text(),
        "health": sealed.get("/health/ready")[1],
        "metrics": sealed.get("/metrics")[1],
    }
    assert all(said.values()) and all(len(secret) > 10 for secret in sealed.secrets.values())
    assert [(where, name) for where, text in said.items() for name, one in sealed.secrets.items() if one in text] == []
    assert not sealed.logged("setting_noted")


def test_who_calls_too_often_is_told_to_wait_and_others_are_not(sealed: Sealed) -> None:
    tokens = Tokens(sealed.secrets["token-key"])
    outcomes = []
    with Client(sealed.amqp_uri, tokens.mint("CONTROLLER", subject="hasty"), timeout=20) as client:
        for _ in range(5):
            try:
                client.call("probe.ask", tenant=TENANT, retry=False)
                outcomes.append("ok")
            except Unavailable as error:
                outcomes.append(error.code)
    assert outcomes == ["ok"] * 3 + ["TOO_MANY_REQUESTS"] * 2
    with Client(sealed.amqp_uri, tokens.mint("CONTROLLER", subject="calm"), timeout=20) as client:
        assert client.call("probe.ask", tenant=TENANT, retry=False)


def test_a_new_token_key_is_taken_while_it_works_and_the_old_one_goes_at_last(sealed: Sealed) -> None:
    old, new = Tokens(sealed.secrets["token-key"]), Tokens(NEW)
    assert answers(sealed, old) and not answers(sealed, new)
    sealed.put("token-key", f"{NEW},{sealed.secrets['token-key']}")
    wait_for(lambda: answers(sealed, new))
    assert answers(sealed, old)
    sealed.put("token-key", NEW)
    wait_for(lambda: not answers(sealed, old))
    assert answers(sealed, new)
    assert sealed.logged("token_keys_read") and not any(NEW[4:] in line for line in [sealed.log.read_text()])
