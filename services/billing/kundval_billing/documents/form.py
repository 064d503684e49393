"""A document as JSON, as it is stored, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kundval_contracts.shapes import schema_for

from ..domain.documents import Document
from ..domain.parties import Vat

_SCHEMA = schema_for(Document, "StoredDocument")
_VAT = schema_for(Vat, "StoredVat")


def dump(document: Document) -> dict[str, Any]:
    """JSON types; decimals are strings."""
    found: dict[str, Any] = _SCHEMA.dump(document)
    return found


def load(content: Mapping[str, Any]) -> Document:
    """The document that `dump` wrote."""
    found: Document = _SCHEMA.load(content)
    return found


def load_vat(content: Mapping[str, Any]) -> Vat:
    """The VAT of a document that `dump` wrote."""
    found: Vat = _VAT.load(content)
    return found
