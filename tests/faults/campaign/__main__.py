"""`python -m tests.faults.campaign`: rounds of faults on servers and a suite of its own; a line for each round."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import SystemRandom
from statistics import median
from typing import Any

os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")

from tests.conftest import ROOT, SCRIPT, Servers, _read_env
from tests.suite import SERVICES

from . import cluster
from .rounds import Outcome, started

VAR = ROOT / "var"
#: bytes of the file system that holds broker and database, so that it can be filled
DISK = "3g"


def main() -> int:
    # so that what was started and mounted goes, whoever ends this
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="how many (default: 20)")
    parser.add_argument("--minutes", type=float, help="or for so long")
    parser.add_argument("--seed", type=int, help="of the campaign (default: by chance, and said)")
    parser.add_argument("--round", type=int, help="play this round of the seed alone")
    parser.add_argument("--kinds", default="", help="only these kinds of fault, separated by commas")
    parser.add_argument("--each", action="store_true", help="one kind of fault a round, each kind in its turn")
    parser.add_argument("--residents", type=int, default=10, help="size of the caseload that is played in a round")
    parser.add_argument("--cluster", action="store_true", help="on three broker nodes and two databases; needs root")
    parser.add_argument("--leave", action="store_true", help="on a cluster of that name that is up, and stays so")
    parser.add_argument("--once", default="", help="services with one instance, separated by commas (default: none)")
    parser.add_argument("--name", default="campaign", help="of the servers that are made for it")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else SystemRandom().randrange(10**6)
    numbers = [chosen.round] if chosen.round is not None else range(1, 10**9)
    kinds = tuple(kind for kind in chosen.kinds.split(",") if kind)
    second = tuple(service for service in SERVICES if service not in chosen.once.split(","))
    keep = VAR / "campaign-rounds" / f"{time.strftime('%Y%m%d-%H%M%S')}-{seed}"
    outcomes: list[Outcome] = []
    print(f"seed {seed}; what is kept goes to {keep.relative_to(ROOT)}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kundval-campaign-")))
        size: dict[str, Any] = {"second": second, "residents": chosen.residents}
        if chosen.cluster:
            campaign = stack.enter_context(cluster.started(chosen.name, folder, keep, leave=chosen.leave, **size))
        else:
            servers, disk = stack.enter_context(_servers(chosen.name))
            campaign = stack.enter_context(started(servers, folder, keep, disk=disk, **size))
        campaign.kinds = kinds
        turns = kinds or tuple(campaign.scene.kinds())
        began = time.monotonic()
        for number in numbers:
            if time.monotonic() - began > (chosen.minutes or 1e9) * 60:
                break
            if chosen.minutes is None and len(outcomes) >= chosen.rounds:
                break
            turn = (turns[(number - 1) % len(turns)],) if chosen.each else ()
            outcome = campaign.round(seed, number, turn)
            outcomes.append(outcome)
            print(outcome, flush=True)
            for problem in outcome.problems:
                print(f"    {problem}", flush=True)
            if outcome.problems:
                how = "".join(f" {name.upper()}=1" for name in ("each", "cluster") if getattr(chosen, name))
                print(f"    again: make campaign SEED={seed} ROUND={number}{how}", flush=True)
    _sum_up(outcomes)
    return 1 if any(outcome.problems for outcome in outcomes) else 0


@contextmanager
def _servers(name: str) -> Iterator[tuple[Servers, Path | None]]:
    """Servers of the campaign's own; for root on a small file system in memory. They end with it."""
    folder = VAR / name
    folder.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0 and not os.path.ismount(folder):
        options = f"size={DISK},mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "kundval-campaign", str(folder)], check=False)
    try:
        _script("up", name, "--fresh")
        yield Servers(name, _read_env(name)), folder if os.path.ismount(folder) else None
    finally:
        (folder / "ballast").unlink(missing_ok=True)
        _script("down", name, "--immediate")
        if os.path.ismount(folder):
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _script(verb: str, name: str, *options: str) -> None:
    subprocess.run([sys.executable, str(SCRIPT), verb, "--name", name, *options], check=verb == "up", timeout=400)


def _sum_up(outcomes: list[Outcome]) -> None:
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for kind in {*outcome.kinds}:
            by_kind[kind].append(outcome)
    print("\n| fault | rounds | failed | recovered, median s | most s | longest without an answer, median s | most s |")
    print("|---|---|---|---|---|---|---|")
    for kind, those in [*sorted(by_kind.items()), ("all rounds", outcomes)]:
        back = [one.recovered for one in those] or [0.0]
        away = [max(one.silent.values(), default=0.0) for one in those] or [0.0]
        failed = sum(1 for one in those if one.problems)
        figures = f"{median(back):.1f} | {max(back):.1f} | {median(away):.1f} | {max(away):.1f}"
        print(f"| {kind} | {len(those)} | {failed} | {figures} |")
    fallen = [name for outcome in outcomes for name in outcome.fallen]
    if fallen:
        print(f"fell by themselves, and were started again: {', '.join(fallen)}")


if __name__ == "__main__":
    sys.exit(main())
