"""Our RPC method of the measurement, in the register of the contracts; both sides import this."""

from __future__ import annotations

from marshmallow import fields

from kundval_contracts import rpc
from kundval_contracts.money import MoneyField
from kundval_contracts.rpc import CallerRole, Method, Policy, Reach, Shield

from .question import METHOD


class Posted(rpc.Message):
    provider = rpc.identifier(required=True)
    amount = MoneyField(required=True)
    payable_from = fields.Date(required=True)


if METHOD not in rpc.METHODS:
    roles = frozenset({CallerRole.CONTROLLER, CallerRole.SYSTEM})
    policy = Policy(Reach.NOTHING, Shield.OPAQUE, personal=False)
    rpc.register(Method(METHOD, rpc.AssignmentRequest(), Posted(), "query", roles, "measure a query", policy))
