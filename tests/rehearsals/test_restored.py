"""A service is restored to an older moment while the others have gone on: it comes back in step, and nothing that has
left the suite leaves again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kundval_contracts.codes import Ownership
from tests.acceptance.builders import assignment, claim, exited, fact, follow_ups
from tests.billing.papers import COMPANY, MUNICIPALITY
from tests.conftest import Servers
from tests.suite import SERVICES, Suite, Town, eventually, running

from .backups import Backup, rows

pytestmark = pytest.mark.rehearsal

D = "2024-03-15"
EARNED = assignment("AMI_2", D, exited("2024-06-20"), *follow_ups("AMI_2", D, range(5, 13)), claim("2024-12-20"))
SWITCHED = assignment("AMI_2", D, fact("2024-06-01", "provider_switch", provider="beta", approved=True), name="A-2")
RUNNING = assignment("AMI_1", "2024-06-10", name="A-3")
LATER = [fact("2024-07-20", "contact"), fact("2024-07-22", "contact"), exited("2024-08-26")]


def party(number: str, name: str) -> dict[str, object]:
    return {
        "name": name, "organisation_number": number, "vat_number": f"SE{number}01", "street": "Storgatan 1",
        "postal_code": "131 81", "city": "Nacka", "payment_terms_days": 30, "bankgiro": "9912346", "f_skatt": True,
    }  # fmt: skip


class Life:
    """A municipality that goes on after the backup: facts, a withdrawal, days, a payment run, a released payment."""

    def __init__(self, servers: Servers, suite: Suite, folder: Path):
        self.suite, self.client, self._servers, self._folder = suite, suite.client(), servers, folder
        self.town = Town(self.client)
        self.backup: Backup | None = None

    def live(self) -> None:
        town = self.town
        town.mailboxes()
        town.add(EARNED, SWITCHED, RUNNING)
        since = {"valid_from": "2024-01-01"}
        vat = {one.value: {"treatment": "STANDARD_25"} for one in Ownership}
        self.client.call("billing.set_payer", tenant=town.name, role="MUNICIPALITY", **since, vat_by_ownership=vat,
                         party=party(MUNICIPALITY, "Nacka kommun"))  # fmt: skip
        self.client.call("billing.set_payee", tenant=town.name, provider="alfa", **since,
                         party=party(COMPANY, "Alfa Jobb AB"))  # fmt: skip
        town.day("2024-07-01")
        town.run("2024-07-01")
        self.backup = Backup(self._servers, self.suite, self._folder)
        town.state("A-3", *LATER)
        self.withdrawn = town.rows("A-3", [fact("2024-07-25", "contact")])[0]
        town.send([self.withdrawn])
        town.withdraw("A-3", self.withdrawn["id"])
        # one that was there at the backup goes too
        town.withdraw("A-2", "5")
        town.day("2024-09-01")
        town.run("2024-09-01")
        self.paid = self.pay("2024-09-01")
        town.settle()
        town.messages(self.suite)

    def end(self) -> None:
        self.client.close()
        if self.backup is not None:
            self.backup.drop()

    def pay(self, run: str) -> str:
        """Propose, check, attest and release what is owed to alfa; the payment's number."""
        town = self.town
        proposed = self.client.call("billing.propose_payments", tenant=town.name, run=run)["payments"]
        number = next(row["payment"] for row in proposed if row["provider"] == "alfa" and row["state"] == "PROPOSED")
        for method, who in (("check_payment", "cia"), ("attest_payment", "ann"), ("attest_payment", "bo")):
            with self.suite.client("CONTROLLER", subject=who) as person:
                person.call(f"billing.{method}", tenant=town.name, payment=number)
        with self.suite.client("CONTROLLER", subject="ann") as person:
            assert person.call("billing.release_payments", tenant=town.name, run=run)["released"] == [number]
        return str(number)

    def stand(self) -> dict[str, Any]:
        """What everybody holds, as far as it can be had from outside."""
        town = self.town
        return {
            "facts": {name: town.states(name) for name in ("A-1", "A-2", "A-3")},
            "lines": town.ask("billing.lines"),
            "balance": town.balance(),
            "obligations": town.ask("scheduling.obligations"),
            "notices": sorted(map(str, town.ask("notifications.notices"))),
        }

    def mails(self) -> set[str]:
        """Messages that have left."""
        return {file.name for file in self.town.messages(self.suite)}


@pytest.fixture(scope="module")
def life(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with running(servers, tmp_path_factory.mktemp("restored")) as suite:
        made = Life(servers, suite, tmp_path_factory.mktemp("backup"))
        try:
            made.live()
            yield made
        finally:
            made.end()


def restored(life: Life, service: str) -> tuple[str, str]:
    """Restore a service, refuse to start it, recover it, start it; what `recover` said before and after it did."""
    suite = life.suite
    assert life.backup is not None
    suite.stop(service)
    life.backup.restore(service)
    refused = suite.kundval("run", service, apart=True)
    assert refused.returncode == 2 and f"kundval recover {service}" in refused.stderr
    dry = suite.kundval("recover", service)
    assert dry.returncode == 0, dry.stderr
    assert "add --do" in dry.stdout
    # a dry run leaves everything as it was
    assert suite.kundval("run", service, apart=True).returncode == 2
    done = suite.kundval("recover", service, "--do")
    assert done.returncode == 0, done.stderr
    suite.start(service)
    return dry.stdout, done.stdout


def stands_again(life: Life, before: dict[str, Any]) -> None:
    """Everybody holds what they held; else it is shown what differs."""
    with suppress(AssertionError):
        eventually(lambda: life.stand() == before)
    assert life.stand() == before


def test_notifications_sends_nothing_twice_and_leaves_nobody_out(life: Life) -> None:
    before, mails = life.stand(), life.mails()
    restored(life, "notifications")
    stands_again(life, before)
    assert life.mails() == mails


def test_scheduling_takes_back_what_it_had_told_and_catches_up(life: Life) -> None:
    before, mails = life.stand(), life.mails()
    dry, _ = restored(life, "scheduling")
    assert "notifications has" in dry
    stands_again(life, before)
    assert life.mails() == mails
    # what changes next is heard by the others, although it had told of later revisions before it was lost
    life.town.state("A-3", fact("2024-08-30", "contact"))
    life.town.day("2024-09-15")
    own = sorted(rows(life.suite.databases["scheduling"], _OWN, life.town.name))
    assert own
    eventually(lambda: sorted(rows(life.suite.databases["notifications"], _HELD, life.town.name)) == own)


_HELD = "SELECT assignment, kind, sequence, data ->> 'state' FROM held_obligation WHERE tenant = %s AND NOT removed"
_OWN = "SELECT assignment, kind, sequence, state FROM obligation WHERE tenant = %s"


def test_assignment_takes_its_facts_back_from_the_others(life: Life) -> None:
    before, mails = life.stand(), life.mails()
    _, said = restored(life, "assignment")
    assert "facts that were taken back" in said
    stands_again(life, before)
    assert life.mails() == mails
    # everybody holds the same facts, and a new statement is heard
    life.town.state("A-3", fact("2024-09-10", "contact"))
    life.town.settle()
    mine = rows(life.suite.databases["assignment"], _STATED, life.town.name)
    for service in ("scheduling", "billing", "notifications"):
        theirs = rows(life.suite.databases[service], _HELD_FACTS, life.town.name)
        eventually(lambda theirs=theirs: sorted(theirs) == sorted(mine))
    # an id that was withdrawn stays taken
    with pytest.raises(Exception, match="was withdrawn"):
        life.town.send([life.withdrawn])
    again = life.suite.kundval("recover", "assignment")
    assert again.returncode == 1 and "runs" in again.stderr


_STATED = "SELECT assignment, fact_id, kind FROM stated_fact WHERE tenant = %s AND in_effect"
_HELD_FACTS = "SELECT assignment, fact_id, kind FROM held_fact WHERE tenant = %s AND in_effect"


def test_billing_posts_again_and_pays_nobody_twice(life: Life) -> None:
    town, before = life.town, life.stand()
    _, said = restored(life, "billing")
    assert f"{town.name} 2024-09-01" in said and f"{town.name} {life.paid}" in said
    town.settle()
    assert town.balance() != before["balance"]
    town.run("2024-09-01")
    stands_again(life, before)
    # notifications holds each entry once, under the number that it has now
    held = rows(life.suite.databases["notifications"], "SELECT entry::bigint FROM held_posting")
    own = rows(life.suite.databases["billing"], "SELECT entry FROM entry")
    assert sorted(held) == sorted(own)
    # what was paid is not proposed again before somebody has looked, and no number of a document is given twice
    proposed = town.client.call("billing.propose_payments", tenant=town.name, run="2024-09-01")["payments"]
    assert not [row for row in proposed if row["provider"] == "alfa"]
    hold = next(row for row in town.ask("billing.holds") if row["ended_on"] is None)
    with life.suite.client("CONTROLLER", subject="cia") as person:
        person.call("billing.release_hold", tenant=town.name, hold=hold["hold"], note="compared")
    number = life.pay("2024-09-01")
    assert int(number) > int(life.paid)
    shown = town.client.call("billing.payment", tenant=town.name, payment=int(number))
    assert all(int(name.rpartition("-")[2]) > 10_000 for name in shown["documents"])


def test_afterwards_everything_goes_on_and_nothing_is_missing(life: Life) -> None:
    mails = life.mails()
    # what is new goes out as ever
    life.town.day("2024-12-20")
    eventually(lambda: life.mails() > mails)
    # every service is in step: nothing is missing any more
    for service in SERVICES:
        life.suite.stop(service)
        assert "nothing is missing" in life.suite.kundval("recover", service).stdout
