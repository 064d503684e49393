"""How the password of a database role is changed while its service works, as docs/how-to/rotate-keys.md says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@pytest.fixture
def service(servers: Any) -> Iterator[dict[str, str]]:
    """The role of a service, at work in its database."""
    uri = servers.create_database("rotation")
    given: dict[str, Any] = conninfo_to_dict(uri)
    role = given["user"]
    yield given
    servers.drop_database(uri)
    assert role.startswith("t_")


def connected(given: dict[str, Any], **other: str) -> psycopg.Connection[Any]:
    return psycopg.connect(make_conninfo(**{**given, **other}), autocommit=True)


def test_a_second_role_lets_the_password_of_the_first_change_while_the_service_works(
    servers: Any, service: dict[str, str]
) -> None:
    first, second = service["user"], f"{service['user']}_b"
    with connected(service) as at_work:
        at_work.execute("CREATE TABLE thing (n integer)")
        servers.sql(f"CREATE ROLE {second} LOGIN PASSWORD 'second-password' IN ROLE {first}")
        try:
            with connected(service, user=second, password="second-password") as beside:
                beside.execute("INSERT INTO thing VALUES (1)")
                servers.sql(f"ALTER ROLE {first} PASSWORD 'new-password'")
                # who is connected stays so; who comes needs the new one, and the second role is not touched
                assert at_work.execute("SELECT count(*) FROM thing").fetchone() == (1,)
                with pytest.raises(psycopg.OperationalError):
                    connected(service)
                with connected(service, password="new-password") as again:
                    again.execute("INSERT INTO thing VALUES (2)")
                assert beside.execute("SELECT count(*) FROM thing").fetchone() == (2,)
        finally:
            servers.sql(f"DROP ROLE {second}")
