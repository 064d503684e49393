"""Every RPC method of the suite: name, request, answer, who may call it.

A request is a JSON object; a field that its schema does not know is a fault, and all faults are named by
path. An answer is a JSON object too: dates ISO, money a string with two decimals.

Lists are paged by assignment: ``limit`` is a number of assignments, all rows of one assignment stay together,
and ``next`` is what to send as ``after`` to go on, or null at the end (`Client.rows` does that). Without
``limit`` a page holds `PAGE` assignments, so that no answer comes near the broker's message limit
(16 MiB on RabbitMQ 4).

Headers of a request: ``nameko.auth_token`` (a signed token), ``nameko.idempotency_key`` (commands),
``nameko.correlation_id``, ``nameko.traceparent``.
"""

from __future__ import annotations

from . import (
    assignment,
    billing,
    calendars,
    casework,
    claims,
    contacts,
    control,
    directory,
    documents,
    explanations,
    inbox,
    meetings,
    notifications,
    operate,
    payments,
    people,
    plans,
    profile,
    providers,
    questions,
    receipts,
    reports,
    results,
    scheduling,
    slots,
    texts,
    workload,
)
from .base import (
    EVERYBODY,
    METHODS,
    MOST,
    OPERATIONS,
    PAGE,
    AssignmentRequest,
    CallerRole,
    FactItem,
    Info,
    Kind,
    Message,
    Method,
    Nothing,
    PageAnswer,
    PageRequest,
    Policy,
    Positions,
    Reach,
    Shield,
    TenantRequest,
    add,
    identifier,
    method,
    register,
)

for _service in ("assignment", "scheduling", "billing", "notifications"):
    add(f"{_service}.positions", "query", TenantRequest, Positions, OPERATIONS,
        "say how far the service has come with what was published",
        reach=Reach.NOTHING, shield=Shield.NONE)  # fmt: skip
    add(f"{_service}.info", "query", Nothing, Info, EVERYBODY, "say which version runs and how it is",
        reach=Reach.OPEN, shield=Shield.NONE)  # fmt: skip

__all__ = [
    "METHODS",
    "MOST",
    "PAGE",
    "AssignmentRequest",
    "CallerRole",
    "FactItem",
    "Info",
    "Kind",
    "Message",
    "Method",
    "Nothing",
    "PageAnswer",
    "PageRequest",
    "Policy",
    "Positions",
    "Reach",
    "Shield",
    "TenantRequest",
    "assignment",
    "billing",
    "calendars",
    "casework",
    "claims",
    "contacts",
    "control",
    "directory",
    "documents",
    "explanations",
    "identifier",
    "inbox",
    "meetings",
    "method",
    "notifications",
    "operate",
    "payments",
    "people",
    "plans",
    "profile",
    "providers",
    "questions",
    "receipts",
    "register",
    "reports",
    "results",
    "scheduling",
    "slots",
    "texts",
    "workload",
]
