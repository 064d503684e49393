"""Texts: every kind in every language, nothing left unfilled, nothing said to a client."""

from __future__ import annotations

import re
from datetime import date
from string import Formatter

import pytest

from kundval_contracts.answer import Notice
from kundval_contracts.codes import (
    Document,
    ExitKind,
    MeetingKind,
    ObligationKind,
    Offer,
    Programme,
    Role,
)
from kundval_notifications.domain import KINDS, LANGUAGES, NoticeKind, render
from kundval_notifications.domain.texts import link, template, texts

BASE = "https://login.example/m"
#: what every text may name besides the values of its kind
ALWAYS = {"assignment", "on", "link"}

pairs = pytest.mark.parametrize(
    ("kind", "to"), [(kind, to) for kind in NoticeKind for to in sorted(KINDS[kind].to)], ids=str
)
languages = pytest.mark.parametrize("language", LANGUAGES)


def example(kind: NoticeKind, to: Role, **values: str) -> Notice:
    filled = {} if to is Role.CLIENT else {name: f"<{name}>" for name in KINDS[kind].values}
    provider = "alfa" if to is Role.PROVIDER else None
    return Notice("A-001", kind.value, to, date(2024, 5, 6), (), 1, provider, {**filled, **values})


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pairs
@languages
def test_every_kind_has_a_text_whose_fields_are_all_filled(kind: NoticeKind, to: Role, language: str) -> None:
    message = render(example(kind, to), language, BASE)
    assert message.subject and message.body
    assert "\n" not in message.subject
    assert not re.search(r"[{}]", message.subject + message.body)
    assert BASE in message.body


@pairs
@languages
def test_a_text_names_only_the_values_of_its_kind(kind: NoticeKind, to: Role, language: str) -> None:
    held = template(kind, to, language)
    allowed = {"link"} if to is Role.CLIENT else ALWAYS | KINDS[kind].values
    assert fields(held["subject"]) | fields(held["body"]) <= allowed


@languages
def test_there_is_no_text_for_a_kind_that_does_not_exist(language: str) -> None:
    held = texts(language)
    staff = {kind.value for kind in NoticeKind if KINDS[kind].to != {Role.CLIENT}}
    assert set(held["staff"]) == staff
    assert set(held["client"]) - {"MESSAGE"} <= {kind.value for kind in NoticeKind}


@languages
def test_every_code_that_a_value_can_be_has_a_word(language: str) -> None:
    words = texts(language)["words"]
    ours = [kind for kind in ObligationKind if kind.value not in ("WEEKLY_MINIMUM", "SYV")]
    programmes = [programme for programme in Programme if programme.is_ami or programme.is_jobbpeng]
    codes = [*ours, *programmes, *ExitKind, *Document, *Offer, *MeetingKind, Role.PROVIDER, Role.CAREER_GUIDE]
    extra = ["KEEP_EB", "RIGHTS_AND_DUTIES", "FOLLOW_UP", "AT_ONCE", "YES", "NO", "GAP_BEFORE_FIRST_DAY"]
    missing = [str(code) for code in [*codes, *extra, "OTHER_LENGTH"] if str(code) not in words]
    assert missing == []


def test_both_languages_have_the_same_words() -> None:
    assert set(texts("sv")["words"]) == set(texts("en")["words"])


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if Role.CLIENT in KINDS[kind].to], ids=str)
@languages
def test_a_client_is_told_no_programme_provider_reason_or_id(kind: NoticeKind, language: str) -> None:
    tempted = example(kind, Role.CLIENT, programme="AMI_2", provider="alfa", day="2024-05-06")
    message = render(tempted, language, BASE)
    said = f"{message.subject} {message.body}".replace(link(tempted, BASE), "")
    for word in ("AMI", "A-001", "alfa", "2024", "bist", "assist", "jobb", "work", "insats", "intervention"):
        assert word.lower() not in said.lower()
    neutral = {"sv": ("meddelande", "möte"), "en": ("message", "meeting")}[language]
    assert any(word in message.subject for word in neutral)


@pytest.mark.rule("AMI-3.2.1-d")
@languages
def test_we_16_the_text_branches_on_the_agenda(language: str) -> None:
    keep, rights = (
        render(example(NoticeKind.OFFER_DECLINED, Role.CAREER_GUIDE, agenda=agenda), language, BASE).body
        for agenda in ("KEEP_EB", "RIGHTS_AND_DUTIES")
    )
    assert {"sv": "ekonomiskt bistånd", "en": "financial assistance"}[language] in keep
    assert {"sv": "rättigheter och skyldigheter", "en": "rights and duties"}[language] in rights


def test_codes_in_a_list_are_each_put_into_words() -> None:
    notice = example(NoticeKind.DOCUMENTS_MISSING, Role.PROVIDER, documents="STUDY_CERTIFICATE, CSN_GRANT")
    assert "studieintyg, beslut från CSN" in render(notice, "sv", BASE).body


def test_a_link_is_opaque_and_the_same_for_the_same_notice() -> None:
    one, other = example(NoticeKind.DECISION, Role.CLIENT), example(NoticeKind.CHOICE, Role.CLIENT)
    assert link(one, BASE) == link(one, BASE + "/")
    assert link(one, BASE) != link(other, BASE)
    assert link(one, BASE, b"secret") != link(one, BASE)
    assert re.fullmatch(re.escape(BASE) + r"/[0-9a-f]{32}", link(one, BASE))


def test_an_unknown_language_or_kind_is_an_error() -> None:
    with pytest.raises(LookupError, match="no texts in language"):
        render(example(NoticeKind.DECISION, Role.CLIENT), "fi", BASE)
    with pytest.raises(LookupError):
        render(Notice("A-001", "NOTHING", Role.PROVIDER, date(2024, 5, 6), ()), "sv", BASE)
