"""Documents in the database: issued once and without gaps, never changed, in the journal once; statements add up."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from kundval_billing import documents, payees, store
from kundval_billing.documents import check, journal, read, sheet, statements, tables, ubl
from kundval_billing.documents import store as papers
from kundval_billing.payees import store as parties
from kundval_chassis import migrate
from kundval_chassis.db import Pool
from kundval_contracts.answer import Posting, Step
from kundval_contracts.case import Provider, Tenant
from kundval_contracts.codes import Direction, DocumentKind, LineKind, Ownership, PayerRole, Programme
from kundval_contracts.errors import Conflict
from kundval_contracts.phrases import say, text
from kundval_contracts.rpc import METHODS
from kundval_contracts.settings import RuleSettings

from .papers import COMPANY, EMPLOYMENT_SERVICE, MUNICIPALITY, D

JULY, AUGUST, SEPTEMBER = date(2024, 7, 1), date(2024, 8, 1), date(2024, 9, 1)
FIRST = date(2024, 1, 1)
STANDARD = {"treatment": "STANDARD_25"}
NAME = "Alfa Enskild Firma Xyzzy"


@pytest.fixture(scope="module")
def pool(database: str) -> Iterator[Pool]:
    """One database for all tests: what went out cannot be taken out of it, so each test has a tenant of its own."""
    migrate.apply(database, "billing")
    with Pool(database, name="test") as made:
        yield made


class Books:
    """A tenant with parties, to post, pay and issue in."""

    def __init__(self, pool: Pool):
        self.pool = pool
        self.tenant = Tenant(
            f"t-{uuid.uuid4().hex}",
            "nacka",
            RuleSettings({}, ()),
            {"alfa": Provider("alfa", Ownership.PRIVATE, {}), "beta": Provider("beta", Ownership.NON_PROFIT, {})},
            business_date=SEPTEMBER,
        )
        self._revisions: dict[tuple[Any, ...], int] = {}

    @property
    def id(self) -> str:
        return self.tenant.id

    def all_known(self, *, self_billing: bool = True) -> None:
        self.payer()
        self.customer()
        self.payee(self_billing={"from": "2024-01-01", "to": None, "reference": "SB-17"} if self_billing else None)

    def payer(self, role: str = "MUNICIPALITY", number: str = MUNICIPALITY, vat: Any = None, **more: Any) -> None:
        fields = {"role": role, "vat_by_ownership": {"PRIVATE": STANDARD}, **more}
        loaded = self._load("set_payer", number, "Nacka kommun", vat, **fields)
        with self.pool.tx() as tx:
            ownership = {key.value: {**value} for key, value in loaded["vat_by_ownership"].items()}
            parties.add_payer(tx, self.id, loaded["role"], loaded["valid_from"], loaded["party"], ownership, "me")

    def customer(self) -> None:
        self.payer("CUSTOMER", EMPLOYMENT_SERVICE, STANDARD, vat_by_ownership={})

    def payee(self, provider: str = "alfa", vat: Any = None, **more: Any) -> None:
        loaded = self._load("set_payee", COMPANY, NAME, vat, provider=provider, **more)
        agreement = loaded["self_billing"]
        with self.pool.tx() as tx:
            on_wire = agreement and {**agreement, "from": str(agreement["from"])}
            parties.add_payee(tx, self.id, provider, loaded["valid_from"], loaded["party"], on_wire, "me")

    def _load(self, method: str, number: str, name: str, vat: Any, **more: Any) -> dict[str, Any]:
        party = {"name": name, "organisation_number": number, "street": "Storgatan 1", "postal_code": "131 81"}
        party |= {"city": "Nacka", "payment_terms_days": 30, "vat_number": f"SE{number}01", "bankgiro": "9912346"}
        request = {"tenant": self.id, "valid_from": "2024-01-01", "party": {**party, "vat": vat}, **more}
        return METHODS[f"billing.{method}"].load(request)

    def post(
        self, run: date, amount: str, sequence: int = 1, reverses: date | None = None, *,
        provider: str = "alfa", programme: Programme = Programme.AMI_2, kind: LineKind = LineKind.MONTHLY_FEE,
    ) -> int:  # fmt: skip
        """Post one entry; its number."""
        said = say("fee.month", number=sequence, payable_from=run)
        if reverses is not None:
            said = say("posting.taken_back", why=said)
        one = Posting(
            run, "A-001", provider, kind, sequence, D(amount), reverses, ("AMI-10.1-a",), text(said),
            (Step("fee", D(amount)),), said, (), date(2024, 3, 15), date(2024, 4, 15),
        )  # fmt: skip
        revision = self._revisions[one.key] = self._revisions.get(one.key, 0) + 1
        with self.pool.tx() as tx:
            (number,) = store.add_entries(tx, self.id, [(one, programme, revision)])
        return number

    def pay(self, run: date, *entries: int) -> int:
        """Put entries on a payment; its number. Its way through checks and attestation is another test's affair."""
        with self.pool.tx() as tx:
            head = tx.one(
                "SELECT provider, direction, count(*) AS count, sum(amount) AS sum FROM entry WHERE entry = ANY(%s)"
                " GROUP BY provider, direction",
                (list(entries),),
            )
            assert head is not None
            number: int = tx.value(
                "INSERT INTO payment (tenant, run, provider, direction, number, preparer, amount, entries,"
                " self_billing, proposed_on) SELECT %(tenant)s, %(run)s, %(provider)s, %(direction)s, 1 + count(*),"
                " 'me', %(sum)s, %(count)s, false, %(run)s FROM payment WHERE tenant = %(tenant)s RETURNING payment",
                {"tenant": self.id, "run": run, **head},
            )
            tx.insert_rows("payment_entry", ("payment", "entry"), [(number, one) for one in entries])
            tx.execute(
                "INSERT INTO payment_act (payment, number, act, who, role, on_day)"
                " VALUES (%s, 1, 'PROPOSED', 'me', 'CONTROLLER', %s)",
                (number, run),
            )
        return number

    def issue(self, payment: int, day: date) -> list[str]:
        with self.pool.tx() as tx:
            return documents.issue(tx, self.tenant, payment, day)

    def out(self, run: date, *entries: int) -> list[str]:
        """Pay entries and issue the documents on the day of the run."""
        return self.issue(self.pay(run, *entries), run)

    def document(self, number: str) -> Any:
        with self.pool.tx(readonly=True) as tx:
            found = papers.one(tx, self.id, number, None)
        assert found is not None
        return found

    def problem(self, provider: str = "alfa", direction: Direction = Direction.PAYABLE, day: date = JULY) -> str | None:
        with self.pool.tx(readonly=True) as tx:
            return documents.problem(tx, self.tenant, provider, direction, day)

    def numbers(self) -> list[str]:
        with self.pool.tx(readonly=True) as tx:
            return [row["number"] for row in papers.heads(tx, self.id, None, None, None, 100)]


@pytest.fixture
def books(pool: Pool) -> Books:
    return Books(pool)


# --- parties ---------------------------------------------------------------------------------------------


def test_what_is_missing_is_named_until_a_document_can_be_issued(books: Books) -> None:
    assert books.problem() == "PAYER_UNKNOWN"
    books.payer()
    assert books.problem() == "PAYEE_UNKNOWN"
    books.payee()
    assert books.problem() is None
    assert books.problem(day=date(2023, 12, 31)) == "PAYER_UNKNOWN"
    # nobody has said how VAT applies to a provider of this kind of owner, and there is no default
    books.payee("beta")
    assert books.problem("beta") == "VAT_NOT_SET"
    books.payee("beta", {"treatment": "EXEMPT", "reason": "Undantaget"})
    assert books.problem("beta") is None
    assert books.problem(direction=Direction.RECEIVABLE) == "CUSTOMER_UNKNOWN"
    books.customer()
    assert books.problem(direction=Direction.RECEIVABLE) is None


def test_a_party_is_the_latest_version_of_the_latest_day_and_an_agreement_has_its_days(books: Books) -> None:
    books.payee(self_billing={"from": "2024-07-01", "to": "2024-08-01", "reference": "SB-17"})
    books.payee(valid_from="2024-08-01")
    with books.pool.tx(readonly=True) as tx:
        assert payees.of(tx, books.id, "alfa", date(2023, 12, 31)) is None
        found = [payees.of(tx, books.id, "alfa", day) for day in (date(2024, 6, 30), JULY, date(2024, 7, 31), AUGUST)]
        assert payees.payer(tx, books.id, PayerRole.CUSTOMER, JULY) is None
    assert [one and one.self_billing for one in found] == [False, True, True, False]
    assert [one and one.valid_from for one in found] == [FIRST, FIRST, FIRST, AUGUST]


# --- issuing ---------------------------------------------------------------------------------------------


def test_a_payment_gives_an_invoice_that_keeps_the_rules_and_stays_as_it_is(books: Books) -> None:
    books.all_known()
    entries = [books.post(JULY, "8000.00", 1), books.post(JULY, "20000.01", 1, kind=LineKind.RESULT_BONUS)]
    (number,) = books.out(JULY, *entries)
    assert number == "SF-2024-000001"
    document, body, sha256 = books.document(number)
    assert check.check(body) == [] and sha256 == hashlib.sha256(body).hexdigest()
    assert body == ubl.build(document)
    assert document.kind is DocumentKind.SELF_BILLING_INVOICE and document.agreement == "SB-17"
    assert document.totals.gross == D("35000.01") and document.due_on == date(2024, 7, 31)
    assert {one.entry for one in document.lines} == set(entries)
    assert document.lines[0].because.startswith("Månadsersättning för månad 1")


def test_issuing_again_gives_the_same_numbers_and_writes_nothing(books: Books) -> None:
    books.all_known()
    payment = books.pay(JULY, books.post(JULY, "8000.00"))
    assert books.issue(payment, JULY) == books.issue(payment, AUGUST) == books.numbers() == ["SF-2024-000001"]


def test_what_is_taken_back_is_credited_against_its_own_invoice(books: Books) -> None:
    books.all_known()
    first = books.out(JULY, books.post(JULY, "8000.00", 1), books.post(JULY, "8000.00", 2))
    second = books.out(AUGUST, books.post(AUGUST, "8000.00", 3))
    numbers = books.out(
        SEPTEMBER,
        books.post(SEPTEMBER, "-8000.00", 2, JULY),
        books.post(SEPTEMBER, "6000.00", 2),
        books.post(SEPTEMBER, "-8000.00", 3, AUGUST),
    )
    assert numbers == ["SF-2024-000003", "SK-2024-000001", "SK-2024-000002"]
    notes = [books.document(number)[0] for number in numbers[1:]]
    assert [(one.reference.number, one.reference.issued_on) for one in notes] == [
        (first[0], JULY),
        (second[0], AUGUST),
    ]
    assert [one.totals.gross for one in notes] == [D("10000.00"), D("10000.00")]


def test_what_is_taken_back_in_the_payment_that_first_pays_it_is_credited_there(books: Books) -> None:
    books.all_known()
    entries = [books.post(JULY, "8000.00", 1), books.post(JULY, "7000.00", 2), books.post(JULY, "-8000.00", 1, JULY)]
    assert books.out(JULY, *entries) == ["SF-2024-000001", "SK-2024-000001"]
    assert books.document("SK-2024-000001")[0].reference.number == "SF-2024-000001"


def test_a_provider_without_agreement_gets_a_payment_basis_with_corrections_set_off(books: Books) -> None:
    books.all_known(self_billing=False)
    assert books.out(JULY, books.post(JULY, "8000.00")) == ["UB-2024-000001"]
    (number,) = books.out(AUGUST, books.post(AUGUST, "-8000.00", 1, JULY), books.post(AUGUST, "6000.00", 1))
    document, body, _ = books.document(number)
    assert number == "UB-2024-000002" and document.totals.net == D("-2000.00")
    assert body.decode() == tables.of_document(document)
    assert "-8000.00" in body.decode() and "'-8000" not in body.decode()


def test_a_claim_on_the_employment_service_is_a_plain_invoice_and_credited_by_a_credit_note(books: Books) -> None:
    books.all_known()
    base = {"programme": Programme.SOM_1, "kind": LineKind.BASE}
    assert books.out(JULY, books.post(JULY, "5000.00", **base)) == ["F-2024-000001"]
    document, body, _ = books.document("F-2024-000001")
    assert document.seller.organisation_number == MUNICIPALITY and b">380<" in body
    assert document.buyer.organisation_number == EMPLOYMENT_SERVICE
    assert books.out(AUGUST, books.post(AUGUST, "-5000.00", 1, JULY, **base)) == ["K-2024-000001"]


def test_a_correction_of_a_claim_that_was_never_invoiced_is_refused(books: Books) -> None:
    books.all_known()
    base = {"programme": Programme.SOM_1, "kind": LineKind.BASE}
    books.post(JULY, "5000.00", **base)
    payment = books.pay(AUGUST, books.post(AUGUST, "-5000.00", 1, JULY, **base))
    with pytest.raises(documents.Problem) as raised:
        books.issue(payment, AUGUST)
    assert raised.value.code == "ORIGINAL_NOT_ISSUED"


@pytest.mark.parametrize("path", ["net", "vat", "gross"])
def test_a_document_that_is_wrong_by_one_ore_is_refused_and_uses_no_number(
    books: Books, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    books.all_known()
    payment = books.pay(JULY, books.post(JULY, "8000.00"))
    right = ubl.build

    def wrong(document: Any) -> bytes:
        sums = replace(document.totals, **{path: getattr(document.totals, path) + D("0.01")})
        return right(replace(document, totals=sums))

    monkeypatch.setattr(ubl, "build", wrong)
    with books.pool.tx() as tx:
        with pytest.raises(documents.Problem) as raised:
            documents.issue(tx, books.tenant, payment, JULY)
        assert raised.value.code == "DOCUMENT_WRONG"
        # the caller goes on in its transaction, to park the payment
        assert tx.value("SELECT 1") == 1
    assert books.numbers() == []
    monkeypatch.undo()
    assert books.issue(payment, JULY) == ["SF-2024-000001"]


def test_numbers_have_no_gap_after_a_rollback_nor_from_many_at_once(books: Books) -> None:
    books.all_known()
    payments = [books.pay(JULY, books.post(JULY, "100.00", place)) for place in range(1, 9)]
    with pytest.raises(RuntimeError), books.pool.tx() as tx:
        assert documents.issue(tx, books.tenant, payments[0], JULY) == ["SF-2024-000001"]
        raise RuntimeError("the release failed after all")
    threads = [threading.Thread(target=books.issue, args=(payment, JULY)) for payment in payments]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=60)
    assert books.numbers() == [f"SF-2024-{number:06}" for number in range(1, 9)]
    later = books.pay(AUGUST, books.post(AUGUST, "100.00", 20))
    assert books.issue(later, date(2025, 1, 2)) == ["SF-2025-000001"]


def test_an_entry_goes_out_in_one_document_and_nothing_that_went_out_changes(books: Books) -> None:
    books.all_known()
    entry = books.post(JULY, "8000.00")
    books.out(JULY, entry)
    with pytest.raises(psycopg.errors.UniqueViolation), books.pool.tx() as tx:
        tx.insert_rows("document_entry", ("entry", "tenant", "number"), [(entry, books.id, "SF-2024-000001")])
    for table in ("payee", "payer", "document", "document_entry", "accounting", "journal", "journal_entry"):
        for statement in (f"UPDATE {table} SET tenant = tenant", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), books.pool.tx() as tx:
                tx.execute(statement)
    with pytest.raises(psycopg.errors.CheckViolation), books.pool.tx() as tx:
        tx.execute(
            "INSERT INTO document SELECT tenant, number || 'x', kind, direction, provider, payment, run, issued_on,"
            " due_on, net, vat, gross, content, body || 'x'::bytea, sha256 FROM document WHERE tenant = %s",
            (books.id,),
        )


def test_a_payment_that_there_is_not_has_no_documents(books: Books) -> None:
    books.all_known()
    with pytest.raises(documents.Problem) as raised:
        books.issue(2**40, JULY)
    assert raised.value.code == "NOTHING_TO_ISSUE"


# --- the journal -----------------------------------------------------------------------------------------


def lay_out(books: Books, *accounts: tuple[str, str]) -> None:
    rows = [{"ledger": ledger, "account": account, "name": f"Konto {account}"} for ledger, account in accounts]
    request = {"tenant": books.id, "valid_from": "2024-01-01", "plan": {"accounts": rows}}
    with books.pool.tx() as tx:
        papers.add_plan(tx, books.id, FIRST, METHODS["billing.set_accounting"].load(request)["plan"], "me")


def make(books: Books, run: date | None = None, period: tuple[date, date] | None = None) -> dict[str, Any]:
    starts, ends = period or (None, None)
    with books.pool.tx() as tx:
        return journal.make(tx, books.tenant, run, starts, ends)


def refusal(books: Books, run: date) -> tuple[str, str]:
    with pytest.raises(Conflict) as raised:
        make(books, run)
    return raised.value.code, raised.value.message


def test_what_was_issued_goes_into_one_journal_and_comes_out_by_its_number_byte_for_byte(books: Books) -> None:
    books.all_known()
    books.out(JULY, books.post(JULY, "8000.00", 1))
    assert refusal(books, JULY)[0] == "ACCOUNTING_NOT_SET"
    lay_out(books, ("cost:*:*", "4600"), ("payable:*", "2440"))
    code, message = refusal(books, JULY)
    assert code == "ACCOUNT_NOT_MAPPED" and "vat:IN" in message
    lay_out(books, ("cost:*:*", "4600"), ("payable:*", "2440"), ("vat:IN", "1640"))
    head = make(books, JULY)
    assert {key: head[key] for key in ("journal", "vouchers", "entries", "debit")} == {
        "journal": 1, "vouchers": 1, "entries": 1, "debit": D("10000.00"),
    }  # fmt: skip
    with books.pool.tx(readonly=True) as tx:
        first = papers.journal(tx, books.id, 1)
    assert refusal(books, JULY)[0] == "NOTHING_TO_JOURNAL"
    # the layout changes, and what has gone out does not
    lay_out(books, ("cost:*:*", "4700"), ("payable:*", "2440"), ("vat:IN", "1640"))
    books.out(AUGUST, books.post(AUGUST, "-8000.00", 1, JULY), books.post(AUGUST, "6000.00", 1))
    later = make(books, period=(JULY, SEPTEMBER))
    assert (later["journal"], later["vouchers"], later["from"], later["to"]) == (2, 2, JULY, SEPTEMBER)
    with books.pool.tx(readonly=True) as tx:
        assert papers.journal(tx, books.id, 1) == first
        second = papers.journal(tx, books.id, 2)
        assert [row["journal"] for row in papers.journals(tx, books.id)] == [1, 2]
    assert first is not None and second is not None
    assert b'#VER "KV" "1" 20240701 "SF-2024-000001 alfa"' in bytes(first["sie"])
    assert b"#TRANS 4600 {} 8000.00" in bytes(first["sie"]) and b"4700" not in bytes(first["sie"])
    assert b'#VER "KV" "3" 20240801' in bytes(second["sie"])
    assert NAME.encode() not in bytes(first["sie"]) + bytes(first["csv"])


# --- statements ------------------------------------------------------------------------------------------


def stated(books: Books, **request: Any) -> Any:
    with books.pool.tx(readonly=True) as tx:
        return statements.load(tx, books.tenant, "alfa", {"run": None, "from": None, "to": None, **request})


def test_statements_add_up_from_one_run_to_the_next_and_over_months(books: Books) -> None:
    books.all_known()
    first, second = books.post(JULY, "8000.00", 1), books.post(JULY, "500.00", 2)
    books.out(JULY, first)
    back, again = books.post(AUGUST, "-8000.00", 1, JULY), books.post(AUGUST, "6000.00", 1)
    books.out(AUGUST, back, again, second)
    expected = {JULY: ("0.00", "8500.00", "8000.00", "500.00"), AUGUST: ("500.00", "-2000.00", "-1500.00", "0.00")}
    for run, figures in expected.items():
        for request in ({"run": run}, {"from": run, "to": date(2024, run.month + 1, 1)}):
            found, _ = stated(books, **request)
            assert (found.opening, found.posted, found.went_out, found.closing) == tuple(map(Decimal, figures))
    found, about = stated(books, run=AUGUST)
    assert [one.amount for one in found.taken_back] == [D("-8000.00")]
    assert [(one.kind, one.entries) for one in found.documents] == [
        (DocumentKind.SELF_BILLING_INVOICE, D("6500.00")),
        (DocumentKind.SELF_BILLING_CREDIT_NOTE, D("-8000.00")),
    ]
    page = sheet.html(read.statement_sheet(found, about, "sv"))
    assert "Återtas helt. Månadsersättning för månad 1" in page and NAME in page
    assert "−2\N{NO-BREAK SPACE}000,00\N{NO-BREAK SPACE}kr" in page


def test_the_basis_of_a_run_has_every_entry_and_of_a_provider_its_own(books: Books) -> None:
    books.post(JULY, "8000.00", 1)
    books.post(JULY, "-8000.00", 1, JULY)
    books.post(JULY, "7000.00", 1, provider="beta")

    def basis(provider: str | None) -> Sequence[str]:
        with books.pool.tx(readonly=True) as tx:
            return tables.of_run(papers.of_run(tx, books.id, JULY, provider)).strip().split("\r\n")[1:]

    assert len(basis(None)) == 3
    own, taken = basis("alfa")
    assert own.startswith("2024-07-01,alfa,PAYABLE,A-001,AMI_2,MONTHLY_FEE,1,2024-03-15,2024-04-15,8000.00,,")
    assert taken.split(",")[9:11] == ["-8000.00", "2024-07-01"] and "Återtas helt." in taken
