"""What holds for every set of facts: order of arrival does not matter, and judging again changes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundval_assignment.domain import judge
from kundval_contracts.caseload import read
from kundval_contracts.codes import FactKind
from tests.acceptance.builders import bare, caseload, claim, client, eb_paid, exited, fact, manual

pytestmark = pytest.mark.slow

FIRST = date(2024, 3, 1)
days = st.integers(0, 500).map(lambda n: (FIRST + timedelta(days=n)).isoformat())
providers = st.sampled_from(["alfa", "beta"])
booleans = st.booleans()


def placement(on: str, signed: bool, hours: int) -> dict[str, Any]:
    signatures = ["CLIENT", "PROVIDER", "EMPLOYER"] if signed else []
    agreement = {"schedule": "s", "tasks": "t", "follow_up": "f"}
    return fact(
        on, "placement_started", workplace="W9", hours_per_week=hours, signatures=signatures, agreement=agreement
    )


one_fact = st.one_of(
    st.builds(lambda on: fact(on, "decided"), days),
    st.builds(lambda on: fact(on, "results_shown"), days),
    st.builds(lambda on, p: fact(on, "provider_chosen", provider=p), days, providers),
    st.builds(lambda on, p: fact(on, "accepted", provider=p), days, st.none() | providers),
    st.builds(lambda on, p: fact(on, "declined", provider=p), days, st.none() | providers),
    st.builds(lambda on: fact(on, "started"), days),
    st.builds(lambda on, p, ok: fact(on, "provider_switch", provider=p, approved=ok), days, providers, booleans),
    st.builds(
        lambda on, about, ok: manual(on, about, ok),
        days,
        st.sampled_from(["BONUS", "BOUNDARY", "SWITCH", "OVERRIDE_AF_REGISTRATION"]),
        booleans,
    ),
    st.builds(exited, days, st.sampled_from(["WORK_FULL_TIME", "STUDY_FULL_TIME", "OWN_BUSINESS", "DISCONTINUED"])),
    st.builds(lambda on: fact(on, "broke_off"), days),
    st.builds(lambda on, p: fact(on, "resumed", provider=p), days, providers),
    st.builds(claim, days),
    st.builds(lambda on, k: fact(on, "premium_follow_up", month=k, continues=True), days, st.integers(1, 12)),
    st.builds(placement, days, booleans, st.integers(5, 20)),
    st.builds(lambda on: fact(on, "placement_ended", workplace="W9"), days),
    st.builds(lambda on, k, e: fact(on, "monthly_report", month=k, extent_pct=e), days, st.integers(1, 12),
              st.none() | st.integers(0, 100)),
    st.builds(lambda on: fact(on, "contact"), days),
    st.builds(lambda on, h: fact(on, "hours_reported", hours_per_week=h), days, st.integers(5, 15)),
    st.builds(lambda on: eb_paid(on, (date.fromisoformat(on) + timedelta(days=30)).isoformat()), days),
)  # fmt: skip
#: Mostly a real beginning, so that the later facts have something to stand on.
beginning = [
    fact("2024-03-15", "decided"),
    fact("2024-03-15", "results_shown"),
    fact("2024-03-16", "provider_chosen", provider="alfa"),
    fact("2024-03-17", "accepted"),
    fact("2024-03-20", "started"),
    exited("2024-06-20"),
]
many = st.tuples(st.integers(0, len(beginning)), st.lists(one_fact, max_size=14)).map(
    lambda parts: [*beginning[: parts[0]], *parts[1]]
)
clients = st.sampled_from([client(), client(af_registered=False), client(birth_date="2002-01-01")])
programmes = st.sampled_from(["AMI_1", "AMI_2", "JOBBPENG_BASIC"])
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def loaded(programme: str, facts: list[dict[str, Any]], about: dict[str, Any]) -> Any:
    plan = {"extent_pct": 50, "step_up": [{"from": "2024-06-01", "extent_pct": 100}]}
    file = read(caseload(bare(programme, *facts, about=about, plan=plan)))
    one = file.assignments[0]
    return one.case(file.as_of), one.client, file.tenant()


@quick
@given(programmes, many, clients, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_change_the_judgement(
    programme: str, facts: Any, about: Any, random: Any
) -> None:
    from dataclasses import replace

    case, who, tenant = loaded(programme, facts, about)
    shuffled = list(case.facts)
    random.shuffle(shuffled)
    assert judge(replace(case, facts=tuple(shuffled)), who, tenant) == judge(case, who, tenant)


@quick
@given(programmes, many, clients)
def test_judging_the_facts_in_effect_accepts_all_of_them(programme: str, facts: Any, about: Any) -> None:
    case, who, tenant = loaded(programme, facts, about)
    first = judge(case, who, tenant)
    again = judge(case.having(first.in_effect), who, tenant)
    assert again.in_effect == first.in_effect
    assert again.rejections == ()
    assert again.groups == first.groups


@quick
@given(programmes, many, clients)
def test_every_fact_is_in_effect_or_refused_and_never_both(programme: str, facts: Any, about: Any) -> None:
    case, who, tenant = loaded(programme, facts, about)
    found = judge(case, who, tenant)
    kept, refused = [one.place for one in found.in_effect], [one.fact for one in found.rejections]
    assert sorted(kept + refused) == list(range(len(facts)))
    assert all(one.rules and one.message and one.code for one in found.rejections)


@quick
@given(programmes, many, clients)
def test_the_facts_in_effect_tell_a_possible_story(programme: str, facts: Any, about: Any) -> None:
    """One decision, one start, exits and resumptions that alternate: never two providers at once."""
    case, who, tenant = loaded(programme, facts, about)
    told = [one.kind for one in judge(case, who, tenant).in_effect]
    assert told.count(FactKind.DECIDED) <= 1 and told.count(FactKind.STARTED) <= 1
    turns = [one for one in told if one in (FactKind.STARTED, FactKind.EXITED, FactKind.BROKE_OFF, FactKind.RESUMED)]
    allowed = {
        None: {FactKind.STARTED},
        FactKind.STARTED: {FactKind.EXITED},
        FactKind.EXITED: {FactKind.BROKE_OFF},
        FactKind.BROKE_OFF: {FactKind.RESUMED},
        FactKind.RESUMED: {FactKind.EXITED},
    }
    before = None
    for turn in turns:
        assert turn in allowed[before]
        before = turn
