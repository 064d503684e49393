"""Rounds of the fault campaign, several kinds of fault in each: whatever is killed, cut or set wrong, all is kept."""

from __future__ import annotations

import socket
import urllib.parse
from collections.abc import Iterator

import pytest

from tests.conftest import Servers

from .campaign.lines import Lines
from .campaign.rounds import Campaign, started

pytestmark = pytest.mark.slow

#: of the rounds, whatever they are made of: figures that were drawn once stay drawn
SEED = 11


@pytest.fixture(scope="module")
def servers(own_servers: Servers) -> Servers:
    """This file kills them."""
    return own_servers


@pytest.fixture(scope="module")
def campaign(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """A suite with two instances of the service that pays and one of each other."""
    folder = tmp_path_factory.mktemp("campaign")
    with started(servers, folder, folder / "kept", second=("billing",), residents=2) as made:
        yield made


# what most often happens, and what nothing but a round shows; the other kinds are drawn by `make campaign`
@pytest.mark.parametrize(
    ("number", "kinds"),
    [
        (1, ("kill-both", "rubbish")),
        (2, ("broker-crash", "cut", "clock")),
        (3, ("database-crash", "freeze", "terminate")),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, tuple) else str(value),
)
def test_nothing_is_lost_and_nothing_happens_twice(campaign: Campaign, number: int, kinds: tuple[str, ...]) -> None:
    can = campaign.scene.kinds()
    outcome = campaign.round(SEED, number, tuple(kind for kind in kinds if kind in can))
    assert outcome.problems == []
    # else there was nothing to lose
    assert outcome.facts > 20 and outcome.acts > 0
    assert len(outcome.disturbances) >= 2


def test_a_round_is_drawn_from_its_seed_and_number_alone(campaign: Campaign) -> None:
    def drawn(seed: int, number: int) -> list[str]:
        return [str(one) for one in campaign.draw(seed, number)]

    assert drawn(3, 7) == drawn(3, 7)
    assert len({tuple(drawn(3, number)) for number in range(20)}) > 10


def test_a_line_that_is_silent_carries_nothing_and_what_it_kept_back_comes_when_it_is_mended(servers: Servers) -> None:
    where = urllib.parse.urlsplit(servers.amqp_uri)
    assert where.hostname and where.port
    with Lines() as lines:
        line = lines.to(where.hostname, where.port)
        line.silence()
        with socket.create_connection(("127.0.0.1", line.port), timeout=10) as link:
            link.sendall(b"AMQP\x00\x00\x09\x01")
            link.settimeout(0.3)
            with pytest.raises(TimeoutError):
                link.recv(1)
            line.mend()
            link.settimeout(30)
            assert link.recv(1) == b"\x01"
            line.refuse()
            with pytest.raises(OSError):
                while link.recv(4096):
                    pass
                raise ConnectionResetError  # closed in good order
