"""Mails that come back, as mail servers really write them: what they say, and of which of ours."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_contracts.codes import ReceiptStatus
from kundval_notifications.channels.addresses import Mailbox
from kundval_notifications.incoming.returned import Returned, Unreadable, read

BOUNCES = Mailbox("retur", "kundval.invalid")
DOMAIN = "ids.invalid"
ID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def report(
    action: str = "failed",
    status: str = "5.1.1",
    *,
    to: str = f"retur+{ID}@kundval.invalid",
    envelope: str = f"Original-Envelope-Id: {ID}\n",
    message_id: str = f"<{ID}@{DOMAIN}>",
    part: str = "text/rfc822-headers",
) -> bytes:
    """A report as Postfix writes it."""
    return f"""Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@mx.exempel.invalid (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4WBc.172/mx.exempel.invalid"

This is a MIME-encapsulated message.

--4WBc.172/mx.exempel.invalid
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

<anna@exempel.invalid>: host mx.exempel.invalid said: 550 5.1.1 unknown (in reply to RCPT TO command)

--4WBc.172/mx.exempel.invalid
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.exempel.invalid
{envelope}X-Postfix-Queue-ID: 4WBc
Arrival-Date: Thu, 20 Jun 2024 11:30:00 +0200 (CEST)

Final-Recipient: rfc822; anna@exempel.invalid
Original-Recipient: rfc822;anna@exempel.invalid
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} anna@exempel.invalid unknown

--4WBc.172/mx.exempel.invalid
Content-Description: Undelivered Message Headers
Content-Type: {part}

From: no-reply@kundval.invalid
To: anna@exempel.invalid
Message-ID: {message_id}

--4WBc.172/mx.exempel.invalid--
""".encode()


COMPLAINT = f"""From: <fbl@exempel.invalid>
To: <abuse@kundval.invalid>
Subject: FW: Du har något att läsa
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1

--b
Content-Type: message/rfc822

From: <no-reply@kundval.invalid>
To: <anna@exempel.invalid>
Message-ID: <{ID}@{DOMAIN}>
Subject: x

text
--b--
""".encode()


def of(raw: bytes) -> Returned | None:
    return read(raw, BOUNCES, DOMAIN)


def test_a_mail_that_could_not_be_delivered_says_why() -> None:
    assert of(report()) == Returned(ID, ReceiptStatus.BOUNCED, "5.1.1")
    assert of(report("delayed", "4.4.1")) == Returned(ID, ReceiptStatus.DELAYED, "4.4.1")
    assert of(report("delivered", "2.0.0")) == Returned(ID, ReceiptStatus.DELIVERED, "2.0.0")
    assert of(report("FAILED ", "5.2.2 (mailbox of anna full)")) == Returned(ID, ReceiptStatus.BOUNCED, "5.2.2")
    assert of(report("failed", "anna@exempel.invalid")) == Returned(ID, ReceiptStatus.BOUNCED, None)


def test_what_went_on_to_where_nobody_reports_says_nothing() -> None:
    for action in ("relayed", "expanded"):
        assert of(report(action, "2.0.0")) is None


@pytest.mark.parametrize(
    "raw",
    [
        report(envelope="", message_id="<other@elsewhere.invalid>"),
        report(to="retur@kundval.invalid", message_id="<other@elsewhere.invalid>"),
        report(to="x@kundval.invalid", envelope=""),
        report(to="x@kundval.invalid", envelope="", part="message/rfc822"),
        report(to=f"Retur <RETUR+{ID}@Kundval.invalid>", envelope=""),
    ],
)
def test_which_mail_it_was_is_found_in_any_of_three_places(raw: bytes) -> None:
    assert of(raw) == Returned(ID, ReceiptStatus.BOUNCED, "5.1.1")


def test_the_address_that_it_came_back_to_goes_before_what_a_server_wrote() -> None:
    found = of(report(to="retur+first@kundval.invalid", envelope="Original-Envelope-Id: second\n"))
    assert found is not None and found.dispatch == "first"
    found = of(report(to="x@kundval.invalid", envelope="Original-Envelope-Id: second\n"))
    assert found is not None and found.dispatch == "second"


def test_a_complaint_is_about_the_mail_that_it_encloses() -> None:
    assert of(COMPLAINT) == Returned(ID, ReceiptStatus.COMPLAINED, None)


def test_an_absence_notice_says_nothing() -> None:
    notice = f"To: retur+{ID}@kundval.invalid\nAuto-Submitted: auto-replied (vacation)\n\nJag är på semester.\n"
    assert of(notice.encode()) is None


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "NO_REPORT"),
        (b"\x00\xff\xfe", "NO_REPORT"),
        (f"To: retur+{ID}@kundval.invalid\n\nHej, vad betyder detta?\n".encode(), "NO_REPORT"),
        (report("lost"), "NO_ACTION"),
        (report().replace(b"message/delivery-status", b"text/plain"), "NO_ACTION"),
        (report(to="x@y.invalid", envelope="", message_id="<a.b@elsewhere.invalid>"), "NO_MAIL_OF_OURS"),
        (
            report(to="retur+å/..@kundval.invalid", envelope="Original-Envelope-Id: a b\n", message_id="x"),
            "NO_MAIL_OF_OURS",
        ),
        (report(to=f"retur+{'a' * 49}@kundval.invalid", envelope="", message_id="x"), "NO_MAIL_OF_OURS"),
        (report().replace(b'boundary="4WBc.172/mx.exempel.invalid"', b'boundary="x"'), "NO_ACTION"),
    ],
)
def test_what_is_no_report_of_ours_is_for_a_person(raw: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        of(raw)
    assert (refused.value.code, str(refused.value)) == (code, code)


@given(st.data())
@settings(max_examples=200)
def test_however_it_is_mangled_it_is_read_or_put_aside(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([report(), COMPLAINT])))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        end = data.draw(st.integers(at, min(len(raw), at + 60)))
        raw[at:end] = data.draw(st.binary(max_size=30))
    try:
        found = of(bytes(raw))
    except Unreadable:
        return
    assert found is None or found.status in ReceiptStatus
