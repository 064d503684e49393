"""Answers on their way out, without servers: JSON types, schema, provider."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from kundval_chassis.rpc import BrokenAnswer, checked, command, primitives, query
from kundval_chassis.tokens import Caller
from kundval_contracts.codes import LineKind, LineStatus
from kundval_contracts.rpc import METHODS, CallerRole

LINE: dict[str, Any] = {
    "assignment": "A-001", "provider": "alfa", "kind": LineKind.MONTHLY_FEE, "sequence": 1,
    "from": date(2024, 3, 15), "to": date(2024, 4, 15), "amount": Decimal("8000"), "currency": "SEK",
    "status": LineStatus.PAYABLE, "payable_from": None, "rules": ("AMI-10.1-a",), "because": "…",
}  # fmt: skip


def test_native_types_become_json_types() -> None:
    wire = checked(METHODS["billing.lines"], {"lines": [LINE], "next": None})
    assert wire["lines"][0] == {
        **LINE,
        "kind": "MONTHLY_FEE",
        "from": "2024-03-15",
        "to": "2024-04-15",
        "amount": "8000.00",
        "status": "PAYABLE",
        "rules": ["AMI-10.1-a"],
    }
    assert type(wire["lines"][0]["kind"]) is str


def test_what_is_json_already_is_left_as_it_is() -> None:
    wire = checked(METHODS["billing.lines"], {"lines": [LINE], "next": None})
    assert checked(METHODS["billing.lines"], wire) is wire


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (Decimal("0.005"), "0.005"),
        (Decimal("-1.5"), "-1.50"),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+00:00"),
        ({date(2024, 1, 1): 1}, {"2024-01-01": 1}),
        ({LineKind.BASE: 1}, {"BASE": 1}),
        (iter([1, (2, 3)]), [1, [2, 3]]),
        (None, None),
        (True, True),
    ],
)
def test_each_type_has_one_json_form(value: Any, wire: Any) -> None:
    assert primitives(value) == wire


def test_an_object_has_none() -> None:
    with pytest.raises(TypeError):
        primitives({"a": object()})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"amount": 8000.0}, "lines[0].amount"),
        ({"amount": Decimal("0.005")}, "lines[0].amount"),
        ({"kind": "TIP"}, "lines[0].kind"),
        ({"name": "Anna"}, "lines[0].name"),
    ],
)
def test_a_wrong_answer_is_named_by_path_and_not_by_value(change: dict[str, Any], path: str) -> None:
    with pytest.raises(BrokenAnswer) as caught:
        checked(METHODS["billing.lines"], {"lines": [{**LINE, **change}], "next": None})
    assert caught.value.paths == [path]
    assert "Anna" not in str(caught.value)


def test_a_provider_is_not_shown_a_row_of_another() -> None:
    alfa = Caller("u", CallerRole.PROVIDER, "alfa", None, "nacka")
    answer = {"lines": [LINE, {**LINE, "provider": "beta"}], "next": None}
    assert checked(METHODS["billing.lines"], {"lines": [LINE], "next": None}, alfa)
    with pytest.raises(BrokenAnswer) as caught:
        checked(METHODS["billing.lines"], answer, alfa)
    assert caught.value.paths == ["lines[1].provider"]
    controller = Caller("u", CallerRole.CONTROLLER, "nacka", None)
    assert checked(METHODS["billing.lines"], answer, controller)


def test_native_types_in_a_part_without_schema_become_json_types_too() -> None:
    rows = [{"on": date(2024, 1, 1), "state": {"amount": [Decimal("1")]}}]
    wire = checked(METHODS["assignment.explain"], {"assignment": "A-1", "rows": rows})
    assert wire["rows"] == [{"on": "2024-01-01", "state": {"amount": ["1.00"]}}]


@pytest.mark.parametrize("entrypoint", [command, query])
def test_a_method_bears_the_name_after_the_dot(entrypoint: Any) -> None:
    with pytest.raises(TypeError, match="must be called lines"):

        @entrypoint("billing.lines")
        def rows(self: Any, tx: Any, request: Any, caller: Any) -> dict[str, Any]:
            return {}
