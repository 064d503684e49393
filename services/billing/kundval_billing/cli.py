"""`kundval payments`: an operator's month, from what a run recognised to what has gone out.

Not in the package `payments`: that loads what the service needs, and a command is to start at once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from kundval_chassis.cli_call import ask, ask_rows, asking
from kundval_chassis.present import as_json, console, show_rows
from kundval_contracts.codes import Direction, HoldReason, LineKind, PaymentState

_ROW = ("payment", "run", "provider", "direction", "amount", "entries", "state", "attestations", "problem")
_NUMBERS = ("payment", "amount", "entries", "attestations", "number", "sequence", "balance", "hold")
_RUN = click.option("--run", metavar="DATE", help="Of this payment run.")
_PROVIDER = click.option("--provider", metavar="ID", help="Of this provider.")


@click.group()
def payments() -> None:
    """Propose, check, attest and release payments; hold, and see what every balance consists of.

    A person attests in a role: --role CONTROLLER --subject ID. Exit status of each: 0 done; 1 the service refused or
    could not; 2 the request is wrong.
    """


@payments.command("list")
@asking
@_RUN
@_PROVIDER
@click.option("--direction", type=click.Choice([*Direction]), help="Of this direction.")
@click.option("--state", type=click.Choice([*PaymentState]), help="That stand at this.")
def list_(
    tenant: str,
    run: str | None,
    provider: str | None,
    direction: str | None,
    state: str | None,
    raw: bool,
    **caller: Any,
) -> None:
    """List payments and what they stand at."""
    found = ask_rows(
        "billing.payments", caller, tenant=tenant, run=run, provider=provider, direction=direction, state=state
    )
    show_rows(found, _ROW, _NUMBERS, raw)


@payments.command()
@asking
@click.argument("payment", type=int)
def show(tenant: str, payment: int, raw: bool, **caller: Any) -> None:
    """Show a payment, what was done with it, and its entries (the first 500)."""
    found = ask("billing.payment", caller, tenant=tenant, payment=payment)
    if raw:
        sys.stdout.write(as_json(found))
        return
    show_rows([found], (*_ROW, "due", "voucher"), _NUMBERS, raw=False)
    show_rows(found["acts"], ("number", "act", "on", "who", "role", "reference"), _NUMBERS, raw=False)
    show_rows(found["lines"], ("assignment", "kind", "sequence", "run", "amount", "reverses"), _NUMBERS, raw=False)


@payments.command()
@asking
@click.argument("run", metavar="DATE")
def propose(tenant: str, run: str, raw: bool, **caller: Any) -> None:
    """Put together what is to be paid to each provider, by the runs up to DATE."""
    show_rows(ask("billing.propose_payments", caller, tenant=tenant, run=run)["payments"], _ROW, _NUMBERS, raw)


def _one_by_one(method: str, payments: Sequence[int], raw: bool, caller: Mapping[str, Any], **request: Any) -> None:
    show_rows(
        [ask(f"billing.{method}", caller, payment=payment, **request) for payment in payments], _ROW, _NUMBERS, raw
    )


@payments.command()
@asking
@click.argument("payments", type=int, nargs=-1, required=True)
def check(tenant: str, payments: tuple[int, ...], raw: bool, **caller: Any) -> None:
    """Say that payments are right; not by who prepared them."""
    _one_by_one("check_payment", payments, raw, caller, tenant=tenant)


@payments.command()
@asking
@click.argument("payments", type=int, nargs=-1, required=True)
def attest(tenant: str, payments: tuple[int, ...], raw: bool, **caller: Any) -> None:
    """Attest payments, as one of two persons who did not prepare them."""
    _one_by_one("attest_payment", payments, raw, caller, tenant=tenant)


@payments.command()
@asking
@click.argument("payment", type=int)
@click.option("--reason", metavar="TEXT", help="For staff alone.")
def withdraw(tenant: str, payment: int, reason: str | None, raw: bool, **caller: Any) -> None:
    """Take a payment back before its release; its entries are proposed anew."""
    _one_by_one("withdraw_payment", [payment], raw, caller, tenant=tenant, reason=reason)


@payments.command()
@asking
@_RUN
@click.option("--payment", type=int, help="This payment alone.")
def release(tenant: str, run: str | None, payment: int | None, raw: bool, **caller: Any) -> None:
    """Put on their way what is ready of a run, or one payment; each goes once."""
    done = ask("billing.release_payments", caller, tenant=tenant, run=run, payment=payment)
    if raw:
        sys.stdout.write(as_json(done))
        return
    for name in ("released", "parked"):
        console().print(f"{name}: {', '.join(map(str, done[name])) or 'none'}")


@payments.command()
@asking
@_PROVIDER
@click.option("--assignment", metavar="ID", help="Of this assignment.")
@click.option("--kind", type=click.Choice([*LineKind]), help="One line of an assignment: its kind ...")
@click.option("--sequence", type=int, help="... and its number.")
@click.option("--reason", type=click.Choice([*HoldReason]), required=True)
@click.option("--note", metavar="TEXT", help="For staff alone.")
def hold(tenant: str, raw: bool, reason: str, **given: Any) -> None:
    """Pay nothing of a provider, an assignment or a line for the time being."""
    target = {name: given.pop(name) for name in ("provider", "assignment", "kind", "sequence", "note")}
    _held(ask("billing.hold", given, tenant=tenant, reason=reason, **target), raw)


@payments.command("end-hold")
@asking
@click.argument("hold", type=int)
@click.option("--note", metavar="TEXT", help="For staff alone.")
def end_hold(tenant: str, hold: int, note: str | None, raw: bool, **caller: Any) -> None:
    """End a hold."""
    _held(ask("billing.release_hold", caller, tenant=tenant, hold=hold, note=note), raw)


def _held(answer: Mapping[str, Any], raw: bool) -> None:
    if raw:
        sys.stdout.write(as_json(answer))
        return
    console().print(f"hold {answer['hold']}; payments: {', '.join(map(str, answer['payments'])) or 'none'}")


@payments.command()
@asking
def problems(tenant: str, raw: bool, **caller: Any) -> None:
    """List the assignments of which a run could post nothing."""
    show_rows(
        ask_rows("billing.problems", caller, tenant=tenant), ("assignment", "provider", "run", "code"), _NUMBERS, raw
    )


@payments.command()
@asking
@_PROVIDER
@click.option("--on", metavar="DATE", help="At the end of this day; otherwise of the business date.")
def balances(tenant: str, provider: str | None, on: str | None, raw: bool, **caller: Any) -> None:
    """Show the balance of every account and what it consists of."""
    found = ask("billing.balances", caller, tenant=tenant, provider=provider, on=on)
    if raw:
        sys.stdout.write(as_json(found))
        return
    nothing: tuple[dict[str, Any], ...] = ({"part": None, "entries": None, "amount": None},)
    rows = [
        {"account": row["account"], "balance": row["balance"], **part}
        for row in found["balances"]
        for part in (row["parts"] or nothing)
    ]
    show_rows(rows, ("account", "balance", "part", "entries", "amount"), _NUMBERS, raw=False)


@payments.command("close")
@asking
@click.argument("month", metavar="YYYY-MM")
def close(tenant: str, month: str, raw: bool, **caller: Any) -> None:
    """Close a month: no run is made in it any more, and what is corrected later is posted in one that is open."""
    show_rows(
        [ask("billing.close_period", caller, tenant=tenant, month=month)], ("month", "carried", "amount"), _NUMBERS, raw
    )
