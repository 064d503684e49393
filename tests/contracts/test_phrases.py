"""The sentences of money: complete in both languages, and the same values in both."""

from __future__ import annotations

import re
from datetime import date

import pytest

from kundval_contracts.answer import Said
from kundval_contracts.phrases import LANGUAGES, PHRASES, say, step, text

PLACES = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("code", PHRASES)
def test_a_sentence_has_the_same_places_in_both_languages(code: str) -> None:
    phrase = PHRASES[code]
    assert set(PLACES.findall(phrase.en)) == set(PLACES.findall(phrase.sv))
    assert phrase.en and phrase.sv


def test_a_sentence_is_said_in_either_language_also_after_it_was_stored() -> None:
    said = Said.from_json(say("bonus.planned", settle=date(2024, 9, 20)).as_json())
    assert text(said) == "Result bonus, payable from 2024-09-20 if the six months hold and the provider certifies them."
    assert text(said, "sv").startswith("Resultatbonus, kan betalas från 2024-09-20")


def test_a_sentence_within_a_sentence_is_said_in_the_same_language() -> None:
    inner = say("bonus.documents", documents="STUDY_CERTIFICATE")
    outer = say("posting.taken_back", why=say("bonus.refused_by_municipality", why=inner))
    assert [text(outer, lang) for lang in LANGUAGES] == [
        "Återtas helt. Avslaget av kommunen. Handlingar saknas: STUDY_CERTIFICATE.",
        "Taken back in full. Refused by the municipality. Documents are missing: STUDY_CERTIFICATE.",
    ]


def test_a_sentence_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("no.such")
    with pytest.raises(KeyError):
        text(say("bonus.planned"))


def test_a_step_says_its_text_in_english() -> None:
    assert step("step.taken_back").what == "taken back in full"
