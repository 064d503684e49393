"""The page of the RPC methods."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from kundval_contracts.errors import KINDS, KundvalError
from kundval_contracts.facts import FACT_SCHEMAS, FREE_TEXT, KEPT_HERE
from kundval_contracts.rpc import METHODS, CallerRole, Method, Reach, Shield

from .fields import TYPES, Parts, about, field_table, kind, presence
from .markdown import anchor, code, listed, page, table


def rpc_page() -> str:
    parts = Parts()
    told: list[str] = []
    for service in dict.fromkeys(method.service for method in METHODS.values()):
        told.append(f"## {service}")
        for method in METHODS.values():
            if method.service == service:
                told += _method(method, parts)
    rows = (
        (f"[{one.name}]({anchor(one.name)})", one.kind, one.purpose[0].upper() + one.purpose[1:] + ".")
        for one in METHODS.values()
    )
    errors = (
        (code(one.kind), one.__name__, inspect.cleandoc(one.__doc__ or "").partition("\n\n")[0].replace("\n", " "))
        for one in sorted((one for one in KINDS.values() if one is not KundvalError), key=lambda one: one.kind)
    )
    return page(
        "RPC methods",
        RPC_INTRO,
        TYPES,
        table(("method", "kind", "what for"), rows),
        *told,
        "## Objects",
        *parts.sections(),
        "### A fact",
        FACT_ITEM,
        *_fact_kinds(),
        "## Errors",
        ERRORS,
        table(("kind", "class", "when"), errors),
    )


RPC_INTRO = (
    "What can be asked of the services, and by whom. The wire is nameko's RPC; "
    "[how to integrate](../how-to/integrate.md) shows a plain client for it. A request is a JSON object; a field that "
    "its schema does not know is a fault, and every fault is named by path. A *command* changes something, takes an "
    "idempotency key and has its effect once, however often it is sent; a *query* only reads.\n\n"
    "Every call carries a signed token with role, organisation and purpose. `PROVIDER` callers see and state what "
    "concerns their own assignments only.\n\n"
    "Lists are paged by assignment: `limit` is a number of assignments, all rows of one stay together, and `next` is "
    "what to send as `after` to go on, or null at the end."
)
FACT_ITEM = (
    "`{assignment, id, ordinal?, on, known_on?, fact, …}`: `id` is the caller's own id of the fact, by which sending "
    "it again is known; `ordinal` puts facts of the same day in order (-1 or none: after those that are there); `fact` "
    "is one of the kinds below and the other fields are those of its kind. "
    "See [the caseload format](caseload-format.md) for what each means."
)
ERRORS = (
    "An error arrives as `{kind, code, message, rules, faults, error_id?}`. `code` is stable and for programs, "
    "`message` one sentence for people, `rules` the rules that say so, `faults` a list of `{path, message}`."
)


def _method(method: Method, parts: Parts) -> Iterator[str]:
    yield f"### {method.name}"
    purpose = f"{method.purpose[0].upper()}{method.purpose[1:]}"
    yield f"{purpose}. *{method.kind.capitalize()}*, for {roles_in_words(method)}."
    yield policy_in_words(method)
    notes = [text for text in (about(method.request), about(method.answer)) if text and text != "No fields."]
    yield from notes
    yield "Request:"
    yield field_table(method.request, parts)
    yield "Answer:"
    yield field_table(method.answer, parts)


#: What a policy says, for who reads the catalogue; a shield that changes nothing is not mentioned.
REACHES = {
    Reach.NOTHING: "",
    Reach.OWN_ASSIGNMENT: "A provider may name its own assignments only.",
    Reach.OWN_ROWS: "A provider gets the rows of its own assignments only.",
    Reach.ITSELF: "A provider gets what is held of itself only.",
    Reach.OPEN: "Nothing in it is about a client.",
}
SHIELDS = {
    Shield.NONE: "",
    Shield.OPAQUE: "",
    Shield.PAYERS: "Of a protected person the provider is masked, but for itself and who pays it.",
    Shield.PARTIES: "Of a protected person only its provider and who takes part are told; others are refused.",
    Shield.MASKED: "Of a protected person provider, workplace and place are masked, but for named readers.",
    Shield.ADDRESSES: "A protected person's addresses are told to nobody, only that it is protected.",
    Shield.READERS: "A protected person exists for named readers only.",
}


def policy_in_words(method: Method) -> str:
    logged = "Needs a purpose in the token, and is entered in the access log." if method.policy.personal else ""
    return " ".join(filter(None, (REACHES[method.policy.reach], SHIELDS[method.policy.shield], logged)))


def roles_in_words(method: Method) -> str:
    if method.roles == frozenset(CallerRole):
        return "everybody with a token"
    return listed(role.value for role in CallerRole if role in method.roles)


def _fact_kinds() -> Iterator[str]:
    parts = Parts()
    rows = (
        (
            code(kind_.value),
            "; ".join(
                f"{code(field.data_key or name)} {kind(field, parts)} ({presence(field)})"
                for name, field in schema.fields.items()
            ),
            ", ".join(code(name) for name in FREE_TEXT.get(kind_, ())) if kind_ not in KEPT_HERE else "all of it",
        )
        for kind_, schema in FACT_SCHEMAS.items()
    )
    yield table(("fact", "fields", "stays in the assignment service"), rows)
    yield from parts.sections()
