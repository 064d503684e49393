"""What an answer over HTTP says to a browser that gets it: show nothing of it inside anything, load nothing for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

StartResponse = Callable[[str, list[tuple[str, str]]], Any]

#: headers that an answer gets unless it says otherwise itself
HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


def guarded(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those headers, and of the guards those that are not among them."""
    said = {name.lower() for name, _ in headers}
    return [*headers, *(guard for guard in HEADERS if guard[0].lower() not in said)]


def guarding(start_response: StartResponse) -> StartResponse:
    """A `start_response` that adds the guards."""
    return lambda status, headers: start_response(status, guarded(headers))
