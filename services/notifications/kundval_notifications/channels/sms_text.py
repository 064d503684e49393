"""What an SMS can hold: how many a text becomes, and who it can say that it is from."""

from __future__ import annotations

import re

from .addresses import telephone

# GSM 03.38: what one of the 160 places holds, and what takes two
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_DOUBLE = frozenset("^{}\\[~]|€\f")

_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{3,11}", re.ASCII)


def parts(text: str) -> int:
    """How many SMS a text is sent as: 160 places in one or 153 in each of several, half of them if it has a letter
    outside of GSM-7 (70 and 67 units of UTF-16). A sign of two places is not split.
    """
    if all(char in _BASIC or char in _DOUBLE for char in text):
        return _parts([2 if char in _DOUBLE else 1 for char in text], 160, 153)
    return _parts([len(char.encode("utf-16-le")) // 2 for char in text], 70, 67)


def _parts(sizes: list[int], alone: int, each: int) -> int:
    if sum(sizes) <= alone:
        return 1
    count, left = 1, each
    for size in sizes:
        if size > left:
            count, left = count + 1, each
        left -= size
    return count


def sender(value: str) -> str:
    """Who an SMS says it is from: 3 to 11 letters and digits, or a telephone number. Raises ValueError."""
    if _SENDER.fullmatch(value):
        return value
    try:
        return telephone(value)
    except ValueError:
        raise ValueError("must be 3 to 11 letters and digits, or a telephone number with +") from None
