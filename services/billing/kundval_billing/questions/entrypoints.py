"""RPC about questions of money: what if, what will a year cost, what may it cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kundval_chassis import held
from kundval_chassis.db import Tx
from kundval_chassis.outbox import new_id
from kundval_chassis.rpc import command, query
from kundval_chassis.tokens import Caller
from kundval_contracts.case import Tenant
from kundval_contracts.codes import QuestionKind, QuestionState
from kundval_contracts.errors import Conflict, InvalidRequest, NotFound

from . import budgets, chart, form, page, show, store

#: questions of a tenant that may wait at a time
MOST_WAITING = 5


class QuestionEntrypoints:
    """To be mixed into the service. The answers are made by `work.QuestionWork`."""

    @command("billing.ask_what_if")
    def ask_what_if(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        draft = request["draft"]
        asked = {"draft": dict(draft.raw), "assignments": request["assignments"]}
        return _ask(tx, tenant, QuestionKind.WHAT_IF, draft.title, None, request["as_of"], asked, caller)

    @command("billing.ask_forecast")
    def ask_forecast(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, year = held.tenant_named(tx, request["tenant"]), request["year"]
        _has_tariffs(tenant, request["new_per_month"], year)
        new = {programme.value: number for programme, number in sorted(request["new_per_month"].items())}
        asked = {"year": year, "new_per_month": new}
        return _ask(tx, tenant, QuestionKind.FORECAST, "", year, request["as_of"], asked, caller)

    @query("billing.what_ifs")
    def what_ifs(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        found = store.page(tx, tenant.id, request["kind"], request["after"], request["limit"])
        return {
            "questions": [show.question(one) for one in found],
            "next": found[-1].id if len(found) == request["limit"] else None,
        }

    @query("billing.what_if")
    def what_if(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return show.what_if(_question(tx, request, QuestionKind.WHAT_IF))

    @query("billing.what_if_csv")
    def what_if_csv(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"csv": form.what_if_csv(_result(_question(tx, request, QuestionKind.WHAT_IF)))}

    @query("billing.what_if_chart")
    def what_if_chart(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        result = _result(_question(tx, request, QuestionKind.WHAT_IF))
        return {"svg": chart.what_if(result, request["by"], request["lang"])}

    @query("billing.forecast")
    def forecast(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant = held.tenant_named(tx, request["tenant"])
        return show.forecast(tx, tenant, _question(tx, request, QuestionKind.FORECAST))

    @query("billing.forecast_csv")
    def forecast_csv(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"csv": form.forecast_csv(_result(_question(tx, request, QuestionKind.FORECAST)))}

    @query("billing.forecast_chart")
    def forecast_chart(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"svg": chart.forecast(_finished_forecast(tx, request), request["lang"])}

    @query("billing.forecast_page")
    def forecast_page(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"html": page.render(_finished_forecast(tx, request), request["lang"])}

    @command("billing.set_budget")
    def set_budget(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        tenant, year, programme = held.tenant_named(tx, request["tenant"]), request["year"], request["programme"]
        amounts = {
            budgets.TOTAL if programme is None else programme.value: "amount",
            budgets.APPROPRIATION: "appropriation",
        }
        if not any(name in request for name in amounts.values()):
            raise InvalidRequest(faults=[{"path": "amount", "message": "an amount or an appropriation is needed"}])
        for about, name in amounts.items():
            if name in request:
                by, on = caller.subject, tenant.business_date
                budgets.set_amount(tx, tenant.id, year, about, request[name], by, on)
        return budgets.show(tx, tenant, year)

    @query("billing.budget")
    def budget(self, tx: Tx, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return budgets.show(tx, held.tenant_named(tx, request["tenant"]), request["year"])


def _ask(
    tx: Tx,
    tenant: Tenant,
    kind: QuestionKind,
    title: str,
    year: int | None,
    as_of: date | None,
    asked: Mapping[str, Any],
    caller: Caller,
) -> dict[str, Any]:
    """Put a question into the queue. Raises Conflict before the first business date, for a day after the present one,
    and while `MOST_WAITING` are waiting.
    """
    today = tenant.business_date
    if today is None:
        raise Conflict("No business date has been opened yet.")
    if as_of is not None and as_of > today:
        raise Conflict(f"The business date is {today}: nothing is known of {as_of} yet.")
    if store.waiting(tx, tenant.id) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} questions are waiting already.", code="TOO_MANY_QUESTIONS")
    one = store.Question(
        new_id(), kind, title, year, as_of or today, asked, QuestionState.REQUESTED, caller.subject, today
    )
    return {"question": one.id, "state": one.state.value, "ahead": store.add(tx, tenant.id, one)}


def _has_tariffs(tenant: Tenant, programmes: Mapping[Any, int], year: int) -> None:
    """Raises InvalidRequest for a programme whose new assignments would have no tariff."""
    faults = []
    for programme in sorted(programmes):
        try:
            tenant.settings.fee(programme, date(year, 12, 1))
        except (LookupError, ValueError):
            faults.append({"path": f"new_per_month.{programme}", "message": "has no monthly fee in that year"})
    if faults:
        raise InvalidRequest(faults=faults)


def _question(tx: Tx, request: Mapping[str, Any], kind: QuestionKind) -> store.Question:
    """Raises NotFound, also for a question of another kind."""
    one = store.one(tx, request["tenant"], request["question"])
    if one is None or one.kind is not kind:
        raise NotFound(f"There is no such question {request['question']}.")
    return one


def _result(one: store.Question) -> Mapping[str, Any]:
    """Raises Conflict while there is none."""
    if one.result is None:
        raise Conflict(f"The question is {one.state.value}: it has no answer.", code="NOT_ANSWERED")
    return one.result


def _finished_forecast(tx: Tx, request: Mapping[str, Any]) -> dict[str, Any]:
    one = _question(tx, request, QuestionKind.FORECAST)
    _result(one)
    return show.forecast(tx, held.tenant_named(tx, request["tenant"]), one)
