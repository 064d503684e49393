"""A document and a statement as sheets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kundval_contracts.answer import Said
from kundval_contracts.codes import Programme, VatTreatment
from kundval_contracts.phrases import say, text

from ..domain.documents import Document, last_day, named
from ..domain.parties import Party
from ..domain.statement import NOTHING, Posted, Statement
from .sheet import Section, Sheet, Table, Texts, columns, texts


def document_sheet(document: Document, lang: str) -> Sheet:
    """The document to be read. The original is another form of it."""
    words = texts(lang)
    return Sheet(
        lang,
        words.say("document_title", kind=words.of("kind", document.kind), number=document.number),
        tuple(_head(document, words)),
        (
            Section("seller", words.say("seller"), pairs=tuple(_party(document.seller, words, account=True))),
            Section("buyer", words.say("buyer"), pairs=tuple(_party(document.buyer, words, account=False))),
            _lines(document, words),
            Section("sums", words.say("sums"), pairs=tuple(_sums(document, words))),
        ),
        words.say("footer_document"),
    )


def _head(document: Document, words: Texts) -> Iterator[tuple[str, str]]:
    yield words.say("number"), document.number
    yield words.say("issued_on"), document.issued_on.isoformat()
    if not document.kind.is_credit:
        yield words.say("due_on"), document.due_on.isoformat()
    if document.reference is not None:
        earlier = document.reference
        yield words.say("corrects"), words.say("corrects_value", number=earlier.number, day=earlier.issued_on)
    if document.kind.is_self_billing:
        yield words.say("self_billing"), words.say("self_billing_value")
    if document.agreement is not None:
        yield words.say("agreement"), document.agreement
    yield words.say("buyer_reference"), document.buyer_reference
    if document.period is not None:
        first, last = document.period
        yield words.say("period"), words.say("period_value", first=first, last=last)


def _party(party: Party, words: Texts, *, account: bool) -> Iterator[tuple[str, str]]:
    yield words.say("name"), party.name
    yield words.say("organisation_number"), f"{party.organisation_number[:6]}-{party.organisation_number[6:]}"
    if party.vat_number is not None:
        yield words.say("vat_number"), party.vat_number
    place = words.say("address_value", street=party.street, postal_code=party.postal_code, city=party.city)
    yield words.say("address"), place
    if account and party.f_skatt:
        yield words.say("f_skatt"), words.say("f_skatt_value")
    if account and party.account is not None:
        kind, number = party.account
        yield words.say("account"), f"{words.of('account', kind)} {number}"


def _lines(document: Document, words: Texts) -> Section:
    rows = tuple(
        (
            line.named(words.lang),
            line.assignment,
            line.because if words.lang == "sv" else line.because_en,
            words.money(line.amount),
        )
        for line in document.lines
    )
    table = Table(
        words.say("lines_caption"),
        columns(words, ("item", "assignment", "why", "amount"), ("amount",)),
        rows,
        (words.say("net"), "", "", words.money(document.totals.net)),
    )
    return Section("lines", words.say("lines"), table=table)


def _sums(document: Document, words: Texts) -> Iterator[tuple[str, str]]:
    yield words.say("net"), words.money(document.totals.net)
    if document.vat.treatment is VatTreatment.STANDARD_25:
        yield words.say("vat", percent=document.vat.percent), words.money(document.totals.vat)
    else:
        yield words.say("no_vat"), document.vat.said or ""
    yield words.say("credited" if document.kind.is_credit else "gross"), words.money(document.totals.gross)


# --- statements ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class About:
    """Whose statement, of what, and the day on which what is held was looked at. `last` is the last day."""

    provider: str
    name: str | None
    run: date | None
    first: date
    last: date
    as_of: date | None


def statement_sheet(statement: Statement, about: About, lang: str) -> Sheet:
    """The statement to be read."""
    words = texts(lang)
    who = about.provider if about.name is None else f"{about.name} ({about.provider})"
    time = words.say("period_value", first=about.first, last=about.last)
    when = (words.say("of_run"), str(about.run)) if about.run else (words.say("from_to"), time)
    return Sheet(
        lang,
        words.say("statement_title"),
        ((words.say("provider"), who), when),
        (
            Section(
                "summary",
                words.say("summary"),
                pairs=(
                    (words.say("opening"), words.money(statement.opening)),
                    (words.say("posted"), words.money(statement.posted)),
                    (words.say("went_out"), words.money(statement.went_out)),
                    (words.say("closing"), words.money(statement.closing)),
                ),
            ),
            _posted("paid", statement.fresh, words),
            _posted("taken_back", statement.taken_back, words),
            _held(statement, about, words),
            _totals(statement, words),
            _documents(statement, words),
        ),
        words.say("footer_statement"),
    )


def _why(because: str, said: Said | None, lang: str) -> str:
    return because if said is None else text(said, lang)


def _posted(key: str, rows: tuple[Posted, ...], words: Texts) -> Section:
    if not rows:
        return Section(key, words.say(key), words.say(f"{key}_none"))
    table = Table(
        words.say(f"{key}_caption"),
        columns(words, ("item", "assignment", "why", "taken_run", "document", "amount"), ("amount",)),
        tuple(
            (
                named(one.kind, one.programme, one.sequence, one.starts, last_day(one.starts, one.ends), words.lang),
                one.assignment,
                _why(one.because, one.said, words.lang),
                one.run.isoformat(),
                one.document or "",
                words.money(one.amount),
            )
            for one in rows
        ),
        (words.say("sum"), "", "", "", "", words.money(sum((one.amount for one in rows), NOTHING))),
    )
    return Section(key, words.say(key), table=table)


def _held(statement: Statement, about: About, words: Texts) -> Section:
    if not statement.held:
        return Section("held", words.say("held"), words.say("held_none"))
    table = Table(
        words.say("held_caption", day=about.as_of),
        columns(words, ("item", "assignment", "status", "why", "amount"), ("amount",)),
        tuple(
            (
                named(line.kind, programme, line.sequence, line.start, last_day(line.start, line.end), words.lang),
                line.assignment,
                words.of("status", line.status),
                _why(line.because, line.said, words.lang),
                words.money(line.amount),
            )
            for programme, line in statement.held
        ),
    )
    return Section("held", words.say("held"), table=table)


def _totals(statement: Statement, words: Texts) -> Section:
    table = Table(
        words.say("totals_caption"),
        columns(words, ("programme", "kind", "count", "amount"), ("count", "amount")),
        tuple(
            (
                _programme(one.programme),
                text(say(f"item.{one.kind.value}"), words.lang),
                str(one.count),
                words.money(one.amount),
            )
            for one in statement.totals
        ),
        (words.say("sum"), "", str(sum(one.count for one in statement.totals)), words.money(statement.posted)),
    )
    return Section("totals", words.say("totals"), table=table)


def _documents(statement: Statement, words: Texts) -> Section:
    if not statement.documents:
        return Section("documents", words.say("documents"), words.say("documents_none"))
    table = Table(
        words.say("documents_caption"),
        columns(words, ("document", "kind", "issued_on", "due_on", "with_vat", "amount"), ("with_vat", "amount")),
        tuple(
            (
                one.number,
                words.of("kind", one.kind),
                one.issued_on.isoformat(),
                one.due_on.isoformat(),
                words.money(one.gross),
                words.money(one.entries),
            )
            for one in statement.documents
        ),
        (words.say("sum"), "", "", "", "", words.money(statement.went_out)),
    )
    return Section("documents", words.say("documents"), table=table)


def _programme(programme: Programme | None) -> str:
    return "" if programme is None else programme.value.replace("_", " ")
