"""Who a notice goes to: holders, addresses, language, wishes and protection, as they lie in a real database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from kundval_chassis import migrate
from kundval_chassis.db import Pool, Tx
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import DeliveryChannel, Role
from kundval_contracts.envelope import Event
from kundval_contracts.errors import Conflict, Forbidden, InvalidRequest, NotFound
from kundval_contracts.rpc import METHODS, CallerRole
from kundval_contracts.webhooks import read_secret
from kundval_notifications.directory import Point, close_webhooks_to, keep, resolve, store
from kundval_notifications.directory.seal import Seal
from kundval_notifications.domain.party import Party

EMAIL, SMS, WEBHOOK = DeliveryChannel.EMAIL, DeliveryChannel.SMS, DeliveryChannel.WEBHOOK
TENANT = "town"
KEY = "1" * 40
URL = "https://system.example.se/in"
MANAGER = Caller("marta", CallerRole.TEAM_MANAGER, None, "leads")
GUIDE = Caller("anna", CallerRole.CAREER_GUIDE, None, "guides")
SYSTEM = Caller("program", CallerRole.SYSTEM, None, "sends")
ALFA = Caller("coach", CallerRole.PROVIDER, "alfa", "coaches", TENANT)


@dataclass
class Known:
    """Answers about clients, as a plain map: what `Contacts.ask` makes of the assignment service's."""

    clients: Mapping[str, Point] = field(default_factory=dict)
    seal: Seal = field(default_factory=lambda: Seal(KEY))
    networks: tuple[Any, ...] = ()

    def points(self, tenant: str, assignments: Collection[str]) -> Mapping[str, Point]:
        assert tenant == TENANT
        return {name: self.clients[name] for name in assignments}


@pytest.fixture(scope="module")
def pool(make_database: Callable[..., str]) -> Iterator[Pool]:
    uri = make_database("notifications")
    migrate.apply(uri, "notifications")
    with Pool(uri, name="directory") as made:
        yield made


@pytest.fixture
def tx(pool: Pool) -> Iterator[Tx]:
    """A transaction of the test, of which nothing stays."""

    class Undone(Exception):
        pass

    try:
        with pool.tx() as made:
            yield made
            raise Undone
    except Undone:
        pass


def row(number: int, to: Role, subject: str = "A-1", about: str = "ASSIGNMENT", provider: str | None = None) -> Any:
    return {"notice": number, "recipient": to.value, "subject": subject, "about": about, "provider": provider}


def one(tx: Tx, notice: Mapping[str, Any], known: Known | None = None) -> Party:
    return resolve(tx, known or Known(), TENANT, [notice])[notice["notice"]]


def held_by(tx: Tx, guide: str | None, unit: str | None, assignment: str = "A-1") -> None:
    tx.execute(
        "INSERT INTO holder (tenant, assignment, guide, unit) VALUES (%s, %s, %s, %s)",
        (TENANT, assignment, guide, unit),
    )


def restrict(tx: Tx, assignment: str, restricted: bool = True) -> None:
    tx.execute(
        "INSERT INTO restricted_subject (tenant, subject, restricted) VALUES (%s, %s, %s)"
        " ON CONFLICT (tenant, subject) DO UPDATE SET restricted = excluded.restricted",
        (TENANT, assignment, restricted),
    )


def load(method: str, **fields: Any) -> dict[str, Any]:
    return METHODS[f"notifications.{method}"].load({"tenant": TENANT, **fields})


def set_party(tx: Tx, role: str, party: str | None = None, known: Known | None = None, **fields: Any) -> str | None:
    request = load("set_party", role=role, party=party, **fields)
    return keep.set_party(tx, known or Known(), request, MANAGER)  # type: ignore[arg-type]


def prefer(tx: Tx, caller: Caller, **fields: Any) -> dict[str, Any]:
    return keep.prefer(tx, load("prefer", **fields), caller)


ANNA_AT_HOME = Point("p-1", language="en", addresses={EMAIL: "client@person.example", SMS: "+46701740605"})


# --- clients ------------------------------------------------------------------------------------------------------


def test_a_client_is_reached_where_assignment_says(tx: Tx) -> None:
    found = one(tx, row(1, Role.CLIENT), Known({"A-1": ANNA_AT_HOME}))
    assert found == Party(Role.CLIENT, "p-1", "en", ANNA_AT_HOME.addresses)
    assert not found.has_inbox


def test_two_assignments_of_a_person_are_one_recipient_and_of_nobody_known_two(tx: Tx) -> None:
    nobody = Point(None)
    known = Known({"A-1": ANNA_AT_HOME, "A-2": ANNA_AT_HOME, "A-3": nobody, "A-4": nobody})
    found = resolve(tx, known, TENANT, [row(place, Role.CLIENT, f"A-{place}") for place in (1, 2, 3, 4)])
    assert found[1] == found[2]
    assert found[3].id != found[4].id
    assert not found[3].addresses and not found[3].protected


def test_the_client_of_a_case_that_is_restricted_here_is_protected_whatever_assignment_said(tx: Tx) -> None:
    known = Known(
        {"A-1": ANNA_AT_HOME, "A-2": ANNA_AT_HOME, "A-3": Point("p-3", addresses={EMAIL: "b@person.example"})}
    )
    rows = [row(place, Role.CLIENT, f"A-{place}") for place in (1, 2, 3)]
    assert not any(party.protected for party in resolve(tx, known, TENANT, rows).values())
    # it begins while messages wait: what is resolved next knows it
    restrict(tx, "A-1")
    found = resolve(tx, known, TENANT, rows)
    assert [found[place].protected for place in (1, 2, 3)] == [True, True, False]
    assert not found[1].addresses and not found[2].addresses
    restrict(tx, "A-1", False)
    assert not any(party.protected for party in resolve(tx, known, TENANT, rows).values())


def test_a_client_is_protected_if_assignment_says_so_whatever_was_heard_here(tx: Tx) -> None:
    found = one(tx, row(1, Role.CLIENT), Known({"A-1": Point("p-1", protected=True)}))
    assert found == Party(Role.CLIENT, "p-1", protected=True)


def test_what_a_client_refuses_and_prefers_goes_with_the_person(tx: Tx) -> None:
    prefer(tx, GUIDE, person="p-1", refused=["SMS"], channels=["DIGITAL_MAIL", "EMAIL"], language="sv")
    found = one(tx, row(1, Role.CLIENT), Known({"A-1": ANNA_AT_HOME}))
    assert (set(found.refused), found.order, found.language) == ({SMS}, (DeliveryChannel.DIGITAL_MAIL, EMAIL), "sv")
    assert found.can_use(EMAIL) and not found.can_use(SMS)
    assert one(tx, row(1, Role.CLIENT), Known({"A-1": Point("p-2")})).refused == frozenset()


@pytest.mark.rule("AF-SOM-17")
@pytest.mark.parametrize(("mastered", "expected"), [("en", "en"), ("sv", "sv"), (None, "sv")])
def test_a_client_is_written_to_in_a_language_that_it_masters_or_in_swedish(
    tx: Tx, mastered: str | None, expected: str
) -> None:
    assert one(tx, row(1, Role.CLIENT), Known({"A-1": Point("p-1", language=mastered)})).language == expected


def test_a_person_that_is_erased_takes_its_preferences_along(tx: Tx) -> None:
    for person in ("p-1", "p-2"):
        prefer(tx, GUIDE, person=person, refused=["SMS"])
    erased = Event(
        id="e-1", name="assignment.person_erased", version=1, subject="p-1", tenant=TENANT, sequence=1,
        time=datetime(2026, 1, 1, tzinfo=UTC), data={"person": "p-1"},
    )  # fmt: skip
    store.forget(tx, [erased, erased])
    left = {name for (_, name) in store.preferences(tx, TENANT, [("CLIENT", "p-1"), ("CLIENT", "p-2")])}
    assert left == {"p-2"}
    store.forget(tx, [])


# --- staff and providers ------------------------------------------------------------------------------------------


def test_a_provider_is_the_one_that_the_notice_names(tx: Tx) -> None:
    set_party(tx, "PROVIDER", "alfa", email="alfa@provider.example", language="en")
    expected = Party(Role.PROVIDER, "alfa", "en", {EMAIL: "alfa@provider.example"})
    assert one(tx, row(1, Role.PROVIDER, provider="alfa")) == expected
    assert one(tx, row(1, Role.PROVIDER, "alfa", "PROVIDER")) == expected
    assert one(tx, row(1, Role.PROVIDER, provider="beta")) == Party(Role.PROVIDER, "beta")
    assert expected.has_inbox


def test_a_notice_goes_to_the_guide_who_holds_the_case_else_to_whoever_is_guide(tx: Tx) -> None:
    assert one(tx, row(1, Role.CAREER_GUIDE)) == Party(Role.CAREER_GUIDE, "*")
    set_party(tx, "CAREER_GUIDE", email="guides@town.example")
    assert one(tx, row(1, Role.CAREER_GUIDE)).addresses == {EMAIL: "guides@town.example"}
    held_by(tx, "anna", "north")
    # of whom nothing is known in person is reached with the others
    found = one(tx, row(1, Role.CAREER_GUIDE))
    assert (found.id, found.addresses) == ("anna", {EMAIL: "guides@town.example"})
    set_party(tx, "CAREER_GUIDE", "anna", phone="+46701740605")
    found = one(tx, row(1, Role.CAREER_GUIDE))
    assert (found.id, found.addresses) == ("anna", {SMS: "+46701740605"})
    assert one(tx, row(1, Role.CAREER_GUIDE, "A-2")).id == "*"
    # a provider's id is no assignment's
    assert one(tx, row(1, Role.CAREER_GUIDE, "A-1", "PROVIDER")).id == "*"


def test_what_rises_to_the_team_manager_goes_to_that_of_the_unit(tx: Tx) -> None:
    set_party(tx, "TEAM_MANAGER", "marta", unit="north", email="marta@town.example")
    set_party(tx, "TEAM_MANAGER", "mats", unit="south", email="mats@town.example")
    assert one(tx, row(1, Role.TEAM_MANAGER)).id == "*"
    held_by(tx, "anna", "north")
    held_by(tx, "anna", "west", "A-2")
    held_by(tx, "bo", None, "A-3")
    assert one(tx, row(1, Role.TEAM_MANAGER)).id == "marta"
    assert one(tx, row(1, Role.TEAM_MANAGER, "A-2")).id == "*"
    # the facts name no unit: that of the guide
    assert one(tx, row(1, Role.TEAM_MANAGER, "A-3")).id == "*"
    set_party(tx, "CAREER_GUIDE", "bo", unit="south")
    assert one(tx, row(1, Role.TEAM_MANAGER, "A-3")).id == "mats"
    assert one(tx, row(1, Role.CONTROLLER)).id == "*"


def test_a_unit_has_one_team_manager(tx: Tx) -> None:
    set_party(tx, "TEAM_MANAGER", "marta", unit="north")
    set_party(tx, "TEAM_MANAGER", "marta", unit="north", email="marta@town.example")
    with pytest.raises(Conflict) as refused:
        set_party(tx, "TEAM_MANAGER", "mats", unit="north")
    assert refused.value.code == "UNIT_TAKEN"


def test_staff_and_providers_say_themselves_what_they_want(tx: Tx) -> None:
    held_by(tx, "anna", None)
    prefer(tx, GUIDE, refused=["SMS"], digest=True, language="en")
    prefer(tx, ALFA, channels=["WEBHOOK"])
    anna, alfa = one(tx, row(1, Role.CAREER_GUIDE)), one(tx, row(2, Role.PROVIDER, provider="alfa"))
    assert (set(anna.refused), anna.digest, anna.language) == ({SMS}, True, "en")
    assert (alfa.order, alfa.digest) == ((WEBHOOK,), False)
    # what is not named is as for everybody
    assert prefer(tx, GUIDE) | {"changed_at": None} == {
        "refused": [], "channels": None, "digest": False, "language": None, "changed_at": None,
    }  # fmt: skip
    assert one(tx, row(1, Role.CAREER_GUIDE)) == Party(Role.CAREER_GUIDE, "anna")


def test_nobody_says_what_another_wants(tx: Tx) -> None:
    with pytest.raises(Forbidden):
        prefer(tx, ALFA, person="p-1")
    with pytest.raises(NotFound):
        prefer(tx, SYSTEM)
    with pytest.raises(InvalidRequest) as refused:
        prefer(tx, GUIDE, language="tlh")
    assert [fault["path"] for fault in refused.value.faults] == ["language"]
    assert store.preferences(tx, TENANT, [("CLIENT", "p-1"), ("CAREER_GUIDE", "anna")]) == {}


def test_who_is_let_go_of_leaves_nothing(tx: Tx) -> None:
    set_party(tx, "CAREER_GUIDE", "anna", email="anna@town.example")
    prefer(tx, GUIDE, refused=["SMS"])
    assert store.remove_party(tx, TENANT, Role.CAREER_GUIDE, "anna")
    assert not store.remove_party(tx, TENANT, Role.CAREER_GUIDE, "anna")
    held_by(tx, "anna", None)
    assert one(tx, row(1, Role.CAREER_GUIDE)) == Party(Role.CAREER_GUIDE, "anna")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"phone": "+4684650049"}, "phone"),
        ({"webhook": "https://127.0.0.1/in"}, "webhook"),
        ({"webhook": "http://system.example.se/in"}, "webhook"),
        ({"language": "tlh"}, "language"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_nothing_is_kept(tx: Tx, fields: Any, path: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        set_party(tx, "PROVIDER", "alfa", email="alfa@provider.example", **fields)
    assert [fault["path"] for fault in refused.value.faults] == [path]
    assert not [value for value in fields.values() if value in str(refused.value)]
    assert store.list_parties(tx, TENANT, None) == []


# --- webhooks -----------------------------------------------------------------------------------------------------


def test_a_webhook_gets_its_secret_once_and_another_when_it_is_asked_for(tx: Tx) -> None:
    secret = set_party(tx, "PROVIDER", "alfa", webhook=URL)
    assert secret is not None and len(read_secret(secret)) == 32
    assert one(tx, row(1, Role.PROVIDER, provider="alfa")).secret == secret
    assert secret not in repr(one(tx, row(1, Role.PROVIDER, provider="alfa")))
    sealed = tx.value("SELECT secret FROM party")
    assert secret.removeprefix("whsec_").encode() not in bytes(sealed)
    # stated again with something else it keeps it
    assert set_party(tx, "PROVIDER", "alfa", webhook=URL, email="alfa@provider.example") is None
    assert one(tx, row(1, Role.PROVIDER, provider="alfa")).secret == secret
    # while it is replaced both sign, until the party is stated again
    another = set_party(tx, "PROVIDER", "alfa", webhook=URL, new_secret=True)
    assert one(tx, row(1, Role.PROVIDER, provider="alfa")).secret == f"{another} {secret}"
    assert set_party(tx, "PROVIDER", "alfa", webhook=URL) is None
    assert one(tx, row(1, Role.PROVIDER, provider="alfa")).secret == another
    # another address is another system
    third = set_party(tx, "PROVIDER", "alfa", webhook=f"{URL}/2")
    assert third not in (None, secret, another)
    assert one(tx, row(1, Role.PROVIDER, provider="alfa")).secret == third


def test_a_webhook_that_is_closed_is_no_address_until_it_is_stated_again(tx: Tx) -> None:
    secret = set_party(tx, "PROVIDER", "alfa", webhook=URL, email="alfa@provider.example")
    assert close_webhooks_to(tx, TENANT, f"{URL}/other") == 0
    assert close_webhooks_to(tx, TENANT, URL) == 1
    found = one(tx, row(1, Role.PROVIDER, provider="alfa"))
    assert (found.addresses, found.secret) == ({EMAIL: "alfa@provider.example"}, None)
    assert store.list_parties(tx, TENANT, Role.PROVIDER)[0]["webhook_closed_at"] is not None
    assert not store.close_webhook(tx, TENANT, Role.PROVIDER, "alfa")
    set_party(tx, "PROVIDER", "alfa", webhook=URL)
    assert one(tx, row(1, Role.PROVIDER, provider="alfa")).secret == secret
    assert store.close_webhook(tx, TENANT, Role.PROVIDER, "alfa")


def test_nothing_about_a_protected_persons_case_goes_to_a_webhook(tx: Tx) -> None:
    set_party(tx, "PROVIDER", "alfa", webhook=URL, email="alfa@provider.example")
    restrict(tx, "A-1")
    rows = [row(place, Role.PROVIDER, f"A-{place}", provider="alfa") for place in (1, 2)]
    found = resolve(tx, Known(), TENANT, rows)
    assert set(found[1].addresses) == {EMAIL} and found[1].secret is None
    assert set(found[2].addresses) == {EMAIL, WEBHOOK}
    assert not found[1].protected


def test_a_change_of_keys_leaves_webhooks_their_secrets(tx: Tx) -> None:
    secret = set_party(tx, "PROVIDER", "alfa", webhook=URL)
    new = Seal("2" * 40)
    assert WEBHOOK not in one(tx, row(1, Role.PROVIDER, provider="alfa"), Known(seal=new)).addresses
    store.reseal(tx, Seal(f"new:{'2' * 40},old:{KEY}"))
    assert one(tx, row(1, Role.PROVIDER, provider="alfa"), Known(seal=new)).secret == secret
    # who has lost the key is given another secret
    lost = Known(seal=Seal("3" * 40))
    store.reseal(tx, lost.seal)
    assert set_party(tx, "PROVIDER", "alfa", lost, webhook=URL) is not None
