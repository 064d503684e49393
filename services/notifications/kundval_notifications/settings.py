"""Settings of the notifications service beside those that every service has."""

from __future__ import annotations

from kundval_chassis.settings import Setting, flag, folder, number, text

SETTINGS = (
    Setting("OUTBOX_DIR", folder, None, "folder that gets each message as an .eml file"),
    Setting("SMTP_HOST", text, None, "mail server that gets each message"),
    Setting("SMTP_PORT", number(1, 65535), 25, "port of the mail server"),
    Setting("SMTP_STARTTLS", flag, False, "whether to speak TLS to the mail server"),
    Setting("MAIL_FROM", text, "no-reply@kundval.invalid", "sender; it must not say what the messages are about"),
    Setting("MAIL_DOMAIN", text, "kundval.invalid", "domain of the recipients' addresses"),
    Setting("LINK_BASE", text, "https://kundval.invalid", "start of the links in messages"),
)
