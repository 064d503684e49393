"""What stands behind a bonus: the evidence of each kind of exit, the scope of the test, what a person is asked."""

from __future__ import annotations

from typing import Any

import pytest

from kundval_billing.domain import lines
from kundval_billing.domain.claims import Claim, Question, claim_of, open_questions
from kundval_billing.domain.view import View
from kundval_contracts.case import Case
from kundval_contracts.codes import LineKind

from .builders import ami1, ami2, claim, d, decision, exited, on, studies, tenant

DAY = "2025-06-30"


def seen(one: Case, day: str = DAY, settings: dict[str, Any] | None = None) -> tuple[View, list[Any]]:
    who, known = tenant(settings), one.known_by(d(day))
    return View(known, who.settings, d(day)), list(lines(known, who, d(day)))


def the_claim(one: Case, day: str = DAY, settings: dict[str, Any] | None = None) -> Claim:
    view, found = seen(one, day, settings)
    (line,) = [line for line in found if line.kind is LineKind.RESULT_BONUS]
    made = claim_of(view, line)
    assert made is not None
    return made


def asked(one: Case, day: str = DAY, settings: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    view, found = seen(one, day, settings)
    questions: tuple[Question, ...] = open_questions(view, found)
    return [(question.code.value, question.since.isoformat()) for question in questions]


EVERYTHING = [
    "FINAL_REPORT",
    "EMPLOYMENT_CONTRACT",
    "EMPLOYMENT_CERTIFICATE",
    "STUDY_CERTIFICATE",
    "CSN_GRANT",
    "HOUSEHOLD_INCOME_PROOF",
    "TRIAL_CALCULATION",
]
WORK = ("EMPLOYMENT_CONTRACT", "EMPLOYMENT_CERTIFICATE")


@pytest.mark.rule("AMI-9-f", "AMI-9-g", "AMI-9-h", "AMI-9.2-b", "AMI-9.3.3-a", "AMI-9.3.4-a")
@pytest.mark.parametrize(
    ("kind", "more", "required", "either"),
    [
        ("WORK_FULL_TIME", {}, WORK, False),
        ("WORK_HOURLY_FULL_TIME", {}, WORK, True),
        ("WORK_MIN_HALF_TIME", {"extent_pct": 60}, WORK, False),
        ("STUDY_FULL_TIME", {}, ("STUDY_CERTIFICATE",), False),
        ("STUDY_START_SUPPORT_FULL_TIME", {}, ("STUDY_CERTIFICATE", "CSN_GRANT"), False),
        ("STUDY_MIN_HALF_TIME", {"extent_pct": 60, "household_income_support": True},
         ("STUDY_CERTIFICATE", "HOUSEHOLD_INCOME_PROOF"), False),
    ],
)  # fmt: skip
def test_each_kind_of_exit_has_its_row_of_the_matrix_and_what_proves_nothing_is_named(
    kind: str, more: dict[str, Any], required: tuple[str, ...], either: bool
) -> None:
    one = exited if kind.startswith("WORK") else studies
    row = the_claim(ami2(one("2024-06-20", kind, documents=EVERYTHING, **more))).evidence
    assert (tuple(row.required), row.either, tuple(row.have), row.missing) == (required, either, required, ())
    wrong = [name for name in EVERYTHING[1:-1] if name not in required]
    assert list(row.not_needed) == wrong
    bare = the_claim(ami2(one("2024-06-20", kind, documents=["FINAL_REPORT"], **more))).evidence
    assert (tuple(bare.have), tuple(bare.missing), bare.complete_on) == ((), required, None)


@pytest.mark.rule("AMI-9-h")
def test_a_study_certificate_for_work_counts_for_nothing_until_the_right_document_comes() -> None:
    wrong = exited("2024-06-20", documents=["FINAL_REPORT", "EMPLOYMENT_CONTRACT", "STUDY_CERTIFICATE"])
    row = the_claim(ami2(wrong, claim("2024-12-20", documents=["STUDY_CERTIFICATE"]))).evidence
    assert (tuple(row.missing), tuple(row.not_needed)) == (("EMPLOYMENT_CERTIFICATE",), ("STUDY_CERTIFICATE",))
    right = ami2(wrong, claim("2024-12-20"), claim("2025-01-10", documents=["EMPLOYMENT_CERTIFICATE"]))
    row = the_claim(right).evidence
    assert (row.missing, row.complete_on) == ((), d("2025-01-10"))


@pytest.mark.rule("AMI-9-c", "AMI-9-d", "AMI-9.3.3-a")
@pytest.mark.parametrize(
    ("case", "settings", "scope", "found"),
    [
        (exited("2024-06-20"), {"eb_test.work_scope": "CLIENT_ONLY"}, "CLIENT", False),
        (exited("2024-06-20"), {"eb_test.work_scope": "HOUSEHOLD_MEMBER"}, "HOUSEHOLD", True),
        (studies("2024-06-20"), {"eb_test.work_scope": "CLIENT_ONLY"}, "HOUSEHOLD", True),
        (studies("2024-06-20", "STUDY_START_SUPPORT_FULL_TIME"), {}, "WAIVED", False),
        (studies("2024-06-20", "STUDY_START_SUPPORT_FULL_TIME"), {"studiestartsstod.waive_eb_test": False},
         "HOUSEHOLD", True),
    ],
)  # fmt: skip
def test_the_assistance_test_looks_at_the_client_at_the_household_or_at_nobody(
    case: dict[str, Any], settings: dict[str, Any], scope: str, found: bool
) -> None:
    paid = on("2024-09-15", "eb_paid", from_="2024-08-01", to="2024-09-01", scope="HOUSEHOLD")
    test = the_claim(ami2(case, paid), settings=settings).assistance
    assert (test.scope.value, test.found) == (scope, found)


@pytest.mark.rule("AMI-9-c")
@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2024-05-20", "2024-06-20", False),  # ends on the day of the exit: exclusive
        ("2024-05-20", "2024-06-21", True),
        ("2024-12-19", "2025-01-19", True),  # the last of the six months
        ("2024-12-20", "2025-01-20", False),  # the settle date
    ],
)
def test_assistance_counts_from_the_exit_to_the_day_before_the_settle_date(start: str, end: str, found: bool) -> None:
    paid = on("2024-06-20", "eb_paid", from_=start, to=end, scope="CLIENT")
    assert the_claim(ami2(exited("2024-06-20"), paid)).assistance.found is found


HALF = studies("2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=60, household_income_support=True)


@pytest.mark.rule("AMI-10.2-b", "AMI-9.3.4-a", "AMI-9-c", "AMI-9-e", "AMI-10.2-g")
def test_a_person_is_asked_from_the_day_on_which_money_waits_for_the_answer() -> None:
    assert asked(ami2(HALF), "2024-06-20") == [("HALF_TIME_STUDIES", "2024-06-20")]
    assert asked(ami2(HALF, decision("2024-07-01")), "2024-07-01") == []
    later = exited("2024-06-20", first_day="2024-07-01")
    assert asked(ami2(later), "2024-12-31") == []
    assert asked(ami2(later, claim("2025-01-08")), "2025-01-08") == [("LATER_START", "2025-01-08")]
    business = exited("2025-05-01", "OWN_BUSINESS", extent_pct=None, workplace=None)
    assert asked(ami1(business), "2025-05-01") == [("OWN_BUSINESS", "2025-05-01")]
    other = ami2(exited("2024-06-20"), claim("2024-12-20"), end_date="2025-01-31")
    assert asked(other) == [("OTHER_LENGTH", "2024-12-20")]
    moved = ami1(
        exited("2025-05-01"), on("2025-06-01", "workplace_changed", workplace="W2", gap_days=0), claim("2025-11-01")
    )
    assert asked(moved, "2025-11-01") == [("CHANGED_WORKPLACE", "2025-11-01")]


@pytest.mark.rule("AMI-10.2-b")
def test_a_boundary_case_of_ami_1_is_asked_about_at_once_where_it_would_be_refused() -> None:
    late = exited("2025-06-01")  # day 90 from 2025-03-03: out of the ninety days, within three months
    assert asked(ami1(late), "2025-06-01") == [("BOUNDARY", "2025-06-01")]
    for approved in (True, False):
        decided = decision("2025-06-05", approved=approved, about="BOUNDARY")
        assert asked(ami1(late, decided), "2025-06-05") == []
    assert asked(ami1(exited("2025-05-31")), "2025-06-01") == []
    assert asked(ami1(exited("2025-06-03")), "2025-06-03") == []


def test_two_questions_about_one_bonus_are_both_asked_and_one_decision_answers_them() -> None:
    half = studies(
        "2024-06-20", "STUDY_MIN_HALF_TIME", extent_pct=60, household_income_support=True, first_day="2024-07-01"
    )
    both = ami2(half, claim("2025-01-08"))
    assert {code for code, _ in asked(both)} == {"HALF_TIME_STUDIES", "LATER_START"}
    assert dict(asked(both))["HALF_TIME_STUDIES"] == "2024-06-20"  # the premium has waited since the exit
    assert asked(ami2(half, claim("2025-01-08"), decision("2025-01-09"))) == []
    made = the_claim(ami2(half, claim("2025-01-08"), decision("2025-01-09")))
    assert made.decision is not None and made.decision["approved"]


@pytest.mark.rule("AMI-9-g")
def test_hourly_work_needs_its_cover_and_other_work_does_not() -> None:
    hourly = exited("2024-06-20", "WORK_HOURLY_FULL_TIME", contract_until="2024-08-01")
    made = the_claim(ami2(hourly, claim("2024-12-20"), claim("2025-01-10", covers_until="2024-12-19")))
    assert (made.needs_cover, made.covered_on) == (True, d("2025-01-10"))
    made = the_claim(ami2(hourly, claim("2024-12-20", covers_until="2024-12-18")))
    assert (made.needs_cover, made.covered_on) == (True, None)
    assert not the_claim(ami2(exited("2024-06-20"))).needs_cover
