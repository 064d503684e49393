"""Signed webhooks: the standard's published vector, an independent reader, and all that must be refused."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from kundval_contracts.webhooks import (
    SIGNATURE,
    TOLERANCE,
    NotGenuine,
    headers,
    new_secret,
    read_secret,
    sign,
    verify,
)

# the vector that the standard's own libraries are tested with
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_" + b64encode(b"o" * 24).decode()


def refusal(given: dict[str, str], body: bytes = BODY, now: datetime = AT, secret: str = SECRET) -> str:
    with pytest.raises(NotGenuine) as refused:
        verify([secret], given, body, now)
    return refused.value.code


def test_the_published_vector() -> None:
    assert sign(SECRET, ID, AT, BODY) == SIGNED
    assert verify([SECRET], headers([SECRET], ID, AT, BODY), BODY, AT) == ID


@given(st.text("abcdef0123456789-_", min_size=1, max_size=40), st.text(max_size=200))
def test_another_reader_of_the_standard_takes_what_is_signed(id: str, text: str) -> None:
    secret, now = new_secret(), datetime.now(UTC)
    given = headers([OTHER, secret], id, now, text.encode())
    standardwebhooks.Webhook(secret).verify(text, given, json_parse=False)
    assert verify([secret], given, text.encode(), now) == id


@given(st.text("abcdef0123456789-_", min_size=1, max_size=40), st.text(max_size=200))
def test_what_another_signer_signs_is_taken(id: str, text: str) -> None:
    signed = standardwebhooks.Webhook(SECRET).sign(id, AT.replace(tzinfo=None), text)
    assert signed == sign(SECRET, id, AT, text.encode())


def test_while_a_secret_is_replaced_both_are_right_and_any_other_is_wrong() -> None:
    given = headers([OTHER, SECRET], ID, AT, BODY)
    for known in ([OTHER], [SECRET], [new_secret(), SECRET]):
        assert verify(known, given, BODY, AT) == ID
    assert refusal(given, secret=new_secret()) == "SIGNATURE"


def test_names_of_headers_are_read_in_any_case_and_a_missing_one_is_refused() -> None:
    given = headers([SECRET], ID, AT, BODY)
    assert verify([SECRET], {name.upper(): value for name, value in given.items()}, BODY, AT) == ID
    for name in given:
        assert refusal({other: value for other, value in given.items() if other != name}) == "HEADERS"


def test_what_was_changed_on_the_way_is_refused() -> None:
    given = headers([SECRET], ID, AT, BODY)
    assert refusal(given, BODY + b" ") == "SIGNATURE"
    assert refusal({**given, "webhook-id": "msg_other"}) == "SIGNATURE"
    assert refusal({**given, "webhook-timestamp": "1614265331"}) == "SIGNATURE"
    for signature in ("v1,", "v1a,AAAA", SIGNED.replace("v1,", "v2,"), SIGNED[:-2], "å", " ", f"{'x ' * 16}{SIGNED}"):
        assert refusal({**given, SIGNATURE: signature}) == "SIGNATURE"


def test_a_timestamp_holds_for_five_minutes_to_both_sides() -> None:
    given = headers([SECRET], ID, AT, BODY)
    moment = timedelta(seconds=1)
    for now in (AT - TOLERANCE, AT + TOLERANCE):
        assert verify([SECRET], given, BODY, now) == ID
    assert refusal(given, now=AT + TOLERANCE + moment) == "TOO_OLD"
    assert refusal(given, now=AT - TOLERANCE - moment) == "TOO_NEW"
    for seconds in ("soon", "-1", "1e9", "²", "9" * 12):
        assert refusal({**given, "webhook-timestamp": seconds}) == "TIMESTAMP"


def test_a_secret_is_base64_of_so_many_bytes_and_no_error_shows_it() -> None:
    assert len(read_secret(new_secret())) == 32
    for length, good in ((23, False), (24, True), (64, True), (65, False)):
        secret = "whsec_" + b64encode(b"s" * length).decode()
        if good:
            assert len(read_secret(secret)) == length
        else:
            with pytest.raises(ValueError) as refused:
                read_secret(secret)
            assert secret[6:] not in str(refused.value)
    for wrong in ("", "whsec_", "whsec_hemligt!", "å" * 32):
        with pytest.raises(ValueError):
            read_secret(wrong)


def test_an_id_has_no_dot_and_an_instant_has_a_time_zone() -> None:
    for id in ("", "a.b"):
        with pytest.raises(ValueError):
            sign(SECRET, id, AT, BODY)
    with pytest.raises(ValueError):
        sign(SECRET, ID, AT.replace(tzinfo=None), BODY)
    with pytest.raises(ValueError):
        headers([], ID, AT, BODY)
