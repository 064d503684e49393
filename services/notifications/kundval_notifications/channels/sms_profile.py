"""What the fields of an aggregator's interface are called: data, `sms_profiles/` or a file of one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from kundval_contracts.codes import ReceiptStatus

from .receipt import Receipt, kept_code, kept_reference, read_fields

#: the profiles that come with the suite
PROFILES = ("json", "46elks")


@dataclass(frozen=True, slots=True)
class Profile:
    """What the fields of an aggregator's interface are called; None: it has no such field.

    body: how fields are sent. key_header: the header that makes a repeated request one. duplicate: statuses that say
    that it has this message already. always: fields with a fixed value. In a receipt, `receipt_reference` is the
    aggregator's name for the message; words of `statuses` that are missing say nothing.
    """

    body: Literal["JSON", "FORM"]
    auth: Literal["BEARER", "BASIC"]
    to: str
    sender: str
    text: str
    reference: str | None
    callback: str | None
    key_header: str | None
    duplicate: frozenset[int]
    answer_reference: str
    receipt_reference: str
    receipt_status: str
    receipt_code: str | None
    statuses: Mapping[str, ReceiptStatus]
    always: Mapping[str, str] = field(default_factory=dict)

    def receipt(self, body: bytes) -> Receipt | None:
        """What a receipt says; None: nothing that changes anything. Raises ValueError for what is none."""
        fields = read_fields(body, form=self.body == "FORM")
        reference, status = fields.get(self.receipt_reference), fields.get(self.receipt_status)
        if not (isinstance(reference, str) and kept_reference(reference) == reference and isinstance(status, str)):
            raise ValueError("is no receipt")
        if status.lower() not in self.statuses:
            return None
        code = fields.get(self.receipt_code) if self.receipt_code else None
        return Receipt(reference, self.statuses[status.lower()], kept_code(code))


def read_profile(which: str) -> Profile:
    """A profile of the suite by name, or that of a TOML file. Raises ValueError that names the key."""
    if which in PROFILES:
        text = resources.files(__package__).joinpath("sms_profiles", f"{which}.toml").read_text(encoding="utf-8")
    else:
        try:
            text = Path(which).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"must be {' or '.join(PROFILES)}, or a file that can be read") from None
    try:
        content = tomllib.loads(text)
        send, receipt = content["send"], content["receipt"]
        found = Profile(
            body=_word(send, "body", "JSON", "FORM"),
            auth=_word(send, "auth", "BEARER", "BASIC"),
            to=send["to"],
            sender=send["from"],
            text=send["text"],
            reference=send.get("reference"),
            callback=send.get("callback"),
            key_header=send.get("key_header"),
            duplicate=frozenset(send.get("duplicate", ())),
            answer_reference=send["answer_reference"],
            receipt_reference=receipt["reference"],
            receipt_status=receipt["status"],
            receipt_code=receipt.get("code"),
            statuses={word.lower(): ReceiptStatus(value) for word, value in receipt["statuses"].items()},
            always=dict(send.get("always", {})),
        )
    except KeyError as error:
        raise ValueError(f"names a profile without {error.args[0]}") from None
    except (tomllib.TOMLDecodeError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"names a profile that cannot be read: {error}") from None
    return found


def _word(table: Mapping[str, Any], key: str, *words: str) -> Any:
    if table[key] not in words:
        raise ValueError(f"{key} must be {' or '.join(words)}")
    return table[key]
