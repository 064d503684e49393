"""Every krona derives itself: trees that recompute, conditions that do not contradict, words in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import kundval_billing.domain
from kundval_billing.domain import lines, settle
from kundval_billing.domain.conditions import LADDERS, conditions
from kundval_billing.domain.explain import MATTERS, Learned, Tree, taken_back_by, tree_of_line, tree_of_posting
from kundval_billing.explanations.deliver import of_line
from kundval_billing.explanations.forms import page, render
from kundval_billing.explanations.tell import Viewer, told
from kundval_billing.explanations.words import TABLES, VALUES, words_of
from kundval_chassis.html import read_words
from kundval_contracts import exits, som, timeline
from kundval_contracts.answer import Line, recompute_tree
from kundval_contracts.calendar import add_days
from kundval_contracts.case import Case
from kundval_contracts.codes import ConditionMet, FactKind, LineKind, LineStatus
from kundval_contracts.facts import FREE_TEXT, Fact
from kundval_contracts.phrases import LANGUAGES, PHRASES, say
from kundval_contracts.rules import register, source_of, title_of

from . import af
from .builders import ami1, ami2, claim, d, exited, follow_ups, jobbpeng, line_of, lines_of, on, play, tenant
from .strategies import FAR, cases, readings

STAFF = Viewer()
ALFA = Viewer("alfa")
SOME = settings(max_examples=60, deadline=None)
Json = dict[str, Any]


def facts_of(case: Case) -> dict[str, Fact]:
    return {fact.id: fact for fact in case.facts}


def tell(case: Case, line: Line, lang: str = "en", viewer: Viewer = STAFF) -> Json:
    tree = told(tree_of_line(line, facts_of(case)), words_of(lang), viewer)
    return dict(json.loads(json.dumps(tree)))


# --- the tree recomputes ------------------------------------------------------------------------------


@pytest.mark.slow
@SOME
@given(cases(), readings())
def test_the_json_of_every_line_alone_recomputes_to_its_amount_and_its_last_condition_decides(
    case: Case, chosen: dict[str, Any]
) -> None:
    terms = tenant(chosen)
    for day in (add_days(case.facts[0].on, 200), FAR):
        for line in lines(case.known_by(day), terms, day):
            tree = tell(case, line)
            assert recompute_tree(tree) == line.amount == Decimal(tree["amount"])
            last = conditions(line)[-1]
            assert (last.met is ConditionMet.MET) == (line.status is LineStatus.PAYABLE)
            assert (last.met is ConditionMet.NOT_MET) <= (line.status in (LineStatus.REFUSED, LineStatus.STOPPED))
            assert all(one.met is ConditionMet.MET for one in conditions(line)[:-1])


@pytest.mark.slow
@SOME
@given(cases(), readings())
def test_the_json_of_every_posting_recomputes_and_so_does_the_one_that_it_takes_back(
    case: Case, chosen: dict[str, Any]
) -> None:
    terms, ledger = tenant(chosen), []
    first = case.facts[0].on
    for run in (add_days(first, 150), add_days(first, 400), FAR):
        ledger += settle(ledger, lines(case.known_by(run), terms, run), run, terms)
    numbered = list(enumerate(ledger, 1))
    for number, posting in numbered:
        earlier = taken_back_by(numbered, number)
        assert (earlier is not None) == (posting.reverses is not None)
        before = tree_of_posting(ledger[earlier - 1], facts_of(case), entry=earlier) if earlier else None
        tree = told(tree_of_posting(posting, facts_of(case), entry=number, before=before), words_of("sv"), STAFF)
        assert recompute_tree(json.loads(json.dumps(tree))) == posting.amount
        if earlier:
            assert recompute_tree(tree["steps"][0]["posting"]) == -posting.amount


def test_a_posting_cannot_be_explained_by_one_of_another_amount() -> None:
    case = ami2(exited("2024-06-20"), *follow_ups([4, 5]))
    first, *_ = play(case, "2024-10-01")
    with pytest.raises(ValueError, match="exact negative"):
        tree_of_posting(first, {}, before=Tree(first, ()))


# --- worked example -----------------------------------------------------------------------------------


@pytest.mark.rule("AMI-10.2-e")
def test_a_bonus_is_derived_with_rule_source_facts_and_arithmetic_in_both_languages() -> None:
    case = ami2(exited("2024-06-20"), claim("2024-12-20"))
    line = line_of(case, "2025-01-01", "RESULT_BONUS")
    english = render(tell(case, line), "en")
    assert "Result bonus 1: A-001\n" in english
    assert "  Amount: SEK 20,000.00\n  Status: Payable\n  Payable from: 2024-12-20\n" in english
    assert "    AMI-10.2-e  AMI 2 tier 1: months 1–6 (Nacka provider routines §10.2)\n" in english
    assert "    Met: No break-off within the six months is known. [AMI-9-e]\n" in english
    assert "    + 20,000.00 = 20,000.00  highest result bonus\n" in english
    assert "    × 1 = 20,000.00  share for an exit in months 1 to 6 (exit in month 4)\n" in english
    assert "        Decision 2024-03-15\n" in english
    assert "    = SEK 20,000.00\n" in english
    swedish = render(tell(case, line, "sv"), "sv")
    assert "Resultatbonus 1: A-001\n" in swedish
    assert "  Belopp: 20 000,00 kr\n  Ställning: Kan betalas\n  Kan betalas från: 2024-12-20\n" in swedish
    assert "    AMI-10.2-e  AMI 2, nivå 1: månad 1–6 (Nackas rutiner för anordnare §10.2)\n" in swedish
    assert "    Uppfyllt: Inget avbrott inom de sex månaderna är känt. [AMI-9-e]\n" in swedish
    assert "        Beslut 2024-03-15\n" in swedish


@pytest.mark.rule("AMI-10.1-f")
def test_what_is_taken_back_names_the_run_the_earlier_derivation_and_the_fact_that_became_known() -> None:
    case = ami2(exited("2024-06-20"), *follow_ups([4, 5, 6]), on("2024-08-20", "broke_off"))
    (broken,) = case.of(FactKind.BROKE_OFF)
    late = replace(broken, known_on=d("2024-11-02"))
    case = case.having([*(fact for fact in case.facts if fact is not broken), late])
    ledger = play(case, "2024-10-01", "2024-12-02")
    numbered = list(enumerate(ledger, 1))
    (number, posting), *more = [(n, one) for n, one in numbered if one.reverses is not None]
    assert not more
    earlier = taken_back_by(numbered, number)
    assert earlier is not None
    before = tree_of_posting(ledger[earlier - 1], facts_of(case), entry=earlier)
    learned = [Learned(late, d("2024-11-04"))]
    tree = tree_of_posting(posting, facts_of(case), entry=number, before=before, learned=learned)
    text = render(told(tree, words_of("sv"), STAFF), "sv")
    assert "Bokföring 2024-12-02 av Snabbhetspremie 6: A-001" in text
    assert "  Återtar bokföringen: 2024-10-01\n" in text
    assert "  Vad som blev känt däremellan\n    Avbrott 2024-08-20, känt 2024-11-02; känt här 2024-11-04\n" in text
    assert "      Bokföringen som återtas (2024-10-01)\n" in text
    assert "        Belopp: 8 000,00 kr\n" in text
    assert text.rstrip().endswith("= −8 000,00 kr")


def test_the_conditions_end_with_what_decided_and_say_nothing_of_what_was_not_looked_at() -> None:
    case = ami2(
        exited("2024-06-20"),
        on("2024-08-20", "broke_off"),
        on("2024-09-01", "eb_paid", from_="2024-09-01", to="2024-10-01", scope="CLIENT"),
    )
    tree = tell(case, line_of(case, "2025-01-01", "RESULT_BONUS"))
    assert [(one["code"], one["met"]) for one in tree["conditions"]] == [
        ("condition.qualifies", "MET"),
        ("condition.in_time", "MET"),
        ("condition.unbroken", "NOT_MET"),
    ]


def test_every_sentence_that_a_ladder_names_is_a_sentence() -> None:
    for rungs in LADDERS.values():
        for rung in rungs:
            assert rung.code in PHRASES
            assert rung.refusing | rung.waiting <= set(PHRASES)
            assert rung.refusing or rung.waiting or rung is rungs[0]


def test_every_sentence_of_bonus_and_premium_that_does_not_pay_stands_on_a_ladder() -> None:
    for kind, prefix, paying in (
        (LineKind.RESULT_BONUS, "bonus.", {"bonus.due"}),
        (LineKind.SPEED_PREMIUM, "premium.", {"premium.confirmed"}),
    ):
        on_ladder = {code for rung in LADDERS[kind] for code in rung.refusing | rung.waiting}
        assert {code for code in PHRASES if code.startswith(prefix)} <= on_ladder | paying


# --- what a provider is shown -------------------------------------------------------------------------


def assisted() -> Case:
    return ami2(
        exited("2024-06-20", household_support=True, household_income_support=True),
        claim("2024-12-20"),
        on("2024-09-03", "eb_paid", from_="2024-09-03", to="2024-10-05", scope="HOUSEHOLD"),
        on("2024-12-22", "manual_decision", about="BONUS", approved=True, by="N. N.", reason="she was very ill"),
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_provider_learns_nothing_of_the_assistance_but_that_the_rule_was_not_kept(lang: str) -> None:
    case = assisted()
    line = line_of(case, "2025-01-01", "RESULT_BONUS", settings={"eb_test.work_scope": "HOUSEHOLD_MEMBER"})
    assert line.said is not None and line.said.code == "bonus.assisted"
    line = replace(line, facts=tuple(fact.id for fact in case.facts))
    tree = tree_of_line(line, facts_of(case))
    for form in (json.dumps(told(tree, words_of(lang), ALFA)), render(told(tree, words_of(lang), ALFA), lang),
                 page(told(tree, words_of(lang), ALFA), lang)):  # fmt: skip
        for secret in (
            "2024-09-03",
            "2024-10-05",
            "eb_paid",
            "HOUSEHOLD",
            "household_",
            "hushållet",
            "N. N.",
            "very ill",
        ):
            assert secret not in form, secret
    staff = json.dumps(told(tree, words_of(lang), STAFF))
    assert "2024-09-03" in staff
    assert "N. N." not in staff and "very ill" not in staff


def test_a_provider_is_told_of_the_facts_that_its_line_names_and_not_of_the_others() -> None:
    case = ami2(on("2024-06-01", "provider_switch", provider="beta", approved=True), exited("2024-08-20"))
    posting = play(case, "2024-07-01")[0]
    switch, exit_ = case.facts[-2:]
    learned = [Learned(switch, d("2024-06-01")), Learned(exit_, d("2024-08-20"))]
    posting = replace(posting, facts=(exit_.id,))
    tree = tree_of_posting(posting, facts_of(case), learned=learned)
    assert [one["id"] for one in told(tree, words_of("en"), ALFA)["learned"]] == [exit_.id]
    assert [one["id"] for one in told(tree, words_of("en"), STAFF)["learned"]] == [switch.id, exit_.id]


def test_another_providers_name_and_a_place_that_is_protected_are_left_out() -> None:
    case = ami2(on("2024-06-01", "provider_switch", provider="beta", approved=True), exited("2024-08-20"))
    line = replace(line_of(case, "2024-07-01", "MONTHLY_FEE"), facts=tuple(fact.id for fact in case.facts))
    assert "beta" not in json.dumps(tell(case, line, viewer=ALFA))
    hidden = json.dumps(tell(case, line, viewer=Viewer(hides_places=True)))
    assert not {"alfa", "beta", "W1"} & set(re.findall(r"\w+", hidden))


# --- words ----------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_words() -> None:
    swedish, english = (read_words("kundval_billing.explanations", lang) for lang in LANGUAGES)
    assert {name: set(table) for name, table in swedish.items()} == {
        name: set(table) for name, table in english.items()
    }


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("enum", [*TABLES, LineKind, ConditionMet])
def test_every_code_has_words(enum: type[StrEnum], lang: str) -> None:
    table = {**TABLES, LineKind: "line", ConditionMet: "met"}[enum]
    assert set(read_words("kundval_billing.explanations", lang)[table]) == {one.value for one in enum}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_fact_that_matters_and_its_fields_have_words(lang: str) -> None:
    words = read_words("kundval_billing.explanations", lang)
    assert set(words["fact"]) == {kind.value for kind in MATTERS}
    assert set(words["field"]) == {name for names in MATTERS.values() for name in names}
    for kind, names in MATTERS.items():
        assert not set(names) & set(FREE_TEXT.get(kind, ()))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_codes_in_a_sentence_are_told_in_words(lang: str) -> None:
    words = words_of(lang)
    assert "STUDY" not in words.sentence(say("bonus.documents", documents="STUDY_CERTIFICATE, CSN_GRANT"))
    inner = say("exit.kind", kind="WORK_UNDER_HALF_TIME")
    assert "WORK" not in words.sentence(say("posting.taken_back", why=inner))
    assert set(VALUES.values()) <= set(TABLES.values())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_lines_of_every_programme_are_told_without_a_code_and_with_their_tariff(lang: str) -> None:
    report = on("2021-08-01", "result_reported", amount="1234.50")
    others = [
        (af.som(exited("2021-03-29"), on("2021-04-02", "extended"), report), af.LATER),
        (af.som(on("2021-04-01", "track_decided", programme="SOM_3")), af.LATER),
        (af.rum(exited("2021-06-10"), on("2021-07-20", "broke_off")), af.LATER),
        (jobbpeng(), "2024-09-01"),
        (ami1(exited("2025-04-01", "WORK_UNDER_HALF_TIME", extent_pct=40)), "2025-12-01"),
        (assisted(), "2025-01-01"),
    ]
    told_of = set()
    for case, day in others:
        for line in lines_of(case, day):
            answer = of_line(line, case, tenant(), lang, "TEXT")
            assert not re.search(r"\b[A-Z]+_[A-Z]", answer["text"]), answer["text"]
            tree = of_line(line, case, tenant(), lang, "TREE")["tree"]
            assert tree["tariff"]["text"] in " ".join(answer["text"].split())
            assert recompute_tree(tree) == line.amount
            told_of.add(line.kind)
    assert told_of >= {LineKind.MONTHLY_FEE, LineKind.RESULT_BONUS, LineKind.BASE, LineKind.RESULT,
                       LineKind.SOM_SPEED_PREMIUM}  # fmt: skip


@pytest.mark.rule("NACKA-11")
def test_the_tariff_is_told_with_its_version_and_the_decision_that_locks_it() -> None:
    terms = tenant(tariffs=[
        {"valid_from": "2024-01-01", "AMI2_MONTHLY_FEE": 8100}, {"valid_from": "2024-06-01", "AMI2_MONTHLY_FEE": 8300},
    ])  # fmt: skip
    case = ami2()
    line = lines(case, terms, d("2024-09-01"))[-1]
    tariff = of_line(line, case, terms, "sv", "TREE")["tree"]["tariff"]
    assert (tariff["valid_from"], tariff["locked_on"]) == ("2024-01-01", "2024-03-15")
    assert tariff["text"] == (
        "AMI 2, gäller från 2024-01-01, låst 2024-03-15 (Nackas rutiner för anordnare, avsnitt 10.1)"
    )


def test_money_looks_at_no_fact_that_explanations_do_not_know() -> None:
    folder = Path(kundval_billing.domain.__file__).parent
    asked_of_time = {Path(module.__file__) for module in (timeline, exits, som)}
    money = {"bonus.py", "fees.py", "jobbpeng.py", "premium.py", "result.py", "rum.py", "som.py", "view.py"}
    sources = [*asked_of_time, *(path for path in folder.glob("*.py") if path.name in money)]
    assert len(sources) >= 7
    named = {name for path in sources for name in re.findall(r"FactKind\.([A-Z_]+)", path.read_text())}
    assert named == {kind.name for kind in MATTERS}


def test_every_rule_of_money_has_a_swedish_title_and_a_swedish_source() -> None:
    folder = Path(kundval_billing.domain.__file__).parent
    sources = "".join(path.read_text() for path in (*folder.glob("*.py"), Path(timeline.__file__)))
    named = {one for one in re.findall(r'"((?:AMI|NACKA|AF)-[-A-Za-z0-9.]+)"', sources) if one in register()}
    of_money = {one.id for one in register().values() if "MONEY" in one.kinds}
    for one in sorted(named | of_money):
        assert title_of(one, "sv") != title_of(one, "en"), one
        assert source_of(one, "sv") != source_of(one, "en"), one
    assert title_of("no-such", "sv") == "no-such"
    assert source_of("no-such", "en") == ""


# --- forms ----------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def pages() -> Iterator[tuple[str, str]]:
    case = assisted()
    for lang in LANGUAGES:
        yield lang, page(tell(case, line_of(case, "2025-01-01", "RESULT_BONUS"), lang), lang)
        posting = play(case, "2024-07-01")[0]
        back = replace(posting, amount=-posting.amount, reverses=posting.run, run=date(2024, 8, 1))
        tree = tree_of_posting(back, {}, before=tree_of_posting(posting, {}, entry=1), entry=2)
        yield lang, page(told(tree, words_of(lang), STAFF), lang)


def test_a_page_stands_by_itself_and_is_in_order() -> None:
    for lang, html in pages():
        outline = Outline()
        outline.feed(html)
        assert ("html", "lang", lang) in outline.attributes
        levels = [int(tag[1]) for tag in outline.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[:2] == [1, 2]
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert not {"script", "img", "link", "iframe", "form"} & set(outline.tags)
        assert not [one for one in outline.attributes if one[1] in ("src", "onclick")]
        assert [value for tag, name, value in outline.attributes if tag == "a"] == ["skip", "#explanation"]
        assert outline.tags.count("caption") == outline.tags.count("table") >= 2


def test_what_a_tree_says_is_escaped_on_the_page() -> None:
    case = ami2(exited("2024-06-20"))
    line = replace(line_of(case, "2024-07-01", "MONTHLY_FEE"), provider="<b>alfa</b>")
    assert "<b>alfa" not in page(tell(case, line), "en")


def test_text_is_no_wider_than_a_terminal() -> None:
    case = assisted()
    for line in lines_of(case, "2025-01-01"):
        for lang in LANGUAGES:
            assert max(map(len, render(tell(case, line, lang), lang).splitlines())) <= 100


@pytest.mark.parametrize(
    ("lang", "value", "shown"),
    [
        ("sv", "8000", "8 000"),
        ("en", "8000.00", "8,000"),
        ("sv", "-0.50", "−0,5"),
        ("en", "1234567.89", "1,234,567.89"),
        ("sv", "100", "100"),
    ],
)
def test_numbers_are_written_as_the_language_does(lang: str, value: str, shown: str) -> None:
    assert words_of(lang).number(Decimal(value)).replace("\N{NO-BREAK SPACE}", " ") == shown
