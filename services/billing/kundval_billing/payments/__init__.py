"""From what is due to what is paid: runs that recognise money, and payments that put it on its way."""

from .run import Run, run_payments, turn

__all__ = ["Run", "run_payments", "turn"]
