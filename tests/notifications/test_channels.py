"""The channels against real servers: what is handed over, what an answer means, what can never be handed over."""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_contracts import webhooks
from kundval_notifications.channels.addresses import Mailbox, mailbox, telephone
from kundval_notifications.channels.digital_mail import DigitalMail
from kundval_notifications.channels.folder import Folder
from kundval_notifications.channels.mail import Letterhead, compose
from kundval_notifications.channels.port import (
    Accepted,
    ChannelError,
    Content,
    NotNow,
    Parcel,
    Port,
    Refused,
    Unreachable,
)
from kundval_notifications.channels.sms import Account, Sms
from kundval_notifications.channels.sms_profile import read_profile
from kundval_notifications.channels.sms_text import parts, sender
from kundval_notifications.channels.smtp import Server, Smtp
from kundval_notifications.channels.web import LARGEST, LONGEST, Web, trusting
from kundval_notifications.channels.webhook import Webhook

from .servers import Answer, Certificates, HttpServer, MailServer, Request, SmsServer

CONTENT = Content(
    "sv",
    "Du har något att läsa – logga in",
    "Hej!\n\nDu har något att läsa.\n.\nhttps://kundval.invalid/n/abc\n",
    "<p>Hej! Du har något att läsa.</p>",
    "nudge",
    "3",
)
MAIL = Parcel("a1b2c3", "nacka", "anna@exempel.invalid", CONTENT, datetime(2024, 6, 20, 9, 30, tzinfo=UTC))
SMS = replace(MAIL, address="+46701740605")
LETTERHEAD = Letterhead(mailbox("no-reply@kundval.invalid"), "ids.invalid")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def trust(certificates: Certificates) -> ssl.SSLContext:
    return trusting(certificates.authority)


def parcel(number: int, like: Parcel = MAIL) -> Parcel:
    return replace(like, id=f"p{number}")


def outcome(port: Port, one: Parcel) -> tuple[type, str]:
    """What handing over came to: the kind of error and its code, which shows nothing of whom it was for."""
    with pytest.raises(ChannelError) as failed:
        port.send(one)
    shown = f"{failed.value!r} {failed.value} {failed.value.__cause__!r}"
    for word in (one.address, one.address.partition("@")[0], "exempel", "t0ken", "läsa"):
        assert word not in shown
    return type(failed.value), failed.value.code


# --- addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("anna.o'neil+1@Exempel.invalid", "anna.o'neil+1@exempel.invalid"),
        ("anna@åhus.invalid", "anna@xn--hus-tla.invalid"),
        ("åsa@exempel.invalid", "åsa@exempel.invalid"),
        ("a@localhost", "a@localhost"),
    ],
)
def test_an_address_is_written_as_a_mail_server_wants_it(address: str, written: str) -> None:
    assert str(mailbox(address)) == written
    assert mailbox(address).utf8 == (not written.isascii())


WRONG = (
    "anna", "@x.se", "a@", "a@b@x.se", "a b@x.se", "a@x..se", ".a@x.se", "a.@x.se", "a@-x.se", "<a@x.se>", "a,b@x.se",
    '"a b"@x.se', "a@[127.0.0.1]", "a@x.se\r\nBcc: b@x.se", "a\n@x.se", "a\u2028b@x.se", "a\u00a0b@x.se", "a\x85@x.se",
    "a\u202eb@x.se", "a" * 65 + "@x.se", "a@" + "x." * 130 + "se", "Anna <a@x.se>", "a@x.se>", "a@x_y.se", "x",
)  # fmt: skip


@pytest.mark.parametrize("address", WRONG)
def test_what_is_no_address_is_refused_without_being_shown(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as refused:
        mailbox(address)
    assert str(refused.value) == "is no e-mail address"
    with pytest.raises(Refused, match=r"\ABAD_ADDRESS\Z"):
        Folder(tmp_path, LETTERHEAD).send(replace(MAIL, address=address))
    assert not list(tmp_path.iterdir())


def test_a_telephone_number_has_its_country() -> None:
    assert telephone("+46701740605") == "+46701740605"
    for wrong in (
        "0701740605",
        "46701740605",
        "+0701740605",
        "+46",
        "+46 70",
        "+4670174060512345",
        "+46701740605\n",
        "+４６７０",
    ):
        with pytest.raises(ValueError):
            telephone(wrong)


# --- the mail ------------------------------------------------------------------------------------------


def read(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_mail_is_the_same_words_as_text_and_as_html() -> None:
    mail = read(compose(MAIL, LETTERHEAD))
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content() == CONTENT.text
    assert html.get_content() == CONTENT.html
    assert mail["Subject"] == CONTENT.subject
    assert (mail["From"], mail["To"]) == ("no-reply@kundval.invalid", "anna@exempel.invalid")
    assert mail["Message-ID"] == "<a1b2c3@ids.invalid>"
    assert mail["Date"].datetime == MAIL.created_at
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "sv")
    assert not [part.defects for part in mail.walk() if part.defects]
    assert not [name for name in mail if name.lower().startswith("list-")]
    only_text = read(compose(replace(MAIL, content=replace(CONTENT, html=None)), LETTERHEAD))
    assert (only_text.get_content_type(), only_text.get_content()) == ("text/plain", CONTENT.text)


def test_a_mail_made_again_is_the_same_bytes_and_another_parcel_is_another() -> None:
    assert compose(MAIL, LETTERHEAD) == compose(MAIL, LETTERHEAD)
    assert compose(parcel(2), LETTERHEAD) != compose(MAIL, LETTERHEAD)


@given(st.text(max_size=300))
@settings(max_examples=25)
def test_no_subject_can_add_a_header_or_end_one(subject: str) -> None:
    mail = read(compose(replace(MAIL, content=replace(CONTENT, subject=f"{subject}\r\nBcc: a@b.invalid")), LETTERHEAD))
    assert mail["Bcc"] is None
    assert set(mail) == set(read(compose(MAIL, LETTERHEAD)))
    assert [part.get_content() for part in mail.iter_parts()] == [CONTENT.text, CONTENT.html]


def test_a_folder_holds_a_parcel_once_and_nothing_half(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new", LETTERHEAD)
    for one in (MAIL, MAIL, parcel(2), replace(parcel(3), tenant="../../åre")):
        assert folder.send(one) == Accepted()
    files = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert files == {"new/nacka/a1b2c3.eml", "new/nacka/p2.eml", "new/=2E=2E=2F=2E=2E=2F=C3=A5re/p3.eml"}
    (tmp_path / "file").write_text("")
    assert outcome(Folder(tmp_path / "file", LETTERHEAD), MAIL)[0] is Unreachable


# --- SMTP ----------------------------------------------------------------------------------------------


def smtp(server: MailServer, trust: ssl.SSLContext, **more: Any) -> Smtp:
    return Smtp(Server("localhost", server.port, server.tls, trust, **more), LETTERHEAD)


@pytest.fixture(scope="module")
def post(certificates: Certificates) -> Iterator[MailServer]:
    """A mail server that is well."""
    with MailServer(tls="STARTTLS", certificates=certificates, login=("kundval", "losen")) as server:
        yield server


@pytest.fixture
def mails(post: MailServer) -> MailServer:
    post.mails.clear()
    post.copies.clear()
    post.refuse = lambda mail: None
    post.refuse_address = lambda address: None
    post.grey, post.lose = False, 0
    return post


LOGIN = ("kundval", "losen")


def test_mails_go_over_one_connection_and_arrive_as_they_were_written(mails: MailServer, trust: ssl.SSLContext) -> None:
    before = mails.connections
    port = smtp(mails, trust, login=LOGIN)
    for number in range(3):
        assert port.send(parcel(number)) == Accepted()
    port.close()
    assert mails.connections == before + 1
    assert [mail.raw for mail in mails.mails] == [compose(parcel(number), LETTERHEAD) for number in range(3)]
    assert not any(b"\n" in mail.raw.replace(b"\r\n", b"") for mail in mails.mails)
    assert {(mail.sender, mail.recipient) for mail in mails.mails} == {
        ("no-reply@kundval.invalid", "anna@exempel.invalid")
    }


def test_a_returned_mail_says_which_it_was(mails: MailServer, trust: ssl.SSLContext) -> None:
    bounces = Mailbox("retur", "kundval.invalid")
    for reports, notify in ((False, "NOTIFY=FAILURE,DELAY"), (True, "NOTIFY=SUCCESS,FAILURE,DELAY")):
        port = smtp(mails, trust, login=LOGIN, bounces=bounces, reports=reports)
        port.send(MAIL)
        port.close()
        assert mails.mails[-1].sender == "retur+a1b2c3@kundval.invalid"
        assert mails.mails[-1].mail_options == "RET=HDRS ENVID=a1b2c3"
        assert mails.mails[-1].rcpt_options == notify


def test_what_an_answer_means(mails: MailServer, trust: ssl.SSLContext) -> None:
    port = smtp(mails, trust, login=LOGIN)
    before = mails.connections
    for answer, meaning in {
        "550 5.1.1 <anna@exempel.invalid> unknown": (Refused, "SMTP_550 5.1.1"),
        "554 anna@exempel.invalid is not wanted": (Refused, "SMTP_554"),
        "451 4.7.1 grey": (NotNow, "SMTP_451 4.7.1"),
        "452 4.2.2 full": (NotNow, "SMTP_452 4.2.2"),
    }.items():
        mails.refuse_address, mails.refuse = (lambda address, answer=answer: answer), lambda mail: None
        assert outcome(port, MAIL) == meaning
        mails.refuse_address, mails.refuse = (lambda address: None), (lambda mail, answer=answer: answer)
        assert outcome(port, MAIL) == meaning
    mails.refuse = lambda mail: None
    assert port.send(MAIL) == Accepted()
    # what is wrong with one mail is no reason to connect anew
    assert (mails.connections, len(mails.mails)) == (before + 1, 1)
    mails.refuse_address = lambda address: "421 4.3.2 going down"
    assert outcome(port, MAIL) == (Unreachable, "SMTP_421 4.3.2")
    port.close()


def test_who_is_put_off_once_gets_it_the_next_time(mails: MailServer, trust: ssl.SSLContext) -> None:
    mails.grey = True
    port = smtp(mails, trust, login=LOGIN)
    one = replace(MAIL, address="grey@exempel.invalid")
    assert outcome(port, one) == (NotNow, "SMTP_451 4.7.1")
    assert port.send(one) == Accepted()
    port.close()


def test_an_answer_that_is_lost_leaves_a_mail_that_comes_again_under_its_id(
    mails: MailServer, trust: ssl.SSLContext
) -> None:
    mails.lose = 1
    port = smtp(mails, trust, login=LOGIN)
    assert outcome(port, MAIL) == (Unreachable, "LOST_IN_DATA")
    assert port.send(MAIL) == Accepted()
    assert mails.copies == {"<a1b2c3@ids.invalid>": 2} and len(mails.once) == 1
    assert mails.mails[0].raw == mails.mails[1].raw
    port.close()


def test_a_server_that_went_away_is_called_again_and_a_kept_connection_that_ended_is_made_anew(
    certificates: Certificates, trust: ssl.SSLContext
) -> None:
    with MailServer(tls="IMPLICIT", certificates=certificates, utf8=False, reports=False) as server:
        port = smtp(server, trust)
        assert port.send(parcel(1)) == Accepted()
        server.close()
        assert outcome(port, parcel(2)) == (Unreachable, "ConnectionRefusedError")
        server.open()
        assert port.send(parcel(2)) == Accepted()
        # it restarts between two mails: nobody notices
        server.close()
        server.open()
        assert port.send(parcel(3)) == Accepted()
        assert [mail.id for mail in server.mails] == [f"<p{number}@ids.invalid>" for number in (1, 2, 3)]
        assert {mail.mail_options for mail in server.mails} == {""}
        # it can take no address outside of ASCII, and is not asked to
        assert outcome(port, replace(MAIL, address="åsa@exempel.invalid")) == (Refused, "NO_SMTPUTF8")
        assert port.send(replace(parcel(4), address="asa@åhus.invalid")) == Accepted()
        assert server.mails[-1].recipient == "asa@xn--hus-tla.invalid"
        port.close()


def test_an_address_outside_of_ascii_goes_as_it_is_where_it_can(mails: MailServer, trust: ssl.SSLContext) -> None:
    port = smtp(mails, trust, login=LOGIN)
    port.send(replace(MAIL, address="åsa@exempel.invalid"))
    port.send(parcel(2))
    assert [mail.utf8 for mail in mails.mails] == [True, False]
    assert mails.mails[0].recipient == "åsa@exempel.invalid"
    assert "To: åsa@exempel.invalid".encode() in mails.mails[0].raw
    port.close()


def test_no_mail_and_no_password_goes_to_who_does_not_show_who_it_is(
    certificates: Certificates, mails: MailServer, trust: ssl.SSLContext
) -> None:
    stranger = trusting(None)
    assert outcome(smtp(mails, stranger, login=LOGIN), MAIL) == (Unreachable, "SSLCertVerificationError")
    assert outcome(smtp(mails, trust, login=("kundval", "fel")), MAIL)[0] is Unreachable
    assert outcome(smtp(mails, trust), MAIL)[0] is Unreachable
    assert not mails.mails
    with MailServer() as plain:
        asked = Smtp(Server("localhost", plain.port, "STARTTLS", trust, login=LOGIN), LETTERHEAD)
        assert outcome(asked, MAIL) == (Unreachable, "SMTPNotSupportedError")
        assert not plain.mails
        assert smtp(plain, trust).send(MAIL) == Accepted()


def test_a_server_that_says_nothing_is_not_waited_for_long(
    trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kundval_notifications.channels.smtp.SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = Smtp(Server("127.0.0.1", silent.getsockname()[1], "NONE", trust), LETTERHEAD)
        assert outcome(port, MAIL) == (Unreachable, "SMTPServerDisconnected")


# --- SMS -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("å" * 160, 1), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1),
        ("€" * 81, 2), ("a" * 152 + "€" + "a" * 7, 2), ("ș" * 70, 1), ("ș" * 71, 2), ("ș" * 134, 2), ("ș" * 135, 3),
        ("😀" * 35, 1), ("😀" * 36, 2), ("a" * 69 + "–", 1), ("a" * 70 + "–", 2),
    ],
)  # fmt: skip
def test_how_many_sms_a_text_becomes(text: str, count: int) -> None:
    assert parts(text) == count


def test_who_an_sms_is_from() -> None:
    for good in ("Kommunen", "Nacka 24", "+46701740605", "A23"):
        assert sender(good) == good
    for wrong in ("", "Ab", "Nacka kommun", "Åre", "12345", "A-B", "Kommunen\n"):
        with pytest.raises(ValueError):
            sender(wrong)


@pytest.fixture(scope="module")
def aggregator(certificates: Certificates) -> Iterator[SmsServer]:
    with SmsServer(certificates=certificates) as server:
        yield server


@pytest.fixture
def sms(aggregator: SmsServer, trust: ssl.SSLContext) -> Iterator[Sms]:
    aggregator.messages.clear()
    aggregator.requests.clear()
    aggregator.repeats.clear()
    account = Account(
        f"{aggregator.base}/sms", "Kommunen", aggregator.token, callback="https://kundval.invalid/receipts/x"
    )
    port = Sms(account, read_profile("json"), Web(trust))
    yield port
    port.close()
    aggregator.refuse, aggregator.busy, aggregator.lose = (lambda message: None), None, 0


def test_an_sms_goes_over_a_kept_connection_and_brings_a_reference(aggregator: SmsServer, sms: Sms) -> None:
    for number in range(3):
        assert sms.send(parcel(number, SMS)) == Accepted(f"sms-p{number}")
    assert aggregator.connections == 1
    assert aggregator.messages["p1"] == {
        "to": "+46701740605",
        "from": "Kommunen",
        "message": CONTENT.text,
        "reference": "p1",
        "callback": "https://kundval.invalid/receipts/x",
    }
    assert aggregator.requests[1].headers["idempotency-key"] == "p1"
    # a number is in no address, which others write down
    assert {request.path for request in aggregator.requests} == {"/sms"}


def test_an_sms_that_it_has_already_counts_as_taken(aggregator: SmsServer, sms: Sms) -> None:
    assert sms.send(SMS) == sms.send(SMS) == Accepted("sms-a1b2c3")
    aggregator.lose = 1
    assert sms.send(parcel(7, SMS)) == Accepted("sms-p7")
    assert (len(aggregator.messages), aggregator.repeats) == (2, {"a1b2c3": 1, "p7": 1})


@pytest.mark.parametrize("id", ["\0", "\ud800", "", None, ["x"]])
def test_a_name_that_could_not_be_kept_is_none(sms: Sms, aggregator: SmsServer, id: Any) -> None:
    with HttpServer(certificates=aggregator.certificates) as strange:
        strange.answer = lambda request: Answer(201, json.dumps({"id": id}).encode())
        account = Account(f"{strange.base}/sms", "Kommunen", "t0ken")
        assert Sms(account, read_profile("json"), sms._web).send(SMS) == Accepted(None)


def test_an_sms_is_not_repeated_at_once_to_who_cannot_know_it(
    trust: ssl.SSLContext, certificates: Certificates
) -> None:
    with HttpServer(certificates=certificates) as forgetful:
        forgetful.lose = 9
        account = Account(f"{forgetful.base}/sms", "Kommunen", "secret", user="u")
        with pytest.raises(Unreachable) as lost:
            Sms(account, read_profile("46elks"), Web(trust)).send(SMS)
        assert lost.value.perhaps and len(forgetful.requests) == 1
    with pytest.raises(Unreachable) as away:
        Sms(account, read_profile("46elks"), Web(trust)).send(SMS)
    assert not away.value.perhaps


def test_what_an_aggregators_status_means(aggregator: SmsServer, sms: Sms) -> None:
    for status, meaning in {
        400: Refused, 422: Refused, 410: Refused, 500: NotNow, 429: NotNow, 408: NotNow, 502: Unreachable,
        503: Unreachable, 401: Unreachable, 402: Unreachable, 403: Unreachable, 404: Unreachable, 301: Unreachable,
    }.items():  # fmt: skip
        aggregator.refuse = lambda message, status=status: status
        assert outcome(sms, SMS) == (meaning, f"HTTP_{status}")
    assert not aggregator.messages


@pytest.mark.parametrize(
    ("asked", "seconds"), [("30", 30), ("0", 1), ("-5", None), ("99999999", LONGEST), ("soon", None), ("", None)]
)
def test_who_is_busy_says_how_long(aggregator: SmsServer, sms: Sms, asked: str, seconds: int | None) -> None:
    aggregator.busy = asked  # type: ignore[assignment]
    with pytest.raises(NotNow) as later:
        sms.send(SMS)
    assert (later.value.seconds, later.value.alone) == (seconds, False)


def test_no_number_and_a_text_too_long_are_never_sent(aggregator: SmsServer, sms: Sms) -> None:
    assert outcome(sms, replace(SMS, address="0701740605")) == (Refused, "BAD_ADDRESS")
    long = replace(CONTENT, text="x" * 460)
    assert outcome(sms, replace(SMS, content=long)) == (Refused, "TOO_LONG")
    assert not aggregator.requests


def test_another_aggregators_fields_are_data(trust: ssl.SSLContext, certificates: Certificates) -> None:
    with HttpServer(certificates=certificates) as server:
        server.answer = lambda request: Answer(200, b'{"id": "s70df59406a1b4643b96f3f91e0bfb7b0"}')
        account = Account(server.base, "Kommunen", "pw", user="u1", callback="https://kundval.invalid/receipts/x")
        port = Sms(account, read_profile("46elks"), Web(trust))
        assert port.send(SMS) == Accepted("s70df59406a1b4643b96f3f91e0bfb7b0")
        request = server.requests[0]
        assert request.headers["authorization"] == "Basic dTE6cHc="
        assert request.body.startswith(b"dontlog=message&to=%2B46701740605&from=Kommunen&message=Hej%21")
        assert b"whendelivered=https%3A%2F%2Fkundval.invalid%2Freceipts%2Fx" in request.body
        port.close()


def test_a_profile_that_lacks_something_is_named(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    good = Path(sys.modules["kundval_notifications.channels.sms"].__file__ or "").parent / "sms_profiles" / "json.toml"
    file.write_text(good.read_text())
    assert read_profile(str(file)) == read_profile("json")
    for old, new, word in (
        ('to = "to"', "", "to"),
        ('body = "JSON"', 'body = "XML"', "body"),
        ('"DELAYED"', '"LATE"', "LATE"),
        ("[send]", "[send", "cannot be read"),
    ):
        file.write_text(good.read_text().replace(old, new, 1))
        with pytest.raises(ValueError, match=word):
            read_profile(str(file))
    with pytest.raises(ValueError, match="json or 46elks"):
        read_profile("none")


# --- digital mail --------------------------------------------------------------------------------------


def test_digital_mail_goes_to_who_has_a_mailbox_by_an_intermediary_that_knows_us(certificates: Certificates) -> None:
    taken: dict[str, Any] = {}

    def answer(request: Request) -> Answer:
        body = request.json
        if request.path == "/v1/reachable":
            return Answer(200, json.dumps({"reachable": body["recipient"] == "1"}).encode())
        seen = body["reference"] in taken
        taken[body["reference"]] = body
        return Answer(409 if seen else 201, b'{"id": "m-1"}')

    known = trusting(certificates.authority, certificates.client, certificates.client_key)
    with HttpServer(certificates=certificates, ask_client=True) as server:
        server.answer = answer
        port = DigitalMail(f"{server.base}/v1", Web(known))
        one = replace(MAIL, address="1")
        assert port.send(one) == port.send(one) == Accepted("m-1")
        assert taken == {
            "a1b2c3": {
                "reference": "a1b2c3",
                "recipient": "1",
                "subject": CONTENT.subject,
                "text": CONTENT.text,
                "language": "sv",
            }
        }
        with pytest.raises(Refused, match="NOT_REACHABLE"):
            port.send(replace(MAIL, address="2"))
        port.close()
        server.answer = lambda request: Answer(503)
        with pytest.raises(Unreachable, match="HTTP_503"):
            port.send(one)
        asked = len(server.requests)
        with pytest.raises(Unreachable):
            DigitalMail(server.base, Web(trusting(certificates.authority))).send(one)
        assert len(server.requests) == asked, "who shows no certificate is not listened to"
        port.close()


# --- webhooks ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def partner(certificates: Certificates) -> Iterator[HttpServer]:
    with HttpServer(certificates=certificates) as server:
        yield server


@pytest.fixture
def hook(partner: HttpServer, trust: ssl.SSLContext) -> Iterator[Webhook]:
    partner.requests.clear()
    partner.answer = lambda request: Answer()
    port = Webhook(Web(trust), LOOPBACK)
    yield port
    port.close()


def to(server: HttpServer, **more: Any) -> Parcel:
    data = {"about": "ASSIGNMENT", "subject": "A-1", "kind": "STARTED", "on": "2024-06-20"}
    return replace(MAIL, address=f"{server.base}/hook?x=1", data=data, secret=SECRET, **more)


def test_a_webhook_is_signed_and_the_same_when_it_comes_again(partner: HttpServer, hook: Webhook) -> None:
    for _ in range(2):
        assert hook.send(to(partner)) == Accepted()
    first, again = partner.requests
    assert first.connection == again.connection
    assert (first.path, first.headers["host"]) == ("/hook?x=1", f"localhost:{partner.port}")
    assert first.json == {
        "type": "notifications.notice",
        "timestamp": "2024-06-20T09:30:00+00:00",
        "data": to(partner).data,
    }
    for request in (first, again):
        assert webhooks.verify([SECRET], request.headers, request.body, datetime.now(UTC)) == "a1b2c3"
    assert first.body == again.body


def test_while_a_secret_is_replaced_it_is_signed_with_both(partner: HttpServer, hook: Webhook) -> None:
    new = webhooks.new_secret()
    hook.send(replace(to(partner), secret=f"{new} {SECRET}"))
    request = partner.requests[0]
    for secret in (new, SECRET):
        assert webhooks.verify([secret], request.headers, request.body, datetime.now(UTC)) == "a1b2c3"
    assert outcome(hook, replace(to(partner), secret=None)) == (Refused, "BAD_SECRET")
    assert outcome(hook, replace(to(partner), secret="whsec_short")) == (Refused, "BAD_SECRET")


def test_the_signature_says_when_it_was_sent_not_when_it_was_written(
    partner: HttpServer, trust: ssl.SSLContext
) -> None:
    later = MAIL.created_at + timedelta(days=3)
    Webhook(Web(trust), LOOPBACK, now=lambda: later).send(to(partner))
    assert partner.requests[-1].headers["webhook-timestamp"] == str(int(later.timestamp()))


def test_what_a_partners_status_means_for_it_alone(partner: HttpServer, hook: Webhook) -> None:
    for status, meaning in {
        410: Refused, 400: Refused, 422: Refused, 302: Refused, 401: NotNow, 404: NotNow, 500: NotNow, 503: NotNow,
    }.items():  # fmt: skip
        partner.answer = lambda request, status=status: Answer(status, headers={"Location": "https://kundval.invalid"})
        with pytest.raises(meaning) as failed:
            hook.send(to(partner))
        assert failed.value.code == f"HTTP_{status}"
        assert getattr(failed.value, "closed", False) == (status == 410)
        assert getattr(failed.value, "alone", True)
    assert len(partner.requests) == 8, "no redirect is followed"
    partner.answer = lambda request: Answer(429, headers={"Retry-After": "120"})
    with pytest.raises(NotNow) as later:
        hook.send(to(partner))
    assert (later.value.seconds, later.value.alone) == (120, True)


def test_a_partner_that_is_away_or_is_not_who_it_says_holds_up_nobody_else(partner: HttpServer, hook: Webhook) -> None:
    for broken in (Webhook(Web(trusting(None)), LOOPBACK), hook):
        if broken is hook:
            partner.close()
        with pytest.raises(NotNow) as failed:
            broken.send(to(partner))
        assert failed.value.alone
    partner.open()
    assert hook.send(to(partner)) == Accepted()


def test_an_answer_without_end_is_not_read_to_its_end(partner: HttpServer, hook: Webhook) -> None:
    partner.answer = lambda request: Answer(200, b"x" * (LARGEST * 20))
    assert hook.send(to(partner)) == hook.send(to(partner)) == Accepted()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook", "ftp://example.org/", "https:///x", "https://u:p@example.org/", "//example.org",
        "https://10.1.2.3/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data", "https://[::1]/",
        "https://[64:ff9b::a9fe:a9fe]/", "https://[2002:a9fe:a9fe::1]/", "https://[::a00:1]/", "https://[fec0::1]/",
        "https://[64:ff9b:1::a00:1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/", "https://0.0.0.0/", "https://localhost/",
        "https://2130706433/", "https://[fd00::1]/", "https://224.0.0.1/", "https://100.64.0.1/", "https://åre.se/",
        "https://x.se/a b", "x", "",
        "https://127.0.0.1:99999/", "https://127.0.0.1\r\nX: y/",
    ],
)  # fmt: skip
def test_a_webhook_goes_nowhere_inside_and_nowhere_in_the_open(url: str, trust: ssl.SSLContext) -> None:
    with pytest.raises(ChannelError) as failed:
        Webhook(Web(trust)).send(replace(MAIL, address=url, secret=SECRET))
    assert failed.value.code in ("BAD_ADDRESS", "NO_SUCH_HOST")


def test_on_this_machine_a_webhook_may_go_in_the_open_if_its_network_is_named(trust: ssl.SSLContext) -> None:
    with HttpServer() as plain:
        assert Webhook(Web(trust), LOOPBACK).send(to(plain)) == Accepted()
        assert outcome(Webhook(Web(trust)), to(plain)) == (Refused, "BAD_ADDRESS")
    inside = Webhook(Web(trust), [ipaddress.ip_network("10.0.0.0/8")])
    assert outcome(inside, replace(to(plain), address="http://10.1.2.3/")) == (Refused, "BAD_ADDRESS")


# --- as services run -----------------------------------------------------------------------------------


def test_channels_let_others_run_while_they_wait(certificates: Certificates) -> None:
    """In a process as a service is one: a slow server keeps nothing else waiting, nor does one without end."""
    program = textwrap.dedent(
        """
        from kundval_chassis import bootstrap
        import sys, eventlet
        from datetime import UTC, datetime
        from pathlib import Path
        from kundval_notifications.channels import limit
        from kundval_notifications.channels.addresses import mailbox
        from kundval_notifications.channels.mail import Letterhead
        from kundval_notifications.channels.port import ChannelError, Content, Parcel
        from kundval_notifications.channels.sms import Account, Sms
        from kundval_notifications.channels.sms_profile import read_profile
        from kundval_notifications.channels.smtp import Server, Smtp
        from kundval_notifications.channels.web import Web, trusting

        trust, (mail, web, drip, flood, floods) = trusting(Path(sys.argv[1])), sys.argv[2:]
        limit.limited.__wrapped__.__defaults__ = (2.0,)
        content = Content("sv", "Hej", "Hej", "<p>Hej</p>", "nudge", "1")

        def send(port, address):
            try:
                return port.send(Parcel("a1b2c3", "nacka", address, content, datetime.now(UTC)))
            except ChannelError as error:
                return f"{type(error).__name__} {error.code}"

        def sms(url):
            return Sms(Account(url, "Kommunen", "t0ken"), read_profile("json"), Web(trust)), "+46701740605"

        letterhead = Letterhead(mailbox("no-reply@kundval.invalid"), "ids.invalid")
        ports = [
            (Smtp(Server("localhost", int(mail), "STARTTLS", trust), letterhead), "anna@exempel.invalid"),
            sms(f"https://localhost:{web}"),
            sms(f"http://localhost:{drip}"),
            sms(f"http://localhost:{flood}"),
            (Smtp(Server("localhost", int(floods), "NONE", trust), letterhead), "anna@exempel.invalid"),
        ]
        turns = 0
        def turn():
            global turns
            while True:
                turns += 1
                eventlet.sleep(0.01)
        eventlet.spawn(turn)
        print([thread.wait() for thread in [eventlet.spawn(send, *one) for one in ports]])
        print(turns > 20)
        """
    )
    with (
        MailServer(tls="STARTTLS", certificates=certificates) as mail,
        SmsServer(certificates=certificates) as web,
        Dripping() as drip,
        Flooding(b"HTTP/1.1 100 Continue\r\n\r\n") as flood,
        Flooding(b"220-welcome\r\n") as floods,
    ):
        mail.slow = web.slow = 0.5
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, str(certificates.authority)]
            + [str(port) for port in (mail.port, web.port, drip.port, flood.port, floods.port)],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=Path(__file__).resolve().parents[2],
        )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        "[Accepted(reference=None), Accepted(reference='sms-a1b2c3'), 'Unreachable ReadTimeoutError',"
        " 'Unreachable ReadTimeoutError', 'Unreachable SMTPServerDisconnected']",
        "True",
    ]
    assert (len(mail.mails), len(web.messages)) == (1, 1)


class Flooding:
    """Says the same without end, faster than anybody reads."""

    def __init__(self, words: bytes):
        self._words = words * 2000

    def __enter__(self) -> Flooding:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._flood, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _flood(self) -> None:
        with suppress(OSError):
            caller, _ = self._socket.accept()
            with caller:
                while True:
                    caller.sendall(self._words)


class Dripping:
    """Answers a header line now and then, without end."""

    def __enter__(self) -> Dripping:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._over = threading.Event()
        threading.Thread(target=self._drip, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._socket.close()

    def _drip(self) -> None:
        try:
            caller, _ = self._socket.accept()
            with caller:
                caller.sendall(b"HTTP/1.1 200 OK\r\n")
                while not self._over.wait(0.2):
                    caller.sendall(b"X: y\r\n")
        except OSError:
            pass
