"""The ways by which a message leaves: one port, an adapter for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kundval_contracts.codes import DeliveryChannel

from .digital_mail import DigitalMail
from .folder import Folder
from .mail import Letterhead
from .port import Port
from .sms import Account, Sms
from .smtp import Server, Smtp
from .web import Web, trusting
from .webhook import Webhook

_PORTS = {"STARTTLS": 587, "IMPLICIT": 465, "NONE": 25}


def from_settings(config: Mapping[str, Any]) -> dict[DeliveryChannel, Port]:
    """The channels that are configured, by what they are; none is without one. Each call makes new ones, which share
    no connection.

    config: the settings of the service under their full keys, as a container has them.
    """
    ports: list[Port] = [
        *_email(config),
        *_sms(config),
        *_digital_mail(config),
        *_webhook(config),
    ]
    return {port.channel: port for port in ports}


def receipt_names(config: Mapping[str, Any]) -> dict[str, DeliveryChannel]:
    """The secret ends of the addresses that receipts come to."""
    named = {"SMS_RECEIPT_NAME": DeliveryChannel.SMS, "DIGITAL_MAIL_RECEIPT_NAME": DeliveryChannel.DIGITAL_MAIL}
    return {name: channel for key, channel in named.items() for name in config[f"KUNDVAL_{key}"] or ()}


def _email(config: Mapping[str, Any]) -> Iterator[Port]:
    letterhead = Letterhead(config["KUNDVAL_MAIL_FROM"], config["KUNDVAL_MAIL_DOMAIN"])
    if config["KUNDVAL_SMTP_HOST"] is not None:
        tls, user = config["KUNDVAL_SMTP_TLS"], config["KUNDVAL_SMTP_USER"]
        server = Server(
            host=config["KUNDVAL_SMTP_HOST"],
            port=config["KUNDVAL_SMTP_PORT"] or _PORTS[tls],
            tls=tls,
            context=trusting(config["KUNDVAL_TLS_AUTHORITY"]),
            login=(user, config["KUNDVAL_SMTP_PASSWORD"]) if user is not None else None,
            bounces=config["KUNDVAL_MAIL_BOUNCES"],
            reports=config["KUNDVAL_MAIL_RECEIPTS"],
        )
        yield Smtp(server, letterhead)
    elif config["KUNDVAL_OUTBOX_DIR"] is not None:
        yield Folder(config["KUNDVAL_OUTBOX_DIR"], letterhead)


def _sms(config: Mapping[str, Any]) -> Iterator[Port]:
    if config["KUNDVAL_SMS_URL"] is None:
        return
    base, names = config["KUNDVAL_RECEIPT_BASE"], config["KUNDVAL_SMS_RECEIPT_NAME"]
    account = Account(
        url=config["KUNDVAL_SMS_URL"],
        sender=config["KUNDVAL_SMS_FROM"],
        secret=config["KUNDVAL_SMS_SECRET"],
        user=config["KUNDVAL_SMS_USER"],
        callback=f"{base.rstrip('/')}/{names[0]}" if base is not None and names is not None else None,
        most_parts=config["KUNDVAL_SMS_PARTS"],
    )
    yield Sms(account, config["KUNDVAL_SMS_PROFILE"], Web(trusting(config["KUNDVAL_TLS_AUTHORITY"])))


def _digital_mail(config: Mapping[str, Any]) -> Iterator[Port]:
    if config["KUNDVAL_DIGITAL_MAIL_URL"] is None:
        return
    files = ("TLS_AUTHORITY", "DIGITAL_MAIL_CERTIFICATE", "DIGITAL_MAIL_KEY")
    context = trusting(*(config[f"KUNDVAL_{name}"] for name in files))
    yield DigitalMail(config["KUNDVAL_DIGITAL_MAIL_URL"], Web(context))


def _webhook(config: Mapping[str, Any]) -> Iterator[Port]:
    if config["KUNDVAL_WEBHOOKS"]:
        yield Webhook(Web(trusting(config["KUNDVAL_TLS_AUTHORITY"])), config["KUNDVAL_WEBHOOK_NETWORKS"])
