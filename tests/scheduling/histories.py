"""Histories of an assignment as hypothesis draws them: possible orders of facts, with late knowledge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from kundval_contracts.case import Case
from tests.scheduling.builders import Row, case, d, on

FIRST = d("2024-03-01")

#: The alternative readings that obligations and notices depend on.
READINGS: dict[str, list[Any]] = {
    "ami1.length_unit": ["DAYS_90", "MONTHS_3"],
    "intervention.anchor": ["DECISION_DATE", "START_UP"],
    "month.unit": ["BY_PROGRAMME", "ANNIVERSARY", "CALENDAR", "DAYS_30"],
    "end_date.convention": ["EXCLUSIVE", "INCLUSIVE_BEFORE", "INCLUSIVE_COUNTS"],
    "ami2.followup.anchor": ["DECISION_DATE", "START_UP"],
    "ami2.final_meeting.cap": ["LAST_COVERED_DAY", "NONE"],
    "followup.tolerance_days": [14, 0, 30],
    "booking_lead_days": [14, 0],
    "ami2.placement.deadline": ["P28D", "P1M"],
    "plan.anchor": ["STARTUP", "DECISION_DATE", "ACCEPTANCE"],
    "contact.week_model": ["ISO", "ROLLING_7"],
    "contact.min_per_week": [1, 2],
    "jobsearch.month_unit": ["FEE_UNIT", "CALENDAR_PRO_RATA", "CALENDAR_WHOLE"],
    "sustainability.comparison": ["GTE", "GT"],
    "exit_date.basis": ["INTERVENTION_END", "FIRST_DAY"],
    "declined_offer.booker": ["PROVIDER", "CAREER_GUIDE"],
    "hours_trigger": ["PROVIDER_JUDGEMENT", "TWO_WEEKS"],
    "prompt_notice.workdays": [1, 0, 3],
    "monthly_report.due_day": [None, 5],
    "bonus.claim_deadline_months": [None, 2],
    "workdays.calendar": ["WEEKDAYS", "SWEDISH"],
    "due_day.moves": [
        {},
        {"MAPPING_AND_PLAN": "NEXT_WORKDAY", "FOLLOWUP_MEETING": "PREVIOUS_WORKDAY", "BOOK_MEETING": "NEXT_WORKDAY"},
        {"FINAL_REPORT": "NEXT_WORKDAY", "SYV": "PREVIOUS_WORKDAY", "WEEKLY_CONTACT": "NEXT_WORKDAY"},
    ],
    "interest.followup_days": [None, 5],
    "som.minimum_tracks": [["SOM_1"], ["SOM_1", "SOM_2"]],
    "choice.days": [None, 10],
    "assignment.accept_days": [None, 5],
}

readings = st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in READINGS.items()})


def _iso(days: int) -> str:
    return (FIRST + timedelta(days=days)).isoformat()


@st.composite
def _events(draw: st.DrawFn, programme: str, first: int, last: int) -> list[Row]:
    """What can be told on days first..last of a run."""
    rows: list[Row] = []
    for _ in range(draw(st.integers(0, 6))):
        day = _iso(draw(st.integers(first, last)))
        month = draw(st.integers(1, 12))
        rows.append(
            draw(
                st.sampled_from(
                    [
                        on(day, "contact", party="CLIENT", channel="PHONE"),
                        on(day, "contact", party="WORKPLACE"),
                        on(day, "mapping_done"),
                        on(day, "plan_done"),
                        on(day, "study_guidance"),
                        on(day, "jobs_applied", count=12, month=month),
                        on(day, "placement_started", workplace="W1", hours_per_week="20"),
                        on(day, "placement_ended", workplace="W1"),
                        on(day, "hours_reported", hours_per_week="9.5"),
                        on(day, "offer_declined", offer="PRACTICE", receives_eb=True),
                        on(day, "guide_notified"),
                        on(day, "meeting_held", meeting="FOLLOWUP_AMI2_M3"),
                        on(day, "meeting_booked", meeting="FOLLOWUP_AMI1_D45"),
                        on(day, "meeting_held", meeting="THREE_PARTY_DECLINED_OFFER"),
                        on(day, "monthly_report", month=month, extent_pct=40),
                        on(day, "bip_assessed"),
                        on(day, "provider_switch", provider="beta", approved=True),
                        on(day, "placement_started", workplace="W2", hours_per_week="30", kind="PRACTICE"),
                        on(day, "interest_expressed", workplace="W1"),
                        *(_of_the_others(day) if programme in OTHERS else ()),
                    ]
                )
            )
        )
    return rows


#: Programmes beside AMI for which something is planned.
OTHERS = ("SOM_1", "SOM_2", "LOCAL")


def _of_the_others(day: str) -> list[Row]:
    """What is told in the employment service's programmes and in the municipality's own process."""
    meeting = {"minutes": 90, "individual": True, "place": "SUPPLIER_PREMISES"}
    return [
        on(day, "contact", channel="IN_PERSON", **meeting),
        on(day, "contact", channel="IN_PERSON", minutes=130, activity=True),
        on(day, "activity_planned", activity="cv_and_letter", category="EQUIP", hours_per_week="30"),
        on(day, "activity_ended", activity="cv_and_letter"),
        on(day, "extended"),
        on(day, "track_decided", programme="SOM_2"),
        on(day, "switch_notified", provider="beta"),
        on(day, "check_in"),
        on(day, "group_attendance", activity="job_search_group", session=day, attended=True),
    ]


@st.composite
def histories(draw: st.DrawFn, programmes: tuple[str, ...] = ("AMI_1", "AMI_2")) -> Case:
    """A case from its decision on, perhaps with exits, break-offs and resumptions; facts may be known late."""
    programme = draw(st.sampled_from(programmes))
    length = 85 if programme == "AMI_1" else 360
    day = draw(st.integers(0, 60))
    rows = [on(_iso(day), "decided"), on(_iso(day), "results_shown")]
    if programme not in ("AMI_1", "AMI_2") and draw(st.booleans()):
        rows.append(on(_iso(day), "referred", source="AF", commission_end=_iso(day + draw(st.integers(0, 300)))))
        rows.append(on(_iso(day + draw(st.integers(0, 400))), "commissioner_replied"))
    if draw(st.booleans()):
        rows[0]["end_date"] = _iso(day + draw(st.integers(20, 400)))
    rows.append(on(_iso(day), "provider_chosen", provider="alfa"))
    last = day + length
    if draw(st.integers(0, 9)):
        rows.append(on(_iso(day + 1), "accepted"))
    if draw(st.integers(0, 9)):
        day += draw(st.integers(1, 20))
        rows.append(on(_iso(day), "started"))
        for _ in range(draw(st.integers(0, 2))):
            stop = draw(st.integers(day, last))
            rows += draw(_events(programme, day, stop))
            rows.append(
                on(
                    _iso(stop),
                    "exited",
                    kind=draw(st.sampled_from(["WORK_FULL_TIME", "STUDY_MIN_HALF_TIME", "OWN_BUSINESS"])),
                    first_day=_iso(stop + draw(st.sampled_from([0, 0, 3]))),
                    extent_pct=100,
                    workplace="W1",
                    documents=draw(st.sampled_from([[], ["FINAL_REPORT", "EMPLOYMENT_CONTRACT"]])),
                )
            )
            for month in draw(st.lists(st.integers(1, 12), max_size=3)):
                report = _iso(stop + draw(st.integers(1, 200)))
                rows.append(on(report, "premium_follow_up", month=month, continues=draw(st.booleans())))
            if draw(st.booleans()):
                rows.append(on(_iso(stop + draw(st.integers(184, 260))), "bonus_claimed", certified=True))
            broken = stop + draw(st.integers(1, 250))
            if broken >= last - 1 or draw(st.booleans()):
                break
            rows.append(on(_iso(broken), "broke_off"))
            if draw(st.booleans()):
                break
            day = draw(st.integers(broken, last - 1))
            rows.append(on(_iso(day), "resumed", provider="beta"))
        else:
            rows += draw(_events(programme, day, last))
    for row in rows:
        if not draw(st.integers(0, 5)):
            row["known_on"] = (d(row["on"]) + timedelta(days=draw(st.integers(0, 40)))).isoformat()
    return case(programme, *rows)
