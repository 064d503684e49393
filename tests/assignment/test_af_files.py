"""Files of the employment service: taken in once, parked with a reason, or left until they can be sent."""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kundval_assignment.af_in.folder import Busy, How, take_in
from kundval_contracts.af.forms import load
from kundval_contracts.errors import Forbidden, KundvalError, Unavailable
from kundval_contracts.rpc import METHODS
from tests.contracts import af_samples as s

HOW = How("nacka", date(2024, 3, 15), load(), {"basis": "PUBLIC_TASK", "expires_on": "2025-01-01"}, {"state": True})


@dataclass
class Suite:
    """Takes what fits its schema, once for a key; or answers with an error."""

    error: KundvalError | None = None
    fault: str | None = None
    seen: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    calls: int = 0

    def call(self, method: str, /, *, idempotency_key: str | None = None, **request: Any) -> Any:
        self.calls += 1
        METHODS[method].load(request)
        if self.error is not None:
            raise self.error
        assert idempotency_key is not None
        self.seen[idempotency_key] = (method, request)
        return {"orders": [{"fault": self.fault}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    take(tmp_path, Suite())
    return tmp_path


def take(folder: Path, suite: Suite, days: int = 7) -> Counter[str]:
    return take_in(folder, suite, HOW, keep_days=days, say=lambda file, what: None)


def put(folder: Path, kind: str, name: str, content: bytes) -> Path:
    file = folder / "inbox" / kind / name
    file.write_bytes(content)
    return file


def names(folder: Path, place: str) -> list[str]:
    return sorted(str(file.relative_to(folder / place)) for file in (folder / place).rglob("*") if file.is_file())


def test_each_kind_of_file_becomes_one_command(folder: Path) -> None:
    put(folder, "status", "A-1~march.xml", s.answer(s.af(), s.failed()))
    put(folder, "orders", "o.xml", s.orders(s.order(), s.order(Ordernummer="900101")))
    put(folder, "decisions", "d.xml", s.subsidy())
    suite = Suite()
    assert take(folder, suite) == {"processed": 3}
    told = {method.partition(".")[2]: request for method, request in suite.seen.values()}
    assert told["receive_af_status"]["assignment"] == "A-1"
    assert told["receive_af_status"]["identity_number"] == s.NUMBER
    assert (told["receive_af_status"]["status"]["as_of"], told["receive_af_status"]["state"]) == ("2024-03-15", True)
    assert [one["order"]["order"] for one in told["receive_af_orders"]["orders"]] == ["900100", "900101"]
    assert told["receive_af_decisions"]["decisions"][0]["assignment"] == "A-1"
    assert told["receive_af_orders"]["basis"] == "PUBLIC_TASK"
    assert names(folder, "processed") == ["decisions/d.xml", "orders/o.xml", "status/A-1~march.xml"]
    assert names(folder, "inbox") == []
    # what was processed goes after its days
    assert take(folder, suite, days=0) == {}
    assert names(folder, "processed") == []


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("status", b"not XML", "NOT_XML"),
        ("status", s.FAULT, "SOAP_FAULT"),
        ("orders", s.orders(s.order(Tjanstekod=None)), "FIELD_MISSING"),
        ("orders", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "FORBIDDEN_XML"),
        ("decisions", b"<a/>", "NOT_AN_ANSWER"),
        ("status", b"<a>" + b"x" * (2 * 1024 * 1024) + b"</a>", "TOO_LARGE"),
        ("status", "Å".encode("utf-16"), "FORBIDDEN_XML"),
    ],
)
def test_what_cannot_be_read_is_parked_with_the_reason_beside_it(
    folder: Path, kind: str, content: bytes, code: str
) -> None:
    put(folder, kind, "x.xml", content)
    suite = Suite()
    assert (take(folder, suite), suite.calls) == ({"parked": 1}, 0)
    assert names(folder, "parked") == [f"{kind}/x.xml", f"{kind}/x.xml.reason.json"]
    reason = (folder / "parked" / kind / "x.xml.reason.json").read_text()
    assert json.loads(reason)["code"] == code
    assert not any(word in reason for word in (s.NUMBER, "Testpersson", "passwd"))
    assert (folder / "parked" / kind / "x.xml").read_bytes() == content


def test_what_is_refused_is_parked_and_sent_again_when_it_is_put_back(folder: Path) -> None:
    put(folder, "orders", "o.xml", s.orders(s.order()))
    refusing = Suite(Forbidden("There is no ground.", code="NO_LAWFUL_GROUND"))
    assert take(folder, refusing) == {"parked": 1}
    parked = folder / "parked" / "orders" / "o.xml"
    assert json.loads((parked.with_name("o.xml.reason.json")).read_text())["code"] == "NO_LAWFUL_GROUND"
    os.replace(parked, folder / "inbox" / "orders" / "o.xml")
    assert take(folder, Suite()) == {"processed": 1}


def test_an_order_with_an_unknown_code_is_parked_and_has_a_new_key_when_it_comes_again(folder: Path) -> None:
    put(folder, "orders", "o.xml", s.orders(s.order(Tjanstekod="XYZ")))
    suite = Suite(fault="UNKNOWN_SERVICE")
    assert take(folder, suite) == {"parked": 1}
    os.replace(folder / "parked" / "orders" / "o.xml", folder / "inbox" / "orders" / "o.xml")
    suite.fault = None
    assert take(folder, suite) == {"processed": 1}
    assert len(suite.seen) == 2


def test_what_cannot_be_sent_now_stays_and_has_the_same_key_later(folder: Path) -> None:
    put(folder, "orders", "o.xml", s.orders(s.order()))
    assert take(folder, Suite(Unavailable())) == {"left": 1}
    assert names(folder, "inbox") == ["orders/o.xml"]


def test_a_stop_between_the_answer_and_the_move_has_no_effect_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "orders", "o.xml", s.orders(s.order()))
    suite = Suite()

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("kundval_assignment.af_in.folder.os.replace", stopped)
        take(folder, suite)
    assert take(folder, suite) == {"processed": 1}
    assert (suite.calls, len(suite.seen)) == (2, 1)


def test_half_written_files_and_links_are_not_touched(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_bytes(s.answer())
    put(folder, "status", "A-1.xml.part", b"<")
    put(folder, "status", ".A-2.xml", b"<")
    (folder / "inbox" / "status" / "A-3.xml").symlink_to(secret)
    suite = Suite()
    assert (take(folder, suite), suite.calls) == ({}, 0)


def test_files_of_one_name_do_not_take_each_others_place(folder: Path) -> None:
    for _ in range(2):
        put(folder, "decisions", "d.xml", s.subsidy())
        assert take(folder, Suite()) == {"processed": 1}
    assert names(folder, "processed") == ["decisions/d.1.xml", "decisions/d.xml"]


def test_two_at_once_do_not_take_in_the_same_folder(folder: Path) -> None:
    put(folder, "decisions", "d.xml", s.subsidy())
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Busy):
            take(folder, Suite())
    assert names(folder, "inbox") == ["decisions/d.xml"]


@pytest.mark.parametrize("name", [b"A-1~\xff\xfe.xml", b"A-1~two\nlines.xml", b"A-1~" + b"x" * 247 + b".xml"])
def test_whatever_a_file_is_called_it_is_parked_and_holds_up_no_other(folder: Path, name: bytes) -> None:
    said: list[str] = []
    for content in (b"<", s.answer()):
        put(folder, "status", os.fsdecode(name), content)
        put(folder, "status", "B-1.xml", s.answer())
        counts = take_in(folder, Suite(), HOW, keep_days=7, say=lambda file, what: said.append(file))
        assert counts.total() == 2 and counts["left"] == 0 and names(folder, "inbox") == []
    assert len(said) == 4 and all(one.isprintable() for one in said)
    (parked,) = (one for one in names(folder, "parked") if not one.endswith(".reason.json"))
    assert f"{parked}.reason.json" in names(folder, "parked")


def test_a_file_that_cannot_be_read_or_moved_stays_and_holds_up_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = put(folder, "status", "A-1.xml", s.answer())
    put(folder, "status", "B-1.xml", b"<")
    put(folder, "status", "C-1.xml", s.answer())
    (folder / "processed" / "status" / "somebody-s-folder").mkdir()
    open_file, full = os.open, Path.write_text

    def denied(path: Any, *more: Any) -> int:
        if path == unreadable:
            raise PermissionError
        return open_file(path, *more)

    def no_room(self: Path, *_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kundval_assignment.af_in.folder.os.open", denied)
    monkeypatch.setattr(Path, "write_text", no_room)
    assert take(folder, Suite(), days=0) == {"left": 2, "processed": 1}
    monkeypatch.setattr(os, "open", open_file)
    monkeypatch.setattr(Path, "write_text", full)
    assert take(folder, Suite()) == {"parked": 1, "processed": 1}


def test_a_file_that_names_two_persons_is_about_neither(folder: Path) -> None:
    theirs = s.af().replace("<Svar>", f"<Svar><Personnummer>{s.OTHER_NUMBER}</Personnummer>")
    put(folder, "status", "A-1.xml", s.answer(theirs))
    put(folder, "status", "A-2.xml", s.answer(number=f"{s.NUMBER[:8]}-{s.NUMBER[8:]}"))
    suite = Suite()
    assert take(folder, suite) == {"parked": 1, "processed": 1}
    assert suite.calls == 1
