"""The money of each programme as data: which known parts it is made of, with which amounts, from when."""

from __future__ import annotations

from .codes import Direction, Programme


def direction_of(programme: Programme) -> Direction:
    """Who pays whom for this programme."""
    return Direction.RECEIVABLE if programme.is_som or programme.is_rum else Direction.PAYABLE
