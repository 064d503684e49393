"""What the other side of a channel says of a message later."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from kundval_contracts.codes import ReceiptStatus

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """reference: the other side's name for the message, or ours. code: why, if it says so."""

    reference: str
    status: ReceiptStatus
    code: str | None = None


def kept_reference(found: object) -> str | None:
    """The other side's name for a message, 200 characters at most; None for what no table could hold or nobody read."""
    text = str(found)[:200] if isinstance(found, str | int) else ""
    return text if text and text.isprintable() else None


def kept_code(code: object) -> str | None:
    """A code is a number or a word. Anything longer may be a sentence about somebody, and is not kept."""
    text = str(code) if isinstance(code, str | int) else ""
    return text if _CODE.fullmatch(text) else None


def read_fields(body: bytes, *, form: bool) -> Mapping[str, Any]:
    """The fields of a form or of a JSON object. Raises ValueError."""
    text = body.decode()
    try:
        found = dict(parse_qsl(text, max_num_fields=50)) if form else json.loads(text)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("is no object")
    return found


def plain_receipt(body: bytes) -> Receipt:
    """A receipt in the suite's own words, ``{"reference", "status", "code"?}``. Raises ValueError."""
    fields = read_fields(body, form=False)
    reference = fields.get("reference")
    if not isinstance(reference, str) or kept_reference(reference) != reference:
        raise ValueError("is no receipt")
    return Receipt(reference, ReceiptStatus(str(fields.get("status"))), kept_code(fields.get("code")))
