"""The histories made by chance: the same for the same seed, without a fault, and about everything they promise."""

from __future__ import annotations

from collections import Counter

from kundval_contracts.caseload import read
from tests.acceptance.histories import LAST, PROGRAMMES, history


def test_the_same_seed_gives_the_same_history_and_another_seed_another() -> None:
    assert history(1) == history(1)
    assert len({str(history(seed)) for seed in range(50)}) == 50


def test_a_history_is_read_without_a_fault_and_its_runs_are_those_of_the_file() -> None:
    for seed in range(30):
        one = history(seed)
        assert list(read(one.caseload).runs) == one.runs
        assert one.runs[-1] == LAST


def test_what_is_withdrawn_is_there_and_stays_withdrawn() -> None:
    told = 0
    for seed in range(60):
        one = history(seed)
        facts = {life["id"]: life["facts"] for life in one.caseload["assignments"]}
        for withdrawal in one.withdrawals:
            told += 1
            key = withdrawal.assignment, withdrawal.place
            assert facts[withdrawal.assignment][withdrawal.place]
            assert key in one.withdrawn(withdrawal.day) and key in one.withdrawn(LAST)
        assert one.withdrawn(one.runs[0].replace(year=2023)) == set()
    assert told > 20


def test_there_is_something_of_everything() -> None:
    documents = [history(seed).caseload for seed in range(200)]
    lives = [life for document in documents for life in document["assignments"]]
    facts = Counter(fact["fact"] for life in lives for fact in life["facts"])
    assert {life["programme"] for life in lives} == set(PROGRAMMES)
    assert any(document.get("tariffs") for document in documents)
    late = sum("known_on" in fact for life in lives for fact in life["facts"])
    assert late > 1000
    for kind in (
        "provider_switch",
        "broke_off",
        "resumed",
        "eb_paid",
        "workplace_changed",
        "result_reported",
        "extended",
    ):
        assert facts[kind] > 30, kind
