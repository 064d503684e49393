"""Settings of the notifications service beside those that every service has."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kundval_chassis.settings import (
    Setting,
    existing_folder,
    file,
    flag,
    folder,
    networks,
    number,
    one_of,
    text,
    uri,
)

from .channels.addresses import Mailbox, mailbox
from .channels.sms_profile import Profile, read_profile
from .channels.sms_text import sender
from .channels.web import trusting
from .directory.seal import Seal
from .texts.load import TextFault, read

_WEB = uri("https", "http")


def ascii_text(value: str) -> str:
    """What logging in by SMTP can carry."""
    if not text(value).isascii():
        raise ValueError("must consist of letters, digits and signs of ASCII")
    return value


def secret_names(value: str) -> tuple[str, ...]:
    """Parts of an address that nobody can guess, with commas between them: the first is given out, all are known."""
    names = tuple(one.strip() for one in value.split(","))
    if not all(re.fullmatch(r"[A-Za-z0-9._~-]{32,200}", one, re.ASCII) for one in names):
        raise ValueError("must be 32 to 200 letters, digits, dots, hyphens or underscores")
    if len(set(names)) != len(names):
        raise ValueError("holds one name twice")
    return names


def sealing_keys(value: str) -> str:
    """Keys of `kundval_notifications.directory.seal`."""
    Seal(value)
    return value


def web_https(value: str) -> str:
    """An address of a web server that shows a certificate; http only on this machine."""
    found = _WEB(value)
    if ";" in found or not re.match(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)", found):
        raise ValueError("must be one address that begins with https://")
    return found


def _mailbox(value: str) -> Mailbox:
    return mailbox(value)


def _profile(value: str) -> Profile:
    return read_profile(value)


SETTINGS = (
    Setting("LINK_BASE", text, "https://kundval.invalid", "start of the links in messages"),
    Setting("TEXTS", existing_folder, None, "folder of further texts, <language>.toml each"),
    Setting(
        "SEALING_KEYS",
        sealing_keys,
        None,
        "keys of webhook secrets and of marks of addresses; without it the token keys are these too",
    ),
    # e-mail
    Setting("OUTBOX_DIR", folder, None, "folder that gets each e-mail as a file if there is no mail server"),
    Setting("SMTP_HOST", text, None, "mail server that gets each e-mail"),
    Setting("SMTP_PORT", number(1, 65535), None, "its port; 587, with IMPLICIT 465, with NONE 25"),
    Setting("SMTP_TLS", one_of("STARTTLS", "IMPLICIT", "NONE"), "STARTTLS", "how TLS is spoken to it"),
    Setting("SMTP_USER", ascii_text, None, "who logs in there"),
    Setting("SMTP_PASSWORD", ascii_text, None, "with which password"),
    Setting("MAIL_FROM", _mailbox, mailbox("no-reply@kundval.invalid"), "sender; it must not say what this is about"),
    Setting("MAIL_DOMAIN", text, "kundval.invalid", "domain of the ids of e-mails"),
    Setting("MAIL_BOUNCES", _mailbox, None, "where e-mails come back to; a plus and an id are added before the @"),
    Setting("MAIL_RECEIPTS", flag, False, "whether to ask mail servers for a report of each delivery"),
    Setting("BOUNCE_DIR", existing_folder, None, "Maildir that gets what comes to that address"),
    # SMS
    Setting("SMS_URL", web_https, None, "where an aggregator takes SMS"),
    Setting("SMS_PROFILE", _profile, None, "json, 46elks, or a file: what its fields are called"),
    Setting("SMS_USER", text, None, "user there, if it asks for one"),
    Setting("SMS_SECRET", text, None, "token or password there"),
    Setting("SMS_FROM", sender, None, "who SMS say they are from; it must not say what this is about"),
    Setting("SMS_PARTS", number(1, 10), 3, "how many SMS a message may become"),
    Setting("SMS_RECEIPT_NAME", secret_names, None, "secret end of the address that its receipts are sent to"),
    # digital mail
    Setting("DIGITAL_MAIL_URL", web_https, None, "where an intermediary takes digital mail"),
    Setting("DIGITAL_MAIL_CERTIFICATE", file, None, "certificate that is shown to it (PEM)"),
    Setting("DIGITAL_MAIL_KEY", file, None, "its key (PEM)"),
    Setting("DIGITAL_MAIL_RECEIPT_NAME", secret_names, None, "secret end of the address that its receipts are sent to"),
    # webhooks
    Setting("WEBHOOKS", flag, False, "whether webhooks are sent"),
    Setting("WEBHOOK_NETWORKS", networks, (), "networks inside that webhooks may go to"),
    # how fast each instance of the service hands over, and what it does while nobody answers
    Setting("EMAIL_PER_SECOND", number(1, 10_000), None, "e-mails in a second at most"),
    Setting("SMS_PER_SECOND", number(1, 10_000), None, "SMS in a second at most"),
    Setting("DIGITAL_MAIL_PER_SECOND", number(1, 10_000), None, "digital letters in a second at most"),
    Setting("WEBHOOK_PER_SECOND", number(1, 10_000), None, "webhooks in a second at most"),
    Setting("OUTAGE_HOURS", number(1, 720), 4, "hours for which what is urgent waits for a channel that is away"),
    Setting("ADDRESS_MARK_DAYS", number(1, 36_500), None, "days for which it can be shown which address was used"),
    # all of them
    Setting("RECEIPT_BASE", web_https, None, "where the path /receipts is reachable from outside"),
)


def faults(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What does not fit together, as ``(key, message)``: a channel that is half configured must not look like one.

    values: all settings of the service, by name without prefix.
    """
    found = {name: values[name] is not None for name in values}

    def needs(name: str, *others: str) -> Iterator[tuple[str, str]]:
        if found[name]:
            for other in others:
                if not found[other]:
                    yield f"KUNDVAL_{other}", f"is not set, and KUNDVAL_{name} is"

    yield from needs("SMTP_USER", "SMTP_HOST", "SMTP_PASSWORD")
    yield from needs("SMTP_PASSWORD", "SMTP_USER")
    if found["SMTP_USER"] and values["SMTP_TLS"] == "NONE":
        yield "KUNDVAL_SMTP_TLS", "must not be NONE with KUNDVAL_SMTP_USER: the password would go in the open"
    yield from needs("BOUNCE_DIR", "MAIL_BOUNCES")
    yield from needs("SMS_URL", "SMS_PROFILE", "SMS_SECRET", "SMS_FROM")
    for name in ("SMS_PROFILE", "SMS_SECRET", "SMS_USER", "SMS_FROM", "SMS_RECEIPT_NAME"):
        yield from needs(name, "SMS_URL")
    if found["SMS_PROFILE"] and values["SMS_PROFILE"].auth == "BASIC" and not found["SMS_USER"]:
        yield "KUNDVAL_SMS_USER", "is not set, and the profile logs in with a user"
    yield from needs("DIGITAL_MAIL_URL", "DIGITAL_MAIL_CERTIFICATE", "DIGITAL_MAIL_KEY")
    for name in ("DIGITAL_MAIL_CERTIFICATE", "DIGITAL_MAIL_KEY", "DIGITAL_MAIL_RECEIPT_NAME"):
        yield from needs(name, "DIGITAL_MAIL_URL")
    for name in ("SMS_RECEIPT_NAME", "DIGITAL_MAIL_RECEIPT_NAME"):
        if found[name] and not found["HTTP_PORT"]:
            yield "KUNDVAL_NOTIFICATIONS_HTTP_PORT", f"is not set, and KUNDVAL_{name} is"
    if values["WEBHOOK_NETWORKS"] and not values["WEBHOOKS"]:
        yield "KUNDVAL_WEBHOOKS", "is not true, and KUNDVAL_WEBHOOK_NETWORKS is set"
    names = [set(values[f"{one}_RECEIPT_NAME"] or ()) for one in ("SMS", "DIGITAL_MAIL")]
    if names[0] & names[1]:
        yield "KUNDVAL_DIGITAL_MAIL_RECEIPT_NAME", "must differ from KUNDVAL_SMS_RECEIPT_NAME"
    yield from _files(values)
    yield from _texts(values)


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the texts, by file and path."""
    try:
        read(values["TEXTS"])
    except TextFault as error:
        yield from error.faults


def _files(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Certificates and keys that cannot be used."""
    authority: Path | None = values["TLS_AUTHORITY"]
    certificate, key = values["DIGITAL_MAIL_CERTIFICATE"], values["DIGITAL_MAIL_KEY"]
    if certificate is not None and key is not None:
        try:
            trusting(authority, certificate, key)
        except (OSError, ssl.SSLError):
            yield "KUNDVAL_DIGITAL_MAIL_KEY", "and KUNDVAL_DIGITAL_MAIL_CERTIFICATE name no certificate with its key"
