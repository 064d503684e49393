"""What comes back while the service runs: a folder of returned mails, receipts by HTTP. With a real database."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from kundval_chassis import hooks as chassis_hooks
from kundval_chassis import migrate
from kundval_chassis.db import Pool
from kundval_contracts.errors import InvalidRequest
from kundval_contracts.rpc import method
from kundval_notifications.channels.sms_profile import read_profile
from kundval_notifications.incoming.bounces import LARGEST, Reader
from kundval_notifications.incoming.entrypoints import enter
from kundval_notifications.incoming.receipt_hooks import ReceiptHooks

from .test_returned import BOUNCES, COMPLAINT, DOMAIN, ID, report

NEW, NAME, OTHER = "w" * 40, "n" * 40, "m" * 40


@pytest.fixture(scope="module")
def pool(make_database: Callable[..., str]) -> Iterator[Pool]:
    uri = make_database("notifications")
    migrate.apply(uri, "notifications")
    with Pool(uri) as pool:
        yield pool


@pytest.fixture
def sent(pool: Pool) -> None:
    """One mail, one SMS and one digital mail that were sent."""
    with pool.tx() as tx:
        tx.execute("DELETE FROM receipt")
        tx.execute("DELETE FROM early_receipt")
        tx.execute("DELETE FROM dispatch")
        for name, channel, reference in ((ID, "EMAIL", None), ("s1", "SMS", "sms-1"), ("d1", "DIGITAL_MAIL", "m-1")):
            tx.execute(
                "INSERT INTO dispatch (dispatch, tenant, channel, role, party, urgency, lane, state, reference)"
                " VALUES (%s, 'nacka', %s, 'CLIENT', 'p', 'NORMAL', %s, 'SENT', %s)",
                (name, channel, channel, reference),
            )


def said(pool: Pool) -> list[tuple[str, str, str | None]]:
    with pool.tx(readonly=True) as tx:
        rows = tx.query("SELECT dispatch, status, code FROM receipt ORDER BY dispatch, status")
    return [(row["dispatch"], row["status"], row["code"]) for row in rows]


def state(pool: Pool, dispatch: str) -> str:
    with pool.tx(readonly=True) as tx:
        return str(tx.value("SELECT state FROM dispatch WHERE dispatch = %s", (dispatch,)))


# --- the folder ----------------------------------------------------------------------------------------


class Maildir:
    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "new").mkdir(parents=True)

    def put(self, name: str, raw: bytes) -> Path:
        file = self.folder / "new" / name
        file.write_bytes(raw)
        return file

    @property
    def new(self) -> list[str]:
        return sorted(file.name for file in (self.folder / "new").iterdir())

    @property
    def aside(self) -> list[str]:
        return sorted(file.name for file in self.folder.glob(".aside/new/*"))


@pytest.fixture
def maildir(tmp_path: Path) -> Maildir:
    return Maildir(tmp_path / "retur")


def test_each_returned_mail_is_handled_once_and_none_stays_in_the_way(pool: Pool, sent: None, maildir: Maildir) -> None:
    maildir.put("1", report("delayed", "4.4.1"))
    maildir.put("2", report())
    maildir.put("3", report())
    maildir.put("4", COMPLAINT)
    maildir.put("5", b"Auto-Submitted: auto-replied\n\nbort\n")
    maildir.put("6", b"hej\n")
    maildir.put("7", report().replace(ID.encode(), b"unknown"))
    maildir.put("8", b"x" * (LARGEST + 1))
    reader = Reader(pool, maildir.folder, BOUNCES, DOMAIN)
    assert reader.work() == Counter(DELAYED=1, BOUNCED=2, COMPLAINED=1, NOTHING=1, ASIDE=3)
    # what was understood is gone, since it holds addresses; what was not is there for a person
    assert (maildir.new, maildir.aside) == ([], ["6", "7", "8"])
    assert said(pool) == [(ID, "BOUNCED", "5.1.1"), (ID, "COMPLAINED", None), (ID, "DELAYED", "4.4.1")]
    assert state(pool, ID) == "BOUNCED"
    assert reader.work() == Counter()


def test_a_mail_read_again_after_a_crash_says_nothing_new(
    pool: Pool, sent: None, maildir: Maildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = maildir.put("1", report())
    with monkeypatch.context() as crash:
        crash.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            Reader(pool, maildir.folder, BOUNCES, DOMAIN).work()
    assert file.exists() and said(pool) == [(ID, "BOUNCED", "5.1.1")]
    assert Reader(pool, maildir.folder, BOUNCES, DOMAIN).work() == Counter(BOUNCED=1)
    assert (maildir.new, said(pool)) == ([], [(ID, "BOUNCED", "5.1.1")])


def test_while_the_database_is_away_mails_wait(sent: None, maildir: Maildir, tmp_path: Path) -> None:
    maildir.put("1", report())
    with Pool(f"postgresql://nobody@/none?host={tmp_path}", timeout=0.2) as away, pytest.raises(psycopg.Error):
        Reader(away, maildir.folder, BOUNCES, DOMAIN).work()
    assert (maildir.new, maildir.aside) == (["1"], [])


def test_a_link_into_elsewhere_and_a_folder_that_is_not_there_are_not_read(pool: Pool, tmp_path: Path) -> None:
    maildir = Maildir(tmp_path / "retur")
    (tmp_path / "other").write_bytes(report())
    (maildir.folder / "new" / "1").symlink_to(tmp_path / "other")
    assert Reader(pool, maildir.folder, BOUNCES, DOMAIN).work() == Counter()
    assert Reader(pool, tmp_path / "none", BOUNCES, DOMAIN).work() == Counter()
    assert (tmp_path / "other").exists()


# --- receipts by HTTP ----------------------------------------------------------------------------------


@pytest.fixture
def receipt_hooks(pool: Pool, sent: None) -> ReceiptHooks:
    config = {
        "KUNDVAL_SMS_RECEIPT_NAME": (NEW, NAME),
        "KUNDVAL_DIGITAL_MAIL_RECEIPT_NAME": (OTHER,),
        "KUNDVAL_SMS_PROFILE": read_profile("json"),
    }
    found = ReceiptHooks()
    found.container = SimpleNamespace(config=config, service_name="notifications")
    found.setup()
    found.pool = lambda: pool  # type: ignore[method-assign]
    return found


def post(hooks: ReceiptHooks, name: str, body: bytes, **more: Any) -> str:
    """The status of an answer, whose body is empty."""
    answered: list[str] = []
    environ = {
        "PATH_INFO": f"/receipts/{name}",
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **more,
    }
    assert not b"".join(hooks.answer(environ, lambda status, headers: answered.append(status)))
    return answered[0][:3]


def test_a_receipt_is_entered_and_the_same_again_changes_nothing(pool: Pool, receipt_hooks: ReceiptHooks) -> None:
    body = json.dumps({"id": "sms-1", "status": "Delivered", "to": "+46701740605"}).encode()
    assert [post(receipt_hooks, NAME, body) for _ in range(3)] == ["204"] * 3
    assert said(pool) == [("s1", "DELIVERED", None)]
    assert post(receipt_hooks, OTHER, b'{"reference": "d1", "status": "BOUNCED", "code": "box-closed"}') == "204"
    assert post(receipt_hooks, OTHER, b'{"reference": "m-1", "status": "DELAYED", "code": "Anna har flyttat"}') == "204"
    assert said(pool)[:2] == [("d1", "BOUNCED", "box-closed"), ("d1", "DELAYED", None)]


def test_a_new_name_of_an_address_is_known_beside_the_old_one(pool: Pool, receipt_hooks: ReceiptHooks) -> None:
    body = b'{"id": "sms-1", "status": "delivered"}'
    assert [post(receipt_hooks, name, body) for name in (NEW, NAME, "x" * 40)] == ["204", "204", "404"]
    assert said(pool) == [("s1", "DELIVERED", None)]


def test_a_word_that_says_nothing_and_a_message_that_nobody_knows_are_answered_alike(
    pool: Pool, receipt_hooks: ReceiptHooks
) -> None:
    assert post(receipt_hooks, NAME, b'{"id": "sms-1", "status": "sent"}') == "204"
    assert post(receipt_hooks, NAME, b'{"id": "other", "status": "delivered"}') == "204"
    # the name of one channel says nothing of another's messages
    assert post(receipt_hooks, NAME, b'{"id": "m-1", "status": "delivered"}') == "204"
    assert said(pool) == []


def test_a_receipt_by_rpc_is_about_the_tenants_own_messages(pool: Pool, sent: None) -> None:
    def take(reference: str, tenant: str = "nacka") -> bool:
        request = {"tenant": tenant, "channel": "SMS", "reference": reference, "status": "BOUNCED", "code": "x-1"}
        loaded = method("notifications.take_receipt").load(request)
        with pool.tx() as tx:
            return enter(tx, loaded)

    assert not take("sms-1", "tyreso") and not take("other")
    assert (said(pool), state(pool, "s1")) == ([], "SENT")
    assert take("sms-1") and take("s1")
    assert (said(pool), state(pool, "s1")) == ([("s1", "BOUNCED", "x-1")], "BOUNCED")
    for wrong in ("", "a b", "x" * 201, "å"):
        with pytest.raises(InvalidRequest):
            take(wrong)


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b"{}", b'{"id": 1, "status": "delivered"}', b'{"id": "", "status": "delivered"}', b"\xff",
     b'{"id": "s", "status": null}', b'{"id": "\\u0000", "status": "delivered"}',
     b'{"id": "\\ud800", "status": "delivered"}', b"[" * 30_000],
)  # fmt: skip
def test_a_body_that_is_no_receipt_is_refused(pool: Pool, receipt_hooks: ReceiptHooks, body: bytes) -> None:
    assert post(receipt_hooks, NAME, body) == "400"
    assert said(pool) == []


def test_a_body_is_bounded_and_as_long_as_it_says(receipt_hooks: ReceiptHooks) -> None:
    assert post(receipt_hooks, NAME, b"{}", CONTENT_LENGTH=str(chassis_hooks.LARGEST + 1)) == "413"
    for length in ("", "-1", "1e3", "٣", "9" * 9):
        assert post(receipt_hooks, NAME, b"{}", CONTENT_LENGTH=length) == "411"
    assert post(receipt_hooks, NAME, b"{}", CONTENT_LENGTH="3") == "400"


def test_a_name_that_is_not_there_is_nothing_and_cannot_be_guessed_for_long(
    receipt_hooks: ReceiptHooks, pool: Pool
) -> None:
    body = b'{"id": "sms-1", "status": "delivered"}'
    names = ["", NAME[:-1], NAME + "n", NAME.upper(), "å", "../" + NAME]
    guesses = [f"{number:040}" for number in range(chassis_hooks.A_MINUTE_UNKNOWN)]
    answers = [post(receipt_hooks, name, body) for name in names + guesses]
    assert answers == ["404"] * chassis_hooks.A_MINUTE_UNKNOWN + ["429"] * len(names)
    # who knows one is answered all the same
    assert post(receipt_hooks, NAME, body) == "204"


def test_while_the_database_is_away_it_is_asked_to_come_again(receipt_hooks: ReceiptHooks, tmp_path: Path) -> None:
    with Pool(f"postgresql://nobody@/none?host={tmp_path}", timeout=0.2) as away:
        receipt_hooks.pool = lambda: away  # type: ignore[method-assign]
        assert post(receipt_hooks, NAME, b'{"id": "sms-1", "status": "delivered"}') == "503"
