"""Requests to billing for the matrix of policies, and what has to be there before them."""

from __future__ import annotations

from collections.abc import Callable

from kundval_contracts.rpc import CallerRole
from tests.suite import eventually

from . import world as w
from .world import Row, Target, World

#: the holds that were placed for an example, by its number
_holds: dict[int, int] = {}


def a_run(world: World, one: Target, number: int, role: CallerRole) -> None:
    world.call("billing.run_payments", run=w.TODAY)


def payment_of_alfa(world: World, one: Target, number: int) -> Row:
    """A payment with entries of every client that alfa has or had."""
    return {"payment": _payment(world), "limit": 2000}


def _payment(world: World) -> int:
    if world.name not in _payments:
        world.call("billing.run_payments", run=w.TODAY)
        world.call("billing.propose_payments", run=w.TODAY)
        rows = world.call("billing.payments", provider="alfa")["payments"]
        _payments[world.name] = int(rows[0]["payment"])
    return _payments[world.name]


_payments: dict[str, int] = {}


def a_hold(world: World, one: Target, number: int, role: CallerRole) -> None:
    _holds[number] = world.call("billing.hold", provider="gamma", reason="LEGAL")["hold"]


def the_hold(world: World, one: Target, number: int) -> Row:
    return {"hold": _holds.get(number, 1)}


DRAFT = {"kundval_draft": 1, "settings": {"bonus.max": "15000.00"}}
#: a question of each kind that has its answer, in each world
_questions: dict[tuple[str, str], str] = {}


def answered(method: str) -> Callable[[World, Target, int], Row]:
    """A request that names a question which has been answered: what `method` shows."""
    asked: dict[str, Row] = {
        "billing.what_if": {"draft": DRAFT},
        "billing.forecast": {"year": 2025},
    }

    def request(world: World, one: Target, number: int) -> Row:
        key = (world.name, method)
        if key not in _questions:
            ask = method.replace("billing.", "billing.ask_")
            name = _questions[key] = str(world.call(ask, **asked[method])["question"])
            eventually(lambda: world.call(method, question=name)["result"], 120)
        return {"question": _questions[key]}

    return request


#: an authority as payee, payer or customer, and the shortest layout of books
PARTY: Row = {
    "name": "Myndigheten", "organisation_number": "2021002114", "street": "Gatan 1", "postal_code": "113 99",
    "city": "Stockholm", "payment_terms_days": 30,
}  # fmt: skip
PLAN: Row = {"accounts": [{"ledger": "cost:*:*", "account": "4600", "name": "Insatser"}]}
