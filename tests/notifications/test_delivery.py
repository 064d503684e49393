"""From a pending message to the mail server and back: real mail and SMS servers, a real database, no service around."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from kundval_chassis import db, migrate
from kundval_chassis.db import Pool
from kundval_contracts.codes import DeliveryChannel, NoticeKind, ReceiptStatus, Role
from kundval_contracts.errors import Conflict, NotFound
from kundval_notifications.delivery import acts, receipts, store
from kundval_notifications.delivery.life import Life
from kundval_notifications.delivery.pace import Bucket, backoff
from kundval_notifications.delivery.sending import Patience
from tests.suite import eventually

from .office import NOON, Book, Office, email, sms
from .servers import MailServer, SmsServer

ROOT = Path(__file__).resolve().parents[2]
EMAIL, SMS = DeliveryChannel.EMAIL, DeliveryChannel.SMS
CLIENT, GUIDE, PROVIDER = Role.CLIENT, Role.CAREER_GUIDE, Role.PROVIDER
K = NoticeKind
BOTH = {EMAIL: "person@kundval.invalid", SMS: "+46701740605"}


@pytest.fixture(scope="module")
def uri(make_database: Callable[..., str]) -> str:
    made = make_database("notifications")
    migrate.apply(made, "notifications")
    return made


@pytest.fixture(scope="module")
def pool(uri: str) -> Iterator[Pool]:
    with Pool(uri) as pool:
        yield pool


@pytest.fixture(scope="module")
def mailing() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def texting() -> Iterator[SmsServer]:
    with SmsServer() as server:
        yield server


@pytest.fixture
def mails(mailing: MailServer) -> MailServer:
    if mailing._controller is None:
        mailing.open()
    mailing.mails.clear()
    mailing.copies.clear()
    mailing.refuse = lambda mail: None
    mailing.lose, mailing.slow = 0, 0.0
    return mailing


@pytest.fixture
def texts(texting: SmsServer) -> SmsServer:
    texting.messages.clear()
    texting.repeats.clear()
    texting.requests.clear()
    texting.refuse, texting.busy, texting.lose = (lambda message: None), None, 0
    return texting


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def office(pool: Pool, book: Book, mails: MailServer, texts: SmsServer) -> Iterator[Office]:
    office = Office(pool, book, email(mails.port), sms(f"{texts.base}/sms"))
    office.clear()
    yield office
    office.close()


# --- by which way --------------------------------------------------------------------------------------


def test_a_client_gets_a_mail_that_says_nothing_and_what_was_sent_is_kept(
    office: Office, book: Book, mails: MailServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH, language="en")
    notice = office.notice()
    office.work()
    (mail,) = mails.mails
    assert mail.recipient == BOTH[EMAIL]
    assert "A-1" not in mail.message.as_string() and "DECISION" not in mail.message.as_string()
    message = office.message(notice)
    assert (message["state"], message["channel"], message["attempts"]) == ("SENT", "EMAIL", 1)
    (dispatch,) = office.sql("SELECT * FROM dispatch")
    assert dispatch["dispatch"] in mail.id and dispatch["language"] == "en" and dispatch["template_version"]
    assert bytes(dispatch["address_mark"]) == book.mark(EMAIL, BOTH[EMAIL])
    assert office.attempts() == [("ACCEPTED", None)]
    assert office.told() == [("sent", "EMAIL")]
    # nothing of it is sent again, however often it is looked at
    office.work()
    assert len(mails.mails) == 1
    everything = str(office.sql("SELECT d::text, m::text FROM dispatch d, message m"))
    assert BOTH[EMAIL] not in everything


def test_who_has_no_address_reads_it_in_the_inbox_or_is_left_to_a_person(office: Office, mails: MailServer) -> None:
    client, guide = office.notice(), office.notice(K.STARTED, GUIDE)
    office.work()
    assert not mails.mails
    assert (office.message(client)["state"], office.message(client)["reason"]) == ("BY_HAND", "NO_ADDRESS")
    assert (office.message(guide)["state"], office.message(guide)["channel"]) == ("SENT", "INBOX")
    assert Counter(office.told()) == {("sent", "INBOX"): 1, ("by_hand", None): 1}


def test_what_one_channel_refuses_goes_by_the_next_and_then_a_person_has_it(
    office: Office, book: Book, mails: MailServer, texts: SmsServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    mails.refuse = lambda mail: "550 5.1.1 no such user"
    notice = office.notice()
    office.work()
    assert not mails.mails and len(texts.messages) == 1
    assert (office.message(notice)["state"], office.message(notice)["channel"]) == ("SENT", "SMS")
    texts.refuse = lambda message: 400
    other = office.notice(sequence=2)
    office.work()
    assert (office.message(other)["state"], office.message(other)["reason"]) == ("BY_HAND", "UNDELIVERABLE")
    assert [outcome for outcome, _ in office.attempts()] == ["REFUSED", "ACCEPTED", "REFUSED", "REFUSED"]
    guide = office.notice(K.STARTED, GUIDE, "A-2")
    book.enter(GUIDE, "A-2", {EMAIL: "guide@kundval.invalid"})
    office.work()
    message = office.message(guide)
    assert (message["state"], message["channel"], message["reason"]) == ("SENT", "INBOX", "UNDELIVERABLE")


def test_several_messages_of_one_recipient_leave_as_one_mail(office: Office, book: Book, mails: MailServer) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    book.enter(CLIENT, "A-2", {EMAIL: "other@kundval.invalid"})
    for place in range(5):
        office.notice(sequence=place, late=True)
    office.notice(subject="A-2")
    office.work()
    assert Counter(mail.recipient for mail in mails.mails) == {BOTH[EMAIL]: 1, "other@kundval.invalid": 1}
    assert office.states() == {"SENT": 6}
    assert office.sql("SELECT count(*) AS n FROM dispatch_notice")[0]["n"] == 6


def test_what_comes_while_a_mail_waits_joins_it_and_a_client_is_written_to_three_times_a_day(
    office: Office, book: Book, mails: MailServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    office.notice(sequence=1)
    office.route()
    office.notice(sequence=2)
    office.work()
    assert len(mails.mails) == 1
    # created_at is the database's own day
    office.now = office.sql("SELECT now() AS at")[0]["at"]
    for place in range(3, 6):
        office.notice(sequence=place)
        office.work()
    assert len(mails.mails) == 3
    assert office.states() == {"SENT": 4, "PENDING": 1}
    (waiting,) = office.sql("SELECT waits, next_attempt FROM message WHERE state = 'PENDING'")
    assert waiting["waits"] == "RATE" and waiting["next_attempt"] > office.now


# --- servers that fail ---------------------------------------------------------------------------------


def test_a_mail_server_that_is_away_is_waited_for_and_holds_up_no_sms(
    office: Office, book: Book, mails: MailServer, texts: SmsServer
) -> None:
    mails.close()
    for place in range(4):
        book.enter(CLIENT, f"A-{place}", {EMAIL: f"{place}@kundval.invalid"})
        office.notice(subject=f"A-{place}")
    book.enter(CLIENT, "B-1", {SMS: BOTH[SMS]})
    office.notice(subject="B-1")
    for _ in range(5):
        office.work(1)
    assert len(texts.messages) == 1
    assert office.states() == {"PENDING": 4, "SENT": 1}
    failed = [outcome for outcome, _ in office.attempts() if outcome != "ACCEPTED"]
    # one dispatch at a time tries whether somebody answers, and none of them is given up for it
    assert set(failed) == {"UNREACHABLE"} and len(failed) <= 5
    assert [row["failures"] for row in office.sql("SELECT failures FROM dispatch WHERE channel = 'EMAIL'")] == [0] * 4
    assert office.sql("SELECT lane, channel FROM circuit") == [{"lane": "EMAIL", "channel": "EMAIL"}]
    mails.open()
    office.sql("UPDATE dispatch SET next_attempt = now()")
    office.work()
    assert office.states() == {"SENT": 5} and set(mails.copies.values()) == {1} and len(mails.mails) == 4
    assert not office.sql("SELECT * FROM circuit")


@pytest.mark.parametrize(("hours", "goes"), [(3, False), (5, True)])
def test_what_is_urgent_goes_by_another_way_when_a_channel_is_away_for_hours(
    office: Office, book: Book, mails: MailServer, texts: SmsServer, hours: int, goes: bool
) -> None:
    mails.close()
    book.enter(CLIENT, "A-1", BOTH)
    office.notice(K.ASSISTANCE_AT_RISK)
    office.notice(K.DECISION, subject="A-2")
    book.enter(CLIENT, "A-2", BOTH)
    office.work(2)
    office.sql("UPDATE circuit SET since = now() - make_interval(hours => %s)", hours)
    with office.pool.tx() as tx:
        store.fail(tx, store.overdue_in_outage(tx, 4), "FAILED", "AWAY")
    office.work(2)
    assert len(texts.messages) == int(goes)
    assert office.states()["PENDING"] == (1 if goes else 2)


def test_what_is_put_off_is_tried_again_so_often_and_then_goes_by_another_way(
    office: Office, book: Book, mails: MailServer, texts: SmsServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    mails.refuse = lambda mail: "451 4.7.1 come back later"
    office.notice()
    office.work()
    assert [outcome for outcome, _ in office.attempts()] == ["NOT_NOW"] * 3 + ["ACCEPTED"]
    assert len(texts.messages) == 1 and not mails.mails


def test_a_pause_that_the_other_side_asks_for_is_kept_by_all(office: Office, book: Book, texts: SmsServer) -> None:
    texts.busy = 1800
    for place in range(3):
        book.enter(CLIENT, f"A-{place}", {SMS: f"+4670174060{place}"})
        office.notice(subject=f"A-{place}")
    office.work(3)
    assert len(texts.requests) == 1
    (circuit,) = office.sql("SELECT extract(epoch FROM retry_at - now())::int AS seconds FROM circuit")
    assert 1700 < circuit["seconds"] <= 1800
    texts.busy = None
    office.sql("UPDATE circuit SET retry_at = now()")
    office.sql("UPDATE dispatch SET next_attempt = now()")
    office.work()
    assert len(texts.messages) == 3 and office.states() == {"SENT": 3}


def test_an_answer_that_is_lost_gives_a_second_mail_with_the_same_id_and_a_second_sms_that_is_none(
    office: Office, book: Book, mails: MailServer, texts: SmsServer
) -> None:
    book.enter(CLIENT, "A-1", {EMAIL: BOTH[EMAIL]})
    book.enter(CLIENT, "A-2", {SMS: BOTH[SMS]})
    mails.lose = texts.lose = 1
    office.notice()
    office.notice(subject="A-2")
    office.work(1)
    office.sql("UPDATE dispatch SET next_attempt = now()")
    office.work()
    assert list(mails.copies.values()) == [2] and len(mails.once) == 1
    assert len(texts.messages) == 1
    assert office.states() == {"SENT": 2}
    assert Counter(office.told()) == {("sent", "EMAIL"): 1, ("sent", "SMS"): 1}


def test_a_server_that_takes_mails_and_never_says_so_gets_each_so_often_and_no_more(
    office: Office, book: Book, mails: MailServer
) -> None:
    book.enter(CLIENT, "A-1", {EMAIL: BOTH[EMAIL]})
    mails.lose = 100
    notice = office.notice()
    for _ in range(6):
        office.work(1)
        office.sql("UPDATE circuit SET retry_at = now()")
        office.sql("UPDATE dispatch SET next_attempt = now()")
    assert list(mails.copies.values()) == [3]
    assert (office.message(notice)["state"], office.message(notice)["reason"]) == ("BY_HAND", "UNDELIVERABLE")


def test_a_process_that_is_killed_after_the_hand_over_leaves_a_mail_that_comes_again_under_its_id(
    office: Office, book: Book, mails: MailServer, uri: str
) -> None:
    book.enter(CLIENT, "A-1", {EMAIL: BOTH[EMAIL]})
    notice = office.notice()
    command = [sys.executable, "-m", "tests.notifications.office", uri, str(mails.port), BOTH[EMAIL]]
    killed = subprocess.run(command, cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -9 and len(mails.mails) == 1
    assert office.attempts() == [("BEGUN", None)]
    with pytest.raises(Conflict) as refused, office.pool.tx() as tx:
        acts.cancel(tx, "town", notice, "a mistake", "op")
    assert refused.value.code == "UNDER_WAY"
    # its connection ended with it, so nobody waits for its lease
    eventually(lambda: office.work() or len(mails.mails) > 1)
    assert list(mails.copies.values()) == [2]
    assert office.attempts() == [("UNKNOWN", None), ("ACCEPTED", None)]
    assert office.told() == [("sent", "EMAIL")]


def test_a_receipt_of_what_nobody_has_recorded_is_proof_that_it_went(
    office: Office, book: Book, mails: MailServer, uri: str
) -> None:
    book.enter(CLIENT, "A-1", {EMAIL: BOTH[EMAIL]})
    notice = office.notice()
    command = [sys.executable, "-m", "tests.notifications.office", uri, str(mails.port), BOTH[EMAIL]]
    subprocess.run(command, cwd=ROOT, timeout=60, check=False)
    (dispatch,) = office.sql("SELECT dispatch FROM dispatch")
    with office.pool.tx() as tx:
        assert receipts.take(tx, EMAIL, dispatch["dispatch"], ReceiptStatus.DELIVERED, "2.0.0", NOON)
    office.work()
    assert len(mails.mails) == 1
    assert office.message(notice)["state"] == "DELIVERED"
    assert office.attempts() == [("ACCEPTED", None)]
    assert office.told() == [("sent", "EMAIL"), ("delivered", "EMAIL")]


def test_a_dispatch_whose_attempts_always_end_in_the_dark_is_given_up(office: Office, book: Book) -> None:
    book.enter(CLIENT, "A-1", {EMAIL: BOTH[EMAIL]})
    notice = office.notice()
    office.route()
    for _ in range(4):
        with office.pool.tx() as tx:
            rows = store.lease(tx, EMAIL, "of nobody who lives", 1)
            store.begin(tx, rows[0]["dispatch"], "of nobody who lives", ("sv", "x", "1"), None)
    office.work()
    assert office.message(notice)["reason"] == "UNDELIVERABLE"


def test_two_instances_share_the_work_and_send_nothing_twice(office: Office, book: Book, mails: MailServer) -> None:
    for place in range(60):
        book.enter(CLIENT, f"A-{place}", {EMAIL: f"{place}@kundval.invalid"})
    office.notices((K.DECISION, CLIENT, f"A-{place}", date(2026, 11, 26), 1, None, False) for place in range(60))
    other = Office(office.pool, book, email(mails.port))
    office.senders[EMAIL].batch = other.senders[EMAIL].batch = 7
    both = [threading.Thread(target=one.work, args=(40,)) for one in (office, other)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(60)
    other.close()
    assert office.states() == {"SENT": 60}
    assert len(mails.mails) == len(mails.once) == 60
    assert mails.connections > 1


def test_what_one_instance_has_taken_up_is_its_own_as_long_as_it_lives_and_for_two_minutes(
    office: Office, book: Book, mails: MailServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    other = Office(office.pool, book)
    for end in (other.close, lambda: office.sql("UPDATE dispatch SET leased_until = now()")):
        office.notice(sequence=len(mails.mails))
        office.route()
        with office.pool.tx() as tx:
            (row,) = store.lease(tx, EMAIL, other.life.token(), 10)
        before = len(mails.mails)
        office.work()
        assert len(mails.mails) == before
        end()
        eventually(lambda before=before: office.work() or len(mails.mails) > before)
        assert len(mails.mails) == before + 1
        # who had it comes too late
        with office.pool.tx() as tx:
            assert store.begin(tx, row["dispatch"], row["leased_by"], ("sv", "x", "1"), None) is None
    other.close()


def test_all_channels_of_an_instance_live_by_one_connection(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, opened, told = db.connect, [], []

    def slowly(*args: Any, **more: Any) -> Any:
        opened.append(1)
        time.sleep(0.1)
        return connect(*args, **more)

    monkeypatch.setattr("kundval_notifications.delivery.life.db.connect", slowly)
    life = Life(uri)
    channels = [threading.Thread(target=lambda: told.append(life.token())) for _ in range(4)]
    for thread in channels:
        thread.start()
    for thread in channels:
        thread.join(20)
    life.close()
    assert len(opened) == 1 and len(told) == 4 and len(set(told)) == 1


def test_one_instance_routes_and_another_as_soon_as_that_ends(office: Office, book: Book) -> None:
    other = Office(office.pool, book)
    assert office.life.elected() and office.life.elected() and not other.life.elected()
    office.life.close()
    eventually(other.life.elected)
    other.close()


# --- what is overtaken ---------------------------------------------------------------------------------


@pytest.mark.parametrize("routed", [False, True])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE notice SET superseded_at = now()", "SUPERSEDED"),
        ("UPDATE notice SET overtaken_at = now()", "OVERTAKEN"),
        ("UPDATE notice SET lapses_on = '2026-12-01'", "LAPSED"),
    ],
)
def test_a_message_whose_reason_goes_while_it_waits_is_not_sent(
    office: Office, book: Book, mails: MailServer, routed: bool, change: str, reason: str
) -> None:
    office.sql("INSERT INTO tenant (tenant, business_date) VALUES ('town', '2026-12-01')")
    book.enter(CLIENT, "A-1", BOTH)
    gone, stays = office.notice(sequence=1), office.notice(sequence=2)
    if routed:
        office.route()
    office.sql(f"{change} WHERE notice = %s", gone)
    office.work()
    assert (office.message(gone)["state"], office.message(gone)["reason"]) == ("WITHDRAWN", reason)
    assert office.message(stays)["state"] == "SENT"
    assert len(mails.mails) == 1
    assert office.sql("SELECT notice FROM dispatch_notice") == [{"notice": stays}]


@pytest.mark.parametrize(("lapses", "state"), [("2026-12-01", "WITHDRAWN"), ("2026-12-02", "SENT")])
def test_a_message_lapses_on_its_day(office: Office, book: Book, lapses: str, state: str) -> None:
    office.sql("INSERT INTO tenant (tenant, business_date) VALUES ('town', '2026-12-01')")
    book.enter(CLIENT, "A-1", BOTH)
    notice = office.notice()
    office.sql("UPDATE notice SET lapses_on = %s", lapses)
    office.work()
    assert office.message(notice)["state"] == state


def test_protection_that_begins_while_a_message_waits_leaves_it_to_a_person(
    office: Office, book: Book, mails: MailServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    notice = office.notice()
    office.route()
    office.sql("INSERT INTO restricted_subject (tenant, subject, restricted) VALUES ('town', 'A-1', true)")
    office.work()
    assert not mails.mails
    assert (office.message(notice)["state"], office.message(notice)["reason"]) == ("BY_HAND", "PROTECTED")


def test_an_address_that_changes_while_a_message_waits_is_the_one_that_is_used(
    office: Office, book: Book, mails: MailServer, texts: SmsServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    office.notice()
    office.route()
    book.enter(CLIENT, "A-1", BOTH, refused=frozenset({EMAIL}))
    office.work()
    assert not mails.mails and len(texts.messages) == 1


def test_with_a_slow_mail_server_the_addresses_are_asked_for_anew(
    pool: Pool, office: Office, book: Book, mails: MailServer
) -> None:
    slow = Office(pool, book, email(mails.port), patience=Patience(known=0.05))
    for place in range(2):
        book.enter(CLIENT, f"A-{place}", {EMAIL: "before@kundval.invalid"})
        slow.notice(subject=f"A-{place}")
    slow.route()
    mails.slow = 0.2
    slow.send()
    for place in range(2):
        book.enter(CLIENT, f"A-{place}", {EMAIL: "after@kundval.invalid"})
    slow.send()
    slow.close()
    assert [mail.recipient for mail in mails.mails] == ["before@kundval.invalid", "after@kundval.invalid"]


def test_messages_wait_for_who_knows_the_addresses_and_others_do_not(
    office: Office, book: Book, mails: MailServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    book.enter(GUIDE, "A-1", {EMAIL: "guide@kundval.invalid"})
    office.notice()
    office.notice(K.STARTED, GUIDE)
    book.away = True
    office.work()
    assert [mail.recipient for mail in mails.mails] == ["guide@kundval.invalid"]
    book.away = False
    office.sql("UPDATE message SET next_attempt = now() WHERE state = 'PENDING'")
    office.route()
    # away again when it is to be handed over: that is no attempt
    book.away = True
    office.work(2)
    assert len(office.attempts()) == 1
    book.away = False
    office.work()
    assert office.states() == {"SENT": 2}


def test_what_cannot_be_routed_in_one_municipality_holds_up_no_other(
    office: Office, book: Book, mails: MailServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    broken, sound = office.notice(sequence=1), office.notice(sequence=2)
    for table in ("notice", "message"):
        office.sql(f"UPDATE {table} SET tenant = 'a town before' WHERE notice = %s", broken)
    office.sql("UPDATE notice SET kind = 'OF_A_LATER_VERSION' WHERE notice = %s", broken)
    office.work()
    assert office.message(sound)["state"] == "SENT" and len(mails.mails) == 1
    assert (office.message(broken)["state"], office.message(broken)["waits"]) == ("PENDING", "RETRY")


def test_an_sms_that_an_outage_has_brought_into_the_night_waits_for_the_morning(
    office: Office, book: Book, texts: SmsServer
) -> None:
    book.enter(CLIENT, "A-1", {SMS: BOTH[SMS]})
    notice = office.notice()
    office.route()
    office.now = NOON + timedelta(hours=12)
    office.work()
    assert not texts.messages and office.message(notice)["waits"] == "QUIET_HOURS"
    office.now = NOON + timedelta(hours=24)
    office.sql("UPDATE dispatch SET next_attempt = now()")
    office.work()
    assert len(texts.messages) == 1


# --- receipts ------------------------------------------------------------------------------------------


def take(office: Office, name: str, status: ReceiptStatus, channel: DeliveryChannel = EMAIL) -> bool:
    with office.pool.tx() as tx:
        return receipts.take(tx, channel, name, status, "x", NOON)


def test_receipts_settle_a_message_and_come_as_often_as_they_like(
    office: Office, book: Book, mails: MailServer, texts: SmsServer
) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    notice = office.notice()
    office.work()
    (dispatch,) = office.sql("SELECT dispatch FROM dispatch")
    for status in ("DELAYED", "DELIVERED", "DELIVERED"):
        assert take(office, dispatch["dispatch"], ReceiptStatus(status))
    assert office.message(notice)["state"] == "DELIVERED"
    # it has come back after all: by SMS then, once
    for _ in range(2):
        assert take(office, dispatch["dispatch"], ReceiptStatus.BOUNCED)
        office.work()
    assert (office.message(notice)["state"], office.message(notice)["channel"]) == ("SENT", "SMS")
    assert len(texts.messages) == 1
    # what is said of the mail now changes nothing
    assert take(office, dispatch["dispatch"], ReceiptStatus.DELIVERED)
    assert office.message(notice)["state"] == "SENT"
    assert office.told() == [("sent", "EMAIL"), ("delivered", "EMAIL"), ("sent", "SMS")]


def test_a_receipt_that_is_quicker_than_our_own_record_is_not_lost(
    office: Office, book: Book, texts: SmsServer
) -> None:
    book.enter(CLIENT, "A-1", {SMS: BOTH[SMS]})
    notice = office.notice()
    office.route()
    (dispatch,) = office.sql("SELECT dispatch FROM dispatch")
    assert not take(office, f"sms-{dispatch['dispatch']}", ReceiptStatus.DELIVERED, SMS)
    office.work()
    assert office.message(notice)["state"] == "DELIVERED"
    assert not office.sql("SELECT * FROM early_receipt")


def test_what_nobody_knows_is_kept_for_a_day_and_never_an_error(office: Office) -> None:
    for _ in range(2):
        assert not take(office, "x" * 500, ReceiptStatus.BOUNCED, SMS)
    # of e-mails nothing can become known later, and anybody can write as many reports as it likes
    assert not take(office, "x" * 32, ReceiptStatus.BOUNCED)
    assert len(office.sql("SELECT * FROM early_receipt")) == 1
    office.sql("UPDATE early_receipt SET noted_at = now() - interval '25 hours'")
    with office.pool.tx() as tx:
        store.forget(tx, None)
    assert not office.sql("SELECT * FROM early_receipt")


def test_marks_of_addresses_are_kept_as_long_as_the_municipality_says(office: Office, book: Book) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    office.notice()
    office.work()
    office.sql("UPDATE dispatch SET settled_at = now() - interval '30 days'")
    for days, kept in ((None, True), (31, True), (29, False)):
        with office.pool.tx() as tx:
            store.forget(tx, days)
        assert (office.sql("SELECT address_mark FROM dispatch")[0]["address_mark"] is not None) is kept


# --- what people do ------------------------------------------------------------------------------------


def test_a_message_is_cancelled_while_it_waits_and_not_sent(office: Office, book: Book, mails: MailServer) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    early, leased = office.notice(sequence=1), office.notice(sequence=2)
    with office.pool.tx() as tx:
        acts.cancel(tx, "town", early, "a mistake", "op")
    office.route()
    with office.pool.tx() as tx:
        # somebody has taken it up and not begun yet
        store.lease(tx, EMAIL, "t", 1)
        acts.cancel(tx, "town", leased, "a mistake", "op")
    office.work()
    assert not mails.mails and office.states() == {"CANCELLED": 2}
    with pytest.raises(Conflict) as again, office.pool.tx() as tx:
        acts.cancel(tx, "town", early, "a mistake", "op")
    assert again.value.code == "NOT_PENDING"
    (act, _) = office.sql("SELECT what, reason, actor FROM message_act ORDER BY act")
    assert act == {"what": "CANCELLED", "reason": "a mistake", "actor": "op"}


def test_who_cancels_while_it_is_begun_to_hand_over_is_told_that_it_is_under_way(office: Office, book: Book) -> None:
    book.enter(CLIENT, "A-1", BOTH)
    notice = office.notice()
    office.route()
    refused: list[str] = []

    def cancel() -> None:
        with pytest.raises(Conflict) as raised, office.pool.tx() as tx:
            acts.cancel(tx, "town", notice, "a mistake", "op")
        refused.append(raised.value.code)

    waiting = threading.Thread(target=cancel)
    with office.pool.tx() as tx:
        (row,) = store.lease(tx, EMAIL, "t", 1)
        store.lock_contents(tx, row["dispatch"], "t")
        store.begin(tx, row["dispatch"], "t", ("sv", "x", "1"), None)
        waiting.start()
        eventually(lambda: office.sql("SELECT 1 AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
    waiting.join(20)
    assert refused == ["UNDER_WAY"] and office.message(notice)["state"] == "PENDING"


def test_the_proof_of_a_mail_names_what_it_carried_and_nothing_else(office: Office, book: Book) -> None:
    book.enter(CLIENT, "A-1", {EMAIL: BOTH[EMAIL]})
    cancelled, overtaken, kept = (office.notice(sequence=place) for place in range(3))
    office.route()
    with office.pool.tx() as tx:
        acts.cancel(tx, "town", cancelled, "a mistake", "op")
        (row,) = store.lease(tx, EMAIL, "of nobody who lives", 1)
        store.begin(tx, row["dispatch"], "of nobody who lives", ("sv", "x", "1"), None)
    # an attempt of which nobody knows has carried it
    office.sql("UPDATE notice SET overtaken_at = now() WHERE notice = %s", overtaken)
    office.work()
    assert [row["notice"] for row in office.sql("SELECT notice FROM dispatch_notice ORDER BY notice")] == [
        overtaken,
        kept,
    ]
    assert [office.message(one)["state"] for one in (cancelled, overtaken, kept)] == ["CANCELLED", "WITHDRAWN", "SENT"]


def test_a_message_is_sent_again_as_a_new_one_unless_its_reason_has_gone(
    office: Office, book: Book, mails: MailServer
) -> None:
    notice = office.notice()
    office.work()
    assert office.message(notice)["state"] == "BY_HAND"
    book.enter(CLIENT, "A-1", BOTH)
    for _ in range(2):
        with office.pool.tx() as tx:
            acts.resend(tx, "town", notice, "the address is known now", "op")
        with pytest.raises(Conflict) as under_way, office.pool.tx() as tx:
            acts.resend(tx, "town", notice, "impatient", "op")
        assert under_way.value.code == "UNDER_WAY"
        office.work()
    assert len(mails.mails) == len(mails.once) == 2
    office.sql("UPDATE notice SET superseded_at = now()")
    with pytest.raises(Conflict) as gone, office.pool.tx() as tx:
        acts.resend(tx, "town", notice, "impatient", "op")
    assert gone.value.code == "REASON_GONE"
    with office.pool.tx() as tx:
        acts.resend(tx, "town", notice, "they want to see it", "op", anyway=True)
    office.work()
    assert len(mails.once) == 3 and office.message(notice)["state"] == "SENT"
    with pytest.raises(NotFound), office.pool.tx() as tx:
        acts.resend(tx, "elsewhere", notice, "no", "op")


def test_what_is_told_by_hand_is_told_once(office: Office) -> None:
    notice = office.notice()
    other = office.notice(K.STARTED, GUIDE)
    office.work()
    with office.pool.tx() as tx:
        assert acts.told(tx, "town", notice, "PHONE", "guide")["state"] == "TOLD"
    for one, code in ((notice, "ALREADY_TOLD"), (other, "NOT_BY_HAND")):
        with pytest.raises(Conflict) as refused, office.pool.tx() as tx:
            acts.told(tx, "town", one, "PHONE", "guide")
        assert refused.value.code == code


# --- how fast ------------------------------------------------------------------------------------------


def test_no_more_go_out_in_a_second_than_is_allowed() -> None:
    now = 0.0
    bucket = Bucket(10, lambda: now)
    waits = [bucket.take() for _ in range(30)]
    assert waits[:10] == [0.0] * 10
    assert waits[-1] == pytest.approx(2.0)
    now = 100.0
    # a pause is not made up for by more than one second's worth
    assert [bucket.take() for _ in range(12)].count(0.0) == 10
    assert Bucket(None).take() == 0.0


def test_waits_grow_and_no_two_are_quite_alike() -> None:
    steps = Patience().retry
    waits = [backoff(steps, failures) for failures in range(1, 8)]
    assert all(step <= wait <= step * 1.25 for step, wait in zip([*steps, steps[-1], steps[-1]], waits, strict=True))
    assert len({backoff(steps, 1) for _ in range(10)}) > 1


@pytest.mark.slow
def test_after_a_month_of_downtime_each_person_gets_one_mail_with_what_still_holds(
    office: Office, book: Book, mails: MailServer
) -> None:
    people = 500
    for person in range(people):
        book.enter(CLIENT, f"A-{person}", {EMAIL: f"{person}@kundval.invalid"})
    notices = office.notices(
        (K.DECISION, CLIENT, f"A-{place % people}", date(2026, 11, 1) + timedelta(place % 25), place, None, True)
        for place in range(10_000)
    )
    # half of it is past, and for every tenth person all of it
    office.sql("UPDATE notice SET overtaken_at = now() WHERE mod(notice, 2) = 0")
    office.sql("UPDATE notice SET overtaken_at = now() WHERE mod(substr(subject, 3)::int, 10) = 0")
    office.work(100)
    reached = {row["subject"] for row in office.sql("SELECT DISTINCT subject FROM notice WHERE overtaken_at IS NULL")}
    assert set(office.states()) == {"SENT", "WITHDRAWN"} and sum(office.states().values()) == len(notices)
    assert 0 < len(reached) < people
    assert Counter(mail.recipient for mail in mails.mails) == {f"{one[2:]}@kundval.invalid": 1 for one in reached}
    carried = office.sql("SELECT n.late, n.overtaken_at FROM dispatch_notice JOIN notice n USING (notice)")
    assert len(carried) == office.states()["SENT"] and {row["overtaken_at"] for row in carried} == {None}
    office.work()
    assert len(mails.mails) == len(reached)
