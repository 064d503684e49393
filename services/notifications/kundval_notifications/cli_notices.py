"""`kundval notices`: what waits, what failed, how quick it was; one notice in full; inbox and tasks.

Not in a package of the service: those load what the service needs, and a command is to start at once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from kundval_chassis.cli_call import ask, ask_rows, asking
from kundval_chassis.cli_env import refuse
from kundval_chassis.present import as_json, console, show_rows
from kundval_contracts.codes import DeliveryChannel, InboxOrder, InboxScope, MessagesBy, NoticeKind, Role, ToldBy
from kundval_contracts.rpc.results import LANGUAGES

_NUMBERS = ("notice", "messages", "dispatches", "due", "tried", "attempts", "servers", "n", "median", "p90", "p99")
_DAY = click.DateTime(["%Y-%m-%d"])
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="sv", show_default=True)
_SCOPE = click.option("--scope", type=click.Choice([*InboxScope]), default=InboxScope.ALL, show_default=True)


@click.group()
def notices() -> None:
    """See what becomes of notices, and step in.

    Who steps in does it in a role: --role OPERATIONS --subject ID. Exit status of each: 0 done; 1 the service refused
    or could not; 2 the request is wrong.
    """


@notices.command("marks")
@click.argument("channel", type=click.Choice([*DeliveryChannel]))
def marks(channel: str) -> None:
    """Show the marks that an address has (standard input), to compare with the mark of a dispatch in `proof`.

    By the name of the key that makes each: an address is the one that was used if one of them is its mark. Where the
    settings of the service are.
    """
    from kundval_chassis.settings import SettingsError, load

    from .directory.marks import Marks
    from .settings import SETTINGS

    try:
        settings = load("notifications", more=SETTINGS, only=["TOKEN_KEY", "SEALING_KEYS"])
    except SettingsError as error:
        refuse(str(error))
    address = sys.stdin.read().strip()
    made = Marks.of(settings.full()).marks(DeliveryChannel(channel), address)
    for name, mark in made.items():
        click.echo(f"{mark.hex()}  {name}")


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else moment.date().isoformat()


def _table(title: str, rows: Sequence[Mapping[str, Any]], heads: Sequence[str]) -> None:
    console().print(f"{title}: none" if not rows else f"{title}:", markup=False)
    if rows:
        show_rows(rows, heads, _NUMBERS, raw=False)


@notices.command()
@asking
def queue(tenant: str, raw: bool, **caller: Any) -> None:
    """Show what waits and why, what is to leave by which channel, and which channels are away."""
    found = ask("notifications.queue", caller, tenant=tenant)
    if raw:
        sys.stdout.write(as_json(found))
        return
    _table("away", found["away"], ("channel", "servers", "code", "since", "until"))
    _table("waiting", found["waiting"], ("why", "messages", "oldest"))
    _table("to leave", found["leaving"], ("channel", "dispatches", "due", "tried", "oldest"))
    console().print(f"to be told by a person: {found['by_hand']}")


@notices.command()
@asking
@click.option("--channel", type=click.Choice([*DeliveryChannel]), help="Of this channel.")
@click.option("--since", type=_DAY, help="From this day on.")
@click.option("--retrying", is_flag=True, help="What will be tried again, instead of what failed for good.")
def failures(
    tenant: str, channel: str | None, since: datetime | None, retrying: bool, raw: bool, **caller: Any
) -> None:
    """List what could not be handed over or did not arrive, the latest first."""
    request = {"tenant": tenant, "channel": channel, "since": _day(since), "retrying": retrying}
    found = ask_rows("notifications.failures", caller, **request)
    heads = ("at", "channel", "to", "provider", "state", "attempts", "outcome", "receipt", "code", "notices")
    show_rows(found, heads, _NUMBERS, raw)


@notices.command()
@asking
@click.option("--from", "start", type=_DAY, help="First day.")
@click.option("--to", "end", type=_DAY, help="End, exclusive. Without both: this month, or twelve of them.")
@click.option("--by", type=click.Choice([*MessagesBy]), default=MessagesBy.DAY, show_default=True)
@click.option("--csv", "as_text", is_flag=True, help="Print volumes as CSV.")
def figures(
    tenant: str, start: datetime | None, end: datetime | None, by: str, as_text: bool, raw: bool, **caller: Any
) -> None:
    """Count messages by kind, channel and state, and show how quick they were."""
    request = {"tenant": tenant, "from": _day(start), "to": _day(end), "by": by}
    if as_text:
        sys.stdout.write(ask("notifications.figures_csv", caller, **request)["csv"])
        return
    found = ask("notifications.figures", caller, **request)
    if raw:
        sys.stdout.write(as_json(found))
        return
    rows = [_flat(row) for row in (*found["periods"], found["total"])]
    _table("by period", rows, ("period", "messages", "late", "withdrawn", "by_hand", "handed_over", "received"))
    _table("volumes", found["volumes"], ("period", "kind", "channel", "state", "messages"))


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A period with its seconds as one cell each: median, 90th and 99th percentile."""

    def cell(one: Mapping[str, Any]) -> str | None:
        return f"{one['median']} {one['p90']} {one['p99']}" if one["messages"] else None

    return {**row, "handed_over": cell(row["handed_over"]), "received": cell(row["received"])}


@notices.command()
@asking
@_LANG
@click.option("--from", "start", type=_DAY, help="First day of the figures.")
@click.option("--to", "end", type=_DAY, help="Their end, exclusive.")
@click.option("--by", type=click.Choice([*MessagesBy]), default=MessagesBy.DAY, show_default=True)
def page(
    tenant: str, lang: str, start: datetime | None, end: datetime | None, by: str, raw: bool, **caller: Any
) -> None:
    """Print queue, failures and figures as a page to read or print, as HTML."""
    request = {"tenant": tenant, "from": _day(start), "to": _day(end), "by": by, "lang": lang}
    _page(ask("notifications.operations_page", caller, **request), raw)


def _page(answer: Mapping[str, Any], raw: bool) -> None:
    sys.stdout.write(as_json(answer) if raw else answer["html"])


@notices.command()
@asking
@click.argument("notice", type=int)
def proof(tenant: str, notice: int, raw: bool, **caller: Any) -> None:
    """Show everything that is held of one notice: what was sent when and how, receipts, what people did."""
    found = ask("notifications.proof", caller, tenant=tenant, notice=notice)
    if raw:
        sys.stdout.write(as_json(found))
        return
    heads = ("notice", "subject", "kind", "to", "on", "state", "channel", "reason", "standing", "late", "sent_at")
    show_rows([found], heads, _NUMBERS, raw=False)
    columns = ("dispatch", "channel", "state", "template", "template_version", "language", "reference", "sent_at")
    _table("dispatches", found["dispatches"], columns)
    for part, names in (("attempts", ("number", "began_at", "ended_at", "outcome", "code")),
                        ("receipts", ("status", "code", "received_at"))):  # fmt: skip
        rows = [{"dispatch": one["dispatch"], **row} for one in found["dispatches"] for row in one[part]]
        _table(part, rows, ("dispatch", *names))
    _table("acts", found["acts"], ("what", "how", "reason", "actor", "acted_at"))


def _act(method: str, tenant: str, numbers: Sequence[int], raw: bool, caller: Mapping[str, Any], **more: Any) -> None:
    done = [ask(f"notifications.{method}", caller, tenant=tenant, notice=one, **more) for one in numbers]
    show_rows(done, ("notice", "state"), _NUMBERS, raw)


@notices.command()
@asking
@click.argument("numbers", metavar="NOTICE...", type=int, nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", required=True, help="Kept with the message, for who operates.")
@click.option("--anyway", is_flag=True, help="Also what is not so any more.")
def resend(tenant: str, numbers: tuple[int, ...], reason: str, anyway: bool, raw: bool, **caller: Any) -> None:
    """Send messages once more."""
    _act("resend", tenant, numbers, raw, caller, reason=reason, anyway=anyway)


@notices.command()
@asking
@click.argument("numbers", metavar="NOTICE...", type=int, nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", required=True, help="Kept with the message, for who operates.")
def cancel(tenant: str, numbers: tuple[int, ...], reason: str, raw: bool, **caller: Any) -> None:
    """Keep messages from being sent that have not left yet."""
    _act("cancel", tenant, numbers, raw, caller, reason=reason)


_INBOX = click.option("--inbox", "whose", type=click.Choice([*Role]), help="Whose; otherwise the caller's role's own.")
_UNREAD = click.option("--unread", is_flag=True, help="What nobody has read.")


@notices.command()
@asking
@_INBOX
@_SCOPE
@_UNREAD
@_LANG
@click.option("--kind", type=click.Choice([*NoticeKind]), help="Of this kind.")
@click.option("--about", "subject", metavar="ID", help="About this assignment, provider or payment.")
@click.option("--since", type=_DAY, help="From this day on.")
@click.option("--order", type=click.Choice([*InboxOrder]), default=InboxOrder.NEWEST, show_default=True)
def inbox(
    tenant: str,
    whose: str | None,
    scope: str,
    unread: bool,
    lang: str,
    kind: str | None,
    subject: str | None,
    since: datetime | None,
    order: str,
    raw: bool,
    **caller: Any,
) -> None:
    """List the notices of an inbox."""
    found = ask_rows(
        "notifications.inbox", caller, tenant=tenant, role=whose, scope=scope, unread=unread, kind=kind,
        subject=subject, since=_day(since), order=order,
    )  # fmt: skip
    rows = found if raw else [{**row, "says": row["words"][lang]["subject"]} for row in found]
    show_rows(rows, ("notice", "on", "urgency", "says", "late", "standing", "read_at"), _NUMBERS, raw)


@notices.command("inbox-page")
@asking
@_INBOX
@_SCOPE
@_UNREAD
@_LANG
def inbox_page(tenant: str, whose: str | None, scope: str, unread: bool, lang: str, raw: bool, **caller: Any) -> None:
    """Print an inbox as a page to read or print, as HTML."""
    request = {"tenant": tenant, "role": whose, "scope": scope, "unread": unread, "lang": lang}
    _page(ask("notifications.inbox_page", caller, **request), raw)


@notices.command()
@asking
@click.argument("numbers", metavar="NOTICE...", type=int, nargs=-1, required=True)
def read(tenant: str, numbers: tuple[int, ...], raw: bool, **caller: Any) -> None:
    """Note that notices in an inbox have been read."""
    done = ask("notifications.mark_read", caller, tenant=tenant, notices=list(numbers))
    if raw:
        sys.stdout.write(as_json(done))
    else:
        console().print(f"read now: {', '.join(map(str, done['notices'])) or 'none'}")


@notices.command()
@asking
@_SCOPE
@click.option("--overdue", is_flag=True, help="Only those whose day has passed.")
def tasks(tenant: str, scope: str, overdue: bool, raw: bool, **caller: Any) -> None:
    """List what a person has to tell, and why it could not be sent; the overdue first."""
    found = ask_rows("notifications.tasks", caller, tenant=tenant, scope=scope, overdue=overdue)
    show_rows(found, ("notice", "subject", "kind", "to", "why", "on", "due", "overdue"), _NUMBERS, raw)


@notices.command()
@asking
@click.argument("numbers", metavar="NOTICE...", type=int, nargs=-1, required=True)
@click.option("--how", type=click.Choice([*ToldBy]), required=True)
def told(tenant: str, numbers: tuple[int, ...], how: str, raw: bool, **caller: Any) -> None:
    """Note that somebody has been told by hand."""
    _act("task_done", tenant, numbers, raw, caller, how=how)


@notices.command()
@asking
@click.argument("assignments", metavar="ASSIGNMENT...", nargs=-1, required=True)
@click.option("--guide", metavar="ID", help="Who holds them, as in tokens; without it nobody.")
def hold(tenant: str, assignments: tuple[str, ...], guide: str | None, raw: bool, **caller: Any) -> None:
    """Say which career guide holds cases: its inbox shows what is told about them."""
    cases = [{"assignment": assignment, "guide": guide} for assignment in assignments]
    done = ask("notifications.hold_cases", caller, tenant=tenant, cases=cases)
    if raw:
        sys.stdout.write(as_json(done))
    else:
        console().print(f"cases: {done['cases']}")
