"""Random but ordinary lives of assignments, for what counts over many of them: the same seed, the same lives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from kundval_contracts.calendar import add_days, add_months
from kundval_contracts.case import Case

from .builders import Row, case, claim, decision, exited, on, studies

PROVIDERS = ("alfa", "beta", "gamma")
FIRST = date(2024, 3, 1)


def lives(count: int, seed: int = 1, days: int = 700) -> Iterator[Case]:
    """So many assignments, decided over so many days."""
    random = Random(seed)
    for number in range(count):
        yield life(random, f"A-{number:06}", add_days(FIRST, random.randrange(days)))


def life(random: Random, name: str, decided: date) -> Case:
    """Decided, started, mostly ended; then followed up, claimed, sometimes broken off, assisted or taken up again."""
    ami_1 = random.random() < 0.3
    provider = random.choice(PROVIDERS)
    started = add_days(decided, random.randrange(20))
    rows = [
        on(decided.isoformat(), "decided"),
        on(decided.isoformat(), "provider_chosen", provider=provider),
        on(decided.isoformat(), "accepted"),
        on(started.isoformat(), "started"),
    ]
    if random.random() < 0.1:
        switched = add_days(started, random.randrange(1, 60)).isoformat()
        rows.append(on(switched, "provider_switch", provider=random.choice(PROVIDERS), approved=True))
    if random.random() < 0.85:
        rows += _ending(random, decided, add_days(started, random.randrange(75 if ami_1 else 380)), ami_1)
    return replace(case("AMI_1" if ami_1 else "AMI_2", *rows), assignment=name)


def _ending(random: Random, decided: date, ended: date, ami_1: bool) -> Iterator[Row]:
    first_day = add_days(ended, random.choice([0, 0, 0, 0, 5]))
    workplace = f"W{random.randrange(40)}"
    what = random.random()
    if what < 0.6:
        yield exited(ended.isoformat(), first_day=first_day.isoformat(), workplace=workplace)
    elif what < 0.75:
        yield studies(ended.isoformat(), first_day=first_day.isoformat())
    elif what < 0.8:
        yield exited(ended.isoformat(), "OWN_BUSINESS", workplace=None, extent_pct=None, documents=[])
        if random.random() < 0.7:
            yield decision(add_days(ended, 30).isoformat())
    else:
        yield on(ended.isoformat(), "exited", kind=random.choice(["DISCONTINUED", "PERIOD_ENDED"]))
        return
    for month in range(1, 4 if ami_1 else 13):
        day = add_days(add_months(decided, month), random.randrange(20))
        if day > ended and random.random() < 0.9:
            yield on(day.isoformat(), "premium_follow_up", month=month, continues=True)
    settle = add_months(max(ended, first_day), 6)
    if random.random() < 0.2:
        yield on((settle + timedelta(days=random.randrange(-170, 40))).isoformat(), "broke_off")
    if random.random() < 0.1:
        paid = add_days(ended, random.randrange(170))
        row = on(paid.isoformat(), "eb_paid", from_=paid.isoformat(), to=add_days(paid, 31).isoformat(), scope="CLIENT")
        yield row | {"known_on": add_days(paid, random.randrange(400)).isoformat()}
    if random.random() < 0.8:
        yield claim(add_days(settle, random.randrange(40)).isoformat())
