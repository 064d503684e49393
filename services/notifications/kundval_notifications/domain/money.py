"""Notices about payments that wait for somebody. A payment is of many assignments and names none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kundval_contracts.answer import Notice
from kundval_contracts.codes import NoticeKind, Role, SubjectKind
from kundval_contracts.rules import rule

from .again import Told
from .heard import Heard

PARKED, DISPUTED = "billing.payment_parked", "billing.payment_disputed"
ATTESTED = "billing.payment_attested"
#: everything that happens to a payment: each takes the place of what was before
NAMES = frozenset(
    f"billing.payment_{what}"
    for what in (
        "proposed", "attested", "approved", "disputed", "held", "parked", "withdrawn", "released", "acknowledged",
    )
)  # fmt: skip


@rule("NACKA-12")
def about_payment(payment: str, heard: Iterable[Heard]) -> Iterator[Told]:
    """Parked and disputed payments go to the controller, attested ones to the provider that has to approve them.

    heard: what billing told of the payment. Each holds until something else happens to it.
    """
    told = sorted(heard, key=lambda one: one.revision)
    for place, one in enumerate(told):
        after = told[place + 1].on if place + 1 < len(told) else None
        provider: str | None = None
        values: tuple[str, ...] = ("run",)
        if one.name == PARKED:
            kind, to, values = NoticeKind.PAYMENT_PARKED, Role.CONTROLLER, ("run", "code")
        elif one.name == DISPUTED:
            kind, to = NoticeKind.PAYMENT_DISPUTED, Role.CONTROLLER
        elif one.name == ATTESTED and one.data["self_billing"]:
            kind, to = NoticeKind.PAYMENT_TO_APPROVE, Role.PROVIDER
            provider = one.data["provider"]
        else:
            continue
        texts = {name: str(one.data[name]) for name in values}
        yield Told(
            Notice(payment, kind.value, to, one.on, ("NACKA-12",), one.number, provider, texts, SubjectKind.PAYMENT),
            after,
        )
