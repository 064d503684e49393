"""What holds for every caseload, through all cores: whatever is told, in whatever order, however late."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundval_chassis.simulate import Outcome, outcomes, simulate
from kundval_contracts.answer import recompute
from kundval_contracts.caseload import read
from tests.acceptance.builders import F1, F2, bare, broke_off, caseload, claim, client, eb_paid, exited, fact, manual

pytestmark = pytest.mark.slow

FIRST, LAST = date(2024, 3, 1), date(2025, 12, 31)
days = st.integers(0, 600).map(lambda n: (FIRST + timedelta(days=n)).isoformat())
providers = st.sampled_from(["alfa", "beta"])
work = st.sampled_from(["WORK_FULL_TIME", "WORK_HOURLY_FULL_TIME", "STUDY_FULL_TIME", "OWN_BUSINESS", "DISCONTINUED"])
later = st.one_of(
    st.builds(exited, days, work),
    st.builds(lambda on, w: exited(on, first_day=w), days, days),
    st.builds(broke_off, days),
    st.builds(lambda on, p: fact(on, "resumed", provider=p), days, providers),
    st.builds(lambda on, p, ok: fact(on, "provider_switch", provider=p, approved=ok), days, providers, st.booleans()),
    st.builds(
        lambda on, k, ok: fact(on, "premium_follow_up", month=k, continues=ok), days, st.integers(1, 12), st.booleans()
    ),
    st.builds(claim, days),
    st.builds(
        lambda on, about, ok: manual(on, about, ok),
        days,
        st.sampled_from(["BONUS", "BOUNDARY", "SWITCH"]),
        st.booleans(),
    ),
    st.builds(lambda on: eb_paid(on, (date.fromisoformat(on) + timedelta(days=30)).isoformat()), days),
    st.builds(lambda on, n: fact(on, "workplace_changed", workplace="W2", gap_days=n), days, st.integers(0, 3)),
    st.builds(lambda on, k: fact(on, "jobs_applied", count=20, month=k), days, st.integers(1, 12)),
    st.builds(lambda on: fact(on, "contact"), days),
    st.builds(
        lambda on, eb: fact(on, "offer_declined", offer="WORK", receives_eb=eb),
        days,
        st.booleans(),
    ),
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """An assignment that begins properly and goes on anyhow; any fact may become known up to 200 days late."""
    programme = draw(st.sampled_from(["AMI_1", "AMI_2", "JOBBPENG_BASIC"]))
    decided = FIRST + timedelta(days=draw(st.integers(0, 120)))
    end_date = draw(st.none() | st.integers(20, 500).map(lambda n: (decided + timedelta(days=n)).isoformat()))
    started = decided + timedelta(days=draw(st.integers(0, 40)))
    left = started + timedelta(days=draw(st.integers(0, 300)))
    facts = [
        fact(decided.isoformat(), "decided", **({"end_date": end_date} if end_date else {})),
        fact(decided.isoformat(), "results_shown"),
        fact(decided.isoformat(), "provider_chosen", provider=draw(providers)),
        fact(decided.isoformat(), "accepted"),
        fact(started.isoformat(), "started"),
        exited(left.isoformat(), draw(work)),
        *draw(st.lists(later, max_size=12)),
    ]
    for row in facts:
        late = draw(st.sampled_from([0, 0, 0, 5, 60, 200]))
        row["known_on"] = (date.fromisoformat(row["on"]) + timedelta(days=late)).isoformat()
    runs = sorted(draw(st.sets(days, max_size=6)) | {LAST.isoformat()})
    return caseload(bare(programme, *facts, about=client()), as_of=LAST.isoformat(), runs=runs)


thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(document: dict[str, Any]) -> Outcome:
    (one,) = outcomes(read(document))
    return one


@thorough
@given(documents())
@pytest.mark.rule("AMI-10.1-a")
def test_the_fees_of_an_intervention_never_exceed_its_months(document: dict[str, Any]) -> None:
    programme = document["assignments"][0]["programme"]
    if programme == "JOBBPENG_BASIC" or "end_date" in document["assignments"][0]["facts"][0]:
        return
    fees = [
        line
        for line in outcome(document).lines
        if line.kind in ("MONTHLY_FEE", "SPEED_PREMIUM") and line.status == "PAYABLE"
    ]
    assert sum((line.amount for line in fees), Decimal(0)) <= (3 * F1 if programme == "AMI_1" else 12 * F2)
    assert max(Counter(line.sequence for line in fees).values(), default=0) <= 1


@thorough
@given(documents())
@pytest.mark.rule("AMI-9-b", "AMI-10.2-a")
def test_there_is_at_most_one_bonus_and_never_before_its_settle_date(document: dict[str, Any]) -> None:
    one = outcome(document)
    bonuses = [line for line in one.lines if line.kind == "RESULT_BONUS" and line.amount > 0]
    assert sum(line.status == "PAYABLE" for line in bonuses) <= 1
    assert all(line.amount <= 20000 for line in bonuses)
    for line in bonuses:
        assert line.payable_from is None or line.payable_from >= line.end
    for posting in one.postings:
        if posting.kind == "RESULT_BONUS" and posting.amount > 0:
            assert any(posting.run >= line.end for line in one.lines if line.kind == "RESULT_BONUS") or posting.reverses


@thorough
@given(documents())
def test_what_is_posted_comes_to_what_is_payable_and_explains_itself(document: dict[str, Any]) -> None:
    one = outcome(document)
    posted: Counter[Any] = Counter()
    for posting in one.postings:
        posted[posting.key] += posting.amount
        assert recompute(posting.steps) == posting.amount
    payable = {line.key: line.amount for line in one.lines if line.status == "PAYABLE" and line.amount}
    assert {key: amount for key, amount in posted.items() if amount} == payable
    assert all(recompute(line.steps) == line.amount for line in one.lines)


@thorough
@given(documents())
def test_when_the_facts_became_known_does_not_change_what_is_due_in_the_end(document: dict[str, Any]) -> None:
    as_told = simulate(read(document))
    known = {row["known_on"] for row in document["assignments"][0]["facts"]}
    if max(known) > document["as_of"]:
        return
    for row in document["assignments"][0]["facts"]:
        row["known_on"] = row["on"]
    at_once = simulate(read(document))
    assert at_once["rejections"] == as_told["rejections"]
    assert at_once["totals"] == as_told["totals"]
