"""`kundval notice-preview`: what notices look like, by the texts of this machine.

Not in a package of the service: those load what the service needs, and a command is to start at once.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import click

from kundval_chassis.cli_env import NOISE
from kundval_contracts.codes import DeliveryChannel, NoticeKind, Role


@click.command("notice-preview")
@click.argument("kind", type=click.Choice([*NoticeKind]), required=False)
@click.option("--role", type=click.Choice([*Role]), help="To whom; without it to everybody who is told of it.")
@click.option("--lang", metavar="TAG", default="sv", show_default=True, help="In which language.")
@click.option("--channel", type=click.Choice([*DeliveryChannel]), default=DeliveryChannel.INBOX, show_default=True)
@click.option("--late", is_flag=True, help="As if it came later than it should.")
@click.option("--html", is_flag=True, help="Print the page of an e-mail instead of its text.")
@click.option("--all", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Write every text into a folder.")
@click.option("--check", is_flag=True, help="Say which texts could be plainer.")
def command(
    kind: str | None,
    role: str | None,
    lang: str,
    channel: str,
    late: bool,
    html: bool,
    folder: Path | None,
    check: bool,
) -> None:
    """Show the notice KIND with sample data, or every text, or which texts could be plainer.

    Texts of the folder KUNDVAL_TEXTS go before those that come with the suite. Exit status: 0 shown; 1 with --check,
    something could be plainer; 2 the request or a file of texts is wrong.
    """
    # channels bring eventlet
    warnings.filterwarnings("ignore", message=NOISE)
    from .texts import TextFault, library
    from .texts import preview as previews
    from .texts.sample import roles
    from .texts.wording import remarks

    if (kind is None) == (folder is None and not check):
        raise click.UsageError("name a KIND, or --all DIR, or --check")
    try:
        held = library()
    except TextFault as error:
        _refuse(*(f"{path}: {message}" for path, message in error.faults))
    if check:
        found = [f"{one.code}.toml: {path}: {text}" for one in held.by_code.values() for path, text in remarks(one)]
        click.echo("\n".join(found or ["nothing could be plainer"]))
        sys.exit(1 if found else 0)
    if folder is not None:
        try:
            click.echo(f"{previews.write_all(folder)} texts in {folder}")
        except OSError as error:
            _refuse(f"{folder}: cannot be written: {type(error).__name__}")
        return
    assert kind is not None
    told = roles(NoticeKind(kind))
    if role is not None and Role(role) not in told:
        _refuse(f"{kind} is told to {', '.join(told)}")
    for to in told if role is None else (Role(role),):
        content = previews.preview(NoticeKind(kind), to, lang, DeliveryChannel(channel), late=late)
        if html and content.html is not None:
            click.echo(content.html)
            continue
        click.echo(f"-- {kind} to {to} by {channel}, {content.language}, {content.template}, version {content.version}")
        click.echo(previews.as_text(content))


def _refuse(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(2)
