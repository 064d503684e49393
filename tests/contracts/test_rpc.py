"""The register of RPC methods and their schemas."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import RAISE, fields

from kundval_contracts import rpc
from kundval_contracts.codes import FactKind
from kundval_contracts.errors import InvalidRequest, UnknownMethod
from kundval_contracts.rpc import METHODS, CallerRole, Method, Policy, Reach, Shield

SUITE = ("assignment", "scheduling", "billing", "notifications")


def faults(method: str, request: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        METHODS[method].load(request)
    return {fault["path"]: fault["message"] for fault in caught.value.faults}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_says_who_may_call_it_and_what_for(name: str) -> None:
    method = METHODS[name]
    assert method.name == name == f"{method.service}.{method.function}"
    assert method.service in SUITE
    assert method.roles
    assert method.purpose
    assert method.kind in ("command", "query")


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_request_and_answer_refuses_fields_that_it_does_not_know(name: str) -> None:
    for schema in (METHODS[name].request, METHODS[name].answer):
        assert schema.unknown == RAISE
    assert "surprise" in faults(name, {"surprise": 1})


def test_each_service_says_how_far_it_is_and_how_it_is() -> None:
    for service in SUITE:
        assert {f"{service}.positions", f"{service}.info", f"{service}.summary"} <= set(METHODS)


def test_providers_may_call_only_what_is_limited_to_their_own() -> None:
    """Whoever opens a method to providers writes it down here too, with how far they reach."""
    open_to_providers = {
        name: method.policy.reach for name, method in METHODS.items() if CallerRole.PROVIDER in method.roles
    }
    assert open_to_providers == {
        "assignment.add_document": Reach.OWN_ASSIGNMENT,
        "assignment.agreement_template": Reach.OWN_ASSIGNMENT,
        "assignment.assignments": Reach.OWN_ROWS,
        "assignment.bip": Reach.OWN_ASSIGNMENT,
        "assignment.consent": Reach.OWN_ASSIGNMENT,
        "assignment.document": Reach.OWN_ASSIGNMENT,
        "assignment.documents": Reach.OWN_ROWS,
        "assignment.exit_checklist": Reach.OWN_ASSIGNMENT,
        "assignment.info": Reach.OPEN,
        "assignment.language": Reach.OWN_ASSIGNMENT,
        "assignment.profile": Reach.OPEN,
        "assignment.provider": Reach.ITSELF,
        "assignment.providers": Reach.ITSELF,
        "assignment.record_facts": Reach.OWN_ASSIGNMENT,
        "assignment.record_provider_facts": Reach.ITSELF,
        "assignment.report": Reach.OWN_ASSIGNMENT,
        "assignment.reports": Reach.OWN_ROWS,
        "assignment.results": Reach.OPEN,
        "assignment.results_page": Reach.OPEN,
        "assignment.save_report": Reach.OWN_ASSIGNMENT,
        "assignment.state": Reach.OWN_ASSIGNMENT,
        "assignment.submit_report": Reach.OWN_ASSIGNMENT,
        "billing.approve_payment": Reach.OWN_ROWS,
        "billing.balances": Reach.ITSELF,
        "billing.claims": Reach.OWN_ROWS,
        "billing.dispute_payment": Reach.OWN_ROWS,
        "billing.document": Reach.ITSELF,
        "billing.documents": Reach.ITSELF,
        "billing.explain": Reach.OWN_ROWS,
        "billing.explanation": Reach.OWN_ROWS,
        "billing.info": Reach.OPEN,
        "billing.lines": Reach.OWN_ROWS,
        "billing.payees": Reach.ITSELF,
        "billing.payment": Reach.OWN_ROWS,
        "billing.payment_basis_csv": Reach.ITSELF,
        "billing.payments": Reach.OWN_ROWS,
        "billing.postings": Reach.OWN_ROWS,
        "billing.statement": Reach.ITSELF,
        "billing.totals": Reach.OWN_ROWS,
        **{f"notifications.{name}": Reach.OWN_ROWS for name in ("inbox", "inbox_count", "inbox_page", "mark_read")},
        "notifications.info": Reach.OPEN,
        "notifications.notices": Reach.OWN_ROWS,
        "notifications.prefer": Reach.ITSELF,
        "notifications.preferences": Reach.ITSELF,
        "scheduling.book_meeting": Reach.OWN_ASSIGNMENT,
        "scheduling.book_series": Reach.OWN_ASSIGNMENT,
        "scheduling.calendar_link": Reach.ITSELF,
        "scheduling.calendar_links": Reach.OWN_ROWS,
        "scheduling.cancel_meeting": Reach.OWN_ASSIGNMENT,
        "scheduling.find_times": Reach.OWN_ASSIGNMENT,
        "scheduling.hold_meeting": Reach.OWN_ASSIGNMENT,
        "scheduling.info": Reach.OPEN,
        "scheduling.invitation": Reach.OWN_ASSIGNMENT,
        "scheduling.join_group": Reach.OWN_ASSIGNMENT,
        "scheduling.leave_group": Reach.OWN_ASSIGNMENT,
        "scheduling.meetings": Reach.OWN_ROWS,
        "scheduling.miss_meeting": Reach.OWN_ASSIGNMENT,
        "scheduling.obligations": Reach.OWN_ROWS,
        "scheduling.open_group_session": Reach.ITSELF,
        "scheduling.premises": Reach.ITSELF,
        "scheduling.provider_obligations": Reach.ITSELF,
        "scheduling.rebook_meeting": Reach.OWN_ASSIGNMENT,
        "scheduling.remove_absence": Reach.ITSELF,
        "scheduling.resources": Reach.ITSELF,
        "scheduling.revoke_calendar_link": Reach.ITSELF,
        "scheduling.set_absence": Reach.ITSELF,
        "scheduling.set_resources": Reach.ITSELF,
        "scheduling.without_follow_up": Reach.OWN_ROWS,
        "scheduling.workload": Reach.ITSELF,
        "scheduling.workload_csv": Reach.ITSELF,
        "scheduling.workload_page": Reach.ITSELF,
    }


def test_money_moves_for_controllers_and_the_system_only() -> None:
    assert METHODS["billing.run_payments"].roles == {CallerRole.CONTROLLER, CallerRole.SYSTEM}
    assert METHODS["billing.release_payments"].roles == {CallerRole.CONTROLLER, CallerRole.SYSTEM}


def test_persons_attest_and_programs_do_not() -> None:
    assert METHODS["billing.attest_payment"].roles == {CallerRole.CONTROLLER, CallerRole.TEAM_MANAGER}
    assert METHODS["billing.approve_payment"].roles == {CallerRole.PROVIDER}


def test_paged_lists_name_their_rows_and_have_a_next() -> None:
    for method in METHODS.values():
        if method.rows is not None:
            assert isinstance(method.answer.fields[method.rows], fields.List)
            assert "next" in method.answer.fields
            request = method.request.fields
            assert request["after"].load_default is None
            assert request["limit"].load_default == rpc.PAGE


def test_facts_arrive_as_facts() -> None:
    row = {
        "assignment": "A-1",
        "id": "0",
        "ordinal": 4,
        "on": "2024-03-15",
        "fact": "decided",
        "end_date": "2025-03-15",
    }
    loaded = METHODS["assignment.record_facts"].load({"tenant": "t", "facts": [row]})
    assert loaded["keep_refused"] is False
    (item,) = loaded["facts"]
    assert item["assignment"] == "A-1"
    fact = item["fact"]
    assert (fact.id, fact.kind, fact.place, fact.on, fact.known_on) == (
        "0",
        FactKind.DECIDED,
        4,
        date(2024, 3, 15),
        date(2024, 3, 15),
    )
    assert fact.data == {"end_date": date(2025, 3, 15)}


def test_every_fault_of_a_batch_of_facts_is_named_by_path() -> None:
    found = faults(
        "assignment.record_facts",
        {
            "facts": [
                {"assignment": "A-1", "id": "0", "on": "2024-03-15", "fact": "decided"},
                {"assignment": "A 1", "on": "15 March", "fact": "decided", "mood": "good"},
                {"assignment": "A-1", "id": "2", "on": "2024-03-15", "fact": "danced"},
                {"assignment": "A-1", "id": "3", "on": "2024-03-15", "fact": "result_reported", "amount": 1.5},
                "text",
            ],
            "extra": True,
        },
    )
    assert set(found) == {
        "tenant",
        "extra",
        "facts[1].assignment",
        "facts[1].id",
        "facts[1].on",
        "facts[1].mood",
        "facts[2].fact",
        "facts[3].amount",
        "facts[4]",
    }


def test_a_batch_is_neither_empty_nor_without_end() -> None:
    assert "assignments" in faults("assignment.register", {"tenant": "t", "assignments": []})
    assert "limit" in faults("billing.lines", {"tenant": "t", "limit": rpc.MOST + 1})


def test_clients_plans_and_providers_are_checked_where_they_come_in() -> None:
    found = faults(
        "assignment.register",
        {
            "tenant": "t",
            "assignments": [
                {"id": "A-1", "programme": "AMI_2", "client": {"birth_date": "long ago", "name": "x"}},
                {
                    "id": "A-2",
                    "programme": "AMI_9",
                    "client": {"birth_date": "1990-05-17"},
                    "plan": {"extent_pct": 101},
                },
            ],
        },
    )
    assert set(found) == {
        "assignments[0].client.birth_date",
        "assignments[0].client.name",
        "assignments[1].programme",
        "assignments[1].plan.extent_pct",
    }
    found = faults(
        "assignment.open_tenant",
        {
            "tenant": "t",
            "municipality": "nacka",
            "providers": [{"id": "alfa"}, {"id": "be ta", "authorised": {"X": 1}}],
        },
    )
    assert all(path.startswith("providers[1].") for path in found)


@pytest.mark.parametrize("identifier", ["Anna Andersson", "", "a" * 101, "a\nb", "a;b", 'a"b', None, 7])
def test_free_text_does_not_pass_as_an_identifier(identifier: Any) -> None:
    assert "tenant" in faults("billing.summary", {"tenant": identifier})


def test_a_billing_line_in_the_caseload_formats_shape_fits_the_answer() -> None:
    line = {
        "assignment": "A-001", "provider": "alfa", "kind": "MONTHLY_FEE", "sequence": 1, "from": "2024-03-15",
        "to": "2024-04-15", "amount": "8000.00", "currency": "SEK", "status": "PAYABLE",
        "payable_from": "2024-04-15", "rules": ["AMI-10.1-a"], "because": "…",
    }  # fmt: skip
    loaded = METHODS["billing.lines"].answer.load({"lines": [line], "next": None})
    assert loaded["lines"][0]["amount"] == Decimal("8000")
    assert METHODS["billing.lines"].answer.validate({"lines": [{**line, "amount": 8000.0}], "next": None})


def test_an_unknown_method_is_an_unknown_method() -> None:
    with pytest.raises(UnknownMethod):
        rpc.method("billing.steal")


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match=r"billing\.lines"):
        rpc.register(
            Method(
                "billing.lines",
                rpc.Nothing(),
                rpc.Nothing(),
                "query",
                frozenset({CallerRole.SYSTEM}),
                "again",
                Policy(Reach.NOTHING, Shield.NONE, personal=False),
            )
        )


@pytest.mark.parametrize(
    ("month", "good"), [("0913-10", True), ("9999-11", True), ("9999-12", False), ("0000-01", False)]
)
def test_a_month_keeps_its_four_digits_and_has_one_after_it(month: str, good: bool) -> None:
    request = {"tenant": "nacka", "month": month}
    if not good:
        assert set(faults("billing.close_period", request)) == {"month"}
        return
    loaded = METHODS["billing.close_period"].request.load(request)
    assert METHODS["billing.close_period"].request.dump(loaded)["month"] == month
    assert loaded["month"] == date.fromisoformat(f"{month}-01")
