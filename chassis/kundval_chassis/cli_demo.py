"""`kundval demo` and `kundval sample`: an invented year of a municipality, through the running suite and as a file."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kundval_contracts.caseload import Caseload, read
from kundval_contracts.client import Client
from kundval_contracts.codes import Role
from kundval_contracts.errors import KundvalError, TimedOut, Unavailable

from .cli_simulate import ANYTHING_ELSE
from .present import as_json
from .sample import RESIDENTS, SEED, as_text, make
from .story import Told
from .summary import Figures, interesting, largest_correction, page

if TYPE_CHECKING:
    from .play import Progress

#: seconds between two lines of progress where there is no terminal
EVERY = 3.0
#: seconds in which the suite has to answer at all
HERE_SECONDS = 10.0

_residents = click.option(
    "--residents", type=click.IntRange(1, 9999), default=RESIDENTS, show_default=True, help="How many residents."
)
_seed = click.option("--seed", type=int, default=SEED, show_default=True, help="Another seed, another year.")


@click.command("sample")
@_residents
@_seed
@click.option("--weekly-contacts", is_flag=True, help="With a contact for each week: nearly twice as many facts.")
def sample(residents: int, seed: int, weekly_contacts: bool) -> None:
    """Print the sample caseload, for `simulate` and `play`: the same bytes for the same options."""
    text = as_text(make(seed, residents, weekly_contacts=weekly_contacts))
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()


@click.command("demo")
@_residents
@_seed
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to FILE too.")
def command(residents: int, seed: int, file: Path | None) -> None:
    """Play a sample year through the running services and show what came of it.

    Everything shown is what the services answer. At the end the same caseload is calculated without them, by
    `simulate`: both must agree to the öre, or the exit status is 1.
    """
    from .cli_call import connect
    from .play import Stuck, new_tenant

    caseload = read(make(seed, residents))
    tenant = new_tenant()
    try:
        with connect() as client:
            # with the services away this says so at once; playing would wait for them to come back
            client.call("assignment.info", timeout=HERE_SECONDS)
            figures, answer, example, correction = _played(caseload, client, tenant)
    except Stuck as error:
        click.echo(error.message, err=True)
        sys.exit(ANYTHING_ELSE)
    except (Unavailable, TimedOut) as error:
        click.echo(f"{error.message} Is the suite running? `make up` starts it.", err=True)
        sys.exit(ANYTHING_ELSE)
    except KundvalError as error:
        click.echo(f"{error.code}: {error.message}", err=True)
        sys.exit(ANYTHING_ELSE)
    click.echo("calculating the same caseload without the services", err=True)
    agrees, said = _compared(caseload, answer, figures.assignment["states"])
    click.echo(page(figures, example, correction, said), nl=False)
    click.echo(f"while the services are up: kundval explain {caseload.assignments[0].id} --tenant {tenant}", err=True)
    if file is not None:
        told = example.as_json() if example else None
        held = {"figures": figures.as_json(), "example": told, "correction": correction, "agrees": agrees}
        file.write_text(json.dumps(held, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if not agrees:
        sys.exit(ANYTHING_ELSE)


def _played(
    caseload: Caseload, client: Client, tenant: str
) -> tuple[Figures, dict[str, Any], Told | None, dict[str, Any] | None]:
    """Play the caseload; the summaries, the whole answer, the assignment worth explaining, the largest correction."""
    from . import play
    from .cli_explain import ask

    _introduce(caseload, client, tenant)
    began = time.monotonic()
    with _progress() as tell:
        play.run(caseload, client, tenant, tell)
    facts = sum(len(one.facts) for one in caseload.assignments)
    click.echo(f"played {facts:,} facts in {time.monotonic() - began:.0f} s (tenant {tenant})", err=True)
    summaries = (
        client.call(f"{service}.summary", tenant=tenant, timeout=play.CALL_SECONDS)
        for service in ("assignment", "scheduling", "billing", "notifications")
    )
    figures = Figures(*({name: one[name] for name in one if name != "tenant"} for one in summaries))
    answer = play.read(caseload, client, tenant)
    chosen = interesting(answer["postings"])
    example = ask(client, chosen, tenant) if chosen is not None else None
    largest = largest_correction(answer["postings"])
    if largest is not None:
        rows = client.call("billing.explain", tenant=tenant, assignment=largest["assignment"])["postings"]
        largest = next(row for row in rows if all(row[name] == value for name, value in largest.items()))
    return figures, answer, example, dict(largest) if largest else None


def _introduce(caseload: Caseload, client: Client, tenant: str) -> None:
    """Say where its providers and staff get their messages, at addresses that lead nowhere."""
    staff: list[tuple[Role, str | None]] = [(role, None) for role in (Role.CAREER_GUIDE, Role.TEAM_MANAGER)]
    for role, party in [*((Role.PROVIDER, one) for one in caseload.providers), *staff]:
        email = f"{(party or role.value).lower()}@kundval.example"
        client.call("notifications.set_party", tenant=tenant, role=role.value, party=party, email=email)


def _compared(caseload: Caseload, answer: dict[str, Any], states: Mapping[str, int]) -> tuple[bool, str]:
    """Whether `simulate` gives the same answer and states, and a sentence that says so."""
    from .simulate import answer_of, outcomes

    results = list(outcomes(caseload))
    expected = answer_of(caseload.as_of, results)
    counted = Counter(one.state for one in results)
    if as_json(expected) == as_json(answer) and counted == states:
        count = sum(len(rows) for rows in answer.values() if isinstance(rows, list))
        return True, f"Calculated again without the services (simulate): all {count:,} rows agree, to the öre."
    parts = [name for name, rows in expected.items() if rows != answer[name]]
    parts += ["states"] if counted != states else []
    return False, f"Calculated again without the services (simulate): DIFFERENT in {', '.join(parts)}."


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, else a line every few seconds; always on standard error."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("opening", total=None)

        def tell(progress: Any) -> None:
            day = f"{progress.day}" if progress.day else "opening"
            bar.update(task, total=progress.total, completed=progress.facts, description=f"{day}  {progress.what}")

        yield tell


def _lines() -> Callable[[Progress], None]:
    last = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            percent = 100 * progress.facts // max(progress.total, 1)
            day = f"business date {progress.day}, " if progress.day else ""
            click.echo(f"{percent:3d} % of {progress.total:,} facts, {day}{progress.what}", err=True)

    return tell
