"""What other systems tell: financial assistance, studies, incomes. Nothing of it is taken in but through the gate."""

from __future__ import annotations

from .take import Came, hear, settle, settle_linked, take

__all__ = ["Came", "hear", "settle", "settle_linked", "take"]
