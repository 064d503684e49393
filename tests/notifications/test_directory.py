"""Addresses as people write them and as channels take them, sealed secrets, marks, and what a request must hold."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import Any

import phonenumbers
import pytest
from click.testing import CliRunner
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from kundval_contracts.codes import DeliveryChannel
from kundval_contracts.errors import InvalidRequest
from kundval_contracts.rpc import METHODS
from kundval_notifications.cli_notices import notices
from kundval_notifications.directory import Marks, link_key
from kundval_notifications.directory.addresses import mobile_number, webhook_fault
from kundval_notifications.directory.contacts import point
from kundval_notifications.directory.seal import Seal

FIRST, SECOND = "first:" + "1" * 32, "2" * 32
PLACE = ("town", "PROVIDER", "alfa")


# --- telephone numbers: of those that the telecom authority has set aside for films and books ----------------------


@pytest.mark.parametrize(
    "text", ["070-174 06 05", "0701740605", "+46 (0)70 174 06 05", "0046 70 1740605", "+46701740605", " 070-1740605 "]
)
def test_a_mobile_number_is_understood_however_it_is_written(text: str) -> None:
    assert mobile_number(text) == "+46701740605"


def test_a_mobile_number_of_another_country_keeps_its_country() -> None:
    example = phonenumbers.example_number_for_type("FI", PhoneNumberType.MOBILE)
    assert example is not None
    text = phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL)
    assert mobile_number(text) == text.replace(" ", "") and text.startswith("+358 ")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "ask her sister",
        "070",
        "08-465 004 99",
        "112",
        "+46",
        "+999701740605",
        "0701740605 0701740606",
        "0" * 50,
    ],
)
def test_what_takes_no_sms_is_no_address(text: str | None) -> None:
    assert mobile_number(text) is None


# --- webhooks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://system.example.se/in",
        "https://system.example.se:8443/in?x=1",
        "https://93.184.216.34/in",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/in",
        "https://xn--malm-8qa.example/in",
    ],
)
def test_a_webhook_goes_to_the_internet_by_https(url: str) -> None:
    assert webhook_fault(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://system.example.se/in",
        "ftp://system.example.se/in",
        "system.example.se/in",
        "",
        "https://",
        "https:///in",
        "https://user:word@system.example.se/in",
        "https://user@system.example.se/in",
        "https://@system.example.se/in",
        "https://system.example.se\\@inside.example/in",
        "https://system.example.se/in#part",
        "https://system.example.se/in\r\nHost: inside",
        "https://system.example.se/a b",
        "https://system.example.se:0/in",
        "https://system.example.se:99999/in",
        "https://[::1/in",
        "https://-system.example.se/in",
        "https://system..example.se/in",
    ],
)
def test_what_is_no_such_address_is_refused(url: str) -> None:
    assert webhook_fault(url) is not None


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST", "localhost.", "db.localhost", "intranet", "printer.local", "metadata.internal",
        "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[::ffff:127.0.0.1]",
        "[::ffff:a00:1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]", "2130706433", "0x7f.0.0.1", "0x7f000001", "127.1",
        "0177.0.0.1",
    ],
)  # fmt: skip
def test_a_webhook_leads_into_no_network_that_who_states_it_cannot_enter(host: str) -> None:
    assert webhook_fault(f"https://{host}/in") is not None


def test_a_network_inside_can_be_opened_to_webhooks() -> None:
    inside = [ipaddress.ip_network("10.1.0.0/16")]
    assert webhook_fault("https://10.1.2.3/in", inside) is None
    assert webhook_fault("https://journal.internal/in", inside) is None
    assert webhook_fault("https://10.2.2.3/in", inside) is not None
    assert webhook_fault("http://10.1.2.3/in", inside) is not None
    assert webhook_fault("http://127.0.0.1:8000/in", inside) is not None
    here = [ipaddress.ip_network("127.0.0.0/8")]
    assert webhook_fault("http://127.0.0.1:8000/in", here) is None
    assert webhook_fault("http://localhost:8000/in", here) is None


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_a_secret_opens_with_any_key_in_its_place_alone() -> None:
    sealed = Seal(FIRST).seal("whsec_x", *PLACE)
    assert b"whsec" not in sealed
    assert Seal(FIRST).seal("whsec_x", *PLACE) != sealed
    both = Seal(f"{SECOND}, {FIRST}")
    assert both.open(sealed, *PLACE) == "whsec_x"
    assert not both.is_current(sealed, *PLACE)
    assert Seal(FIRST).is_current(sealed, *PLACE)
    assert Seal(SECOND).open(sealed, *PLACE) is None
    assert both.open(sealed, "other", *PLACE[1:]) is None
    assert both.open(sealed[:-1], *PLACE) is None


def test_a_mark_shows_which_address_it_was_and_gives_none_away() -> None:
    marks = Marks(FIRST)
    mark = marks.mark(DeliveryChannel.EMAIL, "someone@example.org")
    assert len(mark) == 32
    assert mark == marks.mark(DeliveryChannel.EMAIL, "someone@example.org")
    assert mark != marks.mark(DeliveryChannel.EMAIL, "other@example.org")
    assert mark != marks.mark(DeliveryChannel.SMS, "someone@example.org")
    assert mark != Marks(SECOND).mark(DeliveryChannel.EMAIL, "someone@example.org")


def test_a_mark_can_be_shown_as_long_as_its_key_is_given_whatever_token_keys_came_since() -> None:
    address = (DeliveryChannel.EMAIL, "someone@example.org")
    config = {"KUNDVAL_SEALING_KEYS": FIRST, "KUNDVAL_TOKEN_KEY": "t" * 40}
    old = Marks.of(config).mark(*address)
    assert Marks.of(config | {"KUNDVAL_TOKEN_KEY": "u" * 40}).mark(*address) == old
    rotated = Marks.of(config | {"KUNDVAL_SEALING_KEYS": f"second:{SECOND},{FIRST}"})
    assert rotated.mark(*address) != old
    assert rotated.marks(*address)["first"] == old
    gone = Marks.of(config | {"KUNDVAL_SEALING_KEYS": SECOND})
    assert old not in gone.marks(*address).values()


def test_a_mark_of_the_first_versions_is_known_by_the_token_keys_of_then() -> None:
    former = hmac.digest(
        hashlib.sha256(f"addresses:{FIRST}".encode()).digest(), b"EMAIL\x1fsomeone@example.org", "sha256"
    )
    marks = Marks.of({"KUNDVAL_SEALING_KEYS": SECOND, "KUNDVAL_TOKEN_KEY": FIRST})
    assert former in marks.marks(DeliveryChannel.EMAIL, "someone@example.org").values()


def test_a_link_stays_when_a_new_key_comes_before_the_old_one() -> None:
    config = {"KUNDVAL_SEALING_KEYS": FIRST, "KUNDVAL_TOKEN_KEY": "t" * 40}
    assert link_key(config) == link_key(config | {"KUNDVAL_SEALING_KEYS": f"{SECOND},{FIRST}"})
    assert link_key(config) != link_key(config | {"KUNDVAL_SEALING_KEYS": SECOND})


def test_what_token_keys_have_sealed_opens_after_keys_of_its_own_came() -> None:
    sealed = Seal(FIRST).seal("whsec_x", *PLACE)
    now = Seal.of({"KUNDVAL_SEALING_KEYS": SECOND, "KUNDVAL_TOKEN_KEY": FIRST})
    assert now.open(sealed, *PLACE) == "whsec_x" and not now.is_current(sealed, *PLACE)


def test_an_address_is_not_shown_by_what_holds_it() -> None:
    row = {
        "person": "p-1",
        "protected": False,
        "language": "sv",
        "email": "someone@example.org",
        "phone": "070-174 06 05",
        "digital_mail": "199010102383",
    }
    told = point(row)
    assert told.addresses == {
        DeliveryChannel.EMAIL: "someone@example.org",
        DeliveryChannel.SMS: "+46701740605",
        DeliveryChannel.DIGITAL_MAIL: "199010102383",
    }
    assert not [address for address in told.addresses.values() if address in repr(told)]


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "fields", "paths"),
    [
        ("set_party", {"role": "CLIENT", "party": "p-1"}, ["role"]),
        ("set_party", {"role": "PROVIDER"}, ["party"]),
        ("set_party", {"role": "PROVIDER", "party": "*"}, ["party"]),
        ("set_party", {"role": "CONTROLLER", "email": "nobody"}, ["email"]),
        ("set_party", {"role": "CONTROLLER", "phone": "070-174 06 05"}, ["phone"]),
        ("set_party", {"role": "CONTROLLER", "language": "Swedish"}, ["language"]),
        ("set_party", {"role": "CONTROLLER", "new_secret": True}, ["new_secret"]),
        ("set_party", {"role": "CONTROLLER", "unit": "north"}, ["unit"]),
        ("prefer", {"refused": ["INBOX"]}, ["refused[0]"]),
        ("prefer", {"refused": ["SMS", "SMS"]}, ["refused"]),
        ("prefer", {"refused": ["SMS"], "channels": ["EMAIL", "SMS"]}, ["channels"]),
        ("prefer", {"channels": []}, ["channels"]),
        ("prefer", {"channels": ["EMAIL", "EMAIL"]}, ["channels"]),
        ("prefer", {"person": "p-1", "digest": True}, ["digest"]),
        ("prefer", {"person": "two words"}, ["person"]),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_path(
    method: str, fields: dict[str, Any], paths: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        METHODS[f"notifications.{method}"].load({"tenant": "town", **fields})
    assert [fault["path"] for fault in refused.value.faults] == paths


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"assignments": [], "channels": ["EMAIL"]}, ["assignments"]),
        ({"assignments": ["A"] * 501, "channels": ["EMAIL"]}, ["assignments"]),
        ({"assignments": ["A"], "channels": []}, ["channels"]),
        ({"assignments": ["A"], "channels": ["WEBHOOK"]}, ["channels[0]"]),
        ({"assignments": ["A"]}, ["channels"]),
    ],
)
def test_addresses_are_asked_for_by_channel_and_not_too_many_at_once(fields: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        METHODS["assignment.contact_points"].load({"tenant": "town", **fields})
    assert [fault["path"] for fault in refused.value.faults] == paths


def test_who_has_an_address_can_compare_its_marks_with_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"KUNDVAL_SEALING_KEYS": f"{SECOND},{FIRST}", "KUNDVAL_TOKEN_KEY": "t" * 40}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    kept = Marks(FIRST).mark(DeliveryChannel.EMAIL, "someone@example.org")
    shown = CliRunner().invoke(notices, ["marks", "EMAIL"], input="someone@example.org\n")
    assert shown.exit_code == 0
    assert f"{kept.hex()}  first" in shown.stdout.splitlines()
    other = CliRunner().invoke(notices, ["marks", "EMAIL"], input="other@example.org\n")
    assert kept.hex() not in other.stdout
