"""Providers: facts about them, where they stand, what is proposed, whose clients must choose anew (rulebook 8.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from ..codes import (
    AssignmentState,
    DeauthorisationGround,
    FindingSeverity,
    Ownership,
    Programme,
    ProviderFactKind,
    ProviderState,
    ReviewCause,
    StaffFunction,
    SupervisionChannel,
    TermEvidence,
    TermState,
)
from ..provider_facts import load_provider_fact
from .base import (
    MANAGERS,
    MONEY,
    PROVIDER,
    STAFF,
    Message,
    PageAnswer,
    PageRequest,
    Reach,
    Shield,
    TenantRequest,
    add,
    code,
    count,
    identifier,
    rule_ids,
)


class ProviderFactItem(fields.Field[Any]):
    """``{id, ordinal?, on, known_on?, fact, …fields of that kind}``, loaded as a `ProviderFact`."""

    class _Head(Message):
        id = identifier(required=True)
        # order among the facts of a day, -1: the next
        ordinal = fields.Integer(strict=True, load_default=-1, validate=validate.Range(0, 2**31 - 1))

    _head = _Head()

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValidationError("must be an object")
        rest = dict(value)
        head = {name: rest.pop(name) for name in ("id", "ordinal") if name in rest}
        faults: dict[str, Any] = {}
        loaded: dict[str, Any] = {}
        try:
            loaded = self._head.load(head)
        except ValidationError as error:
            faults.update(error.messages_dict)
        fact = None
        try:
            fact = load_provider_fact(rest, loaded.get("ordinal", -1), loaded.get("id", ""))
        except ValidationError as error:
            faults.update(error.messages_dict)
        if faults:
            raise ValidationError(faults)
        return fact

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


class ProviderRequest(TenantRequest):
    provider = identifier(required=True)


class RecordProviderFacts(ProviderRequest):
    facts = fields.List(ProviderFactItem(), required=True, validate=validate.Length(1, 500))


class ProviderFactsRecorded(Message):
    recorded = count(required=True)


class WithdrawProviderFact(ProviderRequest):
    fact = identifier(required=True)


class ProviderFactWithdrawn(Message):
    withdrawn = fields.Boolean(required=True)


class ProvidersRequest(TenantRequest):
    """A provider sees itself whatever it asks for."""

    provider = identifier(load_default=None, allow_none=True)


class Because(Message):
    """Why a provider is under review: `ref` is the id of the finding, or the code of the term."""

    cause = code(ReviewCause, required=True)
    ref = identifier(required=True)
    since = fields.Date(required=True, allow_none=True)


class ProviderStanding(Message):
    """`until`: the first day on which the authorisation ends, by what is known."""

    programme = code(Programme, required=True)
    state = code(ProviderState, required=True)
    since = fields.Date(required=True)
    authorised = fields.Date(required=True, allow_none=True)
    until = fields.Date(required=True, allow_none=True)
    ground = code(DeauthorisationGround, required=True, allow_none=True)
    causes = fields.List(fields.Nested(Because), required=True)


class ProviderRow(Message):
    """`capacity` and `places_left` null: no limit is known. `clients`: whom the provider has, or is asked to take."""

    provider = identifier(required=True)
    name = fields.String(required=True)
    ownership = code(Ownership, required=True)
    standings = fields.List(fields.Nested(ProviderStanding), required=True)
    capacity = count(required=True, allow_none=True)
    clients = count(required=True)
    places_left = count(required=True, allow_none=True)


class Providers(Message):
    providers = fields.List(fields.Nested(ProviderRow), required=True)


class ChecklistRow(Message):
    """A term as it stands. `offered`: evidence that nobody has approved yet. `lacking`: for whom it is not met."""

    term = identifier(required=True)
    title = fields.String(required=True)
    rules = rule_ids()
    evidence_kind = code(TermEvidence, required=True)
    mandatory = fields.Boolean(required=True)
    programmes = fields.List(code(Programme), required=True)
    state = code(TermState, required=True)
    since = fields.Date(required=True, allow_none=True)
    evidence = identifier(required=True, allow_none=True)
    valid_until = fields.Date(required=True, allow_none=True)
    offered = identifier(required=True, allow_none=True)
    lacking = fields.List(identifier(), required=True)


class StaffRow(Message):
    """`qualified`: the path that the person fulfils, `A` or `B`, or null."""

    staff = identifier(required=True)
    function = code(StaffFunction, required=True)
    qualified = fields.String(required=True, allow_none=True, validate=validate.OneOf(["A", "B"]))
    since = fields.Date(required=True, allow_none=True, data_key="from", attribute="from")
    until = fields.Date(required=True, allow_none=True)


class SupervisionRow(Message):
    """`text` is shown to who answers for providers, else null: the provider is not told what clients have said."""

    on = fields.Date(required=True)
    channel = code(SupervisionChannel, required=True)
    text = fields.String(required=True, allow_none=True)


class ReviewRow(Message):
    """The regular check. `interval_months` null: the municipality has set none, so nothing is due (GAP-22)."""

    interval_months = count(required=True, allow_none=True)
    last = fields.Date(required=True, allow_none=True)
    due = fields.Date(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    by_channel = fields.Dict(keys=code(SupervisionChannel), values=fields.Date(allow_none=True), required=True)


class FindingRow(Message):
    finding = identifier(required=True)
    on = fields.Date(required=True)
    severity = code(FindingSeverity, required=True)
    term = identifier(required=True, allow_none=True)
    measure = fields.String(required=True, allow_none=True)
    due = fields.Date(required=True, allow_none=True)
    measure_done_on = fields.Date(required=True, allow_none=True)
    closed_on = fields.Date(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)


class PenaltyRow(Message):
    case = identifier(required=True)
    on = fields.Date(required=True)
    amount = fields.String(required=True)
    ground = fields.String(required=True, allow_none=True)


class StaffRatio(Message):
    """Employees for the clients of the employment service's programmes, a general reckoning: it only warns."""

    clients = count(required=True)
    employees = count(required=True)
    needed = count(required=True)
    warning = fields.Boolean(required=True)


class ProposalRow(Message):
    """`active_clients` above 0 is a warning: they would have to choose anew."""

    provider = identifier(required=True)
    ground = code(DeauthorisationGround, required=True)
    programmes = fields.List(code(Programme), required=True)
    terms = fields.List(identifier(), required=True)
    rules = rule_ids()
    last_choice = fields.Date(required=True, allow_none=True)
    active_clients = count(required=True)


class ProviderFactRow(Message):
    """A fact with its judgement, without texts."""

    id = identifier(required=True)
    fact = code(ProviderFactKind, required=True)
    on = fields.Date(required=True)
    known_on = fields.Date(required=True)
    in_effect = fields.Boolean(required=True)
    code = fields.String(required=True, allow_none=True)
    rules = rule_ids()


class ProviderDetails(ProviderRow):
    checklist = fields.List(fields.Nested(ChecklistRow), required=True)
    staff = fields.List(fields.Nested(StaffRow), required=True)
    staff_ratio = fields.Nested(StaffRatio, required=True)
    subcontractors = fields.List(identifier(), required=True)
    review = fields.Nested(ReviewRow, required=True)
    supervision = fields.List(fields.Nested(SupervisionRow), required=True)
    findings = fields.List(fields.Nested(FindingRow), required=True)
    penalties = fields.List(fields.Nested(PenaltyRow), required=True)
    proposals = fields.List(fields.Nested(ProposalRow), required=True)
    facts = fields.List(fields.Nested(ProviderFactRow), required=True)


class Proposals(Message):
    proposals = fields.List(fields.Nested(ProposalRow), required=True)


class ClientToMove(Message):
    """`since`: from that day its provider cannot be chosen. The provider is masked for a protected person."""

    assignment = identifier(required=True)
    programme = code(Programme, required=True)
    state = code(AssignmentState, required=True)
    provider = identifier(required=True)
    since = fields.Date(required=True)


class ClientsToMove(PageAnswer):
    clients = fields.List(fields.Nested(ClientToMove), required=True)


#: who answers for providers on the municipality's side
ANSWERS_FOR_PROVIDERS = MANAGERS | MONEY

add("assignment.record_provider_facts", "command", RecordProviderFacts, ProviderFactsRecorded,
    ANSWERS_FOR_PROVIDERS | PROVIDER, "state facts about a provider",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("assignment.withdraw_provider_fact", "command", WithdrawProviderFact, ProviderFactWithdrawn,
    ANSWERS_FOR_PROVIDERS, "take back a fact about a provider that was stated by mistake",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.providers", "query", ProvidersRequest, Providers, STAFF | PROVIDER,
    "list the providers with their standing and the places left",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("assignment.provider", "query", ProviderRequest, ProviderDetails, STAFF | PROVIDER,
    "show a provider: terms, staff, supervision, findings",
    reach=Reach.ITSELF, shield=Shield.NONE)  # fmt: skip
add("assignment.provider_proposals", "query", ProvidersRequest, Proposals, ANSWERS_FOR_PROVIDERS,
    "list the de-authorisations that the rules propose for a person to decide",
    reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
add("assignment.clients_to_move", "query", PageRequest, ClientsToMove, STAFF,
    "list the assignments whose provider is authorised no longer",
    reach=Reach.NOTHING, shield=Shield.MASKED, personal=True, rows="clients")  # fmt: skip
