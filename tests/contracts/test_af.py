"""What the employment service sends, read: its quirks, its unknowns, and what is not XML at all."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_contracts.af import categories, decisions, documents, forms, orders, ssbtek, status, xml
from kundval_contracts.codes import (
    AfAgency,
    AfErrorSource,
    AfFault,
    AfOrderOutcome,
    CategoryScheme,
    EmploymentForm,
    FactKind,
    JobseekerCategory,
    Programme,
    SubsidyStepKind,
)
from kundval_contracts.errors import InvalidRequest
from kundval_contracts.facts import Fact

from . import af_samples as s

TODAY = date(2024, 3, 15)
FORMS = forms.load()


def read(document: bytes, number: str | None = s.NUMBER) -> status.JobseekerStatus:
    return ssbtek.read_answer(document, as_of=TODAY, number=number)


def code_of(document: bytes, number: str | None = s.NUMBER) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read(document, number)
    assert s.QUOTED.split()[1] not in str(caught.value)
    return caught.value.code


# --- answers -------------------------------------------------------------------------------------------


@pytest.mark.rule("AMI-1.3.2-a")
def test_an_answer_with_its_quirks_becomes_a_status() -> None:
    found = read(s.answer(s.af(None, s.decision()), s.failed("FK"), s.failed("CSN", "SSBT", "503")))
    assert found == status.JobseekerStatus(
        as_of=TODAY,
        registered=True,
        registered_since=date(2023, 11, 18),
        category=categories.Category(CategoryScheme.AF, "11", JobseekerCategory.OPENLY_UNEMPLOYED),
        extent_pct=75,
        activity_report_on=date(2024, 2, 10),
        compensations=(status.Compensation("AKT", 100, date(2024, 1, 1), date(2024, 4, 1)),),
        status_code="0",
        faults=(
            status.AgencyFault(AfAgency.FK, AfErrorSource.BT, "17"),
            status.AgencyFault(AfAgency.CSN, AfErrorSource.SSBT, "503"),
        ),
    )
    wire = status.SCHEMA.dump(found)
    assert status.SCHEMA.load(json.loads(json.dumps(wire))) == found
    assert not any(word in json.dumps(wire) for word in (s.NUMBER, "Testpersson", "1212", "Testkassan"))


@pytest.mark.parametrize("spelling", ["AktivetetsRapportDatum", "AktivitetsRapportDatum", "AKTIVITETSRAPPORTDATUM"])
def test_the_misspelt_name_is_read_and_so_is_the_right_one(spelling: str) -> None:
    assert read(s.answer(s.af(s.info(spelling)))).activity_report_on == date(2024, 2, 10)


def test_prefixes_namespaces_and_an_answer_without_envelope_make_no_difference() -> None:
    plain = read(s.answer(soap=False))
    spelt = s.answer().decode().replace("<AF>", '<x:AF xmlns:x="urn:other">').replace("</AF>", "</x:AF>")
    old = spelt.replace("<Svar>", '<Svar xmlns="urn:af:10">')
    assert read(spelt.encode()) == read(old.encode()) == plain
    assert read(s.answer().decode().replace("UTF-8", "ISO-8859-1").encode("iso-8859-1")) == plain


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Arbetssokande": None}, "registered"),
        ({"Arbetssokande": "kanske"}, "registered"),
        ({"Registrerad": "i våras"}, "registered_since"),
        ({"Omfattning": "ganska mycket"}, "extent_pct"),
        ({"Avaktualiserad": "31 februari"}, "deregistered_on"),
    ],
)
def test_what_is_missing_or_cannot_be_read_is_named_and_nothing_else_suffers(
    change: dict[str, Any], field: str
) -> None:
    found = read(s.answer(s.af(s.info(**change))))
    assert (getattr(found, field), found.unread) == (None, (field,))
    assert found.category is not None


def test_a_missing_mark_is_no_statement_that_nobody_is_protected() -> None:
    assert read(s.answer(s.af(mark=None))).unread == ("protected",)
    assert read(s.answer(s.af(mark="true"))).protected is True


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2016-11-18+01:00", date(2016, 11, 18)),
        ("2016-11-18Z", date(2016, 11, 18)),
        ("20161118", date(2016, 11, 18)),
        ("2016-11-17T23:00:00Z", date(2016, 11, 18)),
        ("2016-11-17T22:59:59Z", date(2016, 11, 17)),
        ("2016-07-17T22:00:00+00:00", date(2016, 7, 18)),
        ("0001-01-01", None),
        ("9999-12-31", None),
        ("2023-02-29", None),
        ("18/11 2016", None),
    ],
)
def test_dates_as_the_agencies_write_them(written: str, day: date | None) -> None:
    assert xml.day(written) == day


def test_a_decision_until_further_notice_has_no_end_and_one_backwards_covers_nothing() -> None:
    found = read(s.answer(s.af(None, s.decision(last="9999-12-31"), s.decision(since="2024-05-01")))).compensations
    assert [(one.since, one.to) for one in found] == [(date(2024, 1, 1), None), (None, None)]
    assert found[0].on(date(2190, 1, 1)) and not found[1].on(TODAY)


def test_a_decision_covers_its_first_and_last_day_and_no_other() -> None:
    (one,) = read(s.answer(s.af(None, s.decision()))).compensations
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2024, 3, 31), date(2024, 4, 1)]
    assert [one.on(day) for day in days] == [False, True, True, False]


@pytest.mark.rule("AMI-1.3.2-a")
def test_registered_from_the_first_day_until_before_the_day_of_deregistration() -> None:
    found = read(s.answer(s.af(s.info(Avaktualiserad="2024-03-15"))))
    days = [date(2023, 11, 17), date(2023, 11, 18), date(2024, 3, 14), date(2024, 3, 15), date(2024, 3, 16)]
    assert [found.registered_on(day) for day in days] == [False, True, True, False, False]
    assert read(s.answer(s.af(s.info(Arbetssokande="false")))).registered_on(TODAY) is False
    assert read(s.answer(s.af(s.info(Arbetssokande=None)))).registered_on(TODAY) is None
    assert read(s.answer(s.af(s.info(Avaktualiserad="false")))).deregistered_on is None


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (s.answer(s.failed("AF"), s.failed("FK")), AfFault.AF_FAILED),
        (s.answer(s.failed("FK")), AfFault.NO_AF_PART),
        (s.FAULT, AfFault.SOAP_FAULT),
        (b"<html><body>Service unavailable</body></html>", AfFault.NOT_AN_ANSWER),
        (b'<s:Envelope xmlns:s="x"><s:Body/></s:Envelope>', AfFault.NOT_AN_ANSWER),
        (s.answer(number=s.OTHER_NUMBER), AfFault.OTHER_PERSON),
        (b"", AfFault.NOT_XML),
        (s.answer()[:-30], AfFault.NOT_XML),
    ],
)
def test_what_is_no_answer_of_the_employment_service_is_a_typed_fault(document: bytes, code: AfFault) -> None:
    assert code_of(document) == code


def test_a_number_written_otherwise_is_the_same_person() -> None:
    assert read(s.answer(number=f"{s.NUMBER[2:8]}-{s.NUMBER[8:]}")).registered is True


def test_a_code_that_could_be_a_number_of_somebody_is_not_taken() -> None:
    found = read(s.answer(s.af(), s.failed("FK", code=s.NUMBER), s.failed("PM", "?", "E 404")))
    assert [one.code for one in found.faults] == [None, "E_404"]
    assert found.faults[1].source is AfErrorSource.UNKNOWN


# --- XML that does harm --------------------------------------------------------------------------------

BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Svar>&c;</Svar>"""
OUTSIDE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Svar>&x;</Svar>'


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (BOMB, AfFault.FORBIDDEN_XML),
        (OUTSIDE, AfFault.FORBIDDEN_XML),
        (b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><Svar/>', AfFault.FORBIDDEN_XML),
        (BOMB.decode().encode("utf-16"), AfFault.FORBIDDEN_XML),
        (b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4APA-Svar/+AD4-', AfFault.FORBIDDEN_XML),
        (b"<Svar>&unknown;</Svar>", AfFault.NOT_XML),
        (b"<a>" * 60 + b"</a>" * 60, AfFault.TOO_DEEP),
        (b"<a>" * 100_000, AfFault.NOT_XML),
        (b"<a>" + b"<b/>" * 30_000 + b"</a>", AfFault.TOO_LARGE),
        (b"<a>" + b"x" * xml.LARGEST + b"</a>", AfFault.TOO_LARGE),
    ],
)
def test_harmful_xml_is_refused_before_it_grows(document: bytes, code: AfFault) -> None:
    with pytest.raises(InvalidRequest) as caught:
        xml.parse(document)
    assert caught.value.code == code


# --- categories ----------------------------------------------------------------------------------------

ROWS = categories.read_rows(
    [
        {"scheme": "AF", "code": "68", "meaning": "HINDERED", "valid_to": date(2018, 1, 1)},
        {"scheme": "AF", "code": "68", "meaning": "ESTABLISHMENT", "valid_from": date(2018, 1, 1)},
        {
            "scheme": "AF",
            "code": "71",
            "meaning": "HOURLY",
            "valid_from": date(2020, 1, 1),
            "valid_to": date(2021, 1, 1),
        },
    ]
)


def meaning(said: str, on: date = TODAY, rows: Any = None, scheme: CategoryScheme = CategoryScheme.AF) -> str:
    found = categories.find(said, on, scheme, rows)
    assert found is not None
    return found.meaning


def test_a_category_is_known_by_scheme_code_and_day() -> None:
    days = [date(2017, 12, 31), date(2018, 1, 1), date(2018, 1, 2)]
    assert [meaning("68", day, ROWS) for day in days] == ["HINDERED", "ESTABLISHMENT", "ESTABLISHMENT"]
    edges = [date(2019, 12, 31), date(2020, 1, 1), date(2020, 12, 31), date(2021, 1, 1)]
    assert [meaning("71", day, ROWS) for day in edges] == ["UNKNOWN", "HOURLY", "HOURLY", "UNKNOWN"]
    assert meaning("1", scheme=CategoryScheme.JOBTECH) == "OPENLY_UNEMPLOYED"
    assert (meaning("45"), meaning("45", scheme=CategoryScheme.JOBTECH)) == ("UNKNOWN", "JOB_AND_DEVELOPMENT_GUARANTEE")


@pytest.mark.parametrize(
    ("said", "code", "known"),
    [
        ("11", "11", "OPENLY_UNEMPLOYED"),
        ("011", "11", "OPENLY_UNEMPLOYED"),
        ("11 - Öppet arbetslös", "11", "OPENLY_UNEMPLOYED"),
        ("Jobb-  och UTVECKLINGSGARANTIN", "70", "JOB_AND_DEVELOPMENT_GUARANTEE"),
        ("97", "97", "DECISION_STATE"),
        ("58", "58", "UNKNOWN"),
        ("något helt annat", None, "UNKNOWN"),
    ],
)
def test_a_category_comes_as_a_number_as_words_or_as_both(said: str, code: str | None, known: str) -> None:
    found = categories.find(said, TODAY)
    assert found is not None
    assert (found.code, found.meaning) == (code, known)
    assert found.text == (said if known == "UNKNOWN" else None)


def test_no_category_is_none_and_overlapping_periods_are_no_data() -> None:
    assert categories.find("  ", TODAY) is categories.find(None, TODAY) is None
    with pytest.raises(ValueError, match="twice"):
        categories.read_rows([{"scheme": "AF", "code": "1", "meaning": "HOURLY"}] * 2)


# --- orders --------------------------------------------------------------------------------------------


def order(number: str = "900100", **changes: Any) -> orders.Order:
    made: dict[str, Any] = {
        "order": number,
        "state": "DEFINITIV",
        "service": "SOM",
        "track": "2",
        "order_from": date(2024, 3, 4),
        "order_to": date(2024, 6, 2),
        "intervention_from": date(2024, 3, 4),
        "intervention_to": date(2024, 8, 31),
    }
    return orders.Order(**{**made, **changes})


def facts(*given: orders.Order, registered: Programme = Programme.SOM_2) -> list[tuple[str, date]]:
    (chain,) = orders.chains(given, FORMS)
    return [(one.kind.value, one.on) for one in orders.facts_of(chain, registered, FORMS)]


def test_an_order_is_read_with_half_open_periods() -> None:
    ((number, found),) = documents.read_orders(s.orders(s.order()))
    assert number == s.NUMBER
    assert (found.order_from, found.order_to) == (date(2024, 3, 4), date(2024, 6, 2))
    assert (found.intervention_from, found.intervention_to) == (date(2024, 3, 4), date(2024, 8, 31))
    assert (found.participation_pct, found.sfi_hours, found.language) == (75, 15, "so")
    assert (found.diary, found.unit, found.state) == ("Af-2024/0012_3456", "10012345", "DEFINITIV")
    assert orders.SCHEMA.load(orders.SCHEMA.dump(found)) == found


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"Ordernummer": None}, "orders[0].order", AfFault.FIELD_MISSING),
        ({"Personnummer": None}, "orders[0].identity_number", AfFault.FIELD_MISSING),
        ({"OrderSlut": "snart"}, "orders[0].order_to", AfFault.FIELD_WRONG),
        ({"OrderSlut": "2024-03-03"}, "orders[0].order_to", AfFault.FIELD_WRONG),
        ({"BokadSFI": "många"}, "orders[0].sfi_hours", AfFault.FIELD_WRONG),
        ({"Deltagandegrad": "175"}, "orders[0].participation_pct", AfFault.FIELD_WRONG),
        ({"TidigareOrdernummer": "900100"}, "orders[0].former_order", AfFault.FIELD_WRONG),
    ],
)
def test_an_order_that_cannot_be_right_names_the_field(change: dict[str, Any], path: str, code: AfFault) -> None:
    with pytest.raises(InvalidRequest) as caught:
        documents.read_orders(s.orders(s.order(**change)))
    assert (caught.value.code, caught.value.faults[0]["path"]) == (code, path)


@pytest.mark.rule("LOKA-5")
def test_an_order_refers_until_its_last_day_with_a_question() -> None:
    (due,) = orders.facts_of([order()], Programme.SOM_2, FORMS)
    assert (due.kind, due.on) == (FactKind.REFERRED, date(2024, 3, 4))
    assert due.data["commission_end"] == date(2024, 8, 30)
    assert due.data["commission_question"]
    assert facts(order(state="PRELIMINAR")) == []


@pytest.mark.rule("AF-SOM-8")
def test_another_track_is_a_decision_from_the_day_on_which_its_order_begins() -> None:
    later = order("900200", track="3", former_order="900100", order_from=date(2024, 4, 1), order_to=date(2024, 6, 2))
    assert facts(order(), later) == [("referred", date(2024, 3, 4)), ("track_decided", date(2024, 4, 1))]
    # whichever of them the assignment was registered with
    kinds = facts(order(), later, registered=Programme.SOM_3)
    assert kinds == [
        ("referred", date(2024, 3, 4)),
        ("track_decided", date(2024, 3, 4)),
        ("track_decided", date(2024, 4, 1)),
    ]


@pytest.mark.rule("AF-SOM-7")
@pytest.mark.parametrize(("start", "extends"), [(1, False), (2, True), (3, True)])
def test_a_later_period_of_stod_och_matchning_extends(start: int, extends: bool) -> None:
    day = date(2024, 6, start)
    later = order("900200", former_order="900100", order_from=day, order_to=day + timedelta(90))
    assert ("extended", day) in facts(order(), later) or not extends
    assert (("extended", day) in facts(order(), later)) is extends


def test_rusta_och_matcha_is_a_programme_of_its_own_and_another_chain() -> None:
    other = order(
        "900300",
        service="RUM",
        track="B",
        former_order="900100",
        order_from=date(2024, 9, 1),
        order_to=date(2025, 9, 1),
    )
    first, second = orders.chains([other, order()], FORMS)
    assert ([one.order for one in first], [one.order for one in second]) == (["900100"], ["900300"])
    assert orders.programme_of(other, FORMS) is Programme.RUM_B


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"service": "XYZ"}, AfFault.UNKNOWN_SERVICE),
        ({"track": "9"}, AfFault.UNKNOWN_TRACK),
        ({"state": "PAUSAD"}, AfFault.UNKNOWN_STATE),
        ({}, None),
    ],
)
def test_codes_that_nobody_knows_are_a_typed_fault(change: dict[str, Any], fault: AfFault | None) -> None:
    assert orders.fault_of(order(**change), FORMS) is fault


@pytest.mark.parametrize(
    ("state", "before", "after"),
    [
        ("PRELIMINAR", "EXPECTED", "EXPECTED"),
        ("DEFINITIV", "REFERRED", "REFERRED"),
        ("LEVERERAD", "REFERRED", "REFERRED"),
        ("KLAR", "REFERRED", "REFERRED"),
        ("AVBRUTEN", "TO_A_PERSON", "TO_A_PERSON"),
        ("AVBRUTEN_KLAR", "TO_A_PERSON", "TO_A_PERSON"),
        ("MAKULERAD", "CANCELLED", "TO_A_PERSON"),
    ],
)
def test_what_comes_of_an_order_before_and_after_the_decision(state: str, before: str, after: str) -> None:
    one = order(state=state)
    assert [orders.outcome_of(one, decided=decided) for decided in (False, True)] == [
        AfOrderOutcome(before),
        AfOrderOutcome(after),
    ]


def test_a_cancelled_order_takes_its_referral_back() -> None:
    assert facts(order(state="MAKULERAD")) == [("rejected", date(2024, 3, 4))]
    # one that is left goes on
    later = order("900200", former_order="900100", order_from=date(2024, 6, 2), order_to=date(2024, 8, 31))
    assert facts(order(state="MAKULERAD"), later) == [("referred", date(2024, 6, 2))]


@st.composite
def histories(draw: st.DrawFn) -> list[orders.Order]:
    """Versions of a few orders that follow one another."""
    made: list[orders.Order] = []
    for number in range(draw(st.integers(1, 4))):
        start = date(2024, 3, 4) + timedelta(days=draw(st.integers(0, 200)))
        for _ in range(draw(st.integers(1, 3))):
            made.append(
                order(
                    f"9{number}",
                    state=draw(st.sampled_from(["PRELIMINAR", "DEFINITIV", "KLAR", "AVBRUTEN", "MAKULERAD"])),
                    track=draw(st.sampled_from("1234")),
                    former_order=f"9{number - 1}" if number and draw(st.booleans()) else None,
                    order_from=start,
                    order_to=start + timedelta(days=draw(st.integers(1, 120))),
                )
            )
    return made


@given(histories(), st.randoms(use_true_random=False))
def test_orders_come_to_the_same_in_any_order_and_however_often(
    made: list[orders.Order], chance: random.Random
) -> None:
    shuffled = [*made, *chance.sample(made, len(made))]
    chance.shuffle(shuffled)

    def all_facts(given: list[orders.Order]) -> list[Any]:
        return [orders.facts_of(chain, Programme.SOM_1, FORMS) for chain in orders.chains(given, FORMS)]

    assert all_facts(shuffled) == all_facts(made)


def test_a_deployments_own_codes_go_over_ours(tmp_path: Any) -> None:
    own = tmp_path / "codes.toml"
    own.write_text('[services.STOM]\nS1 = "SOM_1"\n[elements]\norder = ["Nr"]\n')
    mine = forms.load(own)
    assert orders.programme_of(order(service="STOM", track="S1"), mine) is Programme.SOM_1
    assert orders.programme_of(order(), mine) is Programme.SOM_2
    assert documents.read_orders(s.orders(s.order(Ordernummer=None, Nr="7")), mine)[0][1].order == "7"
    for wrong in (
        '[services]\nX = "SOM_1"',
        "[nothing]\na = 1",
        '[elements]\nnobody = ["x"]',
        "=",
        '[services.X]\n1 = "NO"',
    ):
        own.write_text(wrong)
        with pytest.raises(ValueError):
            forms.load(own)


# --- decisions -----------------------------------------------------------------------------------------


@pytest.mark.rule("LOKA-36", "AMI-6.1-a")
def test_a_decision_on_a_subsidy_is_a_step_with_the_days_for_which_it_holds() -> None:
    ((assignment, found),) = documents.read_decisions(s.subsidy())
    due = decisions.fact_of(found, [])
    assert (assignment, due.kind, due.on) == ("A-1", FactKind.SUBSIDY_STEP, date(2024, 5, 2))
    assert due.data == {
        "subsidy": "LB-1",
        "step": SubsidyStepKind.AF_DECIDED,
        "granted": True,
        "form": EmploymentForm.SHELTERED_PUBLIC,
        "valid_from": date(2024, 5, 10),
        "valid_to": date(2024, 11, 10),
    }
    assert decisions.SCHEMA.load(decisions.SCHEMA.dump(found)) == found


@pytest.mark.rule("LOKA-37")
def test_a_decision_decides_the_only_case_that_waits_for_one() -> None:
    def enquired(case: str) -> Fact:
        data = {"subsidy": case, "step": SubsidyStepKind.ENQUIRED}
        return Fact(case, FactKind.SUBSIDY_STEP, TODAY, TODAY, 0, data)

    ((_, found),) = documents.read_decisions(s.subsidy())
    assert decisions.fact_of(found, [enquired("case-1")]).data["subsidy"] == "case-1"
    assert decisions.fact_of(found, [enquired("case-1"), enquired("case-2")]).data["subsidy"] == "LB-1"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"BeslutId": None}, "decisions[0].decision"),
        ({"Beviljat": "vet inte"}, "decisions[0].granted"),
        ({"BeslutFrom": None}, "decisions[0].valid_from"),
        ({"BeslutTom": "2024-05-09"}, "decisions[0].valid_to"),
        ({"Beslutsdatum": "x"}, "decisions[0].decided_on"),
    ],
)
def test_a_decision_that_cannot_be_right_names_the_field(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        documents.read_decisions(s.subsidy(**change))
    assert caught.value.faults[0]["path"] == path


# --- whatever comes ------------------------------------------------------------------------------------

_ELEMENTS = """
Svar AF ArbetssokandeInfo Arbetssokande Registrerad ArbetssokandeSKAT Omfattning Beslut BeslutInfo
BeslutFrom BeslutTom error kalla felkod Delorder Ordernummer Status Tjanstekod Sparkod OrderStart
OrderSlut Personnummer Stodbeslut Envelope Body Fault
"""
_NAMES = st.sampled_from(_ELEMENTS.split())
_TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="<&"), max_size=30),
    st.sampled_from(["true", "11", "2024-01-01+01:00", "9999-12-31", s.NUMBER, "-1", "1" * 400, "DEFINITIV"]),
)


@st.composite
def trees(draw: st.DrawFn, depth: int = 0) -> str:
    name = draw(_NAMES)
    few = 0 if depth > 4 else draw(st.integers(0, 4))
    inner = "".join(draw(trees(depth + 1)) for _ in range(few)) if few else draw(_TEXTS)
    return f"<{name}>{inner}</{name}>"


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good document with a few bytes changed, left out, doubled or put in."""
    base = draw(
        st.sampled_from([s.answer(s.af(None, s.decision()), s.failed()), s.orders(s.order(), s.order()), s.subsidy()])
    )
    data = bytearray(base)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data) - 1))
        to = min(len(data), at + draw(st.integers(1, 40)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at] = draw(st.integers(0, 255))
            case 1 if len(data) > to - at:
                del data[at:to]
            case 2:
                data[at:at] = data[at:to]
            case _:
                data[at:at] = draw(st.sampled_from([b"<!DOCTYPE a>", b"&x;", b"<![CDATA[", b"\0", b"<a>", b"</Svar>"]))
    return bytes(data)


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=200), trees().map(str.encode), mutated()))
def test_whatever_comes_is_read_or_is_a_typed_fault(document: bytes) -> None:
    try:
        found = ssbtek.read_answer(document, as_of=TODAY, number=s.NUMBER)
    except InvalidRequest as error:
        assert error.code in set(AfFault)
    else:
        assert status.SCHEMA.load(status.SCHEMA.dump(found)) == found
        assert s.NUMBER not in json.dumps({**status.SCHEMA.dump(found), "category": None})
    for reader, schema in ((documents.read_orders, orders.SCHEMA), (documents.read_decisions, decisions.SCHEMA)):
        try:
            rows: list[Any] = reader(document)
        except InvalidRequest as error:
            assert error.code in set(AfFault)
        else:
            assert all(schema.load(schema.dump(one)) == one for _, one in rows)


def test_of_orders_inside_one_another_the_innermost_count_however_many_there_are() -> None:
    # not held against one another: a document as large as may be would take minutes
    many = [s.order(Ordernummer=str(number)) for number in range(700)]
    read_ = documents.read_orders(f"<Order>{s.orders(*many).decode()}</Order>".encode())
    assert [order.order for _, order in read_] == [str(number) for number in range(700)]
