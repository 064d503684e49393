"""`kundval profiles`: the municipalities there are, one of them, or what a file of one lacks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from kundval_contracts import profiles as stored
from kundval_contracts.profiles import Admission, Profile, ProfileFault, Staff, Unit

from .cli_env import refuse
from .present import console

UNKNOWN = "-"


@click.command("profiles")
@click.argument("key", required=False)
@click.option("--json", "as_text", is_flag=True, help="Print the profile KEY, or all of them, as JSON.")
@click.option(
    "--check",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Name every fault of a file, which is called after the municipality's key.",
)
def command(key: str | None, as_text: bool, check: Path | None) -> None:
    """Show the profiles of municipalities: all, or the one with KEY.

    Those of the folder that KUNDVAL_PROFILES names are among them. Exit status: 0 shown, or the file is complete; 2
    the file is not, or there is no such profile.
    """
    folder = os.environ.get(stored.FOLDER)
    if folder and not Path(folder).is_dir():
        refuse(f"{stored.FOLDER} names no folder")
    if check is not None:
        _check(check)
    elif key is None:
        _list(as_text)
    elif as_text:
        click.echo(_json(stored.as_data(_found(key))))
    else:
        _show(_found(key))


def _check(file: Path) -> None:
    try:
        profile = stored.read_profile(file.read_text(encoding="utf-8"), file.name.removesuffix(".toml"))
    except (OSError, UnicodeDecodeError):
        refuse(f"{file} cannot be read as text in UTF-8")
    except ProfileFault as error:
        for line in _lines(error.faults):
            click.echo(line, err=True)
        raise SystemExit(2) from None
    click.echo(f"{profile.key}: complete")


def _found(key: str) -> Profile:
    faults = stored.municipality_faults(key)
    if not faults:
        return stored.profiles()[key]
    if key not in stored.incomplete():
        refuse(f"there is no profile {key}; there are: {', '.join(stored.profiles())}")
    for line in _lines(stored.incomplete()[key]):
        click.echo(line, err=True)
    raise SystemExit(2)


def _lines(faults: list[tuple[str, str]]) -> Iterator[str]:
    return (f"{path}: {message}" if path else message for path, message in faults)


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2)


def _list(as_text: bool) -> None:
    if as_text:
        click.echo(_json({key: stored.as_data(one) for key, one in stored.profiles().items()}))
        return
    page = console(markup=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in ("key", "name", "preparation", "coordination"):
        table.add_column(name, no_wrap=True)
    table.add_column("programmes", overflow="fold")
    for key, one in stored.profiles().items():
        table.add_row(
            key, one.name, one.preparation_model.value, one.coordination_model.value, ", ".join(one.programmes)
        )
    for key, faults in stored.incomplete().items():
        table.add_row(key, Text(f"incomplete, {len(faults)} faults", style="red"), "", "", "")
    page.print(table)


def _show(one: Profile) -> None:
    page = console(markup=False)
    page.print(Text(f"{one.name} ({one.key})", style="bold"))
    page.print(_plain(one))
    page.print(Text("Organisation", style="bold"))
    for row in one.organisation.lead:
        page.print(f"  {_staff(row)}", soft_wrap=True)
    if one.organisation.note:
        page.print(f"  {one.organisation.note}", soft_wrap=True)
    for unit in one.organisation.units:
        _unit(page, unit)
    if one.indicators or one.af_share:
        page.print(Text("Figures from elsewhere", style="bold"))
    for share in one.af_share:
        page.print(f"  share from AF {share.year}: {share.statement.value}")
    for figure in one.indicators:
        words = [figure.code, figure.relation.value, _value(figure.value), figure.unit, f"year {_value(figure.year)}"]
        page.print(f"  {' '.join(words)}; {figure.origin}{'; ' if figure.note else ''}{figure.note}", soft_wrap=True)
    if one.assumed:
        page.print(Text("Stated by no source, to be confirmed", style="bold"))
        page.print(f"  {', '.join(one.assumed)}")


def _plain(one: Profile) -> Table:
    """The keys that hold one value or a few."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name in Profile.__dataclass_fields__:
        value = getattr(one, name)
        if name in ("key", "name", "organisation", "af_share", "indicators", "assumed"):
            continue
        if name == "titles":
            value = tuple(f"{title.title}: {title.function.value}" for title in value)
        if name == "bip" and value is not None:
            areas = ", ".join(area.name for area in value.areas)
            example = " (areas and scale are an example)" if value.example else ""
            value = f"every {value.interval_months} months, {value.scale_min} to {value.scale_max}: {areas}{example}"
        table.add_row(f"  {name}", _value(value))
    return table


def _unit(page: Any, unit: Unit) -> None:
    about = [unit.side.value.lower(), *(["project"] if unit.project else [])]
    if unit.part_of:
        about.append(f"part of {unit.part_of}")
    page.print(f"  {unit.name} ({unit.key}; {', '.join(about)})", style="cyan", soft_wrap=True)
    if unit.note:
        page.print(f"    {unit.note}", soft_wrap=True)
    for row in unit.staff:
        page.print(f"    {_staff(row)}", soft_wrap=True)
    for activity in unit.activities:
        text = f"    * {activity.name}" + (f": {', '.join(activity.contents)}" if activity.contents else "")
        text += f". {activity.note}" if activity.note else ""
        page.print(text, soft_wrap=True)
        if activity.admission is not None:
            page.print(f"      {_terms(activity.admission)}", style="dim", soft_wrap=True)


def _staff(row: Staff) -> str:
    share = ""
    if row.fte is not None:
        share = f", {row.fte * 100:.0f} %" + ("" if row.number == 1 else " each")
    also = f"; also {row.also.title}, {row.also.fte * 100:.0f} %" if row.also else ""
    where = f" ({', '.join(row.activities)})" if row.activities else ""
    note = f". {row.note}" if row.note else ""
    return f"{_value(row.number)} {row.title}{share}{also}{where}{note}"


def _terms(terms: Admission) -> str:
    parts = []
    if terms.age_min is not None or terms.age_max is not None:
        parts.append(f"age {_value(terms.age_min)} to {_value(terms.age_max)}")
    if terms.criteria:
        parts.append(f"criteria {', '.join(terms.criteria)}")
    if terms.partners:
        parts.append(f"at least {terms.partners_min} of {', '.join(terms.partners)}")
    if terms.referrers:
        parts.append(f"referred by {', '.join(terms.referrers)}")
    return f"admission: {'; '.join(parts)}" + (f". {terms.note}" if terms.note else "")


def _value(value: Any) -> str:
    if value is None or value in ((), "", {}):
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if hasattr(value, "items"):
        return ", ".join(f"{key} = {_value(item)}" for key, item in value.items())
    if hasattr(value, "__dataclass_fields__"):
        parts = ((name, getattr(value, name)) for name in value.__dataclass_fields__)
        return "; ".join(f"{name}: {_value(item)}" for name, item in parts if item not in ("", ()))
    return str(value)
