"""The client of the joint base service against a server that speaks the same contract over mutual TLS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from kundval_assignment.af_in import soap, terms
from kundval_assignment.af_in.soap import Question, Rest, Ssbtek
from kundval_assignment.af_in.terms import Declared, Submitter
from kundval_assignment.settings import SETTINGS, faults
from kundval_chassis.web import trusting
from kundval_contracts.af import ssbtek
from kundval_contracts.af.xml import LARGEST
from kundval_contracts.codes import AfFault, Purpose
from kundval_contracts.errors import KundvalError
from tests.contracts import af_samples as s

from .agency_server import Agency, Reply, agency, files, says, server

__all__ = ["agency", "files", "server"]

SUBMITTER = Submitter("162021000001", "Testkommun")
QUESTION = Question(
    SUBMITTER, "anna", s.NUMBER, "c" * 31, date(2023, 12, 15), date(2024, 3, 15), Declared("Ekonomiskt bistånd", "SoL")
)


@pytest.fixture
def ask(agency: Agency, files: dict[str, Path]) -> Iterator[Callable[..., bytes]]:
    """Ask once, with a client of its own."""
    made: list[Ssbtek] = []

    def asking(
        certificate: str = "ours", authority: str = "authority", seconds: float = 5.0, question: Question = QUESTION
    ) -> bytes:
        context = trusting(files[authority], files[certificate], None)
        made.append(Ssbtek(f"https://127.0.0.1:{agency.port}/bastjanst", context, seconds=seconds))
        return made[-1].ask(question)

    yield asking
    for one in made:
        one.close()


def code_of(work: Callable[[], Any]) -> str:
    with pytest.raises(KundvalError) as caught:
        work()
    # a client repeats what is transient by itself; nobody is asked about a person so
    assert not caught.value.transient
    assert not any(word in str(caught.value) for word in (s.NUMBER, "anna", "Testpersson"))
    return caught.value.code


def test_a_question_carries_what_the_contract_asks_for_and_the_answer_is_read(
    agency: Agency, ask: Callable[..., bytes]
) -> None:
    found = ssbtek.read_answer(ask(), as_of=date(2024, 3, 15), number=s.NUMBER)
    assert (found.registered, [one.code for one in found.faults]) == (True, ["17"])
    (request,) = agency.requests
    said = {etree.QName(one).localname: one.text for one in request.iter() if not len(one)}
    assert said == {
        "Version": "11",
        "Organisationsnummer": "162021000001",
        "Namn": "Testkommun",
        "Handlaggare": "anna",
        "Personnummer": s.NUMBER,
        "ArendeId": "c" * 31,
        "From": "2023-12-15",
        "Tom": "2024-03-15",
        "Syfte": "Ekonomiskt bistånd",
        "Lagtext": "SoL",
        "AF": "true",
        **dict.fromkeys(("FK", "CSN", "PM", "SKV", "SO"), "false"),
    }
    assert agency.actions == ['"urn:kundval:ssbtek:11:hamtaInformation"']


def test_the_probe_says_nothing_about_anybody(agency: Agency, files: dict[str, Path]) -> None:
    agency.reply = says(s.answer())
    client = Ssbtek(f"https://127.0.0.1:{agency.port}/", trusting(files["authority"], files["ours"], None), seconds=5.0)
    client.probe(SUBMITTER, "anna")
    client.close()
    (request,) = agency.requests
    assert etree.QName(request).localname == "TestaBastjanstInformation"
    assert "Personnummer" not in etree.tostring(request).decode()


def test_a_case_id_that_would_make_an_agency_fail_is_never_sent(agency: Agency, ask: Callable[..., bytes]) -> None:
    long = Question(**{**{name: getattr(QUESTION, name) for name in QUESTION.__dataclass_fields__}, "case": "c" * 32})
    with pytest.raises(ValueError, match="32"):
        ask(question=long)
    assert agency.requests == []


@pytest.mark.parametrize(
    "who", [{"certificate": "strangers"}, {"authority": "other_authority"}], ids=["its client", "its server"]
)
def test_neither_side_talks_to_a_stranger(agency: Agency, ask: Callable[..., bytes], who: dict[str, str]) -> None:
    assert code_of(lambda: ask(**who)) == AfFault.UNREACHABLE
    assert agency.requests == []


def _slow(handler: BaseHTTPRequestHandler) -> None:
    threading.Event().wait(1.5)


def _drips(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b"<")
        handler.wfile.flush()
        threading.Event().wait(0.1)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (_slow, AfFault.UNREACHABLE),
        (_drips, AfFault.UNREACHABLE),
        (says(s.answer(), length=len(s.answer()) + 50), AfFault.UNREACHABLE),
        (says(b"x" * (LARGEST + 1)), AfFault.TOO_LARGE),
        (says(b"", 302, Location="https://example.org/"), AfFault.BAD_ANSWER),
        (says(b"no", 403), AfFault.BAD_ANSWER),
        (says(b"\x1f\x8b", Content_Encoding="gzip"), AfFault.BAD_ANSWER),
    ],
    ids=["slow", "drop by drop", "cut", "huge", "elsewhere", "refused", "packed"],
)
def test_an_answer_that_is_none_is_a_typed_error(
    agency: Agency, ask: Callable[..., bytes], reply: Reply, code: AfFault
) -> None:
    agency.reply = reply
    assert code_of(lambda: ask(seconds=0.5)) == code


def test_a_soap_fault_comes_with_its_status_and_is_left_to_the_reader(
    agency: Agency, ask: Callable[..., bytes]
) -> None:
    agency.reply = says(s.FAULT, 500)
    assert ask() == s.FAULT


def test_nobody_listens_and_after_three_times_it_is_left_alone_for_a_while(files: dict[str, Path]) -> None:
    now = [100.0]
    rest = Rest(lambda: now[0])
    client = Ssbtek("https://127.0.0.1:9/", trusting(files["authority"], files["ours"], None), seconds=2.0, rest=rest)
    codes = [code_of(lambda: client.ask(QUESTION)) for _ in range(4)]
    assert codes == ["UNREACHABLE"] * 3 + ["RESTING"]
    now[0] += soap.REST_SECONDS
    # one may try, and it rests again
    assert [code_of(lambda: client.ask(QUESTION)) for _ in range(2)] == ["UNREACHABLE", "RESTING"]
    client.close()
    now[0] += soap.REST_SECONDS
    rest.check()
    with pytest.raises(KundvalError):
        rest.check()
    rest.worked()
    rest.check()


# --- what it is configured with ------------------------------------------------------------------------

TERMS = """
[submitters.nacka]
organisation = "162021000001"
name = "Testkommun"
[purposes.FINANCIAL_ASSISTANCE]
purpose = "Ekonomiskt bistånd"
law = "SoL"
"""


def test_the_terms_are_read_and_what_is_wrong_with_them_is_named(tmp_path: Path) -> None:
    path = tmp_path / "terms.toml"
    path.write_text(TERMS, encoding="utf-8")
    found = terms.read(path)
    assert found.submitters["nacka"] == SUBMITTER
    assert found.purposes == {Purpose.FINANCIAL_ASSISTANCE: QUESTION.declared}
    for change, named in (
        (("162021000001", "16"), "organisation"),
        (("FINANCIAL_ASSISTANCE", "CURIOSITY"), "CURIOSITY"),
        (('law = "SoL"', 'law = " "'), "law"),
        (('name = "Testkommun"', ""), "submitters.nacka"),
        (("[purposes.FINANCIAL_ASSISTANCE]", "[more]"), "more"),
    ):
        path.write_text(TERMS.replace(*change), encoding="utf-8")
        with pytest.raises(ValueError, match=named):
            terms.read(path)


def test_half_a_configuration_does_not_look_like_all_of_it(files: dict[str, Path], tmp_path: Path) -> None:
    nothing: dict[str, Any] = {one.name: None for one in SETTINGS}
    assert list(faults(nothing)) == []
    some = {**nothing, "AF_SSBTEK_URL": "https://example.org/"}
    assert [key for key, _ in faults(some)] == ["KUNDVAL_AF_SSBTEK_CERTIFICATE", "KUNDVAL_AF_SSBTEK_TERMS"]
    whole = {**some, "AF_SSBTEK_TERMS": tmp_path, "AF_SSBTEK_CERTIFICATE": files["ours"]}
    assert list(faults(whole)) == []
    assert [key for key, _ in faults({**whole, "AF_SSBTEK_CERTIFICATE": files["authority"]})] == [
        "KUNDVAL_AF_SSBTEK_CERTIFICATE"
    ]
