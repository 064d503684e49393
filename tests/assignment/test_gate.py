"""The purpose gate without a database: boundary days, consents, and random lives against a small reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kundval_assignment.domain.gate import (
    Ground,
    Need,
    bases,
    consent_ends,
    decide,
    find_consent,
    holds_until,
    latest_expiry,
)
from kundval_contracts.case import Case
from kundval_contracts.codes import ConsentScope, DataKind, GateRefusal, LegalBasis, Programme, Purpose
from kundval_contracts.facts import load_fact
from kundval_contracts.lawful import read_uses, table
from kundval_contracts.settings import RuleSettings, SettingsFault, read_settings

SETTINGS = RuleSettings(read_settings({"AMI1_MONTHLY_FEE": 1, "AMI2_MONTHLY_FEE": 1}), ())
D = date(2024, 3, 15)
SCOPE = ConsentScope.OTHER_ACTORS


def settings(**changes: Any) -> RuleSettings:
    return RuleSettings(read_settings({key.replace("_", "."): value for key, value in changes.items()}), ())


def case(*facts: tuple[date, str, Mapping[str, Any]], name: str = "A-1") -> Case:
    """An assignment of which alfa has been in charge since 15 March, with more facts."""
    first = [
        (D, "decided", {}),
        (D, "provider_chosen", {"provider": "alfa"}),
        (D, "accepted", {}),
        (D, "started", {}),
    ]
    rows = [
        load_fact({"on": on, "fact": what, **fields}, place, f"f-{place}")
        for place, (on, what, fields) in enumerate([*first, *facts])
    ]
    return Case(name, Programme.AMI_2).having(rows)


def given_on(day: date, scope: ConsentScope = SCOPE) -> tuple[date, str, Mapping[str, Any]]:
    return (day, "consent_given", {"scope": scope.value})


def withdrawn_on(day: date, scope: ConsentScope = SCOPE) -> tuple[date, str, Mapping[str, Any]]:
    return (day, "consent_withdrawn", {"scope": scope.value})


def switched_on(day: date, provider: str = "beta") -> list[tuple[date, str, Mapping[str, Any]]]:
    return [(day, "provider_switch", {"provider": provider, "approved": True}), (day, "accepted", {})]


def ground(**changes: Any) -> Ground:
    made = Ground(
        id="g-1",
        person="p-1",
        what=DataKind.ASSISTANCE,
        purpose=Purpose.BONUS_TEST,
        basis=LegalBasis.PUBLIC_TASK,
        requester="anna",
        since=D,
        expires_on=date(2024, 6, 1),
    )
    return replace(made, **changes)


def by_consent(**changes: Any) -> Ground:
    consent = {"basis": LegalBasis.CONSENT, "provider": "alfa", "scope": SCOPE, "assignment": "A-1", "consent": "f-4"}
    return ground(**{**consent, **changes})


def need(on: date = D, **changes: Any) -> Need:
    return replace(Need(DataKind.ASSISTANCE, Purpose.BONUS_TEST, on), **changes)


# --- the table -------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-2.2-c")
def test_assistance_and_the_status_of_a_jobseeker_reach_an_intervention_by_consent_alone() -> None:
    for what in (DataKind.ASSISTANCE, DataKind.AF_STATUS):
        assert bases(SETTINGS, what, Purpose.LABOUR_MARKET_INTERVENTION) == (LegalBasis.CONSENT,)
        assert LegalBasis.CONSENT not in bases(SETTINGS, what, Purpose.FINANCIAL_ASSISTANCE)


def test_every_kind_of_data_has_a_use_and_what_rests_on_consent_says_on_which() -> None:
    for what, row in table().items():
        assert row.uses, what
        assert bool(row.consents) == any(LegalBasis.CONSENT in some for some in row.uses.values()), what


def test_a_municipality_says_for_a_kind_of_data_what_it_is_used_for_and_the_others_stay() -> None:
    own = settings(gate_uses={"INCOME": {"COMMISSION": ["PUBLIC_TASK"]}})
    assert bases(own, DataKind.INCOME, Purpose.COMMISSION) == (LegalBasis.PUBLIC_TASK,)
    assert bases(own, DataKind.INCOME, Purpose.SIX_MONTH_TEST) == ()
    assert bases(own, DataKind.STUDY, Purpose.SIX_MONTH_TEST) == bases(SETTINGS, DataKind.STUDY, Purpose.SIX_MONTH_TEST)
    assert bases(settings(gate_uses={"INCOME": {}}), DataKind.INCOME, Purpose.SIX_MONTH_TEST) == ()


@pytest.mark.parametrize(
    "wrong",
    [{"NOTHING": {}}, {"INCOME": []}, {"INCOME": {"FUN": ["CONSENT"]}}, {"INCOME": {"COMMISSION": ["WISH"]}},
     {"INCOME": {"COMMISSION": "CONSENT"}}],
)  # fmt: skip
def test_uses_that_there_are_not_are_faults(wrong: Any) -> None:
    with pytest.raises(SettingsFault, match=r"gate\.uses"):
        settings(gate_uses=wrong)


def test_how_long_a_ground_may_hold_is_said_by_the_municipality_or_not_at_all() -> None:
    assert latest_expiry(SETTINGS, DataKind.INCOME, D) == date.max
    own = settings(gate_longest={"INCOME": "P6M", "STUDY": "P90D"})
    assert latest_expiry(own, DataKind.INCOME, D) == date(2024, 9, 15)
    assert latest_expiry(own, DataKind.STUDY, D) == date(2024, 6, 13)
    assert latest_expiry(own, DataKind.ASSISTANCE, D) == date.max
    assert read_uses({"COMMISSION": ["CONSENT"]}) == {Purpose.COMMISSION: (LegalBasis.CONSENT,)}


# --- boundary days ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (D - timedelta(days=1), GateRefusal.NOT_BEGUN),
        (D, None),
        (date(2024, 5, 31), None),
        (date(2024, 6, 1), GateRefusal.EXPIRED),
        (date(2024, 6, 2), GateRefusal.EXPIRED),
    ],
)
def test_a_ground_holds_from_its_first_day_until_before_its_expiry(day: date, found: GateRefusal | None) -> None:
    one = ground()
    assert decide([one], {}, SETTINGS, need(day)) == (found or one)


@pytest.mark.parametrize(("day", "found"), [(date(2024, 4, 9), None), (date(2024, 4, 10), GateRefusal.ENDED)])
def test_a_ground_that_was_ended_holds_until_the_day_before(day: date, found: GateRefusal | None) -> None:
    one = ground(ended_on=date(2024, 4, 10))
    assert decide([one], {}, SETTINGS, need(day)) == (found or one)


@pytest.mark.rule("AMI-2.1-a")
@pytest.mark.parametrize("gone", [[withdrawn_on(date(2024, 4, 10))], switched_on(date(2024, 4, 10))])
def test_a_ground_by_consent_holds_until_the_day_before_the_consent_is_withdrawn_or_the_provider_another(
    gone: list[Any],
) -> None:
    one, cases = by_consent(), {"A-1": case(given_on(D), *gone)}
    days = {
        date(2024, 4, 9): one,
        date(2024, 4, 10): GateRefusal.CONSENT_GONE,
        date(2024, 4, 11): GateRefusal.CONSENT_GONE,
    }
    assert {day: decide([one], cases, SETTINGS, need(day, provider="alfa")) for day in days} == days
    assert holds_until(one, cases, SETTINGS) == date(2024, 4, 10)


@pytest.mark.rule("AMI-2.1-a")
def test_neither_the_way_back_nor_a_new_consent_revives_a_ground() -> None:
    back = [*switched_on(date(2024, 4, 10)), *switched_on(date(2024, 4, 20), "alfa")]
    again = [withdrawn_on(date(2024, 4, 10)), given_on(date(2024, 4, 10))]
    for later in (back, again):
        held = case(given_on(D), *later)
        assert consent_ends(held, SETTINGS, "f-4", "alfa") == date(2024, 4, 10)
    renewed = case(given_on(D), *again)
    assert find_consent([renewed], SETTINGS, SCOPE, "alfa", date(2024, 4, 10)) == ("A-1", "f-6")
    assert find_consent([renewed], SETTINGS, SCOPE, "alfa", date(2024, 4, 9)) == ("A-1", "f-4")


def test_a_consent_is_to_one_provider_in_one_matter_and_has_to_count() -> None:
    held = case(given_on(D), withdrawn_on(date(2024, 4, 1), ConsentScope.AF_OFFICER))
    assert consent_ends(held, SETTINGS, "f-4", "alfa") == date.max
    assert consent_ends(held, SETTINGS, "f-4", "beta") is None
    assert consent_ends(held, SETTINGS, "f-9", "alfa") is None
    assert find_consent([held], SETTINGS, ConsentScope.AF_OFFICER, "alfa", D) is None
    assert find_consent([held], SETTINGS, SCOPE, "alfa", D - timedelta(days=1)) is None
    lost = by_consent(consent="f-9")
    assert decide([lost], {"A-1": held}, SETTINGS, need(provider="alfa")) is GateRefusal.CONSENT_GONE
    assert decide([lost], {}, SETTINGS, need(provider="alfa")) is GateRefusal.CONSENT_GONE


def test_of_several_reasons_the_nearest_is_told_and_of_several_grounds_the_longest_is_used() -> None:
    ended, expired = ground(ended_on=D), ground(id="g-2", expires_on=D + timedelta(days=1))
    other = ground(id="g-3", purpose=Purpose.FINANCIAL_ASSISTANCE)
    assert decide([], {}, SETTINGS, need()) is GateRefusal.NO_GROUND
    assert decide([other], {}, SETTINGS, need()) is GateRefusal.OTHER_PURPOSE
    assert decide([other, ended], {}, SETTINGS, need()) is GateRefusal.ENDED
    assert decide([other, ended, expired], {}, SETTINGS, need(D + timedelta(days=1))) is GateRefusal.EXPIRED
    longest = ground(id="g-4")
    assert decide([expired, longest, other], {}, SETTINGS, need()) is longest


# --- random lives ----------------------------------------------------------------------------------------

_USED = (DataKind.ASSISTANCE, DataKind.STUDY)
_FOR = (Purpose.BONUS_TEST, Purpose.SIX_MONTH_TEST, Purpose.FINANCIAL_ASSISTANCE)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.sampled_from(_USED), st.sampled_from(_FOR), st.booleans(), st.integers(1, 6)),
        st.tuples(st.just("end"), st.integers(0, 5)),
        st.tuples(st.just("consent")),
        st.tuples(st.just("withdraw")),
        st.tuples(st.just("switch")),
        st.tuples(st.just("wait"), st.integers(1, 3)),
    ),
    max_size=25,
)


@dataclass
class Life:
    """The reference: on every day a set of grounds that hold, by what somebody would note in a book."""

    today: date = D
    provider: str = "alfa"
    consents: bool = False
    #: what holds, with its last day
    book: dict[str, tuple[DataKind, Purpose, str | None, date]] = field(default_factory=dict)

    def wait(self, days: int) -> None:
        self.today += timedelta(days=days)
        self.book = {key: row for key, row in self.book.items() if row[3] >= self.today}

    def consent_is_gone(self) -> None:
        self.consents = False
        self.book = {key: row for key, row in self.book.items() if row[2] is None}

    def holds(self, what: DataKind, purpose: Purpose, provider: str | None) -> bool:
        return any(row[:3] == (what, purpose, provider) for row in self.book.values())


_CONSENTED = [("consent",), ("open", DataKind.ASSISTANCE, Purpose.BONUS_TEST, True, 6), ("wait", 1)]


@given(_STEPS)
@example([*_CONSENTED, ("withdraw",), ("consent",)])
@example([*_CONSENTED, ("switch",), ("switch",)])
def test_whatever_happens_in_whatever_order_the_gate_is_open_just_when_the_book_says_so(steps: list[Any]) -> None:
    life, facts, grounds = Life(), [], []  # type: ignore[var-annotated]
    for kind, *rest in steps:
        cases = {"A-1": case(*facts)}
        if kind == "wait":
            life.wait(rest[0])
        elif kind == "consent":
            facts.append(given_on(life.today))
            life.consents = True
        elif kind == "withdraw":
            facts.append(withdrawn_on(life.today))
            life.consent_is_gone()
        elif kind == "switch":
            # a consent of the day of a switch is whose it is by the order within the day: not what is tried here
            life.wait(1)
            life.provider = "beta" if life.provider == "alfa" else "alfa"
            facts += switched_on(life.today, life.provider)
            life.consent_is_gone()
            life.wait(1)
        elif kind == "end" and rest[0] < len(grounds):
            grounds[rest[0]] = replace(grounds[rest[0]], ended_on=grounds[rest[0]].ended_on or life.today)
            life.book.pop(grounds[rest[0]].id, None)
        elif kind == "open":
            what, purpose, consented, days = rest
            basis = LegalBasis.CONSENT if consented else LegalBasis.PUBLIC_TASK
            if basis not in bases(SETTINGS, what, purpose):
                continue
            name, until = f"g-{len(grounds)}", life.today + timedelta(days=days)
            terms: dict[str, Any] = {
                "id": name,
                "what": what,
                "purpose": purpose,
                "since": life.today,
                "expires_on": until,
            }
            found = find_consent(cases.values(), SETTINGS, SCOPE, life.provider, life.today)
            assert (found is not None) == life.consents
            if not consented:
                grounds.append(ground(**terms))
            elif found is not None:
                grounds.append(by_consent(**terms, provider=life.provider, consent=found[1]))
            else:
                continue
            life.book[name] = (what, purpose, life.provider if consented else None, until - timedelta(days=1))
        cases = {"A-1": case(*facts)}
        for what, purpose, provider in product(_USED, _FOR, (None, "alfa", "beta")):
            answer = decide(grounds, cases, SETTINGS, Need(what, purpose, life.today, provider))
            assert isinstance(answer, Ground) == life.holds(what, purpose, provider), (answer, life)
