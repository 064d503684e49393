"""Which meetings the rules ask for, by when and with whom, from the facts alone."""

from __future__ import annotations

from typing import Any

import pytest

from kundval_contracts.case import Case
from kundval_contracts.codes import MeetingKind, Programme, Role
from kundval_contracts.meeting_facts import fact_id
from kundval_scheduling.domain.needs import THREE, Need, needs, suits
from kundval_scheduling.domain.plan import Context
from tests.scheduling.builders import Row, ami1, ami2, case, d, exited, on, rows_of, tenant

FAR = "2027-12-31"


def asked(
    one: Case, kind: str, settings: dict[str, Any] | None = None, municipality: str = "nacka", day: str = FAR
) -> list[Need]:
    context = Context(one.known_by(d(day)), tenant(settings, municipality), d(day))
    return [need for need in needs(context) if need.kind is MeetingKind(kind)]


def days(need: Need) -> tuple[str | None, ...]:
    """Target, from when and by when to be booked, by when to be held."""
    found = (need.target, need.book_from, need.book_by, need.hold_by)
    return tuple(None if day is None else day.isoformat() for day in found)


def fate(need: Need) -> tuple[str | None, str | None]:
    """When it was met, when it went."""
    return tuple(None if day is None else day.isoformat() for day in (need.met_on, need.cancelled_on))  # type: ignore[return-value]


def every_follow_up(one: Case, settings: dict[str, Any] | None = None) -> list[Need]:
    kinds = [kind for kind in MeetingKind if kind.value.startswith("FOLLOWUP_")]
    return [need for kind in kinds for need in asked(one, kind.value, settings)]


def held(day: str, meeting: str, **fields: Any) -> Row:
    return on(day, "meeting_held", meeting=meeting, **fields)


# --- follow-ups ------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-7.2-a", "AMI-7.2-b")
def test_in_ami_1_a_meeting_with_three_parties_is_booked_from_day_31_by_day_45() -> None:
    (need,) = asked(ami1(), "FOLLOWUP_AMI1_D45")
    assert days(need) == ("2025-04-17", "2025-04-03", "2025-04-17", "2025-05-01")
    assert (need.booker, need.mandatory, need.rules) == (Role.PROVIDER, THREE, ("AMI-7.2-a",))


@pytest.mark.rule("AMI-8.2-a", "AMI-8.2-b")
def test_in_ami_2_each_meeting_is_booked_two_lead_times_ahead_and_late_one_lead_time_ahead() -> None:
    rows = [
        (need.kind.value, *days(need)) for months in (3, 6, 9, 12) for need in asked(ami2(), f"FOLLOWUP_AMI2_M{months}")
    ]
    assert rows == [
        ("FOLLOWUP_AMI2_M3", "2024-06-15", "2024-05-18", "2024-06-01", "2024-06-29"),
        ("FOLLOWUP_AMI2_M6", "2024-09-15", "2024-08-18", "2024-09-01", "2024-09-29"),
        ("FOLLOWUP_AMI2_M9", "2024-12-15", "2024-11-17", "2024-12-01", "2024-12-29"),
        # moved to the last covered day: after that it is late (AMB-06)
        ("FOLLOWUP_AMI2_M12", "2025-03-14", "2025-02-14", "2025-02-28", "2025-03-14"),
    ]


@pytest.mark.rule("AMI-8.2-a", "AMI-8.2-b")
def test_lead_time_tolerance_and_cap_are_settings() -> None:
    changed = {"booking_lead_days": 7, "followup.tolerance_days": 3, "ami2.final_meeting.cap": "NONE"}
    assert days(asked(ami2(), "FOLLOWUP_AMI2_M3", changed)[0]) == (
        "2024-06-15", "2024-06-01", "2024-06-08", "2024-06-18",
    )  # fmt: skip
    assert days(asked(ami2(), "FOLLOWUP_AMI2_M12", changed)[0])[3] == "2025-03-18"


@pytest.mark.rule("AMI-8.2-a")
def test_no_follow_up_is_asked_for_before_the_start_up_meeting_has_been_held() -> None:
    assert asked(ami2(started=None), "FOLLOWUP_AMI2_M3") == []
    late = asked(ami2(started="2024-06-10"), "FOLLOWUP_AMI2_M3")[0]
    assert days(late)[1] == "2024-06-10"


@pytest.mark.rule("AMI-8.2-a")
def test_a_meeting_held_meets_it_and_an_exit_takes_it_away_unless_it_is_late() -> None:
    one = ami2(held("2024-06-14", "FOLLOWUP_AMI2_M3"), exited("2024-10-05"))
    assert [fate(asked(one, f"FOLLOWUP_AMI2_M{months}")[0]) for months in (3, 6, 9)] == [
        ("2024-06-14", None), (None, None), (None, "2024-10-05"),
    ]  # fmt: skip


@pytest.mark.rule("AMI-10.1-d")
def test_after_a_resumption_what_lies_ahead_is_asked_for_again() -> None:
    one = ami2(exited("2024-06-01"), on("2024-09-01", "broke_off"), on("2024-09-10", "resumed", provider="beta"))
    assert fate(asked(one, "FOLLOWUP_AMI2_M3")[0]) == (None, "2024-06-01")
    assert fate(asked(one, "FOLLOWUP_AMI2_M6")[0]) == (None, None)


@pytest.mark.rule("AMI-8.2-b")
def test_a_booking_elsewhere_is_known_until_that_meeting_was_missed_and_our_own_word_is_no_news() -> None:
    booked, missed = (on(day, f"meeting_{what}", meeting="FOLLOWUP_AMI2_M3") for day, what in
                      (("2024-05-20", "booked"), ("2024-06-10", "missed")))  # fmt: skip
    assert asked(ami2(booked), "FOLLOWUP_AMI2_M3")[0].booked_on == d("2024-05-20")
    assert asked(ami2(booked, missed), "FOLLOWUP_AMI2_M3")[0].booked_on is None
    one = ami2(booked)
    ours = one.having(
        [*one.facts[:-1], type(one.facts[-1])(fact_id("m-1", "booked"), *_rest(one.facts[-1]))]
    )  # fmt: skip
    assert asked(ours, "FOLLOWUP_AMI2_M3")[0].booked_on is None


def _rest(fact: Any) -> tuple[Any, ...]:
    return fact.kind, fact.on, fact.known_on, fact.place, fact.data


def test_the_sequence_says_which_of_several_meetings_was_held() -> None:
    one = ami2(held("2024-09-10", "FOLLOWUP_AMI2_M12", sequence=2))
    assert fate(asked(one, "FOLLOWUP_AMI2_M6")[0]) == ("2024-09-10", None)
    assert fate(asked(one, "FOLLOWUP_AMI2_M12")[0]) == (None, None)
    booked = ami2(on("2024-05-20", "meeting_booked", meeting="FOLLOWUP_AMI2_M12", sequence=1))
    assert asked(booked, "FOLLOWUP_AMI2_M3")[0].booked_on == d("2024-05-20")


@pytest.mark.rule("AMI-7.2-a", "AMI-8.2-b")
@pytest.mark.parametrize("move", ["NEXT_WORKDAY", "PREVIOUS_WORKDAY"])
@pytest.mark.parametrize("kind", ["FOLLOWUP_MEETING", "BOOK_MEETING"])
def test_a_meeting_is_late_to_book_when_its_booking_is(kind: str, move: str) -> None:
    moved = {"due_day.moves": {kind: move}}
    for one in (ami1(), ami2(decided="2024-03-16")):
        late = [row.due for row in rows_of(one, FAR, "BOOK_MEETING", moved)]
        assert late and [need.book_by for need in every_follow_up(one, moved)] == late


@pytest.mark.rule("AMI-8.2-b", "AMI-10.1-d")
def test_a_booking_that_is_late_already_is_asked_for_anew_from_the_day_of_a_resumption() -> None:
    one = ami2(exited("2024-05-25"), on("2024-06-01", "broke_off"), on("2024-06-10", "resumed", provider="beta"))
    (need,) = asked(one, "FOLLOWUP_AMI2_M3")
    assert need.book_by == rows_of(one, FAR, "BOOK_MEETING")[0].due == d("2024-06-10")


# --- before and at the start -----------------------------------------------------------------------------


@pytest.mark.rule("AMI-3-c")
def test_a_start_up_meeting_is_asked_for_from_the_acceptance_until_the_start() -> None:
    assert asked(ami2(started=None), "START_UP") == []
    rows = [
        on("2024-03-15", "decided"),
        on("2024-03-15", "provider_chosen", provider="alfa"),
        on("2024-03-20", "accepted"),
    ]
    (need,) = asked(case("AMI_2", *rows), "START_UP")
    assert (days(need), fate(need)) == ((None, "2024-03-20", None, None), (None, "2025-03-15"))
    (met,) = asked(case("AMI_2", *rows, on("2024-03-28", "started")), "START_UP")
    assert fate(met) == ("2024-03-28", None)
    assert asked(case("AMI_2", *rows, on("2024-03-25", "stepped_back")), "START_UP") == []


@pytest.mark.rule("NACKA-3", "LOKA-13")
def test_an_assessment_in_person_is_asked_for_once_the_client_was_found_relevant() -> None:
    road = [on("2024-03-01", "referred", source="EB"), on("2024-03-02", "preparation_opened")]
    assert asked(case("AMI_2", *road, on("2024-03-05", "prepared", relevant=False)), "ASSESSMENT") == []
    prepared = [*road, on("2024-03-05", "prepared", relevant=True)]
    (need,) = asked(case("AMI_2", *prepared), "ASSESSMENT")
    assert (need.booker, need.book_from, fate(need)) == (Role.CAREER_GUIDE, d("2024-03-05"), (None, None))
    (met,) = asked(case("AMI_2", *prepared, on("2024-03-09", "assessed", channel="IN_PERSON")), "ASSESSMENT")
    assert fate(met) == ("2024-03-09", None)
    (gone,) = asked(case("AMI_2", *prepared, on("2024-03-09", "rejected", reason="NOT_ELIGIBLE")), "ASSESSMENT")
    assert fate(gone) == (None, "2024-03-09")


@pytest.mark.rule("AMI-4.2-a")
def test_study_guidance_is_asked_for_at_the_start_and_met_by_guidance_or_its_meeting() -> None:
    (need,) = asked(ami2(), "STUDY_GUIDANCE")
    assert days(need) == ("2024-04-11", "2024-03-28", None, "2024-04-11")
    assert fate(asked(ami2(on("2024-04-02", "study_guidance")), "STUDY_GUIDANCE")[0]) == ("2024-04-02", None)
    assert fate(asked(ami2(held("2024-04-03", "STUDY_GUIDANCE")), "STUDY_GUIDANCE")[0]) == ("2024-04-03", None)


# --- because something has happened ----------------------------------------------------------------------


@pytest.mark.rule("AMI-3.2.1-b", "AMI-3.2.1-c")
def test_every_declined_offer_asks_for_a_three_party_meeting_and_a_setting_says_who_books() -> None:
    one = ami2(
        on("2024-05-06", "offer_declined", offer="WORK", receives_eb=True),
        on("2024-05-20", "offer_declined", offer="WORK", receives_eb=False),
        held("2024-06-01", "THREE_PARTY_DECLINED_OFFER", sequence=1),
    )
    guide = {"declined_offer.booker": "CAREER_GUIDE"}
    first, second = asked(one, "THREE_PARTY_DECLINED_OFFER", guide)
    assert (first.booker, first.mandatory, first.book_from, fate(first)) == (
        Role.CAREER_GUIDE, THREE, d("2024-05-06"), ("2024-06-01", None),
    )  # fmt: skip
    assert (second.booker, second.sequence, fate(second)) == (Role.PROVIDER, 2, (None, None))
    assert asked(one, "THREE_PARTY_DECLINED_OFFER")[0].booker is Role.PROVIDER


@pytest.mark.rule("AMI-8.1-e")
def test_an_extra_meeting_is_before_the_ordinary_one_and_only_if_the_career_guide_wants_it() -> None:
    review = {"month": 2, "outcome": "EXTRA_MEETING"}
    one = ami2(
        on("2024-05-10", "deviation_reviewed", month=1, outcome="WAIT_FOR_ORDINARY"),
        on("2024-05-20", "deviation_reviewed", **review),
    )
    (need,) = asked(one, "THREE_PARTY_EXTRA")
    assert (need.booker, need.book_from, need.hold_by) == (Role.CAREER_GUIDE, d("2024-05-20"), d("2024-06-15"))
    met = ami2(on("2024-05-20", "deviation_reviewed", **review), held("2024-06-03", "THREE_PARTY_EXTRA"))
    assert fate(asked(met, "THREE_PARTY_EXTRA")[0]) == ("2024-06-03", None)


@pytest.mark.rule("LOKA-23")
def test_a_meeting_is_booked_before_each_self_assessment_where_bip_is_used() -> None:
    one = ami2(on("2024-04-04", "bip_assessed"))
    assert [days(need)[:2] for need in asked(one, "BIP")] == [
        ("2024-07-04", "2024-06-06"), ("2024-10-04", "2024-09-06"), ("2025-01-04", "2024-12-07"),
    ]  # fmt: skip
    assert asked(one, "BIP", municipality="kramfors") == []


@pytest.mark.rule("AF-SOM-22")
def test_guidance_is_asked_for_in_each_period_until_two_hours_are_reached() -> None:
    talk = {"channel": "IN_PERSON", "individual": True, "place": "SUPPLIER_PREMISES"}
    one = case(
        "SOM_1",
        on("2024-03-01", "decided"),
        on("2024-03-01", "provider_chosen", provider="alfa"),
        on("2024-03-01", "accepted"),
        on("2024-03-04", "started"),
        on("2024-03-20", "contact", minutes=119, **talk),
    )
    (need,) = asked(one, "SYV", day="2024-04-01")
    assert days(need) == ("2024-06-01", "2024-03-04", None, "2024-06-01") and need.met_on is None
    more = one.having([*one.facts, *case("SOM_1", on("2024-04-10", "contact", minutes=1, **talk)).facts])
    assert fate(asked(more, "SYV", day="2024-04-11")[0]) == ("2024-04-10", None)
    # it is the minutes that meet it, not that a meeting was held
    meeting = one.having([*one.facts, *case("SOM_1", held("2024-03-20", "SYV", sequence=1)).facts])
    assert fate(asked(meeting, "SYV", day="2024-04-11")[0]) == (None, None)


@pytest.mark.rule("AMI-2.2-a", "AMI-2.2-b")
def test_a_provider_that_asks_for_the_coordinator_makes_the_guide_meet_the_coordinator() -> None:
    one = ami2(on("2024-05-02", "coordinator_requested"))
    (need,) = asked(one, "AF_COORDINATOR")
    assert need.booker is Role.CAREER_GUIDE
    assert [role.value for role in need.mandatory] == ["CAREER_GUIDE", "AF_COORDINATOR"]
    brokered = ami2(on("2024-05-02", "coordinator_requested"), on("2024-05-09", "coordinator_brokered"))
    assert fate(asked(brokered, "AF_COORDINATOR")[0]) == ("2024-05-09", None)


# --- time ------------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-8.2-b")
def test_a_need_is_looked_at_again_when_it_is_listed_late_to_book_and_late_to_hold() -> None:
    (need,) = asked(ami2(), "FOLLOWUP_AMI2_M3")
    seen, day = [], d("2024-04-01")
    while (change := need.changes_after(day)) is not None:
        seen.append(change.isoformat())
        day = change
    assert seen == ["2024-05-18", "2024-06-02", "2024-06-30"]
    assert [need.listed(d(one)) for one in ("2024-05-17", "2024-05-18")] == [False, True]


def test_what_was_met_before_it_would_have_been_listed_never_was_a_meeting() -> None:
    (need,) = asked(ami2(held("2024-05-10", "FOLLOWUP_AMI2_M3")), "FOLLOWUP_AMI2_M3")
    assert not need.listed(d("2024-07-01"))
    assert need.changes_after(d("2024-05-20")) is None


@pytest.mark.rule("AMI-7.2-a", "AMI-8.2-a", "AF-SOM-22")
def test_a_follow_up_or_guidance_belongs_to_its_programme_and_every_other_meeting_to_all() -> None:
    fits = {kind.value: {one.value for one in Programme if suits(kind, one)} for kind in MeetingKind}
    assert fits["FOLLOWUP_AMI1_D45"] == {"AMI_1"} and fits["FOLLOWUP_AMI2_M9"] == {"AMI_2"}
    assert fits["SYV"] == {"SOM_1", "SOM_2", "SOM_3", "SOM_4"}
    assert fits["WEEKLY_CONTACT"] == fits["START_UP"] == {one.value for one in Programme}
