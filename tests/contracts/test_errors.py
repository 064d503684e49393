"""Typed errors and their trips over the wire."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from kundval_contracts import errors
from kundval_contracts.errors import KINDS, FactRefused, InternalError, InvalidRequest, KundvalError


def refused() -> FactRefused:
    return FactRefused(
        "Not in a target group.",
        code="NOT_ELIGIBLE",
        rules=["AMI-1.3-a"],
        faults=[{"path": "facts[3]", "message": "refused"}],
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_comes_back_from_the_wire_as_itself(kind: str) -> None:
    error = KINDS[kind]("Said.", code="CODE", rules=["R-1"], faults=[{"path": "a.b", "message": "m"}], error_id="e")
    again = errors.from_wire(json.loads(json.dumps(error.to_wire())))
    assert type(again) is KINDS[kind]
    assert again.to_wire() == error.to_wire()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_error_without_words_says_something_all_the_same(kind: str) -> None:
    error = KINDS[kind]()
    assert error.message
    assert error.code == kind


def test_an_error_survives_nameko_in_both_directions() -> None:
    nameko = pytest.importorskip("nameko.exceptions")
    errors.register_with_nameko()
    wire = json.loads(json.dumps(nameko.serialize(refused())))
    again = nameko.deserialize(wire)
    assert isinstance(again, FactRefused)
    assert again.to_wire() == refused().to_wire()
    assert errors.from_nameko(wire).to_wire() == refused().to_wire()


def test_an_error_can_be_copied_and_pickled() -> None:
    for again in (copy.copy(refused()), pickle.loads(pickle.dumps(refused()))):
        assert again.to_wire() == refused().to_wire()


def test_a_foreign_exception_arrives_without_its_text() -> None:
    error = errors.from_nameko(
        {"exc_type": "ValueError", "exc_path": "builtins.ValueError", "exc_args": ["Anna"], "value": "Anna"}
    )
    assert isinstance(error, InternalError)
    assert "Anna" not in str(error.to_wire())
    assert error.error_id


def test_namekos_own_refusals_become_ours() -> None:
    def arrived(name: str) -> KundvalError:
        return errors.from_nameko({"exc_type": name, "exc_args": ["method"], "value": ""})

    assert isinstance(arrived("MethodNotFound"), errors.UnknownMethod)
    assert isinstance(arrived("IncorrectSignature"), InvalidRequest)
    assert isinstance(arrived("MalformedRequest"), InvalidRequest)


def test_a_kind_of_a_later_version_is_still_an_error_with_its_code() -> None:
    error = errors.from_wire({"kind": "TEAPOT", "code": "SHORT", "message": "m", "rules": ["R"], "faults": []})
    assert type(error) is KundvalError
    assert (error.code, error.rules) == ("SHORT", ("R",))


@pytest.mark.parametrize("wire", [{}, {"rules": 3, "faults": "x"}, {"message": None, "faults": [1, {"path": "p"}]}])
def test_a_wire_form_that_is_not_whole_does_not_break_the_reader(wire: dict[str, object]) -> None:
    assert errors.from_wire(wire).to_wire()["code"]


def test_an_internal_error_has_an_id_of_its_own() -> None:
    assert InternalError().error_id != InternalError().error_id


def test_faults_are_named_by_path_however_deep() -> None:
    messages = {
        "facts": {3: {"on": ["not a date"], "data": {"amount": ["not money"]}}, "_schema": ["too many"]},
        "_schema": ["not together"],
        "tenant": ["missing"],
    }
    assert [(fault["path"], fault["message"]) for fault in errors.faults_of(messages)] == [
        ("facts[3].on", "not a date"),
        ("facts[3].data.amount", "not money"),
        ("facts", "too many"),
        ("", "not together"),
        ("tenant", "missing"),
    ]


def test_the_text_of_an_error_lists_code_rules_and_faults() -> None:
    text = str(refused())
    for part in ("NOT_ELIGIBLE", "AMI-1.3-a", "facts[3]: refused"):
        assert part in text
