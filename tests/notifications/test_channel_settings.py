"""Channels as settings: what is half configured is named by its key, and a service without any channel starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

import pytest

from kundval_chassis.settings import SettingsError, load
from kundval_contracts.codes import DeliveryChannel
from kundval_notifications import channels
from kundval_notifications.channels.folder import Folder
from kundval_notifications.channels.smtp import Smtp
from kundval_notifications.settings import SETTINGS, faults

from .servers import Certificates

BASE = {
    "KUNDVAL_AMQP_URI": "amqp://localhost/",
    "KUNDVAL_NOTIFICATIONS_DATABASE_URI": "postgresql://localhost/notifications",
    "KUNDVAL_TOKEN_KEY": "k" * 32,
    "KUNDVAL_NOTIFICATIONS_HTTP_PORT": "8100",
}
SMTP = {"KUNDVAL_SMTP_HOST": "mail.invalid", "KUNDVAL_SMTP_USER": "u", "KUNDVAL_SMTP_PASSWORD": "hemligt"}
SMS = {
    "KUNDVAL_SMS_URL": "https://sms.invalid/",
    "KUNDVAL_SMS_PROFILE": "json",
    "KUNDVAL_SMS_SECRET": "hemligt",
    "KUNDVAL_SMS_FROM": "Kommunen",
}
E, S, D, W = (getattr(DeliveryChannel, name) for name in ("EMAIL", "SMS", "DIGITAL_MAIL", "WEBHOOK"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def found(given: Mapping[str, str]) -> dict[str, str]:
    """The faults of settings; no message shows a value."""
    try:
        result = dict(faults(load("notifications", {**BASE, **given}, more=SETTINGS)))
    except SettingsError as error:
        result = dict(error.faults)
    assert not [text for text in result.values() if "hemligt" in text or "nn@" in text]
    return result


def ports(given: Mapping[str, str]) -> dict[DeliveryChannel, channels.Port]:
    assert found(given) == {}
    return channels.from_settings(load("notifications", {**BASE, **given}, more=SETTINGS).nameko())


def test_without_any_setting_there_is_no_channel() -> None:
    assert ports({}) == {}


def test_each_channel_is_there_when_it_is_configured(certificates: Certificates, tmp_path: Path) -> None:
    digital = {
        "KUNDVAL_DIGITAL_MAIL_URL": "https://post.invalid/v1",
        "KUNDVAL_DIGITAL_MAIL_CERTIFICATE": str(certificates.client),
        "KUNDVAL_DIGITAL_MAIL_KEY": str(certificates.client_key),
        "KUNDVAL_TLS_AUTHORITY": str(certificates.authority),
    }
    hooks = {"KUNDVAL_WEBHOOKS": "true", "KUNDVAL_WEBHOOK_NETWORKS": "10.0.0.0/8, 127.0.0.0/8"}
    assert set(ports({**SMTP, **SMS, **digital, **hooks})) == {E, S, D, W}
    assert isinstance(ports({"KUNDVAL_OUTBOX_DIR": str(tmp_path)})[E], Folder)
    # with a mail server nothing is left lying in a folder
    assert isinstance(ports({"KUNDVAL_OUTBOX_DIR": str(tmp_path), **SMTP})[E], Smtp)


def test_a_secret_comes_as_a_value_or_from_a_file_and_not_as_both(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hemligt\n")
    given = {"KUNDVAL_SMTP_HOST": "mail.invalid", "KUNDVAL_SMTP_USER": "u", "KUNDVAL_SMTP_PASSWORD_FILE": str(file)}
    port = ports(given)[E]
    assert isinstance(port, Smtp) and port._server.login == ("u", "hemligt")
    assert set(found({**given, "KUNDVAL_SMTP_PASSWORD": "hemligt"})) == {"KUNDVAL_SMTP_PASSWORD"}
    file.write_text("\n")
    assert set(found(given)) == {"KUNDVAL_SMTP_PASSWORD_FILE"}
    assert set(found({**given, "KUNDVAL_SMTP_PASSWORD_FILE": "/nowhere"})) == {"KUNDVAL_SMTP_PASSWORD_FILE"}


def test_the_port_of_the_mail_server_follows_how_tls_is_spoken() -> None:
    for tls, usual in (("STARTTLS", 587), ("IMPLICIT", 465), ("NONE", 25)):
        port = ports({"KUNDVAL_SMTP_HOST": "mail.invalid", "KUNDVAL_SMTP_TLS": tls})[E]
        assert isinstance(port, Smtp) and (port._server.port, port._server.tls) == (usual, tls)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"SMTP_USER": "u", "SMTP_HOST": "h"}, {"SMTP_PASSWORD"}),
        ({"SMTP_PASSWORD": "hemligt", "SMTP_HOST": "h"}, {"SMTP_USER"}),
        ({"SMTP_USER": "u", "SMTP_PASSWORD": "hemligt"}, {"SMTP_HOST"}),
        ({"SMTP_USER": "u", "SMTP_PASSWORD": "hemligt", "SMTP_HOST": "h", "SMTP_TLS": "NONE"}, {"SMTP_TLS"}),
        ({"SMTP_USER": "u", "SMTP_PASSWORD": "hemligtå", "SMTP_HOST": "h"}, {"SMTP_PASSWORD"}),
        ({"SMTP_TLS": "MAYBE"}, {"SMTP_TLS"}),
        ({"MAIL_FROM": "nn@"}, {"MAIL_FROM"}),
        ({"BOUNCE_DIR": "/"}, {"MAIL_BOUNCES"}),
        ({"BOUNCE_DIR": "/nowhere", "MAIL_BOUNCES": "retur@x.invalid"}, {"BOUNCE_DIR"}),
        ({"SMS_URL": "https://x.invalid"}, {"SMS_PROFILE", "SMS_SECRET", "SMS_FROM"}),
        ({"SMS_FROM": "Kommunen"}, {"SMS_URL"}),
        ({"SMS_URL": "http://x.invalid"}, {"SMS_URL"}),
        ({"SMS_FROM": "Nacka kommun"}, {"SMS_FROM"}),
        ({"SMS_PROFILE": "none"}, {"SMS_PROFILE"}),
        ({"DIGITAL_MAIL_URL": "https://x.invalid"}, {"DIGITAL_MAIL_CERTIFICATE", "DIGITAL_MAIL_KEY"}),
        ({"WEBHOOK_NETWORKS": "10.0.0.0/8"}, {"WEBHOOKS"}),
        ({"WEBHOOK_NETWORKS": "10.0.0.1/8", "WEBHOOKS": "true"}, {"WEBHOOK_NETWORKS"}),
        ({"SMS_RECEIPT_NAME": "short"}, {"SMS_RECEIPT_NAME"}),
        ({"SMS_RECEIPT_NAME": "n" * 40}, {"SMS_URL"}),
        ({"TLS_AUTHORITY": __file__}, {"TLS_AUTHORITY"}),
    ],
)
def test_what_is_half_configured_is_named(given: dict[str, str], named: set[str]) -> None:
    assert set(found({f"KUNDVAL_{name}": value for name, value in given.items()})) == {
        f"KUNDVAL_{name}" for name in named
    }


def test_receipts_need_a_profile_with_its_user_an_open_port_and_names_of_their_own(certificates: Certificates) -> None:
    elks = {**SMS, "KUNDVAL_SMS_PROFILE": "46elks"}
    assert set(found(elks)) == {"KUNDVAL_SMS_USER"}
    named = {**SMS, "KUNDVAL_SMS_RECEIPT_NAME": "n" * 40}
    assert found(named) == {}
    assert set(found({**named, "KUNDVAL_NOTIFICATIONS_HTTP_PORT": ""})) == {"KUNDVAL_NOTIFICATIONS_HTTP_PORT"}
    digital = {
        "KUNDVAL_DIGITAL_MAIL_URL": "https://post.invalid",
        "KUNDVAL_DIGITAL_MAIL_CERTIFICATE": str(certificates.client),
        "KUNDVAL_DIGITAL_MAIL_KEY": str(certificates.client_key),
        "KUNDVAL_DIGITAL_MAIL_RECEIPT_NAME": "n" * 40,
    }
    assert set(found({**named, **digital})) == {"KUNDVAL_DIGITAL_MAIL_RECEIPT_NAME"}
    wrong = {**digital, "KUNDVAL_DIGITAL_MAIL_KEY": str(certificates.authority)}
    assert set(found(wrong)) == {"KUNDVAL_DIGITAL_MAIL_KEY"}


def test_networks_are_read_as_networks() -> None:
    settings = load("notifications", {**BASE, "KUNDVAL_WEBHOOK_NETWORKS": "10.0.0.0/8,fd00::/8"}, more=SETTINGS)
    assert settings["WEBHOOK_NETWORKS"] == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_a_service_with_half_a_channel_does_not_start() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KUNDVAL_")}
    program = "import sys; from kundval_chassis import runner; sys.exit(runner.run(['notifications']))"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**environment, **BASE, "KUNDVAL_SMS_URL": "https://sms.invalid", "KUNDVAL_SMS_PROFILE": "json"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 2
    assert run.stderr.splitlines() == [
        "KUNDVAL_SMS_SECRET: is not set, and KUNDVAL_SMS_URL is",
        "KUNDVAL_SMS_FROM: is not set, and KUNDVAL_SMS_URL is",
    ]
